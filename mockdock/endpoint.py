"""One path of a dialect: a request comes in, its reply goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from dataclasses import replace
from functools import partial
from typing import Any

from mockdock.answering import House, respond
from mockdock.arrival import GoneError, headed, read
from mockdock.delivery import Client, Item, Rest, ScaledClock, at_once, deliver, wire_of
from mockdock.dialects import Dialect
from mockdock.following import OPERATION, follow
from mockdock.frames import Outcome
from mockdock.observe import Exchange
from mockdock.refusing import STOPPED, failed, instead, refusal
from mockdock.rendering import Answer, Rendered, render
from mockdock.reply import Failure
from mockdock.request import Caller, Request
from mockdock.retelling import Retelling
from mockdock.showing import show
from mockdock.visit import Visit

__all__ = ["Endpoint", "House"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Endpoint:
    """Answers one path of a dialect; without operations, paths that do not exist."""

    def __init__(self, house: House, dialect: Dialect, operations: Mapping[str, str]) -> None:
        self._house = house
        self._dialect = dialect
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        rest = self.begin(scope, receive, send)
        if rest is not None:
            await rest()

    def begin(self, scope: Scope, receive: Receive, send: Send) -> Rest | None:
        """Serve a request as far as that goes without waiting.

        Gives what is left to do, None where nothing is.
        """
        headers, caller = headed(scope, self._dialect)
        session = self._house.sessions.of(caller.session)
        clock = session.clock
        visit = Visit(scope, headers, caller, session, receive, clock.now(), clock.time())
        wire = wire_of(scope)
        body = None if wire is None else wire.body
        known = self._operations.get(scope["method"]) == OPERATION
        if wire is None or body is None or not known:
            return partial(self._serve, visit, send)
        try:
            answer = self._known(visit, body)
            if answer is None:
                return partial(self._serve, visit, send)
            rendered = self._render(answer, visit)
        except Exception as error:  # noqa: BLE001 - as below
            answer, rendered = self._failed(visit, error)
            return partial(self._deliver, visit, answer, rendered, send)
        assert rendered.sole is not None, "nothing else goes a trail"
        record = partial(self._record, visit, answer, rendered)
        return at_once(rendered.head, rendered.sole, send, record, wire)

    async def _serve(self, visit: Visit, send: Send) -> None:
        """Serve a request that has to be waited for, or may have to be."""
        try:
            answer = await self._answer(visit)
            rendered = self._render(answer, visit)
        except GoneError:
            visit.end(Failure("overloaded"), lambda: 0)
            visit.client.close()
            return
        except asyncio.CancelledError:
            visit.client.close()
            answer = instead(STOPPED, visit)
            rendered = self._render(answer, visit)
            self._record(visit, answer, rendered, Outcome("stopped", 0, 0, headless=True))
            raise
        except Exception as error:  # noqa: BLE001 - the last line before a client sees a trace
            answer, rendered = self._failed(visit, error)
        await self._deliver(visit, answer, rendered, send)

    def _failed(self, visit: Visit, error: Exception) -> tuple[Answer, Rendered]:
        scope = visit.scope
        answer = instead(failed(error, f"{scope['method']} {scope['path']}"), visit)
        return answer, self._render(answer, visit)

    async def _deliver(self, visit: Visit, answer: Answer, rendered: Rendered, send: Send) -> None:
        try:
            await deliver(
                rendered.head,
                rendered.timed,
                clock=visit.session.clock,
                client=visit.client,
                send=send,
                record=partial(self._record, visit, answer, rendered),
                wire=wire_of(visit.scope),
                sole=rendered.sole,
            )
        finally:
            visit.end(answer.reply, lambda: 0)  # where not even a record was made

    async def refuse(self, failure: Failure, send: Send) -> None:
        """Send a refusal at once, whatever else goes on."""
        clock = ScaledClock(0)
        base = self._house.sessions.base
        nobody = Visit({"path": ""}, {}, Caller(), base, _nothing, clock.now(), clock.time())
        answer = refusal(failure, nobody)
        rendered = self._render(answer, nobody)
        await deliver(
            rendered.head,
            rendered.timed,
            clock=clock,
            client=Client(_nothing, clock),
            send=send,
            record=lambda _: None,
            sole=rendered.sole,
        )

    def _record(
        self, visit: Visit, answer: Answer, rendered: Rendered, outcome: Outcome
    ) -> Awaitable[None] | None:
        """Show what was said to all who look on; what takes its time goes on by itself."""
        session, scope, decision = visit.session, visit.scope, answer.decision
        arrived, now, scale = visit.arrived, session.clock.now(), session.clock.scale
        name, dialect, walk = visit.caller.session, self._dialect, answer.walk
        tells: Callable[[Exchange], Iterator[tuple[float, Item]]] | None = None
        settled = None
        if walk is not None and rendered.telling is None and outcome.ending == "completed":
            visit.walked = None  # it was charged what it costs, and holds nothing else
            tells = walk.trail.tells
        if tells is None:
            telling = rendered.telling or answer.telling()
            tells = Retelling(dialect, telling, rendered.whole, outcome, arrived, scale)
            settled = visit.end(answer.reply, tells.said, now)
        compiled = answer.compiled
        exchange = Exchange(  # by position, which takes half as long as by name
            scope["method"],
            scope["path"],
            name,
            visit.headers,
            visit.body or b"",
            answer.request if walk is None else walk.trail.reads,
            answer.reply,
            None if compiled is None else compiled.label,
            None if compiled is None else compiled.candidate.key,
            answer.attempt or visit.caller.attempt or 1,
            rendered.head,
            outcome,
            visit.started,
            now - arrived,
            tells,
            self._house.sessions.of(name).era != session.era,
            arrived - session.began,
            scale,
            session.era,
            () if decision is None else decision.faults,
            "" if decision is None else decision.trouble,
            dialect.name,
            answer.gateways,
            visit.came,
            walk is not None,
        )
        return show(exchange, self._house.observers, settled)

    def _render(self, answer: Answer, visit: Visit) -> Rendered:
        session = visit.session
        clock, slowness = session.clock, session.traffic.slowness
        return render(
            self._dialect, answer, visit.arrived, clock, slowness=slowness, queued=visit.queued
        )

    def _known(self, visit: Visit, body: bytes) -> Answer | None:
        """Answer at once where all of it is known, else None."""
        if len(body) > self._house.max_body or self._unheard(visit, OPERATION) is not None:
            return None
        visit.body = body
        return self._trodden(visit)

    async def _answer(self, visit: Visit) -> Answer:
        """Refuse what cannot be understood; answer what can."""
        session, dialect, method = visit.session, self._dialect, visit.scope["method"]
        operation = self._operations.get("GET" if method == "HEAD" else method, "")
        if visit.body is None:
            unheard = self._unheard(visit, operation)
            if unheard is not None:
                return refusal(unheard, visit)
            visit.body = await self._read(visit)
            if visit.body is None:
                return refusal(dialect.oversize(self._house.max_body), visit)
            answer = self._trodden(visit) if operation == OPERATION else None
            if answer is not None:
                return answer
        call = visit.call(dialect, operation)
        parsed = visit.parsed or dialect.parse(call)
        if isinstance(parsed, Failure):
            charged = None
            if parsed.kind in _WRONG and parsed.model:
                unread = Request(dialect.name, "chat", parsed.model, caller=call.caller)
                unread = replace(unread, deployment=parsed.deployment)
                charged = await session.engine.turn_away(unread, session.age)
            return replace(refusal(parsed, visit), turned_away=charged)
        return await respond(self._house, dialect, call, parsed, visit)

    def _unheard(self, visit: Visit, operation: str) -> Failure | None:
        """Refuse who has no key, and what nobody can do, whatever is asked."""
        session, dialect, caller = visit.session, self._dialect, visit.caller
        refused = None if operation in dialect.keyless else session.engine.authorize(caller)
        if refused is not None and not (session.key and caller.key == session.key):
            return refused
        if operation:
            return None
        return dialect.misroute(visit.call(dialect), frozenset(self._operations))

    async def _read(self, visit: Visit) -> bytes | None:
        """Read the body, None when it is too large."""
        wire, most = wire_of(visit.scope), self._house.max_body
        body = None if wire is None else wire.body
        if body is None:
            return await read(visit.headers, visit.receive, most)
        return body if len(body) <= most else None

    def _trodden(self, visit: Visit) -> Answer | None:
        """Say what a rule always says, where a request goes a trail.

        None where it goes none, or no further than its step.
        """
        walk = follow(visit, self._dialect)
        if walk is None:
            return None
        if walk.pick.refusers:
            visit.pick = walk.pick
            return None
        visit.walked = walk
        reply = walk.reply(int(visit.started))
        request_id = walk.entropy.request_id(walk.pick.seen)
        gateways = visit.session.engine.gateways
        request = walk.trail.request
        return Answer(visit.scope["path"], gateways, request, reply, request_id, walk=walk)


_WRONG = frozenset({"bad_request", "bad_input", "wrong_model"})
"""Refusals that count as a request of the model."""


async def _nothing() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}
