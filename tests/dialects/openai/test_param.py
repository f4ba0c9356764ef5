"""Where a refusal points to: always into the body that was sent."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.dialects.openai.parse import parse
from mockdock.reply import Failure
from tests.dialects.openai.calls import CALL, call, custom, located, tool
from tests.effort import examples

WHOLE: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [
        {"role": "system", "content": "x", "name": "n"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://u"}}]},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "x"}]},
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}, "content": None},
    ],
    "tools": [
        *tool(name="f", parameters={"type": "object", "properties": {}}),
        *custom({"type": "grammar", "grammar": {"definition": "a+", "syntax": "regex"}})["tools"],
        {"type": "custom", "custom": {"name": "d", "format": {"type": "text"}}},
    ],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}},
    "stop": ["a"],
    "metadata": {"key": "value"},
    "logit_bias": {"7": 1},
    "stream": True,
    "stream_options": {"include_usage": True},
    "audio": {"voice": "v", "format": "wav"},
    "modalities": ["text"],
    "moderation": {"model": "m"},
    "prompt_cache_options": {"ttl": "1h", "mode": "auto"},
    "web_search_options": {"search_context_size": "low", "user_location": located(city="Paris")},
    "temperature": 1,
    "n": 1,
}
PREDICTED: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "x"}],
    "prediction": {"type": "content", "content": [{"type": "text", "text": "x"}]},
    "modalities": ["text"],
    "n": 1,
    "presence_penalty": -1,
}


def paths(value: Any, here: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Give the path of every value inside, with its container and its key."""
    if isinstance(value, dict):
        for key, inner in value.items():
            path = f"{here}.{key}" if here else key
            yield path, value, key
            yield from paths(inner, path)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield f"{here}[{index}]", value, index
            yield from paths(inner, f"{here}[{index}]")


wrong = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-200, 200),
    st.floats(-200, 200),
    st.sampled_from(
        ["", "x", "user", "function", "custom", "string", "array", "object", "text", "grammar"]
    ),
    st.lists(st.sampled_from([1, "x", {}, None]), max_size=6),
    st.dictionaries(
        st.sampled_from(["type", "role", "name", "content", "string", "array", "object", "[key]"]),
        st.sampled_from([1, "x", "text", "function", {}, [], None]),
        max_size=3,
    ),
)


def test_the_whole_bodies_are_valid() -> None:
    for body in (WHOLE, PREDICTED):
        assert not isinstance(parse(call(body)), Failure)


@settings(max_examples=examples(400), deadline=None)
@given(data=st.data())
def test_param_is_null_or_a_place_in_the_body_that_was_sent(data: st.DataObject) -> None:
    """Or one that is missing in a place that was sent."""
    body = copy.deepcopy(data.draw(st.sampled_from([WHOLE, WHOLE, PREDICTED])))
    for _ in range(data.draw(st.integers(1, 3))):
        _, container, key = data.draw(st.sampled_from(list(paths(body))))
        match data.draw(st.sampled_from(["replace", "replace", "drop", "add"])):
            case "replace":
                container[key] = data.draw(wrong)
            case "drop":
                del container[key]
            case _ if isinstance(container, dict):
                container[data.draw(st.sampled_from(["x", "string", "type", "role"]))] = 1
        if not body:
            return
    failure = parse(call(body))
    if not isinstance(failure, Failure) or failure.param is None:
        return
    there = {"", *(path for path, *_ in paths(body))}
    assert failure.message is not None
    if ".[" in failure.param:
        # The service writes some places in messages and tools in an older form.
        place = failure.param.replace(".[", "[")
        assert place in there or place.rpartition(".")[0] in there
        return
    if failure.param == "function_call":
        assert "no function named" in failure.message
        return
    parent = failure.param.rpartition(".")[0]
    assert failure.param in there or parent in there, failure.param
    is_value = failure.code == "invalid_value" and failure.message.startswith("Invalid value: ")
    of_all = failure.param == "messages" and "tool_calls" in failure.message
    is_schema = failure.code == "invalid_function_parameters"
    assert is_value or of_all or is_schema or f"'{failure.param}'" in failure.message
