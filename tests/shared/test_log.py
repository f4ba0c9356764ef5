"""A log that several processes follow: in one order, once, bounded, and anew where it has to be."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.errors import StoreError
from mockdock.shared import Link
from mockdock.shared.log import Log
from mockdock.shared.packing import pack, pack_text
from mockdock.shared.scripts import Script
from tests.effort import examples
from tests.stores import Redis


class Reader:
    """Follows a log, and notes what it told."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.read: list[bytes] = []
        self.begun = 0
        self.log = Log(link, self)

    def follow(self, item: bytes) -> None:
        """Note an item."""
        self.read.append(item)

    def begin(self) -> None:
        """Forget what was noted."""
        self.begun += 1
        self.read.clear()

    def is_long(self, item: bytes) -> bool:
        """Tell whether it is one that takes a while."""
        return item.startswith(b"long")

    def add(self, *items: bytes, session: str = "s", **more: Any) -> None:
        """Append items, and wait for that."""
        for item in items:
            waits = self.log.append(item, sessions=(session,), **more)
            assert waits is None, "outside a loop nothing is to be awaited"

    def all(self) -> list[bytes]:
        """Follow the log, and give what it told since it began."""
        self.log.follow()
        return self.read

    def forget(self, session: str | None) -> None:
        """Forget a session as an operation on sessions does."""
        words: dict[str, Any] = {
            "session": "",
            "kind": "reset",
            "verb": "reset",
            "what": "",
            "stops": (),
        }
        sight = self.link.at_once(bytes, b"look", b"{}", counts=False).split()
        words |= {"began": sight[1].decode(), "version": int(sight[2])}
        forgets = None if session is None else [pack_text(session)]
        answer = self.link.at_once(bytes, b"commit", pack(words | {"forgets": forgets}), b"{}")
        assert answer != b"stale"


Make = Callable[..., Reader]


@pytest.fixture
def make(redis: Redis) -> Iterator[Make]:
    """Give what makes readers of one log."""
    yield from _make(redis)


@pytest.fixture
def doomed_make(doomed: Redis) -> Iterator[Make]:
    """Give the same, with a Redis that the test may stop."""
    yield from _make(doomed)


def _make(redis: Redis) -> Iterator[Make]:
    url, made = redis.url(), []

    def make(patience: float = 20.0, **bounds: int) -> Reader:
        made.append(Reader(Link(url, patience=patience, script=Script(**bounds))))
        return made[-1]

    yield make
    for each in made:
        each.link.close()


def test_all_follow_in_one_order_the_writer_too(make: Make) -> None:
    one, two = make(), make()
    one.add(b"a")
    two.add(b"b", kind="lasting")
    one.add(b"c", b"")
    assert one.all() == two.all() == make().all() == [b"a", b"b", b"c", b""]
    two.add(b"d")
    assert one.all() == [b"a", b"b", b"c", b"", b"d"]
    assert one.begun == 1  # a log that is new begins, whoever sees it first


def test_items_are_told_as_they_are(make: Make) -> None:
    items = [bytes(range(256)), b"\n1 2\n", b"x" * 700_000, b"anew 5", b"y" * 700_000, b"z"]
    one, two = make(), make()
    one.add(*items)
    assert two.all() == items


def test_many_items_are_told_in_pages_that_keep_the_order(make: Make) -> None:
    """Of both kinds, in runs longer and shorter than a page."""
    one = make()
    wanted: list[bytes] = []
    for length, kind in ((150, "passing"), (3, "lasting"), (1, "passing"), (230, "lasting")):
        for _ in range(length):
            wanted.append(b"%d" % len(wanted))
            one.add(wanted[-1], kind=kind)
    assert make().all() == wanted


def test_what_was_sent_once_is_not_appended_again(make: Make) -> None:
    one = make()
    for serial in (1, 1, 2, 1, 2, 3):
        one.add(b"%d" % serial, once=("me", serial))
    one.add(b"other", once=("other", 1))
    assert one.all() == [b"1", b"2", b"3", b"other"]


def test_what_passes_is_bounded_and_takes_nothing_along_that_lasts(make: Make) -> None:
    bounds = {"most_passing": 3}
    one, two = make(**bounds), make(**bounds)
    one.add(b"model", kind="lasting")
    one.add(b"a", b"b")
    assert two.all() == [b"model", b"a", b"b"]
    one.add(*(b"%d" % number for number in range(5)))
    assert make(**bounds).all() == [b"model", b"2", b"3", b"4"]
    before = two.begun
    assert two.all() == [b"model", b"2", b"3", b"4"]  # it missed two, and so began anew
    assert two.begun == before + 1


