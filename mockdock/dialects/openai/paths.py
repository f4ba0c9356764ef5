"""From pydantic's locations to OpenAI's parameter paths.

Pydantic puts the tag of a union's member into the location; the wire knows no
such thing. Unions stand in few places of the request, listed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Step", "dotted", "steps"]

Step = str | int

_SHAPED = {
    ("messages", 0, "content"),
    ("prediction", "content"),
    ("tool_choice",),
    ("function_call",),
    ("stop",),
    ("router", "routes", 0, "targets"),
    ("extra", "guards", 0),
}
_DISCRIMINATED = {
    ("messages", 0): "role",
    ("messages", 0, "content", 0): "type",
    ("messages", 0, "tool_calls", 0): "type",
    ("tools", 0): "type",
    ("tools", 0, "custom", "format"): "type",
    ("tool_choice",): "type",
    ("response_format",): "type",
}


_MAPPINGS = (("metadata",), ("logit_bias",))
_IN_MAPPING = 2


def steps(body: Any, location: Sequence[Step]) -> tuple[Step, ...]:
    """Drop union tags from a location, with the body it was found in."""
    clean: list[Step] = []
    value = body
    rest = list(location)
    while rest:
        here = tuple(0 if isinstance(step, int) else step for step in clean)
        if here in _SHAPED and rest[0] in ("string", "array", "object"):
            rest.pop(0)
            if not rest:
                break
        field = _DISCRIMINATED.get(here)
        if field and len(rest) > 1 and isinstance(value, Mapping) and rest[0] == value.get(field):
            rest.pop(0)
        step = rest.pop(0)
        if step == "[key]" and here[:1] in _MAPPINGS and len(here) == _IN_MAPPING:
            break  # pydantic's mark for a key that is wrong itself
        clean.append(step)
        value = _inside(value, step)
    return tuple(clean)


def _inside(value: Any, step: Step) -> Any:
    if isinstance(step, int):
        return value[step] if isinstance(value, list) and step < len(value) else None
    return value.get(step) if isinstance(value, Mapping) else None


def dotted(path: Sequence[Step]) -> str:
    """Write a path the way error bodies do: ``messages[2].content[0].type``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text
