"""The docks of a pytest run, and how far each was verified."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockdock.errors import MockdockError, VerificationError

if TYPE_CHECKING:
    from mockdock.testing.dock import MockDock

__all__ = ["Run", "Watched"]


class Watched:
    """The dock of one test.

    ``passed`` tells that the body of the test has, and was verified; ``shown``
    are the sections that reports of the test already have.
    """

    def __init__(self, dock: MockDock) -> None:
        self.dock = dock
        self.passed = False
        self.shown: set[tuple[str, str]] = set()


class Run:
    """What a pytest run knows: its settings, and the docks that are open.

    ``raised`` is what verifying raised last, ``setting_up`` the fixtures that
    are being set up, the innermost last.
    """

    def __init__(
        self, of_ini: Mapping[str, Any], of_command_line: Mapping[str, Any], journal: Path | None
    ) -> None:
        self.of_ini = of_ini
        self.of_command_line = of_command_line
        self.journal = journal
        self.raised: VerificationError | None = None
        self.watched: list[Watched] = []
        self.setting_up: list[str] = []
        self.shared: dict[MockDock, str] = {}
        self._concerned: set[MockDock] = set()
        self._before: dict[str, int] = {}

    def verify(self, dock: MockDock) -> None:
        """Verify a dock, if it is to be. Raises VerificationError."""
        if dock.opened and dock.strict:
            try:
                dock.verify()
            except VerificationError as error:
                self.raised = error
                raise

    def forget(self, watched: Watched) -> None:
        """Close the dock of a test that is over."""
        self.watched.remove(watched)
        # A server elsewhere may be gone; that is the end of the session too.
        with suppress(MockdockError, OSError):
            watched.dock.close()

    @contextmanager
    def sharing(self, dock: MockDock) -> Iterator[None]:
        """Keep a dock that several tests use; verify it in the end, unless one of them failed."""
        self.shared[dock] = self.setting_up[-1] if self.setting_up else ""
        try:
            yield
            if dock not in self._concerned:
                self.verify(dock)
        finally:
            del self.shared[dock]
            self._concerned.discard(dock)
            self._before.pop(dock.api_key, None)
            with suppress(MockdockError, OSError):
                dock.close()

    def failed(self, fixtures: Collection[str]) -> None:
        """Note that a test failed: the shared docks of its fixtures, and those it used."""
        self._concerned.update(dock for dock, name in self.shared.items() if name in fixtures)
        self._concerned.update(self.used())

    def note_shared(self) -> None:
        """Note how many calls the shared docks have had."""
        self._before = {dock.api_key: _requests(dock) or 0 for dock in self.shared}

    def used(self) -> list[MockDock]:
        """Give the shared docks that have had calls since, and those that cannot be asked."""
        now = [(dock, _requests(dock)) for dock in self.shared]
        return [
            dock
            for dock, count in now
            if count is None or count > self._before.get(dock.api_key, 0)
        ]


def _requests(dock: MockDock) -> int | None:
    """Count the requests a dock has had; None when its server, which is elsewhere, has gone."""
    try:
        return dock.counts().requests
    except (MockdockError, OSError):
        return None