def test_who_keeps_up_is_told_all_that_passes(make: Make) -> None:
    one, two = make(most_passing=2), make(most_passing=2)
    two.all()
    before = two.begun
    for number in range(10):
        one.add(b"%d" % number)
        assert two.all()[-1] == b"%d" % number
    assert (two.begun, len(two.read)) == (before, 10)


def test_it_is_bounded_in_bytes_and_the_newest_is_kept_however_long_it_is(make: Make) -> None:
    bounds = {"most_passing_bytes": 1000}
    one = make(**bounds)
    one.add(*(bytes([number]) * 200 for number in range(5)))
    assert make(**bounds).all() == [bytes([number]) * 200 for number in (2, 3, 4)]
    one.add(b"x" * 5000)
    assert make(**bounds).all() == [b"x" * 5000]
    one.add(b"short")
    assert make(**bounds).all() == [b"short"]


def test_with_something_lasting_all_before_it_goes(make: Make) -> None:
    """It may have forgotten what passed before."""
    bounds = {"most_lasting": 2}
    one = make(**bounds)
    one.add(b"a", b"b")
    one.add(b"first", kind="lasting")
    one.add(b"c")
    one.add(b"second", b"third", kind="lasting")
    assert make(**bounds).all() == [b"c", b"second", b"third"]
    assert int(one.link.command(b"HGET", one.link.key("log"), b"passing")) == 101


@pytest.mark.parametrize("session", ["", "s", "ü/\n", "\udcff"])
def test_a_session_is_forgotten_at_one_place_of_the_order(make: Make, session: str) -> None:
    one, two = make(), make()
    one.add(b"a", session=session)
    two.forget(session)
    two.forget(session)  # nothing is left of it, and nothing told
    two.forget("nobody")
    one.add(b"b", session=session)
    told = b"F" + pack_text(session).encode()
    assert one.all() == two.all() == [b"a", told, b"b"]


def test_where_all_is_forgotten_all_begin_anew(make: Make) -> None:
    one, two = make(), make()
    one.add(b"a", b"b")
    one.add(b"c", kind="lasting")
    assert two.all() == [b"a", b"b", b"c"]
    one.forget(None)
    assert one.all() == two.all() == []
    two.add(b"d")
    assert one.all() == two.all() == make().all() == [b"d"]


def test_of_too_many_sessions_nobody_is_forgotten_without_being_told(make: Make) -> None:
    one = make(most_counts=3)
    for number in range(5):
        one.add(b"x", session=f"{number}")
    for number in (0, 4):
        one.forget(f"{number}")
    assert one.all()[5:] == [b"F0", b"F4"]
    assert one.link.command(b"EXISTS", one.link.key("log:sessions")) == 0


