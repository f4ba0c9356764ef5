"""The application as a server sees it: scopes, messages, observers, defects."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import Any

import pytest

from mockdock.app import App
from mockdock.delivery import Clock, ManualClock, ScaledClock
from mockdock.dialects import DIALECTS
from mockdock.engine import Engine
from mockdock.engine.gauges import gauges
from mockdock.observe import Exchange, line
from mockdock.reply import Completion, Failure
from mockdock.request import StoredOperation
from mockdock.scenario import load
from mockdock.sessions import Session
from tests.conformance.asgi import Answer, Message, app_of, ask, post, scope_of
from tests.dialects.langdb.talk import Talk
from tests.observe.helpers import kept_here
from tests.openai_types import check_answer

CHAT = "/v1/chat/completions"
ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


class Wire:
    """A connection a test looks at while it is open."""

    def __init__(self, body: Any, path: str = CHAT) -> None:
        data = json.dumps(body).encode()
        self.scope = scope_of("POST", path, {"content-type": "application/json"})
        self.sent: list[Message] = []
        self._arriving: list[Message] = [{"type": "http.request", "body": data}]
        self._gone = asyncio.Event()

    async def receive(self) -> Message:
        """Give the body, then wait for the client to leave."""
        if self._arriving:
            return self._arriving.pop(0)
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Note what is sent."""
        self.sent.append(message)

    def leave(self) -> None:
        """Hang up."""
        self._gone.set()

    @property
    def body(self) -> bytes:
        """Give the body bytes sent so far."""
        return b"".join(message.get("body", b"") for message in self.sent)

    def start(self, app: App) -> asyncio.Task[None]:
        """Open the connection."""
        return asyncio.ensure_future(self._run(app))

    async def _run(self, app: App) -> None:
        await app(self.scope, self.receive, self.send)
        if self.sent and not self.sent[-1].get("more_body", True):
            check_messages(self.sent)


def check_messages(sent: list[Message]) -> None:
    """Lead a whole answer through the shared assertion."""
    start, *rest = sent
    kind = dict(start["headers"])[b"content-type"].decode()
    check_answer(start["status"], kind, b"".join(message["body"] for message in rest))


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_observers_get_the_exchange_before_the_last_byte(stream: bool) -> None:
    order: list[Any] = []

    async def send(message: Any) -> None:
        order.append(message)

    async def play() -> None:
        clock = ManualClock()
        reply = {"text": "one two three", "pacing": {"ttft": "1s", "itl": "4s"}}
        app = app_of({"name": "greet", "reply": reply}, observers=[order.append], clock=clock)
        wire = Wire({**ASKED, "stream": stream})
        task = asyncio.ensure_future(app(wire.scope, wire.receive, send))
        await settle()
        clock.advance(2)
        await settle()
        assert (b"one" in b"".join(map(_body, order))) is stream
        clock.advance(8)
        await task

    asyncio.run(play())
    (exchange,) = (each for each in order if isinstance(each, Exchange))
    check_messages([each for each in order if not isinstance(each, Exchange)])
    after = order[order.index(exchange) + 1 :]
    assert after[-1]["more_body"] is False
    assert b"".join(map(_body, after)).endswith(b"data: [DONE]\n\n" if stream else b"}\n")
    assert isinstance(exchange.reply, Completion)
    assert (exchange.method, exchange.path, exchange.status) == ("POST", CHAT, 200)
    assert (exchange.rule, exchange.attempt, exchange.session) == ("greet", 1, "")
    assert exchange.outcome.ending == "completed"
    assert exchange.outcome.sent == len(b"".join(map(_body, order)))
    assert exchange.started == 1_700_000_000
    assert exchange.duration == 10


def _body(message: Any) -> bytes:
    body: bytes = b"" if isinstance(message, Exchange) else message.get("body", b"")
    return body


def test_observers_see_refusals_too() -> None:
    seen: list[Exchange] = []
    app = app_of(observers=[seen.append])
    assert ask(app, "POST", CHAT, b"{").status == 400
    assert ask(app, "GET", "/nowhere").status == 404
    assert [(each.status, each.request, each.rule) for each in seen] == [
        (400, None, None),
        (404, None, None),
    ]
    assert all(isinstance(each.reply, Failure) for each in seen)


