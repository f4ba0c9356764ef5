"""A reader of regular expressions: pattern → tree, or None when it is not one.

What is remembered is bounded, as no pattern of more than ``MAX_PATTERN``
characters is read, and equal sets of characters are shared.
"""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Iterable
from functools import lru_cache

import regex  # type: ignore[import-untyped]
from msgspec import Struct

__all__ = ["MAX_PATTERN", "Alt", "Back", "Chars", "Group", "Look", "Node", "Repeat", "Seq", "parse"]

MAX_PATTERN = 5_000
"""Longer patterns, in characters, are not read."""

_DIGITS = string.digits
_WORD = string.ascii_letters + string.digits + "_"
_BLANK = " \t\n"
_PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " "
_ALL = frozenset(_PRINTABLE)
_PLAIN = frozenset(string.ascii_letters + string.digits)
_CLASSES = {"d": _DIGITS, "w": _WORD, "s": _BLANK}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_MARKS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_BOUNDS = re.compile(r"\{([0-9]*)(,?)([0-9]*)\}")
_PROPERTIES = {"N": _DIGITS, "P": "!?.,;:-", "Punctuation": "!?.,;:-", "White_Space": " "}
_PROPERTY = re.compile(r"[\w=]{1,60}")
_SAMPLE = "".join(map(chr, (*range(0x20, 0x700), *range(0x4E00, 0x4E40), *range(0x1F600, 0x1F640))))
_SURROGATES = range(0xD800, 0xE000)
_MAX_RANGE = 256
_MAX_POOL = 1_000
_MAX_DEPTH = 40
_MAX_REPEAT = 10_000


class Chars(Struct, frozen=True):
    """One character out of ``pool``; ``plain`` are its letters and digits."""

    pool: str
    plain: str
    children: tuple[Node, ...] = ()
    least: int = 1


class Seq(Struct, frozen=True):
    """All children, one after the other; ``least`` is the shortest match."""

    children: tuple[Node, ...]
    least: int


class Alt(Struct, frozen=True):
    """One of the children."""

    children: tuple[Node, ...]
    least: int


class Repeat(Struct, frozen=True):
    """``item`` from ``lo`` to ``hi`` times, None without an upper end."""

    item: Node
    lo: int
    hi: int | None
    children: tuple[Node, ...]
    least: int


class Group(Struct, frozen=True):
    """A group that can be referred back to."""

    item: Node
    index: int
    name: str
    children: tuple[Node, ...]
    least: int


class Back(Struct, frozen=True):
    """A reference back to a group by number or name."""

    to: int | str
    children: tuple[Node, ...] = ()
    least: int = 0


class Look(Struct, frozen=True):
    """A look-around: matches no characters of its own."""

    children: tuple[Node, ...]
    least: int = 0


Node = Chars | Seq | Alt | Repeat | Group | Back | Look
_EMPTY = Seq((), 0)


class _UnreadableError(Exception):
    """The pattern is not a regular expression this reader knows."""


def parse(pattern: str) -> Node | None:
    """Read a pattern; None when it is malformed, too long or nested too deeply."""
    return _parsed(pattern) if len(pattern) <= MAX_PATTERN else None


@lru_cache(64)
def _parsed(pattern: str) -> Node | None:
    reader = _Reader(pattern)
    try:
        tree = reader.alternatives(0)
    except _UnreadableError:
        return None
    return tree if reader.at == len(pattern) else None


@lru_cache(512)
def _chars(options: str) -> Chars:
    pool = "".join(dict.fromkeys(options))
    return Chars(pool, "".join(char for char in pool if char in _PLAIN))


def _without(options: Iterable[str]) -> str:
    left_out = frozenset(options)
    return "".join(char for char in _PRINTABLE if char not in left_out)


