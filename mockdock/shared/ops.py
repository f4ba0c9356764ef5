"""What is done to sessions, as one log of operations for all processes."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import orjson
from msgspec import Struct

from mockdock.errors import UsageError
from mockdock.shared.link import Link
from mockdock.shared.packing import pack

__all__ = ["Kind", "Mark", "Op", "Ops", "Sight"]

Kind = Literal["open", "close", "reset", "reset all", "lasting", "rule"]
"""What an operation makes of those before it in its session.

To open or close undoes them all, and a reset those of rules; ``lasting`` ones and those of a
``rule`` undo nothing.
"""

_MICRO = 1_000_000
_PAGE = 50
"""Operations that are read at once: each may be a scenario, and Redis does nothing else."""


class Mark(NamedTuple):
    """How far a log has come: when it began, in microseconds, and its last version."""

    began: str
    version: int


class Sight(NamedTuple):
    """What one look at Redis tells: its clock in seconds, the mark, and what is below ``floor``.

    Who knows less than version ``floor`` begins anew: not all that happened since is told.
    """

    clock: float
    mark: Mark
    floor: int


class Op(Struct, frozen=True):
    """One operation: a verb, what it was given, and the shared second it was done ``at``."""

    verb: str
    session: str
    words: Mapping[str, Any]
    at: float
    version: int = 0


class Ops:
    """The log. All raise StoreError where Redis does not answer."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def look(self) -> Sight | Awaitable[Sight]:
        """See how far the log has come; to be awaited in a coroutine. The first look begins it."""
        return self._link.ask(_sight, b"look", b"{}", counts=False)

    def look_at_once(self) -> Sight:
        """See the same, and wait for it."""
        return self._link.at_once(_sight, b"look", b"{}", counts=False)

    def since(self, version: int) -> list[Op]:
        """Give the operations after a version that nothing later undoes, in their order."""
        ops: list[Op] = []
        while True:
            after = b"%d" % (version + 1), b"+", b"COUNT", b"%d" % _PAGE
            held = self._link.command(b"XRANGE", self._link.key("ops"), *after)
            ops += [_op(int(number.partition(b"-")[0]), fields[1]) for number, fields in held]
            if len(held) < _PAGE:
                return ops
            version = ops[-1].version

    def commit(
        self,
        known: Mark,
        op: Op,
        kind: Kind,
        *,
        forgets: Sequence[str] | None,
    ) -> int | None:
        """Write an operation, and give its version; None where ``known`` is no longer the last.

        With it the counters of the sessions that it ``forgets`` are forgotten (None: all
        there is), and one shortly before that it replaces. Raises UsageError where the session
        has had too many.
        """
        asked = {
            "began": known.began,
            "version": known.version,
            "session": op.session,
            "kind": kind,
            "forgets": forgets,
            "verb": op.verb,
            "what": _what(op),
            "stops": _stops(op),
        }
        told = {"verb": op.verb, "session": op.session, "words": op.words, "at": op.at}
        try:
            written = orjson.dumps(told)
        except orjson.JSONEncodeError as error:
            raise UsageError(f"what several processes share has to be JSON: {error}") from None
        answer: bytes = self._link.at_once(bytes, b"commit", pack(asked), written)
        if answer == b"full":
            raise UsageError(
                f"the session {op.session!r} has been changed too often: "
                + ("open it anew" if op.session else "reset it, or open a session to change")
            )
        return None if answer == b"stale" else int(answer)


def _stops(op: Op) -> tuple[str, ...]:
    """Give what sees how it was before: behind that nothing is replaced. All is seen by who opens.

    An age is told with its time: a reset between two of these is none of the second's concern.
    """
    if op.verb == "advance":
        return "open", "reset", "change"
    return ("open", "advance") if "age" in op.words else ("open",)


def _what(op: Op) -> str:
    """Name what is set by an operation, which the next of that name replaces, or give nothing."""
    match op.verb:
        case "advance" | "load":
            return op.verb
        case "set_trouble":
            return " ".join((op.verb, *sorted(op.words["trouble"])))
        case "change":
            changes = op.words["changes"]
            named = sorted(name for name in changes if changes[name] is not None)
            return " ".join((op.verb, *named))
        case _:
            return ""


def _sight(told: bytes) -> Sight:
    clock, began, version, floor = told.split(b" ")
    return Sight(int(clock) / _MICRO, Mark(began.decode(), int(version)), int(floor))


def _op(version: int, told: bytes) -> Op:
    held = orjson.loads(told)
    return Op(held["verb"], held["session"], held["words"], held["at"], version)
