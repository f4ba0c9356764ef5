"""What happened: exchanges, the journal that keeps them, and those who look at them."""

from mockdock.observe.entry import Entry
from mockdock.observe.exchange import Exchange, Observer
from mockdock.observe.journal import Journal
from mockdock.observe.kept import Keeper, Kept
from mockdock.observe.line import line
from mockdock.observe.metrics import Metrics
from mockdock.observe.record import record
from mockdock.observe.tally import Tally, Use
from mockdock.observe.writer import JournalWriter, check_journal

__all__ = [
    "Entry",
    "Exchange",
    "Journal",
    "JournalWriter",
    "Keeper",
    "Kept",
    "Metrics",
    "Observer",
    "Tally",
    "Use",
    "check_journal",
    "line",
    "record",
]
