"""Rate limits as the real SDK meets them, over a socket."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from openai import BadRequestError, OpenAI, RateLimitError

from mockdock import MockDock, Server
from mockdock.app import App
from mockdock.delivery import ManualClock
from mockdock.engine import Engine
from mockdock.observe import Exchange
from mockdock.observe.verbs import Changes
from mockdock.scenario import load
from tests.acceptance.conftest import Serve
from tests.acceptance.test_raw_socket import Wire

ASKED: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
_PATIENCE = 20.0

ClientOf = Callable[..., OpenAI]


def limited(*limits: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"mockdock": 1, "limits": limits, "rules": [{"reply": "one two three four"}], **more}


def numbers(client: OpenAI, **fields: Any) -> dict[str, str]:
    """Ask, and give what the headers tell of limits, "x-ratelimit-" left out."""
    raw = client.chat.completions.with_raw_response.create(**{**ASKED, **fields})
    found = {
        name.removeprefix("x-ratelimit-"): value
        for name, value in raw.headers.items()
        if name.startswith("x-ratelimit-")
    }
    raw.parse()
    return found


def usage(client: OpenAI) -> Any:
    found = client.chat.completions.create(**ASKED).usage
    assert found is not None
    return found


@pytest.fixture
def clock() -> Iterator[ManualClock]:
    clock = ManualClock()
    yield clock
    clock.release()


def test_without_limits_nothing_is_told_of_any(serve: Serve, client_of: ClientOf) -> None:
    assert numbers(client_of(serve(limited()))) == {}


def test_headers_move_with_each_request_and_with_time(
    serve: Serve, client_of: ClientOf, clock: ManualClock
) -> None:
    client = client_of(serve(limited({"rpm": 3, "tpm": 6000}), clock=clock))
    total = usage(client).total_tokens
    clock.advance(60)
    assert numbers(client) == {
        "limit-requests": "3",
        "limit-tokens": "6000",
        "remaining-requests": "2",
        "remaining-tokens": str(6000 - total),
        "reset-requests": "20s",
        "reset-tokens": f"{total * 10}ms",
    }
    assert numbers(client)["reset-requests"] == "40s"
    clock.advance(10)
    found = numbers(client)
    assert (found["remaining-requests"], found["reset-requests"]) == ("0", "50s")


def test_a_refusal_has_the_numbers_and_waiting_as_told_ends_it(
    serve: Serve, client_of: ClientOf, clock: ManualClock
) -> None:
    client = client_of(serve(limited({"rpm": 3}), clock=clock))
    for _ in range(3):
        numbers(client)
    for _ in range(2):
        with pytest.raises(RateLimitError) as refused:
            numbers(client)
    assert refused.value.code == "rate_limit_exceeded"
    assert refused.value.type == "requests"
    assert "(RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. " in str(refused.value)
    told = refused.value.response.headers
    assert (told["retry-after"], told["retry-after-ms"]) == ("20", "20000")
    assert told["x-ratelimit-remaining-requests"] == "0"
    clock.advance(19.9)
    with pytest.raises(RateLimitError, match="try again in 20s"):
        numbers(client)
    clock.advance(20)
    assert numbers(client)["remaining-requests"] == "0"


def test_the_sdk_recovers_at_once_where_nobody_waits(
    serve: Serve, client_of: ClientOf, exchanges: list[Exchange]
) -> None:
    """At time scale 0 who was told to wait has waited as long."""
    client = client_of(serve(limited({"rpm": 3})), max_retries=2)
    for _ in range(9):
        assert usage(client).completion_tokens == 4
    statuses = [each.head.status for each in exchanges]
    assert statuses == [200, 200, 200, *[429, 200] * 6]
    for refused, retried in zip(exchanges[3::2], exchanges[4::2], strict=True):
        assert retried.at - refused.at == pytest.approx(20, abs=1)
        assert retried.duration < 5


def test_who_is_lied_to_comes_back_too_early(
    serve: Serve, client_of: ClientOf, exchanges: list[Exchange]
) -> None:
    client = client_of(serve(limited({"rpm": 1, "header": "lies"})), max_retries=2)
    usage(client)
    with pytest.raises(RateLimitError):
        usage(client)
    assert [each.head.status for each in exchanges] == [200, 429, 429, 429]


def test_the_sdk_waits_as_long_as_scaled_time_takes(
    serve: Serve, client_of: ClientOf, exchanges: list[Exchange]
) -> None:
    """Twenty seconds are 200 ms at 0.01; the other refills by then."""
    client = client_of(serve(limited({"rpm": 3}), time_scale=0.01), max_retries=1)
    for _ in range(3):
        usage(client)
    usage(client)
    assert [each.head.status for each in exchanges] == [200, 200, 200, 429, 200]
    told = dict(exchanges[3].head.headers)
    assert 100 <= int(told[b"retry-after-ms"]) <= 200


def test_a_dock_lives_in_time_that_is_advanced_by_hand() -> None:
    with MockDock(limited({"rpm": 2}), time_scale="manual") as dock, OpenAI(
        **dock.openai, max_retries=0
    ) as client:  # fmt: skip
        usage(client)
        usage(client)
        with pytest.raises(RateLimitError):
            usage(client)
        dock.clock.advance(30)
        usage(client)


def test_another_time_scale_leaves_what_was_used_and_nobody_waits_for_the_old_clock(
    serve: Serve, client_of: ClientOf
) -> None:
    server = serve(limited({"rpm": 2, "algorithm": "sliding"}), time_scale=1)
    client = client_of(server)
    usage(client)
    for scale in ("manual", 0.001, "manual"):
        usage(client)
        with pytest.raises(RateLimitError) as refused:
            usage(client)
        assert 0 < float(refused.value.response.headers["retry-after"]) <= 62
        server.verbs.change("", Changes(time_scale="manual"))
        server.verbs.advance("", 62)
        usage(client)
        server.verbs.change("", Changes(time_scale=scale))
        server.verbs.change("", Changes(time_scale="manual"))


def test_tokens_are_charged_by_max_tokens_and_corrected(
    serve: Serve, client_of: ClientOf, clock: ManualClock
) -> None:
    client = client_of(serve(limited({"tpm": 1000}), clock=clock))
    total = usage(client).total_tokens
    found = numbers(client, max_tokens=900)
    assert found["remaining-tokens"] == str(1000 - 2 * total)
    with pytest.raises(RateLimitError) as refused:
        numbers(client, max_tokens=1000 - 2 * total)
    assert refused.value.type == "tokens"
    with pytest.raises(RateLimitError, match="Request too large for gpt-4o"):
        numbers(client, max_tokens=1000)
    room = 1000 - 2 * total - usage(client).prompt_tokens - total
    assert numbers(client, max_tokens=room)["remaining-tokens"] == str(1000 - 4 * total)


def test_a_stream_holds_its_estimate_until_its_end(
    serve: Serve, client_of: ClientOf, clock: ManualClock
) -> None:
    slow = {"itl": "1s", "chunk": "word"}
    client = client_of(serve(limited({"tpm": 1000}, pacing=slow), clock=clock))
    stream: Any = client.chat.completions.create(**ASKED, stream=True, max_tokens=900)
    first = next(stream)
    left = int(stream.response.headers["x-ratelimit-remaining-tokens"])
    assert left < 100
    with pytest.raises(RateLimitError):
        numbers(client, max_tokens=100)
    clock.advance(10)
    assert [first, *stream]
    assert usage_left(client, clock) > 900


def usage_left(client: OpenAI, clock: ManualClock) -> int:
    """Ask for one paced reply while time goes on; give the tokens that are left."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(numbers, client)
        while not asked.done():
            clock.advance(0.01)
            threading.Event().wait(0.001)
    return int(asked.result()["remaining-tokens"])


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "plain"])
def test_a_client_that_leaves_is_charged_what_was_sent(
    stream: bool, serve: Serve, client_of: ClientOf, exchanges: list[Exchange], clock: ManualClock
) -> None:
    slow = {"itl": "100s", "chunk": "word"}
    budget = {"token_budget": 10**6}
    server = serve(limited({"tpd": 10**5, "algorithm": "fixed"}, budget, pacing=slow), clock=clock)
    body = json.dumps({**ASKED, "stream": stream, "max_tokens": 5000}).encode()
    with Wire(server) as wire:
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: m\r\nauthorization: Bearer k\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        wire.send(head.encode() + body)
        if stream:
            while not clock.waiting():
                threading.Event().wait(0.001)
            clock.advance(150)
            sent = b""
            while b"two" not in sent:
                sent += wire.socket.recv(65536)
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert server.verbs.wait("", 1, _PATIENCE)
    (left,) = exchanges
    assert left.outcome.ending == "client_left"
    clock.release()
    client = client_of(server)
    whole = usage(client)
    said = 2 if stream else 0
    assert int(numbers(client)["remaining-tokens"]) == 10**5 - (
        whole.prompt_tokens + said + 2 * whole.total_tokens
    )


