"""Embeddings as they are looked at: in short, in a report, and in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockdock.embedding import Embeddings, pack
from mockdock.observe.asking import asking
from mockdock.observe.journal import Journal
from mockdock.observe.weight import weight
from mockdock.reply import Usage
from mockdock.testing.call import CallRequest
from mockdock.testing.vectors import vectors
from tests.observe.helpers import exchange


def short(body: Any) -> Any:
    """Read a body as that of a record."""
    return asking({"request": {"body": json.dumps(body)}})


@pytest.mark.parametrize(
    ("given", "user"),
    [
        ("a", "a"),
        (["a", "b"], "a\nb"),
        ([1, 2], "(tokens)"),
        ([[1], [2]], "(tokens)"),
        ([], ""),
    ],
)
def test_what_is_embedded_is_told_in_short(given: Any, user: str) -> None:
    asked = short({"model": "m", "input": given})
    assert (asked.user, asked.api, asked.turn) == (user, "embeddings", 0)


@pytest.mark.parametrize("body", [{}, {"input": 5}, [], "x"])
def test_other_bodies_are_nothing_to_embed(body: Any) -> None:
    assert short(body) is None


@pytest.mark.parametrize(
    ("given", "inputs"),
    [("a", ["a"]), (["a"], ["a"]), ([1, 2], [[1, 2]]), ([[1]], [[1]]), ([], []), (5, [])],
)
def test_a_test_sees_the_inputs_as_they_were_sent(given: Any, inputs: list[Any]) -> None:
    asked = CallRequest({}, json.dumps({"input": given}).encode())
    assert asked.inputs == inputs


@pytest.mark.parametrize(
    "body", [b"", b"no JSON", b"[]", b"{}", b'{"data": [1]}', b'{"data": [{"id": "m"}]}']
)
def test_no_vectors_are_found_where_there_are_none(body: bytes) -> None:
    assert vectors(body) == ()


def test_vectors_weigh_what_they_take() -> None:
    small = exchange(reply=Embeddings((pack([1.0]),), "m", Usage(1, 0, 1)))
    large = exchange(reply=Embeddings((pack([1.0] * 1536),) * 100, "m", Usage(1, 0, 1)))
    assert weight(large) - weight(small) > 100 * 1536 * 4


def test_the_journal_counts_their_tokens() -> None:
    journal = Journal()
    journal.append(exchange(reply=Embeddings((pack([1.0]),), "m", Usage(7, 0, 7))))
    tally = journal.tally("")
    assert (tally.prompt_tokens, tally.completion_tokens) == (7, 0)
