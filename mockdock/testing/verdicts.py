"""The verdicts in the body of a reply, as the names of what is flagged."""

from __future__ import annotations

import json

__all__ = ["verdicts"]


def verdicts(body: bytes) -> tuple[tuple[str, ...], ...]:
    """Read what the inputs of a moderations request are flagged as; none where it holds none."""
    try:
        told = json.loads(body)
    except ValueError:
        return ()
    results = told.get("results") if isinstance(told, dict) else None
    return tuple(
        tuple(name for name, is_so in each["categories"].items() if is_so)
        for each in results or ()
        if isinstance(each, dict) and isinstance(each.get("categories"), dict)
    )
