"""The shared assertion refuses what it is there to refuse."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from mockdock import resources
from tests.openai_types import check_chunk, check_completion, check_error

GOLDEN = resources.fixtures() / "openai"
PLAIN = json.loads((GOLDEN / "logprobs.json").read_text(encoding="utf-8"))
STREAM = (GOLDEN / "logprobs.sse").read_text(encoding="utf-8").split("\n\n")
CHUNK = json.loads(STREAM[1].removeprefix("data: "))
ERROR = {"error": {"message": "No", "type": "server_error", "param": None, "code": None}}


def changed(value: Any, path: str, new: Any) -> Any:
    """Set a field deep inside of a copy, or take it out where ``new`` is None."""
    made = copy.deepcopy(value)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    inner = made
    for step in way:
        inner = inner[step]
    if new is None:
        del inner[last]
    else:
        inner[last] = new
    return made


def test_golden_answers_pass() -> None:
    assert check_completion(PLAIN).choices[0].message.content == " Foo!"
    assert check_chunk(CHUNK).choices[0].delta.content == " Foo"
    assert check_error(ERROR).message == "No"


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("extra", 1),
        ("choices.0.extra", 1),
        ("choices.0.message.extra", "x"),
        ("choices.0.logprobs.content.0.extra", "x"),
        ("usage.prompt_tokens_details.extra", 0),
        ("created", "1774963469"),
        ("usage.prompt_tokens", 9.0),
        ("choices.0.finish_reason", "done"),
        ("choices.0.index", 1),
        ("choices.0.message.refusal", None),
        ("choices.0.logprobs.content.0.top_logprobs", None),
        ("object", "chat.completion.chunk"),
    ],
)
def test_a_completion_with_a_wrong_field_does_not(path: str, new: Any) -> None:
    """Unknown at any depth, of another type, or missing."""
    with pytest.raises((AssertionError, ValueError)):
        check_completion(changed(PLAIN, path, new))


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("extra", 1),
        ("choices.0.delta.extra", 1),
        ("choices.0.finish_reason", None),
        ("choices.0.delta.tool_calls", [{"index": 0, "custom": {"output": "x"}}]),
        ("choices.0.delta.tool_calls", [{"index": 0, "type": "custom", "custom": {"input": "x"}}]),
        ("usage", PLAIN["usage"]),
    ],
)
def test_a_chunk_with_a_wrong_field_does_not(path: str, new: Any) -> None:
    with pytest.raises((AssertionError, ValueError)):
        check_chunk(changed(CHUNK, path, new))


@pytest.mark.parametrize(("path", "new"), [("error.code", None), ("error.extra", 1), ("more", 1)])
def test_an_error_with_other_fields_does_not(path: str, new: Any) -> None:
    with pytest.raises((AssertionError, ValueError)):
        check_error(changed(ERROR, path, new))
