"""The laws of counting, on a clock that tests move: no limit is exceeded, no wait is a lie."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.dialects.openai.durations import whole_milliseconds
from mockdock.engine.meters import (
    Charge,
    Reading,
    State,
    give_back,
    left,
    read,
    refuse,
    take,
)
from mockdock.engine.spending import corrected
from mockdock.engine.store import Step
from tests.stores import STORES, Ready, StoreKind

Kind = Literal["bucket", "fixed", "sliding"]
KINDS: list[Kind] = ["bucket", "fixed", "sliding"]

limits = st.one_of(st.integers(1, 60), st.integers(1, 10**9))
windows = st.sampled_from([1.0, 10.0, 60.0, 86_400.0])
pauses = st.one_of(st.just(0), st.integers(0, 90_000_000))
"""Milliseconds between two requests."""


def meter(algorithm: Any = "bucket", limit: float = 10, cost: float = 1, **more: Any) -> Charge:
    return Charge("m", algorithm, limit, cost, **more)


class Line:
    """Requests one after the other against one meter, on a clock moved by hand."""

    def __init__(self, charge: Charge) -> None:
        self.charge = charge
        self.state: State = ()
        self.now = 0.0
        self.admitted: list[tuple[float, float]] = []

    def ask(self, cost: float) -> float:
        """Ask for an amount; give the wait, 0 when it was admitted."""
        charge = replace(self.charge, cost=cost)
        if read(charge, self.state, self.now).fits:
            self.state = take(charge, self.state, self.now, cost)
            self.admitted.append((self.now, cost))
            return 0.0
        self.state = refuse(charge, self.state, self.now)
        return read(charge, self.state, self.now).wait

    def left(self) -> int:
        """Give the largest cost that fits."""
        return left(self.charge, self.read().used)

    def read(self, cost: float | None = None) -> Reading:
        """Read the meter before a charge."""
        charge = self.charge if cost is None else replace(self.charge, cost=cost)
        return read(charge, self.state, self.now)

    def settle(self, taken: float, amount: float) -> None:
        """Correct what was taken at a moment."""
        self.state = give_back(self.charge, self.state, taken, self.now, amount)


class StoredLine(Line):
    """The same against a meter that a store keeps."""

    def __init__(self, charge: Charge, store: Ready, session: str) -> None:
        super().__init__(charge)
        self._store = store
        self._session = session
        self._serial = 0

    def ask(self, cost: float) -> float:
        """Ask for an amount; give the wait, 0 when it was admitted."""
        charge = replace(self.charge, cost=cost)
        pick = self._store.decide(Step(self._session, "r", charges=[charge], now=self.now))
        self._serial = pick.serial
        if pick.refusers:
            return pick.readings[0].wait
        self.admitted.append((self.now, cost))
        return 0.0

    def read(self, cost: float | None = None) -> Reading:
        """Read the meter before a charge."""
        charge = self.charge if cost is None else replace(self.charge, cost=cost)
        (reading,) = self._store.read(self._session, [charge], self.now)
        return reading

    def settle(self, taken: float, amount: float) -> None:
        """Correct what was taken at a moment."""
        charges = [(self.charge, amount)]
        self._store.settle(self._session, self._serial, charges, taken=taken, now=self.now)


class Counted:
    """Makes the lines of the tests: by arithmetic alone, or in a store of some kind."""

    def __init__(self) -> None:
        self.store: Ready | None = None
        self._names = count()

    def __call__(self, charge: Charge) -> Line:
        """Make a line against one meter."""
        if self.store is None:
            return Line(charge)
        return StoredLine(charge, self.store, f"line {next(self._names)}")


counted = Counted()


@pytest.fixture(params=["arithmetic", *STORES[:2]], ids=str, scope="module", autouse=True)
def _kept(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run every test of this module by arithmetic, and in stores that keep the meters."""
    kind: StoreKind | str = request.param
    if isinstance(kind, str):
        counted.store = None
        yield
        return
    with kind.made(request) as store:
        counted.store = store
        yield
    counted.store = None


def within(line: Line, start: float, end: float) -> float:
    return sum(cost for at, cost in line.admitted if start <= at < end)


costs = st.floats(0.0, 1.0)
"""What is asked for, as a part of the limit."""


