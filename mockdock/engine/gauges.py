"""How the limits of a session stand."""

from __future__ import annotations

import math
from ast import literal_eval
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from mockdock.engine.limits import Meter, charge, compile_limits
from mockdock.engine.store import Store
from mockdock.request import DialectName
from mockdock.scenario import LimitSpec

__all__ = ["Gauge", "gauges"]

_CLOSE = 1e-6

_Of = tuple[tuple[str, str], ...]
_Counted = tuple[Any, ...]


class Gauge(Struct, frozen=True):
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
    limits: Sequence[LimitSpec],
    store: Store,
    session: str,
    age: float,
    *,
    alone: bool,
    own: Mapping[DialectName, Sequence[LimitSpec]] | None = None,
) -> tuple[Gauge, ...]:
    """Read the meters of a session of this ``age``, by its limits' order; nothing is charged.

    A meter that counts apart is told once for each it was charged for; one that
    was never charged is told once, of nobody. Those that dialects have of their
    ``own`` are only told where they were charged.
    """
    charged = _charged(store.charged(session))
    found = [
        (meter, of)
        for meter in compile_limits(limits)
        for of in _each(meter, charged, alone=alone) or [()]
    ]
    found += [
        (meter, of)
        for dialect, specs in (own or {}).items()
        for meter in compile_limits(specs, dialect)
        for of in _each(meter, charged, alone=alone)
    ]
    return tuple(_gauge(meter, of, store, session, age, alone=alone) for meter, of in found)


def _charged(keys: Sequence[str]) -> dict[_Counted, list[_Of]]:
    """Sort keys by what they count, whoever they count it of."""
    found: dict[_Counted, list[_Of]] = {}
    for key in keys:
        *what, of = literal_eval(key)
        found.setdefault(tuple(what), []).append(of)
    return found


def _each(meter: Meter, charged: Mapping[_Counted, list[_Of]], *, alone: bool) -> list[_Of]:
    (what,) = _charged([charge(meter, (), 0, alone=alone).key])
    return charged.get(what, [])


def _gauge(meter: Meter, of: _Of, store: Store, session: str, age: float, *, alone: bool) -> Gauge:
    one = charge(meter, of, 0 if meter.counts == "spent" else 1, alone=alone)
    (reading,) = store.read(session, (one,), age)
    left = max(0.0, meter.limit - reading.used)
    remaining = left if meter.measure == "cost_budget" else float(math.floor(left + _CLOSE))
    return Gauge(meter, of, reading.used, remaining, reading.reset, reading.wait)
