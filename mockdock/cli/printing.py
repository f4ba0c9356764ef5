"""What a server prints while it serves: a line for each exchange, and uvicorn's own."""

from __future__ import annotations

import logging
import sys

from mockdock.observe import Exchange, line

__all__ = ["Printer", "log_access", "put"]

_WHOLE = 1000
"""Letters of up to four bytes: a pipe takes 4096 bytes at once on Linux."""


def log_access() -> None:
    """Print uvicorn's access log as well."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("uvicorn.access")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def put(text: str) -> bool:
    """Print, and tell whether anybody could read it; serving goes on all the same."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError):
        return False
    return True


class Printer:
    """Prints one line per exchange, until nobody reads them any more.

    Where ``others`` print as well, a line is short enough for a pipe to take it whole.
    """

    def __init__(self, *, others: bool) -> None:
        self._most = _WHOLE if others else None
        self._color = sys.stdout.isatty()
        self._closed = False

    def __call__(self, exchange: Exchange) -> None:
        """Print the line of an exchange."""
        if not self._closed:
            told = line(exchange, color=self._color)[: self._most]
            self._closed = not put(f"{told}\n")
