"""The verbs of a server in this process."""

from mockdock.local.verbs import LocalVerbs

__all__ = ["LocalVerbs"]
