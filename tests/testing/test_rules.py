"""Rules in Python: when they apply, what they answer, and what they count."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import pytest
from openai import APIStatusError, NotFoundError, RateLimitError

from mockdock import MockDock, ScenarioError, UsageError, VerificationError
from tests.testing.helpers import WEATHER, ask, said, streamed

TOOL_HISTORY: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "How is the weather?"},
    {
        "role": "assistant",
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "get_weather", "arguments": "{}"},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
]


@pytest.mark.parametrize(
    ("conditions", "fits", "other"),
    [
        ({"dialect": "openai"}, {}, None),
        ({"api": "chat"}, {}, None),
        ({"model": "gpt-4*"}, {"model": "gpt-4o-mini"}, {"model": "o3"}),
        ({"model": ("o3", "gpt-4o")}, {}, {"model": "gpt-4.1"}),
        ({"user": "weather"}, {"text": "The weather?"}, {"text": "Hello"}),
        ({"user": re.compile("^we", re.IGNORECASE)}, {"text": "WE go"}, {"text": "no, we"}),
        ({"user": {"not": re.compile("no")}}, {"text": "yes"}, {"text": "no"}),
        ({"user": {"matches": re.compile(r"\Aa.b\Z", re.DOTALL)}}, {"text": "a\nb"}, {"text": "b"}),
        ({"user": MappingProxyType({"equals": "x"})}, {"text": "x"}, {"text": "xx"}),
        ({"system": "brief"}, {"messages": TOOL_HISTORY}, {}),
        ({"turn": 1}, {}, {"messages": [{"role": "user", "content": "a"}] * 2}),
        ({"turn": {"at_least": 2}}, {"messages": [{"role": "user", "content": "a"}] * 2}, {}),
        ({"attempt": 1}, {}, None),
        ({"after_tool": "get_*"}, {"messages": TOOL_HISTORY}, {}),
        ({"offers_tool": True}, {"tools": [WEATHER]}, {}),
        ({"stream": False}, {}, None),
        ({"headers": {"X-Team": "blue"}}, {"extra_headers": {"x-team": "blue"}}, {}),
        ({"headers": {"x-team": re.compile("^b")}}, {"extra_headers": {"x-team": "blue"}}, {}),
        ({"headers": {"x-team": False}}, {}, {"extra_headers": {"x-team": "blue"}}),
        ({"body": {"temperature": 0.5}}, {"temperature": 0.5}, {"temperature": 1}),
        ({"state": {"open": True}}, {}, None),
        ({"where": lambda request: request.user == "hop"}, {"text": "hop"}, {"text": "hip"}),
        ({"where": lambda request: request.attempt == 1, "user": "a"}, {"text": "a"}, {}),
    ],
)
def test_a_rule_answers_what_meets_its_conditions(
    dock: MockDock, conditions: dict[str, Any], fits: dict[str, Any], other: dict[str, Any] | None
) -> None:
    dock.set_state(open=True)
    rule = dock.when(**conditions).reply("met")
    assert said(dock, **fits) == "met"
    if other is not None:
        with pytest.raises(NotFoundError):
            ask(dock, **other)
    assert rule.count == rule.calls.count == 1


def test_rules_answer_in_the_order_they_were_made_but_the_first(dock: MockDock) -> None:
    dock.when(user="a").reply("one")
    dock.when(user="a").reply("two")
    assert said(dock, "a") == "one"
    dock.when(user="a", first=True).reply("zero")
    assert said(dock, "a") == "zero"


def test_rules_go_before_those_of_the_scenario(dock: MockDock) -> None:
    dock.load({"mockdock": 1, "rules": [{"name": "behind", "reply": "scenario"}]})
    dock.when(user="a").reply("python").times(1)
    assert [said(dock, "a"), said(dock, "a")] == ["python", "scenario"]
    assert dock.calls.last.rule == "behind"


def test_the_other_fields_of_a_rule_are_those_of_the_language(dock: MockDock) -> None:
    rule = dock.when(
        name="steps", per="session", after_last="cycle", times=3, set_state={"step": "done"}
    ).replies("one", "two")
    assert rule.name == "steps"
    assert said(dock, "x") == "one"
    assert dock.state == {"step": "done"}
    assert [said(dock, "y"), said(dock, "y")] == ["two", "one"]
    with pytest.raises(NotFoundError):
        ask(dock)
    dock.when(user="z", per="request").replies({"error": 503}, "by attempt")
    assert [said(dock, "z 1"), said(dock, "z 2")] == ["by attempt", "by attempt"]


def test_a_rule_is_named_by_its_line(dock: MockDock) -> None:
    name = dock.reply("x").name
    assert re.fullmatch(r"test_rules\.py:\d+", name)
    assert repr(dock.when(name="n")) == "<Matching n>"
    assert repr(dock.when(name="n").reply("x")) == "<RuleHandle n>"


def test_a_reply_has_every_field_of_the_language(
    dock: MockDock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # files are below the working directory
    (tmp_path / "said.txt").write_text("from a file")
    dock.when(user="text").reply(
        "Sunny.",
        finish="length",
        usage={"prompt_tokens": 7},
        headers=MappingProxyType({"x-extra": "yes"}),
        logprobs={"mean": -0.5, "spread": 0},
        pacing={"ttft": "20s", "tps": 1},
        reasoning=3,
    )
    dock.when(user="file").reply(file=Path("said.txt"))
    dock.when(user="refusal").reply(refusal="No.")
    dock.when(user="generate").reply(generate={"kind": "echo"})
    dock.when(user="tools").reply(
        tool_calls=[{"name": "f", "arguments": {"a": (1, 2)}, "id": "c1"}]
    )
    dock.when(user="choices").reply(choices=["a", {"text": "b"}])
    dock.when(user="json").reply(json={"b": 1, "a": None})
    dock.when(user="null").reply(json=None)

    answer = ask(dock, "text", logprobs=True)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 7
    assert dock.calls.last.reply.headers["x-extra"] == "yes"
    assert said(dock, "file") == "from a file"
    assert ask(dock, "refusal").choices[0].message.refusal == "No."
    assert said(dock, "generate") == "generate"
    calls = ask(dock, "tools", tools=[WEATHER]).choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].id == "c1"
    assert dock.calls.last.reply.tool_calls[0].json == {"a": [1, 2]}
    assert [each.message.content for each in ask(dock, "choices", n=2).choices] == ["a", "b"]
    assert json.loads(said(dock, "json") or "") == {"b": 1, "a": None}
    assert said(dock, "null") == "null"


def test_replies_follow_each_other_and_the_last_is_repeated(dock: MockDock) -> None:
    dock.replies("one", {"text": "two"}, {"error": 503, "should_retry": False}, lambda _: "four")
    assert [said(dock), said(dock)] == ["one", "two"]
    with pytest.raises(APIStatusError):
        ask(dock)
    assert [said(dock), said(dock)] == ["four", "four"]


def test_a_tool_is_called_with_arguments_of_any_name_and_text(dock: MockDock) -> None:
    dock.call_tool("f", name="n", self="s", text="${user} costs $${5}", deep=[{"a": "${b}"}])
    message = ask(dock, "x", tools=[WEATHER]).choices[0].message
    assert message.tool_calls is not None
    assert dock.calls.last.reply.tool_calls[0].json == {
        "name": "n",
        "self": "s",
        "text": "${user} costs $${5}",
        "deep": [{"a": "${b}"}],
    }
    assert dock.calls.last.reply.tool_calls[0].name == "f"


def test_several_tools_are_called_at_once(dock: MockDock) -> None:
    dock.call_tools(("f", {"a": "${x}"}), "g", ("h", "not JSON ${"))
    ask(dock, tools=[WEATHER])
    called = dock.calls.last.reply.tool_calls
    assert [(each.name, each.arguments) for each in called] == [
        ("f", '{"a":"${x}"}'),
        ("g", "{}"),
        ("h", "not JSON ${"),
    ]


def test_a_model_refuses_in_words_that_are_taken_as_they_are(dock: MockDock) -> None:
    dock.when(user="a").refuse()
    dock.when(user="b").refuse("No ${user}.")
    assert ask(dock, "a").choices[0].message.refusal == "I'm sorry, I can't help with that."
    assert ask(dock, "b").choices[0].message.refusal == "No ${user}."


# -- failing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"), [("rate_limit", 429), ("overloaded", 503), (418, 418), ("auth", 401)]
)
def test_failures_have_a_kind_or_a_status(dock: MockDock, error: Any, status: int) -> None:
    dock.fail(error)
    with pytest.raises(APIStatusError) as caught:
        ask(dock, retries=0)
    assert caught.value.status_code == dock.calls.last.status == status


def test_a_failure_has_every_field_of_the_language(dock: MockDock) -> None:
    dock.fail(
        "bad_request",
        message="Not so.",
        type="odd",
        param="messages",
        code="c",
        should_retry=False,
        headers={"x-extra": "yes"},
    )
    with pytest.raises(APIStatusError) as caught:
        ask(dock)
    assert caught.value.body == {
        "message": "Not so.",
        "type": "odd",
        "param": "messages",
        "code": "c",
    }
    headers = dock.calls.last.reply.headers
    assert (headers["x-extra"], headers["x-should-retry"]) == ("yes", "false")


@pytest.mark.parametrize("wait", [20, 20.5, "20s", timedelta(seconds=20)])
def test_a_client_that_is_told_to_wait_waits_no_time_at_scale_0(dock: MockDock, wait: Any) -> None:
    rule = dock.fail("rate_limit", attempts=2, retry_after=wait).then.reply("At last.")
    assert said(dock) == "At last."
    assert [call.reply.headers.get("retry-after-ms") for call in dock.calls] == ["1", "1", None]
    assert [call.attempt for call in rule.calls] == [1, 2, 3]


@pytest.mark.parametrize(("per", "failures"), [(None, 1), ("request", 2)])
def test_after_the_attempts_that_fail_later_rules_answer(
    dock: MockDock, per: Literal["request"] | None, failures: int
) -> None:
    dock.when(user="a", per=per).fail("rate_limit", attempts=1, retry_after=1)
    dock.reply("behind")
    assert [said(dock, "a"), said(dock, "a again")] == ["behind", "behind"]
    assert dock.calls.filter(status=429).count == failures


def test_attempts_are_counted_also_for_a_client_that_retries_by_itself(dock: MockDock) -> None:
    """Every try of such a loop is a first attempt to the SDK."""
    dock.fail("rate_limit", attempts=2).then.reply("At last.")
    for _ in range(2):
        with pytest.raises(RateLimitError):
            ask(dock, retries=0)
    assert said(dock) == "At last."


def test_conditions_without_an_answer_are_told(dock: MockDock) -> None:
    dock.reply("x")
    said(dock)
    begun = dock.when(name="mine", user="x")
    with pytest.raises(VerificationError, match=r"mine: when\(\) alone answers nothing; go on"):
        dock.verify()
    begun.reply("y", usage=None)
    dock.strict = False
    assert [problem.message[:18] for problem in dock.verdict().problems] == ["mine never answere"]


def test_what_follows_a_failure_may_fail_again(dock: MockDock) -> None:
    dock.fail("rate_limit").then.fail(503, attempts=1).then.respond_with(lambda r: f"{r.attempt}")
    with pytest.raises(RateLimitError):
        ask(dock, retries=0)
    assert said(dock, retries=1) == "2"


def test_a_chain_goes_on_by_session_when_it_began_so(dock: MockDock) -> None:
    rule = dock.reply("one").then.replies("two", "three").then.call_tool("f")
    assert [said(dock), said(dock), said(dock)] == ["one", "two", "three"]
    assert ask(dock, tools=[WEATHER]).choices[0].finish_reason == "tool_calls"
    assert rule.count == 4


def test_a_chain_that_cannot_go_on_stays_as_it_was(dock: MockDock) -> None:
    rule = dock.reply("one")
    with pytest.raises(ScenarioError, match="retry_after"):
        rule.then.fail("rate_limit", retry_after="soon")
    with pytest.raises(UsageError, match="times"):
        rule.times(0)
    assert [said(dock), said(dock)] == ["one", "one"]


# -- handles ------------------------------------------------------------------------------------


def test_a_handle_tells_what_its_rule_did(dock: MockDock) -> None:
    rule, other = dock.when(user="a").reply("A"), dock.reply("other")
    rule.assert_not_called()
    assert not rule.called
    ask(dock, "a")
    ask(dock, "b")
    assert rule.called
    assert rule.calls.texts == ["A"]
    rule.assert_called()
    rule.assert_called_once()
    rule.assert_called(times=1)
    with pytest.raises(VerificationError, match=r"expected 2 answers of test_rules.*there were 1"):
        rule.assert_called(times=2)
    with pytest.raises(VerificationError, match="there were 1"):
        other.assert_not_called()
    with pytest.raises(VerificationError, match="expected an answer of"):
        dock.when(user="never").reply("x").assert_called()


def test_times_limits_a_rule_that_is_there(dock: MockDock) -> None:
    rule = dock.when(user="a").reply("A")
    assert rule.times(2) is rule
    dock.reply("later")
    assert [said(dock, "a") for _ in range(3)] == ["A", "A", "later"]


def test_a_removed_rule_answers_no_more_and_keeps_its_count(dock: MockDock) -> None:
    with dock.in_order():
        rule = dock.when(user="a").reply("A")
        dock.when(user="a").reply("later")
    said(dock, "a")
    rule.remove()
    assert said(dock, "a") == "later"
    assert (rule.count, rule.calls.texts) == (1, ["A"])
    for gone in (rule.remove, lambda: rule.times(1), lambda: rule.then.reply("x")):
        with pytest.raises(UsageError, match=r"test_rules\.py:\d+ is gone"):
            gone()
    dock.verify()


def test_a_rule_of_before_a_reset_is_gone_and_does_not_touch_later_ones(dock: MockDock) -> None:
    old = dock.reply("old")
    said(dock)
    dock.reset()
    dock.reply("new")
    assert (old.count, old.calls.count, old.called) == (0, 0, False)
    with pytest.raises(UsageError, match="is gone"):
        old.then.reply("x")
    assert [said(dock), said(dock)] == ["new", "new"]


def test_conditions_wait_for_one_answer(dock: MockDock) -> None:
    matching = dock.when(user="a")
    with pytest.raises(ScenarioError, match="rate_limit"):
        matching.fail("rate_limt", attempts=2)  # type: ignore[arg-type]
    matching.reply("A")
    assert [said(dock, "a"), said(dock, "a")] == ["A", "A"]
    with pytest.raises(UsageError, match=r"has an answer; go on with \.then"):
        matching.reply("B")


def test_plain_and_streamed_answers_are_the_same(dock: MockDock) -> None:
    dock.reply("The same words, plain or streamed.")
    assert said(dock) == streamed(dock)
    assert len(dock.calls.last.chunks) > 3


# -- wrong arguments ----------------------------------------------------------------------------

WRONG: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda d: d.when(user=5).reply("x"), ScenarioError, "when.user: expected a text"),
    (lambda d: d.when(model=5).reply("x"), ScenarioError, "when.model"),
    (lambda d: d.when(headers="x").reply("x"), ScenarioError, "when.headers"),
    (lambda d: d.when(user=re.compile(b"x")).reply("x"), ScenarioError, "when.user"),
    (lambda d: d.when(user={"matches": "("}).reply("x"), ScenarioError, "not a regular expression"),
    (lambda d: d.when(dialect="opnai").reply("x"), ScenarioError, "openai"),
    (lambda d: d.when(per="sesion").reply("x"), ScenarioError, "session"),
    (lambda d: d.when(times=0).reply("x"), ScenarioError, "times"),
    (lambda d: d.when(name="").reply("x"), ScenarioError, "name"),
    (lambda d: d.when(where="x"), UsageError, "where='x': write a function"),
    (lambda d: d.reply(), ScenarioError, "an empty reply"),
    (lambda d: d.reply(5), ScenarioError, "text"),
    (lambda d: d.reply("${usr}"), ScenarioError, "did you mean"),
    (lambda d: d.reply("x", refusal="y"), ScenarioError, "exclude each other"),
    (lambda d: d.reply(file="nowhere.txt"), ScenarioError, "nowhere.txt"),
    (lambda d: d.replies(), UsageError, "at least one answer"),
    (lambda d: d.replies("x", 5), ScenarioError, r"replies\[1\]"),
    (lambda d: d.call_tool("f", a=object()), ScenarioError, "arguments"),
    (lambda d: d.call_tools(), UsageError, "at least one call"),
    (lambda d: d.call_tools("f", 5), UsageError, "got 5"),
    (lambda d: d.call_tools(("f", {}, 1)), UsageError, "pairs of name and arguments"),
    (lambda d: d.fail("rate_limt"), ScenarioError, "did you mean 'rate_limit'"),
    (lambda d: d.fail(200), ScenarioError, "400 to 599"),
    (lambda d: d.fail(attempts=0), UsageError, "attempts=0: write a whole number, at least 1"),
    (lambda d: d.fail(attempts="2"), UsageError, "attempts='2'"),
    (lambda d: d.fail(attempts=True), UsageError, "attempts=True"),
    (lambda d: d.fail(retry_after=-1), UsageError, "retry_after=-1"),
    (lambda d: d.fail(retry_after=float("nan")), UsageError, "retry_after=nan"),
    (lambda d: d.fail(retry_after="2"), ScenarioError, "needs a unit"),
    (lambda d: d.fail(retry_after=[2]), UsageError, r"retry_after=\[2\]"),
    (lambda d: d.respond_with("x"), UsageError, "takes a function, got 'x'"),
    (lambda d: d.reply("x").times(True), UsageError, "times=True"),
    (lambda d: d.reply("x").assert_called(times=-1), UsageError, "times=-1"),
]


@pytest.mark.parametrize(("wrong", "error", "told"), WRONG)
def test_wrong_arguments_are_told(
    dock: MockDock, wrong: Callable[[Any], Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        wrong(dock)
