"""Schemas in prompts: found as instructor, LangChain and others write them."""

from __future__ import annotations

import json
from textwrap import indent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.content.prompt_schema import find_schema, prose
from tests.effort import bounded

SCHEMA: dict[str, Any] = {
    "$defs": {"Tag": {"enum": ["it's", 'say "hi"', "tab\t", "bell\a", "é{"], "type": "string"}},
    "properties": {
        "name": {"description": "Full name, e.g. {first} {last}", "type": "string"},
        "tag": {"anyOf": [{"$ref": "#/$defs/Tag"}, {"type": "null"}], "default": None},
    },
    "required": ["name"],
    "additionalProperties": False,
    "title": "User",
    "type": "object",
}
UNNAMED = {key: value for key, value in SCHEMA.items() if key not in ("title", "type")}
PRETTY = json.dumps(SCHEMA, indent=2, ensure_ascii=False)

INSTRUCTOR = f"""You are kind.

            As a genius expert, your task is to understand the content and provide
            the parsed objects in json that match the following json_schema:


            {PRETTY}

            Make sure to return an instance of the JSON, not the schema itself
"""
LANGCHAIN = """Answer the user's query.
The output should be formatted as a JSON instance that conforms to the JSON schema below.

As an example, for the schema {"properties": {"foo": {"title": "Foo", "description": "a list of \
strings", "type": "array", "items": {"type": "string"}}}, "required": ["foo"]}
the object {"foo": ["bar", "baz"]} is a well-formatted instance of the schema. The object \
{"properties": {"foo": ["bar", "baz"]}} is not well-formatted.

Here is the output schema:
```
%s
```
Maria has 3 cats. She said "hello" in Rome.
"""
PROMPTS = {
    "instructor": INSTRUCTOR,
    "langchain": LANGCHAIN % json.dumps(SCHEMA, ensure_ascii=False),
    "langchain, indented": LANGCHAIN % PRETTY,
    "llama-index": f"Maria is here.\n\nHere's a JSON schema to follow:\n{json.dumps(SCHEMA)}\n\n"
    "Output a valid JSON object but do not repeat the schema.",
    "printed by Python": f"Extract a user with this schema:\n{SCHEMA}\nThe JSON schema was made",
    "printed among prose": f"Use {{braces}} and {{ 'a quote: {SCHEMA}",
    "escaped": json.dumps(f"Follow {PRETTY} please"),
    "doubled braces": json.dumps(SCHEMA).replace("{", "{{").replace("}", "}}"),
    "wrapped": json.dumps({"type": "json_schema", "json_schema": {"name": "u", "schema": SCHEMA}}),
    "as a tool": json.dumps({"type": "function", "function": {"name": "u", "parameters": SCHEMA}}),
    "after broken JSON": f'{{"a": [1, 2}} {{"b": ... }} {PRETTY}',
    "in a long text": f"{'so it goes. ' * 30_000}{PRETTY}{' and on' * 3_000}",
    "with data after it": f'{PRETTY}\nText: {{"name": "Maria", "type": "user"}}',
}


@pytest.mark.parametrize("name", PROMPTS)
def test_schema_is_found(name: str) -> None:
    assert find_schema(PROMPTS[name]) == SCHEMA


@pytest.mark.parametrize(
    "schema",
    [
        UNNAMED,
        {"type": "object"},
        {"type": ["object", "null"], "additionalProperties": {"type": "integer"}},
        {"type": "array", "items": {"type": "string"}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}},
        {"anyOf": [{"type": "object"}, {"type": "array"}]},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "minProperties": 1},
    ],
    ids=str,
)
def test_schema_is_known_by_its_looks(schema: Any) -> None:
    assert find_schema(f"Answer as {json.dumps(schema)}.") == schema


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no braces",
        "{}",
        'Use {"name": "Maria", "type": "user"}',
        '{"properties": {"foo": ["bar"]}}',
        '{"type": "Feature", "properties": {"size": {"type": "integer"}}}',
        '{"type": "array", "items": [1, 2]}',
        '{"$ref": "main"}',
        '{"anyOf": []}',
        '{"anyOf": [1]}',
        '{"schema": "public", "table": "users"}',
        '{"schema": {"schema": {"schema": {"schema": {"type": "object"}}}}}',
        '{"type": "object", "default": ' + "[" * 70 + "]" * 70 + "}",
        '{"type": {"a": 1}}',
        "{'type': 'object'",
        "{'type': 'obj",
        f'{{"type": "object", "minimum": {"9" * 5000}}}',
    ],
    ids=lambda text: text[:40],
)
def test_other_text_has_no_schema(text: str) -> None:
    assert find_schema(text) is None


def test_last_schema_counts() -> None:
    first, last = ({"type": "object", "properties": {name: {}}} for name in "ab")
    assert find_schema(f"{json.dumps(first)} {json.dumps(last)}") == last


@pytest.mark.parametrize(
    "text",
    [
        "{" * 100_000,
        "{ " * 100_000,
        '{"' * 100_000,
        "{'" * 100_000,
        '{"a":' * 50_000,
        "{'a':" * 50_000,
        "{'a\\'" * 40_000,
        '{"a":[' * 300 + "1," * 90_000,
        '{"a":1}' * 30_000,
        '{\\"' * 60_000,
        '{{"' * 60_000,
        '{"properties":' * 900 + "{}" + "}" * 900,
    ],
    ids=lambda text: text[:6],
)
def test_hostile_text_takes_bounded_effort(text: str) -> None:
    with bounded(500):
        assert find_schema(text) is None
        assert prose(text) == text


@given(st.text() | st.text(alphabet="{}[]\"'\\:, a1\n").map(lambda text: '{"a": ' + text))
def test_any_text_is_read_without_error(text: str) -> None:
    assert find_schema(text) is None or isinstance(find_schema(text), dict)
    assert len(prose(text)) <= len(text)


def test_prose_is_what_the_text_says_besides_the_schema() -> None:
    for schema in (PRETTY, indent(PRETTY, "    "), json.dumps(UNNAMED), str(SCHEMA)):
        said = prose(LANGCHAIN % schema)
        assert 'Maria has 3 cats.\nShe said "hello" in Rome.' in said
        assert "Answer the user's query." in said
        assert not any(word in said for word in ("foo", "Full name", "schema", "JSON"))


def test_prose_of_a_text_without_a_schema_is_the_text() -> None:
    text = 'Give me JSON like {"name": "Maria"}: she is 30.'
    assert prose(text) == text


def test_what_follows_a_request_for_json_is_kept() -> None:
    assert prose(f"{PRETTY} Extract the user as JSON: Maria is 30.").strip() == "Maria is 30."
