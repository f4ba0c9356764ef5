"""What an answer costs."""

from __future__ import annotations

from mockdock.content.catalogue import Model
from mockdock.usage import Usage

__all__ = ["cost"]

_MILLION = 1_000_000


def cost(model: Model, usage: Usage) -> float:
    """Give the price of an answer in US dollars, 0 where the catalogue knows none."""
    prices = model.prices
    if prices is None:
        return 0.0
    cached = usage.cached_tokens if prices.cached_input is not None else 0
    dollars = (
        (usage.prompt_tokens - cached) * float(prices.input)
        + cached * float(prices.cached_input or 0)
        + usage.completion_tokens * float(prices.output)
    )
    return dollars / _MILLION
