"""Moderations and prompts as they are looked at: in short, and in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockdock.moderation import Moderations, Verdict
from mockdock.observe.asking import asking
from mockdock.observe.weight import weight
from mockdock.testing.verdicts import verdicts
from tests.observe.helpers import exchange


@pytest.mark.parametrize(
    ("given", "user"),
    [
        ("a", "a"),
        (["a", "b"], "a\nb"),
        ([{"type": "text", "text": "a"}, {"type": "image_url"}], "a\n(image)"),
    ],
)
def test_what_is_judged_is_told_in_short(given: Any, user: str) -> None:
    body = json.dumps({"input": given})
    asked = asking({"path": "/v1/moderations", "request": {"body": body}})
    assert asked is not None
    assert (asked.user, asked.api) == (user, "moderations")


@pytest.mark.parametrize(
    ("prompt", "user"), [("a", "a"), (["a", "b"], "a\nb"), ([1, 2], "(tokens)"), (None, "")]
)
def test_prompts_of_a_legacy_completion_are_told_in_short(prompt: Any, user: str) -> None:
    asked = asking({"request": {"body": json.dumps({"prompt": prompt})}})
    assert asked is not None
    assert (asked.user, asked.api) == (user, "completions")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"results": [1]}', b'{"results": [{"flagged": true}]}']
)
def test_no_verdicts_are_found_where_there_are_none(body: bytes) -> None:
    assert verdicts(body) == ()


def test_verdicts_weigh_what_they_take() -> None:
    one = Verdict(frozenset(), {})
    small = exchange(reply=Moderations("1", "m", (one,)))
    large = exchange(reply=Moderations("1", "m", (one,) * 100))
    assert weight(large) - weight(small) > 99 * 1000
