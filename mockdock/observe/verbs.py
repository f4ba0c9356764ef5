"""What can be done to a running server: the verbs of Python, control API and CLI alike.

Everything goes in and out as plain JSON values or as the models here, so that
a server in this process and one on another machine are the same to a caller.
A session is named by its key; the empty key is the server's own, which serves
everyone who did not open one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol

from msgspec import Struct
from pydantic import AfterValidator, ConfigDict, Field

from mockdock.deferred import Deferred
from mockdock.observe.cards import About, Counts, LimitCard, Problem, RuleCard, Settings, Verdict
from mockdock.observe.metrics import Exposition
from mockdock.request import Request

__all__ = [
    "ALL_SESSIONS",
    "TROUBLE",
    "About",
    "Changes",
    "Counts",
    "Exposition",
    "InPython",
    "LimitCard",
    "Opening",
    "Otherwise",
    "Problem",
    "RuleCard",
    "Scalar",
    "Settings",
    "TimeScale",
    "Unused",
    "Verbs",
    "Verdict",
]

ALL_SESSIONS = "*"
"""What the control API calls all sessions together; no session has this key."""

TROUBLE = ("limits", "workspaces", "faults", "chaos", "timeline", "audit")
"""The parts of a scenario that are trouble on purpose, and what is asked of who gets into it."""

Scalar = str | int | float | bool | None
Otherwise = Literal["auto", "fail", "echo", "lorem"]

_SCALES = (1e-6, 1e6)


def _check_scale(scale: float) -> float:
    low, high = _SCALES
    if scale and not low <= scale <= high:
        raise ValueError(f"a time scale is 0, or from {low:g} to {high:g}")
    return scale


TimeScale = (
    Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True), AfterValidator(_check_scale)]
    | Literal["manual"]
)
Unused = Literal["added", "all", "none"]


class _Body(Deferred):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Changes(_Body):
    """Settings to change; what is None stays."""

    seed: int | None = Field(None, strict=True, description="seed of every random choice")
    otherwise: Otherwise | None = Field(
        None, description="the answer where no rule matches, whatever the scenario says"
    )
    time_scale: TimeScale | None = Field(
        None, description='real seconds for one scenario second, or "manual": time is advanced'
    )


class Opening(Changes):
    """How a session begins."""

    scenario: Mapping[str, Any] | None = Field(
        None,
        description="its scenario, perhaps {yaml: TEXT, name: FILE}; none: the server's as it is",
    )
    default_otherwise: Otherwise | None = Field(
        None, description="the answer where no rule matches and the scenario does not say"
    )
    called: str | None = Field(
        None, description="stands for the session's key in every random choice"
    )


class InPython(Struct, frozen=True):
    """What only Python can say of a rule.

    ``where`` are further conditions with their names in messages. ``functions``
    answer in the place of the reply at the same position; each gets the
    request and its attempt, and gives a reply or an error in the words of the
    scenario language.
    """

    where: Sequence[tuple[str, Callable[[Request], bool]]] = ()
    functions: Mapping[int, Callable[[Request, int], Awaitable[Any]]] = {}


class Verbs(Protocol):
    """A server's verbs. Raises UsageError for what cannot be done, ScenarioError for bad rules."""

    @property
    def url(self) -> str:
        """Scheme, host and port at which clients reach the server."""
        ...

    def about(self) -> About:
        """Tell what the server is."""
        ...

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema of the scenario language."""
        ...

    def sessions(self) -> list[str]:
        """Name the sessions that are open, in the order they were opened."""
        ...

    def open(self, session: str, opening: Opening) -> None:
        """Open a session, anew when it was open."""
        ...

    def close(self, session: str) -> None:
        """Close a session and forget everything of it; harmless when it is not open."""
        ...

    def load(self, session: str, scenario: Mapping[str, Any]) -> None:
        """Replace the scenario; added rules stay in front of it.

        It is a mapping in its own language, or {"yaml": TEXT, "name": FILE}: as a
        text, so that what is told of it names the line; ``name`` may be left out.
        """
        ...

    def scenario(self, session: str) -> dict[str, Any]:
        """Give the scenario, in its own language."""
        ...

    def add_rule(
        self,
        session: str,
        rule: Mapping[str, Any],
        in_python: InPython | None = None,
        *,
        first: bool = False,
    ) -> str:
        """Put a rule before those of the scenario, and give its key.

        It is tried after those added before it, or ``first`` of all.
        """
        ...

    def replace_rule(
        self, session: str, key: str, rule: Mapping[str, Any], in_python: InPython | None = None
    ) -> None:
        """Change an added rule; its place and counters stay."""
        ...

    def remove_rule(self, session: str, key: str) -> None:
        """Remove an added rule."""
        ...

    def rules(self, session: str, *, key: str | None = None) -> list[RuleCard]:
        """List the rules in the order they are tried, or only the one with this key."""
        ...

    def trouble(self, session: str) -> dict[str, Any]:
        """Give the trouble of the scenario, in the words of the language.

        That is ``limits``, ``workspaces``, ``faults``, ``chaos``, ``timeline`` and
        ``audit``; what is not set is empty.
        """
        ...

    def set_trouble(self, session: str, trouble: Mapping[str, Any]) -> None:
        """Replace these parts of the scenario; others stay, None takes one away.

        Rules go on counting, and so do limits that count as before; how often
        faults have struck is counted anew.
        """
        ...

    def limits(self, session: str) -> list[LimitCard]:
        """Tell how the limits stand now; one that counts apart, for each it has counted."""
        ...

    def journal(
        self,
        session: str | None,
        *,
        after: int = 0,
        last: int | None = None,
        limit: int | None = None,
        wait: float = 0,
    ) -> list[dict[str, Any]]:
        """Give records of what is kept of a session, or of all, oldest first.

        Only those ``after`` a number; of them only the ``last`` so many; and of
        those only the first ``limit``. Waits up to ``wait`` real seconds for the
        first ``after`` that number.
        """
        ...

    def counts(self, session: str | None) -> Counts:
        """Count what a session did, or all together."""
        ...

    def metrics(self, accept: str = "") -> Exposition:
        """Write the numbers of the whole server for Prometheus, as an Accept header wants them."""
        ...

    def verify(
        self, session: str | None, *, unused: Unused = "added", order: Sequence[Sequence[str]] = ()
    ) -> Verdict:
        """Judge a session: requests no rule answered, rules never used, functions that raised.

        ``order`` are groups of rule keys that had to answer one after the other.
        None: all sessions; those that were not opened share the server's own rules,
        and no order goes for them all.
        """
        ...

    def audit(
        self, session: str | None, policy: str | Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Judge how clients took it when things went wrong, by what the journal keeps.

        By a ready policy of this name, or one in the words of the language, else the
        scenario's own, else "default". None: all sessions. Gives what
        :meth:`mockdock.observe.audit.Audit.to_json` does.
        """
        ...

    def wait(self, session: str, count: int, timeout: float) -> bool:
        """Wait until a session has had so many requests, up to ``timeout`` real seconds."""
        ...

    def explain(self, session: str, request: Mapping[str, Any], attempt: int = 1) -> dict[str, Any]:
        """Tell which rule would answer the JSON body of a request, and why others do not.

        What it asks for is read off its fields: a chat has ``messages``, a legacy completion a
        ``prompt``; an ``input`` is judged by a model that does that, or none, else embedded.
        Gives ``rule`` (None when none), ``refused`` (the API's error, None when
        it takes the request) and ``verdicts``: of each rule its ``rule``,
        ``key`` and ``unmet`` conditions {name, text, wanted, found}. Nothing is counted.
        """
        ...

    def state(self, session: str) -> dict[str, Scalar]:
        """Give the named states."""
        ...

    def set_state(self, session: str, states: Mapping[str, Scalar]) -> None:
        """Set named states; None unsets."""
        ...

    def settings(self, session: str) -> Settings:
        """Give the settings as they are."""
        ...

    def change(self, session: str, changes: Changes) -> None:
        """Change settings from the next request on."""
        ...

    def clock(self, session: str) -> dict[str, float]:
        """Give ``now`` (scenario seconds) and ``time`` (seconds since 1970)."""
        ...

    def advance(self, session: str, seconds: float) -> None:
        """Move the session's time on; only time that does not run by itself can be."""
        ...

    def reset(self, session: str | None) -> None:
        """Forget what a session did: counters, states, journal, added rules. None: all sessions."""
        ...
