"""When each frame is due: ttft, then one itl a token, drawn only when asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.delivery import schedule
from mockdock.frames import Delay, Frame, Pacing

FIXED = Pacing(Delay(low=0.5), Delay(low=0.1))
UNIFORM = Pacing(Delay("uniform", 0.2, 0.4), Delay("uniform", 0.01, 0.03))
LOGNORMAL = Pacing(Delay("lognormal", 0.3, 2.0, 0.4), Delay("lognormal", 0.02, 0.1, 0.5))


def dues(
    tokens: list[int], pacing: Pacing | None, seed: int = 1, start: float = 0.0
) -> list[float]:
    frames = [Frame(b"x", count) for count in tokens]
    timed = list(schedule(frames, pacing, Random(seed), start))
    assert [frame for _, frame in timed] == frames
    return [due for due, _ in timed]


def test_without_pacing_all_is_due_at_the_start() -> None:
    assert dues([0, 1, 5], None, start=7.0) == [7.0] * 3
    assert [due for due, _ in schedule([Frame(b"", 1)], FIXED, None, 7.0)] == [7.0]
    assert list(schedule([], FIXED, Random(1), 0.0)) == []


def test_the_first_token_comes_after_ttft_and_each_later_one_an_itl_after_it() -> None:
    assert dues([1, 1, 1, 1], FIXED, start=10.0) == pytest.approx([10.5, 10.6, 10.7, 10.8])


def test_a_frame_of_several_tokens_is_due_with_its_last() -> None:
    assert dues([3, 1, 2], FIXED) == pytest.approx([0.7, 0.8, 1.0])


def test_frames_without_tokens_leave_with_the_one_before_or_with_the_first_token() -> None:
    role, first, empty, second, end, done = dues([0, 1, 0, 1, 0, 0], FIXED)
    assert role == first == empty == 0.5
    assert second == end == done == pytest.approx(0.6)


def test_a_reply_without_any_token_comes_after_ttft() -> None:
    assert dues([0, 0], FIXED) == [0.5, 0.5]


def test_the_default_pace_takes_no_time() -> None:
    assert dues([0, 1, 9], Pacing(), start=3.0) == [3.0] * 3


counts = st.lists(st.integers(0, 4), min_size=1, max_size=20)
paces = st.sampled_from([FIXED, UNIFORM, LOGNORMAL, Pacing(), Pacing(itl=Delay(low=0.1))])


@given(counts, paces, st.integers(0, 99))
def test_a_plain_reply_takes_as_long_as_its_stream(
    tokens: list[int], pacing: Pacing, seed: int
) -> None:
    assert dues([sum(tokens)], pacing, seed) == dues(tokens, pacing, seed)[-1:]


@given(counts, paces, st.integers(0, 99))
def test_no_frame_is_due_before_the_one_before(
    tokens: list[int], pacing: Pacing, seed: int
) -> None:
    made = dues(tokens, pacing, seed, start=5.0)
    assert made[0] >= 5.0
    assert all(before <= after for before, after in pairwise(made))


def gaps(pacing: Pacing, count: int) -> list[float]:
    return [after - before for before, after in pairwise(dues([1] * count, pacing))]


def test_uniform_delays_stay_between_their_ends_and_vary() -> None:
    made = gaps(UNIFORM, 2000)
    assert all(0.01 - 1e-9 <= gap <= 0.03 + 1e-9 for gap in made)
    assert sum(made) / len(made) == pytest.approx(0.02, rel=0.05)
    assert min(made) < 0.011
    assert max(made) > 0.029
    assert 0.2 <= dues([1], UNIFORM)[0] <= 0.4


def test_lognormal_delays_have_their_median_and_never_pass_their_maximum() -> None:
    made = sorted(gaps(LOGNORMAL, 4001))
    assert made[2000] == pytest.approx(0.02, rel=0.05)
    assert made[-1] <= 0.1 + 1e-9
    # At sigma 0.5 one standard deviation is a factor of e^0.5.
    assert made[int(4000 * 0.841)] == pytest.approx(0.02 * math.exp(0.5), rel=0.1)


def test_the_same_chance_gives_the_same_times_and_another_others() -> None:
    assert dues([1] * 9, LOGNORMAL, seed=1) == dues([1] * 9, LOGNORMAL, seed=1)
    assert dues([1] * 9, LOGNORMAL, seed=1) != dues([1] * 9, LOGNORMAL, seed=2)


class _Counted(Random):
    """Counts how often something is drawn."""

    drawn = 0

    def random(self) -> float:
        self.drawn += 1
        return super().random()


def test_nothing_is_drawn_or_made_before_it_is_asked_for() -> None:
    made: list[int] = []

    def frames() -> Iterator[Frame]:
        for number in range(1000):
            made.append(number)
            yield Frame(b"x", 1)

    rng = _Counted(1)
    timed = schedule(frames(), UNIFORM, rng, 0.0)
    assert (rng.drawn, made) == (0, [])
    next(timed)
    assert (rng.drawn, made) == (1, [0])
    list(islice(timed, 4))
    assert (rng.drawn, made) == (5, [0, 1, 2, 3, 4])


def test_a_fixed_pace_draws_nothing() -> None:
    rng = _Counted(1)
    list(schedule([Frame(b"x", 50)], FIXED, rng, 0.0))
    assert rng.drawn == 0


def test_a_pace_does_not_drift_over_a_long_stream() -> None:
    assert dues([1] * 100_001, Pacing(itl=Delay(low=0.1)))[-1] == pytest.approx(10_000.0, abs=1e-9)


# --- the prompt, jitter, and load


def test_the_prompt_is_read_before_the_first_token() -> None:
    pacing = Pacing(Delay(low=0.5), Delay(low=0.1), prefill=1000.0)
    frames = [Frame(b"x", 1)] * 3

    def made(prompt: int) -> list[float]:
        return [due for due, _ in schedule(frames, pacing, Random(1), 0.0, prompt=prompt)]

    assert made(0) == pytest.approx([0.5, 0.6, 0.7])
    assert made(2500) == pytest.approx([3.0, 3.1, 3.2])
    assert [due for due, _ in schedule(frames, FIXED, Random(1), 0.0, prompt=9)] == dues(
        [1] * 3, FIXED
    )


@pytest.mark.parametrize("sigma", [0.2, 0.6, 1.0])
@pytest.mark.parametrize("itl", [Delay(low=0.02), Delay("uniform", 0.01, 0.03)])
def test_jitter_varies_the_gaps_and_keeps_their_mean(itl: Delay, sigma: float) -> None:
    made = gaps(Pacing(itl=itl, jitter=sigma), 20_001)
    assert sum(made) / len(made) == pytest.approx(0.02, rel=0.05)
    # The median of a lognormal factor of mean 1 lies below it.
    assert sorted(made)[10_000] < 0.02
    assert min(made) > 0
    assert max(made) > 0.02 * math.exp(2 * sigma)


def test_jitter_leaves_the_first_token_alone() -> None:
    assert dues([1], Pacing(Delay(low=0.5), Delay(low=0.1), jitter=1.0)) == [0.5]


jittered = st.builds(
    Pacing,
    st.just(Delay(low=0.5)),
    st.sampled_from([Delay(low=0.1), UNIFORM.itl]),
    st.sampled_from([None, 100.0]),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from([None, 2]),
)


@given(counts, jittered, st.integers(0, 99), st.integers(1, 9))
def test_under_load_too_a_plain_reply_takes_as_long_as_its_stream(
    tokens: list[int], pacing: Pacing, seed: int, load: int
) -> None:
    def due(counted: list[int]) -> list[float]:
        frames = [Frame(b"x", count) for count in counted]
        slow = lambda capacity: max(1.0, load / (capacity or load))  # noqa: E731
        timed = schedule(frames, pacing, Random(seed), 5.0, prompt=50, slowness=slow)
        return [due for due, _ in timed]

    made = due(tokens)
    assert due([sum(tokens)])[-1] == pytest.approx(made[-1])
    assert all(before <= after for before, after in pairwise(made))


def test_above_its_capacity_all_becomes_slower_while_it_lasts() -> None:
    pacing = Pacing(Delay(low=0.5), Delay(low=0.1), prefill=100.0, capacity=4)
    load = [2.0]
    asked: list[int | None] = []

    def slowness(capacity: int | None) -> float:
        asked.append(capacity)
        return load[0]

    frames = [Frame(b"x", 1)] * 4
    timed = schedule(frames, pacing, Random(1), 0.0, prompt=50, slowness=slowness)
    made = [next(timed)[0], next(timed)[0]]
    load[0] = 1.0
    made += [due for due, _ in timed]
    assert made == pytest.approx([2.0, 2.2, 2.3, 2.4])
    assert set(asked) == {4}


def test_without_a_capacity_nobody_is_slowed_down() -> None:
    asked: list[int | None] = []

    def slowness(capacity: int | None) -> float:
        asked.append(capacity)
        return 1.0

    frames = [Frame(b"x", 1)] * 3
    timed = schedule(frames, FIXED, Random(1), 0.0, slowness=slowness)
    assert [due for due, _ in timed] == dues([1] * 3, FIXED)
    assert asked in ([], [None]), "not for every token"
