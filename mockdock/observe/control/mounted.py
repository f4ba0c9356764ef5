"""The control API as a server has it: made when somebody first asks it something."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from mockdock.later import later
from mockdock.observe.control.token import check_token

if TYPE_CHECKING:
    from mockdock.observe.verbs import Verbs

__all__ = ["MountedControl"]

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_control_app: Callable[[Verbs, str | None], App] = later("observe.control.app:control_app")


class MountedControl:
    """The control API of a server, to be mounted at ``/__mockdock``, as ``control_app`` makes it.

    Most servers are never asked, so its parts are imported and its ``verbs`` made by the first
    request, in a thread: replies under way do not wait. Raises UsageError at once for a
    ``token`` that cannot travel in a header.
    """

    def __init__(self, verbs: Callable[[], Verbs], token: str | None = None) -> None:
        if token is not None:
            check_token(token)
        self._verbs = verbs
        self._token = token
        self._made: App | None = None
        self._making = threading.Lock()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection."""
        made = self._made
        if made is None:
            made = await to_thread.run_sync(self._make)
        await made(scope, receive, send)

    def _make(self) -> App:
        with self._making:
            if self._made is None:
                self._made = _control_app(self._verbs(), self._token)
            return self._made
