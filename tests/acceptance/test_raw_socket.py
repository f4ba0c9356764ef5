"""Bytes no HTTP library would send: what is broken is refused, the server lives on."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Self
from urllib.parse import urlsplit

import pytest

from mockdock import Server
from tests.openai_types import check_answer

ECHO = {"mockdock": 1, "rules": [{"reply": "you said: ${user}"}]}
_PATIENCE = 20.0


@dataclass
class Told:
    """One answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> str:
        """The text of a plain completion."""
        text: str = json.loads(self.body)["choices"][0]["message"]["content"]
        return text


class Wire:
    """A connection whose bytes are written by hand."""

    def __init__(self, server: Server) -> None:
        where = urlsplit(server.url)
        self.socket = socket.create_connection((where.hostname, where.port), _PATIENCE)
        self._file: BinaryIO = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes; a server that has hung up already is fine."""
        try:
            self.socket.sendall(data)
        except ConnectionError:
            return

    def answer(self, *, bodiless: bool = False) -> Told | None:
        """Read one answer, None where the connection is closed instead."""
        try:
            line = self._file.readline()
        except ConnectionError:
            return None
        if not line:
            return None
        version, status, _ = line.split(b" ", 2)
        assert version == b"HTTP/1.1"
        headers = {}
        while (header := self._file.readline()) != b"\r\n":
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        told = Told(int(status), headers, b"" if bodiless else self._body(headers))
        if told.body and "x-request-id" in headers:  # else it is uvicorn's own refusal
            check_answer(told.status, headers["content-type"], told.body)
        return told

    def _body(self, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return self._file.read(int(headers["content-length"]))
        if headers.get("transfer-encoding") != "chunked":
            return self._file.read()
        body = b""
        while size := int(self._file.readline(), 16):
            body += self._file.read(size)
            assert self._file.readline() == b"\r\n"
        assert self._file.readline() == b"\r\n"
        return body

    def closed(self) -> bool:
        """Tell whether the server has nothing more to say and hangs up."""
        try:
            return self._file.read(1) == b""
        except ConnectionError:
            return True


def body_of(text: str = "hi", **more: Any) -> bytes:
    """Write a chat request's body."""
    return json.dumps(
        {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}
    ).encode()


def head(
    *lines: bytes,
    method: bytes = b"POST",
    path: bytes = b"/v1/chat/completions",
    version: bytes = b"1.1",
) -> bytes:
    """Write the head of a request, with the usual headers and these."""
    usual = (b"host: mock", b"content-type: application/json")
    return b"\r\n".join((b"%b %b HTTP/%b" % (method, path, version), *usual, *lines, b"", b""))


def whole(text: str = "hi", *lines: bytes, version: bytes = b"1.1", **more: Any) -> bytes:
    """Write a whole chat request."""
    body = body_of(text, **more)
    return head(b"content-length: %d" % len(body), *lines, version=version) + body


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Serve what the user says; one server lives through all of it."""
    with Server(ECHO) as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_failed(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Look into the log, where a trace of a defect would be."""
    yield
    assert [each for each in caplog.get_records("call") if each.exc_info] == []


