"""The one stateful step. Every store must pass this suite; what only memory has is at the end."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import pytest

from mockdock.engine import MemoryStore
from mockdock.engine import memory as module
from mockdock.engine.store import Candidate, Pick, Scalar, Step
from tests.stores import Ready

Per = Literal["session", "request", "server"]


def rule(**fields: Any) -> Candidate:
    return Candidate(**{"key": "0:rule", **fields})


def pick(
    store: Ready,
    *candidates: Candidate,
    session: str = "s",
    request: str = "r",
    attempt: int | None = None,
) -> Pick:
    return store.decide(Step(session, request, attempt, candidates))


def positions(store: Ready, candidate: Candidate, times: int, **where: Any) -> list[int | None]:
    return [pick(store, candidate, **where).position for _ in range(times)]


def test_attempts_are_counted_by_session_and_logical_request(store: Ready) -> None:
    assert [pick(store).attempt for _ in range(3)] == [1, 2, 3]
    assert pick(store, request="other").attempt == 1
    assert pick(store, session="other").attempt == 1
    assert pick(store).attempt == 4


def test_a_declared_attempt_wins_and_counting_goes_on_from_it(store: Ready) -> None:
    assert pick(store, attempt=3).attempt == 3
    assert pick(store).attempt == 4
    assert pick(store, attempt=1).attempt == 1
    assert pick(store).attempt == 2


def test_attempts_count_even_where_nothing_fits(store: Ready) -> None:
    assert pick(store) == Pick(1)
    assert pick(store, rule(attempts=(2, 2))) == Pick(2, 2, 0, 0)


def test_a_request_is_seen_by_its_session_once_more_each_time(store: Ready) -> None:
    assert [pick(store).seen for _ in range(3)] == [1, 2, 3]
    assert pick(store, request="other").seen == 1
    assert pick(store, session="other").seen == 1
    assert pick(store).seen == 4


def test_a_declared_attempt_does_not_change_how_often_the_request_was_seen(store: Ready) -> None:
    """Two calls that both tell to be the first are still two."""
    picks = [pick(store, attempt=attempt) for attempt in (1, 1, 9, 2)]
    assert [(each.attempt, each.seen) for each in picks] == [(1, 1), (1, 2), (9, 3), (2, 4)]


@pytest.mark.parametrize("per", ["session", "request", "server"])
def test_to_peek_is_to_be_told_and_changes_nothing(store: Ready, per: Per) -> None:
    candidates = (
        rule(key="a", attempts=(9, 9)),
        rule(key="b", per=per, length=2, after_last="pass", set_state=(("step", 2),)),
        rule(key="c", per=per, times=1),
    )

    def told(*, peek: bool) -> Pick:
        step = Step("s", "r", None, candidates)
        return store.peek(step) if peek else store.decide(step)

    for number in (1, 2, 3, 4):
        before = store.state("s")
        peeked = told(peek=True)
        assert peeked == told(peek=True)
        assert store.state("s") == before
        assert told(peek=False) == peeked
        assert (peeked.attempt, peeked.seen) == (number, number)
    assert peeked.index is None
    assert store.state("s") == {"step": 2}


def test_to_peek_with_a_declared_attempt_leaves_the_count(store: Ready) -> None:
    assert store.peek(Step("s", "r", 7)).attempt == 7
    assert pick(store).attempt == 1


def test_replies_step_per_session(store: Ready) -> None:
    candidate = rule(length=3)
    assert positions(store, candidate, 2) == [0, 1]
    assert positions(store, candidate, 1, request="other") == [2]
    assert positions(store, candidate, 1, session="other") == [0]


def test_replies_step_per_server(store: Ready) -> None:
    candidate = rule(length=4, per="server")
    assert positions(store, candidate, 1) == [0]
    assert positions(store, candidate, 1, session="other") == [1]
    assert positions(store, candidate, 1, request="other") == [2]


def test_replies_step_per_request_with_the_attempt(store: Ready) -> None:
    candidate = rule(length=3, per="request")
    assert positions(store, candidate, 2) == [0, 1]
    assert positions(store, candidate, 1, request="other") == [0]
    assert positions(store, candidate, 1, session="other") == [0]
    assert positions(store, candidate, 1) == [2]


def test_independent_identical_calls_see_the_same_steps_per_request(store: Ready) -> None:
    """A client that tells its retries is never taken for another one's retry."""
    candidate = rule(length=3, per="request")
    for _ in range(2):
        steps = [pick(store, candidate, attempt=attempt).position for attempt in (1, 2, 3)]
        assert steps == [0, 1, 2]


