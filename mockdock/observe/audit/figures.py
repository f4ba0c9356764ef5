"""The figures of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from msgspec import Struct
from msgspec.structs import asdict

from mockdock.observe.audit.call import Call, CallOutcome
from mockdock.observe.audit.herd import herd_index
from mockdock.observe.audit.outages import Outage, outages
from mockdock.policy import Herd, Policy, RetryAfter

__all__ = ["Figures", "Price", "figures", "premature"]

Price = Callable[[str, Mapping[str, int]], float | None]
"""Gives the cost in US dollars of the tokens a model used, None when it is not known."""


class Figures(Struct, frozen=True):
    """What a run comes to; times are seconds of the policy's clock.

    ``amplification``: attempts per call. ``recovered``: calls whose first attempt
    failed and that succeeded in the end, of those that ``failed_first``.
    ``herd_index``: see :mod:`mockdock.observe.audit.herd`; None for too few
    retries. ``premature``: retries that came before the reply allowed them,
    where anybody waits: not at time scale 0.
    ``wasted_tokens`` and ``wasted_money`` (US dollars) went into attempts that
    were of no use; the money is None where the price of one is not known, or of
    all. ``time_to_recover``: of the worst outage, from its end until the last
    call it hit had succeeded. ``dropped``: exchanges the journal could not keep.
    """

    attempts: int
    calls: int
    retries: int
    amplification: float
    outcomes: Mapping[CallOutcome, int]
    failed_first: int
    recovered: int
    herd_index: float | None
    premature: int
    wasted_tokens: int
    wasted_money: float | None
    time_to_recover: float | None
    outages: tuple[Outage, ...]
    dropped: int

    @property
    def share_recovered(self) -> float | None:
        """Recovered calls of those that failed first, 0 to 1; None when none did."""
        return self.recovered / self.failed_first if self.failed_first else None

    def to_json(self) -> dict[str, Any]:
        """Write them as plain JSON values."""
        return {
            **asdict(self),
            "outcomes": dict(self.outcomes),
            "share_recovered": self.share_recovered,
            "outages": [each.to_json() for each in self.outages],
        }


def figures(calls: Sequence[Call], policy: Policy, price: Price | None, dropped: int) -> Figures:
    """Count a run."""
    attempts = sum(len(call.attempts) for call in calls)
    failed = [call for call in calls if call.failed_first]
    told = Counter(call.outcome for call in calls)
    found = outages(calls)
    rule = policy.retry_after or RetryAfter()
    return Figures(
        attempts=attempts,
        calls=len(calls),
        retries=attempts - len(calls),
        amplification=attempts / len(calls) if calls else 0.0,
        outcomes={name: told[name] for name in get_args(CallOutcome)},
        failed_first=len(failed),
        recovered=sum(call.outcome == "succeeded" for call in failed),
        herd_index=herd_index(calls, (policy.herd or Herd()).bin),
        premature=sum(premature(call, rule) for call in calls),
        wasted_tokens=sum(call.wasted_tokens for call in calls),
        wasted_money=_money(calls, price),
        time_to_recover=max(
            (each.recovery for each in found if each.recovery is not None), default=None
        ),
        outages=found,
        dropped=dropped,
    )


def premature(call: Call, rule: RetryAfter) -> int:
    """Count the retries of a call that came before they were wanted."""
    return sum(
        gap.demanded is not None
        and not gap.instant
        and gap.taken < gap.demanded.seconds * (1 - rule.tolerance) - rule.slack * gap.before.unit
        for gap in call.gaps
    )


def _money(calls: Sequence[Call], price: Price | None) -> float | None:
    if price is None:
        return None
    total = 0.0
    for call in calls:
        for each in call.wasted:
            cost = price(each.model, each.usage or {})
            if cost is None:
                return None
            total += cost
    return total