REFUSED: dict[str, tuple[int, str, str, bytes, dict[str, str]]] = {
    "broken JSON": (400, "POST", CHAT, b"{", {}),
    "wrong value": (400, "POST", CHAT, json.dumps({**ASKED, "n": 0}).encode(), {}),
    "content type": (415, "POST", CHAT, b"{}", {"content-type": "text/plain"}),
    "wrong method": (405, "PUT", CHAT, b"", {}),
    "unknown path": (404, "POST", "/v1/nowhere", b"", {}),
    "unknown model": (404, "GET", "/v1/models/gpt-9", b"", {}),
    "too large": (413, "POST", CHAT, b"", {"content-length": "99999999999"}),
}


@pytest.mark.parametrize(
    ("status", "method", "path", "body", "headers"), REFUSED.values(), ids=REFUSED
)
@pytest.mark.parametrize(
    ("who", "session"),
    [
        ({"x-mockdock-session": "mine"}, "mine"),
        ({"authorization": "Bearer sk-mockdock-me"}, "sk-mockdock-me"),
        ({"authorization": "Bearer sk-me"}, ""),
    ],
    ids=["header", "key", "nobody"],
)
def test_a_refused_request_lands_in_the_session_of_its_caller(
    status: int,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
    who: dict[str, str],
    session: str,
) -> None:
    seen: list[Exchange] = []
    answer = ask(app_of(observers=[seen.append]), method, path, body, {**headers, **who})
    assert answer.status == status
    assert [(each.status, each.session) for each in seen] == [(status, session)]


def test_a_request_without_a_right_key_lands_in_its_session_too() -> None:
    seen: list[Exchange] = []
    app = app_of(auth={"keys": ["sk-right"]}, observers=[seen.append])
    mine = {"x-mockdock-session": "mine"}
    assert ask(app, "POST", CHAT, b"", mine).status == 401
    assert post(app, CHAT, ASKED, {**mine, "authorization": "Bearer sk-wrong"}).status == 401
    assert [each.session for each in seen] == ["mine", "mine"]


def test_a_refused_request_is_no_attempt_and_uses_up_no_reply() -> None:
    app = app_of({"replies": ["first", "second"]})
    mine = {"x-mockdock-session": "mine"}
    assert post(app, CHAT, {**ASKED, "n": 0}, mine).status == 400
    answer = post(app, CHAT, ASKED, mine).json()
    assert answer["choices"][0]["message"]["content"] == "first"


def test_a_wrong_key_is_shown_in_the_body_alone_and_masked() -> None:
    key = "sk-abcdefghijklmnopqrstuvwxyz"
    seen: list[Exchange] = []
    app = app_of(auth={"keys": ["sk-right"]}, observers=[seen.append])
    answer = post(app, CHAT, ASKED, {"authorization": f"Bearer {key}"})
    assert answer.status == 401
    assert answer.json()["error"]["message"].startswith(
        f"Incorrect API key provided: sk-abcd{'*' * 18}wxyz. You can find"
    )
    (exchange,) = seen
    for told in (answer.body.decode(), str(answer.headers), line(exchange)):
        assert key not in told
    for told in (str(answer.headers), line(exchange)):
        assert "sk-abc" not in told
        assert "wxyz" not in told


def test_a_right_key_is_shown_nowhere() -> None:
    key = "sk-abcdefghijklmnopqrstuvwxyz"
    seen: list[Exchange] = []
    app = app_of({"reply": "fine"}, auth={"keys": [key]}, observers=[seen.append])
    answer = post(app, CHAT, ASKED, {"authorization": f"Bearer {key}"})
    assert answer.status == 200
    (exchange,) = seen
    for told in (answer.body.decode(), str(answer.headers), line(exchange)):
        assert "wxyz" not in told


def test_an_observer_that_fails_costs_the_client_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[Exchange] = []

    def failing(_: Exchange) -> None:
        raise RuntimeError("full disk")

    answer = post(app_of({"reply": "fine"}, observers=[failing, seen.append]), CHAT, ASKED)
    assert answer.json()["choices"][0]["message"]["content"] == "fine"
    assert len(seen) == 1
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("ERROR", "an observer failed")
    ]


