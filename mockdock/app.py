"""The ASGI application: Starlette's router leads to one plain endpoint per path."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, MutableMapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.routing import Mount, Route, Router

from mockdock.arrival import marked, straightened
from mockdock.bookkeeping import entry_of, failed_before
from mockdock.delivery import Clock, Rest, ScaledClock
from mockdock.dialects import DIALECTS, Dialect, chosen
from mockdock.endpoint import Endpoint
from mockdock.engine import Engine
from mockdock.observe import Exchange, Journal, Keeper, Metrics, Observer
from mockdock.refusing import STOPPED
from mockdock.sessions import Session, Sessions

__all__ = ["MAX_BODY", "App"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY = 32 * 1024 * 1024
"""Default limit for a request body, in bytes; images travel in bodies."""


class App:
    """A mock server as an ASGI application.

    What serves a session may be replaced at any time: requests under way
    finish with what they began with. ``max_body`` is in bytes. ``dialects`` names
    those it speaks, None means all; raises UsageError for one there is not.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock | None = None,
        observers: Sequence[Observer] = (),
        journal: Keeper | None = None,
        metrics: Metrics | None = None,
        max_body: int = MAX_BODY,
        dialects: Collection[str] | None = None,
    ) -> None:
        self.dialects = chosen(dialects)
        self.sessions = Sessions(Session(engine, ScaledClock() if clock is None else clock))
        self.journal: Keeper = Journal() if journal is None else journal
        self.metrics = Metrics() if metrics is None else metrics
        counted = self.journal.append, self.metrics.count
        self.observers: tuple[Observer, ...] = (*counted, self._book, *observers)
        self.max_body = max_body
        self.current: Callable[[], Awaitable[None]] | None = None
        """What is awaited before each request, where others change the sessions as well."""
        # A router without an application around it: endpoints answer for their own defects.
        routes = list(self._routes())
        self._router = Router(routes, redirect_slashes=False, default=self._misroute)
        # Most requests are for paths without parameters, for which nobody need be asked in turn.
        fixed = {each.path: each.app for each in routes if not each.param_convertors}
        self._fixed = cast("dict[str, Endpoint | _Shared]", fixed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if self.current is not None:
            await self.current()
        endpoint = self._fixed_at(scope)
        if endpoint is None:
            await self._router(straightened(scope, self._knows), receive, send)
        else:
            await endpoint(scope, receive, send)

    def begin(self, scope: Scope, receive: Receive, send: Send) -> Rest | None:
        """Serve a request as far as that goes without waiting.

        Gives what is left to do, None where nothing is: then the reply has left by the
        connection in the scope.
        """
        endpoint = None if self.current is not None else self._fixed_at(scope)
        if endpoint is None:
            return partial(self, scope, receive, send)
        return endpoint.begin(scope, receive, send)

    def _fixed_at(self, scope: Scope) -> Endpoint | _Shared | None:
        """Give what answers a path without parameters; a root path is one that it begins with."""
        return None if scope.get("root_path") else self._fixed.get(scope.get("path", ""))

    @property
    def engine(self) -> Engine:
        """What answers where no session of its own was opened."""
        return self.sessions.base.engine

    @engine.setter
    def engine(self, engine: Engine) -> None:
        self.sessions.base = replace(self.sessions.base, engine=engine)

    def mount(self, path: str, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        """Let another application answer a path and everything below it."""
        below = Mount(path, app)
        below.path_regex = re.compile(below.path_regex.pattern, re.DOTALL)  # line breaks as well
        self._router.routes += [below, Route(path, app)]

    def _knows(self, path: str) -> bool:
        """Tell whether anything answers a path."""
        routes = self._router.routes
        return any(isinstance(each, Route) and each.path_regex.match(path) for each in routes)

    async def turn_away(self, send: Send) -> None:
        """Answer a request that cannot be served any more, in the provider's words."""
        await Endpoint(self, self.dialects[0], {}).refuse(STOPPED, send)

    async def _misroute(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the dialect refuse a path that comes next to it."""
        path = scope.get("path", "")
        nearest = max(
            self.dialects, key=lambda each: (marked(scope, each.mark), each.nearness(path))
        )
        await Endpoint(self, nearest, {})(scope, receive, send)

    def _book(self, exchange: Exchange) -> Awaitable[None] | None:
        """Keep what belongs to an account in the books."""
        entry = None if exchange.late else entry_of(exchange)
        if entry is None:
            return None
        books = self.sessions.of(exchange.session).engine.books
        return books.add(exchange.session, *failed_before(exchange, entry), entry)

    def _routes(self) -> Iterator[Route]:
        paths: dict[str, list[tuple[Dialect, Endpoint]]] = defaultdict(list)
        for dialect in self.dialects:
            operations: dict[str, dict[str, str]] = defaultdict(dict)
            for route in dialect.routes:
                operations[route.path][route.method] = route.operation
            for path, by_method in operations.items():
                paths[path].append((dialect, Endpoint(self, dialect, by_method)))
        for path, endpoints in paths.items():
            yield Route(path, endpoints[0][1] if len(endpoints) == 1 else _Shared(endpoints))


class _Project(StringConvertor):
    """A segment of a path that is no word of any dialect's own: ``/v1/v1`` names no project.

    Nor does one that begins with two underscores: there are the paths of mounted applications.
    """

    words = sorted({route.path.split("/")[1] for each in DIALECTS for route in each.routes})
    regex = f"(?!__|(?:{'|'.join(re.escape(word) for word in words if word[0] != '{')})/)[^/]+"


register_url_convertor("project", _Project())


class _Shared:
    """Answers a path that several dialects have: a header tells whose a request is.

    One without any such header is of the first dialect that needs none, else of the first.
    """

    def __init__(self, endpoints: Sequence[tuple[Dialect, Endpoint]]) -> None:
        self._marked = {each.mark.encode(): endpoint for each, endpoint in endpoints if each.mark}
        usual = [endpoint for each, endpoint in endpoints if not each.mark]
        self._usual = (usual or [endpoints[0][1]])[0]

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request."""
        return self._of(scope)(scope, receive, send)

    def begin(self, scope: Scope, receive: Receive, send: Send) -> Rest | None:
        """Serve one request as far as that goes without waiting; see ``App.begin``."""
        return self._of(scope).begin(scope, receive, send)

    def _of(self, scope: Scope) -> Endpoint:
        marked = self._marked
        for name, _ in scope["headers"]:
            if name in marked:  # there may be others, of dialects that come before
                names = {each for each, _ in scope["headers"]}
                return next(marked[mark] for mark in marked if mark in names)
        return self._usual
