"""The verbs of a server elsewhere, in this process or on another machine."""

from mockdock.remote.verbs import RemoteVerbs

__all__ = ["RemoteVerbs"]
