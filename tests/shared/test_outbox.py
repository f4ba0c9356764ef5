"""What has to be told to Redis: together, in order, once, and kept while it is away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Sequence

import pytest

from mockdock.errors import StoreError
from mockdock.shared import outbox as module
from mockdock.shared.outbox import Letter, Outbox

TRIED = 0.002


class Post:
    """Takes letters as Redis does, or does not; ``heard`` tells whether its answers arrive."""

    def __init__(self) -> None:
        self.away = False
        self.known = True
        """Whether it is known to be away while it is."""
        self.heard = True
        self.gate: asyncio.Event | None = None
        self.batches: list[list[bytes]] = []
        self.asked = 0
        self._last: dict[str, int] = {}
        self.outbox = Outbox[bytes](self._take, "the post", lambda: self.away and self.known)

    @property
    def got(self) -> list[bytes]:
        """Give all that came, in order."""
        return [data for batch in self.batches for data in batch]

    def _take(self, writer: str, letters: Sequence[Letter[bytes]]) -> Awaitable[None] | None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._taken(writer, letters)
            return None
        return self._soon(writer, letters)

    async def _soon(self, writer: str, letters: Sequence[Letter[bytes]]) -> None:
        if self.gate is not None:
            await self.gate.wait()
        self._taken(writer, letters)

    def _taken(self, writer: str, letters: Sequence[Letter[bytes]]) -> None:
        self.asked += 1
        if self.away:
            raise StoreError("it is away")
        fresh = [each for each in letters if each.serial > self._last.get(writer, 0)]
        assert fresh in ([], list(letters)), "what was sent comes again as it was"
        if fresh:
            self._last[writer] = fresh[-1].serial
            self.batches.append([each.content for each in fresh])
        if not self.heard:
            raise StoreError("it took too long")


@pytest.fixture
def post() -> Post:
    """Give a post that works."""
    return Post()


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again only where there is a reason to."""
    monkeypatch.setattr(module, "_AGAIN", 1e6)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "mockdock"]


def letter(data: bytes, *, exchange: bool = True) -> Letter[bytes]:
    return Letter(data, len(data), exchange)


async def put(post: Post, *letters: bytes) -> None:
    """Post letters at once, and wait as long as who posts does."""
    waits = [post.outbox.post(letter(each)) for each in letters]
    await asyncio.gather(*(each for each in waits if each is not None))


def test_what_comes_together_goes_together(post: Post) -> None:
    many = [b"%d" % number for number in range(600)]
    asyncio.run(put(post, *many))
    assert post.got == many
    assert [len(batch) for batch in post.batches] == [256, 256, 88]


def test_long_letters_go_in_several_batches(post: Post) -> None:
    asyncio.run(put(post, *[b"x" * 200_000] * 4))
    assert [len(batch) for batch in post.batches] == [2, 2]


def test_who_posts_waits_until_it_is_sent(post: Post) -> None:
    async def go() -> None:
        post.gate = asyncio.Event()
        first = asyncio.ensure_future(put(post, b"a"))
        await asyncio.sleep(0.01)
        later = asyncio.ensure_future(put(post, b"b"))
        await asyncio.sleep(0.01)
        assert not first.done()
        assert not later.done()
        post.gate.set()
        await asyncio.gather(first, later)

    asyncio.run(go())
    assert post.batches == [[b"a"], [b"b"]]


def test_for_what_is_no_exchange_nobody_waits(post: Post) -> None:
    async def go() -> None:
        assert post.outbox.post(letter(b"a", exchange=False)) is None
        await put(post, b"b")

    asyncio.run(go())
    assert post.batches == [[b"a", b"b"]]


def test_in_a_thread_it_is_sent_at_once(post: Post) -> None:
    assert post.outbox.post(letter(b"a")) is None
    assert post.got == [b"a"]
    post.away = True
    post.outbox.post(letter(b"b"))
    post.outbox.post(letter(b"c"))
    post.away = False
    post.outbox.flush_threads()
    assert post.got == [b"a", b"b", b"c"]


