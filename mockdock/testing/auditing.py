"""The verdict on a client, as a test holds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mockdock.errors import VerificationError
from mockdock.observe.audit import Audit, Call, Figures, Line, failure_text

__all__ = ["ClientAudit"]


class ClientAudit:
    """How the clients of a session took it when things went wrong.

    >>> audit = dock.audit("openai-python")
    >>> audit.ok, audit.policy
    (True, 'openai-python')
    """

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    @property
    def ok(self) -> bool:
        """Whether the policy was kept.

        >>> audit.ok
        True
        """
        return self._audit.ok

    @property
    def policy(self) -> str:
        """The name of the policy.

        >>> audit.policy
        'openai-python'
        """
        return self._audit.policy.name

    @property
    def lines(self) -> Sequence[Line]:
        """The lines of the policy, each with ``name``, ``verdict``, ``seen``, ``failed``.

        >>> [line.name for line in audit.lines if line.verdict == "failed"]
        []
        """
        return self._audit.lines

    @property
    def calls(self) -> Sequence[Call]:
        """What was asked, each with its ``attempts``, ``gaps`` and ``outcome``.

        >>> [(len(call.attempts), call.outcome) for call in audit.calls]
        [(1, 'succeeded'), (1, 'succeeded')]
        """
        return self._audit.calls

    @property
    def figures(self) -> Figures:
        """The run in figures: ``amplification``, ``recovered``, ``wasted_tokens`` and others.

        >>> audit.figures.amplification
        1.0
        """
        return self._audit.figures

    def to_json(self) -> dict[str, Any]:
        """Write it all as plain JSON values.

        >>> audit.to_json()["ok"]
        True
        """
        return self._audit.to_json()

    def assert_ok(self) -> None:
        """Raise VerificationError, with the lines that were broken and how, unless it was kept.

        >>> audit.assert_ok()
        """
        if not self.ok:
            raise VerificationError(failure_text(self._audit))

    def __repr__(self) -> str:
        told = (
            "kept" if self.ok else f"broken: {', '.join(line.name for line in self._audit.failed)}"
        )
        return f"<ClientAudit {self.policy} {told}>"
