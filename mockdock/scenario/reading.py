"""YAML text to plain data, with the place of every key and value.

Scalars resolve as in the core schema of YAML 1.2: ``no``, ``12:30`` and dates
are text. Only the events of PyYAML are used: nothing is ever constructed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from msgspec import Struct

from mockdock.errors import Problem, ScenarioError
from mockdock.scenario.base import DEEPEST, shown
from mockdock.scenario.documents import Document, Mark, written
from mockdock.scenario.scalars import resolved

__all__ = ["read"]

LARGEST = 500_000
_LONGEST_PATH = 12
_BY_STATUS, _STATUSES = "mix", range(400, 600)
"""Only the mix of chaos goes by HTTP statuses, which nobody writes in quotes."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_ODD = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PAIR = re.compile(r"(\\\\)|\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_SURROGATE = re.compile("[\ud800-\udfff]")
_STR, _MAP, _SEQ = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))
_PLAIN_TAGS = frozenset({None, "!", _STR, _MAP, _SEQ})


def read(text: str, file: str = "", *, json: bool = False) -> Document:
    """Read one YAML document. Raises ScenarioError when there is no telling what it says.

    ``json`` text may be indented with tabs, and write letters beyond 16 bits
    as two escapes.
    """
    if odd := _ODD.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        column = odd.start() - text.rfind("\n", 0, odd.start())
        message = f"the character U+{ord(odd[0]):04X} is not allowed"
        raise ScenarioError([Problem(message, file, line, column)])
    builder = _Builder(file)
    try:
        for event in yaml.parse(_as_yaml(text) if json else text, Loader=_LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        raise ScenarioError([_yaml_problem(error, text, file)]) from None
    if builder.root is None or builder.root[0] is None:
        raise ScenarioError([Problem("the file is empty", file, hint="begin with mockdock: 1")])
    data, mark = builder.root
    return Document(data, mark, tuple(builder.problems))


def _as_yaml(text: str) -> str:
    return _PAIR.sub(_joined, text.replace("\t", " "))


def _joined(pair: re.Match[str]) -> str:
    if pair[1]:
        return pair[1]
    high, low = int(pair[2], 16), int(pair[3], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"


def _yaml_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return Problem(f"not YAML: {' '.join(str(error).split())}", file)
    context, context_mark = getattr(error, "context", None), getattr(error, "context_mark", None)
    hint = ""
    if context and context_mark is not None and context_mark.line != mark.line:
        hint = f"{context} that begins in line {context_mark.line + 1}"
    lines = text.split("\n")
    before = lines[mark.line][: mark.column + 2] if mark.line < len(lines) else ""
    if "\t" in before[: mark.column + 1]:
        hint = "indent with spaces, not with tabs"
    problem = getattr(error, "problem", None) or "it cannot be read"
    hint = hint or next((told for sign, told in _HINTS if sign in problem), "")
    if "${" in before and "expected" in problem:
        hint = "put a text with ${...} into quotes"
    return Problem(f"not YAML: {problem}", file, mark.line + 1, mark.column + 1, hint=hint)


_HINTS = (
    ("mapping values are not allowed", "put a text with a colon into quotes"),
    ("unknown escape character", "write '...' instead of \"...\", or \\\\ for a backslash"),
)


class _Frame(Struct):
    """A list or mapping being read."""

    data: list[Any] | dict[str, Any]
    mark: Mark
    anchor: str | None
    key: str | None = None
    key_mark: Mark | None = None
    merging: bool = False
    merges: list[tuple[dict[str, Any], Mark]] = []
    merged_in: int = 0


class _Builder:
    """Builds data from events; ``root`` is the document's value and mark."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: tuple[Any, Mark] | None = None
        self.problems: list[Problem] = []
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, Mark]] = {}
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._stop("several documents in one file", _mark(event))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        mark = _mark(event)
        self._check_tag(event, mark)
        value: Any = event.value
        if _SURROGATE.search(value):
            self._complain("half of a surrogate pair is not text", mark)
            value = ""
        frame = self._stack[-1] if self._stack else None
        plain = event.tag is None and event.implicit[0]
        if frame and plain and value == "<<" and frame.key_mark is None and _maps(frame):
            frame.key_mark, frame.merging = mark, True
            if frame.merged_in:
                self._complain(f"key '<<' twice, first in line {frame.merged_in}", mark)
            frame.merged_in = frame.merged_in or mark.line
            return
        if plain:
            try:
                value = resolved(value)
            except ValueError as error:
                self._complain(str(error), mark)
        self._keep(event.anchor, value, mark)
        self._add(value, mark)

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        mark = _mark(event)
        self._check_tag(event, mark)
        if len(self._stack) >= DEEPEST:
            self._stop(f"nested deeper than {DEEPEST} levels", mark)
        frame = self._stack[-1] if self._stack else None
        if frame and _maps(frame) and frame.key_mark is None:
            self._stop("a key must be text", mark)
        data: list[Any] | dict[str, Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._stack.append(_Frame(data, mark, event.anchor))

    def _close(self) -> None:
        frame = self._stack.pop()
        for data, mark in frame.merges:
            for key, value in data.items():
                if isinstance(frame.data, dict) and key not in frame.data:
                    frame.data[key] = value
                    frame.mark.keys[key] = mark.keys[key]
                    frame.mark.inner[key] = mark.inner[key]
        self._keep(frame.anchor, frame.data, frame.mark)
        self._add(frame.data, frame.mark)

    def _alias(self, event: yaml.AliasEvent) -> None:
        mark = _mark(event)
        name = str(event.anchor)
        if any(frame.anchor == name for frame in self._stack):
            self._stop(f"'*{name}' is inside of what it stands for", mark)
        if name not in self._anchors:
            self._stop(f"'*{name}' stands for nothing", mark, "no such anchor above")
        value, target = self._anchors[name]
        if len(self._stack) + target.height > DEEPEST:
            self._stop(f"nested deeper than {DEEPEST} levels", mark)
        self._add(value, target)

    def _keep(self, anchor: str | None, value: Any, mark: Mark) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, mark)

    def _add(self, value: Any, mark: Mark) -> None:
        if not self._stack:
            self.root = (value, mark)
            return
        frame = self._stack[-1]
        frame.mark.size += mark.size
        frame.mark.height = max(frame.mark.height, mark.height + 1)
        if frame.mark.size > LARGEST:
            self._stop(f"more than {LARGEST} values, aliases expanded", mark)
        if isinstance(frame.data, list):
            frame.mark.inner[len(frame.data)] = mark
            frame.data.append(value)
        elif frame.key_mark is None:
            self._key(frame, value, mark)
        elif frame.merging:
            self._merge(frame, value, mark)
        else:
            self._pair(frame, frame.data, value, mark)

    def _key(self, frame: _Frame, value: Any, mark: Mark) -> None:
        frame.key_mark = mark
        if isinstance(value, str):
            frame.key = value
            return
        frame.key = shown(value)
        outer = self._stack[-2] if len(self._stack) > 1 else None
        if outer is not None and outer.key == _BY_STATUS and type(value) is int:
            if value not in _STATUSES:
                hint = "a status from 400 to 599"
                self._complain(f"{value} is not an HTTP error", mark, hint)
            return
        self._complain("a key must be text", mark, "put it in quotes")

    def _pair(self, frame: _Frame, data: dict[str, Any], value: Any, mark: Mark) -> None:
        key, key_mark = frame.key or "", frame.key_mark or mark
        if key in data:
            first = frame.mark.keys[key][0]
            self._complain(f"key {key!r} twice, first in line {first}", key_mark)
        else:
            data[key] = value
            frame.mark.keys[key] = (key_mark.line, key_mark.column)
            frame.mark.inner[key] = mark
        frame.key = frame.key_mark = None

    def _merge(self, frame: _Frame, value: Any, mark: Mark) -> None:
        if isinstance(value, dict):
            frame.merges.append((value, mark))
        elif isinstance(value, list) and all(isinstance(item, dict) for item in value):
            frame.merges += [(item, mark.inner[index]) for index, item in enumerate(value)]
        else:
            self._complain("'<<' takes a mapping or a list of mappings", mark)
        frame.key_mark, frame.merging = None, False

    def _check_tag(self, event: Any, mark: Mark) -> None:
        if event.tag not in _PLAIN_TAGS:
            self._complain(f"the tag {shown(event.tag)} is not allowed", mark, "only !!str is")

    def _complain(self, message: str, mark: Mark, hint: str = "") -> None:
        where = written(tuple(_steps(self._stack[:_LONGEST_PATH])))
        self.problems.append(Problem(message, self.file, mark.line, mark.column, where, hint))

    def _stop(self, message: str, mark: Mark, hint: str = "") -> None:
        self._complain(message, mark, hint)
        raise ScenarioError(self.problems)


def _mark(event: yaml.Event) -> Mark:
    start: Any = event.start_mark
    return Mark(start.line + 1, start.column + 1)


def _maps(frame: _Frame) -> bool:
    return isinstance(frame.data, dict)


def _steps(stack: list[_Frame]) -> Iterator[str | int]:
    for frame in stack:
        if isinstance(frame.data, list):
            yield len(frame.data)
        elif frame.key is not None:
            yield frame.key
