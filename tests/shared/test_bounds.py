"""Nothing in Redis grows without bound, and nothing stays for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest

from mockdock.engine.meters import Charge
from mockdock.engine.store import Candidate, Pick, Step
from mockdock.shared import Link, RedisStore
from mockdock.shared.scripts import KEPT, Script
from tests.stores import AtOnce, Redis

Per = Literal["session", "request", "server"]
Make = Callable[..., RedisStore]

DAY = 86_400


@pytest.fixture
def made(redis: Redis) -> Iterator[Make]:
    """Make stores with bounds of their own."""
    stores: list[RedisStore] = []

    def make(**bounds: int) -> RedisStore:
        stores.append(RedisStore(Link(redis.url(), script=Script(**bounds), patience=20.0)))
        return stores[-1]

    yield make
    for each in stores:
        each.close()
        each.link.close()


def pick(store: RedisStore, *candidates: Candidate, session: str = "s", request: str = "r") -> Pick:
    return AtOnce(store).decide(Step(session, request, candidates=candidates))


def command(store: RedisStore, *words: str) -> Any:
    return store.link._direct.command(*(each.encode() for each in words))


def keys(store: RedisStore) -> dict[str, int]:
    """Give all keys of a store with the seconds they have left, -1 where they stay for ever."""
    prefix = store.link._address.prefix
    held = [each.decode() for each in command(store, "KEYS", f"{prefix}*")]
    return {each.removeprefix(prefix): command(store, "TTL", each) for each in held}


def busy(store: RedisStore, session: str, number: int) -> None:
    """Do one of each."""
    one, shared = Charge(f"m{number}", "sliding", 9, 1), Charge("m", "bucket", 9, 1, shared=True)
    pers: tuple[Per, ...] = ("session", "request", "server")
    for per in pers:
        rules = [Candidate(f"{per}{number}", per=per, set_state=(("a", number),))]
        step = Step(session, f"r{number}", candidates=rules, charges=[one, shared])
        made = AtOnce(store).decide(step)
        AtOnce(store).settle(session, made.serial, [(one, 0.5), (shared, 0.5)], taken=0, now=0)
    AtOnce(store).spend(session, f"f{number}", 3)
    AtOnce(store).remember(session, [b"%d" % number])
    store.set_state(session, {"b": number})


def test_every_key_goes_after_a_day_at_the_latest(made: Make) -> None:
    store = made(most_counts=3)
    for number in range(20):
        busy(store, f"s{number % 4}", number)
    store.reset("s1")
    left = keys(store)
    assert {"sessions", "serial", "begun", "asked", "asked:old", "meters", "prefixes"} <= set(left)
    assert all(0 < seconds <= DAY for seconds in left.values()), left
    store.reset()
    left = keys(store)
    assert {name for name in left if not name.startswith("kept:")} == {"serial", "begun"}
    assert all(0 < seconds <= DAY for seconds in left.values()), left


def test_what_is_used_stays_another_day(made: Make) -> None:
    """An hour is the least it is put off by, so that not every step does so."""
    store = made()
    busy(store, "s", 1)
    prefix = store.link._address.prefix
    lasting = [name for name in keys(store) if not name.startswith("kept:")]
    for name in lasting:
        command(store, "EXPIRE", prefix + name, "100")
    pick(store)
    assert all(seconds <= 100 for name, seconds in keys(store).items() if name in lasting)
    command(store, "HSET", f"{prefix}session:s", "renewed", "1")
    pick(store)
    assert all(seconds > 100 for name, seconds in keys(store).items() if name in lasting)


def test_answers_are_kept_for_a_minute_and_so_many(made: Make) -> None:
    store = made()
    for _ in range(2 * KEPT):
        pick(store)
    kept = {name: left for name, left in keys(store).items() if name.startswith("kept:")}
    assert len(kept) == KEPT
    assert all(0 < seconds <= 60 for seconds in kept.values())


def test_the_longest_unused_session_is_forgotten(made: Make) -> None:
    store = made(most_sessions=3)
    for session in ("a", "b", "c", "a", "d"):
        store.set_state(session, {"seen": True})
    assert [session for session in "abcd" if store.state(session)] == ["a", "c", "d"]


@pytest.mark.parametrize("per", ["session", "request"])
def test_a_forgotten_session_begins_anew_and_leaves_nothing(made: Make, per: Per) -> None:
    store = made(most_sessions=3)
    once, rest = Candidate("once", per=per, times=1), Candidate("rest")
    assert [pick(store, once, rest).index for _ in range(2)] == [0, 1]
    for other in "abc":
        pick(store, once, rest, session=other)
    left = [name.partition(":")[0] for name in keys(store)]
    assert (left.count("session"), left.count("used")) == (3, 3 if per == "session" else 0)
    assert pick(store, once, rest).index == 0
    assert pick(store, once, rest, session="c").index == 1


@pytest.mark.parametrize("most", [1, 3, 10])
def test_the_last_used_are_remembered_and_no_more_than_twice_as_many(made: Make, most: int) -> None:
    store = made(most_counts=most)
    for number in range(10 * most):
        busy(store, "s", number)
    for name in ("asked", "prefixes", "request", "server", "meters"):
        prefix = store.link._address.prefix
        lengths = [command(store, "HLEN", f"{prefix}{name}{end}") for end in ("", ":old")]
        assert most <= sum(lengths) <= 2 * most, name
    for number in range(9 * most, 10 * most):
        assert pick(store, request=f"r{number}").seen == 4


def test_what_is_looked_at_is_used(made: Make) -> None:
    """A rule that is used up stays so while its request keeps coming."""
    store = made(most_counts=3)
    once = Candidate("once", per="request", times=1)
    pick(store, once, request="mine")
    for other in range(20):
        pick(store, once, request=f"other {other}")
        assert pick(store, once, request="mine").skipped == ("times",)


def test_rules_of_a_session_are_not_pushed_out_by_other_sessions(made: Make) -> None:
    store = made(most_counts=3)
    once = Candidate("once", times=1)
    pick(store, once)
    for number in range(20):
        pick(store, Candidate(f"{number}"), session="busy")
    assert pick(store, once).skipped == ("times",)


def test_all_sessions_are_forgotten_however_many_there_are(made: Make) -> None:
    store = made()
    for number in range(1100):
        pick(store, Candidate("k"), session=f"s{number}")
    assert len(keys(store)) > 2200
    store.reset()
    assert {name for name in keys(store) if not name.startswith("kept:")} == {"serial", "begun"}


def test_names_of_meters_are_found_however_many_there_are(made: Make) -> None:
    store = made(most_counts=4000)
    charges = [Charge(f"m{number}", "gauge", 9, 1) for number in range(5000)]
    for at in range(0, 5000, 500):
        AtOnce(store).decide(Step("s", "r", charges=charges[at : at + 500]))
    AtOnce(store).decide(Step("other", "r", charges=[Charge("theirs", "gauge", 9, 1)]))
    assert sorted(store.charged("s")) == sorted(each.key for each in charges)


def test_prompts_of_any_length_are_remembered(made: Make) -> None:
    store = made()
    prefixes = [b"%d" % number for number in range(1234)]
    assert [AtOnce(store).remember("s", prefixes[:end]) for end in (700, 1234, 1)] == [0, 700, 1]
    assert AtOnce(store).remember("s", prefixes) == 1234


def test_namespaces_know_nothing_of_each_other(redis: Redis) -> None:
    one, other = (RedisStore(Link(redis.url(), patience=20.0)) for _ in range(2))
    assert [pick(each).seen for each in (one, other, one)] == [1, 1, 2]
    other.reset()
    assert pick(one).seen == 3
    for each in (one, other):
        each.link.close()


def test_stores_of_one_namespace_are_one(redis: Redis) -> None:
    url = redis.url()
    one, other = (RedisStore(Link(url, patience=20.0)) for _ in range(2))
    rule = Candidate("k", length=9)
    assert [pick(each, rule).position for each in (one, other, one)] == [0, 1, 2]
    other.reset("s")
    assert pick(one, rule).position == 0
    for each in (one, other):
        each.link.close()
