r"""Regular expressions run backwards: a pattern → a text that it matches.

Reads the common ground of ECMA-262 (which JSON Schema names) and Python, with
its own small parser: the standard library's is private and rejects ``\p{L}``
and ``(?<name>...)``. Look-arounds are not generated from but checked
afterwards, over several attempts.
"""

from __future__ import annotations

import random
import re
from functools import lru_cache

from mockdock.content.regex import Alt, Back, Chars, Group, Look, Node, Repeat, Seq, parse

__all__ = ["found", "generate", "matches"]

_ATTEMPTS = 40
_SLACK = 8
_MAX_TEXT = 10_000
# Backtracking costs up to length ** unbounded repeats; beyond this, a check is skipped.
_MAX_STEPS = 10_000_000
# Choices inside an endless repeat cost up to 2 ** length.
_MAX_EXPLOSIVE = 20
_MAX_ROUNDS = 100_000
_MANY = 50


def generate(pattern: str, rng: random.Random, *, lo: int = 0, hi: int | None = None) -> str | None:
    """Make a text of ``lo`` to ``hi`` characters that ``pattern`` matches.

    None when the pattern cannot be read; the nearest miss when no attempt
    met both the pattern and the length.
    """
    tree = parse(pattern)
    if tree is None:
        return None
    first: str | None = None
    spent = 0
    for attempt in range(_ATTEMPTS):
        base = max(lo, tree.least)
        top = base + _SLACK if hi is None else max(base, min(hi, base + _SLACK))
        run = _Run(rng, rng.randint(base, top) - tree.least, greedy=attempt % 2 == 0)
        run.free = hi is None
        run.plain = attempt < _ATTEMPTS // 4
        text = run.text(tree).ljust(min(lo, _MAX_TEXT), "a")
        if len(text) >= lo and (hi is None or len(text) <= hi) and matches(pattern, text):
            return text
        first = text if first is None else first
        spent += run.size
        if spent > _MAX_TEXT:
            break
    return first


def found(pattern: str, text: str) -> bool | None:
    """Tell whether ``pattern`` is found in ``text``; None when that cannot be told in time."""
    compiled, explosive, stars = _compiled(pattern)
    if compiled is None or len(text) ** stars > _MAX_STEPS:
        return None
    if explosive and len(text) > _MAX_EXPLOSIVE:
        return None
    return compiled.search(text) is not None


def matches(pattern: str, text: str) -> bool:
    """Tell whether ``pattern`` is found in ``text``, True in doubt."""
    return found(pattern, text) is not False


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> tuple[re.Pattern[str] | None, bool, int]:
    tree = parse(pattern)
    if tree is None or _rounds(tree) > _MAX_ROUNDS:
        return None, False, 0
    try:
        return re.compile(pattern), _explosive(tree, inside=False), _stars(tree)
    # Some odd classes only warn, which is an error under a strict filter.
    except (re.error, OverflowError, RecursionError, Warning):
        return None, False, 0


def _unbounded(node: Node) -> bool:
    return isinstance(node, Repeat) and (node.hi is None or node.hi > _MANY)


def _explosive(node: Node, *, inside: bool) -> bool:
    """Tell whether an endless repeat can read the same text in several ways."""
    if inside and (
        (isinstance(node, Repeat) and node.hi != node.lo)
        or (isinstance(node, Alt) and not _distinct(node))
    ):
        return True
    inside = inside or _unbounded(node)
    return any(_explosive(child, inside=inside) for child in node.children)


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
    """Give how often the innermost part is repeated by counted repeats alone."""
    inner = max((_rounds(child) for child in node.children), default=1)
    return inner * max(node.lo, node.hi or 1) if isinstance(node, Repeat) else inner


def _stars(node: Node) -> int:
    return int(_unbounded(node)) + sum(_stars(child) for child in node.children)


class _Run:
    """One attempt: ``extra`` characters to spend beyond the shortest match."""

    def __init__(self, rng: random.Random, extra: int, *, greedy: bool) -> None:
        self.rng = rng
        self.extra = extra
        self.greedy = greedy
        self.free = True
        self.plain = True
        self.size = 0
        self.groups: dict[int | str, str] = {}

    def text(self, node: Node) -> str:
        made = ""
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
                made = self.groups.get(node.to, "")
            case Look():
                pass
        return made

    def option(self, node: Alt) -> Node:
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
            if self.size >= _MAX_TEXT:
                break
            self.size += 1
            made.append(self.text(node.item))
        return "".join(made)
