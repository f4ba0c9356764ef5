"""JSON Schema → instance: what it makes validates, and nothing breaks it."""

from __future__ import annotations

import json
import random
import re
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mockdock.content.check import Checker
from mockdock.content.keywords import sound
from mockdock.content.offers import read_offers
from mockdock.content.schema import instance, json_text
from tests.content.schemas import BREADTH, CONTRADICTIONS, SCHEMAS, SHAPES, TREE
from tests.effort import bounded


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


_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})+")
_LOCAL = re.compile(r"(?=.{1,64}$)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*")
_LINK = re.compile(r"(https?)://([^/]+)((?:/[A-Za-z0-9]+)*)")


def is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None


def is_email(text: str) -> bool:
    """Check as RFC 5321 does: dots between atoms, 64 octets and a host, 254 in all."""
    local, at, host = text.rpartition("@")
    return bool(at) and len(text) <= 254 and bool(_LOCAL.fullmatch(local)) and is_host(host)


def is_link(text: str) -> bool:
    parts = _LINK.fullmatch(text)
    return parts is not None and is_host(parts[2])


def is_moment(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text) is not None


def is_base64(text: str) -> bool:
    return bool(b64decode(text, validate=True))


FORMED: dict[str, tuple[Callable[[str], bool], int]] = {
    "email": (is_email, 254),
    "hostname": (is_host, 253),
    "uri": (is_link, 2000),
    "date-time": (is_moment, 200),
    "time": (lambda text: is_moment(f"2024-01-01T{text}"), 200),
    "uri-reference": (lambda text: is_link(f"http://a.test{text}"), 2000),
    "duration": (lambda text: re.fullmatch(r"P\d+DT\d+H", text) is not None, 200),
    "password": (str.isalnum, 2000),
}


@pytest.mark.parametrize("form", FORMED)
@pytest.mark.parametrize("beyond", [1, 2, 3, 10, 40, 10_000])
def test_a_text_of_a_format_is_longer_within_its_format(form: str, beyond: int) -> None:
    fits, most = FORMED[form]
    for seed in range(20):
        usual = instance({"type": "string", "format": form}, random.Random(seed))
        assert fits(usual)
        least = min(len(usual) + beyond, most)
        made = instance({"type": "string", "format": form, "minLength": least}, random.Random(seed))
        assert fits(made), made
        assert least <= len(made) <= least + 1


@pytest.mark.parametrize("least", range(1, 60))
def test_base64_is_longer_by_whole_groups(least: int) -> None:
    schema = {"type": "string", "format": "byte", "minLength": least}
    made = instance(schema, random.Random(least))
    assert is_base64(made)
    assert max(least, 16) <= len(made) < max(least, 16) + 4


def test_an_email_is_longer_where_only_the_name_of_the_field_says_it_is_one() -> None:
    for seed in range(20):
        schema = {"properties": {"workEmail": {"type": "string", "minLength": 40}}}
        made = instance(schema, random.Random(seed))["workEmail"]
        assert is_email(made)
        assert len(made) == 40


@pytest.mark.parametrize(("form", "most"), [("email", 8), ("email", 16), ("uri", 13), ("uri", 22)])
def test_a_text_of_a_format_is_shorter_within_its_format(form: str, most: int) -> None:
    for seed in range(20):
        schema = {"type": "string", "format": form, "maxLength": most}
        made = instance(schema, random.Random(seed))
        assert FORMED[form][0](made)
        assert len(made) <= most


@pytest.mark.parametrize(
    "schema",
    [
        {"format": "uuid", "minLength": 40},
        {"format": "date", "minLength": 20},
        {"format": "ipv6", "minLength": 60},
        {"format": "byte", "minLength": 17, "maxLength": 18},
        {"format": "email", "maxLength": 5},
        {"format": "email", "minLength": 40, "maxLength": 40, "pattern": "@"},
    ],
    ids=str,
)
def test_the_length_and_the_pattern_count_more_than_the_format(schema: dict[str, Any]) -> None:
    schema = {"type": "string", **schema}
    for seed in range(20):
        Draft202012Validator(schema).validate(instance(schema, random.Random(seed)))


