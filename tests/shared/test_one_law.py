"""The law of the shared store: whatever is asked, it says what the memory store says."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from mockdock.engine import MemoryStore
from mockdock.engine.meters import Algorithm, Charge, Reading
from mockdock.engine.store import Candidate, Chance, Gate, Pick, Scalar, Step
from mockdock.shared import Link, RedisStore
from tests.stores import AtOnce, Ready, Redis

ODD = ["", "s", "s:1", "é", "a|b", "\udcff", 'x"\\', "[*]"]
"""Names that run together, or are special to somebody on the way."""

names = st.one_of(st.just("s"), st.just("s"), st.just("s"), st.sampled_from(ODD))
numbers = st.one_of(st.integers(0, 12), st.floats(0, 12), st.sampled_from([1e-9, 1e9, 1 / 3]))
scalars: st.SearchStrategy[Scalar] = st.sampled_from(
    [None, True, False, 0, 1, 1.0, -0.0, 0.1, "", "1", "a", 'é"|', "\udcff", "1.0", 2**60, 1e300]
)
state_names = st.sampled_from(["a", "b", "é=|", "\udcff"])
states = st.lists(st.tuples(state_names, scalars), max_size=2).map(tuple)
attempts = st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 4)))


def often(value: Any, strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw the usual value most of the time."""
    return st.one_of(st.just(value), st.just(value), strategy)


candidates = st.builds(
    Candidate,
    key=st.sampled_from(["0", "1", "1:0", "é", "\udcff"]),
    attempts=often((1, None), attempts),
    state=often((), states),
    times=often(None, st.integers(0, 3)),
    length=st.integers(1, 3),
    per=st.sampled_from(["session", "request", "server"]),
    after_last=st.sampled_from(["repeat", "cycle", "pass", "fail"]),
    set_state=often((), states),
)
algorithms: st.SearchStrategy[Algorithm] = st.sampled_from(
    ["bucket", "fixed", "sliding", "gauge", "budget"]
)


@st.composite
def charges(draw: st.DrawFn) -> Charge:
    """Draw a charge; a key has one algorithm, whatever else may change of it."""
    algorithm = draw(algorithms)
    return Charge(
        key=f"{algorithm}/" + draw(st.sampled_from(["x", "\udcff"])),
        algorithm=algorithm,
        limit=draw(st.one_of(st.integers(1, 9), st.sampled_from([0.03, 1e9, 2.5]))),
        cost=draw(numbers),
        window=draw(st.sampled_from([1.0, 10.0, 60.0, 86_400.0, 7])),
        toll=draw(often(0.0, numbers)),
        extend=draw(often(0.0, st.sampled_from([0.5, 5.0, 100]))),
        shared=draw(st.booleans()),
    )


errors = st.sampled_from([(), ((1.0, True),), ((1.0, False),), ((0.3, True), (1.0, False))])
chances = st.builds(
    Chance,
    attempts=often((1, None), attempts),
    state=often((), states),
    base=st.sampled_from(["", "ab", "00ff"]),
    rate=st.sampled_from([0.0, 0.4, 0.9, 1.0]),
    errors=errors,
)
gates = st.builds(
    Gate,
    attempts=often((1, None), attempts),
    state=often((), states),
    error=often(False, st.just(True)),
    chance=st.one_of(st.none(), chances),
)
pauses = st.one_of(
    st.just(0.0),
    st.floats(0, 70),
    st.sampled_from([0.001, 1.0, 10.0, 60.0, 61.0, 100_000.0]),
    st.sampled_from([-0.5, -1.0, -30.0, -3600.0]),
)
"""Seconds between two moments; clocks are set back, too."""

Deed = Callable[["Two"], None]


