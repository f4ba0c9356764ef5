"""Books: what sessions are seeded with, and when again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockdock.ledger import (
    Books,
    NewModel,
    PastModel,
    PastPrices,
    PastThread,
    Price,
    Seeds,
    history,
)
from mockdock.question import Analyse, ListThreads, Window
from mockdock.statements import Summary
from tests.ledger.helpers import DAY, NOON, exchange

MODEL = PastModel("openai", "gpt-4o", Price(2.5, 10))
ALL = Analyse(Window(start_us=0), ("provider",))


@pytest.fixture
def books() -> Iterator[Books]:
    made = Books()
    yield made
    made.close()


def total(books: Books, session: str = "", project: str = "p") -> int:
    told = books.ask(session, project, ALL, 2 * NOON)
    assert isinstance(told, Summary)
    return sum(group.figures.total_requests for group in told.groups)


def used(count: int = 1, **fields: Any) -> Seeds:
    return Seeds(entries=[exchange(**fields)] * count)


def test_a_session_is_seeded_once_and_again_after_it_was_reset(books: Books) -> None:
    for session in ("", "mine"):
        assert not books.is_seeded(session, "a")
        for _ in range(2):
            books.seed(session, "a", {"one": used})
            assert books.is_seeded(session, "a")
    assert (total(books), total(books, "mine"), total(books, "other")) == (1, 1, 0)
    books.reset("mine")
    assert not books.is_seeded("mine", "a")
    assert books.is_seeded("", "a")
    assert (total(books), total(books, "mine")) == (1, 0)
    books.seed("mine", "a", {"one": used})
    assert total(books, "mine") == 1
    books.reset()
    assert not books.is_seeded("", "a")
    assert (total(books), total(books, "mine")) == (0, 0)


def test_only_parts_that_are_new_are_sown(books: Books) -> None:
    books.seed("", "a", {"one": used, "two": used})
    books.seed("", "b", {"two": used, "three": lambda: used(5)})
    assert total(books) == 7
    assert books.is_seeded("", "b")
    assert not books.is_seeded("", "a")


def test_all_kinds_of_seeds_are_of_their_session(books: Books) -> None:
    new = NewModel("m", "M", "x", "p", "completions", "openai", 0, input_token_price=1e-6)
    seeds = Seeds(
        threads=(PastThread("p", "t", "gpt-4o", NOON),),
        models=((new, NOON),),
        prices=(PastPrices("p", {"a/b": Price(1, 2)}),),
        entries=[exchange(thread="t")],
    )
    books.seed("mine", "a", {"all": lambda: seeds})
    assert books.ask("", "p", ListThreads(10, 0), NOON).total == 0  # type: ignore[union-attr]
    page: Any = books.ask("mine", "p", ListThreads(10, 0), NOON)
    assert [each.id for each in page.threads] == ["t"]
    assert books.model("", "p", "m") is None
    assert books.model("mine", "p", "m") is not None
    assert books.price("", "p", "a", "b", NOON) is None
    assert books.price("mine", "p", "a", "b", NOON) == Price(1, 2, 0)


def test_a_long_history_is_written_in_pieces_that_are_all_there(books: Books) -> None:
    entries = list(history("p", now_us=NOON, models=[MODEL], days=7, per_day=200))
    books.seed("", "a", {"past": lambda: Seeds(entries=entries)})
    assert total(books) == len(entries) > 500
    page: Any = books.ask("", "p", ListThreads(10_000, 0), NOON)
    assert page.total == len({each.thread for each in entries})
    ledger = books.open()
    names = [ledger.is_sown(f"0/past{suffix}") for suffix in ("", "/0", "/1")]
    assert names == [True, True, True]


def test_a_file_keeps_its_seeds_but_not_those_of_sessions(tmp_path: Path) -> None:
    for _ in range(2):
        books = Books(tmp_path / "a.db")
        books.seed("", "a", {"one": used})
        books.seed("mine", "a", {"one": used})
        assert (total(books), total(books, "mine")) == (1, 1)
        books.close()
        assert not books.is_seeded("", "a")


def test_a_reset_while_seeds_are_sown_has_them_sown_again(books: Books) -> None:
    def reset() -> Seeds:
        books.reset("mine")
        return used()

    books.seed("mine", "a", {"one": used, "two": reset})
    assert not books.is_seeded("mine", "a")
    books.seed("mine", "a", {"one": used, "two": used})
    assert total(books, "mine") == 2


def test_two_threads_sow_once(books: Books) -> None:
    made = []

    def make() -> Seeds:
        made.append(1)
        return used()

    threads = [threading.Thread(target=books.seed, args=("", "a", {"one": make})) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(made), total(books)) == (1, 1)


def test_what_is_of_a_day_before_now_is_forgotten_before_what_came(books: Books) -> None:
    """Seeds have numbers below those of traffic, and of a history the oldest have the lowest."""
    entries = list(history("p", now_us=NOON, models=[MODEL], days=7, per_day=200))
    books.add("", exchange())
    books.seed("", "a", {"past": lambda: Seeds(entries=entries)})
    with books.open()._store.reading() as connection:
        rows = connection.execute("SELECT started_us FROM exchange ORDER BY number").fetchall()
    started = [row[0] for row in rows]
    assert started[-1] == NOON
    assert min(started[-200:-1]) > NOON - 3 * DAY
    assert max(started[:200]) < NOON - 4 * DAY
