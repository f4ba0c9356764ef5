"""What a policy wants after an attempt: another one, none, or either."""

from __future__ import annotations

from typing import Literal

from mockdock.observe.audit.attempt import Attempt
from mockdock.observe.audit.call import Gap
from mockdock.observe.audit.demand import Demand
from mockdock.policy import Policy

__all__ = ["Advice", "advice", "binding", "told"]

Advice = Literal["retry", "never", "either"]


def advice(attempt: Attempt, policy: Policy) -> Advice:
    """Tell what the policy wants after an attempt."""
    if attempt.kind == "broken":
        # The head alone gives a stream to its client, and a plain reply to nobody.
        seen_nothing = attempt.headless or not attempt.stream
        return "retry" if policy.retry_wire and seen_nothing else "either"
    if attempt.kind != "refused":
        return "either"
    if policy.obey_should_retry and attempt.should_retry is not None:
        return "retry" if attempt.should_retry else "never"
    free = not attempt.codes.isdisjoint(policy.free_codes)
    lists: tuple[tuple[bool, Advice], ...] = (
        (not attempt.codes.isdisjoint(policy.never_codes), "never"),
        (not attempt.codes.isdisjoint(policy.retry_codes), "retry"),
        (attempt.status in policy.retry_statuses and not free, "retry"),
        (attempt.status in policy.never_statuses, "never"),
    )
    return next((each for listed, each in lists if listed), "either")


def binding(gap: Gap, policy: Policy) -> Demand | None:
    """Give the wait a reply demanded, unless the policy lets its client ignore that.

    Where it says nothing about such waits, either is right.
    """
    rule, demanded = policy.retry_after, gap.demanded
    if demanded is None or (rule is not None and demanded.seconds > rule.cap):
        return None
    return demanded


def told(attempt: Attempt) -> str:
    """Name what an attempt ended with: a status and its code, or what broke."""
    if attempt.kind == "refused":
        return " ".join([str(attempt.status), *sorted(attempt.codes)[:1]])
    faults = f" ({', '.join(attempt.faults)})" if attempt.faults else ""
    return f"{_WORDS[attempt.kind]}{faults}"


_WORDS = {
    "succeeded": "a success",
    "broken": "a broken connection",
    "cut": "a stream that was cut",
    "left": "a reply it did not wait for",
    "spoiled": "a reply that was not usable",
    "stopped": "a stop of the server",
}