@given(limits, windows, st.lists(st.tuples(pauses, costs), max_size=30), st.integers(0, 1))
def test_a_bucket_admits_in_any_time_its_limit_and_what_flows_in(
    limit: int, window: float, asked: list[tuple[int, float]], toll: int
) -> None:
    line = counted(meter("bucket", limit, window=window, toll=float(toll)))
    for pause, part in asked:
        line.now += pause / 1000
        line.ask(math.ceil(part * limit))
    times = [at for at, _ in line.admitted]
    for start in times:
        for end in times:
            total = sum(cost for at, cost in line.admitted if start <= at <= end)
            assert total <= limit * (1 + max(0.0, end - start) / window) * (1 + 1e-9) + 1e-5


@given(limits, windows, st.lists(st.tuples(pauses, costs), max_size=30), st.integers(0, 1))
def test_a_fixed_window_admits_its_limit(
    limit: int, window: float, asked: list[tuple[int, float]], toll: int
) -> None:
    line = counted(meter("fixed", limit, window=window, toll=float(toll)))
    for pause, part in asked:
        line.now += pause / 1000
        line.ask(math.ceil(part * limit))
    for number in {math.floor(at / window + 1e-6) for at, _ in line.admitted}:
        start = (number - 1e-6) * window
        assert within(line, start, start + window) <= limit


steps = st.one_of(st.integers(0, 8), st.integers(120, 136), st.integers(0, 300))
"""128ths of a window: little, or about all of it."""


@given(limits, windows, st.lists(st.tuples(steps, costs), max_size=30), st.integers(0, 1))
def test_a_sliding_window_admits_its_limit_wherever_it_is(
    limit: int, window: float, asked: list[tuple[int, float]], toll: int
) -> None:
    line = counted(meter("sliding", limit, window=window, toll=float(toll)))
    for pause, part in asked:
        line.now += pause / 128 * window
        line.ask(math.ceil(part * limit))
    for start, _ in line.admitted:
        assert within(line, start, start + window) <= limit


@given(
    st.sampled_from(KINDS),
    limits,
    windows,
    st.lists(st.tuples(pauses, costs), max_size=15),
    st.sampled_from([0.0, 7.0]),
    st.data(),
)
def test_what_is_left_is_admitted_to_the_last_and_one_more_is_not(
    kind: Kind,
    limit: int,
    window: float,
    asked: list[tuple[int, float]],
    extend: float,
    data: st.DataObject,
) -> None:
    """The law of the headers: they may be believed at any moment."""
    line = counted(meter(kind, limit, window=window, toll=1.0, extend=extend))
    for pause, part in asked:
        line.now += pause / 1000
        line.ask(math.ceil(part * limit))
        told = line.left()
        assert 0 <= told <= limit
        assert not line.read(told + 1).fits
    while told := line.left():
        assert line.ask(data.draw(st.integers(1, told))) == 0
        if len(line.admitted) > 40:
            assert line.ask(line.left()) == 0
    assert line.ask(1) > 0


@given(
    st.sampled_from(KINDS),
    limits,
    windows,
    st.lists(st.tuples(pauses, costs), max_size=15),
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([0.0, 7.0]),
)
def test_who_waits_as_long_as_he_is_told_is_admitted(
    kind: Kind,
    limit: int,
    window: float,
    asked: list[tuple[int, float]],
    toll: float,
    extend: float,
) -> None:
    """He is told whole milliseconds, as headers are."""
    line = counted(meter(kind, limit, window=window, toll=toll, extend=extend))
    for pause, part in asked:
        line.now += pause / 1000
        cost = math.ceil(part * limit)
        wait = line.ask(cost)
        if wait:
            line.now += whole_milliseconds(wait) / 1000
            assert line.ask(cost) == 0


@given(
    st.sampled_from([*KINDS, "gauge"]),
    limits,
    windows,
    st.lists(st.tuples(pauses, st.floats(-2.0, 2.0), costs), max_size=20),
)
def test_settling_goes_neither_below_nothing_nor_above_the_limit(
    kind: Any, limit: int, window: float, steps: list[tuple[int, float, float]]
) -> None:
    line = counted(meter(kind, limit, window=window))
    taken = 0.0
    for pause, part, cost in steps:
        taken, line.now = line.now, line.now + pause / 1000
        line.ask(math.ceil(cost * limit))
        amount = part * limit
        if kind == "gauge":
            amount = max(amount, 0.0)
        line.settle(taken, amount)
        reading = line.read()
        assert 0 <= reading.used <= limit * (1 + 1e-9)
        assert 0 <= line.left() <= limit


