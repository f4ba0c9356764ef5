"""The control API of a server in this process."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from mockdock.app import App
from mockdock.later import later
from mockdock.names import CONTROL_PATH
from mockdock.observe.control import MountedControl

if TYPE_CHECKING:
    from mockdock.observe.verbs import Verbs

__all__ = ["mount_control"]

_local_verbs: Callable[..., Verbs] = later("local.verbs:LocalVerbs")


def mount_control(
    app: App,
    url: Callable[[], str],
    token: str | None = None,
    verbs: Callable[[], Verbs] | None = None,
) -> None:
    """Serve the control API of an application at ``/__mockdock``.

    ``url`` tells where the application is served. Only this machine may use it,
    or with a ``token`` whoever sends that. The first request makes the ``verbs``: where
    none are given, those of this process, which read no files and show no secrets to
    what comes from outside. Raises UsageError for a token that cannot be one.
    """
    outside = verbs or partial(_local_verbs, app, url, files=False, secrets=False)
    app.mount(CONTROL_PATH, MountedControl(outside, token))
