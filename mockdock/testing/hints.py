"""What reports of a test say beside its exchanges: what to look at, and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mockdock.dialects import DIALECTS

__all__ = ["STRAYS", "served", "standing"]

_MISROUTED = ("invalid_url", "unknown_url", "wrong_method")

STRAYS = (
    "These requests came with a key of no open session, or with none: from a client that was made "
    "when a module was imported, or in another test. Make clients when they are used, or give "
    "them default_headers=mockdock.headers."
)
"""Stands above the requests of no session."""


def served(records: Iterable[Mapping[str, Any]]) -> str:
    """Tell what mockdock serves, where something else was asked for; nothing where it was not."""
    if not any(each["reply"]["error"] in _MISROUTED for each in records):
        return ""
    routes = [f"{route.method} {route.path}" for each in DIALECTS for route in each.routes]
    return f"mockdock serves: {', '.join(routes)}"


def standing(waiting: int | None, *, late: bool) -> str:
    """Tell of requests that wait for a clock which only the test moves on; nothing for none.

    ``waiting`` is how many, None where that is not known; ``late`` tells that
    some were missing.
    """
    if waiting:
        many = "1 request waits" if waiting == 1 else f"{waiting} requests wait"
        return f"{many} for the clock; call mockdock.clock.advance(seconds)"
    if late:
        return (
            'time stands still here (time_scale="manual"): what waits for it goes on with '
            "mockdock.clock.advance(seconds)"
        )
    return ""
