"""The server: a socket that listens before it starts, in a thread or in front."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from mockdock.app import MAX_BODY, App
from mockdock.delivery import Clock, HttpName, ScaledClock
from mockdock.engine import Engine
from mockdock.errors import LedgerError, StartError
from mockdock.host import Host
from mockdock.ledger import Books
from mockdock.local.mounting import mount_control
from mockdock.local.verbs import LocalVerbs
from mockdock.observe import Keeper, Observer
from mockdock.scenario import load
from mockdock.sockets import bind

__all__ = ["Server"]

_START_SECONDS = 10.0
_STOP_SECONDS = 10.0


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
        journal: Keeper | None = None,
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
        self._uvicorn: Host | None = None
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
        self._uvicorn = Host(self.app, self._grace, http=self._http)
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

    def _run(self, server: Host, listener: socket.socket) -> None:
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
