"""The calls of a session: found, counted, asserted, and forgotten in the end."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from openai import BadRequestError, NotFoundError

from mockdock import MockDock, UsageError, VerificationError
from mockdock.testing import CallRequest, Calls, DockServer
from mockdock.testing.ledger import Ledger
from tests.testing.helpers import WEATHER, ask, loose, said, streamed

_PATIENCE = 30.0
_BYTES = 1_000_000


@pytest.fixture
def small() -> Iterator[MockDock]:
    """Open a dock whose journal keeps three calls."""
    with DockServer(journal_size=3) as server, loose(server) as dock:
        yield dock


def test_a_call_tells_all_of_its_exchange(dock: MockDock) -> None:
    dock.when(name="greeting").reply("Hello, you!")
    ask(
        dock,
        messages=[
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "Hi!"}]},
        ],
        tools=[WEATHER],
        extra_headers={"X-Team": "blue"},
    )
    call = dock.calls.last
    assert (call.method, call.path) == ("POST", "/v1/chat/completions")
    assert (call.status, call.rule, call.attempt, call.missed) == (200, "greeting", 1, False)
    request = call.request
    assert (request.model, request.user, request.system) == ("gpt-4o", "Hi!", "Be kind.")
    assert request.messages[0] == {"role": "system", "content": "Be kind."}
    assert request.tools == [WEATHER]
    assert not request.stream
    assert request.headers["x-team"] == "blue"
    assert request.headers["authorization"] == f"Bearer {dock.api_key}"
    assert json.loads(request.raw) == request.json
    assert repr(request) == "<CallRequest model='gpt-4o' user='Hi!'>"
    reply = call.reply
    assert (reply.text, reply.texts, reply.refusal) == ("Hello, you!", ("Hello, you!",), None)
    assert (reply.tool_calls, reply.finish_reason, reply.error) == ((), "stop", None)
    assert reply.json["choices"][0]["message"]["content"] == "Hello, you!"
    assert reply.headers["content-type"] == "application/json"
    assert call.chunks == (reply.body,)
    assert call.usage is not None
    assert call.usage.completion_tokens == 4
    assert call.outcome.ending == "completed"
    assert (call.outcome.frames, call.outcome.sent) == (1, len(reply.body))
    assert call.duration >= 0
    assert call.number > 0


def test_a_streamed_call_tells_its_chunks(dock: MockDock) -> None:
    dock.reply("Hello, you!")
    streamed(dock)
    call = dock.calls.last
    assert call.request.stream
    assert call.reply.text == "Hello, you!"
    assert all(chunk.startswith(b"data: ") for chunk in call.chunks)
    assert call.chunks[-1] == b"data: [DONE]\n\n"
    assert call.outcome.frames == len(call.chunks)


def test_a_failed_call_tells_its_error(dock: MockDock) -> None:
    dock.fail("rate_limit")
    with pytest.raises(Exception, match="429"):
        ask(dock, retries=0)
    call = dock.calls.last
    assert (call.status, call.reply.error, call.reply.text, call.usage) == (
        429,
        "rate_limit",
        None,
        None,
    )
    assert "rate_limit" in repr(call)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"no JSON",
        b"[]",
        b'{"messages": 5, "tools": "x", "model": 7}',
        b'{"messages": ["x", {"role": "user", "content": 5}]}',
        b"[" * 100_000,
    ],
)
def test_a_call_that_was_refused_can_be_looked_at(dock: MockDock, body: bytes) -> None:
    answer = httpx2.post(f"{dock.base_url}/chat/completions", content=body, headers=dock.headers)
    assert answer.status_code == 400
    call = dock.calls.last
    assert call.request.raw == body
    assert (call.request.user, call.request.system, call.request.tools) == ("", "", [])
    assert call.request.model in {"", "7"}
    assert repr(call).startswith("<Call ")
    assert call.status == 400


def test_calls_are_a_sequence_and_a_snapshot(dock: MockDock) -> None:
    dock.respond_with(lambda request: request.user.upper())
    for text in "abc":
        ask(dock, text)
    calls = dock.calls
    ask(dock, "d")
    assert (len(calls), calls.count, bool(calls)) == (3, 3, True)
    assert calls.texts == ["A", "B", "C"]
    assert (calls[0], calls[-1]) == (calls.first, calls.last)
    assert [call.request.user for call in calls] == ["a", "b", "c"]
    assert [call.request.user for call in reversed(calls)] == ["c", "b", "a"]
    assert calls[1:].texts == ["B", "C"]
    assert calls[::-1].texts == ["C", "B", "A"]
    assert calls[5:].texts == []
    assert calls.first in calls
    assert calls == dock.calls[:3] == list(calls)
    assert calls != dock.calls
    assert (calls == 3) is False
    assert len({calls[0], calls[1], calls[0]}) == 2
    assert repr(calls[:1]).startswith("<Calls 1: [<Call ")
    assert dock.calls.count == 4


def test_calls_that_are_not_there_are_told(dock: MockDock) -> None:
    with pytest.raises(UsageError, match="there is no call -1: there were none"):
        _ = dock.calls.last
    dock.reply("x")
    ask(dock)
    with pytest.raises(UsageError, match="there is no call 1: there was 1"):
        dock.calls[1]
    with pytest.raises(UsageError, match="write a whole number or a slice"):
        dock.calls["x"]  # type: ignore[call-overload]
    assert not dock.calls[1:]


def test_calls_are_chosen_by_what_they_are(dock: MockDock) -> None:
    dock.when(name="weather", user="weather").reply("Sunny.")
    ask(dock, "The weather?", model="gpt-4.1")
    with pytest.raises(NotFoundError):
        ask(dock, messages=[{"role": "system", "content": "S"}, {"role": "user", "content": "x"}])
    calls = dock.calls
    chosen: list[tuple[Calls, list[int]]] = [
        (calls.filter(), [0, 1]),
        (calls.filter(model="gpt-4.*"), [0]),
        (calls.filter(user="weather"), [0]),
        (calls.filter(user=re.compile("WEATHER", re.IGNORECASE)), [0]),
        (calls.filter(system="S"), [1]),
        (calls.filter(rule="wea*"), [0]),
        (calls.filter(path="/v1/*"), [0, 1]),
        (calls.filter(status=404), [1]),
        (calls.filter(attempt=1), [0, 1]),
        (calls.filter(stream=True), []),
        (calls.filter(missed=True), [1]),
        (calls.filter(missed=False, status=200), [0]),
        (calls.filter(lambda call: call.status > 400), [1]),
        (calls.filter(lambda call: call.status > 400, user="weather"), []),
    ]
    for found, places in chosen:
        assert found == [calls[place] for place in places]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"modle": "x"}, "there is no filter 'modle'; did you mean 'model'"),
    ({"zzz": 1}, "there are: model, user"),
    ({"user": 5}, "user=5: write a text"),
    ({"user": re.compile(b"x")}, "user="),
    ({"status": "200"}, "status='200': write a whole number"),
    ({"attempt": True}, "attempt=True"),
    ({"stream": 1}, "stream=1: write True or False"),
    ({"where": "x"}, "where='x': write a function"),
]


@pytest.mark.parametrize(("wrong", "told"), WRONG)
def test_wrong_filters_are_told(dock: MockDock, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        dock.calls.filter(**wrong)
    with pytest.raises(UsageError, match=told):
        dock.assert_called(**wrong)


def test_calls_are_asserted(dock: MockDock) -> None:
    dock.assert_not_called()
    with pytest.raises(VerificationError, match="expected a call; there were 0"):
        dock.assert_called()
    dock.reply("x")
    ask(dock, "one")
    dock.assert_called()
    dock.assert_called_once()
    dock.assert_called_once(user="one")
    dock.assert_called_once(lambda call: call.request.user == "one")
    dock.assert_not_called(user="two")
    dock.assert_called(0, user="two")
    ask(dock, "two")
    with pytest.raises(VerificationError, match="expected 1 call; there were 2") as caught:
        dock.assert_called_once()
    assert "/v1/chat/completions" in str(caught.value), "the calls are shown"
    with pytest.raises(VerificationError, match="expected 0 calls, user='two'; there were 1"):
        dock.assert_not_called(user="two")
    with pytest.raises(VerificationError, match=r"expected a call, where=<.*>, model='o3'"):
        dock.assert_called(where=lambda _: True, model="o3")
    with pytest.raises(UsageError, match="times=-1"):
        dock.assert_called(-1)


def test_all_rules_are_asserted_those_of_the_scenario_too(dock: MockDock) -> None:
    dock.load({"mockdock": 1, "rules": [{"name": "behind", "when": {"user": "b"}, "reply": "B"}]})
    dock.when(user="a").reply("A")
    ask(dock, "a")
    dock.verify()
    with pytest.raises(VerificationError, match="never answered: behind"):
        dock.assert_all_called()
    ask(dock, "b")
    dock.assert_all_called()


def test_calls_no_rule_answered_are_unmatched(dock: MockDock) -> None:
    dock.when(user="a").reply("A")
    ask(dock, "a")
    with pytest.raises(NotFoundError, match="no rule"):
        ask(dock, "b")
    with pytest.raises(BadRequestError):
        ask(dock, temperature=9)
    assert dock.unmatched.count == 1
    assert dock.unmatched.last.request.user == "b"


def test_what_the_journal_forgot_is_told_and_counts(small: MockDock) -> None:
    rule = small.when(user="a").reply("A")
    for _ in range(4):
        ask(small, "a")
    with pytest.raises(NotFoundError):
        ask(small, "b")
    calls = small.calls
    assert (calls.count, len(calls)) == (5, 3)
    assert (rule.count, rule.calls.count, len(rule.calls)) == (4, 4, 2)
    assert small.unmatched.count == 1
    assert calls[-3:].count == 3
    assert calls[4] == calls.last
    gone: list[Callable[[], object]] = [
        lambda: calls.first,
        lambda: calls[1],
        lambda: calls[:2],
        lambda: calls[:],
    ]
    for look in gone:
        with pytest.raises(UsageError, match=r"call \d is no longer kept: the journal holds the"):
            look()
    small.assert_called(times=5)
    small.assert_called(user="a")
    for times in (2, 3, None):
        with pytest.raises(UsageError, match="of 5 calls the first 2 are no longer kept"):
            small.assert_called(times, user="c" if times is None else "a")
    with pytest.raises(VerificationError, match="expected 1 call, user='a'; there were 2"):
        small.assert_called_once(user="a")


def test_calls_stay_in_their_places_when_older_ones_go(small: MockDock) -> None:
    small.respond_with(lambda request: request.user)
    for text in "ab":
        ask(small, text)
    assert small.calls.texts == ["a", "b"]
    for text in "cd":
        ask(small, text)
    assert small.calls.texts == ["b", "c", "d"]
    assert small.calls[1].reply.text == "b"
    for text in "efghi":
        ask(small, text)
    calls = small.calls
    assert (calls.count, calls.texts) == (9, ["g", "h", "i"]), "nothing is missing in between"
    assert calls[6].reply.text == "g"


def test_what_is_kept_here_is_bounded(dock: MockDock) -> None:
    dock.respond_with(lambda request: request.user)
    for text in "abc":
        ask(dock, text)
    verbs, key = dock._session.verbs, dock.api_key
    assert Ledger(2, _BYTES).read(verbs, key).texts == ["b", "c"]
    assert Ledger(2, _BYTES).read(verbs, key).count == 3
    assert Ledger(10, 1).read(verbs, key).texts == []
    assert Ledger(10, 1).read(verbs, key).count == 3


def test_somebody_else_resets_the_session(dock: MockDock) -> None:
    dock.reply("x")
    said(dock, "a")
    said(dock, "b")
    assert [call.request.user for call in dock.calls] == ["a", "b"]
    verbs, key = dock._session.verbs, dock.api_key
    verbs.reset(key)
    assert dock.calls.count == 0
    for texts in (["c", "d"], ["e", "f", "g"]):
        verbs.reset(key)
        verbs.add_rule(key, {"reply": "y"})
        for text in texts:
            said(dock, text)
        assert [call.request.user for call in dock.calls] == texts


def test_waiting_for_calls(dock: MockDock) -> None:
    dock.reply("x")
    base_url = dock.base_url
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            pool.submit(ask, dock)
        assert dock.wait_for(3, timeout=_PATIENCE).count == 3
    assert dock.base_url == base_url
    with pytest.raises(VerificationError, match="expected 4 calls within 0 s; there were 3"):
        dock.wait_for(4, timeout=0)
    for count, timeout in ((0, 1), ("2", 1), (1, -1), (1, float("inf")), (1, "5")):
        with pytest.raises(UsageError, match=r"(count|timeout)="):
            dock.wait_for(count, timeout)  # type: ignore[arg-type]


def test_waiting_does_not_hold_up_the_event_loop(dock: MockDock) -> None:
    dock.reply("x")

    async def main() -> Calls:
        waits = [asyncio.create_task(dock.wait_for_async(1, _PATIENCE)) for _ in range(60)]
        await asyncio.sleep(0)
        await asyncio.to_thread(ask, dock)
        seen = await asyncio.gather(*waits)
        given_up = asyncio.create_task(dock.wait_for_async(99, 0.01))
        with pytest.raises(VerificationError):
            await given_up
        return seen[0]

    assert asyncio.run(main()).count == 1


def test_a_client_that_leaves_a_stream_is_told_with_what_it_got(dock_server: DockServer) -> None:
    with loose(dock_server, time_scale="manual") as dock:
        dock.reply("one two three", pacing={"itl": "1s", "chunk": "word"})
        body = {
            "model": "gpt-4o",
            "stream": True,
            "messages": [{"role": "user", "content": "Hi!"}],
        }
        with httpx2.stream(
            "POST", f"{dock.base_url}/chat/completions", json=body, headers=dock.headers
        ) as response:
            lines = response.iter_lines()
            assert '"content":""' in next(lines)
            assert next(lines) == ""
        call = dock.wait_for(1, timeout=_PATIENCE).last
    assert call.outcome.ending == "client_left"
    assert call.outcome.frames == len(call.chunks) >= 1
    assert b"three" not in b"".join(call.chunks)


def test_records_and_reports_hide_secrets_that_calls_hold(dock: MockDock) -> None:
    secret = "sk-proj-" + "a" * 40
    dock.when(user="a").reply("x")
    with pytest.raises(NotFoundError):
        ask(dock, "b", extra_headers={"authorization": f"Bearer {secret}", **dock.headers})
    assert dock.calls.last.request.headers["authorization"] == f"Bearer {secret}"
    with pytest.raises(VerificationError) as caught:
        dock.verify()
    shown = [json.dumps(dock.records()), dock.report(), dock.verdict().model_dump_json()]
    for text in (*shown, str(caught.value)):
        assert secret not in text
        assert "/v1/chat/completions" in text


def test_many_threads_ask_and_look_at_once(dock: MockDock) -> None:
    rule = dock.reply("x")
    begin = threading.Barrier(16)
    base_url = dock.base_url

    def both(_: int) -> int:
        begin.wait(_PATIENCE)
        said(dock)
        return dock.calls.count

    with ThreadPoolExecutor(16) as pool:
        counts = list(pool.map(both, range(16)))
    assert base_url
    assert max(counts) == 16
    assert rule.count == dock.calls.count == len(dock.calls) == 16


def test_a_request_without_a_body_is_shown_empty() -> None:
    request = CallRequest({}, b"")
    assert (request.model, request.messages, request.stream) == ("", [], False)
