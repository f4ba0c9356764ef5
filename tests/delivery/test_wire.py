"""Connections in the hands of who delivers, under both parsers of HTTP."""

from __future__ import annotations

import importlib.util
import logging
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from mockdock.delivery import protocol, wire_of
from mockdock.delivery.wire import choice, handle
from mockdock.fault import After, Fault
from mockdock.frames import Outcome
from tests.delivery.wires import (
    BODY,
    Parser,
    Running,
    Sick,
    ask,
    eventually,
    read,
    request,
    serving,
)

MANY = 8 * 1024 * 1024


@pytest.fixture(params=["httptools", "h11"])
def parser(request: pytest.FixtureRequest) -> Parser:
    found: Parser = request.param
    return found


@pytest.fixture(params=["auto", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    """Uvloop's transports where it is installed, and asyncio's own."""
    found: str = request.param
    return found


@pytest.fixture
def sick() -> Sick:
    return Sick()


@pytest.fixture
def server(
    parser: Parser, loop: str, sick: Sick, caplog: pytest.LogCaptureFixture
) -> Iterator[Running]:
    """Serve; nothing may be complained of in the log."""
    with serving(sick, parser, loop=loop) as running:
        yield running
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("reset", [False, True])
def test_a_slow_client_gets_every_byte_before_the_cut(
    reset: bool, server: Running, sick: Sick
) -> None:
    """More than fits into the buffers of both sides."""
    sick.body = b"x" * MANY
    sick.faults = [Fault("truncate", After(bytes=MANY - 7), reset=reset)]
    told = ask(server)
    assert told.body == b"x" * (MANY - 7)
    assert told.ending == ("rst" if reset else "fin")


def test_a_client_that_takes_nothing_is_reset_after_a_while(
    server: Running, sick: Sick, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle, "_PATIENCE", 0.05)
    sick.body = b"x" * MANY
    sick.faults = [Fault("truncate", After(bytes=200_000), reset=True)]
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.connect(server.address)
        connection.sendall(request())
        assert eventually(lambda: sick.outcomes == [Outcome("cut", 1, 200_000)])
        assert eventually(server.at_rest)


def test_a_client_that_leaves_before_a_reset_is_let_go(server: Running, sick: Sick) -> None:
    sick.body = b"x" * MANY
    sick.faults = [Fault("truncate", After(bytes=MANY - 1), reset=True)]
    with server.connect() as connection:
        connection.sendall(request())
        assert connection.recv(1)
    assert eventually(server.at_rest)


def test_a_client_that_leaves_amid_raw_bytes_is_let_go(server: Running, sick: Sick) -> None:
    sick.body = b"x" * MANY
    sick.faults = [Fault("wrong_content_length"), Fault("slicer", size=4096)]
    with server.connect() as connection:
        connection.sendall(request())
        assert connection.recv(1)
    assert eventually(server.at_rest)
    assert sick.outcomes[0].ending in ("cut", "client_left")


def test_a_request_behind_a_cut_one_is_not_answered(server: Running, sick: Sick) -> None:
    sick.faults = [Fault("truncate", After(bytes=9))]
    with server.connect() as connection:
        connection.sendall(request() + request())
        data, _ = read(connection)
    assert data.endswith(b"\r\n\r\n" + BODY[:9])
    assert data.count(b"HTTP/1.1") == 1
    assert eventually(server.at_rest)
    assert len(sick.outcomes) == 1


def test_a_cut_is_of_the_request_it_belongs_to(server: Running, sick: Sick) -> None:
    """Not of the one that came in behind it, on the same connection."""
    with server.connect() as connection:
        connection.sendall(request() + request() + request())
        data = b""
        while data.count(BODY) < 3:
            data += connection.recv(65536)
        sick.faults = [Fault("empty_response")]
        connection.sendall(request())
        assert read(connection) == (b"", "fin")
    assert ask(server, close=True).body == BODY


def test_a_stalled_request_ends_with_its_client(server: Running, sick: Sick) -> None:
    sick.faults = [Fault("stall", After(bytes=3))]
    with server.connect() as connection:
        connection.sendall(request())
        data = b""
        while not data.endswith(BODY[:3]):
            data += connection.recv(65536)
        assert sick.outcomes == []
    assert eventually(server.at_rest)
    assert sick.outcomes == [Outcome("client_left", 1, 3)]


def test_a_server_stops_while_a_reset_waits_for_its_client(
    parser: Parser, caplog: pytest.LogCaptureFixture
) -> None:
    sick = Sick(body=b"x" * MANY, faults=[Fault("truncate", After(bytes=MANY - 1), reset=True)])
    with serving(sick, parser) as server:
        connection = server.connect()
        connection.sendall(request())
        assert connection.recv(1)
    with connection:
        assert read(connection)[1] in ("fin", "rst")
    assert not [record for record in caplog.records if record.exc_info]


def test_what_else_a_server_offers_is_kept() -> None:
    class Cycle:
        def send(self) -> None:
            """Send nothing."""

    scope: dict[str, Any] = {"extensions": {"tls": {"version": 3}}}
    handle.wired(lambda *_: None, None)(scope, None, Cycle().send)
    assert scope["extensions"]["tls"] == {"version": 3}
    assert wire_of(scope) is not None


def test_h11_serves_where_httptools_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert protocol().__name__ == "HttpWire"
    monkeypatch.setattr(choice, "find_spec", lambda _: None)
    assert protocol().__name__ == "H11Wire"


def test_nothing_else_needs_httptools(monkeypatch: pytest.MonkeyPatch) -> None:
    assert importlib.util.find_spec("httptools") is not None
    monkeypatch.setitem(sys.modules, "httptools", None)
    monkeypatch.delitem(sys.modules, "mockdock.delivery.wire.httptools_wire", raising=False)
    monkeypatch.delitem(sys.modules, "uvicorn.protocols.http.httptools_impl", raising=False)
    assert protocol("h11").__name__ == "H11Wire"
    with pytest.raises(ImportError):
        protocol("httptools")


@pytest.mark.parametrize("scope", [{}, {"extensions": {}}, {"extensions": {"tls": {}}}])
def test_there_is_no_connection_where_no_server_of_ours_is(scope: Any) -> None:
    assert wire_of(scope) is None


def test_what_the_kernel_holds_is_only_asked_where_it_can_be(
    monkeypatch: pytest.MonkeyPatch, parser: Parser
) -> None:
    monkeypatch.setattr(sys, "platform", "elsewhere")
    sick = Sick(faults=[Fault("truncate", After(bytes=9), reset=True)])
    with serving(sick, parser) as server:
        told = ask(server)
    assert (told.body, told.ending) == (BODY[:9], "rst")
