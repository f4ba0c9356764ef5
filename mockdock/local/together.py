"""The verbs of one process among several that act as one server."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from mockdock.app import App
from mockdock.delivery import Clock, ManualClock
from mockdock.errors import UsageError
from mockdock.local.looking import Looking
from mockdock.local.ticking import SharedClock
from mockdock.local.verbs import LocalVerbs
from mockdock.observe.verbs import Changes, InPython, Opening, Scalar, TimeScale
from mockdock.sessions import Session, Sessions
from mockdock.shared.link import Link
from mockdock.shared.ops import Kind, Mark, Op
from mockdock.shared.time import SharedTime
from mockdock.shared.world import World

__all__ = ["SharedVerbs"]


class _CrowdedError(Exception):
    """As many sessions are open as there may be: the oldest has to go first."""


class _Here(LocalVerbs):
    """The verbs as they are done in this process, to a draft of it; what is once is only noted.

    ``forgotten`` are the sessions whose counters are to be forgotten, None for all.
    """

    def __init__(
        self,
        app: App,
        url: Callable[[], str],
        link: Link,
        time: SharedTime,
        advance: Callable[[str, float], None],
    ) -> None:
        drafted = copy(app)
        self.draft = drafted.sessions = Sessions(app.sessions.base)
        super().__init__(drafted, url, files=False, secrets=False)
        self._shown = app.sessions
        self._link = link
        self._time = time
        self._advance = advance
        self._freed: list[Session] = []
        self.forgotten: list[str] | None = []

    def take(self) -> None:
        """Draft from what is shown."""
        self._freed = []
        self.draft.restore(*self._shown.held())

    def show(self) -> None:
        """Let requests see what was done, and replies go on that wait for nobody any more."""
        base, opened = self.draft.held()
        self._shown.restore(base, opened)
        freed = [each.clock for each in self._freed if isinstance(each.clock, ManualClock)]
        if freed:
            lived_by = {id(each.clock) for each in (base, *opened.values())}
            for clock in freed:
                if id(clock) not in lived_by:
                    clock.release()

    def begin(self, base: Session) -> None:
        """Have no session but the base, as it was at first."""
        held, opened = self.draft.held()
        self._freed += (held, *opened.values())
        fresh = self.draft.begin(base.engine, self._clock(_scale(base.clock)), "")
        self.draft.restore(fresh, {})

    def perform(self, verb: str, session: str, words: Mapping[str, Any]) -> Any:
        """Do a verb by its name, with plain JSON values."""
        self.forgotten = []
        match verb:
            case "open":
                self.open(session, Opening(**words["opening"]))
            case "change":
                self.change(session, Changes(**words["changes"]))
                if "age" in words:
                    self._come_of(session, words["age"])
            case "reset":
                self.reset(None if words["every"] else session)
            case "advance":
                self.advance(session, max(0.0, words["to"] - self.advanced(session)))
            case "load":
                self._come_to(session, words["edition"])
                self.load(session, words["scenario"])
            case "set_trouble":
                self._come_to(session, words["edition"])
                self.set_trouble(session, words["trouble"])
            case _:
                return getattr(self, verb)(session, **words)
        return None

    def edition(self, session: str) -> int:
        """Count the scenarios of a session."""
        return self._engine(session).edition

    def _come_to(self, session: str, edition: int) -> None:
        """Let the next scenario be of an edition: not all are known to who comes later."""
        held = self._held(session)
        engine = copy(held.engine)
        engine.edition = edition - 1
        self.draft.put(session, replace(held, engine=engine))

    def age(self, session: str) -> float:
        """Give the seconds since a session began, in its own time."""
        return self.draft.of(session).age

    def _come_of(self, session: str, age: float) -> None:
        """Let a session be so old by its new time: who comes later knows no older one."""
        held = self._held(session)
        self.draft.put(session, replace(held, began=held.clock.now() - age))

    def advanced(self, session: str) -> float:
        """Give the seconds that a session's time was moved on by."""
        clock = self.draft.of(session).clock
        return clock.ahead if isinstance(clock, SharedClock) else clock.now()

    def whose_time(self, session: str) -> str:
        """Name the session whose time it is: that of the base, where it is the same."""
        base, held = self.draft.base, self.draft.of(session)
        return "" if held.clock is base.clock else session

    def _clock(self, scale: TimeScale) -> Clock:
        return (
            ManualClock()
            if scale == "manual"
            else SharedClock(scale, self._time, self._link, self._advance)
        )

    def _release(self, held: Session) -> None:
        self._freed.append(held)

    def _let_go(self, _: Session) -> None:
        raise _CrowdedError

    def _forget(self, session: str) -> None:
        if self.forgotten is not None:
            self.forgotten.append(session)

    def _forget_all(self) -> None:
        self.forgotten = None


