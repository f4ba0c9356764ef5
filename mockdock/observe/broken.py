"""What was broken on purpose: in the words of the language, and in short for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mockdock.fault import Fault

__all__ = ["fault_words", "how_it_ended"]

_PLACES = ("tokens", "chunks", "bytes", "time")
_WAYS = {"client_left": "the client left", "stopped": "the server stopped it"}


def fault_words(fault: Fault) -> dict[str, Any]:
    """Write a fault as a scenario does, with the options it was given.

    >>> fault_words(Fault("truncate", After(tokens=5), reset=True))
    {'type': 'truncate', 'after': {'tokens': 5}, 'end': 'rst'}
    """
    place = next((name for name in _PLACES if getattr(fault.after, name) is not None), None)
    at = None if place is None else getattr(fault.after, place)
    given = {
        "type": fault.name,
        "after": None if place is None else {place: _duration(at) if place == "time" else at},
        "for": _duration(fault.lasts),
        "rate": fault.rate,
        "size": fault.size,
        "delay": _duration(fault.delay),
        "status": fault.status,
        "end": "rst" if fault.reset else None,
        "inside": fault.inside,
        "by": fault.by,
        "content_type": fault.content_type,
        "location": fault.location,
    }
    return {name: value for name, value in given.items() if value is not None}


def _duration(seconds: float | None) -> str | None:
    """Write seconds as the language reads them: to a thousandth of a microsecond."""
    if seconds is None:
        return None
    return f"{seconds * 1000:.6f}".rstrip("0").rstrip(".") + "ms"


def how_it_ended(ending: str, frames: int, faults: Sequence[str], *, stream: bool) -> str:
    """Tell in short what was not as usual: who ended it when, by which faults; else nothing.

    >>> how_it_ended("cut", 3, ["truncate"], stream=True)
    'cut by truncate after 3 events'
    """
    names = ", ".join(faults)
    after = f" after {frames} event{'' if frames == 1 else 's'}"
    if ending == "completed":
        return f"broken by {names}" if names else ""
    if ending == "cut":
        return f"cut by {names or 'a fault'}{after if stream else ''}"
    return f"{_WAYS[ending]}{after}{f', broken by {names}' if names else ''}"
