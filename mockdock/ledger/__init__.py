"""The ledger: what a gateway knows of the traffic it has seen, in SQLite."""

from __future__ import annotations

from mockdock.ledger.answers import (
    Figures,
    Group,
    GroupBy,
    Hour,
    ModelUsage,
    StoredMessage,
    Thread,
    ThreadCost,
    ThreadPage,
    TotalUsage,
    Unit,
    UnitUsage,
    Usage,
)
from mockdock.ledger.entry import ContentPart, Entry, Said, SaidBy
from mockdock.ledger.history import PastModel, PastUser, history
from mockdock.ledger.ledger import Ledger
from mockdock.ledger.models import Model, NewModel
from mockdock.ledger.moments import Span, label, moment
from mockdock.ledger.prices import Price
from mockdock.ledger.seeds import PastPrices, PastThread, Seeds

__all__ = [
    "ContentPart",
    "Entry",
    "Figures",
    "Group",
    "GroupBy",
    "Hour",
    "Ledger",
    "Model",
    "ModelUsage",
    "NewModel",
    "PastModel",
    "PastPrices",
    "PastThread",
    "PastUser",
    "Price",
    "Said",
    "SaidBy",
    "Seeds",
    "Span",
    "StoredMessage",
    "Thread",
    "ThreadCost",
    "ThreadPage",
    "TotalUsage",
    "Unit",
    "UnitUsage",
    "Usage",
    "history",
    "label",
    "moment",
]
