"""Every fault and every error of the trouble there is, in every dialect."""

from __future__ import annotations

import json
import re
import socket
from contextlib import suppress
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest

from mockdock import Server
from mockdock.fault import PLAIN_ONLY, STREAM_ONLY, FaultName
from mockdock.observe import Exchange
from tests.acceptance.conftest import Serve
from tests.conformance.adapters import ADAPTERS, Adapter

SAID = {"text": "One, two, three, four, five.", "tool_calls": [{"name": "find", "arguments": "{}"}]}
TOOL = {
    "type": "function",
    "function": {"name": "find", "parameters": {"type": "object", "properties": {}}},
}
OPTIONS = {"bandwidth": ";rate=100B/s", "stall": ";for=5s", "slicer": ";size=7"}
GATES = {"connection_refused", "accept_and_close"}
SAME = {"stall", "bandwidth", "slicer", "coalesce", "split"}
"""Which change when bytes come, and in which pieces, not what they are."""
CHANGING = re.compile(
    rb"(?im)^(date|x-request-id|apim-request-id|x-mockdock-trouble|openai-processing-ms"
    rb"|x-trace-id|x-thread-id):.*\n"
    rb'|"(chatcmpl|call)[-_]\w+"|"id": ?"[0-9a-f]{8}-[0-9a-f-]{27}"|"created": ?\d+'
)

FRAME = re.compile(rb"\r\n[0-9a-f]+\r\n")
"""Of chunked encoding."""

each_dialect = pytest.mark.parametrize("adapter", ADAPTERS, ids=[each.name for each in ADAPTERS])
each_form = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


def asked(server: Server, adapter: Adapter, fault: str, *, stream: bool) -> bytes:
    """Send a request that wishes for a fault; give what came, up to the end, without the frames."""
    where = urlsplit(server.url)
    body: dict[str, Any] = {"model": "gpt-4o", "stream": stream, "tools": [TOOL]}
    if stream:
        body["stream_options"] = {"include_usage": True}
    text = json.dumps({**body, "messages": [{"role": "user", "content": "Count"}]})
    head = f"POST {adapter.chat} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n"
    head += "content-type: application/json\r\n"
    wish = f"x-mockdock-fault: {fault}\r\n" if fault else ""
    told = b""
    with socket.create_connection((str(where.hostname), int(where.port or 0)), 20) as client:
        client.sendall(f"{head}{wish}content-length: {len(text)}\r\n\r\n{text}".encode())
        with suppress(ConnectionResetError):
            while piece := client.recv(65536):
                told += piece
    return CHANGING.sub(b"", FRAME.sub(b"", told))


@each_dialect
@each_form
def test_every_fault_breaks_a_reply_and_the_next_one_is_whole(
    adapter: Adapter, serve: Serve, exchanges: list[Exchange], *, stream: bool
) -> None:
    server = serve({"mockdock": 1, "rules": [{"reply": SAID}]}, time_scale=0)
    whole = asked(server, adapter, "", stream=stream)
    assert whole.startswith(b"HTTP/1.1 200 OK")
    unfit = PLAIN_ONLY if stream else STREAM_ONLY
    for name in sorted({*get_args(FaultName)} - unfit - GATES):
        broken = asked(server, adapter, name + OPTIONS.get(name, ""), stream=stream)
        assert [each.name for each in exchanges[-1].faults] == [name]
        assert exchanges[-1].trouble == "request"
        silent = stream and not adapter.counts
        if name in SAME or (name == "missing_usage" and silent):
            assert broken == whole, name
        else:
            assert broken != whole, name
        assert asked(server, adapter, "", stream=stream) == whole, name


@each_dialect
@each_form
@pytest.mark.parametrize("status", [429, 503])
def test_every_dialect_meets_limits_chaos_and_the_timeline(
    adapter: Adapter, serve: Serve, exchanges: list[Exchange], status: int, *, stream: bool
) -> None:
    """Each in its turn, told in the words of the dialect."""
    limited: dict[str, Any] = {"limits": [{"rpm": 1, "per": "key"}], "langdock": {"limits": []}}
    settings: list[tuple[dict[str, Any], str]] = [
        ({"chaos": {"rate": 1, "mix": {status: 1}}}, "chaos"),
        ({"timeline": [{"at": "0s", "error": status}]}, "timeline[0]"),
        *([(limited, "limits[0]")] if status == 429 else []),
    ]
    for setting, origin in settings:
        server = serve({"mockdock": 1, "rules": [{"reply": SAID}], **setting}, time_scale=0)
        if origin == "limits[0]":
            assert asked(server, adapter, "", stream=stream).startswith(b"HTTP/1.1 200 ")
        told = asked(server, adapter, "", stream=stream)
        assert told.startswith(f"HTTP/1.1 {status} ".encode())
        assert exchanges[-1].trouble == origin
        golden = "errors/rate-limit.json" if status == 429 else "errors/overloaded.json"
        assert f"content-type: {adapter.content_type(golden)}".encode() in told
