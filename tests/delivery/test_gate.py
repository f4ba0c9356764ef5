"""Faults that concern new connections: refused, or closed at once, for a while."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mockdock.delivery import Gate, Guarded, ManualClock, ScaledClock, Shares, gate
from mockdock.fault import Fault
from mockdock.sockets import bind, bind_unix
from tests.delivery.wires import (
    BODY,
    STREAM,
    Parser,
    Running,
    Sick,
    ask,
    chunk,
    descriptors,
    eventually,
    patiently,
    read,
    request,
    serving,
)

PARSERS = pytest.mark.parametrize("parser", ["httptools", "h11"])


def refused(server: Running) -> bool:
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def on_loop(server: Running, work: Callable[[], None]) -> None:
    """Let the server's loop do something."""
    server.loop.call_soon_threadsafe(work)


@PARSERS
def test_connections_are_refused_until_the_time_is_over(parser: Parser) -> None:
    sick = Sick(ManualClock(), [Fault("connection_refused", lasts=30.0)])
    with serving(sick, parser) as server:
        told = ask(server)
        assert (told.body, told.ending) == (b"", "rst")
        assert refused(server)
        sick.clock.advance(29.0)
        assert refused(server)
        sick.clock.advance(1.0)
        assert patiently(lambda: ask(server, close=True)).body == BODY
        assert ask(server, close=True).body == BODY
        assert eventually(server.at_rest)


def test_the_port_is_kept_while_connections_are_refused() -> None:
    sick = Sick(ManualClock(), [Fault("connection_refused", lasts=30.0)])
    with serving(sick) as server, socket.socket() as other:
        ask(server)
        assert refused(server)
        with pytest.raises(OSError, match="in use"):
            other.bind(server.address)


@PARSERS
def test_connections_are_accepted_and_closed_until_the_time_is_over(parser: Parser) -> None:
    sick = Sick(ManualClock(), [Fault("accept_and_close", lasts=30.0)])
    with serving(sick, parser) as server:
        told = ask(server)
        assert (told.body, told.ending) == (b"", "fin")
        with server.connect() as connection:
            assert read(connection) == (b"", "fin")
        assert eventually(server.at_rest)
        sick.clock.advance(30.0)
        assert patiently(lambda: ask(server, close=True)).body == BODY


def test_without_a_length_the_time_is_a_second() -> None:
    sick = Sick(ManualClock(), [Fault("connection_refused")])
    with serving(sick) as server:
        ask(server)
        sick.clock.advance(0.9)
        assert refused(server)
        sick.clock.advance(0.1)
        assert patiently(lambda: ask(server, close=True)).body == BODY


@PARSERS
@pytest.mark.parametrize("name", ["connection_refused", "accept_and_close"])
def test_idle_connections_are_dropped_and_busy_ones_finish(parser: Parser, name: Any) -> None:
    sick = Sick(ManualClock(), itl=1.0)
    with serving(sick, parser) as server, server.connect() as idle, server.connect() as busy:
        idle.sendall(request())
        assert until(idle, BODY)
        busy.sendall(request(stream=True))
        assert until(busy, b'"assistant"')
        sick.faults = [Fault(name, lasts=60.0)]
        ask(server)
        assert read(idle) == (b"", "fin")
        sick.clock.advance(4.0)
        data, ending = read(busy)
        assert data.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        assert ending == "fin", "it is not used again, as nobody could connect anew"


def until(connection: socket.socket, end: bytes) -> bytes:
    """Read up to some bytes."""
    data = b""
    while end not in data:
        more = connection.recv(65536)
        assert more
        data += more
    return data


def test_of_several_faults_the_one_that_ends_last_opens_the_gate() -> None:
    clock = ManualClock()
    with serving(Sick(clock)) as server:
        before = server.uvicorn.gate

        def shut() -> None:
            before.shut("refuse", 10.0, clock)
            before.shut("refuse", 30.0, clock)
            before.shut("close", 40.0, clock)
            before.shut("refuse", 20.0, clock)

        on_loop(server, shut)
        assert eventually(lambda: clock.waiting() == 4)
        for _ in range(3):
            assert refused(server)
            clock.advance(9.9)
        assert refused(server)
        clock.advance(0.4)
        with patiently(server.connect) as connection:
            assert read(connection) == (b"", "fin")
        clock.advance(10.0)
        assert ask(server, close=True).body == BODY