@pytest.mark.parametrize("where", ["authorize", "ask", "decided", "compose"])
def test_a_defect_is_an_error_no_client_retries_and_its_trace_is_in_the_log(
    where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the inside")

    seen: list[Exchange] = []
    app = app_of(observers=[seen.append])
    monkeypatch.setattr(app.engine, where, broken)
    for stream in (False, True):
        answer = post(app, CHAT, {**ASKED, "stream": stream})
        assert answer.status == 500
        assert answer.headers["x-should-retry"] == "false"
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {
            "error": {
                "message": "mockdock failed, see its log",
                "type": "server_error",
                "param": None,
                "code": None,
            }
        }
    assert [each.status for each in seen] == [500, 500]
    (record, _) = caplog.records
    assert (record.name, record.levelno) == ("mockdock", logging.ERROR)
    assert record.getMessage() == f"mockdock failed to answer POST {CHAT}"
    assert "a secret of the inside" in caplog.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/__mockdock/version"),
        ("POST", "/v1/__mockdock"),
        ("GET", "/v1/models/__mockdock"),
        ("GET", "/openai/v1/__mockdock/version"),
        ("GET", "/openai/eu/v1/__mockdock/verify"),
        ("GET", "//__mockdock/version"),
    ],
)
def test_a_mistyped_url_of_the_control_api_is_no_request_of_a_client(
    method: str, path: str
) -> None:
    seen: list[Exchange] = []
    app = app_of(observers=[seen.append])
    answer = ask(app, method, path)
    assert answer.status in {401, 403, 404, 405}
    assert [each.path for each in seen] == [path]
    assert app.journal.entries() == []
    assert app.journal.tally("").requests == 0


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/__mockdocks", "/v1/my__mockdock/version"])
def test_other_paths_that_there_are_not_are_in_the_journal(path: str) -> None:
    app = app_of()
    ask(app, "GET", path)
    (entry,) = kept_here(app.journal.entries())
    assert (entry.exchange.path, entry.missed) == (path, True)


def test_what_a_rule_answered_is_in_the_journal_whatever_its_path() -> None:
    app = app_of({"reply": "fine"})
    path, query = "/openai/deployments/__mockdock/chat/completions", b"api-version=2024-10-21"
    answer = ask(app, "POST", path, json.dumps(ASKED).encode(), query_string=query)
    assert answer.status == 200
    assert len(app.journal.entries()) == 1


def test_a_defect_in_rendering_is_told_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lone surrogate cannot be written as UTF-8; no server sends such a path, a test can.

    It is kept out of the log, since pytest-xdist cannot pass it on in a report.
    """
    records: list[logging.LogRecord] = []
    monkeypatch.setattr(logging.getLogger("mockdock"), "handle", records.append)
    answer = ask(app_of(), "GET", "/\ud800")
    assert answer.status == 500
    assert answer.json()["error"]["message"] == "mockdock failed, see its log"
    assert len(records) == 1


def test_the_engine_can_be_replaced_while_a_reply_is_under_way() -> None:
    """The reply that has begun ends as the old engine wanted it; the next is the new one's."""

    async def play() -> tuple[bytes, bytes]:
        clock = ManualClock()
        app = app_of({"reply": {"text": "old answer", "pacing": {"ttft": "1s"}}}, clock=clock)
        first = Wire({**ASKED, "stream": True})
        task = first.start(app)
        await settle()
        assert b"old" not in first.body
        app.engine = Engine(load({"mockdock": 1, "rules": [{"reply": "new answer"}]}).scenario)
        clock.advance(1)
        await task
        second = Wire({**ASKED, "stream": True})
        await second.start(app)
        return first.body, second.body

    first, second = asyncio.run(play())
    assert b'"old"' in first
    assert b"new" not in first
    assert b'"new"' in second


def test_a_client_that_leaves_while_sending_its_body_gets_nothing() -> None:
    seen: list[Exchange] = []
    sent: list[Message] = []
    app = app_of(observers=[seen.append])
    arriving: list[Message] = [
        {"type": "http.request", "body": b'{"model"', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return arriving.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope_of("POST", CHAT), receive, send))
    assert (arriving, sent, seen) == ([], [], [])


def test_a_client_that_leaves_mid_stream_is_noted() -> None:
    seen: list[Exchange] = []

    async def play() -> Wire:
        clock = ManualClock()
        reply = {"text": "one two three", "pacing": {"ttft": "1s", "itl": "1s"}}
        app = app_of({"reply": reply}, observers=[seen.append], clock=clock)
        wire = Wire({**ASKED, "stream": True})
        task = wire.start(app)
        await settle()
        clock.advance(1)
        await settle()
        wire.leave()
        await task
        return wire

    wire = asyncio.run(play())
    (exchange,) = seen
    assert exchange.outcome.ending == "client_left"
    assert exchange.outcome.sent == len(wire.body)
    assert b'"one"' in wire.body
    assert b"two" not in wire.body


