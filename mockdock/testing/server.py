"""The server behind docks: one of this process, started when it is needed, or one elsewhere."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from mockdock.errors import UsageError
from mockdock.testing.checks import short, whole

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
        for name, least in (
            ("port", 0),
            ("max_body", 1),
            ("journal_size", 1),
            ("journal_bytes", 1),
        ):
            if name in self._options:
                whole(name, self._options[name], least)
        self.journal_size: int = self._options.pop("journal_size", 10_000)
        self.journal_bytes: int = self._options.pop("journal_bytes", 32_000_000)
        self._where = url
        self._token = token
        self._lock = threading.RLock()
        self._server: Server | None = None
        self._started = False
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

        Raises StartError when it cannot start, or has died.

        >>> with DockServer() as server:
        ...     server.url.startswith("http://127.0.0.1:")
        True
        """
        if self._where is not None:
            return self.verbs.url
        with self._lock:
            server = self._made()
            if not self._started:
                server.start()
                self._started = True
            return server.url

    @property
    def app(self) -> App:
        """The ASGI application. Raises UsageError for a server that runs elsewhere.

        >>> transport = httpx2.ASGITransport(app=DockServer().app)
        """
        if self._where is not None:
            raise UsageError("a server that runs elsewhere has no application in this process")
        return self._made().app

    @property
    def verbs(self) -> Verbs:
        """What can be done to it; does not start it.

        >>> DockServer().verbs.counts(None).requests
        0
        """
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
        with self._lock:
            if self._discreet is None:
                self._discreet = self._make_verbs(secrets=False)
            return self._discreet

    def stop(self) -> None:
        """Stop it; harmless when it does not run. One that runs elsewhere is only hung up on.

        >>> DockServer().stop()
        """
        with self._lock:
            if self._server is not None and self._started:
                self._server.stop()
            self._started = False
            if self._remote is not None:
                self._remote.hang_up()

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

    def _make_verbs(self, *, secrets: bool = True) -> Verbs:
        if self._where is not None:
            from mockdock.remote import RemoteVerbs  # noqa: PLC0415 - seldom needed

            if self._remote is None:
                self._remote = RemoteVerbs(self._where, self._token)
            return self._remote
        from mockdock.local import LocalVerbs  # noqa: PLC0415 - brings the engine along

        return LocalVerbs(self._made().app, lambda: self.url, secrets=secrets)