HELLO = body_of()
BROKEN: dict[str, bytes] = {
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no TLS here\r\n\r\n",
    "one word": b"HELLO\r\n\r\n",
    "unknown version": head(method=b"GET", path=b"/v1/models", version=b"9.9"),
    "unknown method": head(b"content-length: 0", method=b"B REW"),
    "space in the path": head(method=b"GET", path=b"/v1/ models"),
    "chunk without a size": head(b"transfer-encoding: chunked") + b"zz\r\n{}\r\n0\r\n\r\n",
    "negative chunk": head(b"transfer-encoding: chunked") + b"-5\r\nhello\r\n0\r\n\r\n",
    "chunk longer than told": head(b"transfer-encoding: chunked") + b"2\r\nhello\r\n0\r\n\r\n",
    "endless chunk": head(b"transfer-encoding: chunked") + b"f" * 40 + b"\r\nx\r\n",
    "length in words": head(b"content-length: many") + HELLO,
    "negative length": head(b"content-length: -1") + HELLO,
    "endless length": head(b"content-length: " + b"9" * 40) + HELLO,
    "two lengths": head(b"content-length: %d" % len(HELLO), b"content-length: 3") + HELLO,
    "length and chunks": head(b"content-length: 3", b"transfer-encoding: chunked") + b"0\r\n\r\n",
    "NUL in a header's value": whole("hi", b"x-a: a\0b"),
    "NUL in a header's name": whole("hi", b"x-\0a: b"),
    "space in a header's name": whole("hi", b"x a: b"),
    "header without a colon": whole("hi", b"nothing"),
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_broken_http_is_a_400_or_a_closed_connection(server: Server, sent: bytes) -> None:
    """And the next connection is served as if nothing had been."""
    with Wire(server) as wire:
        wire.send(sent)
        answer = wire.answer()
        assert answer is None or answer.status == 400
        assert wire.closed()
    with Wire(server) as wire:
        wire.send(whole("still there?"))
        after = wire.answer()
        assert after is not None
        assert after.said == "you said: still there?"


@pytest.mark.parametrize("sent", [b"", b"POST", head(b"content-length: 100") + b"{"])
def test_a_client_that_goes_away_halfway_leaves_nothing_behind(server: Server, sent: bytes) -> None:
    with Wire(server) as wire:
        wire.send(sent)
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.closed()
    with Wire(server) as wire:
        wire.send(whole("next"))
        after = wire.answer()
        assert after is not None
        assert after.said == "you said: next"


def test_what_comes_after_a_length_that_is_too_short_is_no_request(server: Server) -> None:
    """The body is cut JSON, refused as such; what comes after it is refused as HTTP."""
    with Wire(server) as wire:
        wire.send(head(b"content-length: %d" % (len(HELLO) - 9)) + HELLO[:-9])
        cut = wire.answer()
        assert cut is not None
        assert cut.status == 400
        assert json.loads(cut.body)["error"]["message"].startswith("We could not parse the JSON")
        wire.send(HELLO[-9:])
        rest = wire.answer()
        assert rest is None or rest.status == 400
        assert wire.closed()


def test_head_gets_the_head_alone(server: Server) -> None:
    """The next answer on the connection begins right after it."""
    with Wire(server) as wire:
        wire.send(head(method=b"GET", path=b"/v1/models"))
        got = wire.answer()
        wire.send(head(method=b"HEAD", path=b"/v1/models"))
        bare = wire.answer(bodiless=True)
        wire.send(whole("after"))
        after = wire.answer()
    assert got is not None
    assert bare is not None
    assert after is not None
    assert (bare.status, bare.headers["content-length"]) == (200, str(len(got.body)))
    assert after.said == "you said: after"


def test_http_1_0_is_answered_and_the_connection_closed(server: Server) -> None:
    with Wire(server) as wire:
        wire.send(b"GET /v1/models HTTP/1.0\r\n\r\n")
        models = wire.answer()
        assert models is not None
        assert models.status == 200
        assert json.loads(models.body)["object"] == "list"
        assert wire.closed()


def test_a_stream_over_http_1_0_is_whole_and_ends_with_the_connection(server: Server) -> None:
    """Uvicorn frames it in chunks, which 1.0 does not know; clients and proxies read them."""
    with Wire(server) as wire:
        wire.send(whole("hi", version=b"1.0", stream=True))
        answer = wire.answer()
        assert answer is not None
        assert answer.body.startswith(b'data: {"id":')
        assert answer.body.endswith(b"\n\ndata: [DONE]\n\n")
        assert wire.closed()


def test_pipelined_requests_are_answered_in_their_order(server: Server) -> None:
    """Plain answers, streams and refusals alike."""
    with Wire(server) as wire:
        wire.send(
            whole("one")
            + whole("two", stream=True)
            + whole("three", n=0)
            + head(method=b"GET", path=b"/v1/models/gpt-4o")
            + whole("five")
        )
        answers = [wire.answer() for _ in range(5)]
    one, two, three, four, five = answers
    assert one is not None
    assert two is not None
    assert three is not None
    assert four is not None
    assert five is not None
    assert one.said == "you said: one"
    assert b'"content":" two"' in two.body
    assert two.body.endswith(b"data: [DONE]\n\n")
    assert (three.status, json.loads(three.body)["error"]["param"]) == (400, "n")
    assert json.loads(four.body)["id"] == "gpt-4o"
    assert five.said == "you said: five"


@pytest.mark.parametrize("chunked", [False, True], ids=["content-length", "chunked"])
def test_a_slow_body_arrives_in_pieces(server: Server, chunked: bool) -> None:
    """Cut anywhere, also inside a character."""
    body = '{"model":"m","messages":[{"role":"user","content":"größer 🌧"}]}'.encode()
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    if chunked:
        pieces = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"]
    length = b"transfer-encoding: chunked" if chunked else b"content-length: %d" % len(body)
    start = head(length)
    with Wire(server) as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (start[:20], start[20:-2], start[-2:], *pieces):
            wire.send(piece)
            time.sleep(0.01)
        answer = wire.answer()
    assert answer is not None
    assert answer.said == "you said: größer 🌧"


def test_a_client_that_asks_first_is_told_to_go_on(server: Server) -> None:
    """As curl does before it sends a larger body."""
    with Wire(server) as wire:
        wire.send(head(b"content-length: %d" % len(HELLO), b"expect: 100-continue"))
        go_on = wire.answer(bodiless=True)
        assert go_on is not None
        assert go_on.status == 100
        wire.send(HELLO)
        answer = wire.answer()
    assert answer is not None
    assert answer.said == "you said: hi"


def test_a_body_announced_as_too_large_is_refused_before_it_is_sent() -> None:
    with Server(ECHO, max_body=1000) as server, Wire(server) as wire:
        wire.send(head(b"content-length: 1001"))
        answer = wire.answer()
        assert answer is not None
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert wire.closed()
