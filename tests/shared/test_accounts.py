"""Books and stored completions of several processes: what one was told, all tell."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.accounts import Model, ThreadPage
from mockdock.errors import LedgerError, StoreError, UsageError
from mockdock.ledger import Books, Entry, PastPrices, PastThread, Seeds
from mockdock.ledger import models as ledger_models
from mockdock.question import (
    Analyse,
    CostOfThread,
    CreateModel,
    ListModels,
    ListThreads,
    NewModel,
    Price,
    Question,
    ReadThread,
    SetPrices,
    SumUsage,
    SumUsageBy,
    Window,
)
from mockdock.reply import StoredPage
from mockdock.shared import Link, SharedAccounts
from mockdock.shared.packing import pack, pack_text
from mockdock.shared.scripts import Script
from mockdock.statements import OwnPrices
from tests.effort import examples
from tests.engine.test_stored import stored, wanted
from tests.ledger.helpers import DAY, NOON, ai, exchange, human
from tests.ledger.test_properties import entries
from tests.stores import Redis

ALL = ListThreads(1000, 0)
WINDOW = Window(start_us=0, end_us=2 * NOON)
MODELS: tuple[NewModel, ...] = tuple(
    NewModel(name, "", "e2e9129b-6661-4eeb-80a2-0c86964974c9", "p", "completions", owner, 0)
    for name, owner in (("mine", "acme"), ("mine", "other"), ("yours", "acme"))
)
QUESTIONS: tuple[Question, ...] = (
    *(ALL, ReadThread("t"), CostOfThread("t"), ListModels(), SumUsage(WINDOW)),
    *(SumUsageBy(WINDOW, "day"), Analyse(WINDOW), Analyse(WINDOW, ("model", "user"))),
)


class Process:
    """One process of several: its accounts, and how it is asked."""

    def __init__(self, url: str, **bounds: int) -> None:
        self.link = Link(url, patience=20.0, script=Script(**bounds))
        self.accounts = SharedAccounts(self.link)
        self.books, self.shelf = self.accounts.books, self.accounts.shelf

    def add(self, session: str = "", *some: Entry, **fields: Any) -> None:
        """Keep exchanges, one with these fields where none is given."""
        waits = self.books.add(session, *(some or (exchange(**fields),)))
        assert waits is None, "outside a loop nothing is to be awaited"

    def tell(self, question: Question = ALL, session: str = "", project: str = "p") -> Any:
        """Ask what every process knows."""
        self.books.current()
        return self.books.ask(session, project, question, NOON)

    def threads(self, session: str = "") -> list[str]:
        """Name the threads of a session."""
        page = self.tell(session=session)
        assert isinstance(page, ThreadPage)
        return [thread.id for thread in page.threads]

    def stored(self, session: str = "") -> list[str]:
        """Name the stored completions of a session."""
        self.shelf.current()
        page = self.shelf.page(session, wanted(limit=100))
        assert isinstance(page, StoredPage)
        return [each.completion.id for each in page.items]

    def forget(self, session: str | None) -> None:
        """Forget a session in all processes, as an operation on sessions does."""
        sight = self.link.at_once(bytes, b"look", b"{}", counts=False).split()
        words = {"began": sight[1].decode(), "version": int(sight[2]), "session": ""}
        words |= {"verb": "reset", "what": "", "stops": ()}
        forgets = None if session is None else [pack_text(session)]
        asked = words | {"kind": "reset", "forgets": forgets}
        assert self.link.at_once(bytes, b"commit", pack(asked), b"{}") != b"stale"

    def close(self) -> None:
        """End it."""
        self.link.close()
        self.books.close()


Make = Callable[..., Process]


@pytest.fixture
def make(redis: Redis) -> Iterator[Make]:
    """Give what starts processes that share their accounts."""
    yield from _make(redis)


@pytest.fixture
def doomed_make(doomed: Redis) -> Iterator[Make]:
    """Give the same, with a Redis that the test may stop."""
    yield from _make(doomed)


def _make(redis: Redis) -> Iterator[Make]:
    url = redis.url()
    made: list[Process] = []

    def make(**bounds: int) -> Process:
        made.append(Process(url, **bounds))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_what_one_books_all_tell(make: Make) -> None:
    one, two = make(), make()
    said = (human("Hi"), ai("Hello!"))
    one.add(thread="t", messages=said[:1], replies=said[1:], cost=0.5, user_id="7")
    two.add(thread="t", messages=(*said, human("More")), cost=0.25)
    for question in QUESTIONS:
        assert one.tell(question) == two.tell(question) == make().tell(question)
    assert [message.content for message in one.tell(ReadThread("t")).messages] == [
        *("Hi", "Hello!", "More")
    ]
    assert two.tell(CostOfThread("t")).total_cost == 0.75


@pytest.mark.parametrize("session", ["", "s", "ü", "\udcff"])
def test_sessions_are_apart_in_all_processes(make: Make, session: str) -> None:
    one, two = make(), make()
    one.add(session, thread="mine")
    two.add("other", thread="theirs")
    one.shelf.keep(session, stored("a"))
    two.shelf.keep("other", stored("b"))
    assert (two.threads(session), one.threads("other")) == (["mine"], ["theirs"])
    assert (two.stored(session), one.stored("other")) == (["a"], ["b"])


def test_a_model_that_was_made_is_called_at_once_through_another_process(make: Make) -> None:
    one, two = make(), make()
    made = one.tell(CreateModel(MODELS[0]))
    assert isinstance(made, Model)
    assert one.books.model("", "p", "mine") == made
    two.books.current()
    assert two.books.model("", "p", "mine", "acme") == made
    again = two.tell(CreateModel(MODELS[0]))
    assert again.id != made.id
    one.books.current()
    assert one.books.model("", "p", "mine") == two.books.model("", "p", "mine") == again


def test_a_price_that_was_set_holds_in_all_processes(make: Make) -> None:
    one, two = make(), make()
    one.tell(SetPrices({"gpt-4o": Price(1, 2)}))
    two.tell(SetPrices({"openai/gpt-4o": Price(3, 4)}))
    for each in (one, two, make()):
        assert each.tell(ListModels()) == OwnPrices(
            (), {"gpt-4o": Price(1, 2, NOON), "openai/gpt-4o": Price(3, 4, NOON)}
        )
        assert each.books.price("", "p", "openai", "gpt-4o", NOON) == Price(3, 4, NOON)


def test_models_have_the_same_ids_for_all_whoever_makes_them(make: Make) -> None:
    processes = [make() for _ in range(4)]

    def create(number: int) -> str:
        made = processes[number % 4].books.ask("", "p", CreateModel(MODELS[number % 3]), NOON)
        assert isinstance(made, Model)
        return made.id

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(create, range(24)))
    assert len(set(told)) == 24
    shown = [each.tell(ListModels()) for each in (*processes, make())]
    assert shown == [shown[0]] * 5
    assert {each.id for each in shown[0].models} <= set(told)


def test_what_is_refused_is_refused_by_all_and_told_who_asked(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_models, "_MOST", 1)
    one, two = make(), make()
    one.tell(CreateModel(MODELS[0]))
    with pytest.raises(UsageError, match="at most 1 models"):
        two.tell(CreateModel(MODELS[2]))
    for each in (one, two, make()):
        assert [model.model_name for model in each.tell(ListModels()).models] == ["mine"]


def test_metrics_of_models_count_the_traffic_of_all(make: Make) -> None:
    one, two = make(), make()
    one.add(duration_ms=100.0)
    assert two.tell() == one.tell()
    two.add(duration_ms=300.0)
    for each in (one, two):
        each.books.current()
        (told,) = each.books.metrics("", "p").values()
        assert (told.requests, told.latency) == (2, 200.0)


def seeds(*threads: str, at_us: int = NOON) -> Seeds:
    """Make seeds of threads and prices, and a past exchange."""
    return Seeds(
        threads=tuple(
            PastThread("p", each, "gpt-4o", at_us, messages=(human("Hi"),)) for each in threads
        ),
        models=((MODELS[0], at_us),),
        prices=(PastPrices("p", {"gpt-4o": Price(1, 2)}, at_us),),
        entries=(exchange(started_us=at_us, input_tokens=each) for each in (1, 10)),
    )


def test_seeds_are_sown_once_with_the_moment_of_the_first(make: Make) -> None:
    one, two = make(), make()
    one.books.seed("", "all", {"a": lambda: seeds("x")})
    two.books.current()
    assert two.books.is_seeded("", "all")
    two.books.seed("", "all", {"a": lambda: seeds("y", at_us=NOON + DAY)})
    for each in (one, two, make()):
        assert each.threads() == ["x"]
        assert each.tell(SumUsage(WINDOW)).usage.total.total_input_tokens == 11
        assert each.books.is_seeded("", "all")
        assert not each.books.is_seeded("other", "all")
    assert len({each.tell(ListModels()).models[0].id for each in (one, two, make())}) == 1


def test_seeds_that_two_sow_at_once_are_those_of_one(make: Make) -> None:
    """Whoever comes first: nothing of the other's is there."""
    processes = [make() for _ in range(4)]
    together = threading.Barrier(4)

    def sow(number: int) -> None:
        def made() -> Seeds:
            together.wait()
            return seeds(f"of {number}", at_us=NOON + number)

        processes[number].books.seed("s", "all", {"a": made, "b": Seeds})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sow, range(4)))
    told = [each.tell(session="s") for each in (*processes, make())]
    assert told == [told[0]] * 5
    (thread,) = told[0].threads
    assert thread.id == f"of {thread.created_us - NOON}"


