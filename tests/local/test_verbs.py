"""Every verb of a server in this process, and what it refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mockdock import sessions as sessions_module
from mockdock.app import App
from mockdock.delivery import ManualClock
from mockdock.engine import MemoryStore
from mockdock.errors import ScenarioError, UsageError
from mockdock.local.verbs import LocalVerbs
from mockdock.observe import Journal
from mockdock.observe.verbs import Changes, InPython, Opening
from mockdock.request import Request
from mockdock.scenario import load
from tests.conformance.asgi import Answer, Message, app_of, post, scope_of

CHAT = "/v1/chat/completions"
MINE = "sk-mockdock-mine"


def body(said: str = "Hi", **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": said}], **more}


def verbs_of(*rules: Any, **settings: Any) -> tuple[App, LocalVerbs]:
    """Make an application and its verbs, with one session open."""
    app = app_of(*rules, **settings)
    verbs = LocalVerbs(app, lambda: "http://here")
    verbs.open(MINE, Opening())
    return app, verbs


def ask(app: App, said: str = "Hi", session: str = MINE) -> Answer:
    return post(app, CHAT, body(said), {"authorization": f"Bearer {session}"})


def text(app: App, said: str = "Hi", session: str = MINE) -> Any:
    return ask(app, said, session).json()["choices"][0]["message"]["content"]


def rule(reply: Any, said: str = "", **more: Any) -> dict[str, Any]:
    return {**({"when": {"user": said}} if said else {}), "reply": reply, **more}


def scenario(*rules: Any, **settings: Any) -> dict[str, Any]:
    return {"mockdock": 1, "rules": list(rules), **settings}


def test_where_it_is_served_is_told() -> None:
    assert verbs_of()[1].url == "http://here"


def test_added_rules_are_tried_in_order_or_first_and_in_their_session_alone() -> None:
    app, verbs = verbs_of(rule("own"))
    keys = [
        verbs.add_rule(MINE, rule("one")),
        verbs.add_rule(MINE, rule("two")),
        verbs.add_rule(MINE, rule("zero", "x"), first=True),
        verbs.add_rule("", rule("base", "b")),
    ]
    assert keys == ["+1", "+2", "+3", "+1"]
    assert [text(app), text(app, "x"), text(app, "b")] == ["one", "zero", "one"]
    assert [text(app, said, "") for said in ("Hi", "b")] == ["own", "base"]
    assert [card.key for card in verbs.rules(MINE)] == ["+3", "+1", "+2", "#0"]


def test_a_removed_rule_answers_no_more_and_its_key_is_never_given_again() -> None:
    app, verbs = verbs_of(rule("own"))
    first = verbs.add_rule(MINE, rule("one", times=1))
    assert text(app) == "one"
    verbs.remove_rule(MINE, first)
    assert text(app) == "own"
    second = verbs.add_rule(MINE, rule("two", times=1))
    assert [text(app), text(app)] == ["two", "own"]
    verbs.remove_rule(MINE, second)
    assert verbs.add_rule(MINE, rule("three")) == "+3"


def test_a_rule_that_never_answered_keeps_its_key_too() -> None:
    _, verbs = verbs_of()
    verbs.remove_rule(MINE, verbs.add_rule(MINE, rule("one")))
    assert verbs.add_rule(MINE, rule("two")) == "+2"


def test_a_replaced_rule_keeps_its_place_and_its_counters() -> None:
    app, verbs = verbs_of(rule("own"))
    key = verbs.add_rule(MINE, {"name": "old", "replies": ["a", "b", "c"]})
    verbs.add_rule(MINE, rule("last"))
    assert text(app) == "a"
    verbs.replace_rule(MINE, key, {"name": "new", "replies": ["x", "y", "z"], "times": 2})
    assert [text(app), text(app)] == ["y", "last"]
    card = verbs.rules(MINE)[0]
    assert (card.key, card.name, card.used, card.times) == ("+1", "new", 2, 2)


def test_a_card_tells_a_rule_and_what_it_did() -> None:
    app, verbs = verbs_of({"name": "own", "when": {"system": "x"}, "replies": ["a", "b"]})
    verbs.add_rule(MINE, {"when": {"user": "Hi", "stream": False}, "reply": "c", "times": 3})
    text(app)
    told = [card.model_dump() for card in verbs.rules(MINE)]
    assert told == [
        {
            "key": "+1",
            "name": "rule +1",
            "added": True,
            "when": {"user": {"contains": ["Hi"]}, "stream": False},
            "answers": 1,
            "times": 3,
            "used": 1,
        },
        {
            "key": "own",
            "name": "own",
            "added": False,
            "when": {"system": {"contains": ["x"]}},
            "answers": 2,
            "times": None,
            "used": 0,
        },
    ]


@pytest.mark.parametrize("key", ["+2", "own", ""])
def test_a_rule_that_was_not_added_can_neither_be_replaced_nor_removed(key: str) -> None:
    _, verbs = verbs_of({"name": "own", "reply": "x"})
    for known in ("none", "+1"):
        message = f"no added rule has the key {key!r}; there are: {known}"
        with pytest.raises(UsageError) as caught:
            verbs.remove_rule(MINE, key)
        assert str(caught.value) == message
        with pytest.raises(UsageError) as caught:
            verbs.replace_rule(MINE, key, rule("x"))
        assert str(caught.value) == message
        verbs.add_rule(MINE, rule("y"))


CHANGING: dict[str, Callable[[LocalVerbs], object]] = {
    "add": lambda verbs: verbs.add_rule("nobody", rule("x")),
    "load": lambda verbs: verbs.load("nobody", scenario()),
    "change": lambda verbs: verbs.change("nobody", Changes(seed=1)),
}


@pytest.mark.parametrize("change", CHANGING.values(), ids=CHANGING)
def test_only_a_session_that_is_open_can_be_changed(change: Callable[[LocalVerbs], object]) -> None:
    _, verbs = verbs_of()
    with pytest.raises(UsageError, match="the session 'nobody' is not open; open it first"):
        change(verbs)


def test_the_empty_key_is_not_for_opening() -> None:
    with pytest.raises(UsageError, match="the empty one is the server's own"):
        verbs_of()[1].open("", Opening())


def test_what_is_wrong_with_a_rule_is_told_from_the_rule_on() -> None:
    _, verbs = verbs_of()
    with pytest.raises(ScenarioError) as caught:
        verbs.add_rule(MINE, {"when": {"usr": "x"}, "reply": "y"})
    (problem,) = caught.value.problems
    assert problem.path == "when.usr"
    assert "user" in problem.hint
    with pytest.raises(ScenarioError) as caught:
        verbs.add_rule(MINE, {})
    assert [problem.path for problem in caught.value.problems] == [""]
    assert verbs.rules(MINE) == []


def test_without_files_nothing_of_this_machine_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a secret")
    app = app_of()
    verbs = LocalVerbs(app, lambda: "", files=False)
    reading = rule({"file": str(tmp_path / "a.txt")})
    for use in (
        lambda: verbs.open(MINE, Opening(scenario=scenario(reading))),
        lambda: verbs.load("", scenario(reading)),
        lambda: verbs.load("", {"mockdock": 1, "include": str(tmp_path / "b.yaml")}),
        lambda: verbs.add_rule("", reading),
    ):
        with pytest.raises(ScenarioError):
            use()
    assert verbs.rules("") == []
    trusted = LocalVerbs(app, lambda: "")
    with pytest.raises(ScenarioError, match="outside of the scenario's folder"):
        trusted.add_rule("", reading)


def test_what_only_python_can_say_of_a_rule() -> None:
    app, verbs = verbs_of(rule("own"))
    seen: list[tuple[Request, int]] = []

    async def answer(request: Request, attempt: int) -> Any:
        seen.append((request, attempt))
        return {"error": "quota"} if attempt == 2 else f"attempt {attempt}"

    in_python = InPython(
        where=[("wants mini", lambda request: request.model == "gpt-4o")], functions={1: answer}
    )
    verbs.add_rule(MINE, {"replies": ["first", "place", "third"]}, in_python)
    assert text(app) == "first"
    assert ask(app).status == 429
    assert text(app) == "third"
    assert [attempt for _, attempt in seen] == [2]
    other = post(app, CHAT, {**body(), "model": "gpt-4o-mini"}, {"authorization": f"Bearer {MINE}"})
    assert other.json()["choices"][0]["message"]["content"] == "own"
    told = verbs.explain(MINE, {**body(), "model": "gpt-4o-mini"})["verdicts"][0]["unmet"]
    assert told == [{"name": "wants mini", "text": "was not true", "wanted": None, "found": None}]


@pytest.mark.parametrize("given", [{"txt": "x"}, 7, None, {"error": "no such"}])
def test_a_function_that_gives_no_reply_is_told_as_an_error_the_test_sees(given: Any) -> None:
    app, verbs = verbs_of()

    async def answer(_request: Request, _attempt: int) -> Any:
        return given

    verbs.add_rule(MINE, {"name": "odd", "reply": "x"}, InPython(functions={0: answer}))
    answered = ask(app)
    assert (answered.status, answered.headers["x-should-retry"]) == (500, "false")
    (problem,) = verbs.verify(MINE).problems
    assert problem.kind == "raised"
    assert "ScenarioError" in problem.message
    assert "reply" in problem.message
    assert "rules[0]" not in problem.message


def test_another_scenario_counts_anew_and_added_rules_stay_before_it() -> None:
    own = {"name": "own", "replies": ["a", "b"]}
    app, verbs = verbs_of(own)
    verbs.add_rule(MINE, {"when": {"user": "x"}, "replies": ["one", "two"]})
    assert [text(app), text(app, "x")] == ["a", "one"]
    verbs.load(MINE, scenario(own))
    assert [text(app), text(app, "x"), text(app)] == ["a", "two", "b"]
    assert [(card.key, card.used) for card in verbs.rules(MINE)] == [("+1", 2), ("1/own", 2)]
    assert [card.key for card in verbs.rules("")] == ["own"]


def test_the_same_scenario_loaded_again_has_the_same_chance() -> None:
    own = {"name": "own", "reply": {"generate": {"kind": "lorem", "tokens": 20}}}
    app, verbs = verbs_of()
    verbs.load(MINE, scenario(own))
    before = text(app)
    verbs.load(MINE, scenario(own))
    assert text(app) == before


def test_a_scenario_that_is_loaded_brings_its_seed() -> None:
    _, verbs = verbs_of()
    verbs.load(MINE, scenario(seed=77))
    assert verbs.settings(MINE).seed == 77
    verbs.change(MINE, Changes(seed=5))
    verbs.load(MINE, scenario(seed=78))
    assert verbs.settings(MINE).seed == 5


def test_a_scenario_is_given_in_its_own_language() -> None:
    own = scenario(
        {"name": "r", "when": {"user": "x", "turn": 1}, "replies": ["a", {"error": "quota"}]},
        rule({"text": "x", "pacing": {"ttft": "250ms"}}),
        otherwise="fail",
        seed=3,
    )
    _, verbs = verbs_of()
    verbs.load(MINE, own)
    told = verbs.scenario(MINE)
    verbs.load(MINE, told)
    assert verbs.scenario(MINE) == told
    assert (told["seed"], told["otherwise"], len(told["rules"])) == (3, "fail", 2)


def test_a_session_has_a_scenario_and_settings_of_its_own() -> None:
    app, verbs = verbs_of(rule("base"))
    verbs.open(
        "other",
        Opening(scenario=scenario(rule("other")), seed=4, otherwise="fail", time_scale="manual"),
    )
    assert [text(app), text(app, session="")] == ["base", "base"]
    answer = post(app, CHAT, body(), {"x-mockdock-session": "other"})
    assert answer.json()["choices"][0]["message"]["content"] == "other"
    assert verbs.settings("other").model_dump() == {
        "session": "other",
        "opened": True,
        "seed": 4,
        "otherwise": "fail",
        "validation": "strict",
        "time_scale": "manual",
    }
    assert verbs.settings("nobody").opened is False
    assert (verbs.settings("").seed, verbs.settings("").time_scale) == (1, 0)


def test_a_session_has_the_seed_of_whose_scenario_it_has() -> None:
    _, verbs = verbs_of()
    verbs.open("with", Opening(scenario=scenario(seed=9)))
    verbs.open("own", Opening(scenario=scenario()))
    assert [verbs.settings(key).seed for key in (MINE, "with", "own")] == [1, 9, 0]


def test_settings_change_from_the_next_request_on() -> None:
    app, verbs = verbs_of()
    verbs.change(MINE, Changes(otherwise="fail"))
    assert ask(app).status == 404
    assert ask(app, session="").status == 200
    verbs.change(MINE, Changes(otherwise="echo", seed=8, time_scale=2.0))
    assert text(app) == "Hi"
    settings = verbs.settings(MINE)
    assert (settings.otherwise, settings.seed, settings.time_scale) == ("echo", 8, 2.0)
    verbs.change(MINE, Changes())
    assert verbs.settings(MINE) == settings


def test_time_is_moved_on_where_it_does_not_run_by_itself() -> None:
    _, verbs = verbs_of(clock=ManualClock())
    assert verbs.clock(MINE) == {"now": 0, "time": 1_700_000_000}
    verbs.advance(MINE, 60)
    assert verbs.clock(MINE) == {"now": 60, "time": 1_700_000_060}
    with pytest.raises(UsageError, match="time only goes on"):
        verbs.advance(MINE, -1)
    verbs.change(MINE, Changes(time_scale=1))
    with pytest.raises(UsageError, match="time runs by itself"):
        verbs.advance(MINE, 1)
    assert verbs.clock("")["now"] == 60


@pytest.mark.parametrize(
    "end",
    [
        lambda verbs: verbs.close(MINE),
        lambda verbs: verbs.open(MINE, Opening()),
        lambda verbs: verbs.change(MINE, Changes(time_scale=0)),
    ],
    ids=["close", "open", "change"],
)
def test_nobody_is_left_waiting_for_a_clock_that_is_gone(
    end: Callable[[LocalVerbs], None],
) -> None:
    async def play() -> bytes:
        app, verbs = verbs_of({"reply": {"text": "at last", "pacing": {"ttft": "1h"}}})
        verbs.change(MINE, Changes(time_scale="manual"))
        clock = app.sessions.of(MINE).clock
        assert isinstance(clock, ManualClock)
        sent: list[Message] = []
        arriving = [{"type": "http.request", "body": json.dumps(body()).encode()}]

        async def receive() -> Message:
            if not arriving:
                await asyncio.Event().wait()
            return arriving.pop()

        async def send(message: Any) -> None:
            sent.append(message)

        scope = scope_of("POST", CHAT, {"authorization": f"Bearer {MINE}"})
        task = asyncio.ensure_future(app(scope, receive, send))
        while not clock.waiting():  # noqa: ASYNC110 - a clock has no event
            await asyncio.sleep(0)
        end(verbs)
        await task
        return b"".join(message.get("body", b"") for message in sent)

    assert b"at last" in asyncio.run(play())


def test_rules_by_server_count_in_their_session_where_it_was_opened() -> None:
    app, verbs = verbs_of({"replies": ["one", "two", "three", "four"], "per": "server"})
    verbs.open("other", Opening())
    said = [text(app), text(app, session=""), text(app, session="sk-mockdock-not-open")]
    assert said == ["one", "one", "two"]
    assert [text(app), text(app, session="")] == ["two", "three"]


def test_a_session_opened_again_begins_anew() -> None:
    app, verbs = verbs_of({"replies": ["one", "two"]})
    verbs.add_rule(MINE, rule("added", "x"))
    verbs.set_state(MINE, {"a": 1})
    assert text(app) == "one"
    verbs.open(MINE, Opening())
    assert text(app) == "one"
    assert verbs.state(MINE) == {}
    assert len(verbs.journal(MINE)) == 1
    assert [card.added for card in verbs.rules(MINE)] == [False]
    assert verbs.add_rule(MINE, rule("x")) == "+1"


def test_a_closed_session_leaves_nothing() -> None:
    app, verbs = verbs_of({"replies": ["one", "two"]})
    verbs.set_state(MINE, {"a": 1})
    assert text(app) == "one"
    verbs.close(MINE)
    assert (verbs.journal(MINE), verbs.state(MINE)) == ([], {})
    assert verbs.settings(MINE).opened is False
    assert text(app) == "one"
    verbs.close(MINE)
    assert len(verbs.journal(MINE)) == 1
    verbs.close("")
    assert verbs.settings("").session == ""


def test_the_session_that_has_to_go_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions_module, "_MOST", 1)
    app, verbs = verbs_of()
    verbs.set_state(MINE, {"a": 1})
    ask(app)
    verbs.open("other", Opening())
    assert verbs.sessions() == ["other"]
    assert (verbs.journal(MINE), verbs.state(MINE)) == ([], {})


def test_a_reset_session_is_as_if_new_and_others_stay() -> None:
    app, verbs = verbs_of({"replies": ["one", "two"]})
    verbs.add_rule(MINE, rule("mine", "x"))
    verbs.add_rule("", rule("base", "x"))
    verbs.set_state(MINE, {"a": 1})
    for session in (MINE, ""):
        assert text(app, session=session) == "one"
    verbs.reset(MINE)
    assert (verbs.state(MINE), verbs.journal(MINE)) == ({}, [])
    assert [text(app, "x"), text(app)] == ["one", "two"]
    assert [text(app, "x", ""), text(app, session="")] == ["base", "two"]
    assert verbs.add_rule(MINE, rule("y")) == "+1"
    assert verbs.add_rule("", rule("y")) == "+2"


def test_a_reset_of_all_is_one_of_those_too_that_were_not_opened() -> None:
    app, verbs = verbs_of({"replies": ["one", "two"]})
    for session in (MINE, ""):
        verbs.add_rule(session, rule("added", "x"))
    everyone = (MINE, "", "sk-mockdock-not-open")
    assert [text(app, session=session) for session in everyone] == ["one"] * 3
    verbs.reset(None)
    assert verbs.journal(None) == []
    assert [text(app, session=session) for session in everyone] == ["one"] * 3
    assert [text(app, "x", session) for session in everyone] == ["two"] * 3
    assert verbs.sessions() == [MINE]


def test_the_reset_of_a_session_that_is_not_open_keeps_the_rules_of_the_base() -> None:
    app, verbs = verbs_of({"replies": ["one", "two"]})
    verbs.add_rule("", rule("added", "x"))
    assert text(app, session="sk-mockdock-not-open") == "one"
    verbs.reset("sk-mockdock-not-open")
    assert text(app, session="sk-mockdock-not-open") == "one"
    assert text(app, "x", "sk-mockdock-not-open") == "added"


def test_states_are_set_and_unset() -> None:
    app, verbs = verbs_of({"when": {"state": {"step": 2}}, "reply": "yes"}, rule("no"))
    verbs.set_state(MINE, {"step": 2, "name": "x"})
    assert verbs.state(MINE) == {"step": 2, "name": "x"}
    assert [text(app), text(app, session="")] == ["yes", "no"]
    verbs.set_state(MINE, {"step": None})
    assert verbs.state(MINE) == {"name": "x"}
    assert text(app) == "no"


def test_the_journal_of_a_session_or_of_all_in_pages() -> None:
    app, verbs = verbs_of(rule("x"))
    for session in (MINE, "", MINE):
        ask(app, session=session)
    assert [made["number"] for made in verbs.journal(MINE)] == [1, 3]
    assert [made["number"] for made in verbs.journal(None, after=1, limit=1)] == [2]
    assert [made["number"] for made in verbs.journal(MINE, after=1, wait=30)] == [3]
    assert verbs.journal("nobody", wait=0) == []
    assert verbs.wait(MINE, 2, 30)
    assert not verbs.wait(MINE, 3, 0)


def test_records_hold_secrets_where_wanted() -> None:
    app, verbs = verbs_of(rule("x"))
    post(app, CHAT, body(), {"authorization": "Bearer sk-abcdefghijklmnopqrst"})
    told = [
        each.journal("")[0]["request"]["headers"]["authorization"]
        for each in (verbs, LocalVerbs(app, lambda: "", secrets=False))
    ]
    assert told == ["Bearer sk-abcdefghijklmnopqrst", "[redacted]"]


def test_a_request_is_explained_and_nothing_is_counted() -> None:
    app, verbs = verbs_of(
        {"name": "a", "when": {"user": {"equals": "Bye"}}, "reply": "x"},
        {"name": "b", "when": {"attempt": 2}, "reply": "y"},
    )
    for _ in range(2):
        told = verbs.explain(MINE, body())
        assert (told["rule"], told["refused"]) == (None, None)
    assert [(each["rule"], each["key"]) for each in told["verdicts"]] == [("a", "a"), ("b", "b")]
    (user,) = told["verdicts"][0]["unmet"]
    assert (user["name"], user["wanted"], user["found"]) == ("user", "Bye", "Hi")
    (attempt,) = told["verdicts"][1]["unmet"]
    assert attempt["text"] == "wanted 2, was 1"
    assert verbs.explain(MINE, body(), attempt=2)["rule"] == "b"
    assert verbs.explain(MINE, body("Bye"))["rule"] == "a"
    assert verbs.journal(MINE) == []
    assert ask(app).headers.get("x-mockdock-rule") is None


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (body(temperature=9), "decimal_above_max_value"),
        (body("word " * 9000, model="gpt-4"), "context_length_exceeded"),
        ({"model": "gpt-4o"}, "missing_required_parameter"),
    ],
    ids=["value", "length", "missing"],
)
def test_what_the_api_would_refuse_is_told_as_it_says_it(asked: Any, code: str) -> None:
    app, verbs = verbs_of(rule("x"))
    told = verbs.explain(MINE, asked)
    assert told["rule"] is None
    assert told["refused"]["error"]["code"] == code
    assert told["refused"] == post(app, CHAT, asked, {"x-mockdock-session": MINE}).json()


def test_a_verdict_is_well_where_nothing_went_wrong() -> None:
    app, verbs = verbs_of({"name": "own", "when": {"user": "never"}, "reply": "x"})
    key = verbs.add_rule(MINE, rule("Hello you"))
    ask(app)
    verdict = verbs.verify(MINE, order=[[key]])
    assert (verdict.ok, verdict.requests, verdict.problems) == (True, 1, ())
    assert (verdict.prompt_tokens, verdict.completion_tokens) == (8, 2)
    assert verbs.verify("nobody", unused="none").ok


def test_rules_that_never_answered_are_problems_as_wanted() -> None:
    _, verbs = verbs_of({"name": "own", "reply": "x"})
    verbs.add_rule(MINE, {"name": "mine", "reply": "x"})

    def told(**wanted: Any) -> list[str]:
        verdict = verbs.verify(MINE, **wanted)
        assert verdict.ok is not bool(verdict.problems)
        return [f"{problem.kind}: {problem.message}" for problem in verdict.problems]

    mine = "unused: mine never answered: nothing was asked"
    assert told() == [mine]
    assert told(unused="all") == [mine, "unused: own never answered: nothing was asked"]
    assert told(unused="none") == []


def test_of_a_rule_that_never_answered_the_nearest_request_is_told() -> None:
    app, verbs = verbs_of(otherwise="echo")
    verbs.add_rule(MINE, rule("x", "weather", name="shadows"))
    verbs.add_rule(MINE, rule("x", "weather in Paris", name="shadowed"))
    verbs.add_rule(MINE, {"name": "far", "when": {"user": "London", "stream": True}, "reply": "x"})
    ask(app, "The weather in Paris")
    ask(app, "London, please")
    assert [problem.message for problem in verbs.verify(MINE).problems] == [
        "shadowed never answered: request #1 meets its conditions, and shadows answered",
        "far never answered: nearest is request #2, stream wanted true, was false",
    ]


def test_of_a_rule_that_answered_before_the_scenario_was_loaded_anew_that_is_told() -> None:
    broken = rule("x", "weather", name="broken")
    app, verbs = verbs_of(broken, otherwise="echo")

    def told() -> list[str]:
        return [problem.message for problem in verbs.verify("", unused="all").problems]

    ask(app, "The weather", session="")
    assert told() == []
    verbs.load("", scenario(broken, rule("y", "climate", name="other"), otherwise="echo"))
    again, other = told()
    assert again == (
        "broken never answered since the rules changed: request #1 meets its conditions, "
        "and broken answered it before"
    )
    assert other.startswith("other never answered: nearest is request #1, user wanted")
    ask(app, "The climate", session="")
    (again,) = told()
    assert again.startswith("broken never answered: nearest is request #2, user wanted")
    ask(app, "The weather", session="")
    assert told() == []


def test_a_key_is_not_told_in_why_a_rule_never_answered() -> None:
    app, _ = verbs_of(otherwise="echo")
    outside = LocalVerbs(app, lambda: "", secrets=False)
    for name in ("authorization", "x-note"):
        when = {"headers": {name: "something else"}}
        outside.add_rule(MINE, {"name": name, "when": when, "reply": "x"})
    key = "my-own-key-of-no-known-form"
    headers = {"authorization": f"Bearer {key}", "x-note": key, "x-mockdock-session": MINE}
    post(app, CHAT, body(), headers)
    first, second = (problem.message for problem in outside.verify(MINE).problems)
    assert first.endswith("nearest is request #1, headers.authorization [redacted]")
    assert second.endswith("headers.x-note wanted a text with 'something else', was '[redacted]'")


def test_a_condition_in_python_that_raises_is_told_where_its_rule_never_answered() -> None:
    app, verbs = verbs_of(otherwise="echo")
    ask(app)
    verbs.add_rule(MINE, rule("x", name="odd"), InPython(where=[("odd", lambda _: bool(1 / 0))]))
    (problem,) = verbs.verify(MINE).problems
    assert problem.message == (
        "odd never answered: the condition 'odd' raised ZeroDivisionError('division by zero')"
    )
    answer = ask(app)
    assert answer.status == 500
    assert answer.json()["error"]["message"].startswith("mockdock: the condition 'odd' raised")
    assert [problem.kind for problem in verbs.verify(MINE).problems] == ["raised", "unused"]


async def under_way(
    app: App, clock: ManualClock, session: str, meanwhile: Callable[[], None]
) -> None:
    """Ask, do something while the answer waits for the clock, and let it end."""
    arriving = [{"type": "http.request", "body": json.dumps(body()).encode()}]

    async def receive() -> Message:
        if not arriving:
            await asyncio.Event().wait()
        return arriving.pop()

    async def send(_: Any) -> None:
        pass

    scope = scope_of("POST", CHAT, {"authorization": f"Bearer {session}"})
    task = asyncio.ensure_future(app(scope, receive, send))
    while not clock.waiting():  # noqa: ASYNC110 - a clock has no event
        await asyncio.sleep(0)
    meanwhile()
    clock.release()
    await task


SLOW = {"text": "at last", "pacing": {"ttft": "1h"}}


def manual(app: App, verbs: LocalVerbs) -> ManualClock:
    verbs.change(MINE, Changes(time_scale="manual"))
    clock = app.sessions.of(MINE).clock
    assert isinstance(clock, ManualClock)
    return clock


def test_a_rule_is_used_as_soon_as_it_is_chosen() -> None:
    app, verbs = verbs_of()
    verbs.add_rule(MINE, rule(SLOW))

    def meanwhile() -> None:
        assert verbs.verify(MINE).ok
        assert verbs.rules(MINE)[0].used == 1
        assert verbs.counts(MINE).requests == 0

    asyncio.run(under_way(app, manual(app, verbs), MINE, meanwhile))
    assert verbs.counts(MINE).requests == 1


@pytest.mark.parametrize(
    "begin",
    [lambda verbs: verbs.reset(MINE), lambda verbs: verbs.open(MINE, Opening())],
    ids=["reset", "open"],
)
def test_what_ends_late_counts_for_nothing_of_a_session_that_began_anew(
    begin: Callable[[LocalVerbs], None],
) -> None:
    app, verbs = verbs_of()
    verbs.add_rule(MINE, rule(SLOW))
    era = verbs.counts(MINE).era

    def meanwhile() -> None:
        begin(verbs)
        verbs.add_rule(MINE, rule("new"))

    asyncio.run(under_way(app, manual(app, verbs), MINE, meanwhile))
    assert verbs.counts(MINE).era != era
    assert (verbs.counts(MINE).requests, verbs.journal(MINE)) == (0, [])
    assert [card.used for card in verbs.rules(MINE)] == [0]
    assert verbs.verify(MINE).ok is False
    assert len(verbs.journal(None)) == 1


def test_what_ends_after_its_session_was_closed_does_not_bring_it_back() -> None:
    app, verbs = verbs_of()
    verbs.add_rule(MINE, rule(SLOW))
    asyncio.run(under_way(app, manual(app, verbs), MINE, lambda: verbs.close(MINE)))
    assert verbs.counts(MINE).requests == 0


def test_a_session_is_reset_also_when_the_server_has_another_store_by_now() -> None:
    app, verbs = verbs_of({"replies": ["one", "two"]})
    verbs.set_state(MINE, {"a": 1})
    assert text(app) == "one"
    app.engine = app.engine.changed(scenario=app.engine.scenario, store=MemoryStore())
    verbs.reset(MINE)
    assert (text(app), verbs.state(MINE)) == ("one", {})


def test_rules_of_a_scenario_that_was_loaded_again_have_not_been_used() -> None:
    app, verbs = verbs_of({"reply": "x"})
    ask(app, session="")
    assert [card.used for card in verbs.rules("")] == [1]
    again = load({"mockdock": 1, "rules": [{"reply": "x"}]}).scenario
    app.engine = app.engine.changed(scenario=again, store=MemoryStore())
    assert [card.used for card in verbs.rules("")] == [0]


def test_a_clock_that_others_live_by_goes_on() -> None:
    app, verbs = verbs_of()
    verbs.change("", Changes(time_scale="manual"))
    verbs.open("sk-mockdock-other", Opening())
    clock = app.sessions.of("sk-mockdock-other").clock
    verbs.change("", Changes(time_scale="manual"))
    assert not clock.is_due(clock.now() + 1)
    verbs.close("sk-mockdock-other")
    assert clock.is_due(clock.now() + 1)


def test_order_is_that_in_which_rules_were_chosen() -> None:
    app, verbs = verbs_of()
    slow = verbs.add_rule(MINE, rule(SLOW, name="slow", times=1))
    quick = verbs.add_rule(MINE, rule("x", name="quick"))
    clock = manual(app, verbs)
    asyncio.run(under_way(app, clock, MINE, lambda: app.journal.use(MINE, quick)))
    assert verbs.verify(MINE, order=[[slow, quick]]).ok
    assert not verbs.verify(MINE, order=[[quick, slow]]).ok


def test_otherwise_that_is_asked_for_wins_over_any_scenario() -> None:
    app, verbs = verbs_of(otherwise="lorem")
    verbs.open(MINE, Opening(otherwise="echo"))
    assert text(app, "Say it") == "Say it"
    verbs.load(MINE, scenario(otherwise="lorem"))
    assert text(app, "Say it") == "Say it"
    verbs.open(MINE, Opening(default_otherwise="fail"))
    assert verbs.settings(MINE).otherwise == "lorem"
    assert text(app, "Say it") != "Say it"
    verbs.open(MINE, Opening(scenario=scenario(), default_otherwise="fail"))
    assert ask(app).status == 404


def test_requests_no_rule_answered_are_problems_with_their_records() -> None:
    app, verbs = verbs_of(rule("x", "wanted"), otherwise="fail")
    ask(app, "wanted")
    ask(app, "other")
    post(app, "/v1/nowhere", {}, {"authorization": f"Bearer {MINE}"})
    problems = verbs.verify(MINE).problems
    assert [problem.message for problem in problems] == [
        f"POST {CHAT} was answered by no rule",
        "POST /v1/nowhere was answered by no rule",
    ]
    assert [problem.record and problem.record["number"] for problem in problems] == [2, 3]


def test_misses_that_are_no_longer_kept_are_counted() -> None:
    app, verbs = verbs_of(otherwise="fail")
    assert isinstance(app.journal, Journal)
    app.journal._most = 1
    for _ in range(3):
        ask(app)
    first, second = verbs.verify(MINE).problems
    assert first.record is not None
    assert second.message == "2 more requests answered by no rule"
    assert (second.kind, second.record) == ("unmatched", None)


def test_rules_that_answered_in_the_wrong_order_are_problems() -> None:
    app, verbs = verbs_of()
    keys = [verbs.add_rule(MINE, rule("x", name, name=name)) for name in ("one", "two", "three")]
    ask(app, "one")
    ask(app, "two")
    assert verbs.verify(MINE, unused="none", order=[keys]).ok
    ask(app, "one")
    (problem,) = verbs.verify(MINE, unused="none", order=[keys]).problems
    assert problem.kind == "order"
    assert problem.message == "two answered before one was done"
    assert verbs.verify(MINE, unused="none", order=[keys[1:], [keys[0], keys[2]]]).ok
