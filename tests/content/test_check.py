"""The small validator and the references it follows."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mockdock.content.check import Checker
from mockdock.content.refs import Refs
from tests.content.schemas import SCHEMAS


def test_checks_stop_when_their_steps_are_used_up() -> None:
    checker = Checker({}, 3)
    assert [checker.fits(1, {"type": "string"}) for _ in range(5)] == [False] * 3 + [True] * 2


VALUES: tuple[Any, ...] = (
    *(None, True, 0, 2, 7.5, 52, "", "abc", [], [1], ["a", 1], [7, 7]),
    *({}, {"a": 1}, {"zip": "1"}),
)


@pytest.mark.parametrize("name", SCHEMAS)
def test_checker_agrees_with_jsonschema_on_the_table(name: str) -> None:
    schema = SCHEMAS[name]
    validator = Draft202012Validator(schema)
    found = [(value, Checker(schema, 10**6).fits(value, schema)) for value in VALUES]
    assert found == [(value, validator.is_valid(value)) for value in VALUES]


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({"a": 1}, {"dependentSchemas": {"a": False}}),
        ({"a": 1}, {"propertyNames": {"minLength": 2}}),
        ({"a": 1}, {"dependentRequired": {"a": ["b"]}}),
        ([1, 2, 2], {"contains": {"const": 2}, "maxContains": 1}),
        (10**400, {"multipleOf": 0.3}),
        (1.5, {"multipleOf": 5e-324, "maximum": 1}),
    ],
)
def test_checker_says_no(value: Any, schema: Any) -> None:
    assert not Checker(schema, 100).fits(value, schema)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_number_that_is_no_json_is_not_checked(value: float) -> None:
    assert Checker({}, 100).fits(value, {"enum": [value], "minimum": 3})


def test_openapi_nullable_lets_null_pass() -> None:
    checker = Checker({}, 100)
    assert checker.fits(None, {"type": "string", "nullable": True})
    assert not checker.fits(None, {"type": "string", "nullable": False})


@pytest.mark.parametrize("ref", ["#there", "#nowhere", "there.json", "x.json#/a/b"])
def test_reference_in_a_very_large_document_is_given_up(ref: str) -> None:
    defs = {str(at): {"const": [at]} for at in range(9000)}
    root = {"$defs": {"it": {"$anchor": "there", "$id": "there.json", "const": 5}, **defs}}
    assert Refs(root).lookup(ref) is True


def test_reference_into_another_resource_of_the_document() -> None:
    root = {"allOf": [{"$id": "x.json#", "a": [{"b": {"const": 3}}]}]}
    assert Refs(root).lookup("x.json#/a/0/b") == {"const": 3}
    assert Refs(root).lookup("x.json#/a/1/b") is True