def test_what_is_not_used_for_a_day_is_gone_and_what_is_used_is_not(make: Make) -> None:
    one = make()
    one.add(b"a", once=("me", 1))
    one.add(b"b", kind="lasting")
    keys = [
        one.link.key(name)
        for name in ("log", "log:passing", "log:lasting", "log:writers", "log:sessions")
    ]
    assert {one.link.command(b"TTL", key) // 100 for key in keys} <= {863, 864}
    for key in keys:
        one.link.command(b"EXPIRE", key, b"50000")
    one.link.command(b"HSET", one.link.key("log"), b"renewed", b"1")
    one.log.follow()
    assert {one.link.command(b"TTL", key) // 100 for key in keys} <= {863, 864}


def test_what_redis_lost_is_lost_for_all(doomed: Redis, doomed_make: Make) -> None:
    one, two = doomed_make(), doomed_make()
    one.add(b"a")
    assert one.all() == two.all() == [b"a"]
    doomed.stop()
    doomed.start()
    for each in (one, two):
        each.link._health._again = 0.0
    assert one.all() == []
    two.add(b"b")
    assert one.all() == two.all() == [b"b"]


def test_without_redis_nobody_is_told_anything_and_nothing_is_forgotten(
    doomed: Redis, doomed_make: Make
) -> None:
    one = doomed_make(patience=0.5)
    one.add(b"a")
    one.all()
    doomed.stop()
    with pytest.raises(StoreError):
        one.log.follow()
    with pytest.raises(StoreError):
        asyncio.run(one.log.follow_soon())
    assert one.read == [b"a"]


def test_all_who_wait_in_a_loop_share_two_rounds(make: Make) -> None:
    """One is under way, and the next begins after all of them came."""
    one, two = make(), make()

    async def go() -> int:
        await two.log.follow_soon()
        one.link.at_once(bytes, b"note", *_item(b"a"))
        rounds = two.log._rounds[asyncio.get_running_loop()]
        before = rounds.begun
        first = asyncio.ensure_future(two.log.follow_soon())
        await asyncio.sleep(0)
        one.link.at_once(bytes, b"note", *_item(b"b"))
        await asyncio.gather(*(two.log.follow_soon() for _ in range(50)))
        await first
        await two.link.aclose()
        return rounds.begun - before

    assert asyncio.run(go()) == 2
    assert two.read == [b"a", b"b"]


def _item(data: bytes) -> tuple[bytes, bytes]:
    return pack({"kind": "passing", "sessions": (), "writer": None, "serial": 0}), data


def test_what_takes_long_is_followed_in_a_thread(make: Make) -> None:
    one, two = make(), make()
    threads = []
    follow = two.follow

    def noted(item: bytes) -> None:
        threads.append(threading.current_thread() is threading.main_thread())
        follow(item)

    two.follow = noted  # type: ignore[method-assign]

    async def go() -> None:
        for item in (b"short", b"long", b"x" * 100_000):
            one.link.at_once(bytes, b"note", *_item(item))
            await two.log.follow_soon()
        await two.link.aclose()

    asyncio.run(go())
    assert threads == [True, False, False]


def test_who_failed_to_follow_does_not_answer_for_who_waits(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The round they were waiting for did not tell them anything."""
    one, two = make(), make()
    one.add(b"a")
    ask = two.link.ask
    failed: list[int] = []

    def failing(*words: Any, **more: Any) -> Any:
        if not failed:
            failed.append(1)
            raise StoreError("away")
        return ask(*words, **more)

    monkeypatch.setattr(two.link, "ask", failing)

    async def go() -> list[Any]:
        many = (two.log.follow_soon() for _ in range(3))
        told = await asyncio.gather(*many, return_exceptions=True)
        await two.link.aclose()
        return told

    first, *others = asyncio.run(go())
    assert (type(first), others) == (StoreError, [None, None])
    assert two.read == [b"a"]


def test_threads_and_a_loop_follow_one_log_together(make: Make) -> None:
    one, two = make(), make()

    def follow_often() -> None:
        for _ in range(30):
            two.log.follow()

    async def go() -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(3) as pool:
            adding = loop.run_in_executor(pool, lambda: one.add(*(b"%d" % n for n in range(200))))
            threads = [loop.run_in_executor(pool, follow_often) for _ in range(2)]
            while not adding.done():
                await two.log.follow_soon()
            await asyncio.gather(adding, *threads)
        await two.log.follow_soon()
        await two.link.aclose()

    asyncio.run(go())
    assert two.read == [b"%d" % number for number in range(200)]


steps = st.lists(
    st.tuples(st.just("add"), st.sampled_from(["passing", "lasting"]), st.integers(0, 300))
    | st.tuples(st.just("forget"), st.sampled_from(["s", "t", None]), st.just(0))
    | st.tuples(st.just("follow"), st.integers(0, 1), st.just(0)),
    max_size=40,
)


@settings(max_examples=examples(60), deadline=None)
@given(taken=steps)
def test_who_follows_ends_with_what_is_kept(redis: Redis, taken: list[Any]) -> None:
    """Whoever looks how often: all hold at the end what is kept, those that kept up some more."""
    url = redis.url()
    bounds = {"most_passing": 4, "most_lasting": 3, "most_passing_bytes": 1500}
    readers = [Reader(Link(url, patience=20.0, script=Script(**bounds))) for _ in range(3)]
    *ours, late = readers
    for number, (verb, what, size) in enumerate(taken):
        if verb == "add":
            ours[number % 2].add(b"%d:" % number + b"x" * size, kind=what)
        elif verb == "forget":
            ours[number % 2].forget(what)
        else:
            ours[what].log.follow()
    kept = late.all()
    for each in ours:
        whole = each.all()
        left = iter(whole)
        assert all(item in left for item in kept), "in the same order, and nothing left out"
        numbers = [int(item.partition(b":")[0]) for item in whole if not item.startswith(b"F")]
        assert numbers == sorted(set(numbers))
    for each in readers:
        each.link.close()
