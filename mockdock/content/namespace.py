"""Tools and response formats as the text the models are shown.

Chat models do not read JSON Schema for tools: the service writes tools as
TypeScript types in ``namespace functions``, and the format of a structured
answer as a section with its JSON Schema. OpenAI publishes both layouts in the
Harmony format of its open models; hmarr/openai-chat-tokens found the first one
by measuring. Details that are fits to recorded traffic are named where they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from mockdock.request import ResponseFormat, Tool

__all__ = ["format_section", "tool_namespace"]

_SCALARS = {"string": "string", "number": "number", "integer": "number"}
_DEEPEST = 32
_UNSHOWN = frozenset({"required", "additionalProperties", "$schema"})
_NAMED_SCHEMAS = frozenset({"properties", "$defs", "definitions"})


def tool_namespace(tools: Sequence[Tool], *, inline: bool = True) -> str:
    """Write tools as TypeScript types.

    With ``inline``, an object none of whose members has a description stands on
    one line. That is a fit: all twenty recordings with tools from
    gpt-3.5-turbo-0125 to gpt-4.1 are exact with it; the measurements of 2023
    are exact without.
    """
    lines = ["namespace functions {", ""]
    for tool in tools:
        if tool.description:
            lines.append(f"// {tool.description}")
        lines += (f"type {tool.name} = {_signature(tool, inline=inline)} => any;", "")
    lines.append("} // namespace functions")
    return "\n".join(lines)


def format_section(wanted: ResponseFormat) -> str:
    """Write the section that shows the model a json_schema response format.

    The schema is shown as compact JSON without ``required``,
    ``additionalProperties`` and ``$schema`` (reported in openai-cookbook issue
    2140). A description at its root moves in front when the format has none of
    its own: a fit to two recordings.
    """
    schema = _shown(wanted.schema or {})
    description = wanted.description
    if not description and isinstance(schema.get("description"), str):
        description = schema.pop("description")
    note = f"// {description}\n" if description else ""
    return f"# Response Formats\n\n## {wanted.name or ''}\n\n{note}{_json(schema)}"


def _signature(tool: Tool, *, inline: bool) -> str:
    """Write the argument list of a tool; that of a custom tool is an estimate."""
    if tool.kind == "custom":
        return "(FREEFORM)"
    schema = tool.parameters or {}
    if not _members(schema):
        return "()"
    return f"(_: {_Types(schema, inline=inline).members(schema, 0)})"


class _Types:
    """Writes JSON Schemas as TypeScript types, with the references of one root.

    A schema behind a ``$ref`` is written out where it is first used and named
    after that. No recording shows references, so this is an estimate; it ends
    for every schema, and its length is bounded by the schema's.
    """

    def __init__(self, root: Mapping[str, Any], *, inline: bool) -> None:
        self._root = root
        self._inline = inline
        self._written: set[str] = set()

    def members(self, schema: Mapping[str, Any], indent: int) -> str:
        """Write the braces and members of an object; ``indent`` counts blanks."""
        required = schema.get("required")
        wanted = set(map(str, required)) if isinstance(required, list) else set()
        found = _members(schema)
        rows = [
            (_description(member), f"{name}{'' if name in wanted else '?'}", member)
            for name, member in found.items()
        ]
        if self._inline and not any(map(_is_described, found.values())):
            inside = ", ".join(f"{name}: {self._type(m, indent)}" for _, name, m in rows)
            return f"{{ {inside} }}"
        margin = " " * indent
        lines = ["{"]
        for description, name, member in rows:
            if description:
                lines.append(f"{margin}// {description}")
            lines.append(f"{margin}{name}: {self._type(member, indent)},")
        return "\n".join((*lines, "}"))

    def _type(self, schema: Any, indent: int) -> str:
        """Write one type; what TypeScript has no word for is ``any``."""
        if not isinstance(schema, dict) or indent > 2 * _DEEPEST:
            return "any"
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._referenced(reference, indent)
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(values, list) and values:
            return " | ".join(map(_json, values))
        for union in ("anyOf", "oneOf"):
            choices = schema.get(union)
            if isinstance(choices, list) and choices:
                return " | ".join(self._type(choice, indent + 2) for choice in choices)
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return " | ".join(self._kind(kind, schema, indent) for kind in kinds)
        return self._kind(kinds, schema, indent)

    def _kind(self, kind: Any, schema: Mapping[str, Any], indent: int) -> str:
        if kind == "object":
            return self.members(schema, indent + 2) if _members(schema) else "object"
        if kind == "array":
            items = schema.get("items")
            return f"{self._type(items, indent + 2) if items else 'any'}[]"
        return _SCALARS.get(kind, kind) if isinstance(kind, str) else "any"

    def _referenced(self, reference: str, indent: int) -> str:
        name = reference.rsplit("/", 1)[-1]
        if reference in self._written:
            return name
        self._written.add(reference)
        found: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            found = found.get(step) if isinstance(found, dict) else None
        return name if found is None else self._type(found, indent)


def _members(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _description(schema: Any) -> str:
    found = schema.get("description") if isinstance(schema, dict) else None
    return found if isinstance(found, str) else ""


def _is_described(schema: Any) -> bool:
    """Tell whether a schema or one inside it carries a description."""
    waiting = [(schema, 0)]
    while waiting:
        current, depth = waiting.pop()
        if not isinstance(current, dict) or depth > _DEEPEST:
            continue
        if _description(current):
            return True
        waiting += ((child, depth + 1) for child in _children(current))
    return False


def _children(schema: Mapping[str, Any]) -> Iterator[Any]:
    yield from _members(schema).values()
    yield schema.get("items")
    for union in ("anyOf", "oneOf"):
        choices = schema.get(union)
        if isinstance(choices, list):
            yield from choices


def _shown(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a schema without the keywords that are not shown to the model."""
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _UNSHOWN:
            continue
        if key in _NAMED_SCHEMAS and isinstance(value, dict):
            # Here keys are names of the user's own, even one called "required".
            kept[key] = {name: _shown_value(member) for name, member in value.items()}
        else:
            kept[key] = _shown_value(value)
    return kept


def _shown_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _shown(value)
    return [_shown_value(item) for item in value] if isinstance(value, list) else value


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
