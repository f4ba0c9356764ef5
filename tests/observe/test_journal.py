"""The journal: what is kept, what is counted, who is woken."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mockdock.observe import Keeper, Tally, Use
from mockdock.observe import journal as module
from mockdock.reply import Failure, FailureKind
from tests.journals import JOURNALS, JournalKind, Journals
from tests.observe.helpers import exchange

PATIENCE = 30.0


@pytest.fixture(params=JOURNALS, ids=repr, scope="module")
def make(request: pytest.FixtureRequest) -> Iterator[Journals]:
    """Make journals of each kind."""
    kind: JournalKind = request.param
    with kind.made() as journals:
        yield journals


def numbers(journal: Keeper, session: str | None = None, **where: Any) -> list[int]:
    return [entry.number for entry in journal.entries(session, **where)]


def filled(make: Journals, *sessions: str, **limits: int) -> Keeper:
    journal = make(**limits)
    for session in sessions:
        journal.append(exchange(session))
    return journal


def waiting(
    make: Journals, journal: Keeper, wait: Callable[[], Any], patch: pytest.MonkeyPatch
) -> Callable[[], Any]:
    """Begin to wait in a thread, and give what tells the result once it is woken."""
    pool = ThreadPoolExecutor(1)
    begun = threading.Event()
    changed = make.condition(journal)
    real = changed.wait

    def noted(timeout: float | None = None) -> bool:
        begun.set()
        return real(timeout)

    patch.setattr(changed, "wait", noted)
    future = pool.submit(wait)
    assert begun.wait(PATIENCE)

    def result() -> Any:
        pool.shutdown(wait=False)
        return future.result(PATIENCE)

    return result


def test_entries_are_numbered_from_one_in_the_order_they_ended(make: Journals) -> None:
    journal = filled(make, "a", "b", "a")
    assert numbers(journal) == [1, 2, 3]
    assert numbers(journal, "a") == [1, 3]
    assert numbers(journal, "b") == [2]
    assert numbers(journal, "nobody") == []
    assert [entry.session for entry in journal.entries()] == ["a", "b", "a"]


def test_watchers_are_shown_what_comes_until_they_are_not(make: Journals) -> None:
    journal = make()
    one, other = list[int](), list[int]()
    watchers = [lambda entry, to=to: to.append(entry.number) for to in (one, other)]
    for each in watchers:
        journal.watch(each)
    journal.append(exchange("s"))
    journal.unwatch(watchers[0])
    journal.append(exchange("s"))
    assert (one, other) == ([1], [1, 2])


def test_a_page_begins_after_a_number_and_has_an_end(make: Journals) -> None:
    journal = filled(make, *"ababab")
    assert numbers(journal, after=2) == [3, 4, 5, 6]
    assert numbers(journal, after=2, limit=2) == [3, 4]
    assert numbers(journal, "b", after=2, limit=1) == [4]
    assert numbers(journal, limit=0) == []
    assert numbers(journal, after=6) == []
    assert numbers(journal, after=99) == []


def test_only_the_last_are_kept_and_all_are_counted(make: Journals) -> None:
    journal = filled(make, *"abab", most=3)
    assert numbers(journal) == [2, 3, 4]
    assert numbers(journal, "a") == [3]
    assert (journal.tally("a").requests, journal.tally("b").requests) == (2, 2)
    assert journal.tally().requests == 4


def test_no_more_bytes_are_kept_than_wanted(make: Journals) -> None:
    light = make.weight(exchange())
    journal = make(most_bytes=3 * light)
    for _ in range(5):
        journal.append(exchange())
    assert numbers(journal) == [3, 4, 5]
    more = make.weight(exchange(body=b"x" * light)) - light
    heavy = exchange(body=b"x" * (2 * light * light // more))  # takes as much as three
    journal.append(heavy)
    assert numbers(journal) == [6]
    journal.append(exchange())
    assert numbers(journal) == [7]


def test_an_exchange_heavier_than_the_journal_is_counted_and_not_kept(make: Journals) -> None:
    journal = make(most_bytes=make.weight(exchange()))
    journal.append(exchange())
    journal.append(exchange(body=b"x"))
    assert numbers(journal) == []
    assert journal.tally("").requests == 2
    journal.append(exchange())
    assert numbers(journal) == [3]


@pytest.mark.parametrize("limits", [{"most": 0}, {"most_bytes": 0}, {"most": -1}])
def test_a_journal_keeps_something(make: Journals, limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="keeps at least 1 exchange and 1 byte"):
        make(**limits)


def test_a_tally_counts_tokens_misses_failures_and_uses(make: Journals) -> None:
    journal = make()
    for key in ("greet", "other", "greet", "other"):
        journal.use("s", key)
    for _ in range(3):
        journal.append(exchange("s"))
    journal.append(exchange("s", reply=Failure("rate_limit")))
    journal.append(exchange("s", reply=Failure("no_match"), rule_key=None))
    everyone = Tally(5, missed=1, failed=2, prompt_tokens=36, completion_tokens=102)
    uses = {"greet": Use(2, 1, 3), "other": Use(2, 2, 4)}
    assert journal.tally("s") == replace(everyone, uses=uses)
    assert journal.tally() == everyone
    assert journal.tally("nobody") == Tally()


def test_a_tally_does_not_change_any_more(make: Journals) -> None:
    journal = filled(make, "s")
    before = journal.tally("s")
    journal.append(exchange("s"))
    journal.use("s", "greet")
    assert (before.requests, before.uses) == (1, {})


def test_ten_of_the_errors_that_functions_raised_are_told(make: Journals) -> None:
    journal = make(most=1)
    raised = [RuntimeError(str(number)) for number in range(12)]
    for cause in raised:
        journal.append(exchange("s", reply=Failure("server_error", cause=cause)))
    told = [entry.record()["reply"]["cause"] for entry in journal.tally("s").raised]
    assert told == [repr(cause) for cause in raised[:10]]
    assert [entry.session for entry in journal.tally().raised] == ["s"] * 10


def test_what_is_late_counts_for_all_together_only(make: Journals) -> None:
    journal = make(most=2)
    journal.append(exchange("s", late=True))
    assert journal.tally("s") == Tally()
    assert (journal.tally().requests, numbers(journal), numbers(journal, "s")) == (1, [1], [])
    for _ in range(2):
        journal.append(exchange("s"))
    assert (numbers(journal), numbers(journal, "s")) == ([2, 3], [2, 3])


@pytest.mark.parametrize("kind", get_args(FailureKind))
def test_a_miss_went_past_every_rule_or_every_path(kind: FailureKind) -> None:
    missed = {"no_match", "exhausted", "unknown_url", "invalid_url", "wrong_method"}
    assert exchange(reply=Failure(kind)).missed is (kind in missed)


def test_an_answer_is_no_miss() -> None:
    assert not exchange().missed


def test_the_session_longest_unused_is_forgotten(
    make: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_SESSIONS", 2)
    journal = filled(make, "a", "b", "a", "c", most_sessions=2)
    assert numbers(journal) == [1, 3, 4]
    assert journal.tally("b") == Tally()
    assert (journal.tally("a").requests, journal.tally("c").requests) == (2, 1)
    assert journal.tally().requests == 4


def test_ten_thousand_sessions_are_counted(make: Journals) -> None:
    journal = make(most=1)
    make.fill(journal, [exchange(str(number)) for number in range(10_001)])
    assert journal.sessions() == [str(number) for number in range(1, 10_001)]
    assert (journal.tally("0").requests, journal.tally("1").requests) == (0, 1)


def test_a_reset_forgets_one_session_and_its_bytes(make: Journals) -> None:
    light = make.weight(exchange("a"))
    journal = filled(make, "a", "b", "a", most_bytes=3 * light)
    journal.reset("a")
    assert numbers(journal) == [2]
    assert journal.tally("a") == Tally()
    assert journal.tally("b").requests == 1
    for _ in range(3):
        journal.append(exchange("a"))
    assert numbers(journal) == [4, 5, 6]
    journal.reset("nobody")
    assert numbers(journal) == [4, 5, 6]


def test_a_reset_of_everything_forgets_everything_but_the_number(make: Journals) -> None:
    journal = filled(make, "a", "b", most_bytes=2 * make.weight(exchange("a")))
    journal.reset()
    assert (numbers(journal), journal.tally(), journal.tally("a")) == ([], Tally(), Tally())
    journal.append(exchange("a"))
    journal.append(exchange("a"))
    assert numbers(journal) == [3, 4]


def test_who_waits_for_a_count_is_woken_by_it(
    make: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = filled(make, "s", "other")
    told = waiting(make, journal, lambda: journal.wait("s", 3, PATIENCE), monkeypatch)
    journal.append(exchange("s"))
    journal.append(exchange("other"))
    journal.append(exchange("s"))
    assert told() is True
    assert journal.tally("s").requests == 3


def test_a_wait_ends_at_once_when_the_count_is_there_and_counts_what_is_not_kept(
    make: Journals,
) -> None:
    journal = filled(make, "s", "s", "other", most=1)
    assert journal.wait("s", 2, PATIENCE)
    assert journal.wait("nobody", 0, 0)


def test_a_wait_gives_up(make: Journals) -> None:
    journal = filled(make, "s")
    assert journal.wait("s", 2, 0) is False
    assert journal.wait("nobody", 1, 0) is False
    assert journal.wait_after("s", 1, 0) == []
    assert journal.wait_after("nobody", 0, 0) == []


def test_who_follows_a_session_is_woken_by_its_next_exchange_alone(
    make: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = filled(make, "s")
    told = waiting(make, journal, lambda: journal.wait_after("s", 1, PATIENCE), monkeypatch)
    journal.append(exchange("other"))
    journal.append(exchange("s"))
    assert told()[0].number == 3


def test_who_follows_all_is_woken_by_any(make: Journals, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = filled(make, "s", "s")
    told = waiting(
        make, journal, lambda: journal.wait_after(None, 2, PATIENCE, limit=1), monkeypatch
    )
    journal.append(exchange("other"))
    assert [entry.number for entry in told()] == [3]


def test_who_follows_gets_what_is_there_already(make: Journals) -> None:
    journal = filled(make, *"ssss")
    assert [entry.number for entry in journal.wait_after("s", 1, PATIENCE, limit=2)] == [2, 3]


def test_the_last_ones_are_given_oldest_first_and_of_them_the_first(make: Journals) -> None:
    journal = filled(make, "s", "other", "s", "s", "s")
    assert numbers(journal, "s", last=2) == [4, 5]
    assert numbers(journal, "s", last=3, limit=2) == [3, 4]
    assert numbers(journal, "s", after=4, last=3) == [5]
    assert numbers(journal, last=4) == [2, 3, 4, 5]
    assert numbers(journal, "s", last=0) == []
    assert numbers(journal, "s", last=9) == [1, 3, 4, 5]


def test_sessions_are_named_the_one_longest_unused_first(make: Journals) -> None:
    journal = filled(make, "a", "", "a")
    journal.use("b", "rule")
    assert journal.sessions() == ["", "a", "b"]
    journal.reset("a")
    assert journal.sessions() == ["", "b"]


def test_eight_threads_that_append_lose_and_double_nothing(make: Journals) -> None:
    journal = make(most=500)
    start = threading.Barrier(8)

    def work(which: int) -> None:
        start.wait()
        for _ in range(200):
            journal.use(f"s{which % 4}", f"r{which}")
            journal.append(exchange(f"s{which % 4}"))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
    finally:
        sys.setswitchinterval(before)
    assert numbers(journal) == list(range(1101, 1601))
    assert sorted(n for s in range(4) for n in numbers(journal, f"s{s}")) == numbers(journal)
    tallies = [journal.tally(f"s{which}") for which in range(4)]
    assert [each.requests for each in tallies] == [400] * 4
    used = {key: use.times for each in tallies for key, use in each.uses.items()}
    assert used == {f"r{which}": 200 for which in range(8)}
    assert journal.tally().requests == 1600


def test_resets_while_others_append_leave_a_journal_that_is_right(make: Journals) -> None:
    journal = make(most=50, most_bytes=40 * make.weight(exchange("a")))
    done = threading.Event()

    def work(session: str) -> None:
        for _ in range(300):
            journal.append(exchange(session))

    def reset() -> int:
        times = 0
        while not done.is_set():
            journal.reset("a" if times % 3 else None)
            times += 1
        return times

    with ThreadPoolExecutor(5) as pool:
        resets = pool.submit(reset)
        appending = [pool.submit(work, session) for session in "abab"]
        for future in appending:
            future.result(PATIENCE)
        done.set()
        assert resets.result(PATIENCE) > 0
    kept = numbers(journal)
    assert kept == sorted(numbers(journal, "a") + numbers(journal, "b"))
    assert len(kept) <= 40
    journal.append(exchange("b"))
    assert numbers(journal)[-1] == 1201


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from("abc"), st.integers(0, 3)),
        st.tuples(st.just("reset"), st.sampled_from(["a", "b", "c", None]), st.just(0)),
    ),
    max_size=40,
)


@given(ACTIONS, st.integers(1, 6), st.integers(1, 8))
def test_a_journal_keeps_what_a_simple_list_would(
    make: Journals, actions: list[tuple[str, str | None, int]], most: int, room: int
) -> None:
    """The model: a list, cut from the front while it is too long or too heavy."""
    light = make.weight(exchange("a"))
    journal = make(most=most, most_bytes=room * light)
    kept: list[tuple[int, str, int]] = []
    requests = dict.fromkeys("abc", 0)
    number = 0
    for what, session, more in actions:
        if what == "append" and session is not None:
            number += 1
            one = exchange(session, body=b"x" * (more * light // 2))
            journal.append(one)
            requests[session] += 1
            kept.append((number, session, make.weight(one)))
            while len(kept) > most or sum(heavy for *_, heavy in kept) > room * light:
                kept.pop(0)
        else:
            journal.reset(session)
            kept = [each for each in kept if session is not None and each[1] != session]
            requests.update(dict.fromkeys("abc" if session is None else session, 0))
        assert numbers(journal) == [n for n, *_ in kept]
        for each in "abc":
            assert numbers(journal, each) == [n for n, s, _ in kept if s == each]
            assert journal.tally(each).requests == requests[each]
    make.clear()
