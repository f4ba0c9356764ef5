r"""The names in ``${...}``: one parser for the check at load and for the engine.

| name | stands for |
|---|---|
| ``user`` ``system`` ``model`` | the texts of the request, its model |
| ``turn`` ``attempt`` | counts |
| ``match`` ``match.<group>`` | what a ``matches`` condition found; a group by name or number |
| ``headers.<name>`` ``body.<path>`` | a header, a field of the request |
| ``tool.name`` | the tool that gave the last result |
| ``tool.result`` ``tool.args`` | what it gave, what it got; with ``.<path>`` a field of it |

``$${`` stands for a literal ``${``. A path is words and list positions joined
by dots: ``body.messages.0.content``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from msgspec import Struct

__all__ = ["Name", "PlaceholderError", "check", "escape", "find", "split"]

_OPENING = re.compile(r"\$\$\{|\$\{")
_SEGMENT = re.compile(r"[^\s.{}$]+")

_BARE = ("user", "system", "model", "turn", "attempt", "match", "tool.name")
_WITH_PATH = ("match", "headers", "body", "tool.result", "tool.args")
_LONGEST = 30
_KNOWN = (*_BARE, "headers.<name>", "body.<path>", "tool.result", "tool.args")


class Name(Struct, frozen=True):
    """A name to be replaced: ``tool.args.city`` has root ``tool.args``, path ``("city",)``."""

    root: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.root, *self.path))


class PlaceholderError(ValueError):
    """A ``${...}`` that is not well formed or names nothing known."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message} ({hint})" if hint else message)


def split(text: str) -> tuple[str | Name, ...]:
    """Cut a text into literal parts (``str``, unescaped) and names.

    Raises PlaceholderError at the first part that is wrong.
    """
    parts: list[str | Name] = []
    literal = ""
    for part in _parts(text):
        if isinstance(part, PlaceholderError):
            raise part
        if isinstance(part, str):
            literal += part
            continue
        if literal:
            parts.append(literal)
            literal = ""
        parts.append(part)
    if literal or not parts:
        parts.append(literal)
    return tuple(parts)


def find(text: str) -> Iterator[Name]:
    """Give the names of a text in order. Raises PlaceholderError as ``split`` does."""
    return (part for part in split(text) if isinstance(part, Name))


def check(text: str) -> Iterator[PlaceholderError]:
    """Give everything wrong with the names of a text."""
    return (part for part in _parts(text) if isinstance(part, PlaceholderError))


def escape(text: str) -> str:
    """Write a text so that ``split`` gives it back as one literal."""
    return text.replace("${", "$${")


def _parts(text: str) -> Iterator[str | Name | PlaceholderError]:
    start = 0
    while opening := _OPENING.search(text, start):
        yield text[start : opening.start()]
        start = opening.end()
        if opening[0] == "$${":
            yield "${"
            continue
        end = text.find("}", start)
        if end < 0:
            yield PlaceholderError(
                f"'{_short(text[opening.start() :])}' is never closed",
                "write ${name}, or $${ for a literal ${",
            )
            return
        yield _name(text[start:end])
        start = end + 1
    yield text[start:]


def _name(inner: str) -> Name | PlaceholderError:
    if not inner:
        return PlaceholderError("'${}' names nothing", f"one of: {', '.join(_KNOWN)}")
    if inner in _BARE or inner in ("tool.result", "tool.args"):
        return Name(inner)
    for root in _WITH_PATH:
        if inner == root or inner.startswith(f"{root}."):
            return _with_path(root, inner)
    return PlaceholderError(f"unknown name '${{{_short(inner)}}}'", _nearest(inner))


def _with_path(root: str, inner: str) -> Name | PlaceholderError:
    whole, rest = f"'${{{_short(inner)}}}'", inner[len(root) + 1 :]
    path = (rest.lower(),) if root == "headers" else tuple(rest.split("."))
    if not all(_SEGMENT.fullmatch(word) for word in rest.split(".")):
        what = "the name of a header" if root == "headers" else "a path of words joined by dots"
        return PlaceholderError(f"{whole} lacks {what}", f"such as ${{{root}.{_EXAMPLE[root]}}}")
    if root == "match" and len(path) > 1:
        return PlaceholderError(f"{whole}: a group has one name or number", "such as ${match.1}")
    return Name(root, path)


_EXAMPLE = {
    "match": "1",
    "headers": "user-agent",
    "body": "metadata.key",
    "tool.result": "items.0",
    "tool.args": "city",
}


def _nearest(inner: str) -> str:
    word = inner.strip().lower()
    candidates = {known.split(".<")[0]: known for known in _KNOWN}
    if near := difflib.get_close_matches(word, candidates, n=1):
        return f"did you mean '${{{candidates[near[0]]}}}'?"
    return f"one of: {', '.join(_KNOWN)}; $${{ is a literal ${{"


def _short(text: str) -> str:
    text = text.replace("\n", " ")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
