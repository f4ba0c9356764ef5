"""Where a scripted reply contradicts what the request allows or demands.

The reply goes out as scripted all the same: a test may want just that. It is
told in the log and in a header, because far more often it is a slip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from mockdock.engine.draft import Draft
from mockdock.later import later
from mockdock.request import Request

if TYPE_CHECKING:
    from mockdock.content.check import Checker

__all__ = ["contradictions"]

_checker: Callable[[Mapping[str, Any], int], Checker] = later("content.check:Checker")

_MOST_CHECKS = 20_000


def contradictions(request: Request, draft: Draft) -> Iterator[str]:
    """Tell in words what of a scripted draft the request does not allow."""
    yield from _of_calls(request, draft)
    if draft.text is not None and not (draft.calls and not draft.text):
        yield from _of_text(request, draft.text)


def _of_calls(request: Request, draft: Draft) -> Iterator[str]:
    choice = request.tool_choice
    if not draft.calls:
        if choice.mode == "required":
            yield "no tool is called though tool_choice demands it"
        return
    offered = {tool.name: tool for tool in request.tools}
    for call in draft.calls:
        if call.name not in offered:
            yield f"the tool '{call.name}' is not offered"
            continue
        if choice.names is not None and call.name not in choice.names:
            yield f"tool_choice does not allow the tool '{call.name}'"
        tool = offered[call.name]
        if tool.strict and not _fits(_loaded(call.arguments), tool.parameters or {}):
            yield f"the arguments of '{call.name}' do not fit its strict schema"
    if choice.mode == "none" and offered:
        yield "a tool is called though tool_choice is 'none'"
    if len(draft.calls) > 1 and not request.parallel_tool_calls:
        yield f"{len(draft.calls)} tools are called though parallel_tool_calls is false"


def _of_text(request: Request, text: str) -> Iterator[str]:
    wanted = request.response_format
    if wanted.kind == "text":
        return
    value = _loaded(text)
    if value is _NO_JSON:
        yield f"the text is not JSON though response_format is {wanted.kind}"
        return
    if wanted.kind == "json_object" and not isinstance(value, dict):
        yield "the JSON is not an object though response_format is json_object"
    if wanted.schema is not None and not _fits(value, wanted.schema):
        yield "the JSON does not fit the schema of response_format"


_NO_JSON = object()


def _loaded(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _NO_JSON


def _fits(value: object, schema: Mapping[str, Any]) -> bool:
    return value is not _NO_JSON and _checker(schema, _MOST_CHECKS).fits(value, schema)
