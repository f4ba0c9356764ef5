"""Schemas of functions and of strict mode: hostile ones, and what the limits are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.dialects.openai.function_schema import function_fault
from mockdock.dialects.openai.strict_schema import strict_fault
from tests.effort import examples

TEXT = {"type": "string"}

KEYWORDS = [
    *("type", "properties", "items", "anyOf", "allOf", "$ref", "$defs", "definitions"),
    *("required", "enum", "const", "format", "additionalProperties", "default", "a"),
]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False)
    | st.sampled_from(["object", "array", "string", "#", "#/$defs/a", "#/x", "uri", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYWORDS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@settings(max_examples=examples(500), deadline=None)
@given(inner=anything)
def test_no_schema_is_too_odd(inner: Any) -> None:
    """There is a sentence or none, never an error of ours."""
    for schema in (closed(x=inner), {"type": "object", "properties": {"x": inner}}, {"a": inner}):
        for fault in (strict_fault(schema), function_fault(schema)):
            assert fault is None or (fault.endswith(".") and len(fault) < 2000)
    if isinstance(inner, dict):
        function_fault(inner)
        strict_fault(inner)


def test_deep_schemas_are_told_from_the_top() -> None:
    schema: dict[str, Any] = TEXT
    for _ in range(300):
        schema = {"type": "array", "items": schema}
    assert function_fault({"type": "object", "properties": {"x": schema}}) is None
    assert strict_fault(closed(x=schema)) is None
    for _ in range(300):
        schema = closed(x=schema)
    assert strict_fault(schema) == "300 levels of nesting exceeds limit of 10."


def test_a_place_deep_inside_is_cut() -> None:
    schema: dict[str, Any] = {"type": "array"}
    for _ in range(500):
        schema = {"type": "array", "items": schema}
    fault = function_fault({"type": "object", "properties": {"x": schema}})
    assert fault is not None
    assert fault.endswith("..., array schema missing items.")
    assert len(fault) < 700


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {}},
        {"type": ["object", "null"], "properties": {}},
        {"type": "object", "properties": {"x": {"type": "array", "items": {}}}},
        {"type": "object", "properties": {"x": {"type": "array", "prefixItems": [TEXT]}}},
        {"type": "object", "properties": {"x": True, "y": {"type": "object"}}},
        {"type": "object", "properties": {"x": {"allOf": [TEXT]}}, "required": ["x", "z"]},
        {"type": "object", "properties": {"type": TEXT, "items": TEXT}},
    ],
)
def test_a_function_that_is_not_strict_may_say_much(schema: dict[str, Any]) -> None:
    assert function_fault(schema) is None


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        (
            {**closed(), "anyOf": [closed()]},
            "In context=(), 'anyOf' is not permitted.",
        ),
        (
            closed(x={"enum": [str(index) for index in range(1001)]}),
            "1001 enum values exceeds limit of 1000.",
        ),
        (
            closed(x={"enum": ["x" * 100] * 251}),
            "25100 characters of enum values exceeds limit of 15000.",
        ),
        (closed(x={"const": "x" * 120_000}), "120001 characters exceeds limit of 120000."),
        (
            closed(x=True),
            "In context=('properties', 'x'), schema must have a 'type' key.",
        ),
        (
            closed(x={"anyOf": [TEXT, {"type": "array"}]}),
            "In context=('properties', 'x', 'anyOf', '1'), array schema missing items.",
        ),
        (
            {**closed(x={"$ref": "#/$defs/a"}), "$defs": {"a": {"type": "object"}}},
            (
                "In context=('$defs', 'a'), 'additionalProperties' is required to be supplied and "
                "to be false."
            ),
        ),
        (
            closed(x={"$ref": "#/$defs/a"}),
            (
                "In context=('properties', 'x'), reference to component '#/$defs/a' which was not "
                "found in the schema."
            ),
        ),
        (
            closed(x={"type": "text"}),
            "'text' is not valid under any of the given schemas.",
        ),
        (
            closed(x={"type": "array", "items": 5}),
            "5 is not of type 'object', 'boolean'.",
        ),
        ({**closed(), "required": [5]}, "5 is not of type 'string'."),
    ],
)
def test_what_strict_mode_does_not_take(schema: dict[str, Any], fault: str) -> None:
    assert strict_fault(schema) == fault


def test_just_the_limits_are_taken() -> None:
    """5,000 properties, 1,000 enum values, 120,000 characters."""
    names = [f"p{index:04}" for index in range(5000)]
    assert strict_fault(closed(**dict.fromkeys(names, TEXT))) is None
    assert strict_fault(closed(x={"enum": list(range(1000))})) is None
    assert strict_fault(closed(x={"const": "x" * 119_999})) is None


@pytest.mark.parametrize("form", ["date-time", "time", "date", "duration", "email", "uuid", "ipv6"])
def test_documented_formats_are_taken(form: str) -> None:
    assert strict_fault(closed(x={"type": "string", "format": form})) is None
    assert strict_fault(closed(x={"type": "integer", "format": "int32"})) is None