def test_parts_that_are_sown_are_not_made_again(make: Make) -> None:
    one, two = make(), make()
    one.books.seed("", "a", {"one": lambda: seeds("x"), "two": seeds})
    made = []

    def other() -> Seeds:
        made.append(1)
        return Seeds(threads=(PastThread("p", "new", "gpt-4o", NOON + 1),))

    two.books.seed("", "b", {"one": other, "three": other})
    assert len(made) == 1
    assert one.threads() == two.threads() == ["new", "x"]
    assert one.books.is_seeded("", "b")


def test_seeds_that_cannot_be_made_are_told_and_sown_later(make: Make) -> None:
    one, two = make(), make()

    def wrong() -> Seeds:
        raise UsageError("a history needs a model")

    with pytest.raises(UsageError, match="needs a model"):
        one.books.seed("", "a", {"one": wrong})
    two.books.seed("", "a", {"one": lambda: seeds("x")})
    assert one.threads() == ["x"]


def test_stored_completions_are_listed_changed_and_deleted_everywhere(make: Make) -> None:
    one, two = make(), make()
    for process, which in ((one, "a"), (two, "b"), (one, "c")):
        assert process.shelf.keep("", stored(which)) is None
    assert one.stored() == two.stored() == ["a", "b", "c"]
    changed = two.shelf.update("", "a", {"k": "v"})
    assert changed == stored("a", metadata={"k": "v"})
    one.shelf.current()
    assert one.shelf.find("", "a") == changed
    assert (one.shelf.remove("", "b"), two.shelf.remove("", "b")) == (True, False)
    assert two.shelf.update("", "b", {}) is None
    assert one.stored() == two.stored() == make().stored() == ["a", "c"]
    page = two.shelf.page("", wanted(after="b"))
    assert page is not None
    assert [each.completion.id for each in page.items] == ["c"]