@pytest.mark.parametrize(("waits", "ttft"), [(1.0, 0.0), (2.0, 2000.0), (3.0, 2000.0)])
def test_a_stream_that_its_client_left_has_no_rate_and_no_token_that_never_left(
    waits: float, ttft: float
) -> None:
    """The first of three tokens comes after two seconds; the model makes them all."""

    async def play() -> App:
        clock = ManualClock()
        reply = {"text": "one two three", "pacing": {"ttft": "2s", "itl": "1s"}}
        app = app_of({"reply": reply}, clock=clock)
        wire = Wire({**ASKED, "stream": True}, "/p/v1/chat/completions")
        task = wire.start(app)
        await settle()
        clock.advance(waits)
        await settle()
        wire.leave()
        await task
        return app

    (group,) = Talk(asyncio.run(play())).told("/analytics/summary", {"groupBy": ["model"]})[
        "summary"
    ]
    assert (group["total_requests"], group["error_request_count"]) == (1, 0)
    assert (group["duration"], group["ttft"]) == (waits * 1000, ttft)
    assert (group["tps"], group["tpot"], group["total_output_tokens"]) == (0, 0, 3)


def test_websockets_are_refused() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    for path in (CHAT, "/"):
        scope = {**scope_of("GET", path), "type": "websocket", "subprotocols": []}
        asyncio.run(app_of()(scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1000}] * 2


def test_a_slash_at_the_end_is_another_path() -> None:
    assert ask(app_of(), "POST", f"{CHAT}/", b"{}").status == 404


def test_the_base_url_is_the_address_where_no_host_is_sent() -> None:
    answer = ask(app_of(), "GET", "/")
    assert answer.headers["x-mockdock-base-url"] == "http://127.0.0.1:8080/v1"


@pytest.mark.parametrize(
    ("name", "header"),
    [("plain: 1/2", "plain: 1/2"), (" spaced\n", "spaced"), ("Größe %", "Gr%C3%B6%C3%9Fe %25")],
)
def test_the_rule_that_answered_is_named_in_a_header(name: str, header: str) -> None:
    answer = post(app_of({"name": name, "reply": "x"}), CHAT, ASKED)
    assert answer.headers["x-mockdock-rule"] == header


def test_no_rule_no_header() -> None:
    assert "x-mockdock-rule" not in post(app_of(), CHAT, ASKED).headers


def test_the_time_an_answer_took_is_told_in_scenario_time() -> None:
    """A plain reply says how long its first frame took, pacing included."""

    async def play() -> Wire:
        clock = ManualClock()
        app = app_of({"reply": {"text": "x", "pacing": {"ttft": "350ms"}}}, clock=clock)
        wire = Wire(ASKED)
        task = wire.start(app)
        await settle()
        clock.advance(1)
        await task
        return wire

    wire = asyncio.run(play())
    assert (b"openai-processing-ms", b"350") in wire.sent[0]["headers"]


def test_two_equal_requests_give_the_same_bytes_with_one_seed() -> None:
    def told(app: App) -> tuple[bytes, str]:
        answer = post(app, CHAT, ASKED)
        return answer.body, answer.headers["x-request-id"]

    def fixed() -> App:
        return app_of(clock=ManualClock())

    assert told(fixed()) == told(fixed())


NOTHING = {"type": "object", "properties": {}}
TOOLS = [{"type": "function", "function": {"name": "find", "parameters": NOTHING}}]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("more", [{}, {"tools": TOOLS}], ids=["text", "call"])
def test_equal_requests_to_one_server_get_the_same_words_under_new_ids(
    stream: bool, more: dict[str, Any]
) -> None:
    """They are two requests all the same, and a retry of one is a third."""
    app = app_of()
    retry = {"x-stainless-retry-count": "1"}
    answers = [
        post(app, CHAT, {**ASKED, **more, "stream": stream}, headers)
        for headers in ({}, {}, retry, retry)
    ]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 4
    assert len({id_ for answer in answers for id_ in _ids(answer.body)}) == (8 if more else 4)
    assert len({_nameless(answer.body) for answer in answers}) == 1


