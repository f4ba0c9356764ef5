"""What each of several processes that share nothing can say, and what it must not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Never

from mockdock.app import App
from mockdock.engine import Engine, MemoryShelf
from mockdock.engine.surviving import SurvivingStore
from mockdock.errors import NoStoreError
from mockdock.ledger import Books, Entry
from mockdock.local.apart import ApartVerbs
from mockdock.local.mounting import mount_control
from mockdock.question import Question
from mockdock.reply import StoredCompletion
from mockdock.request import StoredOperation
from mockdock.routing import Metrics
from mockdock.scenario import Scenario

__all__ = ["engine_alone", "mount_alone"]

_REASON = (
    "several workers serve here and share nothing; start them with --store redis://..., or one "
    "with --workers 1"
)


def engine_alone(scenario: Scenario, seed: int | None) -> Engine:
    """Make an engine that answers what does not depend on what happened before.

    All else raises NoStoreError.
    """
    store = SurvivingStore(None, _REASON)
    return Engine(scenario, seed=seed, store=store, shelf=_NoShelf(), books=_NoBooks())


def mount_alone(app: App, url: Callable[[], str], token: str | None) -> None:
    """Serve what of the control API any of the processes can tell."""
    mount_control(app, url, token, lambda: ApartVerbs(app, url, _REASON))


def _refuse() -> Never:
    raise NoStoreError(_REASON)


class _NoShelf(MemoryShelf):
    """Keeps nothing: the next request may come to another process."""

    def keep(self, session: str, stored: StoredCompletion) -> None:
        """Keep nothing."""

    def find(self, session: str, which: str) -> Never:  # noqa: ARG002
        """Tell that it cannot be known."""
        _refuse()

    def page(self, session: str, wanted: StoredOperation) -> Never:  # noqa: ARG002
        """Tell that it cannot be known."""
        _refuse()

    def update(self, session: str, which: str, metadata: Mapping[str, str]) -> Never:  # noqa: ARG002
        """Tell that it cannot be known."""
        _refuse()

    def remove(self, session: str, which: str) -> Never:  # noqa: ARG002
        """Tell that it cannot be known."""
        _refuse()


class _NoBooks(Books):
    """Keeps no accounts."""

    def add(self, session: str, *entries: Entry) -> None:
        """Keep nothing."""

    def ask(self, session: str, project: str, question: Question, now_us: int) -> Never:  # noqa: ARG002
        """Tell that it cannot be known."""
        _refuse()

    def metrics(self, session: str, project: str) -> Mapping[tuple[str, str], Metrics]:  # noqa: ARG002
        """Tell that it cannot be known."""
        _refuse()
