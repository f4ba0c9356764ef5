"""What happened in a session, and assertions about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from anyio import CapacityLimiter, to_thread

from mockdock.errors import UsageError
from mockdock.observe.verbs import Counts, Verdict
from mockdock.testing.call import Call
from mockdock.testing.calls import Calls, Filters
from mockdock.testing.checks import seconds, shown, whole
from mockdock.testing.session import DockSession

__all__ = ["Watching"]


class Watching:
    """The calls of a session, and what can be asserted of them.

    >>> dock.assert_called(user="weather")
    """

    def __init__(self, session: DockSession) -> None:
        self._session = session

    @property
    def calls(self) -> Calls:
        """The calls so far, oldest first.

        >>> assert dock.calls.count == 2
        >>> assert dock.calls.last.request.model == "gpt-4o"
        """
        return self._session.calls()

    @property
    def unmatched(self) -> Calls:
        """The calls that no rule answered.

        >>> dock.unmatched.count
        0
        """
        return self._session.missed()

    def counts(self) -> Counts:
        """Count requests and tokens so far, without reading the journal.

        >>> dock.counts().requests
        2
        """
        return self._session.counts()

    def wait_for(self, count: int, timeout: float = 5.0) -> Calls:
        """Wait until there were ``count`` calls, and give them.

        A call counts when its reply is about to be complete, or its client has
        gone. Raises VerificationError after ``timeout`` real seconds.

        >>> dock.wait_for(2).last.reply.text
        'Hello!'
        """
        whole("count", count, 1)
        limit = seconds("timeout", timeout)
        if not self._session.verbs.wait(self._session.key, count, limit):
            self._session.complain(
                f"expected {_calls(count)} within {limit:g} s; there were {self.calls.count}",
                late=True,
            )
        return self.calls

    async def wait_for_async(self, count: int, timeout: float = 5.0) -> Calls:  # noqa: ASYNC109
        """Wait as :meth:`wait_for` does, without holding up the event loop.

        >>> async def test_it() -> None:
        ...     await dock.wait_for_async(2)
        """
        return await to_thread.run_sync(
            self.wait_for, count, timeout, abandon_on_cancel=True, limiter=CapacityLimiter(1)
        )

    def assert_called(
        self,
        times: int | None = None,
        where: Callable[[Call], object] | None = None,
        **conditions: Unpack[Filters],
    ) -> None:
        """Raise VerificationError unless there was a call, or so many.

        ``where`` and ``conditions`` are those of :meth:`Calls.filter`. Raises
        UsageError when the journal has forgotten calls that would be needed.

        >>> dock.assert_called(times=2, model="gpt-4o")
        """
        wanted = None if times is None else whole("times", times, 0)
        calls = self.calls
        found = calls.filter(where, **conditions) if where or conditions else calls
        count = found.count
        if wanted is None and count:
            return
        if wanted is None or count <= wanted:
            self._check_all_kept(calls, found)
        if wanted is None or count != wanted:
            given: dict[str, Any] = {} if where is None else {"where": where}
            told = "".join(
                f", {name}={shown(value)}" for name, value in {**given, **conditions}.items()
            )
            expected = "a call" if wanted is None else _calls(wanted)
            self._session.complain(f"expected {expected}{told}; there were {count}")

    def _check_all_kept(self, calls: Calls, found: Calls) -> None:
        gone = calls.count - len(calls)
        if gone and found is not calls:
            raise UsageError(
                f"of {calls.count} calls the first {gone} are no longer kept: it cannot be told "
                "how many of them were such; ask rules how often they answered"
            )

    def assert_called_once(
        self, where: Callable[[Call], object] | None = None, **conditions: Unpack[Filters]
    ) -> None:
        """Raise VerificationError unless there was one call.

        >>> dock.assert_called_once(user="weather")
        """
        self.assert_called(1, where, **conditions)

    def assert_not_called(
        self, where: Callable[[Call], object] | None = None, **conditions: Unpack[Filters]
    ) -> None:
        """Raise VerificationError if there was a call.

        >>> dock.assert_not_called(model="gpt-3.5*")
        """
        self.assert_called(0, where, **conditions)

    def assert_all_called(self) -> None:
        """Raise VerificationError unless every rule answered, the scenario's too.

        >>> dock.assert_all_called()
        """
        cards = self._session.verbs.rules(self._session.key)
        if idle := [card.name for card in cards if not card.used]:
            self._session.complain(f"never answered: {', '.join(idle)}")

    def verdict(self) -> Verdict:
        """Judge the session so far.

        >>> dock.verdict().ok
        True
        """
        return self._session.verdict()

    def verify(self) -> None:
        """Raise VerificationError with a report of all that went wrong so far.

        That is: requests no rule answered, rules made here that never did,
        wrong order where order was asked for, functions that raised.

        >>> dock.verify()
        """
        self._session.verify()

    @property
    def raised(self) -> tuple[Exception, ...]:
        """What functions of rules raised, oldest first, at most ten.

        >>> dock.raised
        ()
        """
        return self._session.raised

    @property
    def strays(self) -> Calls:
        """The calls that came to the server in no session, since this one began.

        Their key names no open session, or there is none: a client that was
        made before the test, or elsewhere. On a server that others use, they
        may be theirs.

        >>> dock.strays.count
        0
        """
        return self._session.strays()

    def records(self) -> list[dict[str, Any]]:
        """Give the calls as plain JSON values, without secrets.

        >>> dock.records()[0]["status"]
        200
        """
        return self._session.records()

    def report(self) -> str:
        """Write the calls for people, without secrets.

        >>> print(dock.report())
        """
        return self._session.report()


def _calls(count: int) -> str:
    return f"{count} call{'' if count == 1 else 's'}"
