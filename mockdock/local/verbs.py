"""The verbs of a server in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from mockdock.app import App
from mockdock.delivery import Clock, ManualClock, ScaledClock
from mockdock.engine import AddedRule, Engine
from mockdock.errors import UsageError
from mockdock.local.explaining import explain
from mockdock.local.rules import added_rule, read_rule
from mockdock.local.verdict import judge
from mockdock.observe import record
from mockdock.observe.verbs import (
    About,
    Changes,
    Counts,
    InPython,
    Opening,
    RuleCard,
    Scalar,
    Settings,
    TimeScale,
    Unused,
    Verdict,
)
from mockdock.scenario import json_schema, load
from mockdock.scenario.models import VERSION
from mockdock.sessions import Session

__all__ = ["LocalVerbs"]


class LocalVerbs:
    """Every verb, done to an application of this process.

    ``url`` tells where it is served. Without ``files`` scenarios and rules may
    read no files but the shipped ones. Records hold ``secrets`` where wanted.
    """

    def __init__(
        self,
        app: App,
        url: Callable[[], str],
        *,
        files: bool = True,
        secrets: bool = True,
    ) -> None:
        self._app = app
        self._url = url
        self._files = files
        self._secrets = secrets
        self._lock = app.sessions.changing

    @property
    def url(self) -> str:
        """Scheme, host and port at which clients reach the server."""
        return self._url()

    def about(self) -> About:
        """Tell what the server is."""
        return About(version=version("mockdock"), language=VERSION)

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema of the scenario language."""
        return json_schema()

    def sessions(self) -> list[str]:
        """Name the sessions that are open, in the order they were opened."""
        return list(self._app.sessions.keys())

    def open(self, session: str, opening: Opening) -> None:
        """Open a session, anew when it was open."""
        if not session:
            raise UsageError("a session needs a key; the empty one is the server's own")
        base = self._app.sessions.base
        scenario = base.engine.scenario
        if opening.scenario is not None:
            scenario = load(opening.scenario, files=self._files).scenario
        engine = Engine(
            scenario,
            store=base.engine.store,
            shelf=base.engine.shelf,
            seed=opening.seed if opening.seed is not None else _seed(base.engine, opening),
            otherwise=opening.default_otherwise or base.engine.default,
            given_otherwise=opening.otherwise,
            alone=True,
            called=opening.called,
        )
        clock = base.clock if opening.time_scale is None else _clock(opening.time_scale)
        with self._lock:
            held = self._app.sessions.of(session)
            self._forget(session)
            gone = self._app.sessions.put(session, Session(engine, clock, session))
            self._release(held)
            if gone is not None:
                self._forget(gone.key)
                self._release(gone)

    def close(self, session: str) -> None:
        """Close a session and forget everything of it; harmless when it is not open."""
        with self._lock:
            held = self._app.sessions.of(session)
            if self._app.sessions.close(session):
                self._forget(session)
                self._release(held)

    def load(self, session: str, scenario: Mapping[str, Any]) -> None:
        """Replace the scenario; added rules stay in front of it."""
        loaded = load(scenario, files=self._files).scenario
        self._change(session, lambda engine: engine.changed(scenario=loaded))

    def scenario(self, session: str) -> dict[str, Any]:
        """Give the scenario, in its own language."""
        scenario = self._engine(session).scenario
        return scenario.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def add_rule(
        self,
        session: str,
        rule: Mapping[str, Any],
        in_python: InPython | None = None,
        *,
        first: bool = False,
    ) -> str:
        """Put a rule before those of the scenario, and give its key."""
        read = read_rule(rule, files=self._files)
        with self._lock:
            held = self._held(session)
            added, number = held.engine.added, held.numbered + 1
            key = f"+{number}"
            made = added_rule(key, read, in_python)
            engine = held.engine.changed(added=(made, *added) if first else (*added, made))
            self._app.sessions.put(session, replace(held, engine=engine, numbered=number))
        return key

    def replace_rule(
        self, session: str, key: str, rule: Mapping[str, Any], in_python: InPython | None = None
    ) -> None:
        """Change an added rule; its place and counters stay."""
        made = added_rule(key, read_rule(rule, files=self._files), in_python)
        with self._lock:
            at, added = self._place(session, key)
            changed = (*added[:at], made, *added[at + 1 :])
            self._change(session, lambda engine: engine.changed(added=changed))

    def remove_rule(self, session: str, key: str) -> None:
        """Remove an added rule."""
        with self._lock:
            at, added = self._place(session, key)
            rest = (*added[:at], *added[at + 1 :])
            self._change(session, lambda engine: engine.changed(added=rest))

    def rules(self, session: str) -> list[RuleCard]:
        """List the rules in the order they are tried."""
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
        ]

    def journal(
        self,
        session: str | None,
        *,
        after: int = 0,
        limit: int | None = None,
        wait: float = 0,
    ) -> list[dict[str, Any]]:
        """Give records of what is kept of a session, or of all, oldest first."""
        entries = self._app.journal.wait_after(session, after, wait, limit)
        return [record(entry, secrets=self._secrets) for entry in entries]

    def counts(self, session: str | None) -> Counts:
        """Count what a session did, or all together."""
        tally = self._app.journal.tally(session)
        return Counts(
            era=self._app.sessions.of(session or "").era,
            requests=tally.requests,
            missed=tally.missed,
            failed=tally.failed,
            prompt_tokens=tally.prompt_tokens,
            completion_tokens=tally.completion_tokens,
        )

    def verify(
        self, session: str, *, unused: Unused = "added", order: Sequence[Sequence[str]] = ()
    ) -> Verdict:
        """Judge a session: requests no rule answered, rules never used, functions that raised."""
        journal, cards = self._app.journal, self.rules(session)
        engine = self._engine(session)
        return judge(journal, session, engine, cards, unused, order, secrets=self._secrets)

    def wait(self, session: str, count: int, timeout: float) -> bool:
        """Wait until a session has had so many requests, up to ``timeout`` real seconds."""
        return self._app.journal.wait(session, count, timeout)

    def explain(self, session: str, request: Mapping[str, Any], attempt: int = 1) -> dict[str, Any]:
        """Tell which rule would answer the JSON body of a chat request, and why others do not."""
        return explain(self._engine(session), session, request, attempt)

    def state(self, session: str) -> dict[str, Scalar]:
        """Give the named states."""
        return dict(self._engine(session).store.state(session))

    def set_state(self, session: str, states: Mapping[str, Scalar]) -> None:
        """Set named states; None unsets."""
        self._engine(session).store.set_state(session, states)

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

    def change(self, session: str, changes: Changes) -> None:
        """Change settings from the next request on."""
        with self._lock:
            self._change(
                session,
                lambda engine: engine.changed(seed=changes.seed, otherwise=changes.otherwise),
            )
            if changes.time_scale is not None:
                held = self._held(session)
                clock = _clock(changes.time_scale)
                self._app.sessions.put(session, replace(held, clock=clock))
                self._release(held)

    def clock(self, session: str) -> dict[str, float]:
        """Give ``now`` (scenario seconds) and ``time`` (seconds since 1970)."""
        clock = self._app.sessions.of(session).clock
        return {"now": clock.now(), "time": clock.time()}

    def advance(self, session: str, seconds: float) -> None:
        """Move the session's time on; only time that does not run by itself can be."""
        try:
            self._app.sessions.of(session).clock.advance(seconds)
        except ValueError as error:
            raise UsageError(str(error)) from None

    def reset(self, session: str | None) -> None:
        """Forget what a session did: counters, states, journal, added rules. None: all sessions."""
        with self._lock:
            keys = ("", *self._app.sessions.keys()) if session is None else (session,)
            for key in keys:
                self._forget(key)
                held = self._app.sessions.of(key)
                if held.key == key:
                    engine = held.engine.changed(added=())
                    fresh = Session(engine, held.clock, held.key)
                    self._app.sessions.put(key, fresh)
            if session is None:
                self._app.engine.reset()
                self._app.journal.reset()

    def _engine(self, session: str) -> Engine:
        return self._app.sessions.of(session).engine

    def _held(self, session: str) -> Session:
        """Give a session to change. Raises UsageError for one that was not opened."""
        held = self._app.sessions.of(session)
        if held.key != session:
            raise UsageError(f"the session {session!r} is not open; open it first")
        return held

    def _change(self, session: str, change: Callable[[Engine], Engine]) -> None:
        with self._lock:
            held = self._held(session)
            self._app.sessions.put(session, replace(held, engine=change(held.engine)))

    def _release(self, held: Session) -> None:
        """Let replies go on that wait for a clock which nobody can advance any more."""
        if isinstance(held.clock, ManualClock) and not self._app.sessions.lives_by(held.clock):
            held.clock.release()

    def _forget(self, session: str) -> None:
        self._app.sessions.of(session).engine.reset(session)
        self._app.engine.reset(session)
        self._app.journal.reset(session)

    def _place(self, session: str, key: str) -> tuple[int, tuple[AddedRule, ...]]:
        added = self._engine(session).added
        for at, each in enumerate(added):
            if each.key == key:
                return at, added
        known = ", ".join(each.key for each in added) or "none"
        raise UsageError(f"no added rule has the key {key!r}; there are: {known}")


def _seed(base: Engine, opening: Opening) -> int | None:
    """Take a seed the server was given along with its scenario only."""
    return base.given_seed if opening.scenario is None else None


def _clock(scale: TimeScale) -> Clock:
    return ManualClock() if scale == "manual" else ScaledClock(scale)
