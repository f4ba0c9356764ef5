"""What happened: exchanges, the journal that keeps them, and those who look at them."""

from mockdock.observe.exchange import Exchange, Observer
from mockdock.observe.journal import Entry, Journal, Tally, Use
from mockdock.observe.line import line
from mockdock.observe.record import record

__all__ = ["Entry", "Exchange", "Journal", "Observer", "Tally", "Use", "line", "record"]
