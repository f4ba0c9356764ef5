"""The control API: every verb of a running server over HTTP, below ``/__mockdock``."""

from mockdock.observe.control.mounted import MountedControl

__all__ = ["MountedControl"]