_ID = re.compile(rb'"(?:chatcmpl-[0-9A-Za-z]{29}|call_[0-9A-Za-z]{24})"')


def _ids(body: bytes) -> set[bytes]:
    return set(_ID.findall(body))


def _nameless(body: bytes) -> bytes:
    """Take ids and times out of an answer."""
    return re.sub(rb'("created": ?)\d+', rb"\1", _ID.sub(b"", body))


def test_a_stream_keeps_its_id_and_time_however_long_it_takes() -> None:
    """The time is that of the request; the answer after it has another one."""

    async def play() -> tuple[bytes, bytes]:
        clock = ManualClock()
        app = app_of({"reply": {"text": "one two three", "pacing": {"itl": "1h"}}}, clock=clock)
        wires = [Wire({**ASKED, "n": 2, "stream": True}) for _ in range(2)]
        for wire in wires:
            task = wire.start(app)
            for _ in range(4):
                await settle()
                clock.advance(3600)
            await task
        return wires[0].body, wires[1].body

    first, second = (
        [json.loads(event[6:]) for event in body.split(b"\n\n")[:-2]]
        for body in asyncio.run(play())
    )
    ids = [{event["id"] for event in events} for events in (first, second)]
    created = [{event["created"] for event in events} for events in (first, second)]
    assert [len(each) for each in (*ids, *created)] == [1, 1, 1, 1]
    assert ids[0] != ids[1]
    assert created == [{1_700_000_000}, {1_700_000_000 + 4 * 3600}]


def test_lenient_validation_is_asked_of_the_dialect() -> None:
    odd = {**ASKED, "temperature": 9, "top_k": 5}
    assert post(app_of(), CHAT, odd).status == 400
    assert post(app_of(validation="lenient"), CHAT, odd).status == 200


def test_every_route_of_every_dialect_is_served() -> None:
    """A lenient server has something for every id."""
    app = app_of(validation="lenient")
    for dialect in DIALECTS:
        for route in dialect.routes:
            path = re.sub(r"\{(model|model:path|deployment)\}", "gpt-4o", route.path)
            path = re.sub(r"\{[a-z_]+(:project)?\}", "x", path)
            answer = ask(app, route.method, path, b"{}", query_string=b"api-version=2024-10-21")
            missing = answer.body == b'{"error":"Thread not found"}'
            asked = answer.status == 401 and dialect.name == "langdb"
            assert answer.status in (200, 400) or missing or asked, route


def test_completions_are_kept_with_the_id_of_their_request() -> None:
    """A stream is kept before it is sent, as the completion that it is."""
    app = app_of({"reply": "Hi"})
    plain = post(app, CHAT, {**ASKED, "store": True, "metadata": {"a": "b"}})
    stream = post(app, CHAT, {**ASKED, "store": True, "stream": True})
    post(app, CHAT, ASKED)
    names = [plain.json()["id"], stream.events()[0]["id"]]
    kept = [app.engine.shelf.find("", name.removeprefix("chatcmpl-")) for name in names]
    ids = [f"req_{each.request_id}" for each in kept if each is not None]
    assert ids == [answer.headers["x-request-id"] for answer in (plain, stream)]
    page = app.engine.shelf.page("", StoredOperation("list"))
    assert page is not None
    assert list(page.items) == kept


def test_nothing_is_kept_of_a_failed_request() -> None:
    app = app_of({"reply": {"error": 500}})
    assert post(app, CHAT, {**ASKED, "store": True}).status == 500
    assert post(app, CHAT, {**ASKED, "store": True, "n": 0}).status == 400
    page = app.engine.shelf.page("", StoredOperation("list"))
    assert page is not None
    assert page.items == ()


def own(key: str, answer: str, *, clock: Clock | None = None, **settings: Any) -> Session:
    """Make a session that answers with a text."""
    rules = [{"name": f"rule of {key}", "reply": answer}]
    engine = Engine(load({"mockdock": 1, "rules": rules, **settings}).scenario, alone=True)
    return Session(engine, ScaledClock(0) if clock is None else clock, key)


def by(session: str) -> dict[str, str]:
    return {"authorization": f"Bearer {session}"}


def said(answer: Answer) -> Any:
    return answer.json()["choices"][0]["message"]["content"]


