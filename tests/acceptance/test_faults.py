"""What openai-python makes of every fault: the exception it raises, or what it takes for an answer.

The names are those of its documentation: APIConnectionError when the API was not
reached, APITimeoutError, InternalServerError for a status from 500 on, APIError for an
error in a stream. JSON that is none raises what ``json`` does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from mockdock.delivery import FAULTS, ManualClock
from mockdock.fault import PLAIN_ONLY, STREAM_ONLY, After, Fault
from tests.delivery.wires import Endless, Parser, Running, Sick, eventually, patiently, serving

LOST = openai.APIConnectionError
LATE = openai.APITimeoutError
SERVER = openai.InternalServerError
JSON = json.JSONDecodeError
WHOLE: list[str | None] = ["grüße"]
PARTS: list[str | None] = ["", "grü", "ße", None]
_SLOW = openai.Timeout(20.0)
_QUICK = openai.Timeout(20.0, read=0.2)


@dataclass(frozen=True)
class Row:
    """What comes before the end, and the exception it ends with, if any."""

    fault: Fault
    plain: tuple[list[str | None], type[Exception] | None] | None
    stream: tuple[list[str | None], type[Exception] | None] | None

    def __str__(self) -> str:
        place = "-mid" if self.fault.after != After() else ""
        return f"{self.fault.name}{place}{self.fault.inside or ''}{self.fault.by or ''}"


def failing(
    name: Any, error: type[Exception], read: list[str | None] | None = None, **options: Any
) -> Row:
    """Say that a fault ends in an exception, of a stream after some of its deltas."""
    return Row(Fault(name, **options), ([], error), (read or [], error))


def harmless(name: Any, **options: Any) -> Row:
    return Row(Fault(name, **options), (WHOLE, None), (PARTS, None))


MID: Any = {"after": After(tokens=1)}
ROWS = [
    failing("connection_refused", LOST),
    failing("accept_and_close", LOST),
    failing("connection_reset", LOST),
    failing("connection_reset", LOST, ["", "grü"], **MID),
    failing("empty_response", LOST),
    failing("stall", LATE),
    failing("stall", LATE, ["", "grü"], **MID),
    harmless("bandwidth", rate=500.0),
    harmless("slicer", size=7),
    failing("truncate", LOST, [""]),
    failing("truncate", LOST, ["", "grü"], **MID),
    failing("truncate", LOST, ["", "grü"], reset=True, **MID),
    failing("truncate", LOST, ["", "grü"], inside="string", **MID),
    failing("truncate", LOST, ["", "grü"], inside="character", **MID),
    Row(Fault("wrong_content_length", by=5), ([], LOST), None),
    Row(Fault("wrong_content_length", by=-5), ([], JSON), None),
    failing("malformed_chunk", LOST, ["", "grü"], **MID),
    harmless("wrong_content_type"),
    failing("html_error", SERVER),
    failing("html_error", SERVER, status=504),
    harmless("redirect"),
    failing("false_gzip", LOST),
    failing("invalid_json", JSON, ["", "grü"], **MID),
    Row(Fault("empty_body"), ([], JSON), ([], None)),
    Row(Fault("crlf"), None, (PARTS, None)),
    Row(Fault("comments"), None, (PARTS, None)),
    Row(Fault("coalesce"), None, (PARTS, None)),
    Row(Fault("split"), None, (PARTS, None)),
    Row(Fault("error_event", **MID), None, (["", "grü"], openai.APIError)),
    Row(Fault("missing_done"), None, (PARTS, None)),
    Row(Fault("double_done"), None, (PARTS, None)),
    Row(Fault("duplicate_chunk"), None, (["", "grü", "grü", "ße", None], None)),
    Row(Fault("reordered_chunk"), None, (["", "ße", "grü", None], None)),
]


@pytest.fixture(scope="module", params=["httptools", "h11"])
def parser(request: pytest.FixtureRequest) -> Parser:
    found: Parser = request.param
    return found


@pytest.fixture(scope="module")
def sick() -> Sick:
    return Sick()


@pytest.fixture(scope="module")
def server(parser: Parser, sick: Sick) -> Iterator[Running]:
    with serving(sick, parser) as running:
        yield running


Heard = tuple[list[str | None], type[Exception] | None]
ASKED: Any = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
CLIENT: Any = {"api_key": "any", "max_retries": 0}


def asked(server: Running, timeout: openai.Timeout, *, stream: bool) -> Heard:
    """Ask with the synchronous client."""
    heard: list[str | None] = []
    with OpenAI(**CLIENT, base_url=server.base_url, timeout=timeout) as client:
        try:
            answer: Any = client.chat.completions.create(**ASKED, stream=stream)
            if stream:
                for piece in answer:
                    heard.append(piece.choices[0].delta.content)  # noqa: PERF401 - until it ends
            else:
                heard.append(answer.choices[0].message.content)
        except Exception as error:  # noqa: BLE001 - which one it is, is the question
            return heard, type(error)
    return heard, None


async def asked_async(server: Running, wait: openai.Timeout, *, stream: bool) -> Heard:
    """Ask with the asynchronous client."""
    heard: list[str | None] = []
    async with AsyncOpenAI(**CLIENT, base_url=server.base_url, timeout=wait) as client:
        try:
            answer: Any = await client.chat.completions.create(**ASKED, stream=stream)
            if stream:
                async for piece in answer:
                    heard.append(piece.choices[0].delta.content)  # noqa: PERF401
            else:
                heard.append(answer.choices[0].message.content)
        except Exception as error:  # noqa: BLE001
            return heard, type(error)
    return heard, None


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_the_sdk_makes_of_a_fault(
    row: Row, stream: bool, way: str, server: Running, sick: Sick
) -> None:
    def hear() -> Heard:
        if way == "sync":
            return asked(server, timeout, stream=stream)
        return asyncio.run(asked_async(server, timeout, stream=stream))

    timeout = _QUICK if row.fault.name == "stall" else _SLOW
    expected = row.stream if stream else row.plain
    sick.faults = (row.fault,)
    if expected is None:  # a fault that this kind of reply cannot have
        expected = (PARTS if stream else WHOLE, None)
    assert hear() == expected
    assert not sick.faults, "it has struck"
    timeout = _SLOW
    patiently(lambda: server.connect().close())
    assert hear() == (PARTS if stream else WHOLE, None), "the next request is answered"
    assert eventually(server.at_rest)


def test_every_fault_of_the_wire_has_a_row() -> None:
    assert {row.fault.name for row in ROWS} == set(FAULTS)
    for row in ROWS:
        assert (row.plain is None) == (row.fault.name in STREAM_ONLY)
        assert (row.stream is None) == (row.fault.name in PLAIN_ONLY)


def test_a_redirect_to_itself_for_good_ends_in_an_error(server: Running, sick: Sick) -> None:
    """The SDK follows twenty redirects, and no more."""
    sick.faults = Endless([Fault("redirect")])
    assert asked(server, _SLOW, stream=False) == ([], LOST)
    sick.faults = ()


def test_a_stalled_stream_goes_on_when_its_time_has_come(parser: Parser) -> None:
    clock = ManualClock()
    sick = Sick(clock, [Fault("stall", After(tokens=1), lasts=60.0)])
    with serving(sick, parser) as server, OpenAI(**CLIENT, base_url=server.base_url) as client:
        heard = []
        for piece in client.chat.completions.create(**ASKED, stream=True):
            heard.append(piece.choices[0].delta.content)
            if len(heard) == 2:
                assert eventually(lambda: clock.waiting() == 1)
                clock.advance(60.0)
        assert heard == PARTS
