"""What is said: matching, picking, composing."""

from mockdock.engine.engine import Decision, Engine
from mockdock.engine.store import MemoryStore, Store
from mockdock.engine.stored import MemoryShelf, Shelf

__all__ = ["Decision", "Engine", "MemoryShelf", "MemoryStore", "Shelf", "Store"]
