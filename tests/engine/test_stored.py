"""Stored completions. Every shelf must pass this suite; what only memory has is at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from mockdock.engine import Engine, MemoryStore
from mockdock.engine.stored import MemoryShelf, Shelf, identify
from mockdock.reply import (
    Alternative,
    Call,
    Choice,
    Completion,
    Deleted,
    Failure,
    MessagePage,
    Piece,
    Reply,
    Spoken,
    StoredCompletion,
    StoredPage,
    TokenLogprob,
    Usage,
)
from mockdock.request import Caller, Request, StoredKind, StoredOperation
from tests.engine.helpers import CREATED, ask, engine, say, scenario
from tests.stores import Redis, shared_shelf

REQUEST_ID = "0" * 32


@pytest.fixture(params=["memory", "redis"])
def shelf(request: pytest.FixtureRequest) -> Iterator[Shelf]:
    """Give a new shelf of each kind."""
    if request.param == "memory":
        yield MemoryShelf()
        return
    redis: Redis = request.getfixturevalue("redis")
    with shared_shelf(redis.url()) as made:
        yield made


def stored(which: str, created: int = CREATED, text: str = "Hi", **more: Any) -> StoredCompletion:
    choice = Choice(0, (Piece(text, 1),), None, (), "stop")
    made = Completion(which, created, "gpt-4o-2024-08-06", (choice,), Usage(1, 1, 2))
    fields = {"asked": ask(), "request_id": REQUEST_ID, "metadata": {}, **more}
    return StoredCompletion(made, **fields)


def wanted(kind: StoredKind = "list", which: str = "", **more: Any) -> StoredOperation:
    return StoredOperation(kind, f"chatcmpl-{which}", which, **more)


def ids(page: StoredPage | None) -> list[str]:
    assert page is not None
    return [each.completion.id for each in page.items]


def fill(shelf: Shelf, *which: str, session: str = "s") -> None:
    for each in which:
        shelf.keep(session, stored(each))


def test_what_was_kept_is_found_in_its_session_alone(shelf: Shelf) -> None:
    kept = stored("a")
    shelf.keep("s", kept)
    assert shelf.find("s", "a") == kept
    assert shelf.find("s", "b") is None
    assert shelf.find("other", "a") is None
    assert ids(shelf.page("other", wanted())) == []


def test_a_list_goes_by_the_time_they_were_created(shelf: Shelf) -> None:
    """Of one second, by the time they were kept."""
    for which, created in {"c": 2, "a": 1, "d": 2, "b": 1}.items():
        shelf.keep("s", stored(which, created))
    assert ids(shelf.page("s", wanted())) == ["a", "b", "c", "d"]
    assert ids(shelf.page("s", wanted(order="desc"))) == ["d", "c", "b", "a"]
    assert ids(shelf.page("s", wanted(after="b"))) == ["c", "d"]
    assert ids(shelf.page("s", wanted(after="b", order="desc"))) == ["a"]


@pytest.mark.parametrize(("limit", "more"), [(1, True), (2, True), (3, False), (4, False)])
def test_a_page_tells_whether_there_is_more(shelf: Shelf, limit: int, more: bool) -> None:
    fill(shelf, "a", "b", "c")
    page = shelf.page("s", wanted(limit=limit))
    assert page is not None
    assert (ids(page), page.more) == (["a", "b", "c"][:limit], more)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["a", "b", "c"]),
        ({"model": "gpt-4o"}, ["a", "b"]),
        ({"model": "mine"}, ["c"]),
        ({"model": "gpt-4o-2024-08-06"}, ["a", "b", "c"]),
        ({"model": "gpt"}, []),
        ({"metadata": {"k": "1"}}, ["a", "b"]),
        ({"metadata": {"k": "1", "l": "2"}}, ["b"]),
        ({"metadata": {"l": "1"}}, []),
        ({"metadata": {"k": "1"}, "model": "mine"}, []),
    ],
)
def test_a_list_is_filtered(shelf: Shelf, filters: dict[str, Any], found: list[str]) -> None:
    """A model is the snapshot that answered or the name asked for; all metadata must be there."""
    shelf.keep("s", stored("a", metadata={"k": "1"}))
    shelf.keep("s", stored("b", metadata={"k": "1", "l": "2"}))
    shelf.keep("s", stored("c", asked=ask(model="mine")))
    assert ids(shelf.page("s", wanted(**filters))) == found


def test_a_page_may_go_on_after_one_that_the_filter_leaves_out(shelf: Shelf) -> None:
    shelf.keep("s", stored("a"))
    shelf.keep("s", stored("b", metadata={"k": "1"}))
    assert ids(shelf.page("s", wanted(after="a", metadata={"k": "1"}))) == ["b"]


def test_metadata_is_replaced_as_a_whole(shelf: Shelf) -> None:
    shelf.keep("s", stored("a", metadata={"k": "1", "l": "2"}))
    changed = shelf.update("s", "a", {"m": "3"})
    assert changed == stored("a", metadata={"m": "3"})
    assert shelf.find("s", "a") == changed
    assert shelf.update("s", "b", {}) is None
    assert shelf.update("other", "a", {}) is None
    assert ids(shelf.page("s", wanted(metadata={"m": "3"}))) == ["a"]


def test_what_was_removed_is_gone(shelf: Shelf) -> None:
    fill(shelf, "a", "b")
    assert shelf.remove("s", "a")
    assert not shelf.remove("s", "a")
    assert not shelf.remove("other", "b")
    assert shelf.find("s", "a") is None
    assert ids(shelf.page("s", wanted())) == ["b"]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_list_goes_on_although_what_it_gave_is_removed(shelf: Shelf, order: str) -> None:
    """So a loop that deletes all it is given meets every completion."""
    fill(shelf, *"abcdefg")
    met: list[str] = []
    after = None
    while page := ids(shelf.page("s", wanted(after=after, limit=2, order=order))):
        met += page
        after = page[-1]
        assert all(shelf.remove("s", which) for which in page)
    assert sorted(met) == [*"abcdefg"]


def test_an_unknown_place_is_no_page(shelf: Shelf) -> None:
    fill(shelf, "a")
    fill(shelf, "b", session="other")
    assert shelf.page("s", wanted(after="b")) is None
    assert shelf.page("s", wanted(after="")) is None
    assert shelf.page("nobody", wanted(after="a")) is None


def test_one_with_the_same_id_takes_the_place(shelf: Shelf) -> None:
    fill(shelf, "a", "b", "a")
    assert ids(shelf.page("s", wanted())) == ["b", "a"]
    assert ids(shelf.page("s", wanted(after="a"))) == []


def test_a_reset_forgets_one_session_or_all(shelf: Shelf) -> None:
    fill(shelf, "a", "b")
    fill(shelf, "a", session="other")
    shelf.remove("s", "b")
    shelf.reset("s")
    assert ids(shelf.page("s", wanted())) == []
    assert shelf.page("s", wanted(after="b")) is None
    assert ids(shelf.page("other", wanted())) == ["a"]
    shelf.reset()
    assert ids(shelf.page("other", wanted())) == []


def walk(shelf: Shelf, limit: int, order: str) -> Iterator[str]:
    after, more = None, True
    while more:
        page = shelf.page("s", wanted(after=after, limit=limit, order=order))
        assert page is not None
        assert 0 < len(page.items) <= limit or not page.more
        yield from ids(page)
        more = page.more
        after = page.items[-1].completion.id if page.items else None


@given(
    created=st.lists(st.integers(0, 5), max_size=30),
    limit=st.integers(1, 100),
    order=st.sampled_from(["asc", "desc"]),
    removed=st.sets(st.integers(0, 29)),
)
def test_paging_gives_every_completion_exactly_once(
    created: list[int], limit: int, order: str, removed: set[int]
) -> None:
    for make in (MemoryShelf,):
        shelf: Shelf = make()
        for number, when in enumerate(created):
            shelf.keep("s", stored(str(number), when))
        for number in removed:
            shelf.remove("s", str(number))
        left = [(when, n) for n, when in enumerate(created) if n not in removed]
        expected = [str(number) for _, number in sorted(left, reverse=order == "desc")]
        assert [*walk(shelf, limit, order)] == expected


def test_threads_may_use_a_shelf_together(shelf: Shelf) -> None:
    start = threading.Barrier(4)

    def work(worker: int) -> int:
        start.wait()
        names = [f"{worker}-{number}" for number in range(100)]
        for name in names:
            shelf.keep("s", stored(name))
            assert shelf.page("s", wanted(after=name)) is not None
            shelf.update("s", name, {"worker": str(worker)})
        return sum(shelf.remove("s", name) for name in names[::2])

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(work, range(4))] == [50] * 4
    assert len(ids(shelf.page("s", wanted(limit=1000)))) == 200
    assert len(ids(shelf.page("s", wanted(limit=1000, metadata={"worker": "3"})))) == 50


def do(asked: Engine, kind: StoredKind, which: str = "", session: str = "", **more: Any) -> Reply:
    """Let the engine do an operation."""
    request = Request("openai", "stored", stored=wanted(kind, which, **more))
    request = replace(request, caller=Caller(session=session))
    return asked.compose(request, asked.decide(request), CREATED)


def nowhere(which: str) -> Failure:
    return Failure("no_stored", what=f"chatcmpl-{which}")


def keep(asked: Engine, text: str = "Hello", session: str = "", **more: Any) -> Completion:
    """Ask for a completion as the application does, and give it."""
    request = ask(text, caller=Caller("sk-key", session), headers={"a": "b"}, **more)
    made = asked.compose(request, asked.decide(request), CREATED)
    asked.keep(request, made, REQUEST_ID)
    assert isinstance(made, Completion)
    return made


def test_only_completions_with_store_are_kept() -> None:
    asked = engine({"when": {"user": "x"}, "reply": {"error": 500}}, "Hi")
    keep(asked, store=False)
    wrong = ask("x", store=True)
    asked.keep(wrong, asked.compose(wrong, asked.decide(wrong), CREATED), REQUEST_ID)
    assert do(asked, "list") == StoredPage((), more=False)
    made = keep(asked, store=True, metadata={"k": "v"})
    streamed = keep(asked, store=True, stream=True)
    assert ids(only_page(do(asked, "list"))) == [made.id, streamed.id]
    found = do(asked, "retrieve", made.id)
    assert isinstance(found, StoredCompletion)
    assert (found.completion, found.metadata, found.request_id) == (made, {"k": "v"}, REQUEST_ID)


def only_page(reply: Reply) -> StoredPage:
    assert isinstance(reply, StoredPage)
    return reply


def test_no_key_and_no_header_is_kept() -> None:
    asked = engine("Hi")
    found = do(asked, "retrieve", keep(asked, store=True).id)
    assert isinstance(found, StoredCompletion)
    assert (found.asked.caller, found.asked.headers) == (Caller(), {})


def test_sessions_have_shelves_of_their_own() -> None:
    asked = engine("Hi")
    made = keep(asked, store=True, session="mine")
    assert do(asked, "retrieve", made.id) == nowhere(made.id)
    assert do(asked, "delete", made.id, session="other") == nowhere(made.id)
    assert ids(only_page(do(asked, "list", session="mine"))) == [made.id]


def test_update_and_delete_change_what_is_there() -> None:
    asked = engine("Hi")
    made = keep(asked, store=True, metadata={"k": "v"})
    changed = do(asked, "update", made.id, metadata={"l": "w"})
    assert isinstance(changed, StoredCompletion)
    assert changed.metadata == {"l": "w"}
    assert do(asked, "retrieve", made.id) == changed
    assert do(asked, "delete", made.id) == Deleted(made.id)
    assert do(asked, "retrieve", made.id) == nowhere(made.id)


@pytest.mark.parametrize("kind", ["retrieve", "update", "delete", "messages"])
def test_an_unknown_completion_is_not_found(kind: StoredKind) -> None:
    assert do(engine(), kind, "x") == nowhere("x")


def test_messages_are_those_that_were_sent() -> None:
    asked = engine("Hi")
    before = [say("system", "s"), say("user", "a"), say("assistant", "b")]
    request = ask("c", *before, store=True)
    made = asked.compose(request, asked.decide(request), CREATED)
    assert isinstance(made, Completion)
    asked.keep(request, made, REQUEST_ID)

    def page(**more: Any) -> tuple[tuple[int, ...], bool]:
        reply = do(asked, "messages", made.id, **more)
        assert isinstance(reply, MessagePage)
        return reply.numbers, reply.more

    assert page() == ((0, 1, 2, 3), False)
    assert page(limit=3) == ((0, 1, 2), True)
    assert page(limit=3, after=f"{made.id}-2") == ((3,), False)
    assert page(order="desc", limit=2) == ((3, 2), True)
    assert page(order="desc", after=f"{made.id}-2") == ((1, 0), False)
    assert page(after=f"{made.id}-3") == ((), False)
    for after in (f"{made.id}-4", f"{made.id}-01", "x-1", ""):
        no_place = Failure("no_such_cursor", what="messages")
        assert do(asked, "messages", made.id, after=after) == no_place
    assert do(asked, "list", after="x") == Failure("no_such_cursor", what="list")


def test_lenient_lists_begin_anew_after_an_unknown_place() -> None:
    asked = engine("Hi", validation="lenient")
    made = keep(asked, store=True)
    assert ids(only_page(do(asked, "list", after="x"))) == [made.id]
    messages = do(asked, "messages", made.id, after="x")
    assert isinstance(messages, MessagePage)
    assert messages.numbers == (0,)
    assert do(asked, "list", session="empty") == StoredPage((), more=False)


def test_lenient_servers_invent_what_nobody_made() -> None:
    """The same completion for the same id, whoever asks, whatever is done to it."""
    asked, again = (engine("Hi", validation="lenient") for _ in range(2))
    found = do(asked, "retrieve", "x")
    assert isinstance(found, StoredCompletion)
    assert found.completion.choices[0].text
    assert do(asked, "retrieve", "x") == do(again, "retrieve", "x", session="other") == found
    assert do(asked, "retrieve", "y") != found
    changed = do(asked, "update", "x", metadata={"k": "v"})
    assert isinstance(changed, StoredCompletion)
    assert (changed.completion, changed.metadata) == (found.completion, {"k": "v"})
    messages = do(asked, "messages", "x")
    assert isinstance(messages, MessagePage)
    assert (messages.stored, messages.numbers, messages.more) == (found, (0,), False)
    (said,) = messages.stored.asked.messages
    assert (said.role, said.text) == ("assistant", found.completion.choices[0].text)
    assert do(asked, "messages", "x", after="x-0") == MessagePage(found, (), more=False)
    assert do(asked, "delete", "x") == Deleted("x")
    assert do(asked, "list") == StoredPage((), more=False)


def test_an_invented_completion_is_of_a_model_of_the_scenario() -> None:
    found = do(engine(models=["mine", "other"], validation="lenient"), "retrieve", "x")
    assert isinstance(found, StoredCompletion)
    assert (found.completion.model, found.asked.model) == ("mine", "mine")
    nothing = do(engine(models=[], validation="lenient"), "retrieve", "x")
    assert isinstance(nothing, StoredCompletion)


def test_a_real_completion_wins_over_an_invented_one() -> None:
    asked = engine("Hi", validation="lenient")
    made = keep(asked, store=True)
    found = do(asked, "retrieve", made.id)
    assert isinstance(found, StoredCompletion)
    assert found.completion == made


def test_rules_answer_for_stored_completions_only_when_they_name_them() -> None:
    """A scripted error leaves everything as it was."""
    asked = engine(
        {"name": "any", "reply": "Hi"},
        {"name": "flaky", "when": {"api": "stored"}, "reply": {"error": 503}, "times": 1},
    )
    made = keep(asked, store=True)
    request = Request("openai", "stored", stored=wanted("delete", made.id))
    decision = asked.decide(request)
    failed = asked.compose(request, decision, CREATED)
    assert isinstance(failed, Failure)
    assert (decision.rule, failed.kind) == ("flaky", "overloaded")
    assert do(asked, "delete", made.id) == Deleted(made.id)


def test_what_is_otherwise_is_not_for_stored_completions() -> None:
    asked = Engine(scenario(otherwise={"error": 500}))
    assert do(asked, "list") == StoredPage((), more=False)
    assert do(Engine(scenario(), otherwise="fail"), "list") == StoredPage((), more=False)


def test_retries_of_an_operation_are_one_request_and_other_operations_are_not() -> None:
    asked = engine(
        {"when": {"api": "stored"}, "replies": [{"error": 500}, {"error": 503}], "per": "request"}
    )
    kinds = [getattr(do(asked, "retrieve", which), "kind", None) for which in ("a", "a", "b")]
    assert kinds == ["server_error", "overloaded", "server_error"]
    assert identify(ask("a")) != identify(ask("b"))


def test_a_reset_of_the_engine_forgets_counters_and_completions() -> None:
    asked = engine({"replies": ["one", "two"]})
    for session in ("", "mine"):
        keep(asked, store=True, session=session)
    asked.reset("mine")
    assert do(asked, "list", session="mine") == StoredPage((), more=False)
    assert keep(asked, session="mine").choices[0].text == "one"
    assert len(only_page(do(asked, "list")).items) == 1
    asked.reset()
    assert do(asked, "list") == StoredPage((), more=False)
    assert keep(asked).choices[0].text == "one"


def test_engines_may_share_a_shelf() -> None:
    shelf, store = MemoryShelf(), MemoryStore()
    one, other = (Engine(scenario("Hi"), store=store, shelf=shelf) for _ in range(2))
    made = keep(one, store=True)
    assert ids(only_page(do(other, "list"))) == [made.id]


def test_memory_forgets_what_was_kept_first() -> None:
    shelf = MemoryShelf(most=3)
    fill(shelf, "a", "b")
    fill(shelf, "c", session="other")
    assert ids(shelf.page("s", wanted())) == ["a", "b"]
    fill(shelf, "d")
    assert ids(shelf.page("s", wanted())) == ["b", "d"]
    assert ids(shelf.page("s", wanted(after="a"))) == ["b", "d"]
    assert ids(shelf.page("other", wanted())) == ["c"]


def test_memory_is_bounded_in_characters_too() -> None:
    """The newest is kept however long it is."""
    shelf = MemoryShelf(most_characters=5000)
    image = {"messages": [{"role": "user", "content": "x" * 3000}]}
    for which in "abc":
        shelf.keep("s", stored(which, asked=ask(body=image)))
    assert ids(shelf.page("s", wanted())) == ["c"]
    shelf.keep("s", stored("long", text="x" * 9000))
    assert ids(shelf.page("s", wanted())) == ["long"]
    shelf.keep("s", stored("short"))
    assert ids(shelf.page("s", wanted())) == ["short"]


def test_memory_weighs_audio_calls_and_probabilities_too() -> None:
    """Each of these is above the bound by itself, and pushes out what was there before."""
    piece = Piece("x", 1)
    likely = Piece("x", 1, (TokenLogprob(b"x", -0.1, (Alternative(b"y", -2.0),) * 20),) * 10)
    heavy = (
        Choice(0, None, None, (), "stop", Spoken("audio_1", bytes(6000), CREATED, (piece,))),
        Choice(0, None, None, (Call("c", "f", (piece,) * 200),), "tool_calls"),
        Choice(0, (likely,), None, (), "stop"),
        Choice(0, None, (piece,) * 200, (), "stop"),
    )
    for choice in heavy:
        shelf = MemoryShelf(most_characters=5000)
        fill(shelf, "a")
        one = stored("b")
        shelf.keep("s", structs.replace(one, completion=replace(one.completion, choices=(choice,))))
        assert ids(shelf.page("s", wanted())) == ["b"]


def test_any_body_can_be_weighed() -> None:
    """Deep ones as well as long ones, in no time."""
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    shelf = MemoryShelf(most_characters=300_000)
    fill(shelf, "a")
    shelf.keep("s", stored("b", asked=ask(body={"tools": deep})))
    assert ids(shelf.page("s", wanted())) == ["a", "b"]
    shelf.keep("s", stored("c", asked=ask(body={"x": [0] * 10_000, "y": {"z": None}})))
    assert ids(shelf.page("s", wanted())) == ["c"]


def test_memory_forgets_the_places_of_what_is_gone_at_last() -> None:
    shelf = MemoryShelf(most=2)
    fill(shelf, *"abcdef")
    known = [shelf.page("s", wanted(after=which)) is not None for which in "abcdef"]
    assert known == [False, False, True, True, True, True]
