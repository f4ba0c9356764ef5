"""Metrics of several processes: any of them tells what one would that saw everything."""

from __future__ import annotations

import itertools
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, Literal, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockdock.errors import StoreError
from mockdock.observe import Metrics
from mockdock.observe.metrics import counting
from mockdock.shared import Link, RedisCells, RedisStore
from mockdock.shared.scripts import Script
from mockdock.shared.totals import metrics as told_of
from tests.observe.helpers import exchange
from tests.observe.metrics.helpers import samples, worth_counting
from tests.stores import Redis

T = TypeVar("T")
Trouble = Literal["", "unheard", "unanswered"]
Cells = Callable[..., RedisCells]

UP = ("mockdock_store_up",)
REQUESTS = ("mockdock_requests_total", "openai", "greet", "200")
STREAMS = ("mockdock_open_streams", "openai", "greet")
NOON = 43_200.0
LONG = 1000.0
"""Seconds that no test takes: what is sent then is sent by who tells, or at the end."""
SOON = 0.001
DAY = 86_400


class Shaky(Link):
    """A way to Redis on which questions, or answers to them, can be lost."""

    trouble: Trouble = ""

    def at_once(
        self, read: Callable[[bytes], T], verb: bytes, *payload: bytes, counts: bool = True
    ) -> T:
        """Ask, unless the question is lost."""
        if self.trouble == "unheard":
            raise StoreError("the question is lost")
        told = super().at_once(read, verb, *payload, counts=counts)
        if self.trouble:
            raise StoreError("the answer is lost")
        return told


