"""One path of a dialect: a request comes in, its reply goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from msgspec import structs

from mockdock.answering import House, is_late, respond
from mockdock.arrival import GoneError, headed, read
from mockdock.delivery import Client, Rest, ScaledClock, Wire, at_once, deliver, wire_of
from mockdock.dialects import Dialect
from mockdock.following import OPERATION, Trodden, exchange_of, tread
from mockdock.frames import Outcome
from mockdock.names import CONTROL
from mockdock.observe import Exchange, Observer
from mockdock.refusing import STOPPED, failed, instead, refusal
from mockdock.rendering import Answer, Rendered, render
from mockdock.reply import Failure
from mockdock.request import Caller, Request
from mockdock.retelling import Retelling
from mockdock.showing import show
from mockdock.visit import Visit

__all__ = ["Endpoint"]

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
        visit = Visit(scope, headers, caller, session, receive)
        wire = wire_of(scope)
        body = None if wire is None else wire.body
        if body is None or self._operations.get(scope["method"]) != OPERATION:
            return partial(self._serve, visit, send)
        try:
            trodden = self._known(visit, body)
        except Exception as error:  # noqa: BLE001 - as below
            return partial(self._deliver, visit, *self._failed(visit, error), send)
        if trodden is None:
            return partial(self._serve, visit, send)
        return self._tell(visit, trodden, send, wire)

    async def _serve(self, visit: Visit, send: Send) -> None:
        """Serve a request that has to be waited for, or may have to be."""
        told: Trodden | tuple[Answer, Rendered]
        try:
            answer = await self._answer(visit)
            told = answer if isinstance(answer, Trodden) else (answer, self._render(answer, visit))
        except GoneError:
            visit.end(Failure("overloaded"), lambda: 0)
            visit.client.close()
            return
        except asyncio.CancelledError:
            visit.client.close()
            stopped = instead(STOPPED, visit)
            rendered = self._render(stopped, visit)
            self._record(visit, stopped, rendered, Outcome("stopped", 0, 0, headless=True))
            raise
        except Exception as error:  # noqa: BLE001 - the last line before a client sees a trace
            told = self._failed(visit, error)
        if not isinstance(told, Trodden):
            await self._deliver(visit, *told, send)
        elif (rest := self._tell(visit, told, send, wire_of(visit.scope))) is not None:
            await rest()

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
        nobody = Visit({"path": ""}, {}, Caller(), base, _nothing)
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
        telling = rendered.telling
        retelling = Retelling(dialect, telling, rendered.whole, outcome, arrived, scale)
        settled = visit.end(answer.reply, retelling.said, now)
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
            retelling,
            is_late(self._house, visit),
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
        return show(exchange, self._lookers(exchange), settled)

    def _lookers(self, exchange: Exchange) -> Sequence[Observer]:
        """Give who looks on; a control URL that is mistyped is no client's request to judge."""
        house = self._house
        if exchange.rule is not None or CONTROL not in exchange.path.split("/"):
            return house.observers
        return [each for each in house.observers if each != house.journal.append]

    def _tell(self, visit: Visit, trodden: Trodden, send: Send, wire: Wire | None) -> Rest | None:
        """Tell what went a trail at once; give what is left to do."""

        def record(outcome: Outcome) -> Awaitable[None] | None:
            late = is_late(self._house, visit)
            exchange = exchange_of(visit, self._dialect, trodden, outcome, late=late)
            return show(exchange, self._house.observers, None)

        return at_once(trodden.head, trodden.sole, send, record, wire)

    def _render(self, answer: Answer, visit: Visit) -> Rendered:
        session = visit.session
        clock, slowness = session.clock, session.traffic.slowness
        return render(
            self._dialect, answer, visit.arrived, clock, slowness=slowness, queued=visit.queued
        )

    def _known(self, visit: Visit, body: bytes) -> Trodden | None:
        """Answer at once where all of it is known, else None."""
        if len(body) > self._house.max_body or self._unheard(visit, OPERATION) is not None:
            return None
        visit.body = body
        return tread(visit, self._dialect)

    async def _answer(self, visit: Visit) -> Answer | Trodden:
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
            trodden = tread(visit, dialect) if operation == OPERATION else None
            if trodden is not None:
                return trodden
        call = visit.call(dialect, operation)
        parsed = visit.parsed or dialect.parse(call)
        if isinstance(parsed, Failure):
            charged = None
            if parsed.kind in _WRONG and parsed.model:
                unread = Request(dialect.name, "chat", parsed.model, caller=call.caller)
                unread = replace(unread, deployment=parsed.deployment)
                charged = await session.engine.turn_away(unread, session.age)
            return structs.replace(refusal(parsed, visit), turned_away=charged)
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


_WRONG = frozenset({"bad_request", "bad_input", "wrong_model"})
"""Refusals that count as a request of the model."""


async def _nothing() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}
