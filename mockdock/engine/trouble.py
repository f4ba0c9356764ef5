"""Trouble on purpose: which error or faults a request meets besides its rule.

From the strongest to the weakest: what the request itself asks for, the phases
of the timeline, chaos; the faults of the scenario and of the reply come on top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mockdock.engine.chance import Entropy
from mockdock.engine.conditions import Condition, bounds, conditions
from mockdock.engine.store import Scalar, same
from mockdock.fault import PLAIN_ONLY, SPOILS, STREAM_ONLY, Fault, FaultName
from mockdock.request import Request
from mockdock.scenario import (
    ChaosSpec,
    ErrorSpec,
    FaultSpec,
    PacingSpec,
    PhaseSpec,
    Scenario,
    When,
    Wish,
)

__all__ = ["WISHED", "Encounter", "Met", "Sight", "Told", "Trouble", "told_faults"]

WISHED = "request"
"""The origin of what a request asks for itself."""

_OF_CALLS: frozenset[FaultName] = frozenset({"broken_tool_call", "cut_arguments"})

Spend = Callable[[str, int], bool]
"""Counts a use of what may be used so many times; False when it is used up."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What trouble looks at: a request, how far the session is, and its states.

    ``age`` are the scenario seconds since the session began.
    """

    request: Request
    age: float
    entropy: Entropy
    state: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Told:
    """What a scenario says of a fault; ``key`` is what its uses and its chance go by.

    ``origin`` names the place it comes from, "" where that is the rule that answers.
    """

    key: str
    spec: FaultSpec
    filter: _Filter
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Met:
    """What a request meets: an error instead of every rule, with its origin, and faults."""

    error: ErrorSpec | None = None
    origin: str = ""
    faults: tuple[Told, ...] = ()


class _Filter:
    """Conditions of a request, those on attempt and state included."""

    def __init__(self, when: When | None) -> None:
        self._conditions: tuple[Condition, ...] = () if when is None else tuple(conditions(when))
        self._attempts = (1, None) if when is None or when.attempt is None else bounds(when.attempt)
        self._state = () if when is None else tuple((when.state or {}).items())

    def passes(self, sight: Sight, attempt: int) -> bool:
        low, high = self._attempts
        return (
            attempt >= low
            and (high is None or attempt <= high)
            and all(condition.holds(sight.request) for condition in self._conditions)
            and all(same(sight.state.get(name), value) for name, value in self._state)
        )


class _Chaos:
    def __init__(self, spec: ChaosSpec, key: str, origin: str) -> None:
        self.origin = origin
        self._spec = spec
        self._key = key
        self._filter = _Filter(spec.when)

    def strike(self, sight: Sight, attempt: int, seen: int) -> ErrorSpec | Told | None:
        """Draw what happens to a request, if anything does: of the mix, what can happen to it."""
        burst = self._spec.burst
        if burst is not None and sight.age % burst.every >= burst.for_:
            return None
        if not self._filter.passes(sight, attempt):
            return None
        rng = sight.entropy.rng(f"chaos/{seen}")
        if rng.random() >= self._spec.rate:
            return None
        request = sight.request
        never = _unfit(stream=request.stream, said=request.api in ("chat", "completions"))
        mix = [pair for pair in enumerate(self._spec.wishes) if _name(pair[1][0]) not in never]
        weights = [weight for _, (_, weight) in mix]
        if not any(weights):
            return None
        ((index, (wish, _)),) = rng.choices(mix, weights)
        if isinstance(wish, ErrorSpec):
            return wish
        return _told(f"{self._key}/{index}", wish, self.origin)


class _Phase:
    def __init__(self, spec: PhaseSpec, key: str, origin: str) -> None:
        self.spec = spec
        self.origin = origin
        chaos = spec.chaos
        self.chaos = None if chaos is None else _Chaos(chaos, f"{key}/chaos", f"{origin}.chaos")
        self.faults = told_faults(key, spec.faults, origin)
        self._filter = _Filter(spec.when)
        self._ends = None if spec.for_ is None else spec.at + spec.for_

    def on(self, sight: Sight, attempt: int) -> bool:
        """Tell whether it is going on, for this request."""
        under_way = self.spec.at <= sight.age and (self._ends is None or sight.age < self._ends)
        return under_way and self._filter.passes(sight, attempt)


class Trouble:
    """The trouble of a scenario, made ready; false when there is none.

    Another ``edition`` of a scenario counts the uses of its faults anew.
    """

    def __init__(self, scenario: Scenario, *, edition: int = 0) -> None:
        chaos, of = scenario.chaos, f"+{edition}"
        self._chaos = None if chaos is None else _Chaos(chaos, f"{of}/chaos", "chaos")
        self._phases = [
            _Phase(spec, f"{of}/timeline/{index}", spec.name or f"timeline[{index}]")
            for index, spec in enumerate(scenario.timeline)
        ]
        self._faults = told_faults(f"{of}/faults", scenario.faults, "faults")
        self._any = bool(self._chaos or self._phases or self._faults)

    def __bool__(self) -> bool:
        return self._any

    def encounter(self, sight: Sight, wished: Sequence[Wish]) -> Encounter:
        """See what a request meets."""
        return Encounter(self._chaos, self._phases, self._faults, sight, wished)


class Encounter:
    """A request on its way through the trouble there is. Pure, but for what may be used up."""

    def __init__(
        self,
        chaos: _Chaos | None,
        phases: Sequence[_Phase],
        faults: Sequence[Told],
        sight: Sight,
        wished: Sequence[Wish],
    ) -> None:
        self._chaos = chaos
        self._phases = phases
        self._faults = faults
        self._sight = sight
        self._wished = wished
        self._met: tuple[int, int, Met] | None = None

    def blocks(self, attempt: int, seen: int) -> bool:
        """Tell whether the request meets an error before any rule."""
        return self.met(attempt, seen).error is not None

    def met(self, attempt: int, seen: int) -> Met:
        """Tell what the request meets: an error or faults."""
        if self._met is None or self._met[:2] != (attempt, seen):
            self._met = attempt, seen, self._meet(attempt, seen)
        return self._met[2]

    def _meet(self, attempt: int, seen: int) -> Met:
        errors = [(each, WISHED) for each in self._wished if isinstance(each, ErrorSpec)]
        faults = [
            _told(f"+wish/{each.model_dump_json(exclude_unset=True)}", each, WISHED)
            for each in self._wished
            if isinstance(each, FaultSpec)
        ]
        chaos = self._chaos
        for phase in self._phases:
            if phase.on(self._sight, attempt):
                if phase.spec.error is not None:
                    errors.append((phase.spec.error, phase.origin))
                faults += phase.faults
                chaos = phase.chaos or chaos
        if chaos is not None and not errors and not self._wished:
            strike = chaos.strike(self._sight, attempt, seen)
            if isinstance(strike, ErrorSpec):
                errors.append((strike, chaos.origin))
            elif strike is not None:
                faults.append(strike)
        error, origin = errors[0] if errors else (None, "")
        return Met(error, origin, tuple(faults))

    def pacing(self, attempt: int) -> PacingSpec | None:
        """Give the pace of the phase that began last, if one has its own."""
        mine = [
            phase.spec
            for phase in self._phases
            if phase.spec.pacing is not None and phase.on(self._sight, attempt)
        ]
        return max(mine, key=lambda spec: spec.at).pacing if mine else None

    def faults(
        self,
        own: Sequence[Told],
        attempt: int,
        seen: int,
        spend: Spend,
        *,
        said: bool,
        calls: bool = True,
    ) -> tuple[tuple[Fault, str], ...]:
        """Give the faults of the reply with their origins, as they compose: its own are first.

        Those that the reply cannot have are left out, and not counted as used;
        ``said`` tells that it is a completion, and not an error or another answer,
        ``calls`` that it may call tools.
        """
        sight = self._sight
        never = _unfit(stream=sight.request.stream and said, said=said)
        never |= frozenset() if calls else _OF_CALLS
        found: list[tuple[Fault, str]] = []
        for told in (*own, *self.met(attempt, seen).faults, *self._faults):
            spec = told.spec
            if spec.type in never or not told.filter.passes(sight, attempt):
                continue
            if not self._happens(told, seen):
                continue
            if spec.times is None or spend(told.key, spec.times):
                found.append((spec.fault(), told.origin))
        return tuple(found)

    def _happens(self, told: Told, seen: int) -> bool:
        probability = told.spec.probability
        if probability >= 1:
            return True
        return self._sight.entropy.rng(f"fault/{told.key}/{seen}").random() < probability


def told_faults(key: str, specs: Iterable[FaultSpec], origin: str = "") -> tuple[Told, ...]:
    """Make the faults of one place ready, each with a key of its own below ``key``."""
    return tuple(_told(f"{key}/{index}", spec, origin) for index, spec in enumerate(specs))


def _told(key: str, spec: FaultSpec, origin: str) -> Told:
    return Told(key, spec, _Filter(spec.when), origin)


def _name(wish: Wish) -> str:
    return wish.type if isinstance(wish, FaultSpec) else ""


def _unfit(*, stream: bool, said: bool) -> frozenset[FaultName]:
    """Name the faults a reply cannot have: only what is said can be said wrong."""
    return (PLAIN_ONLY if stream else STREAM_ONLY) | (frozenset() if said else SPOILS)