def test_of_many_who_delete_one_completion_one_has(make: Make) -> None:
    processes = [make() for _ in range(4)]
    for number in range(10):
        processes[0].shelf.keep("", stored(f"{number}"))

    def remove(number: int) -> bool:
        return processes[number % 4].shelf.remove("", f"{number // 4}")

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(remove, range(40))) == 10


@pytest.mark.parametrize("session", ["", "s", "ü", "\udcff"])
def test_a_session_is_forgotten_everywhere(make: Make, session: str) -> None:
    one, two = make(), make()
    for name in (session, "other"):
        one.add(name, thread="t")
        two.tell(CreateModel(MODELS[0]), name)
        two.shelf.keep(name, stored("a"))
        one.books.seed(name, "all", {"a": lambda: seeds("x")})
    assert one.threads(session) == ["x", "t"]
    two.forget(session)
    for each in (one, two, make()):
        assert (each.threads(session), each.stored(session)) == ([], [])
        assert each.books.model(session, "p", "mine") is None
        assert not each.books.is_seeded(session, "all")
        assert (each.threads("other"), each.stored("other")) == (["x", "t"], ["a"])
    one.add(session, thread="new")
    assert two.threads(session) == ["new"]


def test_all_is_forgotten_everywhere(make: Make) -> None:
    one, two = make(), make()
    for name in ("", "s"):
        one.add(name, thread="t")
        two.shelf.keep(name, stored("a"))
        two.books.seed(name, "all", {"a": lambda: seeds("x")})
    assert one.threads("s") == ["x", "t"]
    one.forget(None)
    for each in (one, two, make()):
        for name in ("", "s"):
            assert (each.threads(name), each.stored(name)) == ([], [])
            assert not each.books.is_seeded(name, "all")
    assert one.link.command(b"XLEN", one.link.key("log:lasting")) == 0


