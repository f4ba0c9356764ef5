"""Scripted replies that contradict what the rule's own conditions ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mockdock.scenario.models import Rule
from mockdock.scenario.replies import ErrorSpec, ReplySpec

__all__ = ["discords"]


def discords(rule: Rule) -> Iterator[str]:
    """Tell in words which replies no request that fits the conditions allows."""
    body = rule.when.body or {}
    for answer in rule.answers:
        if isinstance(answer, ErrorSpec):
            continue
        for reply in answer.choices or (answer,):
            yield from _of_calls(reply, body, no_tools=rule.when.offers_tool is False)
            yield from _of_text(reply, body)


def _of_calls(reply: ReplySpec, body: Mapping[str, Any], *, no_tools: bool) -> Iterator[str]:
    calls = reply.tool_calls or ()
    choice = body.get("tool_choice")
    named = _name(choice)
    offered = _offered(body.get("tools"))
    for call in calls:
        if no_tools or (offered is not None and call.name not in offered):
            yield f"the tool {call.name!r} is called, but not offered"
        elif named is not None and call.name != named:
            yield f"the tool {call.name!r} is called, but tool_choice demands {named!r}"
    if calls and choice == "none":
        yield "a tool is called, but tool_choice is 'none'"
    if not calls and (choice == "required" or named is not None) and reply.says_something:
        yield "no tool is called, but tool_choice demands it"
    if len(calls) > 1 and body.get("parallel_tool_calls") is False:
        yield f"{len(calls)} tools are called, but parallel_tool_calls is false"


def _of_text(reply: ReplySpec, body: Mapping[str, Any]) -> Iterator[str]:
    wanted = body.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, Mapping) else None
    if kind not in ("json_object", "json_schema"):
        return
    if reply.text is not None and "${" not in reply.text and not _is_json(reply.text):
        yield f"the text is not JSON, but response_format is {kind}"
    if (
        kind == "json_object"
        and "json_" in reply.model_fields_set
        and not isinstance(reply.json_, Mapping | str)
    ):
        yield "the JSON is not an object, but response_format is json_object"


def _offered(tools: Any) -> set[str | None] | None:
    """Name the tools a condition lists; it then lists all of them. None when not known."""
    if not isinstance(tools, list | tuple):
        return None
    names = {_name(tool) for tool in tools}
    return None if None in names else names


def _name(tool: Any) -> str | None:
    """Give the name in a tool, or in a choice of one tool."""
    if not isinstance(tool, Mapping):
        return None
    inner = tool.get("function") or tool.get("custom")
    return inner.get("name") if isinstance(inner, Mapping) else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
