"""Redis that goes away: said at once, nothing counted twice, and no restart needed after it."""

from __future__ import annotations

import asyncio
import select
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

import pytest

from mockdock.engine.meters import Charge
from mockdock.engine.store import Candidate, Pick, Step
from mockdock.errors import StoreError
from mockdock.shared import Link, RedisStore
from tests.stores import AtOnce, Redis

T = TypeVar("T")
Asked = Callable[[RedisStore, Callable[[AtOnce], T]], T]


def in_thread(store: RedisStore, ask: Callable[[AtOnce], T]) -> T:
    return ask(AtOnce(store))


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread of its own."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


@pytest.fixture(params=["threads", "loop"])
def asked(request: pytest.FixtureRequest, loop: asyncio.AbstractEventLoop) -> Asked[Any]:
    """Ask a store as threads do, or as coroutines do."""
    if request.param == "threads":
        return in_thread
    return lambda store, ask: ask(AtOnce(store, loop))


@pytest.fixture
def stores(loop: asyncio.AbstractEventLoop) -> Iterator[Callable[..., RedisStore]]:
    """Make stores that are closed after the test."""
    made: list[RedisStore] = []

    def make(url: str, **options: Any) -> RedisStore:
        made.append(RedisStore(Link(url, **options)))
        return made[-1]

    yield make
    for each in made:
        closed(each, loop)


def closed(store: RedisStore, loop: asyncio.AbstractEventLoop) -> None:
    """Close a store."""
    for closing in (store.aclose(), store.link.aclose()):
        asyncio.run_coroutine_threadsafe(closing, loop).result()


def step(request: str = "r", **more: Any) -> Step:
    return Step("s", request, **more)


def paused(store: RedisStore) -> None:
    """Make the pause after a failure longer than the test."""
    store.link._health._again += 1000.0


def due_again(store: RedisStore) -> None:
    """Let the pause after a failure be over."""
    store.link._health._again = 0.0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_redis_that_is_gone_is_told_at_once_and_found_again(
    doomed: Redis, stores: Callable[..., RedisStore], asked: Asked[Any], how: signal.Signals
) -> None:
    store = stores(doomed.url(), patience=5.0)
    assert asked(store, lambda now: now.decide(step())).seen == 1
    doomed.stop(how)
    with pytest.raises(StoreError, match=r"store at unix://.* does not answer"):
        asked(store, lambda now: now.decide(step()))
    doomed.start()
    paused(store)
    with pytest.raises(StoreError, match="tried again in"):
        asked(store, lambda now: now.decide(step()))
    due_again(store)
    assert [asked(store, lambda now: now.decide(step())).seen for _ in range(3)] == [1, 2, 3]


def test_a_restart_between_two_steps_is_not_noticed(
    doomed: Redis, stores: Callable[..., RedisStore], asked: Asked[Any]
) -> None:
    """But all is forgotten, since our Redis keeps nothing."""
    store = stores(doomed.url(), patience=5.0)
    first = asked(store, lambda now: now.decide(step()))
    doomed.stop(signal.SIGKILL)
    doomed.start()
    second = asked(store, lambda now: now.decide(step()))
    assert (first.seen, second.seen) == (1, 1)
    assert second.serial > first.serial


def test_what_began_before_redis_lost_everything_is_not_settled(
    doomed: Redis, stores: Callable[..., RedisStore], asked: Asked[Any]
) -> None:
    store = stores(doomed.url(), patience=5.0)
    mine, ours = (Charge("g", "gauge", 9, 1, shared=shared) for shared in (False, True))
    old = asked(store, lambda now: now.decide(step(charges=[mine, ours])))
    doomed.stop(signal.SIGKILL)
    doomed.start()
    asked(store, lambda now: now.decide(step(charges=[mine, ours])))
    parts = [(mine, 1.0), (ours, 1.0)]
    asked(store, lambda now: now.settle("s", old.serial, parts, taken=0, now=0))
    assert [each.used for each in store.read("s", [mine, ours], 0)] == [1, 1]


def test_a_step_that_was_told_to_have_failed_is_not_counted_later(
    doomed: Redis, stores: Callable[..., RedisStore], asked: Asked[Any]
) -> None:
    """A Redis that stands still finds it in its socket when it goes on."""
    url = doomed.url()
    store = stores(url, patience=0.1)
    assert asked(store, lambda now: now.decide(step())).seen == 1
    doomed.tell(signal.SIGSTOP)
    with pytest.raises(StoreError, match="it took too long"):
        asked(store, lambda now: now.decide(step()))
    paused(store)
    with pytest.raises(StoreError, match="tried again in"):
        asked(store, lambda now: now.decide(step()))
    doomed.tell(signal.SIGCONT)
    due_again(store)
    patient = stores(url, patience=5.0)
    assert asked(patient, lambda now: now.decide(step())).seen == 2


