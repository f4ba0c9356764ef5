"""Connections of a listener that several processes have, dealt among them."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from mockdock.delivery import Shares, Taking, taking
from mockdock.sockets import bind


class Held(asyncio.Protocol):
    """Counts itself among the connections of one process, and sends its name."""

    def __init__(self, name: bytes, connections: set[Held]) -> None:
        self._name = name
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be one of them."""
        assert isinstance(transport, asyncio.Transport)
        connection = transport.get_extra_info("socket")
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        self._connections.add(self)
        self._transport = transport
        transport.write(self._name)

    def end(self) -> None:
        """Close the connection."""
        self._transport.abort()


class Listener(socket.socket):
    """A listener that cannot take what comes at first."""

    def __init__(self, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self.wrong: int | None = None
        self.failed = asyncio.Event()

    def accept(self) -> Any:
        """Fail once."""
        if self.wrong is not None:
            wrong, self.wrong = self.wrong, None
            self.failed.set()
            raise OSError(wrong, "wrong")
        return super().accept()


Work = Callable[[Any, list[socket.socket]], Awaitable[list[bytes]]]
"""What clients do with a listener, and a list of sockets that are closed for them."""


async def connected(listener: Any, kept: list[socket.socket]) -> socket.socket:
    client = socket.socket()
    kept.append(client)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, listener.getsockname())
    return client


async def asked(listener: Any, kept: list[socket.socket]) -> bytes:
    """Connect, and give who answers; the connection stays."""
    client = await connected(listener, kept)
    return await asyncio.get_running_loop().sock_recv(client, 1)


def serve(work: Work, shares: Shares, names: bytes = b"ab") -> list[bytes]:
    """Let several share a listener, as if they were processes, and give who answered."""

    async def served() -> list[bytes]:
        with closing(bind("127.0.0.1", 0)) as bound:
            listener = Listener(bound.detach())
            kept: list[set[Held]] = [set() for _ in names]
            dups = [listener, *(socket.socket(fileno=os.dup(listener.fileno())) for _ in names[1:])]
            all_of_them = [
                Taking(
                    dups[number],
                    partial(Held, names[number : number + 1], kept[number]),
                    kept[number],
                    shares.of(number),
                )
                for number in range(len(names))
            ]
            clients: list[socket.socket] = []
            told = await work(listener, clients)
            for each in all_of_them:
                each.close()
                await each.wait_closed()
            for protocols in kept:
                for protocol in protocols:
                    protocol.end()
            for one in (*clients, *dups):
                one.close()
            return told

    return asyncio.run(served())


def test_each_takes_as_many_as_the_other() -> None:
    async def work(listener: Any, kept: list[socket.socket]) -> list[bytes]:
        return await asyncio.gather(*(asked(listener, kept) for _ in range(20)))

    told = serve(work, Shares(2))
    assert told.count(b"a") == told.count(b"b") == 10


def test_who_has_more_takes_what_nobody_else_takes() -> None:
    """The other stands still: it has taken none, and takes none."""
    shares = Shares(2)
    shares.of(1).is_large(0)

    async def work(listener: Any, kept: list[socket.socket]) -> list[bytes]:
        return [await asked(listener, kept) for _ in range(3)]

    assert serve(work, shares, b"a") == [b"a", b"a", b"a"]


def test_nobody_waits_for_a_process_that_has_not_begun() -> None:
    share = Shares(3).of(1)
    assert not share.is_large(10_000)


@pytest.mark.parametrize("wrong", [errno.EMFILE, errno.ECONNABORTED, errno.EAGAIN])
def test_what_cannot_be_taken_now_is_taken_later(
    wrong: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where descriptors have run out, that is told and tried again after a pause."""
    monkeypatch.setattr(taking, "_PAUSE", 0.01)

    async def work(listener: Any, kept: list[socket.socket]) -> list[bytes]:
        listener.wrong = wrong
        return [await asked(listener, kept)]

    assert serve(work, Shares(1), b"a") == [b"a"]
    told = ["no connection can be taken: wrong"] if wrong == errno.EMFILE else []
    assert [record.message for record in caplog.records] == told


def test_it_can_be_closed_while_it_waits() -> None:
    async def work(listener: Any, kept: list[socket.socket]) -> list[bytes]:
        listener.wrong = errno.EMFILE
        await connected(listener, kept)
        await listener.failed.wait()
        return []

    assert serve(work, Shares(1), b"a") == []
