"""What is said: matching, picking, composing."""

from mockdock.engine.engine import Decision, Engine
from mockdock.engine.store import MemoryStore, Store

__all__ = ["Decision", "Engine", "MemoryStore", "Store"]
