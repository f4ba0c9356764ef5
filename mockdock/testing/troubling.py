"""Trouble on purpose: limits, faults and chaos of a session, and the verdict on who met them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mockdock.errors import UsageError
from mockdock.later import later
from mockdock.observe.verbs import LimitCard
from mockdock.testing.checks import plain, short
from mockdock.testing.session import DockSession

if TYPE_CHECKING:
    from mockdock.observe.audit import Audit
    from mockdock.testing.auditing import ClientAudit

__all__ = ["Troubling"]

_client_audit: Callable[[Audit], ClientAudit] = later("testing.auditing:ClientAudit")


class Troubling:
    """Trouble on purpose, in the words of the scenario language.

    Each verb replaces what the scenario says of its kind; rules go on counting.

    >>> dock.limits({"rpm": 3})
    >>> dock.faults({"type": "truncate", "after": {"tokens": 5}})
    """

    def __init__(self, session: DockSession) -> None:
        self._session = session

    def limits(
        self,
        *limits: Mapping[str, Any],
        workspaces: Mapping[str, Sequence[str]] | None = None,
        **one: Any,
    ) -> None:
        """Set the rate limits, a single one by its keys; with none given there are none.

        ``workspaces`` are the API keys of each; without them they stay. Raises
        ScenarioError for what the language does not allow.

        >>> dock.limits(rpm=3)
        >>> dock.limits({"per": "model", "rpm": 3, "tpm": 1000}, {"concurrent": 2})
        >>> dock.limits()
        """
        given: dict[str, Any] = {"limits": (*limits, one) if one else limits}
        if workspaces is not None:
            given["workspaces"] = workspaces
        self._set(given)

    def faults(self, *faults: str | Mapping[str, Any]) -> None:
        """Set what breaks of any reply; with none given nothing does.

        How often faults have struck is counted anew.

        >>> dock.faults("slicer", {"type": "reset", "probability": 0.1})
        >>> dock.faults()
        """
        self._set({"faults": faults})

    def chaos(
        self,
        rate: float,
        *,
        mix: Mapping[str | int, float] | None = None,
        burst: Mapping[str, Any] | None = None,
        when: Mapping[str, Any] | None = None,
    ) -> None:
        """Let this share of requests fail by chance, which the seed decides; 0: none.

        ``mix`` are errors (kind or status) and faults by weight. Raises UsageError for a
        rate that is no number, ScenarioError for what the language does not allow.

        >>> dock.chaos(0.3, mix={429: 3, 503: 1, "reset": 1})
        >>> dock.chaos(0)
        """
        if isinstance(rate, bool) or not isinstance(rate, int | float):
            raise UsageError(f"chaos({short(rate)}): write the share of requests, 0 to 1; 0: none")
        given = {"rate": rate, "mix": mix, "burst": burst, "when": when}
        said = {name: value for name, value in given.items() if value is not None}
        self._set({"chaos": said if rate or len(said) > 1 else None})

    def timeline(self, *phases: Mapping[str, Any]) -> None:
        """Set what happens when, counted from the start of the session; none given: nothing.

        >>> dock.timeline({"at": "30s", "for": "60s", "error": 503})
        >>> dock.timeline()
        """
        self._set({"timeline": phases})

    @property
    def trouble(self) -> dict[str, Any]:
        """What is set: ``limits``, ``workspaces``, ``faults``, ``chaos``, ``timeline``, ``audit``.

        >>> dock.trouble["faults"]
        []
        """
        return self._session.verbs.trouble(self._session.key)

    @property
    def meters(self) -> list[LimitCard]:
        """How the limits stand now: ``used``, ``remaining``, ``wait`` and others of each.

        A limit that counts apart is told for each it has counted.

        >>> [(meter.measure, meter.used, meter.remaining) for meter in dock.meters]
        []
        """
        return self._session.verbs.limits(self._session.key)

    def audit(self, policy: str | Mapping[str, Any] | None = None) -> ClientAudit:
        """Judge how the clients of the session took it when things went wrong.

        By a ready policy such as "openai-node", or one in the words of the language;
        without one by the scenario's own, else by what any client should do. Ask when
        the client is done: a retry that is still to come looks like none. Raises
        ScenarioError for a policy there is not.

        >>> dock.audit().assert_ok()
        >>> dock.audit({"policy": "openai-python", "max_attempts": 5}).ok
        True
        """
        if not isinstance(policy, str | Mapping | None):
            raise UsageError(f"audit({short(policy)}): write the name of a policy, or a mapping")
        return _client_audit(self._session.audited(plain(policy, "policy")))

    def _set(self, trouble: Mapping[str, Any]) -> None:
        self._session.verbs.set_trouble(self._session.key, plain(trouble))
