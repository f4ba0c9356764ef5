"""Random schemas: nonsense breaks nothing, and what can be met is met."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mockdock.content.check import Checker
from mockdock.content.forms import FORMATS
from mockdock.content.offers import read_offers
from mockdock.content.schema import instance, json_text
from tests.effort import examples

KEYWORDS = [
    "$anchor",
    "$defs",
    "$id",
    "$ref",
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "default",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "if",
    "items",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "nullable",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "required",
    "then",
    "type",
    "uniqueItems",
]
HINTS = st.sampled_from(
    ["string", "integer", "object", "array", "#", "#/$defs/a", "#a", "a", "^a+$", "date", "x#/y"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | HINTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", *KEYWORDS]), inner, max_size=4)
    ),
    max_leaves=12,
)
NONSENSE = st.dictionaries(st.sampled_from(KEYWORDS), JSON, max_size=6)


@given(NONSENSE, st.integers(0, 3))
@settings(max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nonsense_never_raises_and_stays_small(schema: Any, seed: int) -> None:
    made = instance(schema, random.Random(seed))
    # NaN does not equal itself, so texts are compared.
    assert json_text(made) == json_text(instance(schema, random.Random(seed)))
    assert len(json_text(made)) < 1_000_000


def spans(least: int, most: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(least, most), st.integers(least, most)).map(
        lambda pair: (min(pair), max(pair))
    )


LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([True, {}, {"type": "null"}, {"type": "boolean"}, {"$ref": "#/$defs/leaf"}]),
    st.sampled_from([{"type": "string", "format": form} for form in FORMATS]),
    spans(0, 60).map(lambda s: {"type": "string", "minLength": s[0], "maxLength": s[1]}),
    spans(-50, 50).map(lambda s: {"type": "integer", "minimum": s[0], "maximum": s[1]}),
    spans(-50, 50).map(
        lambda s: {"type": "number", "exclusiveMinimum": s[0], "exclusiveMaximum": s[1] + 0.5}
    ),
    st.integers(1, 30).map(lambda step: {"type": "integer", "multipleOf": step, "minimum": 7}),
    st.sampled_from([0.01, 0.1, 0.25, 0.3]).map(
        lambda step: {"type": "number", "multipleOf": step}
    ),
    st.lists(st.integers() | st.text(max_size=4) | st.none(), min_size=1).map(
        lambda values: {"enum": values}
    ),
    st.integers(1, 9).map(lambda n: {"type": "string", "pattern": f"^([A-F]|[0-9]){{{n},}}x?$"}),
)
NAMES = st.sampled_from(["id", "name", "email", "price", "tags", "x", "y"])


def bigger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(NAMES, inner, max_size=4)
    return st.one_of(
        st.builds(
            lambda known, needed, closed: {
                "type": "object",
                "properties": known,
                "required": [name for name in needed if name in known],
                "additionalProperties": not closed,
            },
            properties,
            st.lists(NAMES, unique=True),
            st.booleans(),
        ),
        st.builds(
            lambda items, span: {"items": items, "minItems": span[0], "maxItems": span[1]},
            inner,
            spans(0, 5),
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"prefixItems": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts}),
        inner.map(lambda part: {"allOf": [part, {"description": "same"}]}),
        inner.map(lambda value: {"type": "object", "additionalProperties": value}),
        st.just({"$ref": "#/$defs/list"}),
    )


MEETABLE = st.recursive(LEAVES, bigger, max_leaves=10)
DEFS = {
    "leaf": {"type": "integer", "minimum": 1},
    "list": {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/list"}, "value": {"$ref": "#/$defs/leaf"}},
        "required": ["value"],
    },
}


@given(MEETABLE, st.integers(0, 3))
@settings(max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_instance_of_any_meetable_schema_validates(schema: Any, seed: int) -> None:
    whole = {"$defs": DEFS, "properties": {"it": schema}, "required": ["it"], "type": "object"}
    made = instance(whole, random.Random(seed))
    Draft202012Validator(whole).validate(made)


SAID = st.lists(
    st.text(max_size=12)
    | st.integers(-60, 60).map(str)
    | st.sampled_from(
        ["Maria", "in Paris, France", "'ABC'", '"x"', "2025-03-03", "10:30", "a@b.org", "1.5"]
    ),
    max_size=12,
).map(" ".join)


@given(MEETABLE, SAID, st.integers(0, 3))
@settings(max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_instance_validates_whatever_is_said(schema: Any, said: str, seed: int) -> None:
    whole = {"$defs": DEFS, "properties": {"it": schema}, "required": ["it"], "type": "object"}
    made = instance(whole, random.Random(seed), offers=read_offers(said))
    Draft202012Validator(whole).validate(made)


@given(NONSENSE, SAID)
@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nonsense_with_offers_is_the_same_twice(schema: Any, said: str) -> None:
    offers = read_offers(said)
    made = json_text(instance(schema, random.Random(1), offers=offers))
    assert json_text(instance(schema, random.Random(1), offers=offers)) == made


@given(MEETABLE, JSON)
@settings(max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_checker_agrees_with_jsonschema(schema: Any, value: Any) -> None:
    value = json.loads(json.dumps(value).replace("NaN", "0").replace("Infinity", "0"))
    whole = {"$defs": DEFS, "properties": {"it": schema}}
    expected = Draft202012Validator(whole).is_valid({"it": value})
    assert Checker(whole, 10**6).fits({"it": value}, whole) == expected
