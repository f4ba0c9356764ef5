"""How values are compared: as JSON does."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.routing import Filter, Operator, Pool, holds


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "held"),
    [
        ("eq", 1, 1.0, True),
        ("eq", True, 1, False),
        ("eq", False, 0, False),
        ("eq", "1", 1, False),
        ("eq", [1], [1], True),
        ("ne", "a", "b", True),
        ("ne", "a", "a", False),
        ("in", ["a", "b"], "b", True),
        ("in", [1], True, False),
        ("in", "abc", "a", False),
        ("contains", "a", ["a"], True),
        ("contains", "a", "abc", False),
        ("lt", 2, 1, True),
        ("lt", 1, 1, False),
        ("lte", 1, 1, True),
        ("lte", 1, 2, False),
        ("gt", 1, 2, True),
        ("gt", 1, 1, False),
        ("gte", 1, 1, True),
        ("gte", 2, 1, False),
        ("gt", "a", "b", True),
        ("lt", "2", 1, False),
        ("lt", 2, True, False),
        ("gt", None, 1, False),
    ],
)
def test_numbers_compare_with_numbers_and_texts_with_texts(
    operator: Operator, wanted: Any, value: Any, *, held: bool
) -> None:
    assert holds(operator, wanted, value) is held


def test_a_pool_knows_what_has_to_be_known() -> None:
    pool = Pool(("a",), (Filter("ttft", "lt", 1),), "price")
    assert pool.metrics == {"ttft", "price"}
