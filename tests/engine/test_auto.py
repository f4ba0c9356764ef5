"""What made-up answers take from the conversation."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from mockdock.request import Request, ResponseFormat, Tool, ToolChoice
from tests.engine.helpers import after_tool, ask, completion, engine, only, tools

JSON = ResponseFormat("json_object")
BOOKING = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "nights": {"type": "integer"},
        "room": {"enum": ["single", "double"]},
        "note": {"type": "string"},
        "day": {"type": "string", "format": "date"},
    },
    "required": ["city", "nights", "room", "note", "day"],
}
WISH = "Book a double room in Lisbon for 3 nights from 2026-05-04 with the note 'sea view'."
TAKEN = {"city": "Lisbon", "nights": 3, "room": "double", "note": "sea view", "day": "2026-05-04"}


def told(request: Request) -> Any:
    return json.loads(only(completion(engine(), request)).text or "")


def test_arguments_take_what_the_user_mentions() -> None:
    asked = ask(WISH, tools=(Tool("book", parameters=BOOKING),))
    (call,) = only(completion(engine(), asked)).calls
    assert json.loads(call.arguments) == TAKEN


def test_json_takes_what_the_user_mentions() -> None:
    form = ResponseFormat("json_schema", "booking", schema=BOOKING)
    assert told(ask(WISH, response_format=form)) == TAKEN


@pytest.mark.parametrize("form", [JSON, ResponseFormat()], ids=["json_object", "words alone"])
def test_a_schema_in_the_prompt_is_followed(form: ResponseFormat) -> None:
    prompt = f"{WISH} Answer in JSON that fits this schema: {json.dumps(BOOKING)}"
    assert set(told(ask(prompt, response_format=form))) == set(TAKEN)


def test_a_code_block_is_given_where_one_is_asked_for() -> None:
    prompt = f"Answer in a ```json codeblock, by this schema: {json.dumps(BOOKING)}"
    text = only(completion(engine(), ask(prompt))).text or ""
    assert re.fullmatch(r"```json\n\{.*\}\n```", text)


def test_keys_named_in_words_are_those_of_the_object() -> None:
    prompt = 'Return JSON with the keys "city" and "days" for Rome, 4 days'
    assert told(ask(prompt, response_format=JSON)) == {"city": "Rome", "days": 4}


def test_a_custom_tool_with_a_pattern_gets_an_input_that_matches() -> None:
    tool = Tool("code", kind="custom", pattern="[A-Z]{3}-[0-9]{4}")
    (call,) = only(completion(engine(), ask("go", tools=(tool,)))).calls
    assert re.fullmatch("[A-Z]{3}-[0-9]{4}", call.arguments)


def test_where_calls_are_demanded_tools_not_called_yet_come_first() -> None:
    demanded: dict[str, Any] = {
        "tools": tools("find", "finish"),
        "tool_choice": ToolChoice("required"),
    }
    first = only(completion(engine(), ask("find it", **demanded)))
    then = only(completion(engine(), after_tool("found", name="find", **demanded)))
    assert [call.name for call in (*first.calls, *then.calls)] == ["find", "finish"]


def test_where_no_tool_is_allowed_none_is_called() -> None:
    asked = ask("find it", tools=tools("find"), tool_choice=ToolChoice("auto", ()))
    assert only(completion(engine(), asked)).calls == ()