class _Reader(Struct):
    pattern: str
    at: int = 0
    groups: int = 0

    def peek(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def take(self, text: str) -> bool:
        found = self.peek(text)
        self.at += len(text) * found
        return found

    def next(self) -> str:
        if self.at >= len(self.pattern):
            raise _UnreadableError
        self.at += 1
        return self.pattern[self.at - 1]

    def until(self, end: str) -> str:
        stop = self.pattern.find(end, self.at)
        if stop < 0:
            raise _UnreadableError
        text = self.pattern[self.at : stop]
        self.at = stop + len(end)
        return text

    def alternatives(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise _UnreadableError
        options = [self.sequence(depth)]
        while self.take("|"):
            options.append(self.sequence(depth))
        if len(options) == 1:
            return options[0]
        return Alt(tuple(options), min(option.least for option in options))

    def sequence(self, depth: int) -> Node:
        items: list[Node] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            items.append(self.quantified(self.atom(depth)))
        return Seq(tuple(items), sum(item.least for item in items))

    def quantified(self, item: Node) -> Node:
        bounds = self.bounds()
        if bounds is None:
            return item
        lo, hi = bounds
        if hi is not None and hi < lo:
            raise _UnreadableError
        if not self.take("?"):
            self.take("+")
        return Repeat(item, lo, hi, (item,), min(lo * item.least, _MAX_REPEAT))

    def bounds(self) -> tuple[int, int | None] | None:
        for mark, known in _MARKS.items():
            if self.take(mark):
                return known
        found = _BOUNDS.match(self.pattern, self.at)
        if found is None or not (found[1] or found[3]):
            return None
        self.at = found.end()
        lo = min(int(found[1][:9] or "0"), _MAX_REPEAT)
        if not found[2]:
            return lo, lo
        return lo, min(int(found[3][:9]), _MAX_REPEAT) if found[3] else None

    def atom(self, depth: int) -> Node:
        char = self.next()
        if char == "(":
            return self.group(depth)
        if char == "[":
            return self.char_class()
        if char == "\\":
            return self.escape()
        if char == ".":
            return _chars(_PRINTABLE)
        if char in "^$":
            return _EMPTY
        if char in "*+?":
            raise _UnreadableError
        return _chars(char)

    def group(self, depth: int) -> Node:
        look = any(self.take(start) for start in ("?=", "?!", "?<=", "?<!"))
        name = ""
        counted = True
        if not look and self.take("?"):
            if self.take("P<") or self.take("<"):
                name = self.until(">")
            elif self.take("P="):
                return Back(self.until(")"))
            else:
                # Flags such as (?i) stand alone, (?i:...) and (?:...) hold a group.
                counted = False
                while self.next() not in ":)":
                    pass
                if self.pattern[self.at - 1] == ")":
                    return _EMPTY
        index = 0
        if counted and not look:
            self.groups += 1
            index = self.groups
        inner = self.alternatives(depth + 1)
        if not self.take(")"):
            raise _UnreadableError
        if look:
            return Look((inner,))
        return Group(inner, index, name, (inner,), inner.least) if index else inner

    def escape(self) -> Node:
        char = self.next()
        if char in "bBAZzG":
            return _EMPTY
        if char in "123456789":
            while self.at < len(self.pattern) and self.pattern[self.at] in _DIGITS:
                char += self.next()
            return Back(int(char[:4]))
        if char == "k" and self.take("<"):
            return Back(self.until(">"))
        return _chars(self.escaped(char))

    def escaped(self, char: str) -> str:
        """Give the characters an escape stands for; its letter is already read."""
        if char.lower() in _CLASSES:
            known = _CLASSES[char.lower()]
            return known if char.islower() else _without(known)
        if char in "pP" and self.take("{"):
            known = _category(self.until("}"))
            return known if char == "p" else _without(known)
        if char == "x":
            return self.code(self.next() + self.next())
        if char == "u":
            if self.take("{"):
                return self.code(self.until("}"))
            return self.code("".join(self.next() for _ in range(4)))
        return _CONTROLS.get(char, char)

    def code(self, digits: str) -> str:
        try:
            number = int(digits, 16)
        except ValueError:
            raise _UnreadableError from None
        if number in _SURROGATES or not 0 <= number <= sys.maxunicode:
            raise _UnreadableError
        return chr(number)

    def char_class(self) -> Node:
        negated = self.take("^")
        options: dict[str, None] = {}
        first = True
        while first or not self.peek("]"):
            first = False
            low = self.class_item()
            if len(low) == 1 and self.peek("-") and not self.peek("-]"):
                self.next()
                high = self.class_item()
                if len(high) != 1 or high < low:
                    raise _UnreadableError
                low = _range(low, high)
            if len(options) < _MAX_POOL:
                options.update(dict.fromkeys(c for c in low if not negated or c in _ALL))
        self.next()
        return _chars(_without(options) if negated else "".join(options))

    def class_item(self) -> str:
        char = self.next()
        if char != "\\":
            return char
        char = self.next()
        return "\b" if char == "b" else self.escaped(char)


def _range(low: str, high: str) -> str:
    stop = min(ord(high), ord(low) + _MAX_RANGE - 1)
    return "".join(chr(code) for code in range(ord(low), stop + 1) if code not in _SURROGATES)


def _category(name: str) -> str:
    """Give some members of a Unicode property, ASCII letters when it is not known."""
    known = _PROPERTIES.get(name.rpartition("=")[2], "")
    try:
        found = regex.findall(rf"\p{{{name}}}", _SAMPLE) if _PROPERTY.fullmatch(name) else []
    except regex.error:
        found = []
    plain = "".join(char for char in found if char in _ALL)
    return known or plain or "".join(found[:_MAX_RANGE]) or string.ascii_letters
