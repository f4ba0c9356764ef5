"""A line of the verdict: one thing a policy asks, and how well it was kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from mockdock.policy import LineName

__all__ = ["Example", "Finding", "Line", "LineVerdict", "line", "printable"]

LineVerdict = Literal["ok", "failed", "not seen"]

_MOST = 5
_RECORDS = 20
_LETTERS = 300


class Example(Struct, frozen=True):
    """One breach: in which call, shown by which records of the journal, in words."""

    call: int
    records: tuple[int, ...]
    text: str


class Finding(Struct, frozen=True):
    """An occasion on which a line counts; a breach has a ``text``, and is worse by ``weight``."""

    call: int
    records: tuple[int, ...]
    text: str = ""
    weight: float = 0.0


class Line(Struct, frozen=True):
    """``seen`` occasions, ``failed`` breaches among them, and the worst of these.

    ``asked`` is in words what the policy wants. "not seen": there was no occasion.
    """

    name: LineName
    asked: str
    verdict: LineVerdict
    seen: int
    failed: int
    examples: tuple[Example, ...]

    def to_json(self) -> dict[str, Any]:
        """Write it as plain JSON values."""
        return {
            "name": self.name,
            "asked": self.asked,
            "verdict": self.verdict,
            "seen": self.seen,
            "failed": self.failed,
            "examples": [
                {"call": each.call, "records": list(each.records), "text": each.text}
                for each in self.examples
            ],
        }


def line(name: LineName, asked: str, findings: Sequence[Finding]) -> Line:
    """Sum up the findings of a line."""
    broken = sorted(
        (each for each in findings if each.text),
        key=lambda each: (-each.weight, each.call, each.records),
    )
    return Line(
        name=name,
        asked=printable(asked),
        verdict="failed" if broken else "ok" if findings else "not seen",
        seen=len(findings),
        failed=len(broken),
        examples=tuple(
            Example(each.call, each.records[:_RECORDS], printable(each.text[:_LETTERS]))
            for each in broken[:_MOST]
        ),
    )


def printable(text: str) -> str:
    """Keep a text on one line, and terminals and XML unharmed, whatever was on the wire."""
    return "".join(each if each.isprintable() else "?" for each in text)