def test_a_gate_that_is_shut_again_while_it_opens_stays_shut() -> None:
    clock = ManualClock()
    with serving(Sick(clock)) as server:
        the_gate = server.uvicorn.gate

        def again() -> None:
            the_gate.shut("refuse", 0.0, clock)
            # It opens when the loop turns; before it has, somebody shuts it.
            server.loop.call_soon(the_gate.shut, "refuse", 5.0, clock)
            server.loop.call_soon(server.loop.call_soon, the_gate.shut, "refuse", 6.0, clock)

        on_loop(server, again)
        assert eventually(lambda: clock.waiting() == 2)
        assert eventually(lambda: refused(server))
        clock.advance(5.5)
        assert refused(server)
        clock.advance(0.5)
        assert patiently(lambda: ask(server, close=True)).body == BODY


@pytest.mark.parametrize("lasts", [60.0, math.inf])
@pytest.mark.parametrize("name", ["connection_refused", "accept_and_close"])
def test_a_server_stops_cleanly_while_its_gate_is_shut(
    name: Any, lasts: float, caplog: pytest.LogCaptureFixture
) -> None:
    before = descriptors()
    sick = Sick(ScaledClock(1.0), [Fault(name, lasts=lasts)])
    with serving(sick) as server:
        ask(server)
    assert caplog.records == []
    assert eventually(lambda: descriptors() <= before)  # what others left may go, too


def test_time_that_is_over_after_the_end_of_the_server_opens_nothing() -> None:
    clock = ManualClock()
    with serving(Sick(clock, [Fault("connection_refused", lasts=5.0)])) as server:
        ask(server)
    clock.advance(5.0)
    assert refused(server)
    server.uvicorn.gate.shut("refuse", 5.0, clock)  # too late to matter
    assert clock.waiting() == 0


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")
@PARSERS
def test_a_unix_socket_is_refused_and_comes_back(tmp_path: Path, parser: Parser) -> None:
    path = tmp_path / "mock.sock"
    sick = Sick(ManualClock(), [Fault("connection_refused", lasts=5.0)])
    with serving(sick, parser, bind_unix(path)) as server:
        assert ask(server).body == b"", "a reset, which Unix sockets do not know"
        assert refused(server)
        sick.clock.advance(5.0)
        assert patiently(lambda: ask(server, close=True)).body == BODY


def has_ipv6() -> bool:
    try:
        bind("::1", 0).close()
    except Exception:  # noqa: BLE001 - whatever the reason
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_an_ipv6_listener_comes_back() -> None:
    sick = Sick(ManualClock(), [Fault("connection_refused", lasts=5.0)])
    with serving(sick, listener=bind("::1", 0)) as server:
        ask(server)
        assert refused(server)
        sick.clock.advance(5.0)
        assert patiently(lambda: ask(server, close=True)).body == BODY