class Two:
    """Both stores, told the same, on one clock; what they say must be the same."""

    def __init__(self, *stores: Ready) -> None:
        self.stores = stores
        self.now = 0.0
        self.picks: list[tuple[Step, list[Pick]]] = []

    def all(self, ask: Callable[[Ready], Any]) -> list[Any]:
        """Ask both."""
        return [ask(each) for each in self.stores]

    def same(self, ask: Callable[[Ready], Any]) -> None:
        """Ask both, and see that both say the same."""
        memory, *others = self.all(ask)
        assert others == [memory] * len(others)

    def decide(self, step: Step, *, peek: bool = False) -> None:
        """Have both decide a step, now, or only tell what they would."""
        step = structs.replace(step, now=self.now)
        picks = self.all(lambda store: store.peek(step) if peek else store.decide(step))
        memory, *others = map(exact, picks)
        assert others == [memory] * len(others)
        if not peek:
            self.picks.append((step, picks))

    def settle(self, which: int, parts: Sequence[float]) -> None:
        """Correct what was taken by one of the last steps."""
        if not self.picks:
            return
        step, picks = self.picks[-1 - which % len(self.picks)]
        amounts = [
            (charge, abs(part * charge.cost) if charge.algorithm == "gauge" else part * charge.cost)
            for charge, part in zip(step.charges, parts, strict=False)
        ]
        for store, pick in zip(self.stores, picks, strict=True):
            store.settle(step.session, pick.serial, amounts, taken=step.now, now=self.now)

    def look(self) -> None:
        """See that all that can be read of what went on is the same."""
        due = {(each.key, each.shared): each for step, _ in self.picks for each in step.charges}
        for session in {step.session for step, _ in self.picks}:
            self.same(partial(_told, session, list(due.values()), self.now))


def _told(session: str, charges: list[Charge], now: float, store: Ready) -> Any:
    readings = [approximate(each) for each in store.read(session, charges, now)]
    return store.state(session), sorted(store.charged(session)), readings


def exact(pick: Pick) -> tuple[Any, ...]:
    """Give all of a pick but its serial, which is each store's own."""
    told = (pick.attempt, pick.seen, pick.index, pick.position, pick.skipped, pick.refusers)
    return *told, [approximate(each) for each in pick.readings], _named(pick.state)


def _reset(session: str, store: Ready) -> None:
    store.reset(session)