@pytest.mark.usefixtures("_patient")
def test_what_cannot_be_sent_is_kept_and_sent_before_what_comes_later(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        post.away = True
        await put(post, b"a", b"b")
        await put(post, b"c")
        assert post.got == []
        post.away = False
        await put(post, b"d")

    asyncio.run(go())
    assert post.got == [b"a", b"b", b"c", b"d"]
    assert said(caplog) == [
        "the post is kept until it can be written: it is away",
        "the post is written to the store again",
    ]


@pytest.mark.usefixtures("_patient")
def test_nobody_waits_nor_tries_while_it_is_known_to_be_away(post: Post) -> None:
    async def go() -> None:
        post.away = True
        await put(post, b"a")
        for each in (b"b", b"c"):
            assert post.outbox.post(letter(each)) is None
            await asyncio.sleep(0)
        assert post.asked == 1

    asyncio.run(go())


@pytest.mark.usefixtures("_patient")
def test_what_is_refused_though_somebody_answers_is_not_tried_for_each_letter(post: Post) -> None:
    """A Redis that is full answers, and refuses what is to be written."""

    async def go() -> None:
        post.away, post.known = True, False
        await put(post, b"a")
        await put(post, b"b")
        await put(post, b"c")
        assert post.asked == 1
        post.away = False
        await post.outbox.flush()

    asyncio.run(go())
    assert post.got == [b"a", b"b", b"c"]


def test_it_is_tried_again_though_nobody_comes(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AGAIN", TRIED)

    async def go() -> None:
        post.away = True
        await put(post, b"a")
        post.away = False
        while not post.got:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(TRIED)

    asyncio.run(go())
    assert post.got == [b"a"]


@pytest.mark.usefixtures("_patient")
def test_what_was_sent_and_not_heard_of_is_sent_again_as_it_was(post: Post) -> None:
    async def go() -> None:
        post.heard = False
        await put(post, b"a", b"b")
        await put(post, b"c")
        post.heard = True
        await post.outbox.flush()

    asyncio.run(go())
    assert post.got == [b"a", b"b", b"c"]


def test_nothing_is_asked_where_nothing_waits(post: Post) -> None:
    asyncio.run(post.outbox.flush())
    post.outbox.flush_threads()
    assert post.asked == 0


@pytest.mark.usefixtures("_patient")
def test_to_flush_is_to_try_once(post: Post) -> None:
    async def go() -> None:
        post.away = True
        await put(post, b"a")
        await post.outbox.flush()
        assert post.asked == 2
        post.away = False
        await asyncio.gather(post.outbox.flush(), post.outbox.flush())
        assert post.got == [b"a"]

    asyncio.run(go())


@pytest.mark.usefixtures("_patient")
def test_to_flush_is_to_try_anew_where_it_is_being_tried(post: Post) -> None:
    async def go() -> None:
        post.away, post.gate = True, asyncio.Event()
        waiting = asyncio.ensure_future(put(post, b"a"))
        await asyncio.sleep(0.01)
        flushing = asyncio.ensure_future(post.outbox.flush())
        await asyncio.sleep(0.01)
        post.gate.set()
        await waiting
        await asyncio.wait_for(flushing, 30)
        assert post.asked == 2

    asyncio.run(go())


@pytest.mark.usefixtures("_patient")
def test_what_waits_is_bounded_and_how_many_were_dropped_is_told(
    post: Post, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not what is perhaps sent already; and only exchanges are told of."""
    monkeypatch.setattr(module, "_MOST", 3)

    async def go() -> None:
        post.away = True
        for number in range(9):
            await put(post, b"%d" % number)
        post.outbox.post(letter(b"use", exchange=False))
        for number in (9, 10, 11):
            await put(post, b"%d" % number)
        post.away = False
        await post.outbox.flush()

    asyncio.run(go())
    assert post.got == [b"0", b"9", b"10", b"11"]
    assert said(caplog) == [
        "the post is kept until it can be written: it is away",
        "the post is written to the store again, but for 8 exchanges",
    ]


@pytest.mark.usefixtures("_patient")
def test_what_waits_is_bounded_in_bytes_too(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 250)

    async def go() -> None:
        post.away = True
        for data in (b"a", b"b" * 100, b"c" * 100, b"d" * 100, b"e" * 300):
            await put(post, data)
        post.away = False
        await post.outbox.flush()

    asyncio.run(go())
    assert post.got == [b"a", b"e" * 300]


def test_nothing_is_dropped_while_redis_is_there_however_much_waits(
    post: Post, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST", 3)
    monkeypatch.setattr(module, "_MOST_BYTES", 250)

    async def go() -> None:
        post.gate = asyncio.Event()
        puts = [asyncio.ensure_future(put(post, b"%d" % n * 100)) for n in range(10)]
        await asyncio.sleep(0)
        post.gate.set()
        await asyncio.gather(*puts)
        await post.outbox.aclose()

    asyncio.run(go())
    assert post.got == [b"%d" % n * 100 for n in range(10)]
    assert said(caplog) == []


def test_who_no_longer_waits_harms_nobody(post: Post) -> None:
    async def go() -> None:
        post.gate = asyncio.Event()
        tasks = [asyncio.ensure_future(put(post, b"%d" % n)) for n in range(4)]
        flushing = asyncio.ensure_future(post.outbox.flush())
        await asyncio.sleep(0.01)
        for each in (tasks[0], tasks[2], flushing):
            each.cancel()
        post.gate.set()
        await asyncio.gather(*tasks, flushing, return_exceptions=True)

    asyncio.run(go())
    assert post.got == [b"0", b"1", b"2", b"3"]


def test_what_a_loop_leaves_that_ended_the_next_one_sends_first(post: Post) -> None:
    async def stuck() -> None:
        post.gate = asyncio.Event()
        task = asyncio.ensure_future(put(post, b"a"))
        await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(stuck())
    post.gate = None
    asyncio.run(put(post, b"b"))
    assert post.got == [b"a", b"b"]


def test_loops_do_not_wait_for_each_other(post: Post) -> None:
    async def go() -> None:
        post.gate = asyncio.Event()
        task = asyncio.ensure_future(put(post, b"a"))
        await asyncio.sleep(0.01)
        gate, post.gate = post.gate, None
        thread = threading.Thread(target=lambda: asyncio.run(put(post, b"b")))
        thread.start()
        await asyncio.to_thread(thread.join)
        assert post.got == [b"b"]
        gate.set()
        await task

    asyncio.run(go())
    assert post.got == [b"b", b"a"]


@pytest.mark.usefixtures("_patient")
def test_at_the_end_it_is_tried_once_more_and_told_what_is_lost(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        post.away = True
        await put(post, b"a", b"b")
        await post.outbox.aclose()

    asyncio.run(go())
    assert (post.asked, post.got) == (2, [])
    post.outbox.post(letter(b"c"))
    post.outbox.close()
    assert said(caplog) == [
        "the post is kept until it can be written: it is away",
        "the post could not be written: 2 exchanges lost",
        "the post is kept until it can be written: it is away",
        "the post could not be written: 1 exchange lost",
    ]


@pytest.mark.usefixtures("_patient")
def test_what_was_kept_is_sent_at_the_end(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        post.away = True
        await put(post, b"a")
        post.away = False
        await post.outbox.aclose()

    asyncio.run(go())
    assert post.got == [b"a"]
    assert said(caplog)[1:] == ["the post is written to the store again"]
