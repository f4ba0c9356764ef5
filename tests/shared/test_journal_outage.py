"""A journal whose Redis goes away: nobody waits, nothing is lost within bounds, or there twice."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.errors import StoreError
from mockdock.shared import Link, RedisJournal, outbox
from tests.journals import InLoop, looping
from tests.observe.helpers import exchange
from tests.shared.test_outage import between
from tests.stores import Redis

PATIENCE = 5.0


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread of its own."""
    with looping() as made:
        yield made


@pytest.fixture(autouse=True, scope="module")
def _impatient() -> Iterator[None]:
    """Try again at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "_AGAIN", 0.002)
        yield


class Told:
    """A journal that is written by threads or in a loop, and what it is asked."""

    def __init__(self, journal: RedisJournal, loop: asyncio.AbstractEventLoop | None) -> None:
        self.journal = journal
        self._loop = loop
        self._written: Any = journal if loop is None else InLoop(journal, loop)

    def append(self, *paths: str) -> None:
        """Have exchanges, one after the other, none of which may wait for long."""
        for path in paths:
            self._written.use("s", "greet")
            self._written.append(exchange("s", path=path))

    def paths(self) -> list[str]:
        """Give what is there, in its order."""
        return [entry.record()["path"] for entry in self.journal.entries("s")]

    def pause(self) -> None:
        """Make the pause after a failure longer than the test."""
        self.journal._link._health._again = 1e12

    def resume(self) -> None:
        """Let the pause after a failure be over, and what was kept be written."""
        self.journal._link._health._again = 0
        if self._loop is None:
            self.journal._outbox.flush_threads()
        else:
            flushing = self.journal._outbox.flush()
            asyncio.run_coroutine_threadsafe(flushing, self._loop).result(30)

    def close(self) -> None:
        """Write what can be written."""
        if self._loop is None:
            self.journal.close()
            self.journal._link.close()
        else:
            self._written.close()


@pytest.fixture(params=["threads", "loop"])
def told(
    request: pytest.FixtureRequest, loop: asyncio.AbstractEventLoop
) -> Iterator[Callable[..., Told]]:
    """Make journals that are closed after the test."""
    made: list[Told] = []

    def make(url: str, **options: Any) -> Told:
        journal = RedisJournal(Link(url, **{"patience": PATIENCE, **options}))
        made.append(Told(journal, loop if request.param == "loop" else None))
        return made[-1]

    yield make
    for each in made:
        each.close()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "mockdock"]


def test_what_was_had_in_an_outage_is_there_after_it_and_before_what_is_newer(
    doomed: Redis, told: Callable[..., Told], caplog: pytest.LogCaptureFixture
) -> None:
    one = told(doomed.url())
    seen: list[int] = []
    one.journal.watch(lambda entry: seen.append(entry.number))
    one.append("/1", "/2")
    doomed.stop()
    one.append("/3", "/4")
    one.pause()
    one.append("/5")
    assert seen == [1, 2]
    one.pause()
    one.append("/6")
    doomed.start()
    one.resume()
    assert one.paths() == ["/3", "/4", "/5", "/6"]
    assert one.journal.tally("s").uses["greet"].times == 4
    assert seen == [1, 2, 3, 4, 5, 6]
    kept, again = warnings(caplog)
    assert kept.startswith("the journal is kept until it can be written: the store at unix://")
    assert again == "the journal is written to the store again"


def test_no_reply_waits_while_redis_is_known_to_be_away(
    doomed: Redis, loop: asyncio.AbstractEventLoop
) -> None:
    journal = RedisJournal(Link(doomed.url(), patience=PATIENCE))

    async def story() -> None:
        doomed.stop()
        first = journal.append(exchange())
        assert first is not None
        await first
        journal._link._health._again = 1e12
        assert journal.append(exchange()) is None
        doomed.start()
        journal._link._health._again = 0
        while (written := journal.append(exchange())) is None:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
        await written

    asyncio.run_coroutine_threadsafe(story(), loop).result(30)
    InLoop(journal, loop).close()


def test_only_the_last_are_kept_and_how_many_were_not_is_told_once(
    doomed: Redis,
    told: Callable[..., Told],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "_MOST", 7)
    one = told(doomed.url())
    doomed.stop()
    one.append(*map(str, range(9)))
    one.pause()
    one.append("last")
    doomed.start()
    one.resume()
    assert one.paths() == ["6", "7", "8", "last"]
    assert warnings(caplog)[1:] == [
        "the journal is written to the store again, but for 6 exchanges"
    ]


def test_no_more_bytes_are_kept_than_may_be(
    doomed: Redis, told: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_MOST_BYTES", 10_000)
    one = told(doomed.url())
    doomed.stop()
    one.append(*(f"/{number}" + "x" * 3000 for number in range(9)))
    one.pause()
    one.append("/9")
    doomed.start()
    one.resume()
    kept = one.paths()
    assert [path[:2] for path in kept] == ["/7", "/8", "/9"]


def test_what_could_not_be_written_at_the_end_is_told(
    doomed: Redis, told: Callable[..., Told], caplog: pytest.LogCaptureFixture
) -> None:
    one = told(doomed.url())
    one.append("/1")
    doomed.stop()
    one.append("/2", "/3")
    one.close()
    assert warnings(caplog)[-1] == "the journal could not be written: 2 exchanges lost"


def test_who_waits_looks_again_where_its_connection_broke(
    doomed: Redis, told: Callable[..., Told], loop: asyncio.AbstractEventLoop
) -> None:
    one = told(doomed.url())
    one.append("/1")
    bell = one.journal._bell
    waiting = loop.run_in_executor(None, lambda: one.journal.wait_after("s", 1, 30))
    with bell._changed:
        assert bell._changed.wait_for(lambda: bell._connection is not None, 30)
    doomed.stop()

    async def failed() -> BaseException | None:
        with pytest.raises(StoreError, match="does not answer"):
            await waiting
        return None

    asyncio.run_coroutine_threadsafe(failed(), loop).result(30)
    doomed.start()
    one.resume()
    one.append("/2")
    assert [entry.number for entry in one.journal.wait_after("s", 1, 30)] == [2]


def test_exchanges_whose_answer_was_lost_are_there_once(
    redis: Redis, told: Callable[..., Told]
) -> None:
    with between(redis) as proxy:
        one = told(f"unix://{proxy.path}?namespace=lost-{id(proxy)}")
        one.append("/1")
        proxy.break_after(b"keep")
        one.append("/2", "/3")
        assert proxy.broken == 1
        assert one.paths() == ["/1", "/2", "/3"]
        assert one.journal.tally("s").uses["greet"].times == 3
        one.close()


class Flaky:
    """A link that fails as a plan tells: before it has asked, or after that."""

    def __init__(self, link: Link) -> None:
        self.plan: list[str] = []
        self._link = link
        self._health = link._health
        self.key, self.command, self.at_once = link.key, link.command, link.at_once
        self.subscribe, self.close, self.aclose = link.subscribe, link.close, link.aclose
        self.is_away = link.is_away

    def ask(self, read: Callable[[bytes], Any], *asked: Any, **more: Any) -> Any:
        """Ask, and give no answer where it shall not be heard."""
        how = self.plan.pop() if self.plan else "well"
        if how == "before":
            raise StoreError("it was not asked")

        def heard(told: bytes) -> Any:
            if how == "after":
                raise StoreError("it was not heard")
            return read(told)

        return self._link.ask(heard, *asked, **more)


PLANS = st.lists(st.sampled_from(["well", "before", "after"]), max_size=12)


@settings(max_examples=40)
@given(plan=PLANS, many=st.integers(1, 12), together=st.integers(1, 4), looped=st.booleans())
def test_whatever_fails_each_exchange_is_there_once_and_in_order(
    redis: Redis,
    loop: asyncio.AbstractEventLoop,
    plan: Sequence[str],
    many: int,
    together: int,
    looped: bool,
) -> None:
    journal = RedisJournal(Link(redis.url(), patience=20.0))
    flaky = Flaky(journal._link)
    journal._link = flaky  # type: ignore[assignment]
    flaky.plan = list(plan)
    shown: list[tuple[int, str]] = []
    journal.watch(lambda entry: shown.append((entry.number, entry.exchange.path)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "_TOGETHER", together)
        with closing(Told(journal, loop if looped else None)) as one:
            one.append(*map(str, range(many)))
            flaky.plan.clear()
            one.append("last")
            one.resume()
            wanted = [*map(str, range(many)), "last"]
            assert one.paths() == wanted
            assert journal.tally("s").uses["greet"].times == many + 1
    assert shown == list(enumerate(wanted, 1))


def test_a_redis_that_stands_still_under_load_loses_and_doubles_nothing(
    doomed: Redis, loop: asyncio.AbstractEventLoop
) -> None:
    journal = RedisJournal(Link(doomed.url(), patience=0.05))
    had: list[str] = []
    done = asyncio.Event()

    async def client(name: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            path = f"/{name}/{number}"
            journal.use("s", "greet")
            written = journal.append(exchange("s", path=path))
            had.append(path)
            if written is not None:
                await written
            await asyncio.sleep(0.001)

    async def until(holds: Callable[[], bool]) -> None:
        while not holds():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)

    async def story() -> None:
        clients = [asyncio.ensure_future(client(name)) for name in range(20)]
        for _ in range(3):
            before = len(had)
            await until(lambda before=before: len(had) > before + 100)  # type: ignore[misc]
            doomed.tell(signal.SIGSTOP)
            await until(lambda: journal._outbox._couriers[loop]._keeps)
            doomed.tell(signal.SIGCONT)
            journal._link._health._again = 0
            await until(lambda: not journal._outbox._couriers[loop]._keeps)
        done.set()
        await asyncio.gather(*clients)

    asyncio.run_coroutine_threadsafe(story(), loop).result(60)
    assert journal.wait("s", len(had), 30)
    paths = [entry.record()["path"] for entry in journal.entries("s")]
    assert sorted(paths) == sorted(had)
    assert journal.tally("s").uses["greet"].times == len(had)
    InLoop(journal, loop).close()