def _named(states: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Give named states; what is no number is not even itself, so its name stands for it."""
    return {name: "NaN" if value != value else value for name, value in states.items()}  # noqa: PLR0124


def approximate(reading: Reading) -> tuple[Any, ...]:
    """Round what is told; later Pythons add up more exactly than others do."""
    return tuple(
        each if math.isinf(each) else float(f"{each:.9g}") if abs(each) > 1e-9 else 0.0
        for each in (reading.used, reading.wait, reading.reset)
    )


def waits(pause: float) -> Deed:
    def deed(two: Two) -> None:
        two.now = max(0.0, two.now + pause)

    return deed


def asks(step: Step, times: int, peek: bool) -> Deed:
    def deed(two: Two) -> None:
        for _ in range(times):
            two.decide(step, peek=peek)

    return deed


settling = st.builds(
    lambda which, parts: lambda two: two.settle(which, parts),
    st.integers(0, 5),
    st.lists(st.floats(-2, 2), min_size=3, max_size=3),
)
resets = st.builds(
    lambda session: lambda two: two.all(lambda store: store.reset(session)),
    st.one_of(names, st.none()),
)
others = st.one_of(
    resets,
    st.builds(
        lambda session, key, most: (
            lambda two: two.same(lambda store: store.spend(session, key, most))
        ),
        *(names, st.sampled_from(["0", "fault"]), st.integers(0, 3)),
    ),
    st.builds(
        lambda session, prefixes: (
            lambda two: two.same(lambda store: store.remember(session, prefixes))
        ),
        *(names, st.lists(st.sampled_from([b"a", b"b\xff", b"\x00c", b""]), max_size=5)),
    ),
    st.builds(
        lambda session, changes: (
            lambda two: two.all(lambda store: store.set_state(session, dict(changes)))
        ),
        *(names, states),
    ),
)


@st.composite
def stories(draw: st.DrawFn) -> list[Deed]:
    """Draw what happens to a server: a few meters, rules and gates, which are used again."""
    meters = draw(st.lists(charges(), min_size=1, max_size=3))
    rules = draw(st.lists(candidates, min_size=1, max_size=4))
    trouble = draw(st.lists(gates, max_size=3))
    charged = st.builds(
        lambda one, cost, limit: replace(one, cost=cost, limit=limit or one.limit),
        *(st.sampled_from(meters), numbers, often(None, st.integers(1, 9))),
    )
    step = st.builds(
        Step,
        session=names,
        request=names,
        attempt=often(None, st.integers(1, 5)),
        candidates=st.one_of(st.just(rules), st.lists(st.sampled_from(rules), max_size=4)),
        charges=st.lists(charged, max_size=3),
        gates=st.sampled_from([[], trouble]),
        wants_state=st.booleans(),
    )
    asking = st.builds(asks, step, st.integers(1, 4), often(False, st.just(True)))
    waiting = st.builds(waits, pauses)
    return draw(st.lists(st.one_of(asking, asking, waiting, settling, others), max_size=30))


@pytest.fixture(scope="module")
def shared(redis: Redis) -> Iterator[AtOnce]:
    """Give one store for all examples, which is emptied before each."""
    store = RedisStore(Link(redis.url(), patience=20.0))
    yield AtOnce(store)
    store.close()
    store.link.close()


@given(stories())
@settings(max_examples=250)
def test_both_stores_say_the_same_whatever_is_asked(shared: AtOnce, story: list[Deed]) -> None:
    shared.reset()
    two = Two(MemoryStore(), shared)
    for deed in story:
        deed(two)
    two.look()


@given(
    algorithms,
    st.lists(st.tuples(pauses, st.floats(0, 1.2), st.floats(-1, 2)), min_size=5, max_size=40),
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([0.0, 5.0]),
    st.sampled_from([1.0, 60.0]),
)
def test_long_use_of_one_meter_is_counted_the_same(
    shared: AtOnce,
    algorithm: Algorithm,
    uses: list[tuple[float, float, float]],
    toll: float,
    extend: float,
    window: float,
) -> None:
    shared.reset()
    two = Two(MemoryStore(), shared)
    one = Charge("m", algorithm, 7, 1, window, toll=toll, extend=extend)
    for pause, part, correction in uses:
        two.now = max(0.0, two.now + pause)
        two.decide(Step("s", "r", charges=[replace(one, cost=part * one.limit)]))
        two.settle(0, [correction])
    two.look()


@given(
    st.lists(charges(), min_size=2, max_size=3),
    st.lists(
        st.tuples(
            pauses,
            st.sampled_from(["s", "t"]),
            st.lists(st.floats(0, 1.2), min_size=3, max_size=3),
            st.lists(st.floats(-1, 1), min_size=3, max_size=3),
            st.sampled_from([0, 1, 2]),
            st.sampled_from([False, False, False, True]),
        ),
        max_size=25,
    ),
)
def test_meters_that_are_charged_together_are_refused_and_settled_the_same(
    shared: AtOnce, meters: list[Charge], uses: list[Any]
) -> None:
    shared.reset()
    two = Two(MemoryStore(), shared)
    for pause, session, parts, corrections, which, forgets in uses:
        two.now = max(0.0, two.now + pause)
        costs = [
            replace(each, cost=part * each.limit) for each, part in zip(meters, parts, strict=False)
        ]
        two.decide(Step(session, "r", charges=costs))
        if forgets:
            two.all(partial(_reset, session))
        two.settle(which, corrections)
    two.look()


@given(st.lists(candidates, min_size=1, max_size=4), st.lists(names, max_size=12))
@example([Candidate("0", length=2, after_last="cycle", per="request")], ["r"] * 9)
def test_the_same_rules_are_dealt_the_same_again_and_again(
    shared: AtOnce, rules: list[Candidate], requests: list[str]
) -> None:
    shared.reset()
    two = Two(MemoryStore(), shared)
    for request in requests:
        two.decide(Step("s", request, candidates=rules))
    two.look()


@given(st.lists(gates, min_size=1, max_size=3), st.integers(1, 40))
def test_chaos_draws_the_same(shared: AtOnce, trouble: list[Gate], times: int) -> None:
    shared.reset()
    two = Two(MemoryStore(), shared)
    for _ in range(times):
        two.decide(Step("s", "r", 1, [Candidate("0")], gates=trouble))


def test_who_is_not_known_looks_at_what_is_shared_as_at_anothers(shared: AtOnce) -> None:
    shared.reset()
    two = Two(MemoryStore(), shared)
    ours = Charge("m", "bucket", 9, 1, shared=True)
    two.decide(Step("s", "r", charges=[ours]))
    two.decide(Step("nobody", "r", charges=(replace(ours, shared=False), ours)), peek=True)
    two.same(lambda store: store.read("nobody", [replace(ours, shared=False), ours], 0))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2**80, 1e22, 10**22])
def test_numbers_of_any_size_are_states(shared: AtOnce, value: float) -> None:
    shared.reset()
    two = Two(MemoryStore(), shared)
    two.all(lambda store: store.set_state("s", {"n": value}))
    for wanted in (value, math.nan, 1e22, 10**22, 2.0**80):
        two.decide(Step("s", "r", 1, [Candidate("k", state=(("n", wanted),))], wants_state=True))
    two.same(lambda store: repr(store.state("s")))
