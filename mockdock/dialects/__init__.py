"""How each provider speaks: wire JSON in, frames out.

A new dialect is a module that makes a :class:`Dialect`, and a line in ``DIALECTS``.
"""

from collections.abc import Collection

from mockdock.dialects.azure import azure
from mockdock.dialects.base import Call, Dialect, Envelope, Route, Sent, caller
from mockdock.dialects.langdb import langdb
from mockdock.dialects.langdock import langdock
from mockdock.dialects.openai import openai
from mockdock.errors import UsageError

__all__ = ["DIALECTS", "Call", "Dialect", "Envelope", "Route", "Sent", "caller", "chosen"]

DIALECTS: tuple[Dialect, ...] = (openai, azure, langdock, langdb)
"""Every wire API there is, in the order routes are tried."""


def chosen(names: Collection[str] | None) -> tuple[Dialect, ...]:
    """Give the dialects of these names, in their usual order; all of them for None.

    Raises UsageError for a name there is not, and for none at all.
    """
    if names is None:
        return DIALECTS
    known = {each.name: each for each in DIALECTS}
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        asked = f"no dialect {unknown[0]!r}" if unknown else "a server needs a dialect"
        raise UsageError(f"{asked}; there are {', '.join(known)}")
    return tuple(each for name, each in known.items() if name in names)
