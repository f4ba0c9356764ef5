"""What is said: matching, picking, composing."""

from mockdock.engine.conditions import Condition
from mockdock.engine.decision import Decision, Explained
from mockdock.engine.engine import Engine
from mockdock.engine.match import AddedRule, Compiled, Function
from mockdock.engine.nearest import idle
from mockdock.engine.store import MemoryStore, Store
from mockdock.engine.stored import MemoryShelf, Shelf

__all__ = [
    "AddedRule",
    "Compiled",
    "Condition",
    "Decision",
    "Engine",
    "Explained",
    "Function",
    "MemoryShelf",
    "MemoryStore",
    "Shelf",
    "Store",
    "idle",
]
