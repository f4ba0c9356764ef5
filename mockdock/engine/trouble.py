"""Trouble on purpose: which error or faults a request meets besides its rule.

From the strongest to the weakest: what the request itself asks for, the phases
of the timeline, chaos; the faults of the scenario and of the reply come on top.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import accumulate

from msgspec import Struct
from msgspec.structs import replace

from mockdock.engine.chance import Entropy
from mockdock.engine.conditions import Condition, bounds, conditions
from mockdock.engine.store import Chance, Gate, Scalar, holds, struck
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

__all__ = [
    "WISHED",
    "Encounter",
    "Encountered",
    "Met",
    "Sight",
    "Since",
    "Told",
    "Trouble",
    "told_faults",
]

WISHED = "request"
"""The origin of what a request asks for itself."""

_OF_CALLS: frozenset[FaultName] = frozenset({"broken_tool_call", "cut_arguments"})

Spend = Callable[[str, int], bool | Awaitable[bool]]
"""Counts a use of what may be used so many times; False when it is used up."""


class Sight(Struct, frozen=True):
    """What trouble looks at before anything is decided: a request, and how far the session is.

    ``age`` are the scenario seconds since the session began.
    """

    request: Request
    age: float
    entropy: Entropy


class Since(Struct, frozen=True):
    """What the step told: the attempt, how often the request was seen, and the states before it."""

    attempt: int = 1
    seen: int = 1
    state: Mapping[str, Scalar] = {}


class Told(Struct, frozen=True):
    """What a scenario says of a fault; ``key`` is what its uses and its chance go by.

    ``origin`` names the place it comes from, "" where that is the rule that answers.
    """

    key: str
    spec: FaultSpec
    filter: _Filter
    origin: str = ""


class Met(Struct, frozen=True):
    """What a request meets: an error instead of every rule, with its origin, and faults."""

    error: ErrorSpec | None = None
    origin: str = ""
    faults: tuple[Told, ...] = ()


class _Filter:
    """Conditions of a request, those on attempt and state included."""

    def __init__(self, when: When | None) -> None:
        self._conditions: tuple[Condition, ...] = () if when is None else tuple(conditions(when))
        attempts = (1, None) if when is None or when.attempt is None else bounds(when.attempt)
        state = () if when is None else tuple((when.state or {}).items())
        self.gate = Gate(attempts, state)

    def suits(self, request: Request) -> bool:
        """Tell whether the conditions hold for which nothing need have happened before."""
        return all(condition.holds(request) for condition in self._conditions)

    def passes(self, request: Request, since: Since) -> bool:
        return holds(self.gate, since.attempt, since.state) is None and self.suits(request)


class _Chaos:
    def __init__(self, spec: ChaosSpec, key: str, origin: str) -> None:
        self.origin = origin
        self._spec = spec
        self._key = key
        self._filter = _Filter(spec.when)

    def chance(self, sight: Sight) -> Chance:
        """Give what may happen to a request: of the mix, what can happen to it."""
        burst, gate, request = self._spec.burst, self._filter.gate, sight.request
        never = _unfit(stream=request.stream, said=request.api in ("chat", "completions"))
        weights = [0 if _name(wish) in never else weight for wish, weight in self._spec.wishes]
        total = sum(weights)
        calm = burst is not None and sight.age % burst.every >= burst.for_
        if calm or not total or not self._filter.suits(request):
            return Chance()
        shares = [upper / total for upper in accumulate(weights)]
        errors = [isinstance(wish, ErrorSpec) for wish, _ in self._spec.wishes]
        base = sight.entropy.digest("chaos").hex()
        parts = tuple(zip(shares, errors, strict=True))
        return Chance(gate.attempts, gate.state, base, self._spec.rate, parts)

    def happened(self, which: int) -> ErrorSpec | Told:
        """Give a part of the mix."""
        wish, _ = self._spec.wishes[which]
        if isinstance(wish, ErrorSpec):
            return wish
        return _told(f"{self._key}/{which}", wish, self.origin)


class _Phase:
    def __init__(self, spec: PhaseSpec, key: str, origin: str) -> None:
        self.spec = spec
        self.origin = origin
        chaos = spec.chaos
        self.chaos = None if chaos is None else _Chaos(chaos, f"{key}/chaos", f"{origin}.chaos")
        self.faults = told_faults(key, spec.faults, origin)
        self.filter = _Filter(spec.when)
        self._ends = None if spec.for_ is None else spec.at + spec.for_

    def may_be_on(self, sight: Sight) -> bool:
        """Tell whether it is going on for this request, if what came before allows it."""
        under_way = self.spec.at <= sight.age and (self._ends is None or sight.age < self._ends)
        return under_way and self.filter.suits(sight.request)


class Trouble:
    """The trouble of a scenario, made ready; false when there is none.

    Another ``edition`` of a scenario counts the uses of its faults anew. It ``remembers``
    where any of it depends on named states.
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
        whens = (
            None if chaos is None else chaos.when,
            *(each.when for each in scenario.faults),
            *(phase.when for phase in scenario.timeline),
            *(each.when for phase in scenario.timeline for each in phase.faults),
            *(each.chaos.when for each in scenario.timeline if each.chaos is not None),
        )
        self.remembers = any(when is not None and when.state for when in whens)

    def __bool__(self) -> bool:
        return self._any

    def encounter(self, sight: Sight, wished: Sequence[Wish]) -> Encounter:
        """See what a request meets."""
        return Encounter(self._chaos, self._phases, self._faults, sight, wished)


