r"""Regular expressions run backwards: a pattern → a text that it matches.

Reads the common ground of ECMA-262 (which JSON Schema names) and Python, with
its own small parser: the standard library's is private and rejects ``\p{L}``
and ``(?<name>...)``. Look-arounds are not generated from but checked
afterwards, over several attempts.

Checking is bounded. A pattern that could backtrack for long is not run: that is
told by its form and the length of the text, so that it does not depend on the
clock. What slips through is stopped by the processor time it takes.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import lru_cache
from time import thread_time
from typing import Any

import regex  # type: ignore[import-untyped]
from msgspec import Struct

from mockdock.content.budget import Budget, current, limited
from mockdock.content.regex import (
    MAX_PATTERN,
    Alt,
    Back,
    Chars,
    Group,
    Look,
    Node,
    Repeat,
    Seq,
    parse,
)

__all__ = ["found", "generate", "matches"]

_ATTEMPTS = 40
_SLACK = 8
_MAX_TEXT = 10_000
# Nodes looked at in one attempt, a node with many options counting for several.
_MAX_VISITS = 40_000
# Steps of a matcher, as ``_paths`` estimates them: some 50 milliseconds at worst.
_MAX_STEPS = 5_000_000.0
_MAX_ROUNDS = 20_000
# Seconds of processor time, for one match.
_MATCH_TIME = 0.1

# What the matcher reads otherwise than ECMA-262 and Python: fuzzy counts, its own escapes.
_ODD = re.compile(
    r"\\u\{(?P<code>[0-9A-Fa-f]{1,6})\}|\\k<(?P<name>\w{1,60})>|\\[pP]\{[\w=]{1,60}\}"
    r"|\\(?P<letter>[a-zA-Z])|\\.|(?P<brace>\{)(?![0-9]+,?[0-9]*\}|,[0-9]+\})",
    re.DOTALL,
)
_KEPT = frozenset("dDwWsSbBAZnrtfvxu")
# Recursion, calls, verbs and flags that only the matcher knows.
_FOREIGN = re.compile(r"\(\*|\(\?(?:[R&|(>+0-9]|P[>&]|-[0-9]|[a-zA-Z-]*[^aimsux:)=!<P#-])")


def generate(pattern: str, rng: random.Random, *, lo: int = 0, hi: int | None = None) -> str | None:
    """Make a text of ``lo`` to ``hi`` characters, 10,000 at most, that ``pattern`` matches.

    None when the pattern cannot be read; the nearest miss when no attempt
    met both the pattern and the length.
    """
    tree = parse(pattern)
    if tree is None:
        return None
    lo = min(lo, _MAX_TEXT)
    first: str | None = None
    spent = 0
    with limited():
        for attempt in range(_ATTEMPTS):
            base = max(lo, tree.least)
            top = base + _SLACK if hi is None else max(base, min(hi, base + _SLACK))
            run = _Run(rng, rng.randint(base, top) - tree.least, greedy=attempt % 2 == 0)
            run.free = hi is None
            run.plain = attempt < _ATTEMPTS // 4
            text = run.text(tree).ljust(lo, "a")
            if len(text) >= lo and (hi is None or len(text) <= hi) and matches(pattern, text):
                return text
            first = text if first is None else first
            spent += max(run.size, run.visits // 4)
            if spent > _MAX_TEXT:
                break
    return first


def found(pattern: str, text: str) -> bool | None:
    """Tell whether ``pattern`` is found in ``text``; None when that cannot be told in time."""
    budget = current.get() or Budget()
    if budget.left <= 0 or len(pattern) > MAX_PATTERN:
        return None
    begun = thread_time()
    try:
        known = _compiled(pattern)
        if known is None or known.steps(len(text)) > _MAX_STEPS:
            return None
        return known.compiled.search(text, timeout=_MATCH_TIME) is not None
    except (TimeoutError, MemoryError):
        return None
    finally:
        budget.left -= thread_time() - begun


def matches(pattern: str, text: str) -> bool:
    """Tell whether ``pattern`` is found in ``text``, True in doubt."""
    return found(pattern, text) is not False


class _Known(Struct, frozen=True):
    """A pattern to match with, and what that costs by the length of the text."""

    compiled: Any
    tree: Node
    anchored: bool
    costs: dict[int, float] = {}

    def steps(self, length: int) -> float:
        bits = length.bit_length()
        if bits not in self.costs:
            most = (1 << bits) - 1
            cost = _paths(self.tree, most)[1]
            self.costs[bits] = cost if self.anchored else cost * most
        return self.costs[bits]


# At most 64 patterns of MAX_PATTERN characters, at well under a megabyte each.
@lru_cache(64)
def _compiled(pattern: str) -> _Known | None:
    tree = parse(pattern)
    if tree is None or _rounds(tree) > _MAX_ROUNDS or _FOREIGN.search(pattern):
        return None
    try:
        compiled = regex.compile(_ODD.sub(_common, pattern), cache_pattern=False)
    except (regex.error, ArithmeticError, LookupError, MemoryError, RecursionError, TypeError):
        return None
    except (AttributeError, ValueError, Warning):
        return None
    return _Known(compiled, tree, pattern.startswith("^") and not isinstance(tree, Alt))


def _common(match: re.Match[str]) -> str:
    """Write a token so that the matcher reads what the generator does."""
    if match["code"]:
        return f"\\U{int(match['code'], 16):08x}"
    if match["name"]:
        return f"(?P={match['name']})"
    if match["letter"]:
        return match[0] if match["letter"] in _KEPT else match["letter"]
    return r"\{" if match["brace"] else match[0]


def _paths(node: Node, length: int) -> tuple[float, float]:
    """Estimate in how many ways a text of this length is read, and the steps for all of them."""
    ways, steps = 1.0, 1.0
    match node:
        case Seq() | Group():
            steps = 0.0
            for child in node.children:
                more, cost = _paths(child, length)
                steps = min(steps + ways * cost, 2 * _MAX_STEPS)
                ways = min(ways * more, 2 * _MAX_STEPS)
        case Alt():
            each = [_paths(child, length) for child in node.children]
            several = (more for more, _ in each)
            ways, steps = max(several) if _distinct(node) else sum(several), sum(c for _, c in each)
        case Repeat():
            most = length // max(node.item.least, 1)
            most = max(node.lo, most if node.hi is None else min(node.hi, most))
            ways, steps = _paths(node.item, length)
            again = 1.0 if ways <= 1 or _separated(node.item) else min(ways, 1e9) ** min(most, 30)
            steps *= max(most, 1) * again
            ways = again * (most - node.lo + 1)
        case Look():
            steps = 1 + _paths(node.children[0], length)[1]
    return min(ways, 2 * _MAX_STEPS), min(steps, 2 * _MAX_STEPS)


def _separated(node: Node) -> bool:
    """Tell whether a part has one character that is nowhere else in it, so that it parts rounds."""
    while isinstance(node, Group):
        node = node.item
    if not isinstance(node, Seq):
        return False
    counts: dict[str, int] = {}
    for pool in _pools(node):
        for char in pool:
            counts[char] = counts.get(char, 0) + 1
    return any(
        isinstance(child, Chars) and all(counts[char] == 1 for char in child.pool)
        for child in node.children
    )


def _pools(node: Node) -> Iterator[str]:
    if isinstance(node, Chars):
        yield node.pool
    for child in node.children:
        yield from _pools(child)


def _distinct(node: Alt) -> bool:
    """Tell whether the first character settles which option it is."""
    seen: set[str] = set()
    for child in node.children:
        start = _start(child)
        if not start or not seen.isdisjoint(start):
            return False
        seen |= start
    return True


def _start(node: Node) -> frozenset[str]:
    """Give the characters a text of this node can start with, none when not certain."""
    if isinstance(node, Chars):
        return frozenset(node.pool)
    return _start(node.children[0]) if node.children and node.children[0].least else frozenset()


def _rounds(node: Node) -> int:
    """Give how long the pattern is with its counted repeats written out."""
    inner = max(sum(_rounds(child) for child in node.children), 1)
    return inner * max(node.lo, node.hi or 1) if isinstance(node, Repeat) else inner


class _Run:
    """One attempt: ``extra`` characters to spend beyond the shortest match."""

    def __init__(self, rng: random.Random, extra: int, *, greedy: bool) -> None:
        self.rng = rng
        self.extra = extra
        self.greedy = greedy
        self.free = True
        self.plain = True
        self.size = 0
        self.visits = 0
        self.groups: dict[int | str, str] = {}

    def text(self, node: Node) -> str:
        made = ""
        self.visits += 1
        if self.size >= _MAX_TEXT or self.visits > _MAX_VISITS:
            return made
        match node:
            case Chars():
                self.size += 1
                pool = node.plain if self.plain and node.plain else node.pool
                made = self.rng.choice(pool) if pool else ""
            case Seq():
                made = "".join([self.text(child) for child in node.children])
            case Alt():
                made = self.text(self.option(node))
            case Repeat():
                made = self.repeated(node)
            case Group():
                made = self.groups[node.index] = self.text(node.item)
                self.groups[node.name or node.index] = made
            case Back():
                made = self.groups.get(node.to, "")[: _MAX_TEXT - self.size]
                self.size += len(made)
            case Look():
                pass
        return made

    def option(self, node: Alt) -> Node:
        self.visits += len(node.children) // 4
        chosen = self.rng.choice(
            [
                child
                for child in node.children
                if self.free or child.least - node.least <= max(self.extra, 0)
            ]
        )
        self.extra -= chosen.least - node.least
        return chosen

    def repeated(self, node: Repeat) -> str:
        cost = max(node.item.least, 1)
        room = max(self.extra, 0) // cost
        more = room if node.hi is None else min(room, node.hi - node.lo)
        if not self.greedy:
            more = self.rng.randint(0, more)
        self.extra -= more * cost
        made: list[str] = []
        for _ in range(node.lo + more):
            if self.size >= _MAX_TEXT or self.visits > _MAX_VISITS:
                break
            made.append(self.text(node.item))
        return "".join(made)
