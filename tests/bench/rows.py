"""Rows of results, and how they are shown: a table of 100 columns, or JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

__all__ = ["WIDTH", "Row", "Target", "at_least", "at_most", "record", "show"]

WIDTH = 100
_WHOLE = 100
_LEGEND = (
    "ratio: to bare Starlette's, or what stands beside it, by the clock; CPU: the same by CPU time "
    "of a request, which others on the machine spoil less; MB: mockdock's largest resident memory"
)


@dataclass(frozen=True)
class Target:
    """A bound of the ratio or of mockdock's value."""

    sign: Literal["≥", "≤"]
    bound: float
    on: Literal["ratio", "value"]


def at_least(bound: float) -> Target:
    """Want a ratio to be so high."""
    return Target("≥", bound, "ratio")


def at_most(bound: float, on: Literal["ratio", "value"] = "value") -> Target:
    """Want a value, or a ratio, to be no higher."""
    return Target("≤", bound, on)


@dataclass(frozen=True)
class Row:
    """One result.

    ``ratio`` is mockdock's value to bare Starlette's, or to what ``what`` names, by
    the clock; ``by_cpu`` the same by CPU time per request, which a busy machine spoils
    less. ``ratios`` are those of each round. ``peak`` is mockdock's largest resident
    memory so far, in 10^6 bytes. None stands for what does not apply.
    """

    case: str
    what: str
    unit: str
    mockdock: float
    starlette: float | None = None
    asgi: float | None = None
    ratio: float | None = None
    by_cpu: float | None = None
    target: Target | None = None
    peak: float | None = None
    ratios: Sequence[float] = ()

    @property
    def met(self) -> bool | None:
        """Tell whether the target is met, None without one."""
        if self.target is None:
            return None
        found = self.ratio if self.target.on == "ratio" else self.mockdock
        if found is None:
            return None
        return found >= self.target.bound if self.target.sign == "≥" else found <= self.target.bound


def show(rows: Iterable[Row], notes: Iterable[str], console: Console) -> None:
    """Print rows, then what has to be known to read them right."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("case", no_wrap=True)
    table.add_column("what", overflow="fold")
    table.add_column("unit", no_wrap=True)
    for title in ("mockdock", "Starlette", "ASGI", "ratio", "CPU", "target", "met", "MB"):
        table.add_column(title, justify="right", no_wrap=True)
    before = ""
    for row in rows:
        goal = "" if row.target is None else f"{row.target.sign} {row.target.bound:g}"
        met = {True: "yes", False: "no", None: ""}[row.met]
        values = [_number(each) for each in (row.mockdock, row.starlette, row.asgi)]
        ratios = [_ratio(row.ratio), _ratio(row.by_cpu)]
        name = "" if row.case == before else row.case
        table.add_row(name, row.what, row.unit, *values, *ratios, goal, met, _number(row.peak))
        before = row.case
    console.print(table)
    for note in (*notes, _LEGEND):
        console.print(note, markup=False, highlight=False)


def record(rows: Iterable[Row], notes: Sequence[str], machine: Mapping[str, Any]) -> dict[str, Any]:
    """Make what ``--json`` writes."""
    told = [{**asdict(row), "met": row.met} for row in rows]
    return {"machine": machine, "rows": told, "notes": list(notes)}


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= _WHOLE else f"{value:.3g}"


def _ratio(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.2f}"
