"""The scripts that run in Redis, with the bounds of what they keep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha1
from pathlib import Path

__all__ = ["KEPT", "Script"]

KEPT = 256
"""Results are kept of so many questions of each asker, for a minute: no more go out at once."""

_STORE = ("keeping", "meters", "leases", "step")
_NEEDS = {
    "step": _STORE,
    "leases": ("keeping", "leases"),
    "journal": ("keeping", "journal"),
    "log": ("keeping", "log"),
    "mark": ("keeping", "mark"),
    "promises": ("keeping", "promises"),
    "counting": ("keeping", "counting"),
    "ops": (*_STORE, "journal", "log", "mark", "ops"),
}
"""What each part takes. A question that brought along all would cost Redis twice as much."""
_VERB = re.compile(rb"^ *function verbs\.(\w+)", re.MULTILINE)
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Script:
    """The parts of a script; each map remembers at least so many sessions or counts, at most twice.

    A session takes ``most_ops`` operations until it is opened anew. The log of accounts holds
    so many items, and bytes of them, that are ``passing``, and so many that are ``lasting``.
    So many names of rules and limits are counted by themselves. What a process holds stays
    ``leased`` to it for so many seconds after it told that it lives.

    Nothing is kept longer than for a day since it was last used.
    """

    most_sessions: int = 10_000
    most_counts: int = 40_000
    most_ops: int = 10_000
    most_passing: int = 100_000
    most_passing_bytes: int = 128_000_000
    most_lasting: int = 20_000
    most_lasting_bytes: int = 64_000_000
    most_names: int = 2_000
    leased: float = 15.0

    def of(self, verb: bytes) -> bytes:
        """Give the name under which Redis knows what answers a verb."""
        return self._names[verb]

    @cached_property
    def texts(self) -> tuple[bytes, ...]:
        """Give the sources, in Lua."""
        bounds = (
            f"local MOST_SESSIONS, MOST_COUNTS = {self.most_sessions}, {self.most_counts}\n"
            f"local MOST_OPS = {self.most_ops}\n"
            f"local MOST_NAMES, LEASED = {self.most_names}, {self.leased * 1000:.0f}\n"
            f"local KEPT, MINUTE, DAY, RENEWED = {KEPT}, 60, 86400, 3600000000\n"
            "local LOG_BOUNDS = {"
            f"passing = {{{self.most_passing}, {self.most_passing_bytes}}}, "
            f"lasting = {{{self.most_lasting}, {self.most_lasting_bytes}}}}}\n"
        ).encode()
        return tuple(
            b"".join((bounds, *map(_read, parts), _read("answer"))) for parts in _NEEDS.values()
        )

    @cached_property
    def _names(self) -> dict[bytes, bytes]:
        names: dict[bytes, bytes] = {}
        for part, text in zip(_NEEDS, self.texts, strict=True):
            name = sha1(text, usedforsecurity=False).hexdigest().encode()
            names |= dict.fromkeys(_VERB.findall(_read(part)), name)
        return names


@cache
def _read(part: str) -> bytes:
    return (_HERE / f"{part}.lua").read_bytes()
