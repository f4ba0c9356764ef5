"""Rate limits: what a request is charged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

from mockdock.content.catalogue import Model
from mockdock.engine.meters import Algorithm, Charge
from mockdock.limit import Measure, RetryHeader
from mockdock.request import DialectName, Request
from mockdock.scenario import LimitSpec

__all__ = ["Meter", "Tariff", "charge", "compile_limits", "estimate"]

_MINUTE, _DAY = 60.0, 86_400.0
_CLOSE = 1e-6
_LONGEST = 200
_MOST_KNOWN = 4096
_MOST_LETTERS = 3 * _LONGEST
_REQUESTS: frozenset[Measure] = frozenset({"rpm", "rpd"})
_COUNTED: Mapping[Measure, Literal["requests", "tokens", "running"]] = {
    "rpm": "requests",
    "rpd": "requests",
    "tpm": "tokens",
    "tpd": "tokens",
    "concurrent": "running",
}


@dataclass(frozen=True, slots=True)
class Meter:
    """One number of a limit, made ready.

    ``place`` is where its scenario has it, ``counts`` what it counts. ``whole`` is
    the limit as it is told.
    """

    place: str
    measure: Measure
    algorithm: Algorithm
    limit: float
    window: float
    per: tuple[str, ...]
    header: RetryHeader
    toll: float
    extend: float
    counts: Literal["requests", "tokens", "running", "spent"] = field(init=False)
    whole: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", _COUNTED.get(self.measure, "spent"))
        object.__setattr__(self, "whole", int(self.limit))


def compile_limits(
    specs: Sequence[LimitSpec], dialect: DialectName | None = None
) -> tuple[Meter, ...]:
    """Make limits ready, in the order of the scenario; those of a dialect count it apart."""
    prefix, apart = (f"{dialect}.", ("dialect",)) if dialect else ("", ())
    return tuple(
        meter
        for index, spec in enumerate(specs)
        for meter in _meters(f"{prefix}limits[{index}]", spec, (*apart, *spec.per))
    )


def _meters(place: str, spec: LimitSpec, per: tuple[str, ...]) -> list[Meter]:
    window = _MINUTE if spec.window is None else spec.window
    share = window / _MINUTE
    found: list[tuple[Measure, float | None, Algorithm, float]] = [
        ("rpm", _share(spec.rpm, share), spec.algorithm, window),
        ("tpm", _share(spec.tpm, share), spec.algorithm, window),
        ("rpd", spec.rpd, spec.algorithm, _DAY),
        ("tpd", spec.tpd, spec.algorithm, _DAY),
        ("concurrent", spec.concurrent, "gauge", _MINUTE),
        ("token_budget", spec.token_budget, "budget", _MINUTE),
        ("cost_budget", spec.cost_budget, "budget", _MINUTE),
    ]
    return [
        Meter(
            place,
            measure,
            algorithm,
            limit,
            length,
            per,
            spec.header,
            1.0 if measure in _REQUESTS and spec.refused == "counted" else 0.0,
            spec.extend or 0.0,
        )
        for measure, limit, algorithm, length in found
        if limit is not None
    ]


def _share(limit: int | None, share: float) -> float | None:
    return None if limit is None else math.floor(limit * share + _CLOSE)


def estimate(request: Request, prompt: int) -> int:
    """Give the tokens a request is charged before it is answered: prompt and ``max_tokens``."""
    return prompt + request.n * (request.max_tokens or 0)


class Tariff:
    """What requests of one dialect are charged by its ``meters``.

    ``workspaces`` are those of the keys; a key without one is in the nameless one. Of the
    meters, by place, those that are ``told`` are of requests or tokens, and those that are
    ``settled`` are charged what is not known before the end.
    """

    def __init__(self, meters: Sequence[Meter], workspaces: Mapping[str, str]) -> None:
        self.meters = tuple(meters)
        places = tuple(enumerate(self.meters))
        self.told = tuple(each for each in places if each[1].counts in ("requests", "tokens"))
        self.settled = tuple(each for each in places if each[1].counts != "requests")
        self._workspaces = workspaces
        self._known: dict[tuple[object, ...], tuple[Charge, ...]] = {}

    def charges(
        self, request: Request, model: Model, tokens: int, *, alone: bool
    ) -> tuple[Charge, ...]:
        """Give what a request costs by each meter.

        Where a deployment stands for the model, that is what counts.
        """
        of = (request.caller.key, request.deployment, model.id, tokens, alone)
        known = self._known.get(of)
        if known is None:
            known = tuple(self._charges(request, model, tokens, alone=alone))
            if len(of[0]) + len(of[1]) + len(of[2]) <= _MOST_LETTERS:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[of] = known
        return known

    def _charges(
        self, request: Request, model: Model, tokens: int, *, alone: bool
    ) -> Iterator[Charge]:
        key = request.caller.key
        values = {
            "dialect": request.dialect,
            "workspace": self._workspaces.get(key, ""),
            "key": key,
            "model": request.deployment or model.id,
        }
        called = {"model": "deployment"} if request.deployment else {}
        costs = {"requests": 1, "tokens": tokens, "running": 1, "spent": 0}
        for each in self.meters:
            of = [
                (called.get(name, name), _short(values[name]))
                for name in each.per
                if name in values
            ]
            yield charge(each, of, costs[each.counts], alone=alone)


def _short(value: str) -> str:
    """Give a value that is kept; a client may send one of any length."""
    if len(value) <= _LONGEST:
        return value
    return f"{value[:_LONGEST]} {blake2b(value.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def charge(meter: Meter, of: Sequence[tuple[str, str]], cost: float, *, alone: bool) -> Charge:
    """Give what something costs by a meter; ``of`` are the names and values it counts apart.

    The key tells all that the state of the meter depends on, but the limit.
    """
    return Charge(
        key=repr((meter.place, meter.measure, meter.algorithm, meter.window, meter.per, tuple(of))),
        algorithm=meter.algorithm,
        limit=meter.limit,
        cost=cost,
        window=meter.window,
        toll=meter.toll,
        extend=meter.extend,
        shared="server" in meter.per and not alone,
    )
