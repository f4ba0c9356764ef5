"""What happened: exchanges, the journal that keeps them, and those who look at them."""

from mockdock.observe.exchange import Exchange, Observer
from mockdock.observe.journal import Entry, Journal, Tally, Use
from mockdock.observe.line import line
from mockdock.observe.metrics import Metrics
from mockdock.observe.record import record
from mockdock.observe.replay import replay
from mockdock.observe.report import exchanges, report
from mockdock.observe.writer import JournalWriter

__all__ = [
    "Entry",
    "Exchange",
    "Journal",
    "JournalWriter",
    "Metrics",
    "Observer",
    "Tally",
    "Use",
    "exchanges",
    "line",
    "record",
    "replay",
    "report",
]