class Proxy:
    """Stands between a store and Redis, and can break a connection once Redis has answered."""

    def __init__(self, target: str) -> None:
        self.path = str(Path(mkdtemp(prefix="proxy-")) / "p.sock")
        self.broken = 0
        self._breaks_at: bytes | None = None
        self._carried: list[socket.socket] = []
        self._target = target
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def break_after(self, word: bytes) -> None:
        """Break the connection over which this is sent next, once it is answered."""
        self._breaks_at = word

    def close(self) -> None:
        """End it, and what still goes through it."""
        self._listener.shutdown(socket.SHUT_RDWR)
        for each in self._carried:
            with suppress(OSError):  # it is over
                each.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        Path(self.path).unlink()
        Path(self.path).parent.rmdir()

    def _run(self) -> None:
        with_threads: list[threading.Thread] = []
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                break
            self._carried.append(near)
            with_threads.append(threading.Thread(target=self._carry, args=(near,)))
            with_threads[-1].start()
        for each in with_threads:
            each.join()

    def _carry(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX)
        far.connect(self._target)
        breaks = False
        with near, far:
            while True:
                ready, _, _ = select.select([near, far], [], [])
                for one in ready:
                    data = one.recv(1 << 16)
                    if not data:
                        return
                    if one is near and self._breaks_at is not None and self._breaks_at in data:
                        self._breaks_at, breaks = None, True
                    elif one is far and breaks:
                        self.broken += 1
                        return
                    (far if one is near else near).sendall(data)


@contextmanager
def between(redis: Redis) -> Iterator[Proxy]:
    proxy = Proxy(redis.path)
    try:
        yield proxy
    finally:
        proxy.close()


@pytest.fixture
def proxy(redis: Redis) -> Iterator[Proxy]:
    """Stand between the store and Redis."""
    with between(redis) as made:
        yield made


@pytest.fixture
def proxied(
    proxy: Proxy, loop: asyncio.AbstractEventLoop, request: pytest.FixtureRequest
) -> Iterator[RedisStore]:
    """Give a store behind the proxy; closed before the proxy is."""
    store = RedisStore(
        Link(f"unix://{proxy.path}?namespace={request.node.name[:90]}", patience=5.0)
    )
    yield store
    closed(store, loop)


@pytest.fixture(autouse=True)
def _names_fit(request: pytest.FixtureRequest) -> None:
    """Have names of tests serve as namespaces."""
    request.node.name = request.node.name.replace("[", "-").replace("]", "")


def test_a_step_whose_answer_was_lost_is_counted_once(
    proxy: Proxy, proxied: RedisStore, asked: Asked[Any]
) -> None:
    def dealt() -> tuple[int, int | None]:
        rule = Candidate("k", length=9, set_state=(("n", 1),))
        made: Pick = asked(proxied, lambda now: now.decide(step(candidates=[rule])))
        return made.seen, made.position

    assert dealt() == (1, 0)
    proxy.break_after(b"decide")
    assert dealt() == (2, 1)
    assert proxy.broken == 1
    assert dealt() == (3, 2)


def test_a_use_whose_answer_was_lost_is_spent_once(
    proxy: Proxy, proxied: RedisStore, asked: Asked[Any]
) -> None:
    proxy.break_after(b"spend")
    told = [asked(proxied, lambda now: now.spend("s", "fault", 2)) for _ in range(3)]
    assert (told, proxy.broken) == ([True, True, False], 1)


def test_what_was_settled_and_not_heard_of_is_settled_once(
    proxy: Proxy, proxied: RedisStore, asked: Asked[Any]
) -> None:
    one = Charge("g", "gauge", 9, 1)
    made = [asked(proxied, lambda now: now.decide(step(charges=[one]))) for _ in range(3)]
    proxy.break_after(b"settle")
    asked(proxied, lambda now: now.settle("s", made[0].serial, [(one, 1.0)], taken=0, now=0))
    assert proxy.broken == 1
    assert proxied.read("s", [one], 0)[0].used == 2


