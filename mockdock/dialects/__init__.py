"""How each provider speaks: wire JSON in, frames out.

A new dialect is a module that makes a :class:`Dialect`, and a line in ``DIALECTS``.
"""

from mockdock.dialects.base import Call, Dialect, Envelope, Route, caller
from mockdock.dialects.openai import openai

__all__ = ["DIALECTS", "Call", "Dialect", "Envelope", "Route", "caller"]

DIALECTS: tuple[Dialect, ...] = (openai,)
"""Every wire API served, in the order routes are tried; the first answers unknown paths."""
