"""What is said: matching, picking, composing."""

from mockdock.engine.accounting import threaded
from mockdock.engine.admission import Admission
from mockdock.engine.chance import Entropy
from mockdock.engine.conditions import Condition
from mockdock.engine.decision import Decision, Explained
from mockdock.engine.engine import Engine
from mockdock.engine.gauges import Gauge, gauges
from mockdock.engine.match import AddedRule, Compiled, Function
from mockdock.engine.memory import MemoryStore
from mockdock.engine.routing import further, resolves_long
from mockdock.engine.store import Pick, Store
from mockdock.engine.stored import MemoryShelf, Shelf, identify
from mockdock.engine.trails import Walk
from mockdock.engine.wishing import WISH_HEADER, wished
from mockdock.scenario import Wish

__all__ = [
    "WISH_HEADER",
    "AddedRule",
    "Admission",
    "Compiled",
    "Condition",
    "Decision",
    "Engine",
    "Entropy",
    "Explained",
    "Function",
    "Gauge",
    "MemoryShelf",
    "MemoryStore",
    "Pick",
    "Shelf",
    "Store",
    "Walk",
    "Wish",
    "further",
    "gauges",
    "identify",
    "resolves_long",
    "threaded",
    "wished",
]