@pytest.mark.parametrize("per", ["session", "request", "server"])
@pytest.mark.parametrize(
    ("after_last", "expected"),
    [
        ("repeat", [0, 1, 1, 1, 1]),
        ("cycle", [0, 1, 0, 1, 0]),
        ("fail", [0, 1, None, None, None]),
    ],
)
def test_after_the_last_reply(
    store: Ready,
    per: Per,
    after_last: Literal["repeat", "cycle", "fail"],
    expected: list[int | None],
) -> None:
    candidate = rule(length=2, per=per, after_last=after_last)
    picks = [pick(store, candidate) for _ in range(5)]
    assert [each.position for each in picks] == expected
    assert [each.index for each in picks] == [0] * 5


@pytest.mark.parametrize("per", ["session", "request", "server"])
def test_a_rule_that_passes_leaves_the_rest_to_later_rules(store: Ready, per: Per) -> None:
    first = rule(key="first", length=2, per=per, after_last="pass")
    later = rule(key="later")
    picks = [pick(store, first, later) for _ in range(4)]
    assert [(each.index, each.position) for each in picks] == [(0, 0), (0, 1), (1, 0), (1, 0)]
    assert [each.skipped for each in picks] == [(), (), ("replies",), ("replies",)]


@pytest.mark.parametrize(
    ("per", "others"),
    [
        ("session", {"request": 1, "session": 0}),
        ("request", {"request": 0, "session": 0}),
        ("server", {"request": 1, "session": 1}),
    ],
)
def test_times_are_counted_where_per_says(store: Ready, per: Per, others: dict[str, int]) -> None:
    """After two times in one place, the other place is used up (1) or fresh (0)."""
    once = rule(key="once", per=per, times=2, after_last="cycle")
    rest = rule(key="rest")
    assert [pick(store, once, rest).index for _ in range(3)] == [0, 0, 1]
    assert pick(store, once, rest).skipped == ("times",)
    assert pick(store, once, rest, request="other").index == others["request"]
    assert pick(store, once, rest, session="other").index == others["session"]


def test_only_the_answers_of_a_rule_step_it(store: Ready) -> None:
    one, other = rule(key="one", attempts=(1, 2), length=9), rule(key="other", length=9)
    picks = [pick(store, one, other, attempt=attempt) for attempt in (1, 2, 3, 4, 1)]
    assert [(each.index, each.position) for each in picks] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
        (0, 2),
    ]


def test_the_first_able_candidate_wins_and_the_rest_are_not_counted(store: Ready) -> None:
    first, second = rule(key="first", times=1), rule(key="second", length=2)
    assert pick(store, first, second).index == 0
    assert pick(store, first, second) == Pick(2, 2, 1, 0, ("times",))


def test_every_candidate_before_the_one_that_answers_says_why_not(store: Ready) -> None:
    spent, passed = rule(key="spent", times=1), rule(key="passed", after_last="pass")
    pick(store, spent)
    pick(store, passed)
    late, moody = rule(key="late", attempts=(9, None)), rule(key="moody", state=(("mood", "ok"),))
    chosen = pick(store, late, moody, spent, passed, rule(key="last"))
    assert chosen.index == 4
    assert chosen.skipped == ("attempt", "state", "times", "replies")


def test_where_nothing_can_answer_every_candidate_says_why(store: Ready) -> None:
    assert pick(store, rule(attempts=(2, None)), rule(attempts=(3, 4))) == Pick(
        1, skipped=("attempt", "attempt")
    )


@pytest.mark.parametrize(
    ("attempts", "able"),
    [((1, None), [1, 2, 3, 4]), ((2, 3), [2, 3]), ((3, 3), [3]), ((0, 1), [1]), ((0, 0), [])],
)
def test_attempts_include_both_ends(
    store: Ready, attempts: tuple[int, int | None], able: list[int]
) -> None:
    candidate = rule(attempts=attempts)
    taken = [n for n in range(1, 5) if pick(store, candidate, attempt=n).index == 0]
    assert taken == able


def test_state_is_set_by_the_rule_that_answers_and_read_by_the_next(store: Ready) -> None:
    opens = rule(key="opens", state=(("door", None),), set_state=(("door", "open"), ("n", 1)))
    closes = rule(key="closes", state=(("door", "open"), ("n", 1)), set_state=(("door", None),))
    indexes = [pick(store, opens, closes).index for _ in range(3)]
    assert indexes == [0, 1, 0]
    assert store.state("s") == {"door": "open", "n": 1}
    assert pick(store, opens, closes, session="other").index == 0


