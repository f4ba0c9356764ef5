"""Which keys of a reply belong to which API."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from mockdock.scenario.base import Complaint
from mockdock.scenario.flags import FLAGS
from mockdock.scenario.vectors import VECTORS

__all__ = ["misplaced"]

_OWN: Mapping[str, tuple[str, ...]] = {"embeddings": VECTORS, "moderations": FLAGS}
_BESIDE: Mapping[str, frozenset[str]] = {
    "embeddings": frozenset({"usage", "headers", "pacing", "faults"}),
    "moderations": frozenset({"headers", "pacing", "faults"}),
}
"""What a reply of such an API may say beside its own keys."""
_INSTEAD: Mapping[str, str] = {
    "embeddings": "write embedding: auto, or embedding: [0.6, 0.8]",
    "moderations": "write flagged: auto, or flagged: [violence]",
}


def misplaced(api: str | None, given: Collection[str]) -> Iterator[Complaint]:
    """Say which keys of a reply do not belong to the api of its rule; None is chat."""
    if api is not None and api in _OWN:
        for key in sorted(set(given) - _BESIDE[api] - set(_OWN[api])):
            yield Complaint(f"{key!r} is not for the {api} API", _INSTEAD[api], (key,), on_key=True)
        return
    for other, own in _OWN.items():
        for key in own:
            if key in given:
                hint = f"add when: {{api: {other}}}"
                yield Complaint(f"{key!r} is for the {other} API", hint, (key,), on_key=True)
