"""The verbs of one of several processes that share nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Never

from mockdock.app import App
from mockdock.errors import NoStoreError
from mockdock.local.looking import Looking

__all__ = ["ApartVerbs"]


class ApartVerbs(Looking):
    """Tells what all of them would tell, and the numbers of all. No session is ever open.

    The rest raises NoStoreError with ``reason``: one process knows a part of what was asked,
    and what is changed in one would not be in another.
    """

    def __init__(self, app: App, url: Callable[[], str], reason: str) -> None:
        super().__init__(app, url, secrets=False)
        self._reason = reason

    def _refuse(self, *_: Any, **__: Any) -> Never:
        raise NoStoreError(self._reason)

    # Of the past: each knows its own.
    rules = limits = journal = counts = verify = audit = wait = state = _refuse
    # Of the future: only this one would change.
    open = close = load = add_rule = replace_rule = remove_rule = set_trouble = set_state = _refuse
    change = advance = reset = _refuse
