"""The server: a socket that listens before it starts, in a thread or in front."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from email.utils import formatdate
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Literal, Protocol, Self

import uvicorn
from uvicorn.server import ServerState

from mockdock.app import MAX_BODY, App
from mockdock.delivery import Clock, Gate, Guarded, HttpName, ScaledClock, protocol
from mockdock.engine import Engine
from mockdock.errors import LedgerError, StartError
from mockdock.ledger import Books
from mockdock.local import LocalVerbs
from mockdock.observe import Journal, Observer
from mockdock.observe.control import MountedControl
from mockdock.observe.verbs import CONTROL_PATH
from mockdock.scenario import load
from mockdock.sockets import BACKLOG, bind

__all__ = ["Served", "Server", "mount_control", "run"]

_START_SECONDS = 10.0
_STOP_SECONDS = 10.0
_LEAST_GRACE = 0.05
_NEW_OBJECTS, _YOUNGER = 20_000, 50
"""How many objects and collections of younger ones come before a collection of garbage."""
_KEEP_ALIVE = 75
"""Seconds an idle connection is kept; clients pool for less, and must close first."""


class Served(Protocol):
    """An ASGI application that has a last word."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        ...

    async def turn_away(self, send: Any) -> None:
        """Answer a request that cannot be served any more."""
        ...


class _State(ServerState):
    """What the connections of uvicorn share; the date is looked up when it is told."""

    _told = (0, b"")

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of every reply."""
        now = int(time.time())
        if self._told[0] != now:
            self._told = now, formatdate(now, usegmt=True).encode()
        return [(b"date", self._told[1])]

    @default_headers.setter
    def default_headers(self, _: list[tuple[bytes, bytes]]) -> None:
        """Nothing: uvicorn sets them ten times a second."""


class _Uvicorn(uvicorn.Server):
    """Tells when it is ready, and ends with success when asked to stop.

    A gate stands before its listeners, which a fault may shut for a while.
    """

    def __init__(
        self, app: Served, grace: float, *, http: HttpName = "auto", **options: Any
    ) -> None:
        self.gate = Gate(protocol(http))
        settings: dict[str, Any] = {
            "lifespan": "off",
            "log_config": None,
            "access_log": False,
            "server_header": False,
            "ws": "none",
            "proxy_headers": False,
            "backlog": BACKLOG,
            "http": self.gate,
            "timeout_keep_alive": _KEEP_ALIVE,
            # With none at all uvicorn complains even when nobody waits for a reply.
            "timeout_graceful_shutdown": max(grace, _LEAST_GRACE),
        }
        served = _stoppable(app, lambda: self.should_exit)
        super().__init__(uvicorn.Config(served, **{**settings, **options}))
        self.server_state = _State()
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked = asyncio.Event()

    def stop(self) -> None:
        """Ask it to stop, from any thread or a signal handler."""
        self.should_exit = True
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop has been closed: it has stopped
                loop.call_soon_threadsafe(self._asked.set)

    async def main_loop(self) -> None:
        """Serve until asked to stop.

        Uvicorn looks ten times a second whether it is, and for the date.
        """
        self._loop = asyncio.get_running_loop()
        if not self.should_exit:
            await self._asked.wait()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.gate.guard(Guarded(self.servers, self._listen, self.server_state.connections))
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.gate.leave()
        await super().shutdown(sockets)

    async def _listen(self, listener: socket.socket) -> asyncio.base_events.Server:
        """Listen again, as uvicorn did at the start."""
        config = self.config
        made = partial(
            self.gate,
            config=config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        return await asyncio.get_running_loop().create_server(
            made, sock=listener, ssl=config.ssl, backlog=config.backlog
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Finish running replies; a second signal does not wait for them.

        Uvicorn would raise the signal again at the end, and exit non-zero.
        """
        self.force_exit = self.should_exit
        self.stop()


def _stoppable(app: Served, stopping: Callable[[], bool]) -> Callable[..., Awaitable[None]]:
    """Let a reply that is cancelled at the end of the grace period end without a trace.

    One that has begun is found without an end, and its connection is closed;
    one that has not becomes the provider's "overloaded". Who may wait for long
    finds in the scope whether the server is ``stopping``.
    """

    async def served(scope: Any, receive: Any, send: Any) -> None:
        begun = False
        scope["mockdock.stopping"] = stopping

        async def noted(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, noted)
        except asyncio.CancelledError:
            if not begun and scope["type"] == "http":
                await app.turn_away(send)

    return served


def run(app: Served, listener: socket.socket, grace: float, **options: Any) -> None:
    """Serve in this thread until SIGINT or SIGTERM.

    Running replies get ``grace`` seconds to finish. ``options`` go to uvicorn:
    access_log, ssl_certfile, ssl_keyfile. The process is taken to be the server's own.
    """
    # What the journal keeps lives long and holds no cycles. To look it through for them every
    # 700 new objects takes a third of the time of a request; what was imported never goes.
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _YOUNGER, _YOUNGER)
    _Uvicorn(app, grace, **options).run(sockets=[listener])