@given(st.sampled_from(KINDS), st.lists(st.tuples(st.integers(-9, 9), costs), max_size=40))
def test_a_clock_that_is_set_back_makes_nobody_wait_longer_than_a_window(
    kind: Kind, steps: list[tuple[int, float]]
) -> None:
    """Two windows, where it was just set back: what is left of one, and another."""
    line = counted(meter(kind, 10, toll=1.0))
    for hours, part in steps:
        line.now = max(0.0, line.now + hours * 3600)
        assert line.ask(math.ceil(10 * part)) <= 61.0 + 1e-6


def test_a_clock_that_is_set_back_keeps_who_is_held_off_no_longer() -> None:
    line = counted(meter("bucket", 3, toll=1.0, extend=30.0))
    line.now = 10_000.0
    assert [line.ask(1) for _ in range(4)] == pytest.approx([0, 0, 0, 20])
    line.now = 5.0
    assert line.ask(1) == pytest.approx(50)
    line.now = 54.9
    assert line.left() == 0
    line.now = 55.1
    assert line.ask(1) == 0


def test_a_bucket_refills_all_the_time() -> None:
    """OpenAI's example: Limit 3, Used 3, Requested 1. Please try again in 20s."""
    line = counted(meter("bucket", 3))
    assert [line.ask(1) for _ in range(4)] == [0, 0, 0, 20.0]
    line.now = 5.0
    assert line.ask(1) == pytest.approx(15.0)
    line.now = 20.0
    assert line.ask(1) == 0
    assert line.ask(1) == pytest.approx(20.0)
    line.now = 80.0
    assert (line.left(), line.read().reset) == (3, 0.0)


def test_the_other_example_of_openai() -> None:
    """Limit 30000, Used 29937, Requested 385. Please try again in 644ms."""
    line = counted(meter("bucket", 30_000))
    assert line.ask(29_937) == 0
    assert whole_milliseconds(line.ask(385)) == 644


def test_fixed_windows_begin_anew_all_at_once() -> None:
    line = counted(meter("fixed", 2, window=10.0))
    line.now = 9.0
    assert [line.ask(1) for _ in range(3)] == pytest.approx([0, 0, 1])
    line.now = 10.0
    assert line.read().reset == 0
    assert [line.ask(1) for _ in range(3)] == pytest.approx([0, 0, 10])
    assert line.read().reset == pytest.approx(10)


def test_a_sliding_window_forgets_each_request_when_its_slot_has_left() -> None:
    line = counted(meter("sliding", 2, window=60.0))
    assert line.ask(1) == 0
    line.now = 30.0
    assert line.ask(1) == 0
    assert line.ask(1) == pytest.approx(31)
    assert line.ask(2) == pytest.approx(61)
    assert line.read().reset == pytest.approx(61)
    line.now = 61.0
    assert [line.ask(1), line.ask(1)] == pytest.approx([0, 30])


def test_a_slot_counts_until_all_of_it_is_a_window_old() -> None:
    line = counted(meter("sliding", 1, window=60.0))
    line.now = 0.9
    assert line.ask(1) == 0
    line.now = 60.5
    assert line.ask(1) == pytest.approx(0.5)
    line.now = 61.0
    assert line.ask(1) == 0


def test_a_sliding_window_keeps_no_more_than_its_slots() -> None:
    line = Line(meter("sliding", 10**6, window=60.0))
    for step in range(5000):
        line.now = step / 10
        line.ask(1)
    assert len(line.state) <= 2 + 2 * 61


@pytest.mark.parametrize("kind", KINDS)
def test_tolls_keep_a_client_out_that_never_waits(kind: Kind) -> None:
    line = counted(meter(kind, 3, toll=1.0))
    assert [line.ask(1) for _ in range(3)] == [0, 0, 0]
    for _ in range(25):
        line.now += 2.0
        assert line.ask(1) > 0