class SharedVerbs(Looking):
    """Every verb, done in all processes that share a store.

    What is done here is done at the same moment of the same time in all: a request that
    comes after it finds it done, whoever answers. Whoever serves the application awaits
    ``current`` before each request. ``time`` are the seconds its clocks go by. What comes
    in reads no files, and is shown no secrets. All raise StoreError while the store is away.
    """

    def __init__(self, app: App, url: Callable[[], str], link: Link, time: SharedTime) -> None:
        super().__init__(app, url, secrets=False)
        self._here = _Here(app, url, link, time, self.advance)
        self._begun = app.sessions.base
        self._last: tuple[str, str, Mapping[str, Any]] | None = None
        self._world = World(link, self, app.sessions.changing, time)
        self.current = self._world.current

    def catch_up(self) -> None:
        """Do all that was done elsewhere until now, and wait for it."""
        self._world.catch_up()

    def open(self, session: str, opening: Opening) -> None:
        """Open a session, anew when it was open."""
        words = {"opening": opening.model_dump(mode="json", exclude_unset=True)}
        while True:
            try:
                self._do("open", session, words, "open")
            except _CrowdedError:
                # All close the same one, also who never learns of what came after it.
                self._do("close", lambda: self._here.draft.keys()[0], {}, "close")
            else:
                return

    def close(self, session: str) -> None:
        """Close a session and forget everything of it; harmless when it is not open."""
        if session:  # the base is never open, and stays as it is
            self._do("close", session, {}, "close")

    def load(self, session: str, scenario: Mapping[str, Any]) -> None:
        """Replace the scenario; added rules stay in front of it."""
        self._edit("load", session, {"scenario": scenario})

    def add_rule(
        self,
        session: str,
        rule: Mapping[str, Any],
        in_python: InPython | None = None,
        *,
        first: bool = False,
    ) -> str:
        """Put a rule before those of the scenario, and give its key."""
        _check(in_python)
        key: str = self._do("add_rule", session, {"rule": rule, "first": first}, "rule")
        return key

    def replace_rule(
        self, session: str, key: str, rule: Mapping[str, Any], in_python: InPython | None = None
    ) -> None:
        """Change an added rule; its place and counters stay."""
        _check(in_python)
        self._do("replace_rule", session, {"key": key, "rule": rule}, "rule")

    def remove_rule(self, session: str, key: str) -> None:
        """Remove an added rule."""
        self._do("remove_rule", session, {"key": key}, "rule")

    def set_trouble(self, session: str, trouble: Mapping[str, Any]) -> None:
        """Replace these parts of the scenario; others stay, None takes one away."""
        self._edit("set_trouble", session, {"trouble": trouble})

    def change(self, session: str, changes: Changes) -> None:
        """Change settings from the next request on."""
        told = changes.model_dump(mode="json", exclude_unset=True)

        def words() -> dict[str, Any]:
            aged = {} if changes.time_scale is None else {"age": self._here.age(session)}
            return {"changes": told, **aged}

        self._do("change", session, words, "lasting")

    def advance(self, session: str, seconds: float) -> None:
        """Move the session's time on; only time that does not run by itself can be."""

        def to() -> dict[str, Any]:
            # Nothing takes time back, and who fell behind may miss what was before.
            self._here.advance(session, seconds if not 0 <= seconds < math.inf else 0.0)
            return {"to": self._here.advanced(session) + seconds}

        self._do("advance", lambda: self._here.whose_time(session), to, "lasting")

    def reset(self, session: str | None) -> None:
        """Forget what a session did: counters, states, journal, added rules. None: all sessions."""
        self._do("reset", session or "", {"every": session is None}, _reset_of(session))

    def set_state(self, session: str, states: Mapping[str, Scalar]) -> None:
        """Set named states; None unsets."""
        self._here.set_state(session, states)

    def take(self) -> None:
        """Begin to do something."""
        self._last = None
        self._here.take()

    def show(self) -> None:
        """Let requests see it done."""
        self._here.show()
        if self._last is not None:
            self._here.perform(*self._last)

    def begin(self, mark: Mark) -> None:
        """Be as at the beginning, as a server that nothing was done to."""
        self._here.draft.eras = _eras(mark)
        self._here.begin(self._begun)

    def apply(self, op: Op, mark: Mark) -> None:
        """Do once more what some process has done."""
        self._here.draft.eras = _eras(mark)
        self._here.perform(op.verb, op.session, op.words)

    def _edit(self, verb: str, session: str, words: Mapping[str, Any]) -> None:
        """Do what makes another edition of a scenario."""
        self._do(
            verb,
            session,
            lambda: {**words, "edition": self._here.edition(session) + 1},
            "lasting",
        )

    def _do(
        self,
        verb: str,
        session: str | Callable[[], str],
        words: Mapping[str, Any] | Callable[[], Mapping[str, Any]],
        kind: Kind,
    ) -> Any:
        """Do something in all processes; what depends on what others do is asked for then."""
        result: Any = None
        here = self._here

        def do(mark: Mark, at: float) -> Op:
            nonlocal result
            here.draft.eras = _eras(mark)
            whose = session if isinstance(session, str) else session()
            given = words() if callable(words) else words
            if verb == "advance":  # which cannot be taken back
                self._last = verb, whose, given
            else:
                result = here.perform(verb, whose, given)
            return Op(verb, whose, given, at)

        self._world.commit(do, kind, lambda: here.forgotten)
        return result


def _check(in_python: InPython | None) -> None:
    if in_python is not None and (in_python.where or in_python.functions):
        raise UsageError("a rule that several processes share holds no functions of Python")


def _reset_of(session: str | None) -> Kind:
    return "reset all" if session is None else "reset"


def _scale(clock: Clock) -> TimeScale:
    return "manual" if isinstance(clock, ManualClock) else clock.scale


def _eras(mark: Mark) -> Callable[[str], int]:
    """Give what all processes call the eras of sessions that begin with an operation."""

    def era(key: str) -> int:
        told = f"{mark.began}/{mark.version}/{key}".encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(told, digest_size=5).digest())

    return era
