"""What is made ready beside serving."""

from __future__ import annotations

import threading

from mockdock.app import App
from mockdock.content.tokens import tokenizer

__all__ = ["load_ranks"]

_SOON = 1.0
"""Real seconds."""


def load_ranks(app: App) -> None:
    """Load all ranks meanwhile, but after the first answer if that is wanted within a second.

    Its few words are counted without them, and loading holds up everything else.
    """
    answered = threading.Event()

    def tell(_: object) -> None:
        answered.set()

    def load() -> None:
        ranks = tokenizer("o200k_base")
        answered.wait(_SOON)
        app.journal.unwatch(tell)
        ranks.load()

    app.journal.watch(tell)
    threading.Thread(target=load, daemon=True).start()
