"""Trouble in Python: limits, faults, chaos, and the verdict on a client."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from mockdock import MockDock, ScenarioError, UsageError, VerificationError
from mockdock.testing import DockServer
from tests.testing.helpers import ask, loose, said, streamed
from tests.testing.projects import run

pytest_plugins = ["pytester"]


def test_limits_refuse_what_is_too_much_and_tell_how_they_stand(dock: MockDock) -> None:
    dock.reply("Hello!")
    dock.limits({"per": "model", "rpm": 2})
    ask(dock)
    ask(dock)
    with pytest.raises(openai.RateLimitError, match="Limit 2"):
        ask(dock, retries=0)
    (meter,) = dock.meters
    assert (meter.measure, meter.remaining, meter.of) == ("rpm", 0, {"model": "gpt-4o"})
    dock.limits()
    assert (said(dock), dock.meters) == ("Hello!", [])


def test_faults_break_replies_until_they_are_taken_away(dock: MockDock) -> None:
    dock.replies("one", "two", "three")
    dock.faults({"type": "truncate", "after": {"tokens": 0}})
    with pytest.raises(openai.APIConnectionError):
        ask(dock, retries=0)
    assert dock.calls.last.faults == ("truncate",)
    assert dock.calls.last.outcome.ending == "cut"
    dock.faults()
    assert said(dock) == "two"
    assert not dock.calls.last.faults
    assert [rule.used for rule in dock.rules] == [2]
    assert "cut by truncate" in dock.report()
    assert dock.counts().broken == 1


def test_a_reply_may_have_faults_of_its_own(dock: MockDock) -> None:
    dock.when(user="cut").reply("a b c", faults=["reset"]).then.reply("a b c")
    with pytest.raises(openai.APIConnectionError):
        ask(dock, "cut", retries=0)
    assert streamed(dock, "cut") == "a b c"


def test_an_error_says_when_to_come_back_in_the_form_that_is_wanted(dock: MockDock) -> None:
    dock.fail("rate_limit", retry_after=20, header="seconds")
    with pytest.raises(openai.RateLimitError) as error:
        ask(dock, retries=0)
    assert "retry-after" in error.value.response.headers
    assert "retry-after-ms" not in error.value.response.headers


def test_chaos_strikes_by_chance_and_0_is_none(dock: MockDock) -> None:
    dock.reply("Hello!")
    dock.chaos(1, mix={503: 1})
    with pytest.raises(openai.InternalServerError):
        ask(dock, retries=0)
    dock.chaos(0)
    assert (said(dock), dock.trouble["chaos"]) == ("Hello!", None)
    dock.chaos(0, mix={503: 1})
    assert dock.trouble["chaos"] == {"rate": 0.0, "mix": {"503": 1.0}}


def test_a_timeline_goes_by_the_clock_of_the_session(dock_server: DockServer) -> None:
    with loose(dock_server, time_scale="manual") as dock:
        dock.reply("Hello!")
        dock.timeline({"at": "30s", "for": "60s", "error": 503})
        assert said(dock) == "Hello!"
        dock.clock.advance(30)
        with pytest.raises(openai.InternalServerError):
            ask(dock, retries=0)
        dock.clock.advance(60)
        assert said(dock) == "Hello!"
        dock.timeline()
        assert dock.trouble["timeline"] == []


def test_wrong_trouble_is_told(dock: MockDock) -> None:
    for wrong in ({"rpm": 0}, {"rmp": 3}, {}):
        with pytest.raises(ScenarioError):
            dock.limits(wrong)
    with pytest.raises(ScenarioError, match="truncate"):
        dock.faults("truncat")
    nothing: Any = 5
    with pytest.raises(UsageError, match="write the name of a policy, or a mapping"):
        dock.audit(nothing)
    with pytest.raises(ScenarioError, match="openai-python"):
        dock.audit("openai-pyton")


def test_the_sdks_own_retries_are_what_any_client_should_do(dock: MockDock) -> None:
    dock.fail("rate_limit", attempts=2, retry_after=20).then.reply("At last.")
    assert said(dock) == "At last."
    audit = dock.audit()
    audit.assert_ok()
    assert (audit.ok, audit.policy) == (True, "default")
    assert audit.figures.amplification == 3.0
    assert [(len(call.attempts), call.outcome) for call in audit.calls] == [(3, "succeeded")]
    assert {line.name: line.verdict for line in audit.lines}["retry"] == "ok"
    assert audit.to_json()["figures"]["attempts"] == 3
    assert repr(audit) == "<ClientAudit default kept>"


def test_a_client_that_retries_what_it_must_not_fails_with_the_line(dock: MockDock) -> None:
    dock.fail(400)
    for attempt in range(2):
        headers = {"x-stainless-retry-count": str(attempt), "idempotency-key": "k"}
        with pytest.raises(openai.BadRequestError):
            ask(dock, retries=0, extra_headers=headers)
    audit = dock.audit("openai-python")
    assert [line.name for line in audit.lines if line.verdict == "failed"] == ["never"]
    assert repr(audit) == "<ClientAudit openai-python broken: never>"
    with pytest.raises(VerificationError) as error:
        audit.assert_ok()
    assert str(error.value).startswith("the client broke 1 line of the policy openai-python:\n")
    assert "never" in str(error.value)


def test_the_policy_of_the_scenario_goes_before_the_default_one(dock_server: DockServer) -> None:
    scenario = {"mockdock": 1, "audit": {"policy": "langchain", "max_attempts": 2}}
    with loose(dock_server, scenario) as dock:
        assert dock.audit().policy == "langchain, changed"
        assert dock.audit("openai-node").policy == "openai-node"
        assert dock.audit({"max_attempts": 1}).policy == "default, changed"


def test_the_report_of_a_failed_test_shows_what_was_broken(pytester: pytest.Pytester) -> None:
    test = """
        from openai import OpenAI
        from app import ask

        def test_it(mockdock):
            mockdock.reply("x", faults=[{"type": "truncate", "end": "rst"}])
            ask(**mockdock.openai)

        def test_verdict(mockdock):
            mockdock.fail(429, retry_after=20).then.reply("x")
            with OpenAI(**mockdock.openai) as client:
                client.chat.completions.create(
                    model="gpt-4o", messages=[{"role": "user", "content": "Hi"}]
                )
            mockdock.audit({"max_attempts": 1}).assert_ok()
        """
    result = run(pytester, test)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*#1 POST /v1/chat/completions 200 *cut by truncate*",
            "*VerificationError: the client broke 1 line of the policy default, changed:*",
            "*max_attempts: *",
        ]
    )


@pytest.mark.parametrize("rate", [None, "", False, [], True, "often", {}])
def test_chaos_is_turned_off_by_0_only(dock: MockDock, rate: Any) -> None:
    dock.chaos(0.5)
    with pytest.raises(
        UsageError, match=r"^chaos\(.*\): write the share of requests, 0 to 1; 0: none"
    ):
        dock.chaos(rate)
    assert dock.trouble["chaos"]["rate"] == 0.5
    dock.chaos(0.0)
    assert dock.trouble["chaos"] is None


@pytest.mark.parametrize("policy", [{"policy": []}, {"retry": {"statuses": [[429]]}}])
def test_a_policy_of_nonsense_is_told(dock: MockDock, policy: Any) -> None:
    with pytest.raises(ScenarioError, match="unknown value a list, one of"):
        dock.audit(policy)