def test_a_session_that_was_opened_has_an_engine_of_its_own() -> None:
    app = app_of({"reply": "base"})
    app.sessions.put("sk-mockdock-a", own("sk-mockdock-a", "mine"))
    assert said(post(app, CHAT, ASKED, by("sk-mockdock-a"))) == "mine"
    assert said(post(app, CHAT, ASKED, {"x-mockdock-session": "sk-mockdock-a"})) == "mine"
    for other in ({}, by("sk-mockdock-b"), {"x-mockdock-session": "a"}):
        assert said(post(app, CHAT, ASKED, other)) == "base"
    told = [
        (entry.exchange.session, entry.exchange.rule) for entry in kept_here(app.journal.entries())
    ]
    assert told[:3] == [("sk-mockdock-a", "rule of sk-mockdock-a")] * 2 + [("", "rule 1")]


def test_a_session_lives_in_a_time_of_its_own() -> None:
    app = app_of({"reply": "base"}, clock=ManualClock())
    later = ManualClock(2_000_000_000)
    later.advance(5)
    app.sessions.put("later", own("later", "x", clock=later))
    answers = [post(app, CHAT, ASKED, {"x-mockdock-session": key}) for key in ("", "later")]
    assert [each.json()["created"] for each in answers] == [1_700_000_000, 2_000_000_005]
    assert [entry.exchange.started for entry in kept_here(app.journal.entries())] == [
        1_700_000_000,
        2_000_000_005,
    ]


def test_the_key_of_a_session_is_a_valid_key_in_it_and_nowhere_else() -> None:
    auth: dict[str, Any] = {"auth": {"keys": ["sk-right"]}}
    app = app_of({"reply": "base"}, **auth)
    for key in ("sk-mockdock-a", "sk-mockdock-b"):
        app.sessions.put(key, own(key, key, **auth))
    asked = {
        (key, session): post(
            app, CHAT, ASKED, {**by(key), **({"x-mockdock-session": session} if session else {})}
        ).status
        for key in ("sk-mockdock-a", "sk-right", "sk-mockdock-other")
        for session in ("", "sk-mockdock-a", "sk-mockdock-b", "base")
    }
    assert {pair for pair, status in asked.items() if status == 200} == {
        ("sk-mockdock-a", ""),
        ("sk-mockdock-a", "sk-mockdock-a"),
        *(("sk-right", session) for session in ("", "sk-mockdock-a", "sk-mockdock-b", "base")),
    }
    assert set(asked.values()) == {200, 401}
    without = ask(app, "POST", CHAT, b"{}", {"x-mockdock-session": "sk-mockdock-a"})
    assert without.status == 401


def test_replacing_the_engine_leaves_sessions_and_the_clock() -> None:
    clock = ManualClock()
    app = app_of({"reply": "base"}, clock=clock)
    app.sessions.put("a", own("a", "mine"))
    app.engine = Engine(load({"mockdock": 1, "rules": [{"reply": "new"}]}).scenario)
    assert said(post(app, CHAT, ASKED)) == "new"
    assert said(post(app, CHAT, ASKED, {"x-mockdock-session": "a"})) == "mine"
    assert app.sessions.base.clock is clock


def test_a_mounted_application_answers_below_its_path_alone() -> None:
    paths: list[str] = []

    class Other:
        async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
            paths.append(scope["path"])
            head = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": b"{}", "more_body": False})

    app = app_of({"reply": "x"})
    app.mount("/__mine", Other())
    mine = ["/__mine", "/__mine/", "/__mine/v1/models"]
    for path in (*mine, "/__mines", "/v1/models", "/"):
        sent: list[Message] = []

        async def send(message: Any, sent: list[Message] = sent) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b""}

        asyncio.run(app(scope_of("GET", path), receive, send))
        assert (sent[1]["body"] == b"{}") is (path in mine)
    assert paths == mine
    assert len(app.journal.entries()) == 3


def test_the_cause_of_a_defect_is_in_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    cause = RuntimeError("inside")

    def broken(*_: object, **__: object) -> None:
        raise cause

    app = app_of({"reply": "x"})
    monkeypatch.setattr(app.engine, "decided", broken)
    monkeypatch.setattr(logging.getLogger("mockdock"), "handle", lambda _: None)
    assert post(app, CHAT, ASKED).status == 500
    (entry,) = kept_here(app.journal.tally("").raised)
    assert isinstance(entry.exchange.reply, Failure)
    assert entry.exchange.reply.cause is cause
    (entry,) = kept_here(app.journal.entries())
    assert isinstance(entry.exchange.reply, Failure)
    assert entry.exchange.reply.cause is cause


