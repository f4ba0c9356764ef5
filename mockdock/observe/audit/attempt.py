"""One attempt of a client, as a record of the journal tells it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import orjson
from msgspec import Struct

from mockdock.observe.audit.conversation import Conversation
from mockdock.observe.audit.demand import Demand, demand
from mockdock.observe.audit.usable import usable
from mockdock.observe.damaged import damaged, names, scale, seconds, whole
from mockdock.observe.redact import HIDDEN
from mockdock.policy import Clock

__all__ = ["Attempt", "Kind", "Life", "attempt"]

Kind = Literal["succeeded", "refused", "broken", "cut", "left", "spoiled", "stopped"]
"""How an attempt ended.

refused: with an error status. broken: the wire broke, and its client got no
reply. cut: the wire broke in the middle of a stream. left: its client closed
the connection. spoiled: sent in full, but a fault has made it unusable, or a
redirect. stopped: the server was stopped meanwhile.
"""

Life = tuple[str, int]
"""A session, and since when: its key and its era."""

_BEFORE_HEAD = frozenset(
    {"accept_and_close", "connection_refused", "connection_reset", "empty_response"}
)
_IDEMPOTENCY = ("idempotency-key", "x-idempotency-key", "x-stainless-idempotency-key")
_TRACES = ("x-b3-traceid", "x-trace-id", "x-amzn-trace-id", "x-request-id", "x-correlation-id")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")
_MOST_RETRIES = 1000
_LETTERS = 200
_ERRORS = 400
_UNUSUAL = 300
_LARGEST_ERROR = 100_000


class Attempt(Struct, frozen=True):
    """A request that reached the server, and how that ended.

    ``start`` (it arrived) and ``end`` (its last byte left) are seconds of the
    policy's clock since ``origin``, and so is what it ``demand``s; ``unit`` is how many
    of them are one real second. ``origin`` is in seconds since 1970 when its session
    began; where the record does not say that it is not ``clocked``, and ``origin`` is when it
    arrived itself. ``era`` is another one whenever a session begins anew. ``instant``: nobody
    waits, at time scale 0. ``retry_count`` is what the client says, None when it does
    not. ``promised``: at time scale 0, the scenario seconds its client was told to wait, by
    which its session's clock goes on when the client comes back. ``codes`` are the code and
    the type of an error. ``headless``: the client saw no byte of the reply, not even its head.
    """

    number: int
    session: str
    era: int
    origin: float
    clocked: bool
    instant: bool
    start: float
    end: float
    unit: float
    kind: Kind
    status: int
    stream: bool
    headless: bool
    model: str
    codes: frozenset[str]
    demand: Demand | None
    promised: float | None
    should_retry: bool | None
    retry_count: int | None
    idempotency: str | None
    trace: str | None
    client: str
    operation: str
    conversation: Conversation
    usage: Mapping[str, int] | None
    faults: tuple[str, ...]

    @property
    def life(self) -> Life:
        """The session, since it began or was reset last."""
        return self.session, self.era

    @property
    def tokens(self) -> int:
        """Tokens of the prompt and of the answer, 0 where there was none."""
        return 0 if self.usage is None else self.usage.get("total_tokens", 0)


def attempt(
    record: Mapping[str, Any],
    clock: Clock,
    read: Callable[[object], Conversation],
) -> Attempt:
    """Read a record. Raises UsageError when it is none.

    ``read`` reads what was asked off the body.
    """
    try:
        return _attempt(record, clock, read)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise damaged(record, error) from error


def _attempt(
    record: Mapping[str, Any],
    clock: Clock,
    read: Callable[[object], Conversation],
) -> Attempt:
    # At time scale 0 nothing waits, and the seconds of all clocks are one.
    given = scale(record)
    real = given or 1.0
    unit = 1.0 if clock == "real" else 1 / real
    length = seconds(record["duration"]) * real
    started, at = seconds(record["started"]), record.get("at")
    start = 0.0 if at is None else seconds(at) * real
    headers, reply = record["request"]["headers"], record["reply"]
    status, stream = whole(record["status"], "status"), bool(record.get("stream"))
    outcome, faults = record["outcome"], names(record.get("faults") or (), "faults")
    told = demand(reply["headers"], started + length, unit)
    return Attempt(
        number=whole(record["number"], "number of a record"),
        session=str(record["session"]),
        era=whole(record.get("era") or 0, "era"),
        origin=started - start,
        clocked=at is not None,
        instant=given == 0,
        start=start * unit,
        end=(start + length) * unit,
        unit=unit,
        kind=_kind(record, status, outcome, stream=stream),
        status=status,
        stream=stream,
        headless=_headless(outcome, faults),
        model=str(record.get("model") or "")[:_LETTERS],
        codes=_codes(reply) if status >= _ERRORS else frozenset(),
        demand=told if status >= _ERRORS else None,
        promised=_promised(reply) if given == 0 else None,
        should_retry={"true": True, "false": False}.get(reply["headers"].get("x-should-retry")),
        retry_count=_count(headers.get("x-stainless-retry-count")),
        idempotency=_first(headers, _IDEMPOTENCY),
        trace=_trace(headers),
        client=f"{headers.get('user-agent', '')} {headers.get('x-stainless-lang', '')}",
        operation=_operation(str(record["method"]), str(record["path"])),
        conversation=read(record["request"]["body"]),
        usage=_usage(record.get("usage")),
        faults=faults,
    )


def _usage(told: Any) -> Mapping[str, int] | None:
    """Read the token counts of an answer; what is not told is left out, and what it cost."""
    if told is None:
        return None
    return {
        str(name): whole(count, "number of tokens")
        for name, count in told.items()
        if count is not None and name != "cost"
    }


def _headless(outcome: Mapping[str, Any], faults: tuple[str, ...]) -> bool:
    told = outcome.get("headless")
    if told is None:
        return not outcome["bytes"] and not _BEFORE_HEAD.isdisjoint(faults)
    return bool(told)


def _kind(
    record: Mapping[str, Any], status: int, outcome: Mapping[str, Any], *, stream: bool
) -> Kind:
    ending = outcome["ending"]
    if ending == "client_left":
        return "left"
    if ending == "stopped":
        return "stopped"
    if ending == "cut":
        return "cut" if stream and outcome["bytes"] and status < _ERRORS else "broken"
    if status >= _ERRORS:
        return "refused"
    return "succeeded" if status < _UNUSUAL and usable(record) else "spoiled"


def _promised(reply: Mapping[str, Any]) -> float | None:
    told = reply.get("retry_after")
    return None if told is None else seconds(told)


def _codes(reply: Mapping[str, Any]) -> frozenset[str]:
    """Read code and type of an error off what was sent; none where that is no JSON."""
    text = "".join(each for each in reply["chunks"] if isinstance(each, str))
    try:
        told = orjson.loads(text[:_LARGEST_ERROR])["error"]
        return frozenset(told[key] for key in ("code", "type") if isinstance(told[key], str))
    except (ValueError, KeyError, TypeError):
        return frozenset()


def _count(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return min(int(value[:9]), _MOST_RETRIES)
    return None


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    found = (headers.get(name) for name in names)
    return next((f"{each:.{_LETTERS}}" for each in found if each and each != HIDDEN), None)


def _trace(headers: Mapping[str, str]) -> str | None:
    if parent := _TRACEPARENT.fullmatch(headers.get("traceparent", "")):
        return parent[1]
    return _first(headers, _TRACES)


def _operation(method: str, path: str) -> str:
    """Name what is done without the model in it: Azure writes deployments into the path."""
    bare = path.partition("?")[0].rstrip("/")
    return f"{method} {re.sub('/deployments/[^/]+', '', bare)}"[:_LETTERS]
