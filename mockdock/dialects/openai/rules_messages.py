"""What a conversation may not be: calls without results, results without calls, no content.

Paths with a dot before the bracket are the service's own. PROBE is explained
in ``rules_model``; ASSUMED marks words for which there is no paste.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from mockdock.dialects.openai.images import bad_image
from mockdock.dialects.openai.invalid import bad_request, mismatched, missing_content, too_long
from mockdock.dialects.openai.rules_base import RICH, Rule, rule
from mockdock.dialects.openai.wire import ChatRequest
from mockdock.dialects.openai.wire_messages import AssistantMessage
from mockdock.reply import Failure
from mockdock.request import Traits

__all__ = ["MESSAGE_RULES"]

_NAME = r"^[^\s<|\\/>]+$"
_FUNCTION_NAME = "^[a-zA-Z0-9_-]+$"
_LONGEST_NAME = 64
_LONGEST_ID = 40


def _names(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse names a prompt could not hold (langstage-jupyter#23; before: Flowise#2948)."""
    for index, message in enumerate(wire.messages):
        name = message.name if message.role not in ("tool", "function") else ""
        if name and not re.fullmatch(_NAME[1:-1], name):
            return mismatched(("messages", index, "name"), _NAME)
    return None


def _calls(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse calls no model made: their ids and names (vercel/ai#8132, semantic-kernel#9850)."""
    for index, message in enumerate(wire.messages):
        if not isinstance(message, AssistantMessage):
            continue
        for place, called in enumerate(message.tool_calls or ()):
            where = ("messages", index, "tool_calls", place)
            if len(called.id) > _LONGEST_ID:
                return too_long((*where, "id"), _LONGEST_ID, len(called.id))
            if called.type != "function":
                continue
            name = called.function.name
            if not re.fullmatch(_FUNCTION_NAME[1:-1], name):
                return mismatched((*where, "function", "name"), _FUNCTION_NAME)
            if len(name) > _LONGEST_NAME:
                return too_long((*where, "function", "name"), _LONGEST_NAME, len(name))
    return None


def _calls_beside_functions(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse new calls among old functions (openai/openai-python#1795)."""
    for index, message in enumerate(wire.messages):
        if wire.functions and isinstance(message, AssistantMessage) and message.tool_calls:
            return bad_request(
                "Invalid parameter: 'tool_calls' cannot be used when 'functions' are present. "
                "Please use 'tools' instead of 'functions'.",
                f"messages.[{index}].tool_calls",
            )
    return None


def _results(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse results that answer no call, and calls that no result answers."""
    asked: Sequence[str] = ()
    given: dict[str, int] = {}
    for index, message in enumerate(wire.messages):
        if message.role == "tool":
            refusal = _result(index, message.tool_call_id, asked, given)
            if refusal is not None:
                return refusal
            given[message.tool_call_id] = index
            continue
        unanswered = [each for each in asked if each not in given]
        if unanswered:
            return _unanswered(unanswered, f"messages.[{index}].role")
        asked, given = _asked(message), {}
    unanswered = [each for each in asked if each not in given]
    return _unanswered(unanswered, "messages") if unanswered else None


def _asked(message: Any) -> Sequence[str]:
    if not isinstance(message, AssistantMessage):
        return ()
    return [call.id for call in message.tool_calls or ()]


def _result(index: int, id_: str, asked: Sequence[str], given: dict[str, int]) -> Failure | None:
    if not asked:  # WIRE B.2
        return bad_request(
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
            "message with 'tool_calls'.",
            f"messages.[{index}].role",
        )
    if id_ not in asked:  # dapr/dapr-agents#145
        message = (
            f"Invalid parameter: 'tool_call_id' of '{id_}' not found in 'tool_calls' of previous "
            "message."
        )
    elif id_ in given:  # agno-agi/agno#5116
        message = (
            f"Invalid parameter: Duplicate value for 'tool_call_id' of '{id_}', in "
            f"messages[{given[id_]}] and messages[{index}]."
        )
    else:
        return None
    return bad_request(message, f"messages.[{index}].tool_call_id")


def _unanswered(ids: Sequence[str], param: str) -> Failure:
    """Name the calls (WIRE B.2); pastes have both params, when which one is ASSUMED."""
    return bad_request(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        f"{', '.join(ids)}",
        param,
    )


def _json(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse JSON mode without the word (WIRE B.2)."""
    if wire.response_format.type != "json_object":
        return None
    if any("json" in text.lower() for text in _texts(wire)):
        return None
    return bad_request(
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
        "'json_object'.",
        "messages",
    )


def _texts(wire: ChatRequest) -> Iterator[str]:
    for message in wire.messages:
        if isinstance(message.content, str):
            yield message.content
        else:
            yield from (getattr(part, "text", "") for part in message.content or ())


def _images(wire: ChatRequest, _: Traits) -> Failure | None:
    for index, message in enumerate(wire.messages):
        if message.role != "user" or not isinstance(message.content, list):
            continue
        for place, part in enumerate(message.content):
            if part.type == "image_url":
                where = f"messages[{index}].content[{place}].image_url.url"
                refusal = bad_image(part.image_url.url, where)
                if refusal is not None:
                    return refusal
    return None


def _content(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse a message that says nothing; an assistant may do something instead (PROBE)."""
    for index, message in enumerate(wire.messages):
        if message.content is not None or message.role == "function":
            continue
        if isinstance(message, AssistantMessage) and any(
            (message.refusal, message.audio, message.tool_calls, message.function_call)
        ):
            continue
        return missing_content(index)
    return None


MESSAGE_RULES: Sequence[Rule] = (
    rule(RICH, _names),
    rule(RICH, _calls),
    rule("functions", _calls_beside_functions, again=True),
    rule(RICH, _results),
    rule("response_format", _json, again=True),
    rule(RICH, _images),
    rule(RICH, _content),
)
