"""What is kept of an exchange is weighed: never by much less than it takes."""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mockdock.app import App
from mockdock.delivery import ScaledClock
from mockdock.engine import Engine
from mockdock.observe import Journal
from mockdock.observe.weight import weight
from mockdock.reply import Choice, Failure, NearRule, Piece, Spoken, Unmet
from mockdock.scenario import load
from tests.conformance.asgi import Message, scope_of
from tests.observe.helpers import ANSWER, exchange, kept_here

EXCHANGES = 10
CHAT = "/v1/chat/completions"
HEADERS = {
    "host": "127.0.0.1:8080",
    "content-type": "application/json",
    "authorization": "Bearer sk-test",
    "user-agent": "OpenAI/Python 3.54.0",
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
    "connection": "keep-alive",
    **{f"x-stainless-{name}": "value" for name in ("lang", "os", "arch", "runtime", "async")},
}


def one_text(text: str, **more: Any) -> Callable[[int], bytes]:
    return lambda number: json.dumps(
        {"model": "gpt-4o", "messages": [{"role": "user", "content": f"{text} {number}"}], **more},
        ensure_ascii=False,
    ).encode()


def many_messages(number: int) -> bytes:
    roles = ["user", "assistant"] * 50
    messages = [{"role": role, "content": f"{at} {number}"} for at, role in enumerate(roles)]
    return json.dumps({"model": "gpt-4o", "messages": messages}).encode()


def nested(*values: Any) -> Callable[[int], bytes]:
    """Hold values where a request may have any, such as in the schema of a tool."""
    schema = {"type": "object", "properties": {"a": {"type": "string", "default": values}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    asked = json.loads(one_text("Hello", tools=[tool])(0))
    raw = json.dumps(asked, separators=(",", ":")).encode()
    return lambda number: raw.replace(b"Hello", b"%d" % number)


def escaped(number: int) -> bytes:
    return json.dumps(json.loads(one_text("a" * 5000 + "\N{GRINNING FACE}")(number))).encode()


BODIES = {
    "small": one_text("Hello"),
    "stream": one_text("Hello", stream=True),
    "logprobs": one_text("Hello", logprobs=True, top_logprobs=5),
    "several": one_text("Hello", n=3),
    "long": one_text("lorem ipsum " * 850),
    "Japanese": one_text("日本語の文章です。" * 500),
    "one emoji in ASCII": one_text("a" * 5000 + "\N{GRINNING FACE}"),
    "one escaped emoji": escaped,
    "many messages": many_messages,
    "empty lists": nested(*[[]] * 3000),
    "empty objects": nested(*[{}] * 3000),
    "small objects": nested(*[{"a": 1}] * 3000),
    "other names": nested(*({f"a{at}": at} for at in range(3000))),
    "lists in lists": nested(*[[[0]]] * 3000),
    "numbers": nested(*range(1000, 4000)),
    "one object": nested({f"a{at}": at + 0.5 for at in range(3000)}),
    "refused": one_text("Hello", n=0),
}


async def play(
    app: App,
    bodies: list[bytes],
    head: Callable[[int], tuple[str, dict[str, str]]] = lambda _: (CHAT, HEADERS),
) -> None:
    for number, body in enumerate(bodies):
        arriving: list[Message] = [{"type": "http.request", "body": body}]

        async def receive(arriving: list[Message] = arriving) -> Message:
            if not arriving:
                await asyncio.Event().wait()
            return arriving.pop(0)

        async def send(_: Any) -> None:
            pass

        path, headers = head(number)
        await app(scope_of("POST", path, headers), receive, send)


@pytest.mark.parametrize("otherwise", ["lorem", "fail"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_exchange_takes_no_more_than_its_weight_and_a_quarter(
    body: Callable[[int], bytes], otherwise: str
) -> None:
    rules = [{"when": {"system": {"contains": f"none {n}"}}, "reply": "x"} for n in range(4)]
    scenario = load({"mockdock": 1, "otherwise": otherwise, "rules": rules}).scenario
    app = App(Engine(scenario), clock=ScaledClock(0), journal=Journal(most_bytes=10**10))

    def taken(numbers: range) -> None:
        asyncio.run(play(app, [body(number) for number in numbers]))

    assert held(app, taken) < 1.25


def held(app: App, taken: Callable[[range], None]) -> float:
    """Give the memory that kept exchanges take, as a part of what they weigh."""
    taken(range(1))
    app.journal.reset()
    tracemalloc.start()
    try:
        taken(range(EXCHANGES))
        weighed = sum(weight(entry.exchange) for entry in kept_here(app.journal.entries()))
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        app.journal.reset()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert app.journal.tally().requests == 0
    return (before - after) / weighed


HEADS: dict[str, Callable[[int], tuple[str, dict[str, str]]]] = {
    "a large header": lambda number: (CHAT, {**HEADERS, "x": f"{number}" * 100_000}),
    "many headers": lambda number: (CHAT, {f"x-{at}-{number}": f"{number}" for at in range(1000)}),
    "a session": lambda number: (CHAT, {**HEADERS, "x-mockdock-session": f"{number}" * 200}),
    "a path": lambda number: (f"/v1/{number}" + "x" * 100_000, HEADERS),
    "a path of wide letters": lambda number: (f"/v1/{number}" + "\U0001f600" * 10_000, HEADERS),
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_headers_session_and_path_are_weighed(
    head: Callable[[int], tuple[str, dict[str, str]]],
) -> None:
    app = App(Engine(load({"mockdock": 1}).scenario), clock=ScaledClock(0))
    body = one_text("Hello")

    def taken(numbers: range) -> None:
        asyncio.run(play(app, [body(number) for number in numbers], head))

    assert held(app, taken) < 1.25


def test_what_is_answered_is_weighed() -> None:
    piece = Piece("one", 1)
    said = {"content": (piece,) * 10, "refusal": (piece,), "calls": (), "finish": "stop"}
    spoken = Spoken("id", b"x" * 1000, 0, (piece,))

    def reply(**more: Any) -> int:
        choice = Choice(0, **{**said, **more})
        return weight(exchange(reply=replace(ANSWER, choices=(choice,))))

    assert reply() == weight(exchange()) + 11 * 100
    assert reply(spoken=spoken) == reply() + 1000 + 100


def test_what_a_miss_found_is_weighed() -> None:
    unmet = Unmet("user", "was something else", "wanted", "x" * 20_000)
    missed = Failure("no_match", nearest=(NearRule("one", (unmet,)), NearRule("two", (unmet,))))
    plain = weight(exchange(reply=Failure("no_match")))
    assert weight(exchange(reply=missed)) > plain + 40_000
