"""Showing an exchange to all who look on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence

from mockdock.observe import Exchange, Observer

__all__ = ["show"]

_log = logging.getLogger("mockdock")
_UNDER_WAY: set[asyncio.Future[None]] = set()
"""What a loop might forget, since it holds on to no task."""


def show(
    exchange: Exchange, observers: Sequence[Observer], settled: Awaitable[None] | None
) -> Awaitable[None] | None:
    """Show an exchange to all; who raises breaks nothing.

    Gives what is to be awaited before all is told, ``settled`` too, None where nothing is.
    It goes on by itself also where nobody awaits it.
    """
    waits = [] if settled is None else [settled]
    for observer in observers:
        try:
            shown = observer(exchange)
        except Exception:  # noqa: BLE001 - who looks on must not break what is looked at
            _log.exception("an observer failed")
        else:
            if shown is not None:
                waits.append(shown)
    return _together(waits) if waits else None


def _together(waits: Sequence[Awaitable[None]]) -> Awaitable[None]:
    task = asyncio.ensure_future(_all(waits))
    _UNDER_WAY.add(task)
    task.add_done_callback(_UNDER_WAY.discard)
    return asyncio.shield(task)


async def _all(waits: Sequence[Awaitable[None]]) -> None:
    for raised in await asyncio.gather(*waits, return_exceptions=True):
        if isinstance(raised, Exception):
            _log.error("an observer failed", exc_info=raised)
