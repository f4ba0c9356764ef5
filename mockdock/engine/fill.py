"""What ``${...}`` stands for, taken from the request at hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from re import Match
from typing import Any

import orjson

from mockdock.request import Request, ToolResult
from mockdock.scenario import TextCondition, When, placeholders

__all__ = ["Filler"]


@lru_cache(maxsize=1024)
def _parts(text: str) -> tuple[str | placeholders.Name, ...]:
    return placeholders.split(text)


class Filler:
    """Fills templates with values of one request.

    In a JSON value a string that is one name and nothing else keeps the type
    of what it names; anywhere else values are written as text. A name that has
    no value in this request is an empty text.
    """

    def __init__(self, request: Request, when: When | None, attempt: int) -> None:
        self._request = request
        self._when = when
        self._attempt = attempt

    def text(self, template: str) -> str:
        """Fill a text."""
        if "${" not in template:
            return template
        return "".join(
            part if isinstance(part, str) else _written(self._value(part))
            for part in _parts(template)
        )

    def value(self, template: Any) -> Any:
        """Fill every string of a JSON value; keys stay as they are."""
        match template:
            case str():
                if "${" not in template:
                    return template
                parts = _parts(template)
                if len(parts) == 1 and isinstance(parts[0], placeholders.Name):
                    return self._value(parts[0])
                return self.text(template)
            case Mapping():
                return {key: self.value(inner) for key, inner in template.items()}
            case list() | tuple():
                return [self.value(inner) for inner in template]
            case _:
                return template

    def _value(self, name: placeholders.Name) -> Any:
        return _ROOTS[name.root](self, name.path)

    def match(self, path: tuple[str, ...]) -> str:
        """Give a group of the first ``matches`` condition that has it."""
        for found in self._matches:
            group: str | int = 0
            if path:
                group = int(path[0]) if path[0].isdecimal() else path[0]
            try:
                return found[group] or ""
            except IndexError:
                continue
        return ""

    @cached_property
    def _matches(self) -> tuple[Match[str], ...]:
        return tuple(self._found())

    def _found(self) -> Iterator[Match[str]]:
        when, request = self._when, self._request
        if when is None:
            return
        conditions: list[tuple[object, str]] = [
            (when.user, request.user_text),
            (when.system, request.system_text),
            *((wanted, request.headers.get(n, "")) for n, wanted in (when.headers or {}).items()),
        ]
        for wanted, text in conditions:
            if isinstance(wanted, TextCondition) and wanted.pattern is not None:
                found = wanted.pattern.search(text)
                if found is not None:
                    yield found

    @property
    def _tool(self) -> ToolResult:
        results = self._request.tool_results
        return results[-1] if results else ToolResult("", "", "")

    def tool_name(self, _: tuple[str, ...]) -> str:
        """Give the name of the tool that gave the last result."""
        return self._tool.name

    def tool_result(self, path: tuple[str, ...]) -> Any:
        """Give the last tool result, or a field of it when it is JSON."""
        return _inside(_loaded(self._tool.text), path) if path else self._tool.text

    def tool_args(self, path: tuple[str, ...]) -> Any:
        """Give the arguments the tool was called with, or one of them."""
        return _inside(_loaded(self._tool.arguments), path)

    def of_request(self, name: str) -> Any:
        """Give a plain fact of the request."""
        return self._attempt if name == "attempt" else getattr(self._request, _FACTS[name])

    def header(self, path: tuple[str, ...]) -> str:
        """Give a header, empty when it was not sent."""
        return self._request.headers.get(path[0], "")

    def body(self, path: tuple[str, ...]) -> Any:
        """Give a field of the request body."""
        return _inside(self._request.body, path)


_FACTS = {
    "user": "user_text",
    "system": "system_text",
    "model": "model",
    "turn": "turn",
    "attempt": "",
}
_ROOTS: dict[str, Callable[[Filler, tuple[str, ...]], Any]] = {
    **{name: lambda filler, _, name=name: filler.of_request(name) for name in _FACTS},  # type: ignore[misc]
    "match": Filler.match,
    "headers": Filler.header,
    "body": Filler.body,
    "tool.name": Filler.tool_name,
    "tool.result": Filler.tool_result,
    "tool.args": Filler.tool_args,
}


def _loaded(text: str) -> Any:
    """Read JSON strictly: what is not valid (NaN, half a surrogate) stays a text."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _inside(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list | tuple) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ""
    return value


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