@pytest.mark.parametrize("freed", [True, False])
def test_a_port_that_somebody_took_is_tried_again_for_a_while(
    freed: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It happens where the port cannot be kept, as between two processes."""
    claims: list[object] = []
    claim = gate._Address.claim

    def taken(self: Any) -> socket.socket | None:
        claims.append(self)
        return claim(self) if freed and len(claims) == 3 else None

    monkeypatch.setattr(gate._Address, "claim", taken)
    monkeypatch.setattr(gate, "_TRIES", 3)
    monkeypatch.setattr(gate, "_PAUSE", 0.0)
    sick = Sick(ManualClock(), [Fault("connection_refused", lasts=5.0)])
    with serving(sick) as server:
        ask(server)
        assert refused(server)
        sick.clock.advance(5.0)
        if freed:
            assert patiently(lambda: ask(server, close=True)).body == BODY
            assert caplog.records == []
            return
        assert eventually(lambda: bool(caplog.records))
        assert refused(server)
    (record,) = caplog.records
    host, port = server.address
    assert record.levelno == logging.ERROR
    assert record.getMessage() == (
        f"somebody else has taken {host}:{port} while connections were refused; "
        "nobody reaches mockdock there any more"
    )


@pytest.mark.parametrize("error", [OSError, ValueError])
def test_an_address_that_cannot_be_listened_on_is_tried_again_and_held_by_nobody(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_PAUSE", 0.0)

    async def work() -> None:
        loop = asyncio.get_running_loop()
        tried: list[socket.socket] = []

        async def listen(held: socket.socket) -> asyncio.base_events.Server:
            tried.append(held)
            if len(tried) == 1:
                raise error
            return await loop.create_server(asyncio.Protocol, sock=held)

        clock = ManualClock()
        servers = [await loop.create_server(asyncio.Protocol, sock=bind("127.0.0.1", 0))]
        opening = Gate(asyncio.Protocol)
        opening.guard(Guarded(servers, listen, ()))
        opening.shut("refuse", 5.0, clock)
        clock.advance(5.0)
        await asyncio.sleep(0)
        assert opening._opening is not None
        with pytest.raises(error) if error is ValueError else nullcontext():
            await asyncio.wait_for(opening._opening, 5)
        assert tried[0].fileno() == -1
        assert [each.is_serving() for each in servers] == [True] * (error is OSError)
        opening.leave()
        for server in servers:
            server.close()

    asyncio.run(work())


def test_a_unix_socket_is_named_by_its_path() -> None:
    assert str(gate._Address(0, "/run/mock.sock")) == "/run/mock.sock"


def test_an_address_that_cannot_be_bound_is_not_claimed() -> None:
    with bind("127.0.0.1", 0) as listener:
        address = gate._Address(socket.AF_INET, listener.getsockname())
        assert address.claim() is None


@pytest.mark.parametrize("awaited", [True, False])
def test_a_server_that_stops_without_its_port_gives_it_up(
    awaited: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gate._Address, "claim", lambda _: None)
    monkeypatch.setattr(gate, "_PAUSE", 0.001)
    monkeypatch.setattr(gate, "_TRIES", 10**6)
    sick = Sick(ManualClock(), [Fault("connection_refused", lasts=5.0)])
    with serving(sick) as server:
        ask(server)
        if not awaited:
            return
        sick.clock.advance(5.0)
        assert eventually(lambda: any("_open" in repr(task) for task in server.tasks()))
    assert caplog.records == []


@pytest.mark.parametrize("stops", [True, False])
def test_a_listener_that_opens_too_late_is_closed(stops: bool) -> None:
    """The server has begun to stop, or somebody has shut the gate again."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        listening, going_on = asyncio.Event(), asyncio.Event()

        async def listen(held: socket.socket) -> asyncio.base_events.Server:
            made = await loop.create_server(asyncio.Protocol, sock=held)
            listening.set()
            await going_on.wait()
            return made

        clock = ManualClock()
        servers = [await loop.create_server(asyncio.Protocol, sock=bind("127.0.0.1", 0))]
        opening = Gate(asyncio.Protocol)
        opening.guard(Guarded(servers, listen, ()))
        opening.shut("refuse", 5.0, clock)
        assert servers == []
        clock.advance(5.0)
        await listening.wait()
        if stops:
            opening.leave()
        else:
            opening.shut("refuse", 5.0, clock)
        assert opening._opening is not None
        going_on.set()
        await asyncio.wait_for(opening._opening, 5)
        assert [each.is_serving() for each in servers] == ([False] if stops else [])
        assert len(opening._held) == (0 if stops else 1)
        opening.leave()

    asyncio.run(work())


def test_streams_are_whole_again_afterwards() -> None:
    sick = Sick(ManualClock(), [Fault("connection_refused", lasts=5.0)])
    with serving(sick) as server:
        ask(server, stream=True)
        sick.clock.advance(5.0)
        told = patiently(lambda: ask(server, stream=True, close=True))
        assert told.body == chunk(STREAM) + b"0\r\n\r\n"


def test_a_door_that_other_processes_have_as_well_stays_open_and_that_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sick = Sick(ManualClock(), [Fault("connection_refused", lasts=30.0)])
    with serving(sick, "h11", share=Shares(1).of(0)) as server:
        assert ask(server).ending == "rst"
        assert not refused(server)
        again = partial(server.uvicorn.gate.shut, "close", 30.0, sick.clock)
        on_loop(server, again)
        assert not refused(server)
    assert [record.message for record in caplog.records] == [
        "new connections come in all the same: other processes take them"
    ]
