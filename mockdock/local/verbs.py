"""The verbs of a server in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mockdock.app import App
from mockdock.delivery import Clock, ManualClock, ScaledClock
from mockdock.engine import AddedRule, Engine
from mockdock.errors import UsageError
from mockdock.local.looking import Looking
from mockdock.local.rules import added_rule, read_rule
from mockdock.local.sources import read_scenario
from mockdock.local.trouble import read_trouble
from mockdock.observe.verbs import Changes, InPython, Opening, Scalar, TimeScale
from mockdock.sessions import Session

__all__ = ["LocalVerbs"]


class LocalVerbs(Looking):
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
        super().__init__(app, url, secrets=secrets)
        self._files = files
        self._lock = app.sessions.changing

    def open(self, session: str, opening: Opening) -> None:
        """Open a session, anew when it was open."""
        if not session:
            raise UsageError("a session needs a key; the empty one is the server's own")
        base = self._app.sessions.base
        scenario = base.engine.scenario
        if opening.scenario is not None:
            scenario = read_scenario(opening.scenario, files=self._files)
        engine = Engine(
            scenario,
            store=base.engine.store,
            shelf=base.engine.shelf,
            books=base.engine.books,
            seed=opening.seed if opening.seed is not None else _seed(base.engine, opening),
            otherwise=opening.default_otherwise or base.engine.default,
            given_otherwise=opening.otherwise,
            alone=True,
            called=opening.called,
            prepared=base.engine.prepared,
        )
        clock = base.clock if opening.time_scale is None else self._clock(opening.time_scale)
        with self._lock:
            held = self._app.sessions.of(session)
            self._forget(session)
            self._app.sessions.close(session)
            begun = self._app.sessions.begin(engine, clock, session)
            gone = self._app.sessions.put(session, begun)
            self._release(held)
            if gone is not None:
                self._let_go(gone)

    def close(self, session: str) -> None:
        """Close a session and forget everything of it; harmless when it is not open."""
        with self._lock:
            held = self._app.sessions.of(session)
            if self._app.sessions.close(session):
                self._forget(session)
                self._release(held)

    def load(self, session: str, scenario: Mapping[str, Any]) -> None:
        """Replace the scenario; added rules stay in front of it."""
        loaded = read_scenario(scenario, files=self._files)
        self._change(session, lambda engine: engine.changed(scenario=loaded))

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

    def set_trouble(self, session: str, trouble: Mapping[str, Any]) -> None:
        """Replace these parts of the scenario; others stay, None takes one away."""
        parts = read_trouble(trouble)

        def change(engine: Engine) -> Engine:
            return engine.changed(scenario=engine.scenario.model_copy(update=parts))

        self._change(session, change)

    def set_state(self, session: str, states: Mapping[str, Scalar]) -> None:
        """Set named states; None unsets."""
        self._engine(session).store.set_state(session, states)

    def change(self, session: str, changes: Changes) -> None:
        """Change settings from the next request on."""
        with self._lock:
            self._change(
                session,
                lambda engine: engine.changed(seed=changes.seed, otherwise=changes.otherwise),
            )
            if changes.time_scale is not None:
                held = self._held(session)
                clock = self._clock(changes.time_scale)
                self._app.sessions.put(session, held.timed(clock))
                self._release(held)

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
                    fresh = self._app.sessions.begin(engine, held.clock, held.key)
                    self._app.sessions.put(key, fresh)
            if session is None:
                self._forget_all()

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

    def _clock(self, scale: TimeScale) -> Clock:
        return ManualClock() if scale == "manual" else ScaledClock(scale)

    def _let_go(self, gone: Session) -> None:
        """Forget a session that had to go."""
        self._forget(gone.key)
        self._release(gone)

    def _forget_all(self) -> None:
        self._app.engine.reset()
        self._app.journal.reset()

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