def test_books_and_shelf_are_reset_each_for_itself(make: Make) -> None:
    one, two = make(), make()
    for name in ("", "s"):
        one.add(name, thread="t")
        one.shelf.keep(name, stored("a"))
    two.books.reset("s")
    assert (one.threads("s"), one.threads(), one.stored("s")) == ([], ["t"], ["a"])
    one.shelf.reset("s")
    assert (two.stored("s"), two.stored()) == ([], ["a"])
    two.shelf.reset()
    one.books.reset()
    assert (one.stored(), two.threads()) == ([], [])


def test_traffic_that_is_dropped_takes_no_models_along(make: Make) -> None:
    """Who comes later knows less of the past, but all that was made."""
    one = make(most_passing=5)
    one.tell(CreateModel(MODELS[0]))
    one.books.seed("", "all", {"a": Seeds})
    for number in range(20):
        one.add(thread=f"{number}")
        one.books.current()
    late = make(most_passing=5)
    assert late.threads() == [f"{number}" for number in range(19, 14, -1)]
    assert len(one.threads()) == 20
    assert late.books.model("", "p", "mine") == one.books.model("", "p", "mine")
    assert late.books.is_seeded("", "all")


def test_an_item_that_nobody_understands_stops_nobody(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as one of a version to come."""
    one, two = make(), make()
    one.add(thread="a")
    asked = {"kind": "passing", "sessions": (), "writer": None, "serial": 0}
    for item in (b"?", b'D["", "unheard", []]', b"B[5]", b"L", b""):
        one.link.at_once(bytes, b"note", pack(asked), item)
    one.add(thread="b")
    assert two.threads() == ["b", "a"]
    assert caplog.text.count("cannot be followed") == 5


def test_what_is_asked_in_a_loop_is_awaited(make: Make) -> None:
    one, two = make(), make()

    async def go() -> tuple[Any, Any]:
        added = [one.books.add("", exchange(thread=f"{n}")) for n in range(300)]
        kept = [two.shelf.keep("", stored(f"{n}")) for n in range(50)]
        assert None not in (*added, *kept)
        await asyncio.gather(*(each for each in (*added, *kept) if each is not None))
        for each in (one.books.current(), two.shelf.current()):
            assert each is not None
            await each
        told = two.books.ask("", "p", ALL, NOON), one.shelf.page("", wanted(limit=100))
        for process in (one, two):
            await process.accounts.aclose()
            await process.link.aclose()
        return told

    page, listed = asyncio.run(go())
    assert (page.total, len(listed.items)) == (300, 50)


def due_again(*processes: Process) -> None:
    """Let the pause after a failure be over."""
    for each in processes:
        each.link._health._again = 0.0


def test_without_redis_nobody_is_told_what_others_may_know_better(
    doomed: Redis, doomed_make: Make
) -> None:
    one = doomed_make()
    one.add(thread="t")
    assert one.threads() == ["t"]
    doomed.stop()
    for ask in (
        one.tell,
        lambda: one.books.ask("", "p", CreateModel(MODELS[0]), NOON),
        lambda: one.books.seed("", "all", {"a": Seeds}),
        lambda: one.shelf.keep("", stored("a")),
        lambda: one.shelf.remove("", "a"),
        one.books.reset,
    ):
        with pytest.raises(StoreError, match="does not answer"):
            ask()


def test_what_was_answered_while_redis_went_away_is_booked_once_when_it_is_back(
    doomed: Redis, doomed_make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = doomed_make(), doomed_make()

    async def add(*threads: str) -> None:
        many = (one.books.add("", exchange(thread=each)) for each in threads)
        await asyncio.gather(*(each for each in many if each is not None))

    async def go() -> None:
        await add("before")
        doomed.stop()
        await add(*"abc")
        await add("d")
        doomed.start()
        due_again(one, two)
        await add("after")
        fresh = one.books.current()
        assert fresh is not None
        await fresh
        await one.accounts.aclose()
        await one.link.aclose()

    asyncio.run(go())
    assert two.threads() == ["after", "d", "c", "b", "a"]  # what was before, Redis lost
    assert caplog.text.count("the ledger is kept until it can be written") == 1
    assert caplog.text.count("the ledger is written to the store again") == 1


def test_what_cannot_be_written_to_the_end_is_told(
    doomed: Redis, doomed_make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    one = doomed_make()

    async def go() -> None:
        doomed.stop()
        added = one.books.add("", exchange(thread="t"))
        assert added is not None
        await added
        await one.accounts.aclose()
        await one.link.aclose()

    asyncio.run(go())
    assert "the ledger could not be written: 1 exchange lost" in caplog.text


def test_what_everything_was_forgotten_after_is_not_told_as_done(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = make(), make()
    append = one.accounts._log.append_at_once

    def appended(*words: Any, **more: Any) -> None:
        append(*words, **more)
        two.forget(None)

    monkeypatch.setattr(one.accounts._log, "append_at_once", appended)
    with pytest.raises(StoreError, match="everything was forgotten"):
        one.tell(CreateModel(MODELS[0]))
    assert two.tell(ListModels()).models == ()


sessions = st.sampled_from(["", "s"])
steps = st.lists(
    st.tuples(st.just("add"), sessions, entries)
    | st.tuples(st.just("create"), sessions, st.sampled_from(MODELS))
    | st.tuples(st.just("price"), sessions, st.sampled_from(["m", "a/m"]))
    | st.tuples(st.just("seed"), sessions, st.sampled_from(["a", "b"]))
    | st.tuples(st.just("forget"), sessions | st.none(), st.none())
    | st.tuples(st.just("look"), sessions, st.none()),
    max_size=25,
)


def do(one: Process, alone: Books, number: int, step: tuple[str, Any, Any]) -> None:
    """Take a step in one of several processes, and in one that is alone."""
    verb, session, what = step
    match verb:
        case "add":
            one.add(session, what)
            alone.add(session, what)
        case "seed":
            for books in (one.books, alone):
                books.seed(session, what, {what: lambda: seeds("seeded", at_us=NOON + number)})
        case "forget":
            one.forget(session)
            alone.reset(session)
        case "look":
            one.tell(session=session)
        case _:
            asked = CreateModel(what) if verb == "create" else SetPrices({what: Price(1, 2)})
            told = one.books.ask(session, "p", asked, NOON + number)
            assert told == alone.ask(session, "p", asked, NOON + number)


@settings(max_examples=examples(50), deadline=None)
@given(taken=steps, chance=st.randoms(use_true_random=False))
def test_random_traffic_on_several_gives_what_one_process_gives(
    redis: Redis, taken: Sequence[tuple[str, Any, Any]], chance: Any
) -> None:
    """Whoever is asked, and whenever they looked before."""
    url = redis.url()
    processes = [Process(url) for _ in range(3)]
    alone = Books()
    for number, step in enumerate(taken):
        do(chance.choice(processes), alone, number, step)
    for session in ("", "s"):
        for question in QUESTIONS:
            told = alone.ask(session, "p", question, NOON)
            assert [each.tell(question, session) for each in processes] == [told] * 3
    alone.close()
    for each in processes:
        each.close()


def test_closed_books_of_a_process_tell_so(make: Make) -> None:
    one = make()
    one.add(thread="t")
    assert one.threads() == ["t"]
    ledger = one.accounts.known.books.open()
    one.books.close()
    with pytest.raises(LedgerError, match="is closed"):
        ledger.threads("0/p", limit=1)
