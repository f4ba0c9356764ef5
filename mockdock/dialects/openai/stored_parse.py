"""Calls of operations on stored completions: list, retrieve, update, delete, messages.

No refusal of these operations is on record: their wordings are assumed, after
those of the chat request and of other lists.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from msgspec.structs import replace
from pydantic import Field, ValidationError

from mockdock.dialects.base import Call
from mockdock.dialects.openai.body import json_object
from mockdock.dialects.openai.invalid import translate
from mockdock.dialects.openai.told import PREFIX
from mockdock.dialects.openai.wire_base import Metadata, Wire
from mockdock.reply import Failure
from mockdock.request import Request, StoredOperation

__all__ = ["parse_stored"]

_DIGITS = 18
_MOST = 100


class Page(Wire):
    """The query of a list, once its numbers are numbers."""

    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 20
    order: Literal["asc", "desc"] = "asc"
    model: str = ""
    metadata: Metadata = Field(default_factory=dict)


class Update(Wire):
    """The body of an update: metadata is all that can be changed."""

    metadata: Metadata | None


def parse_stored(call: Call) -> Request | Failure:
    """Parse a call of any operation on stored completions."""
    named = call.params.get("completion_id", "")
    body = json_object(call) if call.operation == "stored.update" else {}
    if isinstance(body, Failure):
        return body
    wanted: StoredOperation | Failure
    match call.operation.removeprefix("stored."):
        case "list":
            wanted = _list(call, StoredOperation("list"))
        case "messages":
            wanted = _list(call, StoredOperation("messages", named, _bare(named)))
        case "update":
            wanted = _update(call, body, StoredOperation("update", named, _bare(named)))
        case "delete":
            wanted = StoredOperation("delete", named, _bare(named))
        case _:
            wanted = StoredOperation("retrieve", named, _bare(named))
    if isinstance(wanted, Failure):
        return wanted
    return Request(
        call.dialect,
        "stored",
        stored=wanted,
        caller=call.caller,
        headers=call.headers,
        raw=call.body,
        body=body,
    )


def _bare(named: str) -> str:
    """Give an id without its prefix, empty when it has none."""
    return named.removeprefix(PREFIX) if named.startswith(PREFIX) else ""


def _list(call: Call, wanted: StoredOperation) -> StoredOperation | Failure:
    query = _query(call.query)
    if wanted.kind == "messages":
        query = {name: value for name, value in query.items() if name not in ("model", "metadata")}
    if call.lenient:
        _mend(query)
    try:
        page = Page.model_validate(query)
    except ValidationError as error:
        return translate(query, error)
    return replace(
        wanted,
        after=_bare(page.after) if page.after else None,
        limit=page.limit,
        order=page.order,
        model=page.model,
        metadata=page.metadata,
    )


def _query(pairs: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Collect what a list understands; of a name given twice the last counts."""
    query: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    for name, value in pairs:
        if inner := re.fullmatch(r"metadata\[(.*)\]", name, re.DOTALL):
            metadata[inner[1]] = value
        elif name in Page.model_fields:
            query[name] = value
    if re.fullmatch(rf"-?[0-9]{{1,{_DIGITS}}}", query.get("limit", "")):
        query["limit"] = int(query["limit"])
    return {**query, "metadata": metadata} if metadata else query


def _mend(query: dict[str, Any]) -> None:
    """Drop or bend, in place, what would be refused."""
    limit = query.pop("limit", None)
    if isinstance(limit, int):
        query["limit"] = min(max(limit, 1), _MOST)
    if query.get("order") not in ("asc", "desc"):
        query.pop("order", None)
    query["metadata"] = _fitting(query.get("metadata"))


def _fitting(metadata: Any) -> dict[str, str]:
    """Give the pairs that can be metadata."""
    if not isinstance(metadata, dict):
        return {}
    pairs = [(name, value) for name, value in metadata.items() if isinstance(value, str)]
    return {name[:64]: value[:512] for name, value in pairs[:16]}


def _update(call: Call, body: dict[str, Any], wanted: StoredOperation) -> StoredOperation | Failure:
    if call.lenient:
        return replace(wanted, metadata=_fitting(body.get("metadata")))
    try:
        update = Update.model_validate(body)
    except ValidationError as error:
        return translate(body, error)
    return replace(wanted, metadata=update.metadata or {})
