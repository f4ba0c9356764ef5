"""One journal of several processes: each exchange is there once, wherever it was had."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.app import App
from mockdock.delivery import ManualClock
from mockdock.engine import Engine
from mockdock.errors import StoreError
from mockdock.local.verbs import LocalVerbs
from mockdock.observe import Entry, Journal, JournalWriter, Keeper, record
from mockdock.observe.verbs import Opening
from mockdock.reply import Failure
from mockdock.scenario import load
from mockdock.shared import Link, RedisJournal
from mockdock.shared.scripts import Script
from tests.conformance.asgi import post
from tests.journals import InLoop, looping
from tests.observe.helpers import exchange
from tests.stores import Redis

Make = Callable[..., RedisJournal]

PROCESSES, CALLS = 4, 2500
DAY = 86_400
ODD = ["", "s", "s:1", "\xe9", "a b\n", "\udcff", 'x"\\', "all", "state"]
"""Names that run together, or are special to somebody on the way."""
SCENARIO = {
    "mockdock": 1,
    "rules": [
        {"name": "greet", "when": {"user": "hello"}, "reply": "Hello!"},
        {"name": "bye", "when": {"user": "bye", "headers": {"x-tenant": "a"}}, "reply": "Bye!"},
        {"name": "list", "when": {"model": "text-*"}, "reply": {"error": 500}},
    ],
    "otherwise": "fail",
}


@pytest.fixture
def make(redis: Redis) -> Iterator[Make]:
    """Make journals that are closed after the test."""
    made: list[RedisJournal] = []

    def make_(url: str = "", script: Script | None = None, **limits: int) -> RedisJournal:
        link = Link(url or redis.url(), script=script, patience=20.0)
        made.append(RedisJournal(link, **limits))
        return made[-1]

    yield make_
    for each in made:
        each.close()
        each._link.close()


def two(make: Make, redis: Redis, **limits: int) -> tuple[RedisJournal, RedisJournal]:
    """Make the journals of two processes."""
    url = redis.url()
    return make(url, **limits), make(url, **limits)


def numbers(journal: Keeper, session: str | None = None, **where: Any) -> list[int]:
    return [entry.number for entry in journal.entries(session, **where)]


def command(journal: RedisJournal, *words: str) -> Any:
    return journal._link.command(*(each.encode() for each in words))


def keys(journal: RedisJournal) -> dict[str, int]:
    """Give all keys with the seconds they have left, -1 where they stay for ever."""
    prefix = journal._link.key("").decode()
    held = [each.decode() for each in command(journal, "KEYS", f"{prefix}*")]
    return {each.removeprefix(prefix): command(journal, "TTL", each) for each in held}


def test_what_one_process_had_another_has_too(make: Make, redis: Redis) -> None:
    one, other = two(make, redis)
    one.use("s", "greet")
    other.use("s", "greet")
    other.use("s", "bye")
    one.append(exchange("s"))
    other.append(exchange("t", reply=Failure("no_match"), rule=None))
    for each in (one, other):
        assert numbers(each) == [1, 2]
        assert each.sessions() == ["s", "t"]
        assert each.tally("s").uses == {"greet": (2, 1, 2), "bye": (1, 3, 3)}
        assert [(entry.session, entry.missed) for entry in each.entries()] == [
            ("s", False),
            ("t", True),
        ]
    other.reset("s")
    assert (numbers(one), one.sessions()) == ([2], ["t"])


def test_a_record_is_the_one_that_outsiders_see(make: Make) -> None:
    key = "sk-proj-abcdefghijklmnopqrstuvwx"
    had = exchange("s", headers={"authorization": f"Bearer {key}"}, body=key.encode())
    journal = make()
    journal.append(had)
    (entry,) = journal.entries()
    for secrets in (True, False):
        assert entry.record(secrets=secrets) == record(Entry(1, had))
    assert (entry.answered_by, entry.rule_key) == (had.rule, had.rule_key)
    dumped = command(journal, "XRANGE", journal._link.key("journal").decode(), "-", "+")
    assert key.encode() not in repr(dumped).encode()


@pytest.mark.parametrize("session", ODD)
def test_texts_of_any_kind_come_back(make: Make, session: str) -> None:
    journal, memory = make(), Journal()
    had = exchange(session, path="/\udcff", body=b"\xff", rule="\udc80\xe9", started=2**70)
    for each in (journal, memory):
        each.use(session, session)
        each.append(had)
        assert each.sessions() == [session]
        assert each.tally(session).uses == {session: (1, 1, 1)}
        (entry,) = each.entries(session)
        assert (entry.session, entry.record()) == (session, record(Entry(1, had)))


def test_pages_of_a_long_journal_are_put_together(make: Make) -> None:
    journal = make()
    for number in range(251):
        journal.append(exchange("s" if number % 2 else "t"))
    assert numbers(journal) == list(range(1, 252))
    assert numbers(journal, "t") == list(range(1, 252, 2))
    assert numbers(journal, last=230, limit=220) == list(range(22, 242))
    assert numbers(journal, "t", after=50, last=110) == list(range(51, 252, 2))[-110:]
    assert numbers(journal, limit=101) == list(range(1, 102))
    assert numbers(journal, after=2**80) == []


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from(ODD), st.integers(0, 3)),
        st.tuples(st.just("late"), st.sampled_from(ODD), st.integers(0, 3)),
        st.tuples(st.just("use"), st.sampled_from(ODD), st.integers(0, 3)),
        st.tuples(st.just("reset"), st.sampled_from([*ODD, None]), st.integers(0, 3)),
    ),
    max_size=30,
)
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"reply": Failure("no_match")},
    {"reply": Failure("server_error", cause=ValueError("x"))},
    {"reply": Failure("rate_limit")},
)


@settings(max_examples=40)
@given(actions=ACTIONS, most=st.integers(1, 8))
def test_several_processes_keep_what_one_would(
    processes: tuple[Redis, list[RedisJournal]],
    actions: list[tuple[str, str | None, int]],
    most: int,
) -> None:
    redis, made = processes
    url = redis.url()
    shared = [RedisJournal(Link(url, patience=20.0), most=most) for _ in range(2)]
    made += shared
    memory = Journal(most)
    for at, (what, session, which) in enumerate(actions):
        for each in (memory, shared[at % 2]):
            if what == "use" and session is not None:
                each.use(session, f"rule {which}")
            elif what == "reset":
                each.reset(session)
            elif session is not None:
                each.append(exchange(session, late=what == "late", **KINDS[which]))
    for each in shared:
        assert each.sessions() == memory.sessions()
        for session in (None, *ODD):
            mine, theirs = memory.tally(session), each.tally(session)
            assert [entry.number for entry in theirs.raised] == [e.number for e in mine.raised]
            assert theirs.uses == mine.uses
            assert (theirs.requests, theirs.missed, theirs.failed) == (
                mine.requests,
                mine.missed,
                mine.failed,
            )
            assert numbers(each, session) == numbers(memory, session)
            assert numbers(each, session, last=2) == numbers(memory, session, last=2)
        each.close()
        each._link.close()
    made.clear()


@pytest.fixture(scope="module")
def processes(redis: Redis) -> Iterator[tuple[Redis, list[RedisJournal]]]:
    """Give where journals are, and close those of a story that failed."""
    made: list[RedisJournal] = []
    yield redis, made
    for each in made:
        each.close()
        each._link.close()


def test_ten_thousand_calls_of_four_processes_are_all_in_the_journal(
    make: Make, redis: Redis
) -> None:
    url = redis.url()
    words = (sys.executable, "-m", "tests.shared.journalist", url)
    running = [
        subprocess.Popen((*words, f"p{number}", f"{CALLS}"), stdout=subprocess.PIPE)
        for number in range(PROCESSES)
    ]
    told = [json.loads(each.communicate()[0]) for each in running]
    journal = make(url)
    assert sorted(number for each in told for number in each) == numbers(journal)
    assert numbers(journal) == list(range(1, PROCESSES * CALLS + 1))
    assert journal.tally().requests == PROCESSES * CALLS
    for process, mine in enumerate(told):
        tally = journal.tally(f"p{process}")
        assert (tally.requests, tally.uses["greet"].times) == (CALLS, CALLS)
        assert numbers(journal, f"p{process}") == mine
    paths = {entry.record()["path"] for entry in journal.entries("p0")}
    assert paths == {f"/p0/{number}" for number in range(CALLS)}


def test_every_key_goes_after_a_day_at_the_latest(make: Make) -> None:
    journal = make(script=Script(most_sessions=2), most=3)
    failed = exchange("b", reply=Failure("server_error", cause=ValueError("x")))
    for session in "abcab":
        journal.use(session, "greet")
        journal.append(exchange(session))
        journal.append(failed)
    left = keys(journal)
    assert {"journal", "journal:all", "journal:raised:b", "journal:numbers:b"} <= set(left)
    assert all(0 < seconds <= DAY for seconds in left.values()), left
    for session in "ab":
        journal.reset(session)
    journal.append(exchange("a"))
    left = keys(journal)
    assert all(0 < seconds <= DAY for seconds in left.values()), left
    journal.reset()
    left = keys(journal)
    kept = {name for name in left if not name.startswith("kept:")}
    assert kept == {"journal:state", "journal:writers"}
    assert all(0 < seconds <= DAY for seconds in left.values()), left
    journal.append(exchange("a"))
    left = keys(journal)
    assert all(0 < seconds <= DAY for seconds in left.values()), left


def test_what_is_used_stays_another_day(make: Make) -> None:
    """An hour is the least it is put off by, so that not every exchange does so."""
    journal = make()
    journal.append(exchange("s"))
    journal.append(exchange("t"))
    prefix = journal._link.key("").decode()
    for name in keys(journal):
        command(journal, "EXPIRE", prefix + name, "100")
    journal.append(exchange("t"))
    assert all(seconds <= 100 for seconds in keys(journal).values())
    command(journal, "HSET", f"{prefix}journal:state", "renewed", "1")
    journal.append(exchange("t"))
    assert all(seconds > 100 for seconds in keys(journal).values())


def test_numbers_go_on_where_redis_lost_all_it_knew(make: Make) -> None:
    journal = make()
    for _ in range(3):
        journal.append(exchange("s"))
    for name in keys(journal):
        command(journal, "DEL", journal._link.key(name).decode())
    journal.append(exchange("s"))
    assert (numbers(journal), journal.tally("s").requests) == ([4], 1)


@pytest.mark.parametrize("gone", ["journal:state", "journal", "journal:sessions", "journal:of:s"])
def test_a_key_that_redis_had_no_room_for_spoils_nothing(make: Make, gone: str) -> None:
    journal = make(most=2)
    for _ in range(3):
        journal.append(exchange("s"))
    command(journal, "DEL", journal._link.key(gone).decode())
    for _ in range(3):
        journal.append(exchange("s"))
    assert numbers(journal)[-1] == 6
    assert len(numbers(journal)) <= 2
    left = keys(journal)
    assert all(0 < seconds <= DAY for seconds in left.values()), left


@pytest.mark.parametrize("limits", [{"most": 0}, {"most_bytes": 0}])
def test_a_journal_keeps_something(make: Make, limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="keeps at least 1 exchange and 1 byte"):
        make(**limits)


def test_who_waits_is_woken_by_another_process(make: Make, redis: Redis) -> None:
    one, other = two(make, redis)
    got: list[list[int]] = []
    waiters = [
        threading.Thread(target=lambda: got.append([e.number for e in one.wait_after("s", 1, 30)]))
        for _ in range(5)
    ]
    other.append(exchange("s"))
    for each in waiters:
        each.start()
    other.append(exchange("t"))
    other.append(exchange("s"))
    for each in waiters:
        each.join(30)
    assert got == [[3]] * 5


def test_who_waits_is_let_go_when_the_server_stops(make: Make) -> None:
    journal = make()
    got: list[bool] = []
    waiter = threading.Thread(target=lambda: got.append(journal.wait("s", 1, 600)))
    waiter.start()
    with journal._bell._changed:
        assert journal._bell._changed.wait_for(lambda: journal._bell._connection is not None, 30)
    journal.close()
    waiter.join(30)
    assert got == [False]
    assert journal._bell._thread is None


def test_nobody_listens_once_nobody_has_waited_for_long(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockdock.shared.bell._IDLE", 0.0)
    journal = make()
    assert not journal.wait("s", 1, 0.001)
    thread = journal._bell._thread
    if thread is not None:
        thread.join(30)
    assert journal._bell._thread is None
    journal.append(exchange("s"))
    assert journal.wait("s", 1, 0.001)


def test_watchers_see_what_their_own_process_had_with_its_number(
    make: Make, redis: Redis, tmp_path: Path
) -> None:
    one, other = two(make, redis)
    said: list[str] = []
    file = tmp_path / "journal.jsonl"
    with JournalWriter(file, said.append) as first, JournalWriter(file, said.append) as second:
        one.watch(first.write)
        other.watch(second.write)
        for each in (one, other, one):
            each.append(exchange("s"))
    written = [json.loads(line) for line in file.read_text().splitlines()]
    assert sorted(each["number"] for each in written) == [1, 2, 3]
    assert {each["number"]: each for each in written} == {
        entry.number: entry.record() for entry in one.entries()
    }
    assert said == []


def asked(app: App, said: str, session: str = "", **more: Any) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": said}], **more}
    post(app, "/v1/chat/completions", body, {"x-mockdock-session": session} if session else {})


def test_what_is_read_off_a_shared_journal_is_what_one_process_tells(
    make: Make, redis: Redis
) -> None:
    """Verify, counts, audit, records and rules, asked of a process that had none of it."""
    one, other = two(make, redis)
    with looping() as loop:
        written = InLoop(one, loop)
        there, here = told_by(written, other), told_by(*[Journal()] * 2)
        asyncio.run_coroutine_threadsafe(one._link.aclose(), loop).result()
    assert there == here
    messages = [each["message"] for each in here[0][2]["problems"]]
    assert any("nearest is request #" in message for message in messages)


def told_by(mine: Keeper, read: Keeper) -> tuple[Any, ...]:
    """Have requests at a server with one journal, and ask one with another for them."""
    scenario = load(SCENARIO).scenario
    apps = [App(Engine(scenario), journal=each, clock=ManualClock()) for each in (mine, read)]
    readers = [LocalVerbs(app, lambda: "", secrets=False) for app in apps]
    for verbs in readers:
        verbs.open("mine", Opening(otherwise="fail", time_scale="manual"))
    for session in ("", "mine", "unknown"):
        asked(apps[0], "hello", session)
        asked(apps[0], "what?", session)
        asked(apps[0], "Hello bye", session, stream=True)
        post(apps[0], "/v1/embeddings", {"model": "text-embedding-3-small", "input": "x"})
        post(apps[0], "/v1/nowhere", {})
    verbs = readers[1]
    records = verbs.journal(None)
    for each in records:
        for name in ("started", "era"):
            del each[name]
        for head in ("x-request-id", "openai-processing-ms", "date"):
            each["reply"]["headers"].pop(head, None)
    verdicts = [
        verbs.verify(session, unused="all").model_dump(mode="json")
        for session in (None, "", "mine")
    ]
    for verdict in verdicts:
        for problem in verdict["problems"]:
            problem["record"] = problem["record"] and problem["record"]["number"]
    counts = [verbs.counts(session).model_dump(exclude={"era"}) for session in (None, "mine")]
    return (
        verdicts,
        counts,
        [card.used for card in verbs.rules("mine")],
        verbs.audit(None)["ok"],
        records,
    )


def test_a_journal_that_cannot_be_read_is_told(doomed: Redis, make: Make) -> None:
    journal = make(doomed.url())
    journal.append(exchange("s"))
    doomed.stop()
    for ask in (journal.entries, journal.sessions, journal.tally, journal.reset):
        with pytest.raises(StoreError, match="does not answer"):
            ask()
    with pytest.raises(StoreError, match="does not answer"):
        journal.wait("s", 2, 30)


def test_one_loop_after_the_other_may_write(make: Make) -> None:
    journal = make()

    async def write() -> None:
        written = journal.append(exchange("s"))
        assert written is not None
        await written
        await journal._link.aclose()

    for _ in range(3):
        asyncio.run(write())
    assert numbers(journal) == [1, 2, 3]
    assert len(journal._outbox._couriers) == 1
