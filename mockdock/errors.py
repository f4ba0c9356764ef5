"""Every error mockdock raises at its user.

MockdockError
├── ConditionError       a condition in Python raised
├── LedgerError          a ledger's file cannot be opened, read or written
├── ScenarioError        a scenario cannot be read or is not valid
├── StartError           the server could not start (port in use, thread died)
├── StoreError           the store that several processes share does not answer
│   └── NoStoreError     there is none, and never will be
├── UsageError           something was asked of mockdock that cannot be done
└── VerificationError    a client did not do what was expected of it
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "ConditionError",
    "LedgerError",
    "MockdockError",
    "NoStoreError",
    "Problem",
    "ScenarioError",
    "StartError",
    "StoreError",
    "UsageError",
    "VerificationError",
]


class MockdockError(Exception):
    """Base of all errors raised by mockdock."""


class Problem(NamedTuple):
    """One thing wrong in a scenario: what, where, and what would be right.

    ``line`` and ``column`` count from 1; 0 when there is no text to point at.
    ``path`` is the place in the document, such as ``rules[2].when.user``.
    """

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    path: str = ""
    hint: str = ""

    def __str__(self) -> str:
        where = self.file
        if self.line:
            where = f"{where}:{self.line}:{self.column}" if where else f"{self.line}:{self.column}"
        text = ": ".join(part for part in (where, self.path, self.message) if part)
        return f"{text} ({self.hint})" if self.hint else text


class ScenarioError(MockdockError):
    """A scenario is not valid; ``problems`` names every place found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class StartError(MockdockError):
    """The server could not start."""


class StoreError(MockdockError):
    """The store that several processes share does not answer; the message says why."""


class NoStoreError(StoreError):
    """There is no store that could answer: several processes were started that share nothing."""


class ConditionError(MockdockError):
    """A condition that a user wrote in Python raised; ``cause`` is what."""

    def __init__(self, name: str, cause: Exception) -> None:
        self.cause = cause
        super().__init__(f"the condition {name!r} raised {cause!r}")


class LedgerError(MockdockError):
    """A ledger's file cannot be opened, read or written, or is in use; the message says why."""


class UsageError(MockdockError):
    """Something was asked of mockdock that cannot be done; the message says what can."""


class VerificationError(MockdockError, AssertionError):
    """A client did not do what was expected of it; the message is a report."""
