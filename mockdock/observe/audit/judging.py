"""The verdict on each line of a policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from mockdock.observe.audit.advice import advice, binding, told
from mockdock.observe.audit.asked import asked
from mockdock.observe.audit.call import Call, Gap
from mockdock.observe.audit.herd import herd_index
from mockdock.observe.audit.line import Finding, Line, line
from mockdock.policy import LINES, LineName, Policy

__all__ = ["judged"]

_LATE = 0.25
"""Real seconds a reply may take to arrive, or a closed connection to be noticed."""
_EARLY = 0.01
"""Real seconds by which start and length of an attempt may be measured wrongly."""
_ROUNDED = 1.0
"""Seconds by which two headers differ at most when they mean the same."""
_NEAR = 0.05

_Judge = Callable[[Call, Policy], Iterator[Finding]]


def judged(calls: Sequence[Call], policy: Policy) -> tuple[Line, ...]:
    """Judge all calls by every line that the policy asks for, in the order of LINES.

    Where nobody waits, at time scale 0, no line that goes by the length of waits sees anything.
    """
    lines = []
    for name in LINES:
        if policy.asks(name):
            judge = _JUDGES.get(name)
            findings = (
                _herd(calls, policy)
                if judge is None
                else list(chain.from_iterable(judge(call, policy) for call in calls))
            )
            lines.append(line(name, asked(name, policy), findings))
    return tuple(lines)


def _pair(gap: Gap) -> str:
    return f"#{gap.before.number} -> #{gap.after.number}"


def _records(gap: Gap) -> tuple[int, int]:
    return gap.before.number, gap.after.number


def _all(call: Call) -> tuple[int, ...]:
    return tuple(each.number for each in call.attempts)


def _max_attempts(call: Call, policy: Policy) -> Iterator[Finding]:
    most, made = policy.max_attempts or 0, call.ordinals[-1]
    if made > most:
        text = f"{made} attempts, {most} are allowed"
        yield Finding(call.number, _all(call), text, made - most)
    elif call.failed_first:
        yield Finding(call.number, _all(call))


def _deadline(call: Call, policy: Policy) -> Iterator[Finding]:
    first, last = call.attempts[0], call.attempts[-1]
    if len(call.attempts) == 1 or last.instant:
        return
    most, length = policy.deadline or 0.0, last.end - first.start
    if length > most + _LATE * first.unit:
        text = f"took {length:.2f} s, {most:g} s are allowed"
        yield Finding(call.number, _all(call), text, length - most)
    else:
        yield Finding(call.number, _all(call))


def _retry(call: Call, policy: Policy) -> Iterator[Finding]:
    for each in call.attempts[:-1]:
        if advice(each, policy) == "retry":
            yield Finding(call.number, (each.number,))
    last = call.attempts[-1]
    if advice(last, policy) == "retry" and not _may_stop(call, policy):
        made = call.ordinals[-1]
        text = f"#{last.number}: gave up after {told(last)}, on attempt {made}"
        yield Finding(call.number, (last.number,), text, 1 / made)


def _may_stop(call: Call, policy: Policy) -> bool:
    """Tell whether a client may give up here: attempts or time are used up."""
    last, made = call.attempts[-1], call.ordinals[-1]
    if made >= (2 if policy.max_attempts is None else policy.max_attempts):
        return True
    demanded, rule = last.demand, policy.retry_after
    wait = 0.0 if policy.backoff is None else policy.backoff.band(made)[1]
    if demanded is not None:
        if rule is None or demanded.seconds <= rule.cap:
            wait = demanded.seconds
        elif rule.above == "give_up":
            return True
    late = last.end + wait - call.attempts[0].start
    return policy.deadline is not None and late >= policy.deadline


def _never(call: Call, policy: Policy) -> Iterator[Finding]:
    for gap in call.gaps:
        if advice(gap.before, policy) == "never":
            text = f"{_pair(gap)}: tried again after {told(gap.before)}"
            yield Finding(call.number, _records(gap), text, 1.0)
    if advice(call.attempts[-1], policy) == "never":
        yield Finding(call.number, (call.attempts[-1].number,))


def _retry_after(call: Call, policy: Policy) -> Iterator[Finding]:
    rule = policy.retry_after
    for gap in call.gaps:
        demanded, taken = gap.demanded, gap.taken
        if rule is None or demanded is None or (gap.instant and demanded.seconds <= rule.cap):
            continue
        wanted = f"{demanded.seconds:.2f} s were demanded ({demanded.header})"
        text, weight = "", 0.0
        if demanded.seconds > rule.cap:
            if rule.above == "ignore":
                continue
            text = f"{_pair(gap)}: tried again, but {wanted}, above {rule.cap:g} s"
            weight = demanded.seconds
        elif taken < demanded.seconds * (1 - rule.tolerance) - rule.slack * gap.before.unit:
            text = f"{_pair(gap)}: came after {taken:.2f} s, {wanted}"
            weight = demanded.seconds - taken
        elif (other := _other(gap)) is not None:
            text = f"{_pair(gap)}: waited {taken:.2f} s as {other} says, but {wanted}"
            weight = taken - demanded.seconds
        yield Finding(call.number, _records(gap), text, weight)


def _other(gap: Gap) -> str | None:
    """Name the header that was obeyed instead of the one that counts, where that shows."""
    demanded = gap.demanded
    for name, seconds in () if demanded is None or gap.lost else demanded.others:
        longer = seconds - demanded.seconds > _ROUNDED if demanded else False
        if longer and abs(gap.taken - seconds) <= _NEAR * seconds + _LATE * gap.before.unit:
            return name
    return None


def _backoff(call: Call, policy: Policy) -> Iterator[Finding]:
    backoff = policy.backoff
    for gap in call.gaps:
        own = gap.before.kind in ("refused", "broken") and advice(gap.before, policy) != "never"
        if backoff is None or not own or gap.lost or gap.instant:
            continue
        if binding(gap, policy) is not None:
            continue
        low, high = backoff.band(gap.retry)
        least = low * (1 - backoff.tolerance) - _EARLY * gap.before.unit
        most = high * (1 + backoff.tolerance) + backoff.slack * gap.before.unit
        text, weight = "", 0.0
        if not least <= gap.taken <= most:
            band = f"{low:.2f} s" if low == high else f"{low:.2f} to {high:.2f} s"
            how = "early" if gap.taken < least else "late"
            text = f"{_pair(gap)}: came after {gap.taken:.2f} s, too {how} for {band}"
            weight = max(least - gap.taken, gap.taken - most)
        yield Finding(call.number, _records(gap), text, weight)


def _cut_streams(call: Call, _: Policy) -> Iterator[Finding]:
    for each in call.attempts[:-1]:
        if each.kind == "cut":
            yield Finding(call.number, (each.number,))
    last = call.attempts[-1]
    if last.kind == "cut":
        text = f"#{last.number}: not asked for again, after {told(last)}"
        yield Finding(call.number, (last.number,), text, 1.0)


def _cancelled_streams(call: Call, _: Policy) -> Iterator[Finding]:
    """Look at replies that were given up: the connection was closed, or the next try began."""
    for each, after in zip(call.attempts, [*call.attempts[1:], None], strict=True):
        open_for = 0.0 if after is None else each.end - after.start
        if open_for > _LATE * each.unit:
            text = (
                f"#{each.number}: still open for {open_for:.2f} s "
                f"after #{after.number if after else 0} took its place"
            )
            yield Finding(call.number, (each.number,), text, open_for)
        elif each.kind == "left":
            yield Finding(call.number, (each.number,))


def _herd(calls: Sequence[Call], policy: Policy) -> list[Finding]:
    rule = policy.herd
    index = None if rule is None else herd_index(calls, rule.bin)
    if rule is None or index is None:
        return []
    retried = [call for call in calls if len(call.attempts) > 1]
    text = ""
    if index > rule.threshold:
        text = f"herd index {index:.2f}, {rule.threshold:g} is allowed"
    records = tuple(each.number for call in retried[:_SHOWN] for each in call.attempts[1:2])
    return [Finding(retried[0].number, records, text, index)]


_SHOWN = 5
_JUDGES: Mapping[LineName, _Judge] = {
    "max_attempts": _max_attempts,
    "deadline": _deadline,
    "retry": _retry,
    "never": _never,
    "retry_after": _retry_after,
    "backoff": _backoff,
    "cut_streams": _cut_streams,
    "cancelled_streams": _cancelled_streams,
}
