"""From an answer to what leaves: its head, its frames in time, and what breaks of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import chain, repeat
from random import Random
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from msgspec import Struct

from mockdock.delivery import Clock, Item, Plan, apply, schedule
from mockdock.dialects import Dialect, Envelope
from mockdock.engine import Admission, Compiled, Decision, Entropy, Walk
from mockdock.fault import SPOILS, Fault
from mockdock.frames import Cut, Frame, Head, Pacing
from mockdock.gateways import Gateways
from mockdock.reply import Completion, Failure, Made, Reply
from mockdock.request import Request

__all__ = ["Answer", "Rendered", "Telling", "again", "header_of", "render", "render_known", "said"]

_LONGEST_HEADER = 1000


class Answer(Struct, frozen=True):
    """A reply, with what is known of its request.

    ``turned_away`` is what was charged to one that nobody decided on. Of one that failed on a
    trail there is a ``walk`` and no decision; its request is without words.
    """

    path: str
    gateways: Gateways
    request: Request | None
    reply: Reply
    request_id: str
    decision: Decision | None = None
    turned_away: Admission | None = None
    walk: Walk | None = None

    @property
    def admission(self) -> Admission | None:
        """What limits made of it, None where there are none."""
        if self.walk is not None:
            return self.walk.admission
        return self.turned_away if self.decision is None else self.decision.admission

    @property
    def compiled(self) -> Compiled | None:
        """The rule that answers, None where none does."""
        if self.walk is not None:
            return self.walk.lane.compiled
        return None if self.decision is None else self.decision.context.compiled

    @property
    def attempt(self) -> int:
        """Which attempt it is, as the store counts; 0 where nobody did."""
        if self.walk is not None:
            return self.walk.pick.attempt
        return 0 if self.decision is None else self.decision.context.attempt

    def telling(self) -> Telling:
        """Give what it takes to tell the reply."""
        decision, reply = self.decision, self.reply
        way = None
        if decision is not None:
            faults = decision.faults
            if faults:
                faults = tuple(each for each in faults if each.name not in SPOILS)
            if faults or (isinstance(reply, Made) and reply.pacing is not None):
                context = decision.context
                way = Way(context.prompt.tokens, faults, context.entropy, context.seen)
        return Telling(self.request, reply, self.gateways, self.path, way)


class Way(NamedTuple):
    """What a reply meets on its way: a pace, faults, or both, and their chance.

    ``prompt`` are the prompt tokens of its request, ``faults`` what breaks on the wire;
    ``seen`` tells how often the request was.
    """

    prompt: int
    faults: tuple[Fault, ...]
    entropy: Entropy
    seen: int

    def rng(self, purpose: str) -> Random:
        """Give a generator for a purpose."""
        return self.entropy.rng(f"{purpose}/{self.seen}")


class Telling(Struct):
    """All it takes to tell a reply, and to tell it again as long as it is remembered.

    ``way`` is what it meets, None where it leaves at once and as it is.
    """

    request: Request | None
    reply: Reply
    gateways: Gateways
    path: str
    way: Way | None = None

    @property
    def streamed(self) -> bool:
        """Whether it leaves in events."""
        request = self.request
        return isinstance(self.reply, Completion) and request is not None and request.stream


class Rendered(Struct, frozen=True):
    """What leaves of a ``telling``: a head, and what follows it in time.

    ``whole`` is the head before it broke; ``sole`` the only frame, where all leaves at once:
    then nothing follows in time.
    """

    telling: Telling
    head: Head
    whole: Head
    timed: Iterator[tuple[float, Item]]
    sole: Frame | None = None


_NOTHING: Iterator[tuple[float, Item]] = iter(())


def render(
    dialect: Dialect,
    answer: Answer,
    arrived: float,
    clock: Clock,
    *,
    slowness: Callable[[int | None], float] | None = None,
    queued: float = 0.0,
) -> Rendered:
    """Make the head and the first frame; the frames after it are made as they leave.

    ``arrived`` is when the request did, in scenario seconds, and ``queued`` how
    long it had to wait for its turn. ``slowness`` tells by how much the load
    slows down a pacing of some capacity.
    """
    telling = answer.telling()
    way, streamed, scale = telling.way, telling.streamed, clock.scale
    frames = _frames(dialect, telling, scale, at_once=way is None)
    begun = arrived + queued
    if way is None and not streamed:
        sole = next(frames)
        processing = max(begun, clock.now()) - arrived
        head = _head(dialect, answer, processing, len(sole.data), scale, streamed=False)
        return Rendered(telling, head, head, _NOTHING, sole)
    timed: Iterator[tuple[float, Frame]] = (
        zip(repeat(begun), frames)
        if way is None
        else schedule(frames, *_pace(telling), begun, prompt=way.prompt, slowness=slowness)
    )
    first = next(timed)
    processing = max(first[0], clock.now()) - arrived
    head = _head(dialect, answer, processing, len(first[1].data), scale, streamed=streamed)
    whole = chain((first,), timed)
    if way is None or not way.faults:
        return Rendered(telling, head, head, whole)
    plan = _broken(dialect, telling, way, head, whole, arrived)
    return Rendered(telling, plan.head, head, plan.timed)


def render_known(
    dialect: Dialect,
    walk: Walk,
    reply: Completion,
    gateways: Gateways,
    arrived: float,
    clock: Clock,
) -> tuple[Head, Frame]:
    """Make the head and the only frame of what answers who went a trail."""
    brief = dialect.brief
    assert brief is not None, "there are no trails without one"
    admission, lane = walk.admission, walk.lane
    if lane.told is None:
        lane.told = brief.told(lane.reply)
    sole = lane.told(reply)
    envelope = Envelope(
        walk.entropy.request_id(walk.pick.seen),
        round((clock.now() - arrived) * 1000),
        len(sole.data),
        _extra(lane.compiled.label, "", ()),
        clock.scale,
        None if admission is None else admission.standings(reply, streamed=False),
        0.0,
        gateways,
    )
    return brief.plain(envelope), sole


def again(
    dialect: Dialect, telling: Telling, whole: Head, arrived: float, scale: float
) -> Iterator[tuple[float, Item]]:
    """Make anew what leaves of a reply; ``whole`` is its head before anything broke.

    Each with its moment in seconds after the request ``arrived``, as it is without load.
    ``scale`` is that of its clock.
    """
    frames = _frames(dialect, telling, scale)
    way = telling.way
    timed: Iterator[tuple[float, Item]] = schedule(
        frames, *_pace(telling), arrived, prompt=0 if way is None else way.prompt
    )
    if way is not None and way.faults:
        timed = _broken(dialect, telling, way, whole, iter(timed), arrived).timed
    for due, item in timed:
        yield due - arrived, item


def said(
    dialect: Dialect, telling: Telling, items: Callable[[], Iterator[Item]], *, whole: bool
) -> int:
    """Count the completion tokens that have left with ``items``, or with a ``whole`` reply.

    A reply of which nothing is missing has all of them, those that are hidden too.
    """
    reply = telling.reply
    if not isinstance(reply, Completion):
        return 0
    every = reply.usage.completion_tokens
    if whole and (telling.way is None or not telling.way.faults):
        return every
    left = sum(item.tokens for item in items() if not isinstance(item, Cut))
    shown = sum(frame.tokens for frame in dialect.frames(telling.request, reply, telling.gateways))
    return every if left >= shown else left


def _frames(
    dialect: Dialect, telling: Telling, scale: float, *, at_once: bool = False
) -> Iterator[Frame]:
    """Word a reply: its times are the client's, but at scale 0 those of the scenario."""
    reply = telling.reply
    if scale and isinstance(reply, Failure) and reply.retry_after is not None:
        reply = replace(reply, retry_after=reply.retry_after * scale)
    frames = (at_once and dialect.together) or dialect.frames
    return frames(telling.request, reply, telling.gateways)


