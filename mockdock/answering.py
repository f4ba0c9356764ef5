"""From a request that was understood to its answer: who decides, and what he says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mockdock.dialects import Call, Dialect
from mockdock.engine import Decision, Pick, Wish, further, identify, resolves_long, threaded, wished
from mockdock.engine.refreshing import refresh
from mockdock.errors import ConditionError, UsageError
from mockdock.limit import told
from mockdock.observe import Keeper, Metrics, Observer
from mockdock.refusing import failed, refusal
from mockdock.rendering import Answer
from mockdock.reply import Failure, Made
from mockdock.request import Request
from mockdock.sessions import Sessions
from mockdock.visit import Visit

__all__ = ["House", "is_late", "respond"]


class House(Protocol):
    """What all endpoints share: sessions, who looks on, the largest body in bytes."""

    sessions: Sessions
    journal: Keeper
    metrics: Metrics
    observers: tuple[Observer, ...]
    max_body: int


def is_late(house: House, visit: Visit) -> bool:
    """Tell whether the session of a request began anew meanwhile, or was closed."""
    return house.sessions.of(visit.caller.session).era != visit.session.era


async def respond(
    house: House, dialect: Dialect, call: Call, parsed: Request, visit: Visit
) -> Answer:
    """Decide who answers, and compose what he says."""
    session, engine = visit.session, visit.session.engine
    try:
        parsed, wishes = wished(parsed, call.query, engine.scenario.triggers)
        if parsed.account is not None or parsed.api != "chat":
            parsed = await _found(parsed, visit)
        decision = await _decide(house, parsed, wishes, visit)
        while (instead := further(parsed, decision)) is not None:
            visit.end(_GIVEN_UP, lambda: 0)
            parsed = engine.read(instead, visit.started)
            decision = await _decide(house, parsed, wishes, visit)
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
    if dialect.brief is not None:
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
            visit.streams = house.metrics.begin(dialect.name, decision.rule)
    return Answer(call.path, call.gateways, parsed, reply, request_id, decision)


async def _found(request: Request, visit: Visit) -> Request:
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


async def _decide(house: House, request: Request, wishes: Sequence[Wish], visit: Visit) -> Decision:
    """Decide who answers; with a ``pick`` the step is done."""
    session, name = visit.session, request.caller.session
    engine, clock = session.engine, session.clock
    if (request.caller.attempt or 1) > 1:
        late = clock.redeem((name, identify(request)))
        if late is not None:
            await late
        visit.arrived, visit.started = clock.now(), clock.time()
    asked = engine.ask(request, wishes, age=session.age, now=visit.started)
    pick, visit.pick = visit.pick, None
    picking = engine.store.decide(asked.step) if pick is None else pick
    picked = picking if isinstance(picking, Pick) else await picking
    if request.stored is not None and engine.shelf.waits:
        decision = await visit.apart(engine.decided, asked, picked)
    else:
        decision = engine.decided(asked, picked)
    visit.admitted = request, decision
    if decision.asks:
        visit.client.watch()
    if decision.rule_key is not None and not is_late(house, visit):
        house.journal.use(name, decision.rule_key)
    return decision if decision.settled else await engine.consult(request, decision)


def _takes_long(request: Request, decision: Decision) -> bool:
    """Tell whether to compose a reply takes so long that others have to be answered meanwhile."""
    if request.account is not None and request.account.question is not None:
        return True
    return request.embedding is not None and decision.context.prompt.tokens >= _MANY


_MANY = 1000
"""So many tokens to embed take some 10 ms."""
_GIVEN_UP = Failure("server_error")
"""What a model said that another one answers for."""