def mount_control(app: App, url: Callable[[], str], token: str | None = None) -> None:
    """Serve the control API of an application at ``/__mockdock``.

    ``url`` tells where the application is served. Only this machine may use it,
    or with a ``token`` whoever sends that. What comes from outside reads no files,
    and is shown no secrets. Raises UsageError for a token that cannot be one.
    """
    outside = LocalVerbs(app, url, files=False, secrets=False)
    app.mount(CONTROL_PATH, MountedControl(outside, token))


class Server:
    """A mock server in a thread, for tests and notebooks.

    >>> with Server("quickstart") as server:
    ...     client = OpenAI(base_url=server.base_url, api_key="any")

    ``sources`` are scenarios as for ``mockdock serve``: bare names, paths, or
    mappings. Nothing waits unless ``time_scale`` is above 0 or a ``clock`` is
    given. ``grace`` is how many seconds running replies get when it stops.
    ``journal`` keeps the exchanges; without one it is a bounded one of its own.
    The control API at ``/__mockdock`` serves this machine only, or with
    ``control_token`` whoever sends it. ``http`` is what reads HTTP, httptools where
    it is installed. ``dialects`` names those it speaks, all by default. ``data`` is the
    file in which accounts are kept, as by ``mockdock serve --data``; without one they
    are lost with :meth:`stop`. Nothing listens before :meth:`start`. Raises ScenarioError
    for a bad scenario, UsageError for a dialect there is not, StartError when it cannot
    listen, LedgerError for a file that cannot be used.
    """

    def __init__(
        self,
        *sources: str | Path | Mapping[str, Any],
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int | None = None,
        time_scale: float = 0.0,
        clock: Clock | None = None,
        otherwise: Literal["auto", "fail", "echo", "lorem"] = "auto",
        observers: Sequence[Observer] = (),
        journal: Journal | None = None,
        max_body: int = MAX_BODY,
        grace: float = 0.0,
        control_token: str | None = None,
        http: HttpName = "auto",
        dialects: Collection[str] | None = None,
        data: str | Path | None = None,
    ) -> None:
        self._data = None if data is None else Path(data)
        self._books = Books(self._data)
        engine = Engine(load(*sources).scenario, seed=seed, otherwise=otherwise, books=self._books)
        self.app = App(
            engine,
            clock=ScaledClock(time_scale) if clock is None else clock,
            observers=observers,
            journal=journal,
            max_body=max_body,
            dialects=dialects,
        )
        self.verbs = LocalVerbs(self.app, lambda: self.url)
        mount_control(self.app, lambda: self.url, control_token)
        self._where = (host, port)
        self._grace = grace
        self._http = http
        self._address = ("", 0)
        self._listener: socket.socket | None = None
        self._uvicorn: _Uvicorn | None = None
        self._thread: threading.Thread | None = None
        self._died: BaseException | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port, such as ``http://127.0.0.1:8080``.

        Raises StartError when it has not been started, or has died.
        """
        if self._listener is None or self._thread is None:
            raise StartError("the server has not been started")
        if self._died is not None or not self._thread.is_alive():
            raise StartError(f"the server died: {self._why_dead()}") from self._died
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes as ``base_url``, of the first dialect it speaks."""
        return f"{self.url}{self.app.dialects[0].base_path}"

    def start(self) -> Self:
        """Listen, start the thread, and wait until it is ready."""
        if self._thread is not None and self._thread.is_alive():
            raise StartError("the server is running already")
        self.stop()
        self._listener = bind(*self._where)
        if self._data is not None:
            try:
                self._books.open()
            except LedgerError:
                self.stop()
                raise
        self._address = self._listener.getsockname()[:2]  # a fault may close it for a while
        self._uvicorn = _Uvicorn(self.app, self._grace, http=self._http)
        self._died = None
        self._thread = threading.Thread(
            target=self._run, args=(self._uvicorn, self._listener), name="mockdock", daemon=True
        )
        self._thread.start()
        in_time = self._uvicorn.ready.wait(_START_SECONDS)
        if not in_time or self._died is not None:
            why = self._why_dead() if in_time else f"not ready after {_START_SECONDS:g} s"
            self.stop()
            raise StartError(f"the server did not start: {why}") from self._died
        return self

    def stop(self) -> None:
        """Stop and wait for the thread; harmless when it does not run."""
        if self._uvicorn is not None and self._thread is not None:
            self._uvicorn.stop()
            self._thread.join(self._grace + _STOP_SECONDS)
        if self._listener is not None:
            self._listener.close()
        self._thread = self._uvicorn = self._listener = None
        self._books.close()

    def _why_dead(self) -> str:
        return "its thread ended" if self._died is None else repr(self._died)

    def _run(self, server: _Uvicorn, listener: socket.socket) -> None:
        try:
            server.run(sockets=[listener])
        except BaseException as error:
            self._died = error
            logging.getLogger("mockdock").exception("the mockdock server died")
        finally:
            server.ready.set()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
