"""One ledger for the sessions of a server, each of which sees its own projects alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest

from mockdock.accounts import Model, ThreadPage
from mockdock.ledger import Books
from mockdock.ledger import books as module
from mockdock.question import CreateModel, ListThreads, NewModel, Price, SetPrices
from tests.ledger.helpers import NOON, exchange

ALL = ListThreads(10, 0)
NEW = NewModel("mine", "", "e2e9129b-6661-4eeb-80a2-0c86964974c9", "p", "completions", "acme", 0)


@pytest.fixture
def books() -> Iterator[Books]:
    """Keep books in memory."""
    books = Books()
    yield books
    books.close()


def threads(books: Books, session: str, project: str = "p") -> list[str]:
    """Name the threads a session sees."""
    page = books.ask(session, project, ALL, NOON)
    assert isinstance(page, ThreadPage)
    return [thread.id for thread in page.threads]


def test_sessions_and_projects_are_apart(books: Books) -> None:
    for session, project, thread in (("", "p", "a"), ("s", "p", "b"), ("s", "q", "c")):
        books.add(session, exchange(project=project, thread=thread))
    assert threads(books, "") == ["a"]
    assert threads(books, "s") == ["b"]
    assert threads(books, "s", "q") == ["c"]
    assert threads(books, "other") == []


def test_a_project_cannot_be_named_as_another_sessions(books: Books) -> None:
    books.add("", exchange(project="p", thread="a"))
    for name in ("0/p", "/p", "../p"):
        assert threads(books, "s", name) == []


@pytest.mark.parametrize("session", ["s", "ü", "\udcff", "s/", "0"])
def test_a_reset_forgets_one_session(books: Books, session: str) -> None:
    for each in ("", session, "other"):
        books.add(each, exchange(thread=f"of {each}"))
        prices = SetPrices({"gpt-4o": Price(1, 2)})
        books.ask(each, "p", prices, NOON)
        books.ask(each, "p", CreateModel(NEW), NOON)
    books.reset(session)
    assert threads(books, session) == []
    assert books.price(session, "p", "openai", "gpt-4o", NOON) is None
    assert books.model(session, "p", "mine") is None
    for each in ("", "other"):
        assert threads(books, each) == [f"of {each}"]
        assert books.price(each, "p", "openai", "gpt-4o", NOON) == Price(1, 2, NOON)
        assert books.model(each, "p", "mine") is not None


def test_a_reset_of_all_forgets_all(books: Books) -> None:
    for session in ("", "s"):
        books.add(session, exchange(thread="t"))
    books.reset()
    assert (threads(books, ""), threads(books, "s")) == ([], [])


def test_who_did_nothing_is_not_looked_up(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most servers never see a gateway: no ledger is opened for them."""
    monkeypatch.setattr(Books, "open", None)
    assert books.price("s", "p", "openai", "gpt-4o", NOON) is None
    assert books.model("s", "p", "gpt-4o") is None
    books.reset("s")
    books.reset()


def test_a_model_is_of_the_session_that_made_it(books: Books) -> None:
    made = books.ask("s", "p", CreateModel(NEW), NOON)
    assert isinstance(made, Model)
    found = books.model("s", "p", "mine", "acme")
    assert found is not None
    assert (found.id, found.model_name) == (made.id, "mine")
    assert books.model("s", "p", "mine", "other") is None
    books.add("t", exchange())
    assert books.model("t", "p", "mine") is None


def test_a_file_outlives_the_process_but_for_sessions(tmp_path: Path) -> None:
    """A session of its own ends with the server that had it."""
    for path_of_day in range(2):
        books = Books(tmp_path / "ledger.db")
        if not path_of_day:
            for session in ("", "s"):
                books.add(session, exchange(thread="t"))
                books.ask(session, "p", SetPrices({"gpt-4o": Price(1, 2)}), NOON)
        else:
            assert books.price("", "p", "openai", "gpt-4o", NOON) == Price(1, 2, NOON)
            assert books.price("s", "p", "openai", "gpt-4o", NOON) is None
        assert threads(books, "") == ["t"]
        assert threads(books, "s") == ([] if path_of_day else ["t"])
        books.close()
    last = Books(tmp_path / "ledger.db")
    last.reset()
    assert threads(last, "") == []
    last.close()


def test_books_are_opened_anew_after_they_were_closed(books: Books) -> None:
    books.add("s", exchange(thread="t"))
    books.close()
    books.close()
    assert books.model("s", "p", "mine") is None
    assert threads(books, "s") == []


def test_threads_that_come_at_once_open_one_ledger(books: Books) -> None:
    barrier, found = Barrier(8), []

    def look() -> None:
        barrier.wait()
        found.append(books.open())

    workers = [Thread(target=look) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len({id(each) for each in found}) == 1


def test_so_many_sessions_are_remembered_and_then_all_are_looked_up(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_SESSIONS", 2)
    for session in ("a", "b", "c"):
        books.add(session, exchange(thread=session))
        books.ask(session, "p", SetPrices({"gpt-4o": Price(1, 2)}), NOON)
    assert books.price("c", "p", "openai", "gpt-4o", NOON) == Price(1, 2, NOON)
    books.reset("c")
    assert threads(books, "c") == []
    assert threads(books, "a") == ["a"]
