"""The one place that waits and sends, with a client and a clock of the test's own."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast

import pytest

from mockdock.delivery import Client, Clock, ManualClock, ScaledClock, Wire, deliver
from mockdock.frames import Cut, Frame, Head, Outcome, Raw

HEAD = Head(200, ((b"content-type", b"text/event-stream"),))
KILO = 1024


class _Client:
    """What a server hands an application, and what it saw happen, in order."""

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.open = asyncio.Event()
        self.open.set()

    async def receive(self) -> dict[str, Any]:
        return await self.incoming.get()

    async def send(self, message: Any) -> None:
        self.log.append(message)
        await self.open.wait()

    def record(self, outcome: Outcome) -> None:
        self.log.append(outcome)

    def leave(self) -> None:
        self.incoming.put_nowait({"type": "http.disconnect"})

    @property
    def bodies(self) -> list[bytes]:
        return [each["body"] for each in self.log if _is(each, "http.response.body")]

    @property
    def heads(self) -> list[Any]:
        return [each for each in self.log if _is(each, "http.response.start")]

    @property
    def outcomes(self) -> list[Outcome]:
        return [each for each in self.log if isinstance(each, Outcome)]


def _is(message: Any, kind: str) -> bool:
    return isinstance(message, dict) and message["type"] == kind


async def settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


class _Delivery:
    """A delivery under way."""

    def __init__(self, *timed: tuple[float, bytes], clock: Any = None) -> None:
        self.client = _Client()
        self.clock = ManualClock() if clock is None else clock
        self.asked: list[float] = []
        self.task = asyncio.create_task(
            deliver(
                HEAD,
                self.frames(timed),
                clock=self.clock,
                client=Client(self.client.receive, self.clock),
                send=self.client.send,
                record=self.client.record,
            )
        )

    def frames(self, timed: tuple[tuple[float, bytes], ...]) -> Iterator[tuple[float, Frame]]:
        for due, data in timed:
            self.asked.append(due)
            yield due, Frame(data, 1)

    async def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await settle()

    async def finished(self) -> _Client:
        """Wait for the end, and see that nothing is left behind."""
        await asyncio.wait_for(self.task, 5)
        await settle()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        if isinstance(self.clock, ManualClock):
            assert self.clock.waiting() == 0
        return self.client


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await work()

    asyncio.run(main())


def test_what_is_due_together_leaves_in_one_write() -> None:
    async def work() -> None:
        client = await _Delivery((0.0, b"a"), (0.0, b"b"), (0.0, b"c")).finished()
        assert client.log == [
            Outcome("completed", 3, 3),
            {"type": "http.response.start", "status": 200, "headers": HEAD.headers},
            {"type": "http.response.body", "body": b"abc", "more_body": False},
        ]

    run(work)


def test_frames_leave_when_they_are_due_and_not_before() -> None:
    async def work() -> None:
        delivery = _Delivery((0.0, b"a"), (1.0, b"b"), (1.0, b"c"), (2.0, b"d"))
        await settle()
        assert delivery.client.bodies == [b"a"]
        await delivery.advance(0.9)
        assert delivery.client.bodies == [b"a"]
        await delivery.advance(0.1)
        assert delivery.client.bodies == [b"a", b"bc"]
        assert delivery.client.outcomes == []
        await delivery.advance(1.0)
        client = await delivery.finished()
        assert client.bodies == [b"a", b"bc", b"d"]
        assert client.outcomes == [Outcome("completed", 4, 4)]

    run(work)


def test_nothing_leaves_before_the_first_frame_is_due() -> None:
    async def work() -> None:
        delivery = _Delivery((5.0, b"a"))
        await delivery.advance(4.9)
        assert delivery.client.log == []
        await delivery.advance(0.1)
        client = await delivery.finished()
        assert client.bodies == [b"a"]

    run(work)


def test_frames_are_made_no_earlier_than_the_one_before_has_left() -> None:
    async def work() -> None:
        delivery = _Delivery((0.0, b"a"), (1.0, b"b"), (2.0, b"c"), (3.0, b"d"))
        await settle()
        assert delivery.asked == [0.0, 1.0]
        await delivery.advance(1.0)
        assert delivery.asked == [0.0, 1.0, 2.0]
        await delivery.advance(9.0)
        await delivery.finished()

    run(work)


def test_a_late_loop_catches_up_at_once() -> None:
    """Deadlines are absolute: a delay is not added to every later frame."""

    async def work() -> None:
        delivery = _Delivery(*((float(second), b"%d" % second) for second in range(8)))
        await settle()
        await delivery.advance(4.5)
        assert delivery.client.bodies == [b"0", b"1234"]
        await delivery.advance(0.5)
        assert delivery.client.bodies == [b"0", b"1234", b"5"]
        await delivery.advance(2.0)
        client = await delivery.finished()
        assert client.bodies == [b"0", b"1234", b"5", b"67"]

    run(work)


def test_the_head_is_sent_once_and_only_the_last_write_says_it_is_the_last() -> None:
    async def work() -> None:
        delivery = _Delivery((0.0, b"a"), (1.0, b"b"), (2.0, b"c"))
        for seconds in (0.0, 1.0, 1.0):
            await delivery.advance(seconds)
        client = await delivery.finished()
        assert len(client.heads) == 1
        assert client.log.index(client.heads[0]) == 0
        more = [each["more_body"] for each in client.log if _is(each, "http.response.body")]
        assert more == [True, True, False]

    run(work)


def test_a_reply_without_frames_still_has_a_head_and_an_end() -> None:
    async def work() -> None:
        client = await _Delivery().finished()
        assert client.outcomes == [Outcome("completed", 0, 0)]
        assert len(client.heads) == 1
        assert client.bodies == [b""]

    run(work)


def test_at_scale_zero_nothing_waits() -> None:
    async def work() -> None:
        delivery = _Delivery((0.0, b"a"), (1e9, b"b"), clock=ScaledClock(0))
        client = await delivery.finished()
        assert client.bodies == [b"ab"]

    run(work)


def test_scaled_time_delivers_all_in_order() -> None:
    async def work() -> None:
        clock = ScaledClock(0.001)
        start = clock.now()
        delivery = _Delivery(*((start + 5 * n, b"%d" % n) for n in range(5)), clock=clock)
        client = await delivery.finished()
        assert b"".join(client.bodies) == b"01234"
        assert client.outcomes == [Outcome("completed", 5, 5)]

    run(work)


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (0.0, Outcome("client_left", 1, 2)),
        (1.5, Outcome("client_left", 2, 4)),
        (2.0, Outcome("client_left", 4, 8)),
    ],
)
def test_a_client_that_leaves_while_we_wait_is_sent_nothing_more(
    after: float, outcome: Outcome
) -> None:
    async def work() -> None:
        delivery = _Delivery((0.0, b"aa"), (1.0, b"bb"), (2.0, b"cc"), (2.0, b"dd"), (3.0, b"ee"))
        await delivery.advance(after)
        before = len(delivery.client.bodies)
        delivery.client.leave()
        client = await delivery.finished()
        assert client.outcomes == [outcome]
        assert len(client.bodies) == before
        assert sum(map(len, client.bodies)) == outcome.sent

    run(work)


def test_a_client_that_leaves_before_anything_was_sent_gets_no_head() -> None:
    async def work() -> None:
        delivery = _Delivery((5.0, b"a"))
        await settle()
        delivery.client.leave()
        client = await delivery.finished()
        assert client.log == [Outcome("client_left", 0, 0, headless=True)]

    run(work)


def test_a_client_that_leaves_while_a_write_is_stuck_is_noticed_at_once() -> None:
    """Not only when the next frame would have been due."""

    async def work() -> None:
        delivery = _Delivery((0.0, b"a"), (1.0, b"b"), (99.0, b"c"))
        await settle()
        delivery.client.open.clear()
        await delivery.advance(1.0)
        assert delivery.client.bodies == [b"a", b"b"]
        delivery.client.leave()
        await settle()
        delivery.client.open.set()
        client = await delivery.finished()
        assert client.outcomes == [Outcome("client_left", 2, 2)]

    run(work)


def test_what_else_a_client_sends_does_not_mean_it_has_left() -> None:
    async def work() -> None:
        delivery = _Delivery((0.0, b"a"), (1.0, b"b"))
        delivery.client.incoming.put_nowait(
            {"type": "http.request", "body": b"", "more_body": False}
        )
        await settle()
        assert delivery.client.outcomes == []
        await delivery.advance(1.0)
        client = await delivery.finished()
        assert client.outcomes == [Outcome("completed", 2, 2)]

    run(work)


def test_a_client_that_leaves_just_when_a_frame_is_due_is_sent_nothing_more() -> None:
    async def work() -> None:
        delivery = _Delivery((0.0, b"a"), (1.0, b"b"))
        await settle()
        delivery.client.leave()
        delivery.clock.advance(1.0)
        client = await delivery.finished()
        assert len(client.outcomes) == 1
        assert b"".join(client.bodies) == b"ab"[: client.outcomes[0].sent]

    run(work)


@pytest.mark.parametrize("size", [1, 64 * KILO - 1, 64 * KILO, 300 * KILO])
def test_a_body_in_one_frame_is_recorded_before_any_of_it_leaves(size: int) -> None:
    """A client that has all bytes of its ``content-length`` may look at the journal."""

    async def work() -> None:
        client = await _Delivery((0.0, b"x" * size)).finished()
        assert client.log[0] == Outcome("completed", 1, size)
        assert b"".join(client.bodies) == b"x" * size

    run(work)


@pytest.mark.parametrize("count", [6, 7, 13, 64])
def test_a_big_body_leaves_in_bounded_writes_recorded_before_its_last_bytes(count: int) -> None:
    async def work() -> None:
        client = await _Delivery(*[(0.0, b"x" * 10 * KILO)] * count).finished()
        total = count * 10 * KILO
        assert client.outcomes == [Outcome("completed", count, total)]
        assert max(map(len, client.bodies)) < 74 * KILO
        assert len(client.bodies) == -(-count // 7)
        after = client.log[client.log.index(client.outcomes[0]) :]
        rest = [each["body"] for each in after if _is(each, "http.response.body")]
        assert len(rest) == 1
        assert rest[0]
        assert sum(map(len, client.bodies)) == total

    run(work)


def test_the_outcome_of_a_paced_reply_is_recorded_before_its_last_bytes() -> None:
    async def work() -> None:
        delivery = _Delivery((0.0, b"a"), (1.0, b"b"))
        await settle()
        await delivery.advance(1.0)
        client = await delivery.finished()
        kinds = [each if isinstance(each, Outcome) else each.get("body") for each in client.log]
        assert kinds == [None, b"a", Outcome("completed", 2, 2), b"b"]

    run(work)


def test_a_delivery_that_is_called_off_leaves_nothing_behind() -> None:
    async def work() -> None:
        delivery = _Delivery((0.0, b"a"), (1.0, b"b"))
        await settle()
        delivery.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery.task
        await settle()
        assert delivery.client.log[-1] == Outcome("stopped", 1, 1)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert delivery.clock.waiting() == 0

    run(work)


def test_what_fails_to_be_made_is_recorded_once_and_raised() -> None:
    def broken() -> Iterator[tuple[float, Frame]]:
        yield 0.0, Frame(b"a", 1)
        yield 1.0, Frame(b"b", 1)
        raise ValueError("inside")

    async def work() -> None:
        client, clock = _Client(), ManualClock()
        watched = Client(client.receive, clock)
        delivery = asyncio.create_task(
            deliver(
                HEAD, broken(), clock=clock, client=watched, send=client.send, record=client.record
            )
        )
        await settle()
        clock.advance(1.0)
        with pytest.raises(ValueError, match="inside"):
            await delivery
        # "b" was held to leave with what comes after it
        assert client.outcomes == [Outcome("stopped", 1, 1)]
        await settle()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(work)


def test_a_client_that_left_has_got_what_was_written_and_no_more() -> None:
    async def work() -> None:
        delivery = _Delivery((0.0, b"a" * 70 * KILO), (0.0, b"b"))
        delivery.client.leave()
        client = await delivery.finished()
        assert client.outcomes == [Outcome("client_left", 1, 70 * KILO)]

    run(work)


def test_a_thousand_streams_share_a_clock_and_each_gets_its_own() -> None:
    async def work() -> None:
        clock = ManualClock()
        streams = [
            _Delivery(*((n / 10, b"%d;" % (stream + n)) for n in range(5)), clock=clock)
            for stream in range(1000)
        ]
        await settle()
        for _ in range(5):
            clock.advance(0.1)
            await settle()
        await asyncio.gather(*(each.task for each in streams))
        for number, stream in enumerate(streams):
            assert stream.client.bodies == [b"%d;" % (number + n) for n in range(5)]
        assert clock.waiting() == 0

    run(work)


class _Connection:
    """A connection that notes what is done to it, among what the client saw."""

    def __init__(self, log: list[Any]) -> None:
        self.log = log

    def write(self, data: bytes) -> None:
        self.log.append(("raw", data))

    async def drain(self) -> None:
        self.log.append("drained")

    async def cut(self, cut: Cut, clock: Clock) -> None:
        self.log.append((cut, clock))


async def delivered(
    *items: Frame | Raw | Cut, wired: bool = True, clock: Clock | None = None
) -> tuple[list[Any], Clock]:
    """Deliver items that are all due, and give what happened in order."""
    client = _Client()
    clock = ScaledClock(0) if clock is None else clock
    await deliver(
        HEAD,
        ((0.0, item) for item in items),
        clock=clock,
        client=Client(client.receive, clock),
        send=client.send,
        record=client.record,
        wire=cast("Wire", _Connection(client.log)) if wired else None,
    )
    return client.log, clock


START = {"type": "http.response.start", "status": 200, "headers": HEAD.headers}


def part(data: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": True}


def test_a_cut_is_recorded_and_what_came_before_it_leaves_before_it() -> None:
    async def work() -> None:
        cut = Cut(reset=True)
        log, clock = await delivered(Frame(b"ab"), Frame(b"c"), cut, Frame(b"never"))
        assert log == [Outcome("cut", 2, 3), START, part(b"abc"), (cut, clock)]

    run(work)


def test_a_cut_before_anything_sends_no_head() -> None:
    async def work() -> None:
        log, clock = await delivered(Cut())
        assert log == [Outcome("cut", 0, 0, headless=True), (Cut(), clock)]

    run(work)


def test_a_frame_without_bytes_lets_the_head_leave_before_a_cut() -> None:
    async def work() -> None:
        log, clock = await delivered(Frame(b"", flush=True), Cut())
        assert log == [Outcome("cut", 1, 0), START, part(b""), (Cut(), clock)]

    run(work)


def test_frames_of_their_own_leave_in_writes_of_their_own() -> None:
    async def work() -> None:
        log, _ = await delivered(
            Frame(b"a"),
            Frame(b"b", flush=True),
            Frame(b"c"),
            Frame(b"d"),
            Frame(b"e", flush=True),
        )
        end = {**part(b"e"), "more_body": False}
        outcome = Outcome("completed", 5, 5)
        assert log == [START, part(b"a"), part(b"b"), part(b"cd"), outcome, end]

    run(work)


def test_raw_bytes_pass_http_by_and_end_with_their_connection() -> None:
    async def work() -> None:
        log, clock = await delivered(Frame(b"a"), Raw(b"b"), Frame(b"c"), Frame(b"d", flush=True))
        assert log == [
            START,
            part(b"a"),
            ("raw", b"b"),
            "drained",
            ("raw", b"c"),
            "drained",
            Outcome("cut", 4, 4),
            ("raw", b"d"),
            "drained",
            (Cut(), clock),
        ]

    run(work)


def test_raw_bytes_follow_a_head_that_has_left() -> None:
    async def work() -> None:
        cut = Cut(reset=True)
        log, clock = await delivered(Raw(b"a"), cut)
        outcome = Outcome("cut", 1, 1)
        assert log == [START, part(b""), outcome, ("raw", b"a"), "drained", (cut, clock)]

    run(work)


@pytest.mark.parametrize("item", [Cut(), Raw(b"x")])
def test_without_a_socket_a_fault_of_the_wire_says_so(item: Raw | Cut) -> None:
    """As in a process that calls the application itself; the client sees the error."""

    async def work() -> None:
        client = _Client()
        clock = ScaledClock(0)
        with pytest.raises(ConnectionResetError, match="needs a socket"):
            await deliver(
                HEAD,
                iter([(0.0, Frame(b"a")), (0.0, item)]),
                clock=clock,
                client=Client(client.receive, clock),
                send=client.send,
                record=client.record,
            )
        assert client.log == [Outcome("cut", 1, 1), START, part(b"a")]

    run(work)


@pytest.mark.parametrize("clock", [ScaledClock(0), ScaledClock(0.001), ManualClock()])
def test_what_is_never_due_is_waited_for_until_the_client_leaves(clock: Clock) -> None:
    async def work() -> None:
        delivery = _Delivery((0.0, b"a"), (math.inf, b"b"), clock=clock)
        await settle()
        assert delivery.client.bodies == [b"a"]
        if isinstance(clock, ManualClock):
            clock.advance(1e12)
            await settle()
        assert delivery.client.outcomes == []
        delivery.client.leave()
        client = await delivery.finished()
        assert client.outcomes == [Outcome("client_left", 1, 1)]

    run(work)


def test_a_client_can_be_woken_from_any_wait() -> None:
    async def work() -> None:
        seen = _Client()
        client = Client(seen.receive, ScaledClock(0))
        client.wake()  # nobody waits: nothing happens
        waiting = asyncio.create_task(client.wait_until(math.inf))
        await settle()
        assert not waiting.done()
        client.wake()
        client.wake()
        await asyncio.wait_for(waiting, 5)
        assert not client.left
        client.close()

    run(work)
