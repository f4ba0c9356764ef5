"""JSON Schema → instance: what it makes validates, and nothing breaks it."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mockdock.content.check import Checker
from mockdock.content.offers import read_offers
from mockdock.content.schema import instance, json_text
from tests.content.schemas import BREADTH, CONTRADICTIONS, SCHEMAS, SHAPES, TREE


@pytest.mark.parametrize("name", SCHEMAS)
def test_instance_validates(name: str) -> None:
    validator = Draft202012Validator(SCHEMAS[name])
    for seed in range(25):
        validator.validate(instance(SCHEMAS[name], random.Random(seed)))


@pytest.mark.parametrize("name", BREADTH)
def test_instance_validates_over_the_breadth_of_the_language(name: str) -> None:
    validator = Draft202012Validator(BREADTH[name])
    for seed in range(25):
        validator.validate(instance(BREADTH[name], random.Random(seed)))


OFFERS = read_offers(
    "Jason is 25, in Paris for 3 days from 2025-03-03 at 10:00. Say 'a' or \"cat\" to x@acme.org,"
    " 2 or 7 times, not -12, 0.5, abc, US or https://acme.org."
)


@pytest.mark.parametrize("name", [*SCHEMAS, *BREADTH])
def test_instance_validates_whatever_the_conversation_offers(name: str) -> None:
    schema = {**SCHEMAS, **BREADTH}[name]
    validator = Draft202012Validator(schema)
    for seed in range(10):
        validator.validate(instance(schema, random.Random(seed), offers=OFFERS))


@pytest.mark.parametrize("schema", CONTRADICTIONS, ids=str)
def test_offers_do_not_save_a_schema_that_cannot_be_met_nor_break_it(schema: Any) -> None:
    assert json_text(instance(schema, random.Random(1), offers=OFFERS))


@pytest.mark.parametrize("name", SCHEMAS)
def test_text_that_offers_nothing_changes_nothing(name: str) -> None:
    alone = json_text(instance(SCHEMAS[name], random.Random(5)))
    for said in ("", "  ", "what do you think?"):
        offers = read_offers(said)
        assert json_text(instance(SCHEMAS[name], random.Random(5), offers=offers)) == alone


@pytest.mark.parametrize("name", SCHEMAS)
def test_same_seed_gives_the_same_instance(name: str) -> None:
    first = json_text(instance(SCHEMAS[name], random.Random(9)))
    assert json_text(instance(SCHEMAS[name], random.Random(9))) == first


def test_threads_do_not_disturb_each_other() -> None:
    """The same seed gives the same instance whatever runs beside it."""
    schema = {"properties": {name: {"type": "string"} for name in ("name", "city", "phone")}}
    alone = [instance(schema, random.Random(seed)) for seed in range(20)]
    with ThreadPoolExecutor(8) as pool:
        beside = list(pool.map(lambda at: instance(schema, random.Random(at % 20)), range(200)))
    assert beside == alone * 10


def test_all_optional_properties_are_there_in_the_order_of_the_schema() -> None:
    made = instance(TREE, random.Random(1))
    assert list(made) == ["value", "next", "children", "parent"]


def test_recursion_ends_with_optional_properties_left_out() -> None:
    made = instance(TREE, random.Random(1))
    assert made["parent"] == {"value": made["parent"]["value"], "next": None, "children": []}


def test_null_is_chosen_only_when_nothing_else_is_left() -> None:
    for seed in range(20):
        made = instance(SCHEMAS["optional"], random.Random(seed))
        assert isinstance(made["a"], str)


def test_both_branches_are_chosen_over_the_seeds() -> None:
    kinds = {instance(SHAPES, random.Random(seed))["kind"] for seed in range(20)}
    assert kinds == {"circle", "square"}


def test_default_and_examples_are_used_when_they_fit() -> None:
    made = {instance(SCHEMAS["examples"], random.Random(seed)) for seed in range(20)}
    assert made == {"one", "three"}
    assert instance(SCHEMAS["default"], random.Random(1)) == 7


def test_schema_that_says_nothing_is_an_object_at_the_top_and_text_below() -> None:
    assert instance({}, random.Random(1)) == {}
    assert isinstance(instance({"required": ["city"]}, random.Random(1))["city"], str)


def test_list_items_take_their_look_from_the_name_of_the_list() -> None:
    schema = {"properties": {"emails": {"type": "array", "items": {"type": "string"}}}}
    assert all("@" in email for email in instance(schema, random.Random(1))["emails"])


@pytest.mark.parametrize("schema", CONTRADICTIONS, ids=str)
def test_schema_that_cannot_be_met_still_gives_a_value(schema: Any) -> None:
    for seed in range(5):
        assert json_text(instance(schema, random.Random(seed)))


def test_endless_required_recursion_keeps_what_it_can() -> None:
    schema = {
        "properties": {"name": {"type": "string"}, "next": {"$ref": "#"}},
        "required": ["name", "next"],
    }
    made = instance(schema, random.Random(1))
    assert isinstance(made["name"], str)
    assert made["next"]["next"] == {}


def chain(length: int) -> dict[str, Any]:
    """Build definitions of which each holds the next twice: 2 ** length values in full."""
    pair = [{"$ref": f"#/$defs/{at + 1}"} for at in range(length)]
    defs: dict[str, Any] = {
        str(at): {"properties": {"a": ref, "b": ref}, "required": ["a", "b"]}
        for at, ref in enumerate(pair)
    }
    return {"$ref": "#/$defs/0", "$defs": {**defs, str(length): {"type": "boolean"}}}


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"properties": {"a": schema}, "required": ["a"]}
    return schema


def together(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"allOf": [schema]}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        chain(25),
        nested(200),
        together(200),
        {"type": "array", "minItems": 10**9},
        {
            "type": "array",
            "minItems": 10**9,
            "items": {"items": {"type": "null"}, "minItems": 10**9},
        },
        {"type": "array", "contains": {"const": 1}, "minContains": 10**9},
        {"type": "string", "minLength": 10**9},
        {"type": "string", "pattern": "^(a{9999}){9999}$"},
        {"type": "object", "minProperties": 10**9},
        {"properties": {str(at): {} for at in range(6000)}},
        {"anyOf": [{"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}] * 20},
        {
            "properties": {
                str(at): {"anyOf": [{"$ref": "#"}, {"items": {"$ref": "#"}, "minItems": 5}]}
                for at in range(10)
            },
            "required": [str(at) for at in range(10)],
        },
        {"properties": {"a": {"anyOf": [{"$ref": "#"}] * 9, "not": {"type": "object"}}}},
    ],
    ids=range(13),
)
def test_size_is_bounded(schema: Any) -> None:
    made = instance(schema, random.Random(1))
    assert len(json_text(made)) < 1_000_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, 2.5, None, True]}, '{"a":[1,2.5,null,true]}'),
        ({"city": "Zürich ☂"}, '{"city":"Zürich ☂"}'),
        (10**30, "1" + "0" * 30),
    ],
)
def test_json_text_is_compact_and_unescaped(value: Any, text: str) -> None:
    assert json_text(value) == text


OLD_DRAFTS = [
    ({"type": "integer", "minimum": 1, "exclusiveMinimum": True, "maximum": 2}, 2),
    ({"type": "integer", "minimum": 1, "maximum": 2, "exclusiveMaximum": True}, 1),
    ({"items": [{"const": 1}, {"const": 2}], "additionalItems": False}, [1, 2]),
    ({"definitions": {"a": {"const": 5}}, "$ref": "#/definitions/a"}, 5),
    (
        {
            "$id": "root.json",
            "$ref": "root.json#/definitions/a",
            "definitions": {"a": {"const": 5}},
        },
        5,
    ),
    ({"type": "string", "nullable": True, "example": "x"}, "x"),
]


@pytest.mark.parametrize(("schema", "expected"), OLD_DRAFTS, ids=str)
def test_older_drafts_and_openapi_are_understood(schema: Any, expected: Any) -> None:
    assert instance(schema, random.Random(1)) == expected
    assert Checker(schema, 100).fits(expected, schema)
