"""One path of a dialect: a request comes in, its reply goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from mockdock.arrival import GoneError, headed, read
from mockdock.delivery import Client, ScaledClock, deliver, wire_of
from mockdock.dialects import Call, Dialect
from mockdock.engine import (
    Decision,
    Pick,
    Walk,
    Wish,
    further,
    identify,
    resolves_long,
    threaded,
    wished,
)
from mockdock.engine.refreshing import refresh
from mockdock.errors import ConditionError, UsageError
from mockdock.following import OPERATION, follow
from mockdock.frames import Outcome
from mockdock.limit import told
from mockdock.observe import Exchange, Keeper, Metrics, Observer
from mockdock.refusing import STOPPED, failed, instead, refusal
from mockdock.rendering import Answer, Rendered, render
from mockdock.reply import Completion, Failure, Made
from mockdock.request import Caller, Request
from mockdock.retelling import Retelling
from mockdock.sessions import Session, Sessions
from mockdock.showing import show
from mockdock.visit import Visit

__all__ = ["Endpoint", "House"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class House(Protocol):
    """What all endpoints share: sessions, who looks on, the largest body in bytes."""

    sessions: Sessions
    journal: Keeper
    metrics: Metrics
    observers: tuple[Observer, ...]
    max_body: int


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
        headers, caller = headed(scope, self._dialect)
        session = self._house.sessions.of(caller.session)
        clock = session.clock
        client = Client(receive, clock)
        visit = Visit(scope, headers, caller, session, client, clock.now(), clock.time())

        def record(outcome: Outcome) -> Awaitable[None] | None:
            return self._record(visit, answer, rendered, outcome)

        try:
            answer = await self._answer(visit, receive)
            rendered = self._render(answer, visit)
        except GoneError:
            visit.end(Failure("overloaded"), lambda: 0)
            client.close()
            return
        except asyncio.CancelledError:
            client.close()
            answer = instead(STOPPED, visit)
            rendered = self._render(answer, visit)
            record(Outcome("stopped", 0, 0, headless=True))
            raise
        except Exception as error:  # noqa: BLE001 - the last line before a client sees a trace
            failure = failed(error, f"{scope['method']} {scope['path']}")
            answer = instead(failure, visit)
            rendered = self._render(answer, visit)

        try:
            await deliver(
                rendered.head,
                rendered.timed,
                clock=clock,
                client=client,
                send=send,
                record=record,
                wire=wire_of(scope),
                sole=rendered.sole,
            )
        finally:
            visit.end(answer.reply, lambda: 0)  # where not even a record was made

    async def refuse(self, failure: Failure, send: Send) -> None:
        """Send a refusal at once, whatever else goes on."""
        clock = ScaledClock(0)
        client, session = Client(_nothing, clock), self._house.sessions.base
        nobody = Visit({"path": ""}, {}, Caller(), session, client, clock.now(), clock.time())
        answer = refusal(failure, nobody)
        rendered = self._render(answer, nobody)
        await deliver(
            rendered.head,
            rendered.timed,
            clock=clock,
            client=client,
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
        telling, name, dialect = rendered.telling, visit.caller.session, self._dialect
        retelling = Retelling(dialect, telling, rendered.whole, outcome, arrived, scale)
        if outcome.ending == "completed" and isinstance(answer.reply, Completion):
            visit.walked = None  # it was charged what it costs
        settled = visit.end(answer.reply, retelling.said, now)
        compiled = answer.compiled
        exchange = Exchange(  # by position, which takes half as long as by name
            scope["method"],
            scope["path"],
            name,
            visit.headers,
            visit.body,
            answer.request if answer.walk is None else answer.walk.trail.reads,
            answer.reply,
            None if compiled is None else compiled.label,
            None if compiled is None else compiled.candidate.key,
            answer.attempt or visit.caller.attempt or 1,
            rendered.head,
            outcome,
            visit.started,
            now - arrived,
            retelling,
            self._house.sessions.of(name).era != session.era,
            arrived - session.began,
            scale,
            session.era,
            () if decision is None else decision.faults,
            "" if decision is None else decision.trouble,
            dialect.name,
            answer.gateways,
            visit.came,
        )
        return show(exchange, self._house.observers, settled)

    def _render(self, answer: Answer, visit: Visit) -> Rendered:
        session = visit.session
        clock, slowness = session.clock, session.traffic.slowness
        return render(
            self._dialect, answer, visit.arrived, clock, slowness=slowness, queued=visit.queued
        )

    async def _answer(self, visit: Visit, receive: Receive) -> Answer:
        """Refuse what cannot be understood; answer what can."""
        session, dialect, caller = visit.session, self._dialect, visit.caller
        engine, method = session.engine, visit.scope["method"]
        operation = self._operations.get("GET" if method == "HEAD" else method, "")
        refused = None if operation in dialect.keyless else engine.authorize(caller)
        if refused is not None and not (session.key and caller.key == session.key):
            return refusal(refused, visit)
        if not operation:
            known = frozenset(self._operations)
            return refusal(dialect.misroute(visit.call(dialect), known), visit)
        wire, most = wire_of(visit.scope), self._house.max_body
        body = None if wire is None else wire.body
        if body is None:
            body = await read(visit.headers, receive, most)
        if body is None or len(body) > most:
            return refusal(dialect.oversize(self._house.max_body), visit)
        visit.body = body
        walk = follow(visit, dialect) if operation == OPERATION else None
        if walk is not None and not walk.pick.refusers:
            return self._trodden(walk, visit)
        call = visit.call(dialect, operation)
        parsed = visit.parsed or dialect.parse(call)
        if isinstance(parsed, Failure):
            charged = None
            if parsed.kind in _WRONG and parsed.model:
                unread = Request(dialect.name, "chat", parsed.model, caller=call.caller)
                unread = replace(unread, deployment=parsed.deployment)
                charged = await engine.turn_away(unread, session.age)
            return replace(refusal(parsed, visit), turned_away=charged)
        return await self._reply(call, parsed, visit, None if walk is None else walk.pick)

    def _trodden(self, walk: Walk, visit: Visit) -> Answer:
        """Say what a rule always says."""
        visit.walked = walk
        self._used(visit.session, visit.caller.session, walk.lane.compiled.candidate.key)
        reply = walk.reply(int(visit.started))
        request_id = walk.entropy.request_id(walk.pick.seen)
        gateways = visit.session.engine.gateways
        request = walk.trail.request
        return Answer(visit.scope["path"], gateways, request, reply, request_id, walk=walk)

    def _used(self, session: Session, name: str, rule: str) -> None:
        """Count a use of a rule, unless its session began anew meanwhile."""
        if self._house.sessions.of(name).era == session.era:
            self._house.journal.use(name, rule)

    async def _reply(
        self, call: Call, parsed: Request, visit: Visit, pick: Pick | None = None
    ) -> Answer:
        """Decide who answers, and compose what he says; with a ``pick`` the step is done."""
        session, engine = visit.session, visit.session.engine
        try:
            parsed, wishes = wished(parsed, call.query, engine.scenario.triggers)
            if parsed.account is not None or parsed.api != "chat":
                parsed = await self._read(parsed, visit)
            decision = await self._decide(parsed, wishes, visit, pick)
            while (instead := further(parsed, decision)) is not None:
                visit.end(_GIVEN_UP, lambda: 0)
                parsed = engine.read(instead, visit.started)
                decision = await self._decide(parsed, wishes, visit)
        except (ConditionError, UsageError) as error:
            return refusal(failed(error, call.path), visit)
        parsed = threaded(parsed, decision)
        reply = (
            await visit.apart(engine.compose, parsed, decision, visit.started)
            if _takes_long(parsed, decision)
            else engine.compose(parsed, decision, visit.started)
        )
        seen = decision.context.seen
        request_id = decision.context.entropy.request_id(seen)
        if self._dialect.brief is not None:
            engine.trails.note(parsed, decision, reply)
        noted = engine.keep(parsed, reply, request_id)
        if isinstance(reply, Failure) and reply.retry_after is not None:  # which is not kept
            wait = told(reply.retry_after, reply.retry_header)
            noted = session.clock.promise((call.caller.session, decision.identity), wait)
        if noted is not None:
            await noted
        if isinstance(reply, Made):
            most = None if reply.pacing is None else reply.pacing.concurrent
            visit.inside = session.traffic.admits(most)
            if most is not None and not visit.inside:
                came = session.clock.now()
                visit.inside = await session.traffic.queue(most, visit.client)
                visit.queued = session.clock.now() - came
            if parsed.stream:
                visit.streams = self._house.metrics.begin(self._dialect.name, decision.rule)
        return Answer(call.path, call.gateways, parsed, reply, request_id, decision)

    async def _read(self, request: Request, visit: Visit) -> Request:
        """Find out who answers, once all is known that others did, and its account has begun.

        To write what an account begins with is no part of what the reply takes.
        """
        session, name = visit.session, request.caller.session
        engine, clock = session.engine, session.clock
        if (fresh := refresh(request, engine.books, engine.shelf)) is not None:
            await fresh
        if request.account is not None and engine.seedbed.is_due(name):
            await visit.apart(engine.seedbed.sow, name, visit.started)
            visit.arrived, visit.started = clock.now(), clock.time()
        if resolves_long(request):
            return await visit.apart(engine.read, request, visit.started)
        return engine.read(request, visit.started)

    async def _decide(
        self, request: Request, wishes: Sequence[Wish], visit: Visit, pick: Pick | None = None
    ) -> Decision:
        session, name = visit.session, request.caller.session
        engine, clock = session.engine, session.clock
        if (request.caller.attempt or 1) > 1:
            late = clock.redeem((name, identify(request)))
            if late is not None:
                await late
            visit.arrived, visit.started = clock.now(), clock.time()
        asked = engine.ask(request, wishes, age=session.age, now=visit.started)
        picking = engine.store.decide(asked.step) if pick is None else pick
        picked = picking if isinstance(picking, Pick) else await picking
        if request.stored is not None and engine.shelf.waits:
            decision = await visit.apart(engine.decided, asked, picked)
        else:
            decision = engine.decided(asked, picked)
        visit.admitted = request, decision
        if decision.asks:
            visit.client.watch()
        used = decision.rule_key
        if used is not None:
            self._used(session, name, used)
        return decision if decision.settled else await engine.consult(request, decision)


def _takes_long(request: Request, decision: Decision) -> bool:
    """Tell whether to compose a reply takes so long that others have to be answered meanwhile."""
    if request.account is not None and request.account.question is not None:
        return True
    return request.embedding is not None and decision.context.prompt.tokens >= _MANY


_MANY = 1000
"""So many tokens to embed take some 10 ms."""
_WRONG = frozenset({"bad_request", "bad_input", "wrong_model"})
"""Refusals that count as a request of the model."""
_GIVEN_UP = Failure("server_error")
"""What a model said that another one answers for."""


async def _nothing() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}