def test_a_place_that_was_left_while_redis_stood_still_is_free_after_it(
    doomed: Redis,
    stores: Callable[..., RedisStore],
    asked: Asked[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = stores(doomed.url(), patience=0.1)
    one = Charge("g", "gauge", 1, 1)
    taken = [asked(store, lambda now: now.decide(step(charges=[one]))) for _ in range(2)]
    assert [pick.refusers for pick in taken] == [(), (0,)]
    doomed.tell(signal.SIGSTOP)
    for _ in range(2):
        asked(store, lambda now: now.settle("s", taken[0].serial, [(one, 0.5)], taken=0, now=0))
        paused(store)
    doomed.tell(signal.SIGCONT)
    due_again(store)
    asked(store, lambda now: now.spend("s", "k", 1))  # who tells that it is back
    asked(store, lambda now: now.settle("s", -1, [(one, 1.0)], taken=0, now=0))
    assert store.read("s", [one], 0)[0].used == 0
    assert asked(store, lambda now: now.decide(step(charges=[one]))).refusers == ()
    told = [each.getMessage() for each in caplog.records]
    assert told[0].startswith("what was charged too much is kept until it can be written")
    assert told[1:] == ["what was charged too much is written to the store again"]


def test_a_prompt_that_was_remembered_and_not_heard_of_was_not_known_before(
    proxy: Proxy, proxied: RedisStore, asked: Asked[Any]
) -> None:
    proxy.break_after(b"remember")
    told = [asked(proxied, lambda now: now.remember("s", [b"a", b"ab"])) for _ in range(2)]
    assert (told, proxy.broken) == ([0, 2], 1)


def test_steps_that_went_out_together_are_each_counted_once(
    proxy: Proxy, proxied: RedisStore, loop: asyncio.AbstractEventLoop
) -> None:
    rule = Candidate("k", length=1000)

    async def all_at_once() -> list[Pick]:
        first = [proxied.decide(step("first", candidates=[rule]))]
        more = [proxied.decide(step(f"{n}", candidates=[rule])) for n in range(99)]
        return await asyncio.gather(*first, *more)  # type: ignore[arg-type]

    proxy.break_after(b"decide")
    picks = run(loop, all_at_once())
    assert proxy.broken == 1
    assert sorted(each.position or 0 for each in picks) == list(range(100))


def run(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_in_an_outage_under_load_nothing_is_dealt_twice(
    doomed: Redis,
    stores: Callable[..., RedisStore],
    loop: asyncio.AbstractEventLoop,
    how: signal.Signals,
) -> None:
    """Each reply of a list goes to one request at most, by each life of Redis."""
    store = stores(doomed.url(), patience=0.2)
    rule = Candidate("k", length=10**9)
    dealt: list[tuple[int, int | None]] = []
    failed = 0
    done = threading.Event()

    async def client(number: int) -> None:
        nonlocal failed
        while not done.is_set():
            try:
                pick = await _decided(store, step(f"{number}", candidates=[rule]))
                dealt.append((pick.serial, pick.position))
            except StoreError:
                failed += 1
                await asyncio.sleep(0.001)

    async def clients() -> None:
        await asyncio.gather(*map(client, range(30)))

    def until(holds: Callable[[], bool]) -> None:
        while not holds():
            done.wait(0.005)

    running = asyncio.run_coroutine_threadsafe(clients(), loop)
    try:
        for _ in range(3):
            before = len(dealt)
            until(lambda: len(dealt) > before + 50)  # noqa: B023
            outage = failed
            if how is signal.SIGKILL:
                doomed.stop(how)
            else:
                doomed.tell(how)
            until(lambda: failed > outage)  # noqa: B023
            if how is signal.SIGKILL:
                doomed.start()
            else:
                doomed.tell(signal.SIGCONT)
            due_again(store)
    finally:
        before = len(dealt)
        until(lambda: len(dealt) > before + 50)
        done.set()
        running.result()
    assert len(set(dealt)) == len(dealt)
    assert len({serial for serial, _ in dealt}) == (4 if how is signal.SIGKILL else 1)


async def _decided(store: RedisStore, wanted: Step) -> Pick:
    made = store.decide(wanted)
    assert not isinstance(made, Pick)
    return await made


def test_all_that_waits_for_a_redis_that_stands_still_fails_with_the_first(
    doomed: Redis, stores: Callable[..., RedisStore], loop: asyncio.AbstractEventLoop
) -> None:
    """A thousand questions are four round trips: not each of them is waited for."""
    store = stores(doomed.url(), patience=0.1)
    doomed.tell(signal.SIGSTOP)

    async def asks() -> list[Any]:
        many = [_decided(store, step(f"{n}")) for n in range(1000)]
        return await asyncio.gather(*many, return_exceptions=True)

    assert all(isinstance(each, StoreError) for each in run(loop, asks()))
    (lane,) = store.link._lanes.values()
    assert next(lane._asker._numbers) <= lane._asker.most + 1


def test_a_script_that_redis_forgot_is_sent_again(
    redis: Redis, stores: Callable[..., RedisStore], asked: Asked[Any]
) -> None:
    store = stores(redis.url(), patience=5.0)
    for count in (1, 2, 3):
        assert asked(store, lambda now: now.decide(step())).seen == count
        store.link._direct.command(b"SCRIPT", b"FLUSH")


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_clock_of_redis_that_was_set_is_read_again(
    redis: Redis, stores: Callable[..., RedisStore], asked: Asked[Any], seconds: int
) -> None:
    store = stores(redis.url(), patience=5.0)
    assert asked(store, lambda now: now.decide(step())).seen == 1
    for asker in (store.link._direct._asker, *(lane._asker for lane in store.link._lanes.values())):
        asker._ahead += seconds * 1_000_000
    assert asked(store, lambda now: now.decide(step())).seen == 2


def test_an_error_of_redis_is_told_and_is_no_outage(
    doomed: Redis, stores: Callable[..., RedisStore], asked: Asked[Any]
) -> None:
    store = stores(doomed.url(), patience=5.0)
    asked(store, lambda now: now.decide(step()))
    memory = (b"CONFIG", b"SET", b"maxmemory")
    store.link._direct.command(*memory, b"1")
    with pytest.raises(StoreError, match="maxmemory"):
        asked(store, lambda now: now.decide(step()))
    store.link._direct.command(*memory, b"0")
    assert asked(store, lambda now: now.decide(step())).seen == 2


def test_a_copy_that_does_not_let_itself_be_written_is_away(
    doomed: Redis, stores: Callable[..., RedisStore], asked: Asked[Any]
) -> None:
    """Behind a name, another server may have become the first."""
    store = stores(doomed.url(), patience=5.0)
    asked(store, lambda now: now.decide(step()))
    store.link._direct.command(b"REPLICAOF", b"127.0.0.1", b"1")
    with pytest.raises(StoreError, match="read only replica"):
        asked(store, lambda now: now.decide(step()))
    store.link._direct.close()
    due_again(store)
    store.link._direct.command(b"REPLICAOF", b"NO", b"ONE")
    assert asked(store, lambda now: now.decide(step())).seen == 2


def test_who_no_longer_waits_harms_nobody(
    redis: Redis, stores: Callable[..., RedisStore], loop: asyncio.AbstractEventLoop
) -> None:
    store = stores(redis.url(), patience=5.0)

    async def asks() -> list[int]:
        tasks = [asyncio.ensure_future(_decided(store, step())) for _ in range(10)]
        await asyncio.sleep(0)
        for each in tasks[::2]:
            each.cancel()
        made = await asyncio.gather(*tasks, return_exceptions=True)
        return [each.seen for each in made if isinstance(each, Pick)]

    assert run(loop, asks()) == [1, 2, 3, 4, 5]


def test_a_store_can_be_asked_again_after_it_was_closed(
    redis: Redis, stores: Callable[..., RedisStore], loop: asyncio.AbstractEventLoop
) -> None:
    store = stores(redis.url(), patience=5.0)

    async def ask_and_close() -> int:
        seen = (await _decided(store, step())).seen
        await store.link.aclose()
        return seen

    assert [run(loop, ask_and_close()) for _ in range(2)] == [1, 2]


def test_lanes_of_loops_that_ended_are_let_go(redis: Redis) -> None:
    store = RedisStore(Link(redis.url(), patience=5.0))

    async def ask() -> int:
        seen = (await _decided(store, step())).seen
        for lane in store.link._lanes.values():
            await lane.close()
        return seen

    assert [asyncio.run(ask()) for _ in range(3)] == [1, 2, 3]
    assert len(store.link._lanes) == 1


def test_forked_processes_ask_on_connections_of_their_own(redis: Redis) -> None:
    """Numbers and connection of the parent would be taken for the child's."""
    store = RedisStore(Link(redis.url(), patience=5.0))
    assert store.charged("s") == ()
    direct = store.link._direct
    parent, token = direct._connection, direct._asker._token
    direct._process = -1
    assert AtOnce(store).decide(step()).seen == 1
    assert direct._connection is not parent
    assert direct._asker._token != token
    parent.disconnect()
    store.link.close()
