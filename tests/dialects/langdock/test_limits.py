"""Langdock's own limits: 500 requests and 60,000 tokens a minute, by workspace and model."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.app import App
from mockdock.delivery import ManualClock
from mockdock.engine import gauges
from mockdock.errors import ScenarioError
from tests.conformance.asgi import app_of, post
from tests.dialects.langdock.talk import chat, golden, hello, send

FEW = [{"rpm": 2}]


def limited(*limits: dict[str, Any], **more: Any) -> App:
    """Make an application whose clock stands still."""
    own: dict[str, Any] = {"langdock": {"limits": list(limits)}} if limits else {}
    return app_of({"reply": "Hi"}, clock=ManualClock(), **own, **more)


def fine(app: App, model: str = "gpt-4o", key: str = "sk-ld-one", **more: Any) -> bool:
    answer = chat(app, hello(model, **more), headers={"authorization": f"Bearer {key}"})
    if answer.status == 429:
        assert answer.body == golden("errors/rate-limit.json")
    return answer.status == 200


def test_500_requests_pass_in_a_minute_and_then_none() -> None:
    """Also where the scenario says nothing; a minute later there are 500 again."""
    app = limited()
    assert all(fine(app) for _ in range(500))
    assert not fine(app)
    assert fine(app, "gpt-4o-mini"), "each model has its own"


def test_60_000_tokens_pass_in_a_minute() -> None:
    """A prompt of 8 tokens, charged with what it may be answered."""
    app = limited()
    assert not fine(app, max_tokens=60_000)
    assert fine(app, max_tokens=16_000)


def test_no_header_tells_of_it() -> None:
    """Not even when to come back: the documents speak of none."""
    app = limited({"rpm": 1, "header": "none"})
    chat(app, hello())
    answer = chat(app, hello())
    assert answer.status == 429
    assert not any("retry" in name or "limit" in name for name in answer.headers)
    told = send(app, "GET", "/openai/eu/v1/models").headers
    assert not any("limit" in name for name in told)


def test_the_default_tells_no_header_either() -> None:
    answer = chat(limited(), hello(max_tokens=16_000))
    assert not any("limit" in name for name in answer.headers)
    app = limited()
    for _ in range(500):
        chat(app, hello())
    refused = chat(app, hello())
    assert refused.status == 429
    assert set(refused.headers) == {"content-type", "content-length", "x-mockdock-trouble"}
    assert refused.headers["x-mockdock-trouble"] == "langdock.limits[0]"


def test_keys_of_a_workspace_share_its_limit_and_workspaces_do_not() -> None:
    app = limited(*FEW, workspaces={"acme": ["sk-ld-a", "sk-ld-b"], "other": ["sk-ld-c"]})
    assert fine(app, key="sk-ld-a")
    assert fine(app, key="sk-ld-b")
    assert not fine(app, key="sk-ld-a")
    assert not fine(app, key="sk-ld-b")
    assert fine(app, key="sk-ld-c")
    assert fine(app, key="sk-ld-unknown"), "the nameless one"


def test_both_regions_and_both_bases_count_together() -> None:
    app = limited(*FEW)
    assert chat(app, hello(), "/openai/eu/v1/chat/completions").status == 200
    assert chat(app, hello(), "/api/public/openai/us/v1/chat/completions").status == 200
    assert chat(app, hello(), "/openai/us/v1/chat/completions").status == 429


def test_other_dialects_are_neither_limited_nor_charged() -> None:
    app = limited(*FEW)
    for _ in range(5):
        answer = post(app, "/v1/chat/completions", hello())
        assert answer.status == 200
        assert not any("ratelimit" in name for name in answer.headers)
    assert fine(app)


def test_they_come_on_top_of_the_scenarios_own_limits() -> None:
    """Those hold for every dialect, and count the requests of all of them."""
    app = limited({"rpm": 4, "per": "model"}, limits=[{"rpm": 3, "per": "model"}])
    assert post(app, "/v1/chat/completions", hello("gpt-4o")).status == 200
    assert [fine(app), fine(app)] == [True, True]
    refused = chat(app, hello("gpt-4o"))
    assert (refused.status, refused.headers["x-mockdock-trouble"]) == (429, "limits[0]")


def test_an_empty_list_switches_them_off() -> None:
    app = app_of({"reply": "Hi"}, clock=ManualClock(), langdock={"limits": []})
    assert all(fine(app, max_tokens=16_000) for _ in range(20))


def test_a_request_refused_as_wrong_counts_as_one() -> None:
    app = limited(*FEW)
    for body in (hello("gpt-4o", temperature=3), hello("gpt-4o", temperature=3)):
        assert chat(app, body).status == 400
    assert not fine(app)


@pytest.mark.parametrize("more", [{"unsupported": "reject"}, {"browsers": "blocked"}])
def test_what_langdock_refuses_itself_counts_like_any_other_wrong_request(
    more: dict[str, str],
) -> None:
    """What a browser sends is turned away before."""
    settings: dict[str, Any] = {"langdock": {"limits": [{"rpm": 1}], **more}}
    app = app_of({"reply": "Hi"}, clock=ManualClock(), **settings)
    if "unsupported" in more:
        assert chat(app, hello("gpt-4o", n=2)).status == 400
        assert not fine(app)
    else:
        assert chat(app, hello("gpt-4o"), headers={"origin": "null"}).status == 403
        assert fine(app)


def test_time_refills_them() -> None:
    clock = ManualClock()
    app = app_of({"reply": "Hi"}, clock=clock, langdock={"limits": [{"rpm": 1}]})
    assert [fine(app), fine(app)] == [True, False]
    clock.advance(120)
    assert fine(app)


def test_how_they_stand_is_told_once_they_are_used() -> None:
    app = app_of({"reply": "Hi"}, clock=ManualClock())
    engine = app.engine

    def standing() -> list[tuple[str, float, dict[str, str]]]:
        scenario = engine.scenario
        own = scenario.own_limits
        found = gauges(scenario.limits, engine.store, "", 0, alone=False, own=own)
        return [(each.meter.place, each.remaining, dict(each.of)) for each in found]

    post(app, "/v1/chat/completions", hello())
    assert standing() == []
    chat(app, hello("gpt-4o"))
    of = {"dialect": "langdock", "workspace": "", "model": "gpt-4o"}
    requests, tokens = standing()
    assert requests == ("langdock.limits[0]", 499, of)
    # 9 of the prompt (3 for the message, 1 of its role, 2 of "Hello!", 3 for the answer), 1 said
    assert tokens == ("langdock.limits[0]", 59_990, of)


def test_a_limit_that_limits_nothing_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"langdock\.limits\[0\]"):
        app_of(langdock={"limits": [{"per": "key"}]})