@pytest.mark.parametrize("end", ["whole", "left", "cut", "error", "stall"])
def test_what_is_under_way_ends_however_it_ends(
    end: str, serve: Serve, client_of: ClientOf, clock: ManualClock
) -> None:
    rules: list[dict[str, Any]] = [{"reply": {"text": "a b", "pacing": {"ttft": "60s"}}}]
    if end == "cut":
        rules[0]["reply"]["faults"] = [{"type": "truncate", "after": {"tokens": 1}}]
    if end == "stall":
        rules[0]["reply"]["faults"] = [{"type": "stall"}]
    if end == "error":
        rules = [{"reply": {"error": "server_error"}}]
    server = serve(limited({"concurrent": 1}, rules=rules), clock=clock)
    client = client_of(server, timeout=_PATIENCE)
    for number in range(1, 4):
        if end == "error":
            with pytest.raises(Exception, match="server had an error"):
                usage(client)
            continue
        body = json.dumps({**ASKED, "stream": True}).encode()
        with Wire(server) as wire:
            head = "POST /v1/chat/completions HTTP/1.1\r\nhost: m\r\nauthorization: Bearer k\r\n"
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            wire.send(head.encode() + body)
            while not clock.waiting():
                threading.Event().wait(0.001)
            with pytest.raises(RateLimitError, match="concurrent requests: Limit 1, Used 1"):
                usage(client)
            if end in ("whole", "cut"):
                clock.advance(60)
                while wire.socket.recv(65536):
                    if end == "whole":
                        break
        assert server.verbs.wait("", 2 * number, _PATIENCE)


