"""A request on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from time import monotonic
from typing import Any, ParamSpec, TypeVar

from mockdock.arrival import arrive
from mockdock.delivery import Client
from mockdock.dialects import Call, Dialect, Sent
from mockdock.engine import Decision, Pick, Walk
from mockdock.reply import Reply
from mockdock.request import Caller, Request
from mockdock.sessions import Session

__all__ = ["Visit"]

Scope = MutableMapping[str, Any]
P = ParamSpec("P")
T = TypeVar("T")


class Visit:
    """A request on its way: what serves it, and what it holds until it is over.

    ``scope`` is as it came, ``headers`` and ``caller`` what was read of it.
    ``arrived`` is in scenario seconds, ``started`` in seconds since 1970;
    ``queued`` are the scenario seconds it waited for its turn. ``inside`` tells
    that it counts as a reply under way; ``admitted`` is what has to be settled.
    ``came`` is when it arrived in real time; ``streams`` is told when its stream ends.
    ``walked`` is how it went a trail, which is to be taken back where no reply comes of it;
    ``pick`` is what a step decided of it that was done already. ``body`` is as it came, None
    until it was read, ``sent`` what it holds and ``parsed`` the request, where somebody has looked.
    """

    # Of what is rarely said of one there is only a default, until it is said.
    inside = False
    queued = 0.0
    admitted: tuple[Request, Decision] | None = None
    streams: Callable[[], None] | None = None
    walked: Walk | None = None
    pick: Pick | None = None
    body: bytes | None = None
    sent: Sent | None = None
    parsed: Request | None = None
    _client: Client | None = None

    def __init__(
        self,
        scope: Scope,
        headers: Mapping[str, str],
        caller: Caller,
        session: Session,
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    ) -> None:
        self.scope = scope
        self.headers = headers
        self.caller = caller
        self.session = session
        self.receive = receive
        clock = session.clock
        self.arrived = clock.now()
        self.started = clock.time()
        self.came = monotonic()

    @property
    def client(self) -> Client:
        """Who waits for the reply."""
        if self._client is None:
            self._client = Client(self.receive, self.session.clock)
        return self._client

    def call(self, dialect: Dialect, operation: str = "") -> Call:
        """Tell what came, and its ``operation`` where there is one."""
        engine, body = self.session.engine, self.body or b""
        sent = self.sent
        return arrive(self.scope, self.headers, self.caller, dialect, engine, operation, body, sent)

    def end(
        self, reply: Reply, said: Callable[[], int], now: float | None = None
    ) -> Awaitable[None] | None:
        """Give back what the request held: its place, and what it was charged too much.

        ``said`` counts the completion tokens that have left; ``now`` is the moment, in
        scenario seconds, where it is known. A store may take its time.
        """
        if self.inside:
            self.inside = False
            self.session.traffic.leave()
        if self.streams is not None:
            ended, self.streams = self.streams, None
            ended()
        if self.walked is not None:
            walk, self.walked = self.walked, None
            return walk.take_back(self._age(now))
        if self.admitted is not None:
            (request, decision), self.admitted = self.admitted, None
            if decision.admission is None:
                return None
            age = self._age(now)
            return self.session.engine.settle(request, decision, reply, said=said(), age=age)
        return None

    def _age(self, now: float | None) -> float:
        session = self.session
        return session.age if now is None else now - session.began

    async def apart(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do in a thread what takes long, while others are answered."""
        self.client.watch()
        return await asyncio.to_thread(function, *args, **kwargs)
