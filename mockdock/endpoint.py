"""One path of a dialect: a request comes in, its reply goes out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, Protocol
from uuid import uuid4

from mockdock.arrival import GoneError, headed, read
from mockdock.delivery import Client, Item, ScaledClock, deliver, wire_of
from mockdock.dialects import Call, Dialect
from mockdock.engine import Decision, Pick, Wish, further, identify, resolves_long, threaded, wished
from mockdock.engine.refreshing import refresh
from mockdock.errors import ConditionError, LedgerError, StoreError, UsageError
from mockdock.frames import Outcome
from mockdock.limit import told
from mockdock.observe import Exchange, Keeper, Metrics, Observer
from mockdock.rendering import Answer, Rendered, again, header_of, render, said
from mockdock.reply import Failure, Made
from mockdock.request import Caller, Request
from mockdock.sessions import Sessions
from mockdock.showing import show
from mockdock.visit import Visit

__all__ = ["STOPPED", "Endpoint", "House"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger("mockdock")


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
            answer = _instead(STOPPED, self._dialect, visit)
            rendered = self._render(answer, visit)
            record(Outcome("stopped", 0, 0, headless=True))
            raise
        except (LedgerError, UsageError) as error:
            # The disk's doing, or more than a ledger keeps: no defect.
            failed = replace(_DEFECT, message=f"mockdock: {error}")
            if isinstance(error, UsageError):
                failed = replace(failed, kind="bad_request")
            answer = _instead(failed, self._dialect, visit)
            rendered = self._render(answer, visit)
        except StoreError as error:
            answer = _instead(_away(error), self._dialect, visit)
            rendered = self._render(answer, visit)
        except Exception as error:  # noqa: BLE001 - the last line before a client sees a trace
            # A defect of ours: the client gets an error it will not retry, the log the trace.
            _log.exception("mockdock failed to answer %s %s", scope["method"], scope["path"])
            answer = _instead(replace(_DEFECT, cause=error), self._dialect, visit)
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
        answer = Answer(_NOBODY, None, failure, uuid4().hex)
        client = Client(_nothing, clock)
        session = self._house.sessions.base
        nobody = Visit({}, {}, Caller(), session, client, clock.now(), clock.time())
        rendered = self._render(answer, nobody)
        head, timed = rendered.head, rendered.timed
        await deliver(head, timed, clock=clock, client=client, send=send, record=lambda _: None)

    def _record(
        self, visit: Visit, answer: Answer, rendered: Rendered, outcome: Outcome
    ) -> Awaitable[None] | None:
        """Show what was said to all who look on; what takes its time goes on by itself."""
        session, call, decision = visit.session, answer.call, answer.decision
        arrived, scale, telling = visit.arrived, session.clock.scale, rendered.telling
        anew = partial(again, self._dialect, telling, rendered.whole, arrived, scale)

        def left() -> Iterator[Item]:
            return (item for _, item in islice(anew(), outcome.frames))

        compiled = None if decision is None else decision.context.compiled
        whole = outcome.ending == "completed"
        settled = visit.end(answer.reply, lambda: said(self._dialect, telling, left, whole=whole))
        exchange = Exchange(
            method=call.method,
            path=call.path,
            session=call.caller.session,
            headers=call.headers,
            body=call.body,
            request=answer.request,
            reply=answer.reply,
            rule=None if compiled is None else compiled.label,
            rule_key=None if compiled is None else compiled.candidate.key,
            attempt=(call.caller.attempt or 1) if decision is None else decision.context.attempt,
            head=rendered.head,
            outcome=outcome,
            started=visit.started,
            duration=session.clock.now() - arrived,
            at=arrived - session.began,
            era=session.era,
            time_scale=scale,
            faults=() if decision is None else decision.faults,
            trouble="" if decision is None else decision.trouble,
            late=self._house.sessions.of(call.caller.session).era != session.era,
            timed=anew,
            dialect=self._dialect.name,
            gateways=call.gateways,
            came=visit.came,
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
            return _refusal(refused, visit.call(dialect))
        if not operation:
            call = visit.call(dialect)
            return _refusal(dialect.misroute(call, frozenset(self._operations)), call)
        body = await read(visit.headers, receive, self._house.max_body)
        if body is None:
            return _refusal(dialect.oversize(self._house.max_body), visit.call(dialect))
        call = visit.call(dialect, operation, body)
        parsed = dialect.parse(call)
        if isinstance(parsed, Failure):
            charged = None
            if parsed.kind in _WRONG and parsed.model:
                unread = Request(dialect.name, "chat", parsed.model, caller=call.caller)
                unread = replace(unread, deployment=parsed.deployment)
                charged = await engine.turn_away(unread, session.age)
            return replace(_refusal(parsed, call), turned_away=charged)
        return await self._reply(call, parsed, visit)

    async def _reply(self, call: Call, parsed: Request, visit: Visit) -> Answer:
        """Decide who answers, and compose what he says."""
        session, engine = visit.session, visit.session.engine
        try:
            parsed, wishes = wished(parsed, call.query, engine.scenario.triggers)
            if parsed.account is not None or parsed.api != "chat":
                parsed = await self._read(parsed, visit)
            decision = await self._decide(parsed, wishes, visit)
            while (instead := further(parsed, decision)) is not None:
                visit.end(_GIVEN_UP, lambda: 0)
                parsed = engine.read(instead, visit.started)
                decision = await self._decide(parsed, wishes, visit)
        except UsageError as error:
            message = f"mockdock: {error}"
            return _refusal(Failure("bad_request", message=message, should_retry=False), call)
        except ConditionError as error:
            return _refusal(replace(_DEFECT, message=f"mockdock: {error}", cause=error.cause), call)
        parsed = threaded(parsed, decision)
        reply = (
            await visit.apart(engine.compose, parsed, decision, visit.started)
            if _takes_long(parsed, decision)
            else engine.compose(parsed, decision, visit.started)
        )
        seen = decision.context.seen
        request_id = decision.context.entropy.digest(f"request/{seen}").hex()[:32]
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
        return Answer(call, parsed, reply, request_id, decision)

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

    async def _decide(self, request: Request, wishes: Sequence[Wish], visit: Visit) -> Decision:
        session, name = visit.session, request.caller.session
        engine, clock = session.engine, session.clock
        if (request.caller.attempt or 1) > 1:
            late = clock.redeem((name, identify(request)))
            if late is not None:
                await late
            visit.arrived, visit.started = clock.now(), clock.time()
        asked = engine.ask(request, wishes, age=session.age, now=visit.started)
        pick = engine.store.decide(asked.step)
        picked = pick if isinstance(pick, Pick) else await pick
        if request.stored is not None and engine.shelf.waits:
            decision = await visit.apart(engine.decided, asked, picked)
        else:
            decision = engine.decided(asked, picked)
        visit.admitted = request, decision
        if decision.asks:
            visit.client.watch()
        used = decision.rule_key
        if used is not None and self._house.sessions.of(name).era == session.era:
            self._house.journal.use(name, used)
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
_NOBODY = Call("", "", "", {}, {}, b"", "")
STOPPED = Failure("overloaded", headers={"connection": "close"})
"""What is told to whom a server that stops cannot serve any more."""
_DEFECT = Failure("server_error", message="mockdock failed, see its log", should_retry=False)


async def _nothing() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}


def _away(error: StoreError) -> Failure:
    """Say that what several processes share cannot be asked just now."""
    told = str(error)
    named = {"x-mockdock-error": header_of(told)}
    return Failure("overloaded", message=f"mockdock: {told}", headers=named)


def _refusal(failure: Failure, call: Call) -> Answer:
    return Answer(call, None, failure, uuid4().hex)


def _instead(failure: Failure, dialect: Dialect, visit: Visit) -> Answer:
    """Fail; what was decided before is kept."""
    if visit.admitted is None:
        return _refusal(failure, visit.call(dialect))
    request, decision = visit.admitted
    refusal = _refusal(failure, visit.call(dialect, body=request.raw))
    return replace(refusal, request=request, decision=decision)
