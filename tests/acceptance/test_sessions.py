"""Many clients at once, over a socket: every count is exact, and sessions never meet."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from openai import OpenAI

from mockdock import Server
from mockdock.observe.verbs import Opening
from tests.acceptance.conftest import Serve
from tests.observe.helpers import kept_here

THREADS = 64
SESSIONS = 20
EACH = 8


def connection(server: Server) -> http.client.HTTPConnection:
    host, port = server.url.removeprefix("http://").rsplit(":", 1)
    return http.client.HTTPConnection(host, int(port), timeout=60)


def ask(
    line: http.client.HTTPConnection, session: str, said: str = "Hi", **more: Any
) -> tuple[int, bytes]:
    """Send one request and read the whole answer."""
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": said}], **more}
    headers = {"content-type": "application/json", "authorization": f"Bearer {session}"}
    line.request("POST", "/v1/chat/completions", json.dumps(asked), headers)
    answer = line.getresponse()
    return answer.status, answer.read()


def text(answer: bytes) -> str:
    content: str = json.loads(answer)["choices"][0]["message"]["content"]
    return content


def at_once(server: Server, sessions: list[str], times: int = 1) -> list[list[str]]:
    """Ask the same in a thread for each session, all together; give what each was told."""
    start = threading.Barrier(len(sessions))

    def work(session: str) -> list[str]:
        with closing(connection(server)) as line:
            start.wait(60)
            return [text(ask(line, session)[1]) for _ in range(times)]

    with ThreadPoolExecutor(len(sessions)) as pool:
        return list(pool.map(work, sessions))


@pytest.mark.parametrize("session", ["sk-mockdock-one", ""], ids=["opened", "server"])
def test_64_threads_in_one_session_are_counted_exactly(serve: Serve, session: str) -> None:
    replies = [f"reply {number}" for number in range(THREADS - 10)]
    server = serve()
    if session:
        server.verbs.open(session, Opening())
    few = server.verbs.add_rule(session, {"reply": "few", "times": 10})
    many = server.verbs.add_rule(session, {"replies": replies, "after_last": "fail"})
    told = Counter(said for (said,) in at_once(server, [session or "sk-any"] * THREADS))
    assert told == {"few": 10, **dict.fromkeys(replies, 1)}
    cards = {card.key: card.used for card in server.verbs.rules(session)}
    assert cards == {few: 10, many: THREADS - 10}
    tally = server.app.journal.tally(session)
    assert (tally.requests, tally.missed, tally.failed) == (THREADS, 0, 0)
    records = server.verbs.journal(session)
    assert [record["number"] for record in records] == list(range(1, THREADS + 1))
    assert Counter(record["reply"]["choices"][0]["text"] for record in records) == told


def test_64_threads_get_each_of_64_replies_exactly_once(serve: Serve) -> None:
    replies = [f"reply {number}" for number in range(THREADS)]
    server = serve({"mockdock": 1, "rules": [{"replies": replies, "after_last": "fail"}]})
    server.verbs.open("sk-mockdock-one", Opening())
    told = at_once(server, ["sk-mockdock-one"] * THREADS)
    assert sorted(said for (said,) in told) == sorted(replies)
    assert server.app.journal.tally("sk-mockdock-one").requests == THREADS
    assert server.app.journal.tally().requests == THREADS


def test_20_sessions_at_once_never_see_each_other(serve: Serve) -> None:
    server = serve()
    keys = [f"sk-mockdock-{number}" for number in range(SESSIONS)]

    def replies(key: str) -> list[str]:
        return [f"{key} says {number}" for number in range(EACH)]

    for key in keys:
        server.verbs.open(key, Opening())
        server.verbs.set_state(key, {"who": key})
        rule = {
            "when": {"state": {"who": key}},
            "replies": replies(key),
            "after_last": "fail",
            "set_state": {"last": key},
        }
        assert server.verbs.add_rule(key, rule) == "+1"
    told = at_once(server, keys, EACH)
    assert told == [replies(key) for key in keys]
    for key in keys:
        assert server.verbs.state(key) == {"who": key, "last": key}
        assert [card.used for card in server.verbs.rules(key)] == [EACH]
        records = server.verbs.journal(key)
        assert {record["session"] for record in records} == {key}
        assert [each["reply"]["choices"][0]["text"] for each in records] == replies(key)
        assert server.verbs.verify(key).ok
    assert server.app.journal.tally().requests == SESSIONS * EACH
    assert server.verbs.journal("") == []


@pytest.fixture
def line_to() -> Iterator[Callable[[Server], http.client.HTTPConnection]]:
    """Open connections that are closed when the test ends."""
    opened: list[http.client.HTTPConnection] = []

    def open_(server: Server) -> http.client.HTTPConnection:
        opened.append(connection(server))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_an_exchange_is_in_the_journal_before_its_last_byte_is_here(
    serve: Serve, line_to: Callable[[Server], http.client.HTTPConnection], stream: bool
) -> None:
    """Right after each of a few hundred replies nothing has to be waited for."""
    server = serve({"mockdock": 1, "rules": [{"name": "greet", "reply": "Hello you"}]})
    line = line_to(server)
    for number in range(1, 301):
        status, answer = ask(line, "sk-mockdock-one", f"Hi {number}", stream=stream)
        tally = server.app.journal.tally("sk-mockdock-one")
        assert (status, tally.requests) == (200, number)
        assert tally.uses["greet"].times == number
    (entry,) = kept_here(server.app.journal.entries(after=299))
    assert entry.exchange.outcome.sent == len(answer)


def test_refusals_are_in_the_journal_before_their_last_byte_too(
    serve: Serve, line_to: Callable[[Server], http.client.HTTPConnection]
) -> None:
    server = serve(otherwise="fail")
    line = line_to(server)
    for number in range(1, 101):
        status, _ = ask(line, "sk-mockdock-one", n=0 if number % 2 else 1)
        tally = server.app.journal.tally("sk-mockdock-one")
        assert (status, tally.failed, tally.missed) == (
            400 if number % 2 else 404,
            number,
            number // 2,
        )


def test_an_sdk_sees_its_own_session(serve: Serve, client_of: Callable[..., OpenAI]) -> None:
    server = serve({"mockdock": 1, "auth": {"keys": ["sk-right"]}, "rules": [{"reply": "base"}]})
    for key in ("sk-mockdock-a", "sk-mockdock-b"):
        server.verbs.open(key, Opening())
        server.verbs.add_rule(key, {"reply": key})
    said = [
        client_of(server, api_key=key)
        .chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hi"}])
        .choices[0]
        .message.content
        for key in ("sk-mockdock-a", "sk-mockdock-b", "sk-right")
    ]
    assert said == ["sk-mockdock-a", "sk-mockdock-b", "base"]