def _broken(
    dialect: Dialect,
    telling: Telling,
    way: Way,
    head: Head,
    timed: Iterator[tuple[float, Item]],
    arrived: float,
) -> Plan:
    """Let the faults break a reply."""
    error = dialect.frames(telling.request, Failure("server_error"), telling.gateways)
    plan = Plan(
        head=head,
        timed=timed,
        start=arrived,
        stream=telling.streamed,
        rng=way.rng("faults"),
        error=b"".join(frame.data for frame in error),
        path=telling.path,
    )
    return apply(plan, way.faults)


def _head(
    dialect: Dialect,
    answer: Answer,
    processing: float,
    length: int,
    scale: float,
    *,
    streamed: bool,
) -> Head:
    decision, reply, admission = answer.decision, answer.reply, answer.admission
    compiled = answer.compiled
    rule = None if compiled is None else compiled.label
    trouble = "" if decision is None else decision.trouble
    envelope = Envelope(
        answer.request_id,
        round(processing * 1000),
        length,
        _extra(rule, trouble, reply.warnings if isinstance(reply, Completion) else ()),
        scale,
        None if admission is None else admission.standings(reply, streamed=streamed),
        time.time() if isinstance(reply, Failure) else 0.0,
        answer.gateways,
    )
    return dialect.head(answer.request, reply, envelope)


@lru_cache(256)
def _extra(rule: str | None, trouble: str, warnings: tuple[str, ...]) -> Mapping[str, str]:
    """Give our own headers: who answered, and against what of a request."""
    extra = {}
    if rule is not None:
        extra["x-mockdock-rule"] = header_of(rule)
    if trouble:
        extra["x-mockdock-trouble"] = header_of(trouble)
    if warnings:
        extra["x-mockdock-warning"] = header_of("; ".join(warnings))
    return MappingProxyType(extra)


@lru_cache
def header_of(name: str) -> str:
    """Write any name so that it fits into a header; those of rules are few, and come again."""
    return quote(name.strip()[:_LONGEST_HEADER], safe=" /:,;()[]'!@#&*+=")


def _pace(telling: Telling) -> tuple[Pacing | None, Random | None]:
    """Give pacing and the generator it draws from; only what a model makes has a pace."""
    reply, way = telling.reply, telling.way
    if way is None or not isinstance(reply, Made) or reply.pacing is None:
        return None, None
    return reply.pacing, way.rng("pacing")
