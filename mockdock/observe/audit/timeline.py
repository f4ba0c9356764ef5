"""A picture of attempts per call, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from mockdock.observe.audit.advice import told
from mockdock.observe.audit.attempt import Kind
from mockdock.observe.audit.call import Call, Gap

__all__ = ["COLORS", "timeline"]

COLORS: dict[Kind, str] = {
    "succeeded": "#2e7d32",
    "refused": "#c62828",
    "broken": "#6a1b9a",
    "cut": "#ad1457",
    "left": "#ef6c00",
    "spoiled": "#8d6e63",
    "stopped": "#616161",
}

_LEFT, _WIDTH, _ROW, _BAR, _THIN, _TICKS = 90, 900, 18, 10, 3.0, 5
_RIGHT = 40


def timeline(calls: Sequence[Call]) -> str:
    """Draw a row for each call: a bar for an attempt, a line for the wait a reply demanded."""
    first = min((call.attempts[0].start for call in calls), default=0.0)
    last = max((each.end for call in calls for each in call.attempts), default=0.0)
    scale = _WIDTH / ((last - first) or 1.0)
    height = _ROW * (len(calls) + 2)
    drawn = [*_axis(last - first, scale, height)]
    for row, call in enumerate(calls, 1):
        drawn += _row(call, row * _ROW, first, scale)
    size = f'viewBox="0 0 {_LEFT + _WIDTH + _RIGHT} {height}"'
    label = f"attempts of {len(calls)} calls over {last - first:.2f} seconds"
    return "\n".join([f'<svg role="img" aria-label="{label}" {size}>', *drawn, "</svg>"])


def _axis(length: float, scale: float, height: int) -> Iterator[str]:
    for tick in range(_TICKS + 1):
        seconds = length * tick / _TICKS
        x = _LEFT + seconds * scale
        yield f'<line class="tick" x1="{x:.1f}" y1="12" x2="{x:.1f}" y2="{height}"/>'
        yield f'<text class="axis" x="{x:.1f}" y="10">{seconds:.2f} s</text>'


def _row(call: Call, y: int, first: float, scale: float) -> Iterator[str]:
    name = f"call {call.number}"
    yield f'<text class="name" x="{_LEFT - 8}" y="{y + _BAR}">{name}</text>'
    for gap in call.gaps:
        yield _demand(gap, y, first, scale)
    for each in call.attempts:
        x = _LEFT + (each.start - first) * scale
        width = max(_THIN, (each.end - each.start) * scale)
        what = f"#{each.number} {each.model}: {told(each)}, {each.start - first:.2f} s"
        yield (
            f'<rect fill="{COLORS[each.kind]}" x="{x:.1f}" y="{y}" width="{width:.1f}" '
            f'height="{_BAR}"><title>{escape(what)}</title></rect>'
        )


def _demand(gap: Gap, y: int, first: float, scale: float) -> str:
    """Draw how long the reply wanted its client to wait; nothing where it did not."""
    if gap.demanded is None:
        return ""
    begin = _LEFT + (gap.before.end - first) * scale
    end = min(begin + gap.demanded.seconds * scale, float(_LEFT + _WIDTH + _RIGHT))
    middle = y + _BAR / 2
    return (
        f'<line class="demand" x1="{begin:.1f}" y1="{middle}" x2="{end:.1f}" y2="{middle}">'
        f"<title>{gap.demanded.seconds:.2f} s demanded, {gap.taken:.2f} s taken</title></line>"
    )