class Encounter:
    """A request on its way through the trouble there is, before anything is decided."""

    def __init__(
        self,
        chaos: _Chaos | None,
        phases: Sequence[_Phase],
        faults: Sequence[Told],
        sight: Sight,
        wished: Sequence[Wish],
    ) -> None:
        self._faults = faults
        self._sight = sight
        self._wished = wished
        self._phases = [phase for phase in phases if phase.may_be_on(sight)]
        # What a request wishes for comes alone: by chance nothing else happens to it.
        self._chances: list[tuple[_Chaos, Chance] | None] = [
            None if each is None or wished else (each, each.chance(sight))
            for each in (chaos, *(phase.chaos for phase in self._phases))
        ]

    @property
    def gates(self) -> tuple[Gate, ...]:
        """What may come before any rule, by what came before."""
        errors = any(isinstance(each, ErrorSpec) for each in self._wished)
        chances = [None if each is None else each[1] for each in self._chances]
        first = Gate(error=errors, chance=chances[0])
        phases = zip(self._phases, chances[1:], strict=True)
        return (
            first,
            *(
                replace(phase.filter.gate, error=phase.spec.error is not None, chance=chance)
                for phase, chance in phases
            ),
        )

    def at(self, since: Since) -> Encountered:
        """Tell what the request meets, now that it is known what came before."""
        errors = [(each, WISHED) for each in self._wished if isinstance(each, ErrorSpec)]
        faults = [
            _told(f"+wish/{each.model_dump_json(exclude_unset=True)}", each, WISHED)
            for each in self._wished
            if isinstance(each, FaultSpec)
        ]
        chance, paces = self._chances[0], []
        for phase, own in zip(self._phases, self._chances[1:], strict=True):
            if holds(phase.filter.gate, since.attempt, since.state) is None:
                if phase.spec.error is not None:
                    errors.append((phase.spec.error, phase.origin))
                faults += phase.faults
                chance = own or chance
                paces.append(phase.spec)
        if chance is not None and not errors:
            chaos, drawn = chance
            fits = holds(drawn, since.attempt, since.state) is None
            which = struck(drawn, since.seen) if fits else None
            strike = None if which is None else chaos.happened(which)
            if isinstance(strike, ErrorSpec):
                errors.append((strike, chaos.origin))
            elif strike is not None:
                faults.append(strike)
        error, origin = errors[0] if errors else (None, "")
        found = Met(error, origin, tuple(faults))
        return Encountered(found, _last_pace(paces), self._faults, self._sight, since)


def _last_pace(phases: Sequence[PhaseSpec]) -> PacingSpec | None:
    """Give the pace of the phase that began last, if one has its own."""
    mine = [each for each in phases if each.pacing is not None]
    return max(mine, key=lambda each: each.at).pacing if mine else None


class Encountered(Struct, frozen=True):
    """What a request meets, now that it is known what came before: an error or faults, a pace.

    ``others`` are the faults of the scenario. Pure, but for what may be used up.
    """

    met: Met
    pacing: PacingSpec | None
    others: Sequence[Told]
    sight: Sight
    since: Since

    async def faults(
        self, own: Sequence[Told], spend: Spend, *, said: bool, calls: bool = True
    ) -> tuple[tuple[Fault, str], ...]:
        """Give the faults of the reply with their origins, as they compose: its own are first.

        Those that the reply cannot have are left out, and not counted as used;
        ``said`` tells that it is a completion, and not an error or another answer,
        ``calls`` that it may call tools.
        """
        request = self.sight.request
        never = _unfit(stream=request.stream and said, said=said)
        never |= frozenset() if calls else _OF_CALLS
        found: list[tuple[Fault, str]] = []
        for told in (*own, *self.met.faults, *self.others):
            spec = told.spec
            if spec.type in never or not told.filter.passes(request, self.since):
                continue
            if not self._happens(told):
                continue
            if spec.times is None or await _answer(spend(told.key, spec.times)):
                found.append((spec.fault(), told.origin))
        return tuple(found)

    def _happens(self, told: Told) -> bool:
        probability = told.spec.probability
        if probability >= 1:
            return True
        purpose = f"fault/{told.key}/{self.since.seen}"
        return self.sight.entropy.rng(purpose).random() < probability


async def _answer(told: bool | Awaitable[bool]) -> bool:
    return told if isinstance(told, bool) else await told


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
