"""Rules in Python: conditions that wait for an answer, and the rule that comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from mockdock.errors import UsageError
from mockdock.testing.answering import Answering
from mockdock.testing.calls import Calls
from mockdock.testing.checks import whole
from mockdock.testing.spec import Answer, Function, Spec

if TYPE_CHECKING:
    from mockdock.testing.session import DockSession

__all__ = ["Matching", "RuleHandle"]


class Matching(Answering):
    """Requests that meet conditions; a verb says what is answered to them.

    >>> matching = dock.when(user="weather")
    >>> rule = matching.reply("Sunny.")
    """

    def __init__(self, session: DockSession, spec: Spec) -> None:
        self._session = session
        self._spec = spec
        self._answered = False
        session.pending[id(self)] = spec.name

    def _answer(
        self, answers: Sequence[Answer | Function], *, attempts: bool = False
    ) -> RuleHandle:
        if self._answered:
            raise UsageError(
                f"the rule {self._spec.name} has an answer; "
                "go on with .then, or begin another with when()"
            )
        rule = RuleHandle(self._session, self._spec.then(answers, attempts=attempts))
        self._answered = True
        del self._session.pending[id(self)]
        return rule

    def __repr__(self) -> str:
        return f"<Matching {self._spec.name}>"


class RuleHandle:
    """A rule that answers from now on.

    >>> rule = dock.when(user="weather").reply("Sunny.")
    >>> rule.count
    0
    """

    def __init__(self, session: DockSession, spec: Spec) -> None:
        self._session = session
        self._spec = spec
        self.name = spec.name
        self.key = session.add(spec)
        self._era = session.era
        self._removed_after: int | None = None

    def times(self, count: int) -> Self:
        """Let the rule answer so many times only; later requests go past it.

        >>> dock.reply("This once.").times(1)
        """
        self._change(self._spec.limited(whole("times", count, 1)))
        return self

    @property
    def then(self) -> Answering:
        """Say what the rule answers next.

        >>> dock.reply("one").then.reply("two").then.fail("overloaded")
        """
        return _Then(self)

    @property
    def calls(self) -> Calls:
        """The calls it answered.

        >>> rule.calls.last.reply.text
        'Sunny.'
        """
        if self._of_the_past:
            return Calls([])
        kept = self._session.calls().filter(lambda call: call.rule_key == self.key)
        return Calls([*kept], max(kept.count, self.count))

    @property
    def count(self) -> int:
        """How often it answered.

        >>> rule.count
        1
        """
        if self._of_the_past:
            return 0
        if self._removed_after is not None:
            return self._removed_after
        return self._session.uses(self.key)

    @property
    def called(self) -> bool:
        """Whether it ever answered.

        >>> rule.called
        True
        """
        return self.count > 0

    def assert_called(self, times: int | None = None) -> None:
        """Raise VerificationError unless it answered, or answered so many times.

        >>> rule.assert_called(times=1)
        """
        count = self.count
        if (count == 0) if times is None else (count != whole("times", times, 0)):
            wanted = "an answer" if times is None else f"{times} answers"
            self._session.complain(f"expected {wanted} of {self.name}; there were {count}")

    def assert_called_once(self) -> None:
        """Raise VerificationError unless it answered once.

        >>> rule.assert_called_once()
        """
        self.assert_called(times=1)

    def assert_not_called(self) -> None:
        """Raise VerificationError if it answered.

        >>> dock.when(user="secret").refuse().assert_not_called()
        """
        self.assert_called(times=0)

    def remove(self) -> None:
        """Take the rule away; its calls stay.

        >>> rule.remove()
        """
        self._check()
        count = self.count
        self._session.take(self.key)
        self._removed_after = count

    def _append(self, answers: Sequence[Answer | Function], *, attempts: bool) -> None:
        self._change(self._spec.then(answers, attempts=attempts))

    def _change(self, spec: Spec) -> None:
        self._check()
        self._session.change(self.key, spec)
        self._spec = spec

    def _check(self) -> None:
        if self._removed_after is not None or self._of_the_past:
            raise UsageError(f"the rule {self.name} is gone: it was removed, or its dock was reset")

    @property
    def _of_the_past(self) -> bool:
        return self._era != self._session.era

    def __repr__(self) -> str:
        return f"<RuleHandle {self.name}>"


class _Then(Answering):
    def __init__(self, rule: RuleHandle) -> None:
        self._rule = rule

    def _answer(
        self, answers: Sequence[Answer | Function], *, attempts: bool = False
    ) -> RuleHandle:
        self._rule._append(answers, attempts=attempts)  # noqa: SLF001 - it speaks for the rule
        return self._rule