@pytest.fixture
def cells() -> Iterator[Cells]:
    """Make cells, each of a process of its own, which are closed after the test."""
    made: list[tuple[RedisCells, Link]] = []

    def make(url: str, *, pause: float = LONG, renew: float = LONG, **bounds: int) -> RedisCells:
        link = Link(url, script=Script(**bounds), patience=20.0)
        made.append((RedisCells(link, pause=pause, renew=renew), link))
        return made[-1][0]

    yield make
    for each, link in made:
        each.close()
        link.close()


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time go by where exchanges are counted."""
    monkeypatch.setattr(counting, "monotonic", lambda: NOON)


def exchanges() -> list[Any]:
    """Give exchanges of every kind, which all end at noon."""
    now, kinds = time.monotonic(), []

    def moved(moment: float | None) -> float | None:
        return None if moment is None else NOON + round(moment - now, 3)

    for each in worth_counting():
        outcome = replace(each.outcome, began=moved(each.outcome.began))
        kinds.append(replace(each, came=moved(each.came), outcome=outcome))
    return kinds


def keys(link: Link) -> dict[str, int]:
    """Give all keys of a namespace, with the seconds they have left, -1 where they stay."""
    held = link.command(b"KEYS", link.key("*"))
    return {
        each.decode().removeprefix(link.key("").decode()): link.command(b"TTL", each)
        for each in held
    }


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    wait, end = threading.Event(), time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        wait.wait(0.002)


def told(metrics: Metrics) -> dict[tuple[str, ...], float]:
    return dict(samples(metrics.expose(0)))


def lies_within(now: dict[tuple[str, ...], float], before: dict[tuple[str, ...], float]) -> bool:
    """Tell whether no counter went back."""
    gauges = (UP[0], STREAMS[0])
    return all(
        number <= now[name] + 1e-9 for name, number in before.items() if name[0] not in gauges
    )


class Fleet:
    """Two processes with one store, and one that saw what both did."""

    def __init__(self, url: str) -> None:
        self.links = [Shaky(url, patience=20.0) for _ in range(2)]
        self.cells = [RedisCells(link, pause=LONG) for link in self.links]
        self.processes = [Metrics(each) for each in self.cells]
        self.one = Metrics()
        self.before: list[dict[tuple[str, ...], float]] = [{}, {}]
        self.ends: list[list[tuple[Callable[[], None], ...]]] = [[], []]

    def count(self, which: int, kind: int) -> None:
        """Count an exchange."""
        each = exchanges()[kind]
        for metrics in (self.processes[which], self.one):
            metrics.count(each)

    def begin(self, which: int, rule: int) -> None:
        """Begin a stream."""
        both = (self.processes[which], self.one)
        self.ends[which].append(tuple(each.begin("openai", f"rule {rule}") for each in both))

    def end(self, which: int, _: int) -> None:
        """End the stream that began last, where there is one."""
        if self.ends[which]:
            for end in self.ends[which].pop():
                end()

    def tell(self, which: int, _: int) -> None:
        """Be asked: counters never go back, whatever is lost."""
        now = told(self.processes[which])
        assert now[UP] == (not self.links[which].trouble)
        assert lies_within(now, self.before[which])
        self.before[which] = now

    def lose(self, which: int, kind: int) -> None:
        """Lose questions or answers from now on, or no more."""
        troubles: tuple[Trouble, ...] = ("", "unheard", "unanswered")
        self.links[which].trouble = troubles[kind % 3]

    def check(self) -> None:
        """Compare, once nothing is lost any more."""
        for link in self.links:
            link.trouble = ""
        for which in (0, 1, 0):
            self.tell(which, 0)
        expected = {**told(self.one), UP: 1}
        for each in (self.before[0], self.before[1]):
            assert each == pytest.approx(expected, rel=1e-12)

    def close(self) -> None:
        """End both."""
        for metrics, link in zip(self.processes, self.links, strict=True):
            metrics.close()
            link.close()


STORY = st.lists(
    st.tuples(
        st.sampled_from([Fleet.count, Fleet.begin, Fleet.end, Fleet.tell, Fleet.lose]),
        st.integers(0, 1),
        st.integers(0, 9),
    ),
    max_size=30,
)


@given(STORY)
@settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
def test_two_processes_tell_what_one_would_that_saw_both(
    redis: Redis, story: list[tuple[Callable[[Fleet, int, int], None], int, int]]
) -> None:
    """Nothing is counted twice or lost, whatever of questions and answers is."""
    with closing(Fleet(redis.url())) as fleet:
        for act, which, number in story:
            act(fleet, which, number)
        fleet.check()


def test_a_part_whose_answer_was_lost_counts_once(redis: Redis) -> None:
    with closing(Fleet(redis.url())) as fleet:
        fleet.count(0, 0)
        fleet.lose(0, 2)
        fleet.tell(0, 0)
        fleet.count(0, 0)
        fleet.tell(0, 0)
        assert fleet.before[0][REQUESTS] == 2
        fleet.check()
        assert fleet.before[1][REQUESTS] == 2


@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text; version=1.0.0"])
def test_the_exposition_is_that_of_one_process(redis: Redis, cells: Cells, accept: str) -> None:
    """Same names, labels, types and numbers, but for whether the store is up."""
    alone, here = Metrics(), Metrics(cells(redis.url()))
    for metrics in (alone, here):
        for each in exchanges():
            metrics.count(each)
        metrics.begin("openai", "greet")
    mine, shared = alone.expose(2, accept), here.expose(2, accept)
    assert shared.media_type == mine.media_type
    kinds = [
        {line for line in each.body.decode().splitlines() if line.startswith("# ")}
        for each in (mine, shared)
    ]
    assert {line for line in kinds[1] - kinds[0] if UP[0] not in line} == set()
    assert kinds[0] <= kinds[1]
    assert samples(shared) == pytest.approx({**samples(mine), UP: 1}, rel=1e-12)


@pytest.mark.parametrize(
    "rule", ['a "quoted" \\ rule\nin two lines', "ünïcode ✓", " ", "lone \ud800", "nul \x00 / \x1f"]
)
def test_any_name_of_a_rule_can_be_told(redis: Redis, cells: Cells, rule: str) -> None:
    url = redis.url()
    first, second = Metrics(cells(url)), Metrics(cells(url))
    for metrics in (first, second):
        metrics.count(exchange(rule=rule))
        metrics.begin("openai", rule)
    told(first)
    now = told(second)
    name = rule.replace("\ud800", "?")
    assert now["mockdock_requests_total", "openai", name, "200"] == 2
    assert now["mockdock_open_streams", "openai", name] == 2


def test_many_numbers_are_sent_in_parts(redis: Redis, cells: Cells) -> None:
    """A thousand rules with seven numbers each are more than one part."""
    url = redis.url()
    metrics = Metrics(cells(url))
    for number in range(1000):
        metrics.count(exchange(rule=f"rule {number}", came=NOON))
    told(metrics)
    now = told(Metrics(cells(url)))
    assert [now["mockdock_requests_total", "openai", f"rule {n}", "200"] for n in (0, 999)] == [
        1
    ] * 2
    assert sum(n for name, n in now.items() if name[0] == "mockdock_requests_total") == 1000


def test_what_is_counted_is_soon_known_to_all_and_then_nothing_goes_on(
    redis: Redis, cells: Cells
) -> None:
    url = redis.url()
    one = cells(url, pause=SOON)
    first, second = Metrics(one), Metrics(cells(url))
    for count in (1, 2):
        first.count(exchange())
        until(lambda: told(second).get(REQUESTS) == count)  # noqa: B023
        until(lambda: one._thread is None)


def test_threads_lose_no_count_while_it_is_sent(redis: Redis, cells: Cells) -> None:
    url = redis.url()
    processes = [Metrics(cells(url, pause=0)) for _ in range(2)]

    def work(metrics: Metrics) -> None:
        for _ in range(1500):
            metrics.count(exchange())

    threads = [threading.Thread(target=work, args=(each,)) for each in processes * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told(processes[0])
    now = told(processes[1])
    assert now[REQUESTS] == 6000
    assert now["mockdock_prompt_tokens_total", "openai", "greet"] == 6000 * 12


def test_streams_of_a_process_that_was_killed_are_forgotten_and_its_counts_are_not(
    redis: Redis, cells: Cells
) -> None:
    url = redis.url()
    killed, other = cells(url), Metrics(cells(url))
    metrics = Metrics(killed)
    metrics.count(exchange())
    metrics.begin("openai", "greet")
    other.begin("openai", "greet")
    told(metrics)
    assert told(other)[STREAMS] == 2
    link = killed._link
    key = f"open:{killed._process}"
    assert 0 < keys(link)[key] <= 60
    link.command(b"PEXPIRE", link.key(key), b"1")
    until(lambda: key not in keys(link))
    now = told(other)
    assert (now[STREAMS], now[REQUESTS]) == (1, 1)


def test_streams_that_take_long_are_renewed_until_they_end(redis: Redis, cells: Cells) -> None:
    url = redis.url()
    mine = cells(url, pause=SOON, renew=SOON)
    metrics, other = Metrics(mine), Metrics(cells(url))
    end = metrics.begin("openai", "greet")
    until(lambda: told(other).get(STREAMS) == 1)
    link, key = mine._link, f"open:{mine._process}"
    link.command(b"EXPIRE", link.key(key), b"30")
    until(lambda: keys(link)[key] > 30)
    end()
    until(lambda: mine._thread is None)
    assert not {key, "running"} & keys(link).keys()
    assert told(other)[STREAMS] == 0


def test_a_process_that_ends_sends_what_is_left_and_has_no_streams(
    redis: Redis, cells: Cells
) -> None:
    url = redis.url()
    ending, other = Metrics(cells(url)), Metrics(cells(url))
    ending.begin("openai", "greet")
    told(ending)
    ending.count(exchange())
    ending.close()
    now = told(other)
    assert (now[STREAMS], now[REQUESTS]) == (0, 1)


def test_a_reset_takes_nothing_back(redis: Redis, cells: Cells) -> None:
    mine = cells(redis.url())
    metrics = Metrics(mine)
    metrics.count(exchange())
    before = told(metrics)
    RedisStore(mine._link).reset()
    assert told(metrics) == before


@contextmanager
def away(redis: Redis, links: list[Link]) -> Iterator[None]:
    """Let Redis be away, and what it kept be lost."""
    redis.stop(signal.SIGKILL)
    yield
    redis.start()
    for link in links:
        link._health._again = 0.0


def test_while_redis_is_away_numbers_go_on_and_where_it_lost_them_they_begin_anew(
    doomed: Redis, cells: Cells
) -> None:
    url = doomed.url()
    made = [cells(url), cells(url)]
    mine, other = map(Metrics, made)
    for metrics in (mine, other):
        metrics.count(exchange())
        metrics.begin("openai", "greet")
        told(metrics)
    assert (told(mine)[REQUESTS], told(mine)[STREAMS], told(mine)[UP]) == (2, 2, 1)
    with away(doomed, [each._link for each in made]):
        for _ in range(3):
            mine.count(exchange())
        now = told(mine)
        assert (now[REQUESTS], now[STREAMS], now[UP]) == (5, 1, 0)
    now = told(mine)
    assert (now[REQUESTS], now[STREAMS], now[UP]) == (3, 1, 1)
    other.count(exchange())
    told(other)
    now = told(mine)
    assert (now[REQUESTS], now[STREAMS]) == (4, 2)


def test_a_process_that_never_saw_redis_tells_its_own_numbers(doomed: Redis, cells: Cells) -> None:
    mine = cells(doomed.url())
    metrics = Metrics(mine)
    with away(doomed, [mine._link]):
        metrics.count(exchange())
        now = told(metrics)
        assert (now[REQUESTS], now[UP]) == (1, 0)
    now = told(metrics)
    assert (now[REQUESTS], now[UP]) == (1, 1)


def test_what_a_redis_that_stood_still_finds_in_its_socket_counts_once(
    doomed: Redis, cells: Cells
) -> None:
    url = doomed.url()
    link = Link(url, patience=0.1)
    mine = RedisCells(link, pause=LONG)
    metrics = Metrics(mine)
    metrics.count(exchange())
    told(metrics)
    doomed.tell(signal.SIGSTOP)
    metrics.count(exchange())
    assert told(metrics)[UP] == 0
    doomed.tell(signal.SIGCONT)
    link._health._again = 0.0
    assert told(Metrics(cells(url)))[REQUESTS] in (1, 2)
    link._patience = 20.0
    until(lambda: told(metrics)[UP] == 1)
    assert told(metrics)[REQUESTS] == 2
    mine.close()
    link.close()


def test_what_can_no_longer_be_sent_is_told_in_the_log(
    doomed: Redis, cells: Cells, caplog: pytest.LogCaptureFixture
) -> None:
    mine = cells(doomed.url())
    metrics = Metrics(mine)
    with away(doomed, [mine._link]), caplog.at_level(logging.WARNING, "mockdock"):
        metrics.count(exchange())
        metrics.close()
    (message,) = caplog.messages
    assert message.startswith("the metrics lack what this process counted last: the store at")


def test_names_beyond_so_many_of_all_processes_are_counted_as_other(
    redis: Redis, cells: Cells
) -> None:
    url = redis.url()
    processes = [Metrics(cells(url, most_names=10)) for _ in range(2)]
    numbers = itertools.count()
    for _, metrics in itertools.product(range(8), processes):
        rule = f"rule {next(numbers)}"
        metrics.count(exchange(rule=rule))
        metrics.begin("openai", rule)
    told(processes[1])
    now = told(processes[0])
    for family in ("mockdock_requests_total", "mockdock_open_streams"):
        by_rule = {name[2]: number for name, number in now.items() if name[0] == family}
        assert len(by_rule) == 11
        assert by_rule["other"] == 6
        assert sum(by_rule.values()) == 16


def test_nothing_is_kept_longer_than_a_day(redis: Redis, cells: Cells) -> None:
    mine = cells(redis.url())
    metrics = Metrics(mine)
    for each in exchanges():
        metrics.count(each)
    metrics.begin("openai", "greet")
    told(metrics)
    link = mine._link
    held = keys(link)
    assert held.keys() == {
        *("totals", "named", "running"),
        *(f"{name}:{mine._process}" for name in ("open", "counted")),
    }
    assert all(0 < seconds <= DAY for seconds in held.values())
    for each in held:
        link.command(b"EXPIRE", link.key(each), b"30")
    metrics.count(exchange())
    told(metrics)
    assert min(keys(link).values()) > 30


def test_what_another_version_counted_is_left_out() -> None:
    totals = {
        "mockdock_requests openai 200 greet": 2.0,
        "mockdock_unheard_of openai  greet": 1.0,
        "mockdock_reply_duration_seconds openai 0.33 greet": 1.0,
        "mockdock_reply_duration_seconds openai sum greet": 7.0,
    }
    found = [each for family in told_of(totals, up=True) for each in family.samples]
    numbers = {each.name: each.value for each in found if not each.name.endswith("_bucket")}
    assert numbers == {
        "mockdock_requests_total": 2,
        "mockdock_reply_duration_seconds_count": 0,
        "mockdock_reply_duration_seconds_sum": 7,
        UP[0]: 1,
    }
