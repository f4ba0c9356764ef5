"""The control API: every verb of a running server over HTTP, below ``/__mockdock``."""

from mockdock.observe.control.app import control_app

__all__ = ["control_app"]
