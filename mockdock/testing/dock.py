"""What a test holds: a session of a mock server, with everything that can be done to it."""

from __future__ import annotations

import secrets
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypedDict

from anyio import CancelScope, to_thread

from mockdock.dialects import DIALECTS
from mockdock.environ import environment
from mockdock.errors import UsageError
from mockdock.observe.verbs import Otherwise, TimeScale
from mockdock.testing.checks import short
from mockdock.testing.clock import DockClock
from mockdock.testing.looking import Looking
from mockdock.testing.passing import annotate, failed_before
from mockdock.testing.ruling import Ruling
from mockdock.testing.server import DockServer
from mockdock.testing.session import DockSession
from mockdock.testing.sources import Source, opening
from mockdock.testing.troubling import Troubling
from mockdock.testing.watching import Watching

if TYPE_CHECKING:
    from mockdock.app import App
    from mockdock.request import DialectName

__all__ = ["ClientOptions", "MockDock"]


class ClientOptions(TypedDict):
    """What an OpenAI client is made with.

    >>> options: ClientOptions = dock.openai
    """

    base_url: str
    api_key: str


class MockDock(Ruling, Troubling, Watching, Looking):
    """A session of a mock server: rules in, calls out.

    ``scenario`` is any number of scenarios: names, paths, mappings. Nothing
    waits unless ``time_scale`` is above 0; "manual" lets time stand still
    until ``clock.advance``. ``otherwise`` answers where no rule does: by
    default that is a miss, unless the scenario says more. A ``strict`` dock
    verifies when it is left without an exception: misses, rules never used,
    wrong order. To an exception that passes it adds what it found as a note.
    ``seed``, and ``called`` in the place of a session's name, decide all
    random choices: the same ones give the same replies.

    It lives on a ``server`` shared with others, on one that runs at ``url``
    (``token``: of its control API), or on one of its own. Raises UsageError
    for wrong arguments, ScenarioError for a wrong scenario.

    >>> with MockDock() as dock:
    ...     dock.reply("Hello!")
    ...     client = OpenAI(**dock.openai)
    ...     answer = client.chat.completions.create(
    ...         model="gpt-4o", messages=[{"role": "user", "content": "Hi!"}]
    ...     )
    """

    def __init__(
        self,
        *scenario: Source,
        seed: int | None = None,
        otherwise: Otherwise | None = None,
        time_scale: TimeScale = 0,
        strict: bool = True,
        called: str = "",
        server: DockServer | None = None,
        url: str | None = None,
        token: str | None = None,
    ) -> None:
        self.strict = strict
        self.api_key = f"sk-mockdock-{secrets.token_hex(12)}"
        self._opening = opening(
            scenario, seed=seed, otherwise=otherwise, time_scale=time_scale, called=called
        )
        self._own: DockServer | None = None
        if server is None:
            server = self._own = DockServer(url=url, token=token)
        elif url is not None or token is not None:
            raise UsageError("a dock has a server, or the url and token of one: not both")
        elif not isinstance(server, DockServer):
            raise UsageError(f"server={short(server)}: give a DockServer, or its address as url=")
        session = DockSession(server, self.api_key)
        Ruling.__init__(self, session)
        Troubling.__init__(self, session)
        Watching.__init__(self, session)
        Looking.__init__(self, session)

    @property
    def opened(self) -> bool:
        """Whether it can be used.

        >>> dock.opened
        True
        """
        return self._session.opened

    def start(self) -> Self:
        """Open the session; ``with`` does it. A server of its own starts later, when needed.

        >>> dock = MockDock().start()
        >>> dock.close()
        """
        self._session.open(self._opening)
        return self

    def close(self) -> None:
        """Close the session without verifying, and stop a server of its own.

        >>> dock.close()
        """
        try:
            self._session.close()
        finally:
            if self._own is not None:
                self._own.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if not (self.strict and self.opened):
                return
            if error is not None:
                annotate(error, self._session)
            elif not failed_before():
                self.verify()
        finally:
            self.close()

    async def __aenter__(self) -> Self:
        return await to_thread.run_sync(self.start)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with CancelScope(shield=True):  # what is cancelled must be closed all the same
            await to_thread.run_sync(self.__exit__, kind, error, trace)

    @property
    def url(self) -> str:
        """Scheme, host and port; starts the server when it does not run yet.

        Raises StartError when it cannot start, or has died.

        >>> models = httpx2.get(f"{dock.url}/v1/models")
        """
        return self._session.server.url

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes as ``base_url``.

        >>> client = OpenAI(base_url=dock.base_url, api_key=dock.api_key)
        """
        return self.url_for("openai")

    def url_for(self, dialect: DialectName) -> str:
        """Give the base URL of a dialect's clients; for Azure's it is the endpoint.

        >>> client = OpenAI(base_url=dock.url_for("openai"), api_key=dock.api_key)
        """
        for each in DIALECTS:
            if each.name == dialect:
                return f"{self.url}{each.base_path}"
        known = ", ".join(each.name for each in DIALECTS)
        raise UsageError(f"there is no dialect {short(dialect)}; there are: {known}")

    @property
    def openai(self) -> ClientOptions:
        """What an OpenAI client is made with.

        >>> client = OpenAI(**dock.openai)
        """
        return {"base_url": self.base_url, "api_key": self.api_key}

    @property
    def headers(self) -> dict[str, str]:
        """The header that leads here whatever the API key is.

        >>> client = OpenAI(
        ...     base_url=dock.base_url, api_key="any", default_headers=dock.headers
        ... )
        """
        return {"x-mockdock-session": self.api_key}

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that lead clients here.

        >>> done = subprocess.run([sys.executable, "-c", ""], env={**os.environ, **dock.env})
        """
        return environment(self.url, self.api_key)

    @property
    def asgi(self) -> App:
        """The server as an ASGI application, for a transport without a socket.

        It is faster, and less: such a transport collects the whole body before
        the client sees any of it, so that no stream takes time, and no client
        can leave in the middle. For asyncio only. Raises UsageError for a
        server that runs elsewhere.

        >>> transport = httpx2.ASGITransport(app=dock.asgi)
        >>> client = AsyncOpenAI(
        ...     base_url="http://mockdock/v1",
        ...     api_key=dock.api_key,
        ...     http_client=httpx2.AsyncClient(transport=transport),
        ... )
        """
        return self._session.server.app

    @property
    def clock(self) -> DockClock:
        """The time the session lives in.

        >>> dock.clock.advance(20)
        """
        return DockClock(self._session.verbs, self.api_key)

    def __repr__(self) -> str:
        state = "open" if self.opened else "closed"
        return f"<MockDock {self.api_key} {state}>"
