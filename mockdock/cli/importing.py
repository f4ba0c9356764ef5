"""Imports of a command that brings much along."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["importing"]


@contextmanager
def importing() -> Iterator[None]:
    """Import without looking for garbage meanwhile, nor ever again in what is there by then.

    Of what is imported next to nothing is garbage; looking for it, again and again, takes a
    twentieth of the time, and later holds up replies.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
