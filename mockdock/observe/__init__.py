"""What happened: exchanges, and those who look at them."""

from mockdock.observe.exchange import Exchange, Observer
from mockdock.observe.line import line

__all__ = ["Exchange", "Observer", "line"]
