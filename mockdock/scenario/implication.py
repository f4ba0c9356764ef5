"""Whether one condition holds wherever another does.

Cautious: False means "not for certain".
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from mockdock.scenario.conditions import CountCondition, TextCondition, When

__all__ = ["holds", "implied", "text_implied"]

_WILD = "*?["


def implied(wide: When, narrow: When) -> bool:
    """Tell whether every request that fits ``narrow`` also fits ``wide``."""
    return (
        _equal_or_open(wide.dialect, narrow.dialect)
        and _equal_or_open(wide.stream, narrow.stream)
        and (wide.api == narrow.api or (wide.api is None and narrow.api == "chat"))
        and _globs_implied(wide.model, narrow.model)
        and text_implied(wide.user, narrow.user)
        and text_implied(wide.system, narrow.system)
        and _count_implied(wide.turn, narrow.turn)
        and _count_implied(wide.attempt, narrow.attempt)
        and _tool_implied(wide.after_tool, narrow.after_tool)
        and _tool_implied(wide.offers_tool, narrow.offers_tool)
        and _headers_implied(wide.headers or {}, narrow.headers or {})
        and _subset(wide.body or {}, narrow.body or {})
        and _subset(wide.state or {}, narrow.state or {})
    )


def holds(condition: TextCondition, text: str) -> bool:
    """Tell whether a condition holds for a text."""
    return (
        condition.equals in (None, text)
        and all(part in text for part in condition.contains or ())
        and (condition.pattern is None or condition.pattern.search(text) is not None)
        and (condition.not_ is None or not holds(condition.not_, text))
    )


def text_implied(wide: TextCondition | None, narrow: TextCondition | None) -> bool:
    """Tell whether every text that fits ``narrow`` also fits ``wide``."""
    if wide is None:
        return True
    if narrow is None:
        return False
    if narrow.equals is not None:
        return holds(wide, narrow.equals)
    if wide.equals is not None:
        return False
    parts = narrow.contains or ()
    return (
        all(any(part in larger for larger in parts) for part in wide.contains or ())
        and wide.matches in (None, narrow.matches)
        and (
            wide.not_ is None or (narrow.not_ is not None and text_implied(narrow.not_, wide.not_))
        )
    )


def _equal_or_open(wide: object, narrow: object) -> bool:
    return wide is None or wide == narrow


def _count_implied(wide: CountCondition | None, narrow: CountCondition | None) -> bool:
    if wide is None:
        return True
    if narrow is None:
        return False
    low = wide.at_least is None or (narrow.at_least or 0) >= wide.at_least
    high = wide.at_most is None or (narrow.at_most is not None and narrow.at_most <= wide.at_most)
    return low and high


def _globs_implied(wide: tuple[str, ...] | None, narrow: tuple[str, ...] | None) -> bool:
    if wide is None:
        return True
    return narrow is not None and all(any(_glob(w, n) for w in wide) for n in narrow)


def _glob(wide: str, narrow: str) -> bool:
    if wide in (narrow, "*"):
        return True
    if not any(letter in narrow for letter in _WILD):
        return fnmatchcase(narrow, wide)
    start = wide.removesuffix("*")
    plain = not any(letter in start for letter in _WILD)
    return plain and start != wide and narrow.startswith(start)


def _tool_implied(wide: bool | str | None, narrow: bool | str | None) -> bool:
    if wide is None or wide is narrow:
        return True
    if isinstance(narrow, str):
        return wide is True or (isinstance(wide, str) and _glob(wide, narrow))
    return False


def _headers_implied(
    wide: Mapping[str, TextCondition | bool], narrow: Mapping[str, TextCondition | bool]
) -> bool:
    return all(
        name in narrow and _header_implied(condition, narrow[name])
        for name, condition in wide.items()
    )


def _header_implied(wide: TextCondition | bool, narrow: TextCondition | bool) -> bool:
    if isinstance(wide, bool):
        asks = isinstance(narrow, TextCondition) and not holds(narrow, "")
        return wide is narrow or (wide and asks)
    return isinstance(narrow, TextCondition) and text_implied(wide, narrow)


def _subset(wide: Any, narrow: Any) -> bool:
    if isinstance(wide, dict):
        return isinstance(narrow, dict) and all(
            key in narrow and _subset(value, narrow[key]) for key, value in wide.items()
        )
    return type(wide) is type(narrow) and bool(wide == narrow)
