"""The server behind docks: one of this process, started when it is needed, or one elsewhere."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from mockdock.errors import MockdockError, UsageError
from mockdock.testing.checks import plain, short, whole

if TYPE_CHECKING:
    from mockdock.app import App
    from mockdock.observe.verbs import Verbs
    from mockdock.remote import RemoteVerbs
    from mockdock.server import Server

__all__ = ["DockServer"]


class DockServer:
    """A server that any number of docks share.

    It lives in this process, listens on ``host`` and ``port`` (0: any free
    one), and starts when somebody asks where it is; a request may have
    ``max_body`` bytes. Its journal keeps the last ``journal_size`` exchanges
    of all docks together, in about ``journal_bytes`` bytes. With ``url`` it is
    one that runs already, perhaps on another machine; ``token`` is that of its
    control API.

    >>> with DockServer() as server, MockDock(server=server) as dock:
    ...     dock.strict = False
    ...     dock.reply("Hello!")
    """

    def __init__(
        self,
        *,
        host: str | None = None,
        port: int | None = None,
        max_body: int | None = None,
        journal_size: int | None = None,
        journal_bytes: int | None = None,
        url: str | None = None,
        token: str | None = None,
    ) -> None:
        given = {
            "host": host,
            "port": port,
            "max_body": max_body,
            "journal_size": journal_size,
            "journal_bytes": journal_bytes,
        }
        self._options: dict[str, Any] = {
            name: value for name, value in given.items() if value is not None
        }
        if url is not None and self._options:
            wrong = ", ".join(self._options)
            raise UsageError(f"a server that runs at a url has its settings; got: {wrong}")
        if url is None and token is not None:
            raise UsageError("a token is for a server that runs elsewhere: give its url, too")
        if host is not None and not isinstance(host, str):
            raise UsageError(f"host={short(host)}: write a name or an address")
        plain({"host": host})
        for name, least, most in (
            ("port", 0, 65_535),
            ("max_body", 1, sys.maxsize),
            ("journal_size", 1, sys.maxsize),
            ("journal_bytes", 1, sys.maxsize),
        ):
            if name in self._options:
                whole(name, self._options[name], least, most)
        self.journal_size: int = self._options.pop("journal_size", 10_000)
        self.journal_bytes: int = self._options.pop("journal_bytes", 32_000_000)
        self._where = url
        self._token = token
        self._lock = threading.RLock()
        self._server: Server | None = None
        self._started = self._stopping = False
        self._address = ""
        self._process = 0
        self._verbs: Verbs | None = None
        self._discreet: Verbs | None = None
        self._remote: RemoteVerbs | None = None

    @property
    def started(self) -> bool:
        """Whether it runs; one that runs elsewhere does.

        >>> DockServer().started
        False
        """
        return self._where is not None or self._started

    @property
    def url(self) -> str:
        """Scheme, host and port; starts the server.

        In a process that was forked from the one it runs in, it is that one's.
        Raises StartError when it cannot start, or has died.

        >>> with DockServer() as server:
        ...     server.url.startswith("http://127.0.0.1:")
        True
        """
        if self._where is not None:
            return self.verbs.url
        if self._in_parent:
            return self._address
        with self._lock:
            if self._stopping:  # as if it had been asked a moment before
                return self._address
            server = self._made()
            if not self._started:
                server.start()
                self._started, self._address, self._process = True, server.url, os.getpid()
                _warm()
            return server.url

    @property
    def app(self) -> App:
        """The ASGI application.

        Raises UsageError for a server that runs elsewhere, or in the process
        this one was forked from.

        >>> transport = httpx2.ASGITransport(app=DockServer().app)
        """
        if self._where is not None:
            raise UsageError("a server that runs elsewhere has no application in this process")
        if self._in_parent:
            raise UsageError(
                "this process was forked, and the server lives in its parent: use its url"
            )
        return self._made().app

    @property
    def verbs(self) -> Verbs:
        """What can be done to it; does not start it.

        >>> DockServer().verbs.counts(None).requests
        0
        """
        if self._in_parent:
            return self._of_parent()
        with self._lock:
            if self._verbs is None:
                self._verbs = self._make_verbs()
            return self._verbs

    @property
    def discreet(self) -> Verbs:
        """The same, with records that hide secrets.

        >>> DockServer().discreet.journal(None)
        []
        """
        if self._in_parent:
            return self._of_parent()
        with self._lock:
            if self._discreet is None:
                self._discreet = self._make_verbs(secrets=False)
            return self._discreet

    def stop(self) -> None:
        """Stop it; harmless when it does not run.

        One that runs elsewhere, or in the process this one was forked from, is
        only hung up on. Nobody who asks for it meanwhile has to wait.

        >>> DockServer().stop()
        """
        if self._remote is not None:
            self._remote.hang_up()
        if self._in_parent:
            return
        with self._lock:
            server = None if self._stopping or not self._started else self._server
            self._stopping = self._stopping or server is not None
        if server is not None:
            try:
                server.stop()
            finally:
                self._started = self._stopping = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _made(self) -> Server:
        with self._lock:
            if self._server is None:
                from mockdock.observe import Journal  # noqa: PLC0415 - not for one elsewhere
                from mockdock.server import Server  # noqa: PLC0415 - brings uvicorn along

                journal = Journal(self.journal_size, self.journal_bytes)
                self._server = Server(otherwise="fail", journal=journal, **self._options)
            return self._server

    @property
    def _in_parent(self) -> bool:
        """Whether it runs in the process that this one was forked from."""
        return self._started and self._process != os.getpid()

    def _of_parent(self) -> RemoteVerbs:
        """Give the verbs of a parent's server: its control API serves this machine."""
        if self._remote is None:
            self._remote = _remote(self._address, None)
        return self._remote

    def _make_verbs(self, *, secrets: bool = True) -> Verbs:
        if self._where is not None:
            if self._remote is None:
                self._remote = _remote(self._where, self._token)
            return self._remote
        from mockdock.local.verbs import LocalVerbs  # noqa: PLC0415 - brings the engine along

        return LocalVerbs(self._made().app, lambda: self.url, secrets=secrets)


def _remote(url: str, token: str | None) -> RemoteVerbs:
    """Reach a server that runs. Raises StartError; UsageError where it takes no such token."""
    from mockdock.remote import RemoteVerbs  # noqa: PLC0415 - seldom needed

    try:
        return RemoteVerbs(url, token)
    except UsageError as error:
        if "token" not in str(error):
            raise
        raise UsageError(
            f"{error}; here it is token=..., and --mockdock-token or mockdock_token under pytest"
        ) from None


def _warm() -> None:
    """Load the ranks of the usual encoding meanwhile: the first request would wait for them.

    A daemon, so that a process which ends at once does not wait either.
    """
    threading.Thread(target=_load_ranks, name="mockdock ranks", daemon=True).start()


def _load_ranks() -> None:
    from mockdock.content.tokens import tokenizer  # noqa: PLC0415 - brings tiktoken along

    with suppress(MockdockError):  # which the first request tells of
        tokenizer("o200k_base").load()
