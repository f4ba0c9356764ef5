"""All sessions judged at once: who opened none share the server's rules."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.app import App
from mockdock.engine import Engine
from mockdock.errors import UsageError
from mockdock.local import verdict
from mockdock.local.verbs import LocalVerbs
from mockdock.observe.verbs import Opening
from mockdock.scenario import load
from tests.conformance.asgi import post

RULES = {
    "mockdock": 1,
    "rules": [
        {"name": "greet", "when": {"user": "hello"}, "reply": "Hello!"},
        {"name": "bye", "when": {"user": "bye"}, "reply": "Bye!"},
    ],
    "otherwise": "fail",
}


@pytest.fixture
def app() -> App:
    return App(Engine(load(RULES).scenario))


@pytest.fixture
def verbs(app: App) -> LocalVerbs:
    return LocalVerbs(app, lambda: "")


def ask(app: App, said: str, session: str = "") -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": said}]}
    post(app, "/v1/chat/completions", body, {"x-mockdock-session": session} if session else {})


def messages(verbs: LocalVerbs, **more: Any) -> list[str]:
    return [each.message for each in verbs.verify(None, **more).problems]


def test_a_rule_that_any_session_used_is_used_where_none_was_opened(
    app: App, verbs: LocalVerbs
) -> None:
    ask(app, "hello", "one")
    ask(app, "bye", "two")
    ask(app, "hello")
    verdict = verbs.verify(None, unused="all")
    assert (verdict.ok, verdict.requests) == (True, 3)
    assert verdict.prompt_tokens == sum(
        verbs.counts(key).prompt_tokens for key in ("", "one", "two")
    )
    assert not verbs.verify("one", unused="all").ok


def test_an_opened_session_answers_for_its_own_rules_and_is_named(
    app: App, verbs: LocalVerbs
) -> None:
    verbs.open("mine", Opening())
    verbs.add_rule("mine", {"name": "own", "when": {"user": "never"}, "reply": "x"})
    ask(app, "what?", "mine")
    ask(app, "hello", "other")
    ask(app, "hello there")
    assert messages(verbs) == [
        "session 'mine': POST /v1/chat/completions was answered by no rule",
        (
            "session 'mine': own never answered: "
            "nearest is request #1, user wanted a text with 'never', was 'what?'"
        ),
    ]
    assert verbs.verify(None).requests == 3
    assert messages(verbs, unused="all")[0] == (
        "bye never answered: nearest is request #2, user wanted a text with 'bye', was 'hello'"
    )


def test_what_came_too_late_for_its_session_tells_nothing(app: App, verbs: LocalVerbs) -> None:
    """The first request of a server that has none to tell of is asked by nobody."""
    assert verbs.verify(None).ok
    assert messages(verbs, unused="all") == [
        "greet never answered: nothing was asked",
        "bye never answered: nothing was asked",
    ]


def test_a_key_is_hidden_where_secrets_are(app: App) -> None:
    key = "sk-proj-abcdefghijklmnopqrstuvwx"
    for secrets, told in ((True, key), (False, "[redacted]")):
        verbs = LocalVerbs(app, lambda: "", secrets=secrets)
        verbs.open(key, Opening())
        verbs.add_rule(key, {"reply": "x"})
        assert messages(verbs) == [f"session '{told}': rule +1 never answered: nothing was asked"]


def test_an_order_is_that_of_one_session(verbs: LocalVerbs) -> None:
    with pytest.raises(UsageError, match="an order is that of one session; name it"):
        verbs.verify(None, order=[("greet", "bye")])


def test_records_and_problems_of_all_sessions_are_bounded(
    app: App, verbs: LocalVerbs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the first two misses all is told, of the others how many there were."""
    monkeypatch.setattr(verdict, "_MOST", 3)
    for key in ("one", "two", "three"):
        verbs.open(key, Opening())
        for _ in range(60):
            ask(app, "what?", key)
    told = verbs.verify(None)
    assert sum(each.record is not None for each in told.problems) == 3
    assert (told.requests, told.ok) == (180, False)
    assert told.problems[-1].message == "50 more problems"
    monkeypatch.setattr(verdict, "_MOST", 1000)
    whole = verbs.verify(None).problems
    assert sum(each.record is not None for each in whole) == 50
    assert [each.message for each in whole[-3:]] == [
        "session 'one': 10 more requests answered by no rule",
        "session 'two': 60 more requests answered by no rule",
        "session 'three': 60 more requests answered by no rule",
    ]
