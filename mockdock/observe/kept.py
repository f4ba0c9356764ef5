"""What is kept of exchanges, and who keeps it: this process, or a store that several share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from mockdock.observe.entry import Entry
from mockdock.observe.exchange import Exchange
from mockdock.observe.tally import Tally
from mockdock.request import Request

__all__ = ["Keeper", "Kept"]


class Kept(Protocol):
    """An exchange that a journal keeps, as an object or as the record of it."""

    @property
    def number(self) -> int:
        """Its number: the first is 1, and each is larger than those before it."""
        ...

    @property
    def session(self) -> str:
        """The key of its session."""
        ...

    @property
    def missed(self) -> bool:
        """Whether it went past every rule, or past every path there is."""
        ...

    @property
    def late(self) -> bool:
        """Whether its session began anew meanwhile, or was closed."""
        ...

    @property
    def answered_by(self) -> str:
        """What had the largest hand in the answer: a rule, or trouble; else empty."""
        ...

    @property
    def rule_key(self) -> str | None:
        """The key of the rule that answered, as it was then; None where none did."""
        ...

    def request(self, read: Callable[[Mapping[str, Any]], Request | None]) -> Request | None:
        """Give the request, None where it could not be parsed.

        Where only a record is kept, it is ``read`` off that once more.
        """
        ...

    def record(self, *, secrets: bool = False) -> dict[str, Any]:
        """Write it as plain JSON values; ``secrets`` are shown where they are wanted and kept."""
        ...


class Keeper(Protocol):
    """A journal: the last exchanges, and counters of all of them; see ``Journal``.

    Any thread may call any method. What asks a store raises StoreError where that is away.
    """

    def watch(self, watcher: Callable[[Entry], None]) -> None:
        """Show every entry of this process from now on to a watcher, in order.

        It must be quick and not raise.
        """
        ...

    def unwatch(self, watcher: Callable[[Entry], None]) -> None:
        """Show a watcher nothing more."""
        ...

    def use(self, session: str, key: str) -> None:
        """Count a use of a rule, as soon as it is chosen: its answer may never end."""
        ...

    def append(self, exchange: Exchange) -> Awaitable[None] | None:
        """Record an exchange and wake those who wait for one; an observer.

        Where it is ``uncounted``, the use of its rule is counted with it.
        """
        ...

    def entries(
        self,
        session: str | None = None,
        *,
        after: int = 0,
        last: int | None = None,
        limit: int | None = None,
    ) -> Sequence[Kept]:
        """Give what is kept of a session, or of all, in the order it ended.

        Only what comes ``after`` a number; of that only the ``last`` so many; and
        of those no more than the first ``limit``.
        """
        ...

    def sessions(self) -> list[str]:
        """Name the sessions whose counts are kept, the one longest unused first."""
        ...

    def tally(self, session: str | None = None) -> Tally:
        """Give the counts of a session, or of all; ``uses`` only of one."""
        ...

    def wait(self, session: str, count: int, timeout: float) -> bool:
        """Wait until a session has had ``count`` requests, at most ``timeout`` real seconds."""
        ...

    def wait_after(
        self,
        session: str | None,
        after: int,
        timeout: float,
        *,
        last: int | None = None,
        limit: int | None = None,
    ) -> Sequence[Kept]:
        """Wait for what :meth:`entries` gives after a number, at most ``timeout`` real seconds."""
        ...

    def reset(self, session: str | None = None) -> None:
        """Forget one session, or everything; numbers go on."""
        ...
