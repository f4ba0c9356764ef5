"""What is charged in one go is charged as step by step."""

from __future__ import annotations

from random import Random
from typing import get_args

import pytest

from mockdock.engine import meters
from mockdock.engine.meters import Algorithm, Charge, Reading, State
from mockdock.engine.spending import Till

ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)


def step_by_step(charge: Charge, state: State, now: float) -> tuple[State, Reading] | None:
    if not meters.read(charge, state, now).fits:
        return None
    after = meters.take(charge, state, now, charge.cost)
    return after, meters.read(charge, after, now)


def walk(algorithm: Algorithm, seed: int) -> tuple[int, int]:
    """Charge and correct a meter at random, and count how often a cost fitted, and did not."""
    rng = Random(seed)
    till, place = Till(9), (7, "k")
    state: State = ()
    now, fitted, refused = rng.uniform(0, 1000), 0, 0
    limit = rng.choice([1.0, 3.0, 60.0, 500.0])
    for _ in range(60):
        now += rng.choice([0.0, 0.0, 0.001, 0.4, 7.0, 61.0, -5.0])
        if rng.random() < 0.05:
            limit = rng.choice([1.0, 2.0, 40.0, 500.0])  # it may become lower
        cost = rng.choice([0.0, 1.0, limit / 3, limit, limit * 2, rng.uniform(0, limit)])
        charge = Charge("k", algorithm, limit, cost, extend=rng.choice([0.0, 2.0]))
        expected = step_by_step(charge, state, now)
        levels = till.pay(7, [charge], now)
        if expected is None:
            refused += 1
            assert levels is None
            assert till.values.get(place, ()) == state
            state = meters.refuse(charge, state, now)
            assert till.refuse(7, [charge], now) == ((meters.read(charge, state, now),), (0,))
        else:
            fitted += 1
            state, reading = expected
            assert levels == (reading,)
        assert till.values[place] == state
        if rng.random() < 0.5:
            amount = rng.choice([cost, -1.0, cost / 2, 1.0])
            state = meters.give_back(charge, state, now - 0.5, now, amount)
            till.give_back(7, charge, now - 0.5, now, amount)
            assert till.values[place] == state
    return fitted, refused


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_charge_in_one_go_is_what_it_is_step_by_step(algorithm: Algorithm) -> None:
    fitted, refused = map(sum, zip(*(walk(algorithm, seed) for seed in range(40)), strict=True))
    assert fitted > 100
    assert refused > 100