def test_rules_that_do_not_answer_set_no_state(store: Ready) -> None:
    pick(store, rule(attempts=(2, 2), set_state=(("a", 1),)), rule(key="b", set_state=(("b", 1),)))
    assert store.state("s") == {"b": 1}


def test_a_rule_that_has_run_out_sets_no_state(store: Ready) -> None:
    """It has not answered: the client gets an error."""
    candidate = rule(after_last="fail", set_state=(("done", True),))
    pick(store, candidate)
    store.set_state("s", {"done": None})
    assert pick(store, candidate).position is None
    assert store.state("s") == {}


@pytest.mark.parametrize(
    ("held", "wanted", "same"),
    [
        ("a", "a", True),
        ("a", "b", False),
        (1, 1, True),
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (True, True, True),
        (True, "true", False),
        (1, "1", False),
        (None, None, True),
        ("", None, False),
        (False, None, False),
    ],
)
def test_state_is_compared_as_yaml_does(
    store: Ready, held: Scalar, wanted: Scalar, same: bool
) -> None:
    """None stands for a state that is not set; true is not 1."""
    store.set_state("s", {"x": held})
    assert (pick(store, rule(state=(("x", wanted),))).index == 0) is same


def test_states_can_be_set_and_unset_from_outside(store: Ready) -> None:
    store.set_state("s", {"a": 1, "b": "x"})
    store.set_state("s", {"a": None, "c": False, "never": None})
    assert store.state("s") == {"b": "x", "c": False}
    assert store.state("other") == {}


def test_the_states_given_out_are_a_copy(store: Ready) -> None:
    store.set_state("s", {"a": 1})
    before = store.state("s")
    store.set_state("s", {"a": 2})
    assert before == {"a": 1}


def test_reset_of_a_session_forgets_it_and_nothing_else(store: Ready) -> None:
    mine, shared = rule(key="mine", length=3), rule(key="server", length=3, per="server")
    for session in ("s", "other"):
        pick(store, mine, session=session)
        pick(store, shared, session=session)
        store.set_state(session, {"a": 1})
    store.reset("s")
    store.reset("never seen")
    assert store.state("s") == {}
    assert pick(store, mine) == Pick(1, 1, 0, 0)
    assert store.state("other") == {"a": 1}
    assert pick(store, mine, session="other").position == 1
    assert pick(store, shared, session="other").position == 2


def test_reset_of_everything_forgets_all_sessions_and_the_server(store: Ready) -> None:
    shared = rule(per="server", length=3)
    pick(store, shared)
    store.set_state("other", {"a": 1})
    store.reset()
    assert store.state("other") == {}
    assert pick(store, shared) == Pick(1, 1, 0, 0)


@pytest.mark.parametrize("per", ["session", "request"])
@pytest.mark.parametrize("session", ["s", None])
def test_reset_ends_the_counters_of_the_session(
    store: Ready, per: Per, session: str | None
) -> None:
    once, rest = rule(key="once", per=per, times=1), rule(key="rest")
    assert [pick(store, once, rest).index for _ in range(2)] == [0, 1]
    store.reset(session)
    assert pick(store, once, rest) == Pick(1, 1, 0, 0)
    assert pick(store, once, rest) == Pick(2, 2, 1, 0, ("times",))


def test_keys_of_rules_and_requests_never_run_together(store: Ready) -> None:
    for key, request, other_key, other in (("a/b", "c", "a", "b/c"), ("ab", "c", "a", "bc")):
        pick(store, rule(key=key, per="request", times=1), request=request)
        assert pick(store, rule(key=other_key, per="request", times=1), request=other).index == 0


def known(store: Ready, beginnings: bytes, session: str = "s") -> int:
    """Remember the beginnings of a prompt, here its first letter, its first two and so on."""
    held = store.remember(session, [beginnings[: end + 1] for end in range(len(beginnings))])
    assert isinstance(held, int)
    return held


def test_a_prompt_is_known_as_far_as_one_before_it_was_the_same(store: Ready) -> None:
    assert [known(store, prompt) for prompt in (b"abc", b"abc", b"abxyz", b"abxy!", b"b")] == [
        0,
        3,
        2,
        4,
        0,
    ]


