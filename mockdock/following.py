"""Letting a request go a trail that others before it have made."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple, cast

from mockdock.delivery import Item
from mockdock.dialects import Call, Dialect
from mockdock.engine import WISH_HEADER, Walk
from mockdock.frames import Frame, Head, Outcome
from mockdock.observe import Exchange
from mockdock.rendering import Telling, again, render_known
from mockdock.reply import Completion
from mockdock.request import Request, Traits
from mockdock.visit import Visit

__all__ = ["OPERATION", "Trodden", "exchange_of", "tread"]

OPERATION = "chat"
"""That of which trails are made."""
_JSON = "application/json"


class Trodden(NamedTuple):
    """What answers a request that went a trail to its end, and what leaves of it."""

    walk: Walk
    reply: Completion
    head: Head
    sole: Frame


def tread(visit: Visit, dialect: Dialect) -> Trodden | None:
    """Say what a rule always says, where a request goes a trail.

    None where it goes none, or no further than its step; the visit holds what that decided.
    """
    walk = _follow(visit, dialect)
    if walk is None:
        return None
    if walk.pick.refusers:
        visit.pick = walk.pick
        return None
    visit.walked = walk
    session, reply = visit.session, walk.reply(int(visit.started))
    head, sole = render_known(
        dialect, walk, reply, session.engine.gateways, visit.arrived, session.clock
    )
    return Trodden(walk, reply, head, sole)


def exchange_of(
    visit: Visit, dialect: Dialect, trodden: Trodden, outcome: Outcome, *, late: bool
) -> Exchange:
    """Tell of an exchange that went a trail, and holds nothing any more."""
    walk, reply, head, _ = trodden
    visit.walked = None  # it was charged what it costs
    scope, session, trail, compiled = visit.scope, visit.session, walk.trail, walk.lane.compiled
    assert trail.tells is not None, "who goes it has set it"
    arrived, clock = visit.arrived, session.clock
    return Exchange(  # by position, which takes half as long as by name
        scope["method"],
        scope["path"],
        visit.caller.session,
        visit.headers,
        visit.body or b"",
        trail.reads,
        reply,
        compiled.label,
        compiled.candidate.key,
        walk.pick.attempt,
        head,
        outcome,
        visit.started,
        clock.now() - arrived,
        trail.tells,
        late,
        arrived - session.began,
        clock.scale,
        session.era,
        (),
        "",
        dialect.name,
        session.engine.gateways,
        visit.came,
        True,
    )


def _follow(visit: Visit, dialect: Dialect) -> Walk | None:
    """Let a chat request go a trail up to its step; None where it has to go the usual way."""
    session, caller = visit.session, visit.caller
    brief, trails = dialect.brief, session.engine.trails
    if brief is None or not trails or visit.scope["query_string"]:
        return None
    if visit.headers.get("content-type") != _JSON or WISH_HEADER in visit.headers:
        return None
    if caller.attempt is not None and caller.attempt > 1:
        return None
    visit.sent = sent = brief.glance(visit.body or b"")
    if sent is None:
        return None
    trail = trails.of(sent.mark)
    if trail is None or (said := brief.words(sent.value)) is None:
        return None
    if trail.reads is None:
        # Who keeps it keeps no engine with it, which may have been replaced meanwhile.
        traits = session.engine.traits(trail.request.model, dialect.name)
        trail.reads = partial(_read, dialect, traits)
        trail.tells = partial(_told, dialect, trail.request)
    return trail.walk(said, caller, partial(_parsed, dialect, visit), session.age)


def _read(dialect: Dialect, traits: Traits | None, exchange: Exchange) -> Request:
    """Read the request of an exchange that went a trail."""
    headers = exchange.headers
    call = Call(
        OPERATION,
        exchange.method,
        exchange.path,
        headers,
        {},
        exchange.body,
        "",
        dialect.caller(headers),
        dialect=dialect.name,
        gateways=exchange.gateways,
        traits=lambda _: traits,
    )
    return cast("Request", dialect.parse(call))


def _told(dialect: Dialect, bare: Request, exchange: Exchange) -> Iterator[tuple[float, Item]]:
    """Tell the reply of an exchange that went a trail again."""
    telling = Telling(bare, exchange.reply, exchange.gateways, exchange.path)
    return again(dialect, telling, exchange.head, 0.0, exchange.time_scale)


def _parsed(dialect: Dialect, visit: Visit) -> Request:
    """Read a request whose parameters are known to be valid, once."""
    if visit.parsed is None:
        visit.parsed = cast("Request", dialect.parse(visit.call(dialect, OPERATION)))
    return visit.parsed
