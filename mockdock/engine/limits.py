"""Rate limits: what a request is charged, how a refusal is told, and what it really cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Literal

from mockdock.content.catalogue import Model
from mockdock.content.pricing import cost
from mockdock.embedding import Embeddings
from mockdock.engine.meters import Algorithm, Charge, Reading, corrected, left
from mockdock.limit import Measure, RetryHeader, Standing, Standings
from mockdock.reply import Completion, Failure, Reply
from mockdock.request import DialectName, Request
from mockdock.scenario import LimitSpec

__all__ = ["Admission", "Meter", "Tariff", "charge", "compile_limits", "estimate"]

_MINUTE, _DAY = 60.0, 86_400.0
_CLOSE = 1e-6
_LONGEST = 200
_DONE = (Completion, Embeddings)
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
_REFUSED_BY = {"rate_limit": "requests", "tokens_limit": "tokens"}


@dataclass(frozen=True, slots=True)
class Meter:
    """One number of a limit, made ready.

    ``place`` is where its scenario has it, ``counts`` what it counts.
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", _COUNTED.get(self.measure, "spent"))


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

    ``workspaces`` are those of the keys; a key without one is in the nameless one.
    """

    def __init__(self, meters: Sequence[Meter], workspaces: Mapping[str, str]) -> None:
        self.meters = tuple(meters)
        self._workspaces = workspaces
        self._known: dict[tuple[object, ...], tuple[Charge, ...]] = {}

    def charges(
        self, request: Request, model: Model, tokens: int, *, alone: bool
    ) -> tuple[Charge, ...]:
        """Give what a request costs by each meter.

        Where a deployment stands for the model, that is what counts.
        """
        key, named, asked = request.caller.key, request.deployment, model.id
        if len(key) + len(named) + len(asked) > _MOST_LETTERS:
            return tuple(self._charges(request, model, tokens, alone=alone))
        of = (key, named, asked, tokens, alone)
        known = self._known.get(of)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[of] = tuple(self._charges(request, model, tokens, alone=alone))
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


@dataclass(slots=True)  # not frozen: made for every request, which takes half as long
class Admission:
    """What was charged to a request, and how the meters stood afterwards.

    ``refusers`` are the places of those that had no room: where there are any,
    nothing but tolls was charged. ``serial`` is that of the session's counters,
    ``at`` when it was charged.
    """

    meters: tuple[Meter, ...]
    charges: Sequence[Charge]
    readings: tuple[Reading, ...]
    refusers: tuple[int, ...]
    serial: int
    at: float

    @property
    def refused(self) -> bool:
        """Whether one of the meters had no room."""
        return bool(self.refusers)

    def standings(self, reply: Reply, *, streamed: bool) -> Standings:
        """Tell of requests and tokens, each by the meter that has the least left.

        They tell how it will be when all of the reply has been sent. But while
        a stream lasts, all that was charged for it is held.
        """
        requests: Standing | None = None
        tokens: Standing | None = None
        refused = bool(self.refusers)
        done = None if refused or not isinstance(reply, _DONE) else reply.usage
        real = 0 if done is None else done.prompt_tokens + done.completion_tokens
        for meter, charge, reading in self._rows():
            if meter.counts == "requests":
                requests = _tighter(requests, charge, reading)
            elif meter.counts == "tokens":
                later = reading
                if not refused:
                    surplus = charge.cost - real
                    later = corrected(charge, reading, min(0.0, surplus) if streamed else surplus)
                tokens = _tighter(tokens, charge, later)
        return Standings(requests, tokens)

    def _rows(self) -> zip[tuple[Meter, Charge, Reading]]:
        return zip(self.meters, self.charges, self.readings, strict=True)

    def failure(self, model: str) -> Failure | None:
        """Tell in which words a request is refused; None when it was let through.

        Of several meters that had no room, the one that makes it wait longest is
        told. The wait is that until all of them let it through, and those that
        have none left now.
        """
        if not self.refused:
            return None
        meter, charge, reading = self._refuser()
        if meter.counts == "spent":
            return Failure("quota", model)
        requested = math.ceil(charge.cost)
        if math.isinf(reading.wait):
            return Failure(
                "request_too_large",
                model,
                measure=meter.measure,
                limit=int(charge.limit),
                used=requested,
            )
        return Failure(
            "tokens_limit" if meter.counts == "tokens" else "rate_limit",
            model,
            measure=meter.measure,
            limit=int(charge.limit),
            used=math.ceil(reading.used - _CLOSE),
            requested=requested,
            retry_after=max(each.wait for each in self.readings),
            retry_header=meter.header,
        )

    def numbered(self, failure: Failure) -> Failure:
        """Let a refusal that is made up tell the numbers of a limit there is, as if it were full.

        Without such a limit, or with numbers of its own, it stays as it is.
        """
        counted = _REFUSED_BY.get(failure.kind)
        if counted is None or failure.limit is not None:
            return failure
        rows = [row for row in self._rows() if row[0].counts == counted]
        if not rows:
            return failure
        meter, charge, _ = min(rows, key=lambda row: row[1].limit)
        limit = int(charge.limit)
        return replace(
            failure,
            measure=meter.measure,
            limit=limit,
            used=limit,
            requested=max(1, math.ceil(charge.cost)),
        )

    @property
    def origin(self) -> str:
        """Name the limit whose refusal is told."""
        return self._refuser()[0].place

    def _refuser(self) -> tuple[Meter, Charge, Reading]:
        rows = list(self._rows())
        return max((rows[place] for place in self.refusers), key=lambda row: row[2].wait)

    def corrections(
        self, done: Completion | Embeddings | None, model: Model, said: int
    ) -> list[tuple[Charge, float]]:
        """Give by how much charges were too high, once it is known what was sent.

        ``said`` are the completion tokens that left for the client.
        """
        amounts: list[tuple[Charge, float]] = []
        for meter, charge in zip(self.meters, self.charges, strict=True):
            counted = meter.counts
            if counted == "requests":
                continue
            if counted == "running":
                amounts.append((charge, 1.0))
            elif done is None:
                amounts.append((charge, charge.cost))
            else:
                usage = done.usage
                spoken = min(said, usage.completion_tokens)
                real = usage.prompt_tokens + spoken
                if meter.measure == "cost_budget":
                    spent = cost(model, replace(usage, completion_tokens=spoken))
                    amounts.append((charge, -spent))
                elif charge.cost != real:
                    amounts.append((charge, charge.cost - real))
        return amounts


def _tighter(known: Standing | None, charge: Charge, reading: Reading) -> Standing:
    """Give how a meter stands, or another one that has less left."""
    remaining, reset = left(charge, reading), reading.reset
    if known is not None and (known.remaining, -known.reset) <= (remaining, -reset):
        return known
    return Standing(int(charge.limit), remaining, reset, charge.window)