def test_a_prompt_is_known_up_to_its_longest_known_beginning(store: Ready) -> None:
    """Also where a shorter one was not remembered, or is forgotten by now."""
    store.remember("s", [b"abc"])
    assert store.remember("s", [b"a", b"ab", b"abc", b"abcd"]) == 3
    assert store.remember("s", [b"a", b"ab"]) == 2


def test_nothing_to_remember_is_nothing_known(store: Ready) -> None:
    assert [store.remember("s", []) for _ in range(2)] == [0, 0]


def test_prompts_are_remembered_by_session(store: Ready) -> None:
    assert [known(store, b"abc", session) for session in "xyx"] == [0, 0, 3]


def test_reset_of_a_session_forgets_its_prompts(store: Ready) -> None:
    for session in ("mine", "other"):
        known(store, b"abc", session)
    store.reset("mine")
    assert (known(store, b"abc", "mine"), known(store, b"abc", "other")) == (0, 3)
    store.reset()
    assert (known(store, b"abc", "mine"), known(store, b"abc", "other")) == (0, 0)


def test_remembering_counts_no_attempt_and_no_answer(store: Ready) -> None:
    known(store, b"abc")
    assert pick(store, rule(times=1), request="abc") == Pick(1, 1, 0, 0)


@pytest.fixture
def hasty() -> Iterator[None]:
    """Let threads interrupt each other as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def together(work: Callable[[int], list[Pick]]) -> list[Pick]:
    """Run the work in 64 threads that start at once, and give all picks."""
    start = threading.Barrier(64)

    def run(number: int) -> list[Pick]:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(64) as pool:
        return [each for picks in pool.map(run, range(64)) for each in picks]


@pytest.mark.usefixtures("hasty")
def test_64_threads_count_every_attempt_and_every_step_once(store: Ready) -> None:
    candidate = rule(length=7, after_last="cycle")
    picks = together(lambda _: [pick(store, candidate) for _ in range(25)])
    assert sorted(each.attempt for each in picks) == list(range(1, 1601))
    assert sorted(each.seen for each in picks) == list(range(1, 1601))
    assert all(each.position == (each.seen - 1) % 7 for each in picks)


@pytest.mark.usefixtures("hasty")
def test_64_threads_never_overrun_times(store: Ready) -> None:
    few, rest = rule(key="few", times=100, per="server"), rule(key="rest")
    picks = together(
        lambda number: [pick(store, few, rest, session=f"s{number % 8}") for _ in range(25)]
    )
    assert Counter(each.index for each in picks) == {0: 100, 1: 1500}


@pytest.mark.usefixtures("hasty")
def test_64_threads_take_a_state_once(store: Ready) -> None:
    """Reading a state and changing it is one step."""
    store.set_state("s", {"ticket": 1})
    taker = rule(key="taker", state=(("ticket", 1),), set_state=(("ticket", None),))
    picks = together(lambda _: [pick(store, taker) for _ in range(5)])
    assert Counter(each.index for each in picks) == {0: 1, None: 319}


@pytest.mark.usefixtures("hasty")
def test_of_64_threads_with_one_prompt_one_is_the_first(store: Ready) -> None:
    with ThreadPoolExecutor(64) as pool:
        found = Counter(pool.map(lambda _: known(store, b"abc"), range(640)))
    assert found == {0: 1, 3: 639}


@pytest.fixture
def few_sessions(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """Give a memory store with room for three sessions."""
    monkeypatch.setattr(module, "_MOST_SESSIONS", 3)
    return MemoryStore()


@pytest.fixture
def few_counts(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """Give a memory store with room for three counts of each kind."""
    monkeypatch.setattr(module, "_MOST_COUNTS", 3)
    return MemoryStore()


def test_memory_forgets_the_longest_unused_session(few_sessions: MemoryStore) -> None:
    for session in ("a", "b", "c", "a", "d"):
        few_sessions.set_state(session, {"seen": True})
    held = [session for session in "abcd" if few_sessions.state(session)]
    assert held == ["a", "c", "d"]


@pytest.mark.parametrize("per", ["session", "request"])
def test_a_forgotten_session_begins_anew(few_sessions: MemoryStore, per: Per) -> None:
    """Its counters are not found again when it comes back under the same name."""
    once, rest = rule(key="once", per=per, times=1), rule(key="rest")
    assert [pick(few_sessions, once, rest).index for _ in range(2)] == [0, 1]
    for other in "abc":
        pick(few_sessions, once, rest, session=other)
    assert pick(few_sessions, once, rest) == Pick(1, 1, 0, 0)
    assert pick(few_sessions, once, rest, session="c").index == 1


def test_server_counters_outlive_every_session(few_sessions: MemoryStore) -> None:
    once = rule(per="server", times=1)
    for session in "abcde":
        pick(few_sessions, once, session=session)
    assert pick(few_sessions, once, session="a").skipped == ("times",)


def test_memory_forgets_the_longest_unused_request(few_counts: MemoryStore) -> None:
    for request in ("a", "b", "c", "a", "d"):
        pick(few_counts, request=request)
    for request, count in (("c", 2), ("a", 3), ("b", 1)):
        made = pick(few_counts, request=request)
        assert (made.attempt, made.seen) == (count, count)


def test_a_request_is_used_by_a_declared_attempt_as_well(few_counts: MemoryStore) -> None:
    for request in ("a", "b", "c", "a", "d"):
        pick(few_counts, request=request, attempt=5)
    assert pick(few_counts, request="a").attempt == 6


def test_requests_are_forgotten_over_all_sessions_together(few_counts: MemoryStore) -> None:
    """A busy session pushes out the requests of the others, not their states."""
    pick(few_counts, rule(set_state=(("a", 1),)), session="quiet")
    pick(few_counts, session="steady")
    for number in range(9):
        pick(few_counts, session="busy", request=f"{number}")
        assert pick(few_counts, session="steady").seen == number + 2
    assert pick(few_counts, session="quiet") == Pick(1, 1)
    assert few_counts.state("quiet") == {"a": 1}


def test_rules_of_a_session_are_not_pushed_out_by_other_sessions(few_counts: MemoryStore) -> None:
    once = rule(key="once", times=1)
    pick(few_counts, once)
    for number in range(9):
        pick(few_counts, rule(key=f"{number}"), session="busy")
    assert pick(few_counts, once).skipped == ("times",)


def test_memory_keeps_what_is_only_looked_at(few_counts: MemoryStore) -> None:
    """A rule that is used up stays so while its request keeps coming."""
    once = rule(per="request", times=1)
    pick(few_counts, once, request="mine")
    for other in range(10):
        pick(few_counts, once, request=f"other {other}")
        assert pick(few_counts, once, request="mine").skipped == ("times",)


def test_memory_forgets_the_longest_unused_prompts(few_counts: MemoryStore) -> None:
    """Beginnings count one by one, over all sessions together."""
    for session, prompt in (("a", b"1"), ("b", b"1"), ("a", b"2"), ("b", b"1"), ("c", b"3")):
        known(few_counts, prompt, session)
    assert [known(few_counts, b"1", "b"), known(few_counts, b"2", "a")] == [1, 1]
    assert known(few_counts, b"1", "a") == 0


def test_a_prompt_of_more_beginnings_than_there_is_room_is_known_by_its_longest(
    few_counts: MemoryStore,
) -> None:
    """Its end is what the next request of the conversation goes on from."""
    assert known(few_counts, b"abcdefgh") == 0
    assert few_counts.remember("s", [b"abcdefgh"]) == 1
    assert len(few_counts._prefixes.values) == 3


def test_prompts_push_out_no_counters(few_counts: MemoryStore) -> None:
    pick(few_counts)
    known(few_counts, b"abcdefgh")
    assert pick(few_counts).attempt == 2


def test_a_forgotten_session_knows_no_prompt(few_sessions: MemoryStore) -> None:
    for session in ("s", "a", "b", "c"):
        known(few_sessions, b"abc", session)
    assert (known(few_sessions, b"abc", "s"), known(few_sessions, b"abc", "c")) == (0, 3)


@pytest.mark.usefixtures("few_sessions")
def test_memory_does_not_grow_beyond_its_bounds(few_counts: MemoryStore) -> None:
    for per in ("session", "request", "server"):
        for number in range(60):
            candidate = rule(key=f"{number}", per=per)
            pick(few_counts, candidate, session=f"s{number}", request=f"r{number}")
            pick(few_counts, candidate, session="mine", request=f"r{number}")
    assert len(few_counts._sessions) == 3
    for counts in (
        few_counts._asked,
        few_counts._used_by_request,
        few_counts._used_by_server,
        few_counts._sessions["mine"].used,
    ):
        assert len(counts.values) == 3


def test_memory_has_room_for_ten_thousand_sessions_and_many_requests() -> None:
    assert module._MOST_SESSIONS == 10_000
    assert module._MOST_COUNTS == 40_000
