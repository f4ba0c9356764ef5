"""How the limits of a session stand."""

from __future__ import annotations

import math
from ast import literal_eval
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mockdock.engine.limits import Meter, charge, compile_limits
from mockdock.engine.store import Store
from mockdock.scenario import LimitSpec

__all__ = ["Gauge", "gauges"]

_CLOSE = 1e-6

_Of = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Gauge:
    """A meter at some moment, and ``of`` whom or what it counts: names and values.

    ``used`` and ``remaining`` are in what it counts: requests, tokens, replies or US
    dollars. ``wait`` are the seconds until one more fits, ``reset`` those until
    nothing is used; both are infinite where that never comes.
    """

    meter: Meter
    of: _Of
    used: float
    remaining: float
    reset: float
    wait: float


def gauges(
    limits: Sequence[LimitSpec], store: Store, session: str, age: float, *, alone: bool
) -> tuple[Gauge, ...]:
    """Read the meters of a session of this ``age``, by its limits' order; nothing is charged.

    A meter that counts apart is told once for each it was charged for; one that
    was never charged is told once, of nobody.
    """
    charged = {key: literal_eval(key)[-1] for key in store.charged(session)}
    return tuple(
        _gauge(meter, of, store, session, age, alone=alone)
        for meter in compile_limits(limits)
        for of in _each(meter, charged, alone=alone)
    )


def _each(meter: Meter, charged: Mapping[str, _Of], *, alone: bool) -> list[_Of]:
    found = [of for key, of in charged.items() if key == charge(meter, of, 0, alone=alone).key]
    return found or [()]


def _gauge(meter: Meter, of: _Of, store: Store, session: str, age: float, *, alone: bool) -> Gauge:
    one = charge(meter, of, 0 if meter.counts == "spent" else 1, alone=alone)
    (reading,) = store.read(session, (one,), age)
    left = max(0.0, meter.limit - reading.used)
    remaining = left if meter.measure == "cost_budget" else float(math.floor(left + _CLOSE))
    return Gauge(meter, of, reading.used, remaining, reading.reset, reading.wait)