@pytest.mark.parametrize(
    ("schema", "size"),
    [
        ({"type": "array", "items": {"type": "null"}, "minItems": 5000}, 1000),
        ({"type": "string", "minLength": 20_000}, 10_000),
        ({"type": "string", "format": "uri", "minLength": 20_000}, 10_000),
        ({"type": "object", "minProperties": 5000, "additionalProperties": {"const": 1}}, 1000),
    ],
    ids=str,
)
def test_what_wants_very_much_gets_what_the_caps_allow(schema: dict[str, Any], size: int) -> None:
    """As ``instance`` says; such a value does not validate."""
    assert len(instance(schema, random.Random(1))) == size


def test_names_of_an_open_pattern_are_distinct_and_look_like_names() -> None:
    schema = {"patternProperties": {"^x_": {}}, "additionalProperties": False, "minProperties": 3}
    for seed in range(20):
        made = instance(schema, random.Random(seed))
        assert len(made) == 3
        assert all(re.fullmatch("x_[A-Za-z0-9]+", name) for name in made)


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


def required(schema: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": schema}, "required": ["a"]}


def brackets(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


HOSTILE: dict[str, Any] = {
    "enum": required({"enum": [f"v{at}" for at in range(5000)]}),
    "enums": {"properties": {str(at): {"enum": [f"v{n}" for n in range(250)]} for at in range(30)}},
    "unique enum": required(
        {"items": {"enum": list(range(5000))}, "minItems": 900, "uniqueItems": True}
    ),
    "anchors": {
        "properties": {
            f"p{at}": {"anyOf": [{"$ref": f"#zz{at}"}, {"type": "string"}]} for at in range(1500)
        }
    },
    "required": required({"required": [f"r{at}" for at in range(20_000)]}),
    "allOf": required({"allOf": [{"properties": {f"x{at}": {}}} for at in range(5000)]}),
    "joined patterns": required({"allOf": [{"pattern": f"x{at}"} for at in range(5000)]}),
    "by pattern": {
        "patternProperties": {f"^x{at}[a-z]+$": {} for at in range(300)},
        "required": [f"r{at}" for at in range(5000)],
    },
    "long members": required({"items": {"enum": ["x" * 200_000]}, "minItems": 1000}),
    "large constants": required({"items": {"const": list(range(9000))}, "minItems": 1000}),
    "explosive": required({"enum": ["a" * 100_000], "pattern": "a+b", "type": "string"}),
    "deep const": required({"const": brackets(980)}),
    "deep enum": required({"enum": [brackets(990), 5]}),
    "deep default": required({"type": "array", "items": {}, "default": brackets(1000)}),
    "minimum": required({"type": "integer", "minimum": 10**4299}),
    "steps": required({"allOf": [{"multipleOf": 10**2900 + at} for at in range(1, 5)]}),
    "number": required({"const": 10**4299}),
    "infinite": required({"enum": [float("inf"), {"a": [float("-inf")]}], "default": 1e999}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_schema_gives_plain_json_with_bounded_effort(name: str) -> None:
    for offers in (None, OFFERS):
        with bounded(1000):
            made = json_text(instance(HOSTILE[name], random.Random(1), offers=offers))
        assert "Infinity" not in made
        assert len(made) < 2_000_000
        json.loads(made)


def test_what_is_unsound_counts_as_absent() -> None:
    assert instance(HOSTILE["deep enum"], random.Random(1)) == {"a": 5}
    assert sound({"const": 1e999, "minimum": 10**4000, "items": [1e999, {}]}) == {"items": [{}]}
    whole = {"const": [1, {"a": 2.5}]}
    assert sound(whole) is whole
