"""One world for all processes: what is done to sessions in one is done in all."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from mockdock.errors import StoreError
from mockdock.shared.link import Link
from mockdock.shared.ops import Kind, Mark, Op, Ops, Sight
from mockdock.shared.time import SharedTime

__all__ = ["Applier", "World"]

_TRIES = 100
_UNDONE = "what was done in another process cannot be done in this one: %s"
_log = logging.getLogger("mockdock")


class Applier(Protocol):
    """The sessions of this process: what is done to them is seen once it is shown."""

    def take(self) -> None:
        """Begin to do something; what was done and not shown is as if it had not been."""
        ...

    def show(self) -> None:
        """Let requests see what was done, all at once."""
        ...

    def begin(self, mark: Mark) -> None:
        """Be as at the beginning, as a server that nothing was done to."""
        ...

    def apply(self, op: Op, mark: Mark) -> None:
        """Do once more what some process has done; what it raises is told, and passed over."""
        ...


class World:
    """Keeps the sessions of this process as they are everywhere.

    Who looks at them, or changes them, holds ``lock``; any thread may. ``time`` are the
    seconds they live by.
    """

    def __init__(
        self, link: Link, applier: Applier, lock: threading.RLock, time: SharedTime
    ) -> None:
        self.time = time
        self._ops = Ops(link)
        self._applier = applier
        self._lock = lock
        self._known: Mark | None = None
        self._catching: asyncio.Task[bool] | None = None

    async def current(self) -> None:
        """Do all that was done elsewhere until now; where Redis is away, what is known holds."""
        asked = self.time.own()
        try:
            look = self._ops.look()
            sight = await look if isinstance(look, Awaitable) else look
        except StoreError:
            return
        self.time.learn(sight.clock, asked, self.time.own())
        for _ in range(2):  # what is under way may have begun before this look; the next has not
            if sight.mark == self._known or self._is_beyond(sight):
                return
            if self._catching is None:
                self._catching = asyncio.create_task(self._catch())
            if not await asyncio.shield(self._catching):
                return

    def catch_up(self) -> Mark:
        """Do the same in a thread, and give what is known now; raises StoreError."""
        with self._lock:
            asked = self.time.own()
            sight = self._ops.look_at_once()
            self.time.learn(sight.clock, asked, self.time.own())
            return self._follow(sight)

    def commit(
        self,
        do: Callable[[Mark, float], Op],
        kind: Kind,
        forgets: Callable[[], Sequence[str] | None],
    ) -> None:
        """Do something here, and have it done everywhere; raises StoreError, and what it raises.

        It is done first, with the mark and at the second it will have, and gives the operation;
        then that is written, with the sessions it ``forgets`` (None: all). Where that fails
        nobody has seen it; where something else was done meanwhile, it is done after that.
        """
        with self._lock:
            for _ in range(_TRIES):
                known = self.catch_up()
                at, mark = self.time(), Mark(known.began, known.version + 1)
                self._applier.take()
                with self.time.as_of(at):
                    op = do(mark, at)
                if self._ops.commit(known, op, kind, forgets=forgets()) is not None:
                    self._applier.show()
                    self._known = mark
                    return
        raise StoreError("others change the sessions too often just now; try again")

    def _is_beyond(self, sight: Sight) -> bool:
        """Tell whether more is known here by now than was seen."""
        known = self._known
        return (
            known is not None
            and known.began == sight.mark.began
            and known.version > sight.mark.version
        )

    async def _catch(self) -> bool:
        """Tell whether Redis was there."""
        try:
            # Scenarios may be large, and replies under way do not wait for them to be read.
            await asyncio.to_thread(self.catch_up)
        except StoreError:
            return False
        else:
            return True
        finally:
            self._catching = None

    def _follow(self, sight: Sight) -> Mark:
        mark, known = sight.mark, self._known
        if known == mark:
            return mark
        self._applier.take()
        if known is None or known.began != mark.began or known.version < sight.floor:
            known = Mark(mark.began, 0)
            with self.time.as_of(int(mark.began) / 1_000_000):
                self._applier.begin(known)
        version = known.version
        for op in self._ops.since(version):
            version = op.version
            self.time.reached(op.at)
            try:
                with self.time.as_of(op.at):
                    self._applier.apply(op, Mark(mark.began, version))
            except Exception:  # noqa: BLE001 - it would be as wrong the next time: requests go on
                _log.exception(_UNDONE, op.verb)
        self._applier.show()
        self._known = Mark(mark.began, max(version, mark.version))
        return self._known
