"""What a line of a policy asks, in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby

from mockdock.policy import Backoff, LineName, Policy

__all__ = ["asked"]


def asked(name: LineName, policy: Policy) -> str:
    """Say what a line asks."""
    return _WORDS[name](policy)


def _retry(policy: Policy) -> str:
    wire = ["a broken connection"] if policy.retry_wire else []
    what = [*_statuses(policy.retry_statuses), *sorted(policy.retry_codes), *wire]
    return f"tries again after {', '.join(what)}"


def _never(policy: Policy) -> str:
    what = [*_statuses(policy.never_statuses), *sorted(policy.never_codes)]
    return f"never tries again after {', '.join(what)}"


def _retry_after(policy: Policy) -> str:
    rule = policy.retry_after
    if rule is None or math.isinf(rule.cap):
        return "waits as long as retry-after demands"
    above = "gives up above that" if rule.above == "give_up" else "need not above that"
    return f"waits as long as retry-after demands, up to {rule.cap:g} s, and {above}"


def _backoff(policy: Policy) -> str:
    rule = policy.backoff or Backoff(0.0)
    cap = "" if math.isinf(rule.cap) else f", at most {rule.cap:g} s"
    low, high = rule.jitter
    jitter = "" if low == high == 1 else f", times {low:g} to {high:g}"
    return f"waits {rule.base:g} s before a retry, {rule.factor:g} times longer each{cap}{jitter}"


def _herd(policy: Policy) -> str:
    most = "" if policy.herd is None else f": a herd index of at most {policy.herd.threshold:g}"
    return f"retries do not come all at once{most}"


_WORDS: Mapping[LineName, Callable[[Policy], str]] = {
    "max_attempts": lambda policy: f"at most {policy.max_attempts} attempts",
    "deadline": lambda policy: f"all over after {policy.deadline or 0:g} s",
    "retry": _retry,
    "never": _never,
    "retry_after": _retry_after,
    "backoff": _backoff,
    "herd": _herd,
    "cut_streams": lambda _: "asks again for a stream that was cut",
    "cancelled_streams": lambda _: "closes the connection of a reply it gives up",
}


def _statuses(statuses: Iterable[int]) -> Iterator[str]:
    """Write statuses in order, runs of them as ``500-599``."""
    numbered = enumerate(sorted(statuses))
    for _, run in groupby(numbered, key=lambda pair: pair[1] - pair[0]):
        found = [status for _, status in run]
        yield f"{found[0]}-{found[-1]}" if len(found) > 1 else str(found[0])