def test_a_server_that_stops_releases_what_it_cancels() -> None:
    clock = ManualClock()
    slow = {"ttft": "1h"}
    server = Server(limited({"concurrent": 1}, pacing=slow), clock=clock)
    with server, Wire(server) as wire:
        body = json.dumps(ASKED).encode()
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: m\r\nauthorization: Bearer k\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        wire.send(head.encode() + body)
        while not clock.waiting():
            threading.Event().wait(0.001)
    store: Any = server.app.engine.store
    assert [state[2:] for state in store._meters.values.values()] == [(0.0,)]


def test_so_many_clients_at_once_are_let_through_as_the_limit_says(
    serve: Serve, client_of: ClientOf, clock: ManualClock
) -> None:
    client = client_of(serve(limited({"rpm": 40, "refused": "free"}), clock=clock))

    def one(_: int) -> int:
        try:
            usage(client)
        except RateLimitError:
            return 0
        return 1

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(one, range(100))) == 40


def test_a_spent_quota_is_spent_whatever_the_time(
    serve: Serve, client_of: ClientOf, clock: ManualClock
) -> None:
    client = client_of(serve(limited({"token_budget": 5}), clock=clock))
    usage(client)
    clock.advance(10**7)
    with pytest.raises(RateLimitError) as refused:
        usage(client)
    assert (refused.value.code, refused.value.type) == ("insufficient_quota", "insufficient_quota")
    assert not [name for name in refused.value.response.headers if "retry" in name]


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 9},
        {"messages": []},
        {"top_logprobs": 3},
        {"max_tokens": 10**8},
        {"nonsense": 1},
    ],
    ids=str,
)
def test_a_wrong_request_is_told_of_limits_and_counts_as_one(
    wrong: dict[str, Any], serve: Serve, client_of: ClientOf, clock: ManualClock
) -> None:
    limits = limited({"rpm": 5, "tpm": 1000}, {"concurrent": 1}, {"rpd": 50})
    client = client_of(serve(limits, clock=clock))
    for left in ("4", "3", "2", "1", "0", "0"):
        with pytest.raises(BadRequestError) as refused:
            client.chat.completions.create(**{**ASKED, "extra_body": wrong})
        told = refused.value.response.headers
        assert told["x-ratelimit-limit-requests"] == "5"
        assert told["x-ratelimit-remaining-requests"] == left
        assert told["x-ratelimit-remaining-tokens"] == "1000"
    with pytest.raises(RateLimitError):
        usage(client)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"messages": []}', b'{"model": 5}'])
def test_who_names_no_model_meets_no_limit(body: bytes, serve: Serve) -> None:
    with Wire(serve(limited({"rpm": 1}))) as wire:
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: m\r\nauthorization: Bearer k\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        for _ in range(3):
            wire.send(head.encode() + body)
            answer = wire.answer()
            assert answer is not None
            assert answer.status == 400
            assert not [name for name in answer.headers if "ratelimit" in name]


def test_other_operations_are_not_charged(serve: Serve, client_of: ClientOf) -> None:
    client = client_of(serve(limited({"rpm": 1})))
    stored = client.chat.completions.create(**ASKED, store=True)
    for _ in range(3):
        assert "x-ratelimit-limit-requests" not in client.models.with_raw_response.list().headers
        raw = client.chat.completions.with_raw_response.retrieve(stored.id)
        assert "x-ratelimit-limit-requests" not in raw.headers
    with pytest.raises(RateLimitError):
        usage(client)


def test_an_embedded_nul_or_a_long_name_of_a_model_is_only_a_name(
    serve: Serve, client_of: ClientOf
) -> None:
    client = client_of(serve(limited({"rpm": 1, "per": ["model", "key"]})))
    for model in ("m\x00", "x" * 10_000, "é"):
        assert numbers(client, model=model)["remaining-requests"] == "0"


def test_what_cannot_be_sent_is_not_under_way_any_more() -> None:
    """Servers other than uvicorn raise OSError when the client has gone (ASGI says they may)."""
    app = App(Engine(load(limited({"concurrent": 1})).scenario))
    body = json.dumps(ASKED).encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer k"), (b"content-type", b"application/json")],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def broken(_: Any) -> None:
        raise OSError("gone")

    statuses: list[int] = []

    async def whole(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    async def main() -> None:
        for _ in range(3):
            with pytest.raises(OSError, match="gone"):
                await app(dict(scope), receive, broken)
        await app(dict(scope), receive, whole)

    asyncio.run(main())
    assert statuses == [200]
    assert app.sessions.base.traffic.open == 0
