"""What a process holds is given back where it dies: exactly, once, and to nobody else's harm."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.engine.meters import Charge
from mockdock.engine.store import Pick, Step
from mockdock.shared import Link, RedisStore
from mockdock.shared.lease import Lease
from tests.stores import AtOnce, Redis

MINE, OURS = (Charge("running", "gauge", 3, 1, shared=shared) for shared in (False, True))
SOON = 0.005

Stores = Callable[[str], RedisStore]


@pytest.fixture
def stores(redis: Redis) -> Iterator[Stores]:
    """Make stores, each as that of a process of its own."""
    made: list[RedisStore] = []

    def make(url: str) -> RedisStore:
        made.append(RedisStore(Link(url, patience=20.0)))
        return made[-1]

    yield make
    for each in made:
        each.close()
        each.link.close()


def take(store: RedisStore, *charges: Charge) -> Pick:
    return AtOnce(store).decide(Step("s", "r", charges=charges or (MINE, OURS)))


def leave(store: RedisStore, pick: Pick, *charges: Charge) -> None:
    amounts = [(each, 1.0) for each in charges or (MINE, OURS)]
    AtOnce(store).settle("s", pick.serial, amounts, taken=0, now=0)


def used(store: RedisStore, *charges: Charge) -> list[float]:
    return [each.used for each in store.read("s", charges or (MINE, OURS), 0)]


def key(store: RedisStore) -> bytes:
    return store.link.key(f"lease:{store._lease.holder}")


def cut_off(store: RedisStore) -> None:
    """Let it be so long that a process told that it lives that it is taken for dead."""
    assert store.link.command(b"UNLINK", key(store)) == 1


def until(holds: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(SOON)


def test_what_a_process_held_is_free_again_once_it_is_dead(redis: Redis, stores: Stores) -> None:
    url = redis.url()
    killed, other = stores(url), stores(url)
    for store in (killed, killed, other):
        assert take(store).refusers == ()
    assert take(other).refusers == (0, 1)
    assert 10_000 < killed.link.command(b"PTTL", key(killed)) <= 15_000
    killed.link.command(b"PEXPIRE", key(killed), b"1")
    until(lambda: used(other) == [1, 1])
    assert other.peek(Step("s", "r", charges=(MINE, OURS))).readings[0].used == 1
    assert [take(other).readings[0].used for _ in range(2)] == [2, 3]
    assert take(other).refusers == (0, 1)


def test_a_process_that_was_cut_off_and_comes_back_gives_nothing_back_twice(
    redis: Redis, stores: Stores
) -> None:
    url = redis.url()
    one, other = stores(url), stores(url)
    first = take(one)
    theirs = take(other)
    cut_off(one)
    second = take(one)
    assert used(other) == [2, 2]
    leave(one, first)
    assert used(other) == [2, 2]
    leave(one, second)
    assert used(other) == [1, 1]
    leave(one, second)
    assert used(other) == [1, 1]
    leave(other, theirs)
    assert used(one) == [0, 0]


def test_a_process_holds_what_it_holds_for_as_long_as_it_lives(
    redis: Redis, stores: Stores
) -> None:
    store = stores(redis.url())
    store._lease = Lease(store.link, renew=SOON)
    pick = take(store)
    for _ in range(2):
        store.link.command(b"EXPIRE", key(store), b"2")
        until(lambda: store.link.command(b"TTL", key(store)) > 2)
    leave(store, pick)
    assert used(store) == [0, 0]


def test_a_process_that_was_taken_for_dead_is_not_held_to_live(
    redis: Redis, stores: Stores
) -> None:
    """What it holds no more does not come back, when it tells that it lives after all."""
    store = stores(redis.url())
    take(store)
    cut_off(store)
    assert store._lease._tell(b"renew")
    assert used(store) == [0, 0]


def test_a_process_that_ends_holds_nothing(redis: Redis, stores: Stores) -> None:
    url = redis.url()
    ended, other = stores(url), stores(url)
    take(ended)
    take(other)
    ended.close()
    assert used(other) == [1, 1]
    assert ended._lease._thread is None


def test_who_holds_nothing_has_no_lease(redis: Redis, stores: Stores) -> None:
    store = stores(redis.url())
    take(store, Charge("m", "bucket", 9, 1))
    store.peek(Step("s", "r", charges=[MINE]))
    assert store._lease._thread is None
    assert store.link.command(b"EXISTS", key(store)) == 0


def test_it_is_told_again_after_an_outage(doomed: Redis, stores: Stores) -> None:
    store = RedisStore(Link(doomed.url(), patience=0.1))
    store._lease = Lease(store.link, renew=SOON)
    take(store)
    doomed.stop()
    until(store.link.is_away)
    doomed.start()
    until(lambda: not store.link.is_away())
    pick = take(store)
    store.link.command(b"EXPIRE", key(store), b"2")
    until(lambda: store.link.command(b"TTL", key(store)) > 2)
    leave(store, pick)
    assert used(store) == [0, 0]
    store.close()
    store.link.close()


deeds = st.lists(
    st.tuples(
        st.sampled_from(["take", "take", "leave", "leave", "die", "reset", "reset_all"]),
        st.integers(0, 2),
        st.integers(0, 9),
    ),
    max_size=30,
)


@pytest.fixture(scope="module")
def crew(redis: Redis) -> Iterator[list[RedisStore]]:
    """Give three processes that share a store."""
    url = redis.url()
    made = [RedisStore(Link(url, patience=20.0)) for _ in range(3)]
    yield made
    for each in made:
        each.close()
        each.link.close()


@dataclass(eq=False)
class _Held:
    """What was taken, by whom, and which meters count it still."""

    by: RedisStore
    pick: Pick
    counts: set[str]


class _Story:
    """What happens to processes that share a store, and what they hold then."""

    def __init__(self, crew: list[RedisStore]) -> None:
        self.held: list[_Held] = []
        crew[0].reset()
        for each in crew:
            each.link.command(b"UNLINK", key(each))

    def take(self, store: RedisStore, _: int) -> None:
        full = used(store, OURS) == [OURS.limit]
        pick = take(store)
        assert bool(pick.refusers) is full
        if not full:
            self.held.append(_Held(store, pick, {"mine", "ours"}))

    def leave(self, store: RedisStore, number: int) -> None:
        if own := [each for each in self.held if each.by is store]:
            gone = own[number % len(own)]
            self.held.remove(gone)
            leave(store, gone.pick)

    def die(self, store: RedisStore, _: int) -> None:
        store.link.command(b"UNLINK", key(store))
        for each in self.held:
            if each.by is store:
                each.counts.clear()

    def reset(self, store: RedisStore, _: int) -> None:
        store.reset("s")
        for each in self.held:
            each.counts.discard("mine")

    def reset_all(self, store: RedisStore, _: int) -> None:
        store.reset()
        for each in self.held:
            each.counts.clear()


@given(deeds)
@settings(max_examples=100)
def test_whoever_dies_what_is_held_is_what_the_living_hold(
    crew: list[RedisStore], deeds: list[tuple[str, int, int]]
) -> None:
    story = _Story(crew)
    for deed, which, number in deeds:
        getattr(story, deed)(crew[which], number)
        assert used(crew[number % 3]) == [
            sum(name in each.counts for each in story.held) for name in ("mine", "ours")
        ]
