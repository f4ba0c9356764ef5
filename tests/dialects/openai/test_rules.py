"""The rules as a table: which are asked, of what, and how often a schema is looked at."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.content.catalogue import load
from mockdock.dialects.openai import function_schema, rules_schemas
from mockdock.dialects.openai.rules import RULES, asks_nothing_again, broken_again, broken_rule
from mockdock.dialects.openai.rules_base import RICH, is_plain
from mockdock.dialects.openai.rules_schemas import fault_of_format, fault_of_function
from mockdock.dialects.openai.schema_walk import walk
from mockdock.dialects.openai.wire import ChatRequest
from mockdock.memo import Memo
from mockdock.reply import Failure
from mockdock.request import Traits
from tests.conformance.errors import ACCEPTED, REFUSED, chat

OPEN: dict[str, Any] = {"type": "object", "properties": {}}


def every_rule(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Ask every rule, whatever fields it is for."""
    refusals = (rule.check(wire, traits) for rule in RULES)
    return next((refusal for refusal in refusals if refusal is not None), None)


def validated(body: Any) -> ChatRequest | None:
    try:
        return ChatRequest.model_validate(body)
    except ValueError:
        return None


BODIES = [*(row.body for row in REFUSED), *ACCEPTED.values()]
VALID = [wire for wire in map(validated, BODIES) if wire is not None]


def test_there_are_valid_bodies_that_break_rules() -> None:
    assert len(VALID) > 150


@pytest.mark.parametrize("model", ["", "gpt-4o", "gpt-5", "gpt-6", "o1-mini", "gpt-4"])
def test_a_rule_that_is_not_asked_has_nothing_to_say(model: str) -> None:
    for wire in VALID:
        traits = load().resolve(model or wire.model).traits
        assert broken_rule(wire, traits) == every_rule(wire, traits), wire


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5", "gpt-6", "o1-mini", "gpt-4"])
def test_a_rule_that_is_not_asked_again_says_the_same_of_every_conversation(model: str) -> None:
    """What is asked again with other messages is enough, where nothing was wrong before."""
    traits = load().resolve(model).traits
    talks = [wire.messages for wire in VALID]
    valid = [wire for wire in VALID if broken_rule(wire, traits) is None]
    assert valid
    for wire in valid:
        for messages in talks:
            other = wire.model_copy(update={"messages": messages})
            refusal = broken_rule(other, traits)
            assert broken_again(other, traits) == refusal, other
            if asks_nothing_again(wire, traits) and is_plain(messages):
                assert refusal is None, other


def test_rules_are_for_fields_that_are_there() -> None:
    for rule in RULES:
        assert rule.fields
        assert rule.fields <= {*ChatRequest.model_fields, RICH}, rule


def test_a_default_is_one_instance_that_cannot_change() -> None:
    one, other = (ChatRequest.model_validate(chat()) for _ in range(2))
    for name in ("response_format", "prompt_cache_options", "web_search_options"):
        assert getattr(one, name) is getattr(other, name)
    with pytest.raises(ValueError, match="frozen"):
        one.web_search_options.search_context_size = "low"  # type: ignore[misc]


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collect the schemas that are walked, with an empty memory."""
    seen: list[Any] = []

    def noted(schema: Any, *, levels: bool = False) -> Any:
        seen.append(schema)
        return walk(schema, levels=levels)

    monkeypatch.setattr(function_schema, "walk", noted)
    monkeypatch.setattr(rules_schemas, "_verdicts", Memo[str](4))
    return seen


def test_a_schema_is_walked_once_however_often_it_comes(walks: list[Any]) -> None:
    for _ in range(3):
        assert fault_of_function(dict(OPEN), strict=False) == ""
        assert "additionalProperties" in fault_of_function(dict(OPEN), strict=True)
    assert len(walks) == 2


def test_verdicts_of_functions_and_formats_are_kept_apart(walks: list[Any]) -> None:
    array = {"type": "object"}
    assert "missing properties" in fault_of_function(array, strict=False)
    assert "additionalProperties" in fault_of_format(array)
    assert fault_of_function({}, strict=False) == ""
    assert "JSON Schema of" in fault_of_function({}, strict=True)


def test_no_more_verdicts_are_kept_than_there_is_room_for(walks: list[Any]) -> None:
    for index in range(5):
        fault_of_function({**OPEN, "title": str(index)}, strict=False)
    fault_of_function({**OPEN, "title": "0"}, strict=False)
    assert len(walks) == 6


def test_a_schema_too_deep_to_remember_is_walked_each_time(walks: list[Any]) -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(300):
        schema = {"type": "array", "items": schema}
    deep = {"type": "object", "properties": {"x": schema}}
    for _ in range(2):
        assert fault_of_function(deep, strict=False) == ""
    assert len(walks) == 2
