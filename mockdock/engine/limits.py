"""Rate limits: what a request is charged, how a refusal is told, and what it really cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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

__all__ = ["Admission", "Meter", "charge", "charges", "compile_limits", "estimate"]

_MINUTE, _DAY = 60.0, 86_400.0
_CLOSE = 1e-6
_LONGEST = 200
_REQUESTS: frozenset[Measure] = frozenset({"rpm", "rpd"})
_REFUSED_BY = {"rate_limit": "requests", "tokens_limit": "tokens"}
_TOKENS: frozenset[Measure] = frozenset({"tpm", "tpd"})


@dataclass(frozen=True, slots=True)
class Meter:
    """One number of a limit, made ready; ``place`` is where its scenario has it."""

    place: str
    measure: Measure
    algorithm: Algorithm
    limit: float
    window: float
    per: tuple[str, ...]
    header: RetryHeader
    toll: float
    extend: float

    @property
    def counts(self) -> Literal["requests", "tokens", "running", "spent"]:
        """What it counts."""
        if self.measure in _REQUESTS:
            return "requests"
        if self.measure in _TOKENS:
            return "tokens"
        return "running" if self.measure == "concurrent" else "spent"


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


def charges(
    meters: Sequence[Meter],
    request: Request,
    model: Model,
    workspaces: Mapping[str, str],
    *,
    tokens: int,
    alone: bool,
) -> tuple[Charge, ...]:
    """Give what a request costs by each meter.

    ``workspaces`` are those of the keys; a key without one is in the nameless one. Where
    a deployment stands for the model, that is what counts.
    """
    key = request.caller.key
    values = {
        "dialect": request.dialect,
        "workspace": workspaces.get(key, ""),
        "key": key,
        "model": request.deployment or model.id,
    }
    called = {"model": "deployment"} if request.deployment else {}
    return tuple(
        charge(
            each,
            tuple(
                (called.get(name, name), _short(values[name]))
                for name in each.per
                if name in values
            ),
            {"requests": 1, "tokens": tokens, "running": 1, "spent": 0}[each.counts],
            alone=alone,
        )
        for each in meters
    )


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


@dataclass(frozen=True, slots=True)
class Admission:
    """What was charged to a request, and how the meters stood afterwards.

    ``refusers`` are the places of those that had no room: where there are any,
    nothing but tolls was charged. ``serial`` is that of the session's counters,
    ``at`` when it was charged.
    """

    meters: tuple[Meter, ...]
    charges: tuple[Charge, ...]
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
        amounts = [0.0] * len(self.charges)
        if not self.refused:
            done = reply if isinstance(reply, Completion | Embeddings) else None
            real = 0 if done is None else done.usage.prompt_tokens + done.usage.completion_tokens
            for place, (meter, charge, _) in enumerate(self._rows()):
                if meter.counts == "tokens":
                    surplus = charge.cost - real
                    amounts[place] = min(0.0, surplus) if streamed else surplus
        return Standings(self._tightest("requests", amounts), self._tightest("tokens", amounts))

    def _tightest(self, counted: str, amounts: Sequence[float]) -> Standing | None:
        found = []
        for (meter, charge, reading), amount in zip(self._rows(), amounts, strict=True):
            if meter.counts == counted:
                later = corrected(charge, reading, amount) if amount else reading
                found.append(
                    Standing(int(charge.limit), left(charge, later), later.reset, charge.window)
                )
        return min(found, key=lambda each: (each.remaining, -each.reset), default=None)

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
    ) -> list[float]:
        """Give by how much each charge was too high, once it is known what was sent.

        ``said`` are the completion tokens that left for the client.
        """
        real, dollars = 0, 0.0
        if done is not None:
            spoken = min(said, done.usage.completion_tokens)
            real = done.usage.prompt_tokens + spoken
            dollars = cost(model, replace(done.usage, completion_tokens=spoken))
        amounts = {
            "requests": 0.0,
            "running": 1.0,
            "token_budget": -float(real),
            "cost_budget": -dollars,
        }
        return [
            charge.cost - real
            if meter.counts == "tokens"
            else amounts.get(meter.measure, amounts.get(meter.counts, 0.0))
            for meter, charge in zip(self.meters, self.charges, strict=True)
        ]