def test_without_tolls_a_client_that_never_waits_gets_its_share() -> None:
    line = counted(meter("bucket", 3))
    for _ in range(60):
        line.ask(1)
        line.now += 1.0
    assert len(line.admitted) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_more_than_the_limit_never_fits(kind: Kind) -> None:
    line = counted(meter(kind, 10, extend=5.0))
    assert line.ask(11) == math.inf
    assert line.left() == 10
    assert line.ask(10) == 0


@pytest.mark.parametrize("kind", [*KINDS, "gauge"])
def test_what_costs_nothing_always_fits(kind: Kind) -> None:
    line = counted(meter(kind, 3))
    assert line.ask(0) == 0
    assert line.read().reset == 0
    assert line.ask(3) == 0
    assert line.ask(0) == 0
    assert line.left() == 0


def test_a_retry_before_its_time_makes_the_wait_longer() -> None:
    line = counted(meter("bucket", 3, extend=10.0))
    assert [line.ask(1) for _ in range(4)] == [0, 0, 0, 20.0]
    assert line.ask(1) == pytest.approx(30.0)
    line.now = 25.0
    reading = line.read()
    assert (reading.used, reading.wait, reading.reset) == pytest.approx((3, 5, 35))
    assert line.left() == 0
    assert line.ask(1) == pytest.approx(15.0)
    line.now = 40.0
    assert line.ask(1) == 0


def test_who_is_held_off_is_not_longer_so_by_others_that_settle() -> None:
    line = counted(meter("bucket", 3, extend=10.0))
    assert [line.ask(1) for _ in range(4)] == [0, 0, 0, 20.0]
    line.now = 1.0
    line.settle(0.0, 2)
    reading = line.read()
    assert (reading.used, reading.wait, reading.reset) == pytest.approx((3, 19, 19))


def test_settling_gives_back_to_the_window_it_was_taken_from() -> None:
    line = counted(meter("fixed", 10, window=10.0))
    assert line.ask(8) == 0
    line.now = 5.0
    line.settle(0.0, 5)
    assert line.left() == 7
    line.now = 12.0
    assert line.ask(4) == 0
    line.settle(0.0, 3)
    assert line.left() == 6
    line.settle(0.0, -2)
    assert line.left() == 4

    line = counted(meter("sliding", 10, window=10.0))
    assert line.ask(8) == 0
    line.now = 5.0
    line.settle(0.0, 5)
    assert line.left() == 7
    line.now = 30.0
    line.settle(0.0, 3)
    assert line.left() == 10


def test_a_gauge_counts_what_is_under_way() -> None:
    line = counted(meter("gauge", 2))
    assert [line.ask(1) for _ in range(3)] == [0, 0, 1.0]
    assert line.read().reset == 1.0
    line.now = 1000.0
    assert line.ask(1) == 1.0
    line.settle(0.0, 1)
    assert [line.ask(1) for _ in range(2)] == [0, 1.0]


@pytest.mark.parametrize("limit", [3e-9, 1e-6, 0.03, 5, 10**12])
def test_a_budget_lets_the_request_through_that_spends_the_last_of_it(limit: float) -> None:
    line = counted(meter("budget", limit, 0))
    for _ in range(10):
        assert line.ask(0) == 0
        line.settle(0.0, -limit / 10)
    line.now = 1e9
    assert line.ask(0) == math.inf
    reading = line.read()
    assert reading.used == pytest.approx(limit)
    assert reading.reset == math.inf


def test_a_limit_that_was_lowered_makes_nobody_wait_for_the_old_one() -> None:
    line = counted(meter("bucket", 1000))
    assert line.ask(900) == 0
    line.charge = replace(line.charge, limit=3)
    assert line.ask(1) == 20.0
    line.charge = replace(line.charge, limit=1000)
    assert line.left() == 997


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("amount", [4.0, -4.0, 0.0])
def test_a_reading_is_told_as_it_will_be_once_it_is_corrected(kind: Kind, amount: float) -> None:
    line = counted(meter(kind, 10, 5))
    assert line.ask(5) == 0
    used, _, reset = corrected(line.charge, line.read(), amount)
    line.settle(0.0, amount)
    found = line.read()
    assert (used, reset) == pytest.approx((found.used, found.reset))


def test_nothing_used_resets_at_once() -> None:
    line = counted(meter("fixed", 10, 5))
    assert line.ask(5) == 0
    used, _, reset = corrected(line.charge, line.read(), 9.0)
    assert (used, reset) == (0.0, 0.0)
