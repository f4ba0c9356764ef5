"""The ledger: what a gateway knows of the traffic it has seen, in SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockdock.accounts import (
    ContentPart,
    Figures,
    Group,
    Hour,
    Model,
    ModelUsage,
    Said,
    SaidBy,
    Span,
    StoredMessage,
    Thread,
    ThreadCost,
    ThreadPage,
    TotalUsage,
    UnitUsage,
    Usage,
)
from mockdock.later import attributes
from mockdock.ledger.books import Accounts, Books
from mockdock.ledger.entry import Entry
from mockdock.ledger.history import PastModel, PastUser, history
from mockdock.question import GroupBy, NewModel, Price, Unit

if TYPE_CHECKING:
    from mockdock.ledger.ledger import Ledger
    from mockdock.ledger.seeds import PastPrices, PastThread, Seeds
else:  # SQLite, which is for those who have an account
    _SEEDS = ("PastPrices", "PastThread", "Seeds")
    _HOMES = {"Ledger": "ledger.ledger", **dict.fromkeys(_SEEDS, "ledger.seeds")}
    __getattr__ = attributes(__name__, _HOMES)

__all__ = [
    "Accounts",
    "Books",
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
]


def __dir__() -> list[str]:
    """Tell of what is imported when it is asked for as well."""
    return list(__all__)
