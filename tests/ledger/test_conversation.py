"""What is new in a conversation, and what its thread holds already."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockdock.ledger import ContentPart, Ledger, Said
from mockdock.request import ToolCall
from tests.ledger.helpers import ai, exchange, human, talk, texts


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger() as opened:
        yield opened


def test_only_what_comes_after_the_history_is_added(ledger: Ledger) -> None:
    talk(ledger, human("a"), reply="b")
    talk(ledger, human("a"), ai("b"), human("c"), reply="d")
    talk(ledger, human("a"), ai("b"), human("c"), ai("d"), human("e"), reply="f")
    assert texts(ledger) == ["a", "b", "c", "d", "e", "f"]


def test_a_request_made_again_adds_only_an_answer_that_is_another(ledger: Ledger) -> None:
    talk(ledger, human("a"))
    talk(ledger, human("a"), reply="b")
    talk(ledger, human("a"), reply="b")
    assert texts(ledger) == ["a", "b"]
    talk(ledger, human("a"), reply="c")
    assert texts(ledger) == ["a", "b", "c"]


def test_an_edited_question_is_a_branch_that_goes_on(ledger: Ledger) -> None:
    talk(ledger, human("a"), reply="b")
    talk(ledger, human("A"), reply="B")
    talk(ledger, human("A"), ai("B"), human("C"), reply="D")
    talk(ledger, human("a"), ai("b"), human("c"), reply="d")
    assert texts(ledger) == ["a", "b", "A", "B", "C", "D", "c", "d"]


def test_each_of_several_choices_can_be_gone_on_with(ledger: Ledger) -> None:
    ledger.add(exchange(thread="t", messages=(human("a"),), replies=(ai("b"), ai("c"))))
    talk(ledger, human("a"), ai("c"), human("d"), reply="e")
    assert texts(ledger) == ["a", "b", "c", "d", "e"]


def test_a_system_message_that_changes_does_not_repeat_the_rest(ledger: Ledger) -> None:
    talk(ledger, Said("system", "It is 10:00."), human("a"), reply="b")
    talk(ledger, Said("system", "It is 10:01."), human("a"), ai("b"), human("c"), reply="d")
    talk(ledger, Said("system", "It is 10:00."), human("a"), ai("b"), human("c"), reply="d")
    assert texts(ledger) == ["It is 10:00.", "a", "b", "It is 10:01.", "c", "d"]


def test_a_client_may_leave_out_its_oldest_messages(ledger: Ledger) -> None:
    talk(ledger, human("a"), reply="b")
    talk(ledger, human("a"), ai("b"), human("c"), reply="d")
    talk(ledger, human("c"), ai("d"), human("e"), reply="f")
    talk(ledger, human("c"), ai("d"), human("e"), reply="F")
    talk(ledger, ai("d"), human("e"), ai("F"), human("g"), reply="h")
    assert texts(ledger) == ["a", "b", "c", "d", "e", "f", "F", "g", "h"]


def test_the_longest_part_that_is_held_counts(ledger: Ledger) -> None:
    talk(ledger, human("a"), ai("x"), human("b"), ai("x"), human("c"), reply="y")
    talk(ledger, ai("x"), human("b"), ai("x"), human("c"), human("d"))
    talk(ledger, ai("x"), human("b"), human("e"))
    assert texts(ledger) == ["a", "x", "b", "x", "c", "y", "d", "e"]


def test_one_message_that_was_said_before_is_not_history(ledger: Ledger) -> None:
    """A client that sends no history says "yes" twice, and means it."""
    talk(ledger, human("a"), ai("b"), human("yes"), reply="c")
    talk(ledger, human("yes"), human("d"))
    assert texts(ledger) == ["a", "b", "yes", "c", "yes", "d"]


@pytest.mark.parametrize(
    "other",
    [
        Said("ai", "a"),
        Said("human", "b"),
        Said("human", "a", (ContentPart("Text", "a"),)),
        Said("human", "a", tool_call_id="1"),
        Said("human", "a", tool_calls=(ToolCall("1", "f", "{}"),)),
    ],
)
def test_a_message_that_differs_in_anything_is_another(ledger: Ledger, other: Said) -> None:
    talk(ledger, human("a"))
    talk(ledger, other)
    found = ledger.messages("p", "t")
    assert found is not None
    assert len(found) == 2


def test_threads_of_other_projects_and_ids_hold_their_own(ledger: Ledger) -> None:
    for project, thread in (("p", "t"), ("p", "u"), ("q", "t")):
        talk(ledger, human("a"), reply="b", thread=thread, project=project)
    ids = set()
    for project, thread in (("p", "t"), ("p", "u"), ("q", "t")):
        found = ledger.messages(project, thread)
        assert found is not None
        assert [message.content for message in found] == ["a", "b"]
        ids |= {message.id for message in found}
    assert len(ids) == 6
