"""Learning what other processes have done, before a request asks for it."""

from __future__ import annotations

from collections.abc import Awaitable

from mockdock.engine.stored import Shelf
from mockdock.ledger import Accounts
from mockdock.request import Request

__all__ = ["refresh"]


def refresh(request: Request, books: Accounts, shelf: Shelf) -> Awaitable[None] | None:
    """Learn what others keep of what a request may ask for; None where there are no others."""
    if request.account is not None:
        return books.current()
    return None if request.stored is None else shelf.current()
