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

from mockdock.arrival import GoneError, headers_of, read
from mockdock.delivery import Client, Item, ScaledClock, deliver, wire_of
from mockdock.dialects import Call, Dialect
from mockdock.engine import Decision, Pick, Wish, further, identify, resolves_long, threaded, wished
from mockdock.errors import ConditionError, LedgerError, UsageError
from mockdock.frames import Outcome
from mockdock.limit import told
from mockdock.observe import Exchange, Journal, Metrics, Observer
from mockdock.rendering import Answer, Rendered, again, render, said
from mockdock.reply import Failure, Made, Reply
from mockdock.request import Caller, Request
from mockdock.sessions import Sessions
from mockdock.visit import Visit

__all__ = ["STOPPED", "Endpoint", "House"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger("mockdock")


class House(Protocol):
    """What all endpoints share: sessions, who looks on, the largest body in bytes."""

    sessions: Sessions
    journal: Journal
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
        headers = headers_of(scope)
        caller = self._dialect.caller(headers)
        session = self._house.sessions.of(caller.session)
        clock = session.clock
        client = Client(receive, clock)
        visit = Visit(scope, headers, caller, session, client, clock.now(), clock.time())

        def record(outcome: Outcome) -> None:
            self._record(visit, answer, rendered, outcome)

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
                wire=wire_of(scope) if rendered.telling.faults else None,
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

    def _record(self, visit: Visit, answer: Answer, rendered: Rendered, outcome: Outcome) -> None:
        session, call, decision = visit.session, answer.call, answer.decision
        arrived, scale, telling = visit.arrived, session.clock.scale, rendered.telling
        anew = partial(again, self._dialect, telling, rendered.whole, arrived, scale)

        def left() -> Iterator[Item]:
            return (item for _, item in islice(anew(), outcome.frames))

        whole = outcome.ending == "completed"
        visit.end(answer.reply, lambda: said(self._dialect, telling, left, whole=whole))
        exchange = Exchange(
            method=call.method,
            path=call.path,
            session=call.caller.session,
            headers=call.headers,
            body=call.body,
            request=answer.request,
            reply=answer.reply,
            rule=None if decision is None else decision.rule,
            rule_key=None if decision is None else decision.rule_key,
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
        for observer in self._house.observers:
            _show(exchange, observer)

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
        reply = await self._composed(parsed, decision, visit)
        seen = decision.context.seen
        request_id = decision.context.entropy.digest(f"request/{seen}").hex()[:32]
        engine.keep(parsed, reply, request_id)
        if isinstance(reply, Failure) and reply.retry_after is not None:
            wait = told(reply.retry_after, reply.retry_header)
            session.clock.promise((call.caller.session, decision.identity), wait)
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
        """Find out who answers, once all is written that its account begins with.

        The writing is no part of what the reply takes.
        """
        session, name = visit.session, request.caller.session
        engine, clock = session.engine, session.clock
        if request.account is not None and engine.seedbed.is_due(name):
            await visit.apart(engine.seedbed.sow, name, visit.started)
            visit.arrived, visit.started = clock.now(), clock.time()
        if resolves_long(request):
            return await visit.apart(engine.read, request, visit.started)
        return engine.read(request, visit.started)

    async def _composed(self, request: Request, decision: Decision, visit: Visit) -> Reply:
        """Compose a reply."""
        compose, started = visit.session.engine.compose, visit.started
        asks = request.account is not None and request.account.question is not None
        long = request.embedding is not None and decision.context.prompt.tokens >= _MANY
        if asks or long:
            return await visit.apart(compose, request, decision, started)
        return compose(request, decision, started)

    async def _decide(self, request: Request, wishes: Sequence[Wish], visit: Visit) -> Decision:
        session, name = visit.session, request.caller.session
        engine, clock = session.engine, session.clock
        if (request.caller.attempt or 1) > 1:
            clock.redeem((name, identify(request)))
            visit.arrived, visit.started = clock.now(), clock.time()
        asked = engine.ask(request, wishes, age=session.age, now=visit.started)
        pick = engine.store.decide(asked.step)
        decision = engine.decided(asked, pick if isinstance(pick, Pick) else await pick)
        visit.admitted = request, decision
        if decision.asks:
            visit.client.watch()
        lives = self._house.sessions.of(name).era == session.era
        if decision.rule_key is not None and lives:
            self._house.journal.use(name, decision.rule_key)
        return decision if decision.settled else await engine.consult(request, decision)


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


def _show(exchange: Exchange, observer: Observer) -> None:
    try:
        observer(exchange)
    except Exception:  # noqa: BLE001 - who looks on must not break what is looked at
        _log.exception("an observer failed")


def _refusal(failure: Failure, call: Call) -> Answer:
    return Answer(call, None, failure, uuid4().hex)


def _instead(failure: Failure, dialect: Dialect, visit: Visit) -> Answer:
    """Fail; what was decided before is kept."""
    if visit.admitted is None:
        return _refusal(failure, visit.call(dialect))
    request, decision = visit.admitted
    refusal = _refusal(failure, visit.call(dialect, body=request.raw))
    return replace(refusal, request=request, decision=decision)
