"""Clients judged: honest ones pass, naive ones fail where they are naive, herds show."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mockdock.observe.audit import audit, failure_text
from mockdock.observe.audit.herd import _by_chance
from mockdock.policy import POLICIES, Herd, Policy
from tests.effort import examples
from tests.observe.audit.helpers import (
    Asked,
    Client,
    Reply,
    only,
    openai_wait,
    record,
    verdicts,
)

OPENAI = POLICIES["openai-python"]
LIMITED = Reply(429, {"retry-after-ms": "20000", "retry-after": "20"}, "rate_limit_exceeded")


def storms() -> list[list[Reply]]:
    """Say what the server answers, call by call."""
    return [
        [Reply()],
        [LIMITED, Reply()],
        [LIMITED, LIMITED, Reply()],
        [Reply(500), Reply(503), Reply()],
        [Reply(503), Reply(503), Reply(503)],
        [Reply(400)],
        [Reply(401)],
        [Reply(429, {"retry-after": "121"})],
        [Reply(429, {"retry-after": "0"}), Reply()],
        [Reply(400, {"x-should-retry": "true"}), Reply()],
        [Reply(503, {"x-should-retry": "false"})],
        [Reply(429, {}, "insufficient_quota"), Reply()],
    ]


def scripted(replies: list[Reply]) -> Callable[[float, int], Reply]:
    """Answer attempt by attempt."""
    return lambda _, tried: replies[tried - 1]


@pytest.mark.parametrize("seed", range(5))
def test_an_honest_openai_python_passes_its_policy(seed: int) -> None:
    client = Client(openai_wait(Random(seed)), most=3, counts=True)
    numbers = itertools.count(1)
    made = []
    for index, replies in enumerate(storms()):
        made += client.run(index * 200.0, scripted(replies), numbers, f"call {index}")
    found = audit(made, OPENAI)
    assert {line.name: line.verdict for line in found.lines} == {
        "max_attempts": "ok",
        "retry": "ok",
        "never": "ok",
        "retry_after": "ok",
        "backoff": "ok",
        "cancelled_streams": "not seen",
    }
    assert len(found.calls) == len(storms())
    assert found.figures.premature == 0


def naive(reply: Reply, tried: int) -> float | None:
    """Wait a second, whatever was said."""
    del reply, tried
    return 1.0


def test_a_naive_client_fails_exactly_the_lines_it_breaks() -> None:
    client = Client(naive, most=3)
    numbers = itertools.count(1)
    made = client.run(0.0, scripted([LIMITED, LIMITED, Reply()]), numbers, "a")
    made += client.run(100.0, scripted([Reply(503), Reply()]), numbers, "b")
    made += client.run(200.0, lambda _, __: Reply(400), numbers, "c")
    found = audit(made, OPENAI)
    told = {line.name: (line.verdict, line.seen, line.failed) for line in found.lines}
    assert told == {
        "max_attempts": ("ok", 3, 0),
        "retry": ("ok", 3, 0),
        "never": ("failed", 3, 2),
        "retry_after": ("failed", 2, 2),
        "backoff": ("failed", 1, 1),
        "cancelled_streams": ("not seen", 0, 0),
    }
    assert [each.text for each in only(found, "retry_after").examples] == [
        "#1 -> #2: came after 1.00 s, 20.00 s were demanded (retry-after-ms)",
        "#2 -> #3: came after 1.00 s, 20.00 s were demanded (retry-after-ms)",
    ]
    assert [each.records for each in only(found, "never").examples] == [(6, 7), (7, 8)]
    assert only(found, "backoff").examples[0].text == (
        "#4 -> #5: came after 1.00 s, too late for 0.38 to 0.50 s"
    )
    assert found.figures.premature == 2


OUTAGE = 60.0


def outage(at: float, tried: int) -> Reply:
    """Fail for a minute."""
    del tried
    return Reply(503) if at < OUTAGE else Reply()


def herd(jitter: float, seed: int = 1) -> list[dict[str, object]]:
    """Let 200 clients hit the outage at once, with exponential backoff up to 16 s."""
    rng, numbers = Random(seed), itertools.count(1)

    def wait(reply: Reply, tried: int) -> float:
        del reply
        return min(2.0 ** (tried - 1), 16.0) * (1 - jitter * rng.random())

    client = Client(wait, most=30, counts=True)
    return [
        each
        for index in range(200)
        for each in client.run(index / 1000, outage, numbers, f"client {index}")
    ]


HERD = Policy(herd=Herd())


def test_200_clients_after_an_outage_show_the_herd_when_they_wait_alike() -> None:
    found = audit(herd(jitter=0.0), HERD)
    assert only(found, "herd").verdict == "failed"
    assert found.figures.herd_index is not None
    assert found.figures.herd_index > 0.95
    assert found.figures.share_recovered == 1.0
    assert len(found.calls) == 200
    (only_one,) = found.figures.outages
    assert (only_one.hit, only_one.recovered) == (200, 200)
    words = failure_text(found)
    assert "herd: retries do not come all at once: a herd index of at most 0.6; broken 1" in words
    assert "herd index 1.00, outages 1, time to recover 0.20 s" in words


@pytest.mark.parametrize("jitter", [0.5, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_200_clients_with_jitter_show_none(jitter: float, seed: int) -> None:
    found = audit(herd(jitter, seed), HERD)
    assert only(found, "herd").verdict == "ok"
    assert found.figures.herd_index is not None
    assert found.figures.herd_index < 0.5


def test_the_same_retry_after_for_all_makes_a_herd_even_with_one_retry_each() -> None:
    numbers = itertools.count(1)
    client = Client(openai_wait(Random(1)), most=3, counts=True)
    made = [
        each
        for index in range(200)
        for each in client.run(
            index / 1000,
            lambda at, _: Reply(429, {"retry-after": "60"}) if at < 60 else Reply(),
            numbers,
            f"client {index}",
        )
    ]
    judged = audit(made, replace(OPENAI, herd=Herd()))
    assert only(judged, "herd").verdict == "failed"
    assert only(judged, "retry_after").verdict == "ok"


def test_200_equal_requests_in_one_session_are_still_200_calls() -> None:
    numbers = itertools.count(1)
    client = Client(openai_wait(Random(7)), most=3, counts=True)
    made = [
        each
        for index in range(200)
        for each in client.run(
            index / 100, lambda _, tried: Reply(200 if tried > 2 else 500), numbers
        )
    ]
    found = audit(made, OPENAI)
    assert len(found.calls) == 200
    assert {len(call.attempts) for call in found.calls} == {3}
    assert verdicts(made, OPENAI)["backoff"] == "ok"


@pytest.mark.parametrize(("count", "judged"), [(19, False), (20, True)])
def test_a_few_retries_make_no_herd(count: int, judged: bool) -> None:
    numbers = itertools.count(1)
    client = Client(lambda _, __: 60.0, most=2, counts=True)
    made = [
        each
        for index in range(count)
        for each in client.run(0.0, lambda _, __: Reply(503), numbers, f"client {index}")
    ]
    found = audit(made, HERD)
    assert only(found, "herd").verdict == ("failed" if judged else "not seen")


def test_retries_of_the_same_moment_as_their_failures_cannot_be_spread() -> None:
    numbers = itertools.count(1)
    client = Client(lambda _, __: 0.01, most=2, counts=True)
    made = [
        each
        for index in range(50)
        for each in client.run(0.0, lambda _, __: Reply(503), numbers, f"client {index}")
    ]
    assert audit(made, HERD).figures.herd_index is None


def come_back(*times: tuple[float, float]) -> list[Asked]:
    """Make the records of calls that fail once, each with when it fails and comes back."""
    return [
        record(2 * call + late, at, 200 if late else 503, user=f"call {call}", headers=counted)
        for call, (failed, back) in enumerate(times)
        for late, at in enumerate((failed, back))
        for counted in ({"x-stainless-retry-count": str(late)},)
    ]


@settings(deadline=None, max_examples=examples(30))
@given(bins=st.sets(st.integers(0, 3000), min_size=20, max_size=60))
def test_retries_that_all_come_in_bins_of_their_own_are_no_herd(bins: set[int]) -> None:
    found = audit(come_back(*((each / 10, each / 10 + 1.05) for each in bins)), HERD)
    assert (only(found, "herd").verdict, found.figures.herd_index) == ("ok", 0.0)


@settings(deadline=None, max_examples=examples(30))
@given(waits=st.lists(st.floats(0.2, 50), min_size=20, max_size=60))
def test_retries_that_all_come_in_one_bin_are_a_herd(waits: list[float]) -> None:
    found = audit(come_back(*((100 - each, 100) for each in waits)), HERD)
    assert only(found, "herd").verdict == "failed"
    assert found.figures.herd_index == pytest.approx(1.0)


def test_a_client_that_asks_one_after_the_other_and_waits_as_told_is_no_herd() -> None:
    made = come_back(*((3.0 * each, 3.0 * each + 2.9) for each in range(40)))
    found = audit(made, HERD)
    assert (found.ok, found.figures.herd_index) == (True, 0.0)


@given(count=st.integers(20, 3000), bins=st.integers(2, 3000))
def test_chance_gives_a_share_between_even_and_all(count: int, bins: int) -> None:
    fullest = -(-min(bins, count) // 10)
    assert fullest / bins - 0.01 <= _by_chance(count, bins, fullest) < 0.99


def test_retries_spread_evenly_have_an_index_near_0() -> None:
    rng, numbers = Random(5), itertools.count(1)
    client = Client(lambda _, __: rng.uniform(0, 60), most=2, counts=True)
    made = [
        each
        for index in range(300)
        for each in client.run(0.0, lambda _, __: Reply(503), numbers, f"client {index}")
    ]
    index = audit(made, HERD).figures.herd_index
    assert index is not None
    assert index < 0.1
