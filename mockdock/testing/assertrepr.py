"""Comparisons of calls, as pytest shows them when they do not hold."""

from __future__ import annotations

from difflib import ndiff
from typing import Any

from mockdock.testing.call import Call
from mockdock.testing.calls import Calls
from mockdock.testing.checks import short

__all__ = ["compared", "line"]

_LONGEST = 60


def compared(op: str, left: object, right: object) -> list[str] | None:
    """Explain a comparison in which calls take part; None leaves it to pytest.

    The first line sums it up. Calls are shown one a line, as a diff: ``-`` is
    on the left side alone, ``+`` on the right.
    """
    ours, theirs = _lines(left), _lines(right)
    if op == "==" and ours is not None and theirs is not None:
        return [f"{_summed(left)} == {_summed(right)}", *_diff(ours, theirs), *_hint(left, right)]
    if op in ("in", "not in") and theirs is not None:
        return [f"{_one(left)} {op} {_summed(right)}", *(f"  {each}" for each in theirs)]
    if op in ("==", "!="):
        shown = ours if ours is not None else theirs
        return [f"{_summed(left)} {op} {_summed(right)}", *(f"  {each}" for each in shown or ())]
    return None


def line(call: Call) -> str:
    """Write a call in one line: model, the user's last words, the reply, status."""
    asked, said = call.request, call.reply
    if said.error is not None:
        reply = said.error
    elif said.tool_calls:
        reply = ", ".join(f"{one.name}({_short(one.arguments)})" for one in said.tool_calls)
    else:
        reply = repr(_short(said.text if said.text is not None else said.refusal or ""))
    what = asked.model or f"{call.method} {call.path}"
    return f"{what}: {_short(asked.user)!r} -> {reply} [{call.status}]"


def _lines(side: object) -> list[str] | None:
    """Write a side of the comparison, one line for each of what it holds; None for no list."""
    if not isinstance(side, Calls | list | tuple):
        return None
    return [_one(each) for each in side]


def _one(each: object) -> str:
    return line(each) if isinstance(each, Call) else short(each)


def _diff(ours: list[str], theirs: list[str]) -> list[str]:
    return [each.rstrip("\n") for each in ndiff(ours, theirs)]


def _hint(left: object, right: object) -> list[str]:
    """Say what was likely meant when calls are compared with what is none."""
    for side in (left, right):
        if isinstance(side, list | tuple) and any(isinstance(each, str) for each in side):
            return ["calls are no texts; to compare what was answered, use calls.texts"]
    return []


def _summed(side: Any) -> str:
    if isinstance(side, Calls):
        gone = side.count - len(side)
        kept = f", {gone} no longer kept" if gone else ""
        return f"{side.count} {'call' if side.count == 1 else 'calls'}{kept}"
    return short(side)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