def test_what_an_exchange_holds_of_its_request_and_answer() -> None:
    app = app_of({"name": "greet", "reply": "Hello"}, clock=ManualClock())
    headers = {"x-mockdock-session": "s", "x-stainless-retry-count": "2"}
    answer = post(app, CHAT, ASKED, headers)
    (entry,) = kept_here(app.journal.entries())
    exchange = entry.exchange
    assert (exchange.rule, exchange.rule_key, exchange.attempt) == ("greet", "greet", 3)
    assert json.loads(exchange.body) == ASKED
    assert exchange.headers["x-stainless-retry-count"] == "2"
    assert (exchange.status, exchange.missed) == (200, False)
    assert b"".join(frame.data for frame in exchange.rendered()) == answer.body
    told = {name.decode(): value.decode() for name, value in exchange.head.headers}
    assert {name.lower(): value for name, value in told.items()} == answer.headers


def test_a_refusal_has_no_rule_and_the_attempt_its_caller_tells() -> None:
    app = app_of()
    post(app, CHAT, {**ASKED, "n": 0}, {"x-stainless-retry-count": "4"})
    ask(app, "POST", CHAT, b"{")
    told = [entry.exchange for entry in kept_here(app.journal.entries())]
    assert [(each.rule_key, each.attempt, each.request) for each in told] == [
        (None, 5, None),
        (None, 1, None),
    ]


@pytest.mark.parametrize("stops", [True, False])
def test_what_was_decided_is_known_of_a_reply_that_never_came(
    stops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        reply = {"text": "Hello", "faults": ["slicer"]}
        app = app_of({"name": "greet", "reply": reply}, clock=ManualClock())
        monkeypatch.setattr(logging.getLogger("mockdock"), "handle", lambda _: None)
        began = asyncio.Event()

        async def consult(*_: object) -> None:
            if not stops:
                raise RuntimeError
            began.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(app.engine, "consult", consult)
        task = Wire(ASKED).start(app)
        if stops:
            await began.wait()
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        (entry,) = kept_here(app.journal.entries())
        exchange = entry.exchange
        assert exchange.rule == "greet"
        assert exchange.request is not None
        assert exchange.request.model == "gpt-4o"
        assert json.loads(exchange.body) == ASKED
        ending = ("stopped", True) if stops else ("completed", False)
        assert (exchange.outcome.ending, exchange.outcome.headless) == ending

    asyncio.run(work())


@pytest.mark.parametrize(
    ("fault", "whole"),
    [
        ({"type": "html_error"}, False),
        ({"type": "empty_body"}, False),
        ({"type": "redirect"}, False),
        ({"type": "slicer"}, True),
        ({"type": "wrong_content_type"}, True),
    ],
)
def test_a_broken_reply_costs_what_has_left_of_it(fault: dict[str, Any], whole: bool) -> None:
    told = {"text": "one two three", "reasoning": 50, "faults": [fault]}
    app = app_of({"reply": told}, limits=[{"per": "session", "token_budget": 1000}])
    wire = Wire(ASKED)
    asyncio.run(app(wire.scope, wire.receive, wire.send))
    (entry,) = kept_here(app.journal.entries())
    reply, engine = entry.exchange.reply, app.engine
    assert isinstance(reply, Completion)
    (spent,) = gauges(engine.scenario.limits, engine.store, "", 0, alone=False)
    assert reply.usage.completion_tokens > 50
    assert spent.used == reply.usage.prompt_tokens + whole * reply.usage.completion_tokens


@pytest.mark.parametrize(("scale", "wait"), [(0.01, "200ms"), (0.0, "20s"), (1.0, "20s")])
def test_the_message_of_a_refusal_is_in_the_time_of_the_client(scale: float, wait: str) -> None:
    error = {"error": "rate_limit", "retry_after": "20s"}
    app = app_of({"reply": error}, clock=ScaledClock(scale))
    answer = post(app, CHAT, ASKED)
    assert f"Please try again in {wait}." in answer.json()["error"]["message"]
    assert answer.headers["retry-after-ms"] == str(max(1, round(20_000 * scale)))
    (entry,) = kept_here(app.journal.entries())
    assert b"".join(frame.data for frame in entry.exchange.rendered()) == answer.body
