"""Plain data of a file, with the place of every key and value."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from mockdock.errors import Problem
from mockdock.scenario.base import Path

__all__ = ["Document", "Mark", "written"]

_WORD = re.compile(r"[\w-]+")


class Mark(Struct):
    """Where a value stands, and what it holds; lines and columns count from 1.

    ``size`` and ``height`` count values with aliases expanded.
    """

    line: int
    column: int
    size: int = 1
    height: int = 0
    keys: dict[str | int, tuple[int, int]] = {}
    inner: dict[str | int, Mark] = {}


class Document(Struct, frozen=True):
    """The data of one file, and where each part of it was written."""

    data: Any
    mark: Mark
    problems: tuple[Problem, ...] = ()

    def spot(self, path: Path, *, on_key: bool = False) -> tuple[int, int]:
        """Give line and column of a value, or of its key; of the nearest parent if absent."""
        mark, last = self.mark, (self.mark.line, self.mark.column)
        for part in path:
            if part not in mark.inner:
                return mark.line, mark.column
            last = mark.keys.get(part, last)
            mark = mark.inner[part]
        return last if on_key else (mark.line, mark.column)


def written(path: Path) -> str:
    """Write a path as people do: ``rules[2].when.user``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _WORD.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{part!r}]"
    return text
