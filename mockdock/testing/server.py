"""The server behind docks: one of this process, started when it is needed, or one elsewhere."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from mockdock.errors import UsageError
from mockdock.testing.checks import short, whole

if TYPE_CHECKING:
    from mockdock.app import App
    from mockdock.observe.verbs import Otherwise, TimeScale, Verbs
    from mockdock.server import Server
    from mockdock.testing.dock import MockDock
    from mockdock.testing.sources import Source

__all__ = ["DockServer"]


class DockServer:
    """A server that any number of docks share.

    It lives in this process, listens on ``host`` and ``port`` (0: any free
    one), and starts when somebody asks where it is; a request may have
    ``max_body`` bytes. With ``url`` it is one that runs already, perhaps on
    another machine; ``token`` is that of its control API.

    >>> with DockServer() as server, server.dock() as dock:
    ...     dock.strict = False
    ...     dock.reply("Hello!")
    """

    def __init__(
        self,
        *,
        host: str | None = None,
        port: int | None = None,
        max_body: int | None = None,
        url: str | None = None,
        token: str | None = None,
    ) -> None:
        given = {"host": host, "port": port, "max_body": max_body}
        self._options = {name: value for name, value in given.items() if value is not None}
        if url is not None and self._options:
            wrong = ", ".join(self._options)
            raise UsageError(f"a server that runs at a url has its settings; got: {wrong}")
        if url is None and token is not None:
            raise UsageError("a token is for a server that runs elsewhere: give its url, too")
        if host is not None and not isinstance(host, str):
            raise UsageError(f"host={short(host)}: write a name or an address")
        for name, least in (("port", 0), ("max_body", 1)):
            if name in self._options:
                whole(name, self._options[name], least)
        self._where = url
        self._token = token
        self._lock = threading.RLock()
        self._server: Server | None = None
        self._started = False
        self._verbs: Verbs | None = None
        self._discreet: Verbs | None = None

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

    def dock(
        self,
        *scenario: Source,
        seed: int | None = None,
        otherwise: Otherwise | None = None,
        time_scale: TimeScale = 0,
        strict: bool = True,
        called: str = "",
    ) -> MockDock:
        """Give a dock that lives here, not open yet.

        >>> with DockServer() as server, server.dock("quickstart") as dock:
        ...     client = OpenAI(**dock.openai)
        """
        from mockdock.testing.dock import MockDock  # noqa: PLC0415 - it knows this module

        return MockDock(
            *scenario,
            seed=seed,
            otherwise=otherwise,
            time_scale=time_scale,
            strict=strict,
            called=called,
            server=self,
        )

    def stop(self) -> None:
        """Stop it; harmless when it does not run, and nothing to one that runs elsewhere.

        >>> DockServer().stop()
        """
        with self._lock:
            if self._server is not None and self._started:
                self._server.stop()
            self._started = False

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
                from mockdock.server import Server  # noqa: PLC0415 - brings uvicorn along

                options: dict[str, Any] = self._options
                self._server = Server(otherwise="fail", **options)
            return self._server

    def _make_verbs(self, *, secrets: bool = True) -> Verbs:
        if self._where is not None:
            from mockdock.testing.remote import RemoteVerbs  # noqa: PLC0415 - seldom needed

            return RemoteVerbs(self._where, self._token)
        from mockdock.local import LocalVerbs  # noqa: PLC0415 - brings the engine along

        return LocalVerbs(self._made().app, lambda: self.url, secrets=secrets)
