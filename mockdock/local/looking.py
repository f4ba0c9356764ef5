"""The verbs that look at a server of this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mockdock.app import App
from mockdock.delivery import ManualClock
from mockdock.engine import Engine
from mockdock.errors import UsageError
from mockdock.later import later
from mockdock.local.explaining import explain
from mockdock.local.trouble import limit_cards, trouble_of
from mockdock.local.verdict import judge, judge_all
from mockdock.observe.verbs import (
    About,
    Counts,
    Exposition,
    LimitCard,
    RuleCard,
    Scalar,
    Settings,
    Unused,
    Verdict,
)
from mockdock.scenario.models import VERSION

if TYPE_CHECKING:
    from mockdock.observe.audit import Audit

__all__ = ["Looking"]

_audited: Callable[..., Audit] = later("local.auditing:audited")
_json_schema: Callable[[], dict[str, Any]] = later("scenario.export:json_schema")


class Looking:
    """Verbs that change nothing; records hold ``secrets`` where wanted."""

    def __init__(self, app: App, url: Callable[[], str], *, secrets: bool) -> None:
        self._app = app
        self._url = url
        self._secrets = secrets

    @property
    def url(self) -> str:
        """Scheme, host and port at which clients reach the server."""
        return self._url()

    def about(self) -> About:
        """Tell what the server is."""
        return About(version=version("mockdock"), language=VERSION)

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema of the scenario language."""
        return _json_schema()

    def sessions(self) -> list[str]:
        """Name the sessions that are open, in the order they were opened."""
        return list(self._app.sessions.keys())

    def settings(self, session: str) -> Settings:
        """Give the settings as they are."""
        held = self._app.sessions.of(session)
        manual = isinstance(held.clock, ManualClock)
        return Settings(
            session=session,
            opened=bool(held.key),
            seed=held.engine.seed,
            otherwise=held.engine.otherwise,
            validation=held.engine.scenario.validation,
            time_scale="manual" if manual else held.clock.scale,
        )

    def scenario(self, session: str) -> dict[str, Any]:
        """Give the scenario, in its own language."""
        scenario = self._engine(session).scenario
        return scenario.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def rules(self, session: str, *, key: str | None = None) -> list[RuleCard]:
        """List the rules in the order they are tried, or only the one with this key."""
        engine = self._engine(session)
        uses = self._app.journal.tally(session).uses
        return [
            RuleCard(
                key=rule.candidate.key,
                name=rule.label,
                added=rule.index < 0,
                when=rule.when.model_dump(
                    mode="json", by_alias=True, exclude_none=True, exclude_defaults=True
                ),
                answers=len(rule.answers),
                times=rule.candidate.times,
                used=uses[rule.candidate.key].times if rule.candidate.key in uses else 0,
            )
            for rule in engine.rules
            if key is None or rule.candidate.key == key
        ]

    def trouble(self, session: str) -> dict[str, Any]:
        """Give the trouble of the scenario, in the words of the language."""
        return trouble_of(self._engine(session).scenario)

    def limits(self, session: str) -> list[LimitCard]:
        """Tell how the limits stand now; one that counts apart, for each it has counted."""
        return limit_cards(self._app.sessions.of(session), session, secrets=self._secrets)

    def state(self, session: str) -> dict[str, Scalar]:
        """Give the named states."""
        return dict(self._engine(session).store.state(session))

    def clock(self, session: str) -> dict[str, float]:
        """Give ``now`` (scenario seconds) and ``time`` (seconds since 1970)."""
        clock = self._app.sessions.of(session).clock
        return {"now": clock.now(), "time": clock.time()}

    def journal(
        self,
        session: str | None,
        *,
        after: int = 0,
        last: int | None = None,
        limit: int | None = None,
        wait: float = 0,
    ) -> list[dict[str, Any]]:
        """Give records of what is kept of a session, or of all, oldest first."""
        entries = self._app.journal.wait_after(session, after, wait, last=last, limit=limit)
        return [entry.record(secrets=self._secrets) for entry in entries]

    def counts(self, session: str | None) -> Counts:
        """Count what a session did, or all together."""
        tally = self._app.journal.tally(session)
        return Counts(
            era=self._app.sessions.of(session or "").era,
            requests=tally.requests,
            missed=tally.missed,
            failed=tally.failed,
            broken=tally.broken,
            prompt_tokens=tally.prompt_tokens,
            completion_tokens=tally.completion_tokens,
        )

    def metrics(self, accept: str = "") -> Exposition:
        """Write the numbers of the whole server for Prometheus, as an Accept header wants them."""
        return self._app.metrics.expose(len(self.sessions()), accept)

    def verify(
        self, session: str | None, *, unused: Unused = "added", order: Sequence[Sequence[str]] = ()
    ) -> Verdict:
        """Judge a session: requests no rule answered, rules never used, functions that raised.

        None: all sessions.
        """
        journal = self._app.journal
        if session is not None:
            engine = self._engine(session)
            return judge(journal, engine, (session,), unused, order, secrets=self._secrets)
        if order:
            raise UsageError("an order is that of one session; name it")
        return judge_all(journal, self._app.sessions, unused, secrets=self._secrets)

    def audit(
        self, session: str | None, policy: str | Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Judge how clients took it when things went wrong, by what the journal keeps."""
        scenario = self._engine(session or "").scenario
        return _audited(self.journal(session), scenario, policy).to_json()

    def wait(self, session: str, count: int, timeout: float) -> bool:
        """Wait until a session has had so many requests, up to ``timeout`` real seconds."""
        return self._app.journal.wait(session, count, timeout)

    def explain(self, session: str, request: Mapping[str, Any], attempt: int = 1) -> dict[str, Any]:
        """Tell which rule would answer the JSON body of a chat request, and why others do not."""
        return explain(self._engine(session), session, request, attempt)

    def _engine(self, session: str) -> Engine:
        return self._app.sessions.of(session).engine
