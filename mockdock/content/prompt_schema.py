"""A JSON Schema written into a prompt, as clients do that ask for JSON in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["find_schema", "prose"]

# What is looked at of a long text: this much of its start and of its end.
_HALF = 100_000
_MAX_FAILURES = 500
_MAX_DEPTH = 60
_MAX_UNWRAPPED = 3
# Characters that may be read in vain, for each one of the text.
_PATIENCE = 4
_WRAPPERS = ("json_schema", "schema", "function", "parameters", "input_schema")
_COMBINED = ("anyOf", "oneOf", "allOf")

_OPEN = re.compile(r"\{\s*[\"']")
_PYTHON = re.compile(
    r"""(?P<one>'(?:[^'\\\n]|\\.)*+')|(?P<two>"(?:[^"\\\n]|\\.)*+")"""
    r"""|(?P<word>\b(?:True|False|None)\b)|(?P<open>\{)|(?P<close>\})|(?P<lost>['"])"""
)
_WORDS = {"True": "true", "False": "false", "None": "null"}
_INSIDE = re.compile(r"\\x([0-9A-Fa-f]{2})|\\'|\\.|\"", re.DOTALL)
_ESCAPED = re.compile(r"\\([\"\\/nrt])")
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n")
_ABOUT = re.compile(r"json|schema", re.IGNORECASE)
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)


class _Found(NamedTuple):
    start: int
    end: int
    value: Any


def find_schema(text: str) -> Mapping[str, Any] | None:
    """Find the JSON Schema a prompt asks to follow: the last one in the text.

    The last, since instructions show examples before the real one. Reads JSON
    and how Python prints a dict, also with quotes escaped or braces doubled.
    Never raises; the work is linear in the text.
    """
    if "{" not in text:
        return None
    text = text if len(text) <= 2 * _HALF else f"{text[:_HALF]}\n{text[-_HALF:]}"
    for reading in _readings(text):
        schemas = [schema for found in _objects(reading) if (schema := _schema(found.value))]
        if schemas:
            return schemas[-1]
    return None


def prose(text: str) -> str:
    """Give a text without a schema that is in it, and without the words about it.

    Objects beside a schema are examples of it and go too. A text without a
    schema stays as it is.
    """
    objects = list(_objects(text)) if "{" in text else []
    if not any(_schema(found.value) for found in objects):
        return text
    parts, at = [], 0
    for found in objects:
        parts.append(text[at : found.start])
        at = found.end
    sentences = _SENTENCE.split("\n".join([*parts, text[at:]]))
    return "\n".join(map(_beside, sentences))


def _beside(sentence: str) -> str:
    """Give what a sentence says besides asking for JSON: what follows its last colon."""
    if not _ABOUT.search(sentence):
        return sentence
    rest = sentence.rpartition(": ")[2]
    return "" if _ABOUT.search(rest) else rest


def _readings(text: str) -> Iterator[str]:
    yield text
    if '\\"' in text:
        yield _ESCAPED.sub(lambda match: _PLAIN.get(match[1], match[1]), text)
    if "{{" in text:
        yield text.replace("{{", "{").replace("}}", "}")


def _objects(text: str) -> Iterator[_Found]:
    """Read the outermost JSON objects of a text, in order."""
    patience = _PATIENCE * len(text)
    failures = at = 0
    while failures < _MAX_FAILURES and patience > 0:
        opened = _OPEN.search(text, at)
        if opened is None:
            break
        start = opened.start()
        value, end = _json(text, start) if text[opened.end() - 1] == '"' else (None, start)
        if value is None:
            patience -= end - start
            value, end = _python(text, start)
        if value is None:
            failures += 1
            patience -= end - start
            at = start + 1
        else:
            yield _Found(start, end, value)
            at = end


def _json(text: str, start: int) -> tuple[Any, int]:
    """Give (the value, its end), or (None, how far it was read)."""
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        return None, error.pos
    except (ValueError, RecursionError):
        return None, len(text)


def _python(text: str, start: int) -> tuple[Any, int]:
    """Read a printed dict by writing it as JSON; gives what ``_json`` does."""
    parts: list[str] = []
    depth, at = 0, start
    for token in _PYTHON.finditer(text, start):
        parts.append(text[at : token.start()])
        at = token.end()
        kind, part = token.lastgroup, token[0]
        if kind in ("one", "two"):
            part = f'"{_INSIDE.sub(_escape, part[1:-1])}"'
        depth += (kind == "open") - (kind == "close")
        parts.append(_WORDS.get(part, part))
        if depth == 0 or depth > _MAX_DEPTH or kind == "lost":
            break
    value = _json("".join(parts), 0)[0] if depth == 0 else None
    return value, at


def _escape(match: re.Match[str]) -> str:
    if match[1]:
        return f"\\u00{match[1]}"
    return {"\\'": "'", '"': '\\"'}.get(match[0], match[0])


def _schema(value: Any) -> Mapping[str, Any] | None:
    """Give the value if it looks like a schema, else the one it wraps."""
    for _ in range(_MAX_UNWRAPPED):
        if not isinstance(value, Mapping):
            return None
        if _looks(value):
            return value if _shallow(value) else None
        value = next((value[key] for key in _WRAPPERS if key in value), None)
    return None


def _looks(value: Mapping[str, Any]) -> bool:
    kind, known = value.get("type"), value.get("properties")
    if isinstance(kind, list) and "object" in kind:
        kind = "object"
    if kind not in (None, "object", "array"):
        return False
    if isinstance(known, Mapping):
        return all(isinstance(part, (Mapping, bool)) for part in known.values())
    if kind is not None:
        return kind != "array" or isinstance(value.get("items"), (Mapping, bool))
    if isinstance(value.get("$ref"), str):
        return "$defs" in value or "definitions" in value
    if str(value.get("$schema", "")).startswith(("http://json-schema", "https://json-schema")):
        return True
    options = next((value[key] for key in _COMBINED if key in value), None)
    return (
        isinstance(options, list)
        and bool(options)
        and all(isinstance(part, Mapping) for part in options)
    )


def _shallow(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, Mapping) else outer)
            if isinstance(inner, (Mapping, list))
        ]
    return not level
