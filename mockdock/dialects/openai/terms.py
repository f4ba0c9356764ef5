"""What a client asks for every time: parameters that were found valid once are not looked at again.

Requests of one client differ in their conversation, and hardly in anything else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

import orjson
from pydantic import create_model

from mockdock.dialects.openai.rules import asks_nothing_again
from mockdock.dialects.openai.wire import ChatRequest
from mockdock.dialects.openai.wire_base import Wire
from mockdock.request import Caller, DialectName, Request, Traits

__all__ = ["Key", "Terms", "conversation_of", "key_of", "known_terms", "remember_terms"]

_MOST = 256
_LONGEST = 32 * 1024
"""Bytes of parameters that are remembered; all of them together take some 20 MB at most."""

Key = tuple[DialectName, type[ChatRequest], bytes]


class Terms(NamedTuple):
    """Parameters that are valid for a model with these ``traits``.

    ``wire`` is a request with them, ``request`` what it says, both without a conversation.
    ``settled`` tells that no plain conversation could be wrong with them. ``mark`` is theirs
    where nothing but their number could be wrong with plain messages themselves, else None.
    """

    traits: Traits
    wire: ChatRequest
    request: Request
    settled: bool
    mark: object


_known: OrderedDict[Key, Terms] = OrderedDict()
_lock = Lock()


def key_of(dialect: DialectName, wire: type[ChatRequest], body: Mapping[str, Any]) -> Key | None:
    """Give what the parameters of a body are known by; None where there are too many."""
    try:
        written = orjson.dumps({**body, "messages": None})
    except TypeError:  # nested deeper than JSON is written, or a lone surrogate
        return None
    return (dialect, wire, written) if len(written) <= _LONGEST else None


def known_terms(key: Key) -> Terms | None:
    """Give parameters that were remembered, None where they are not."""
    terms = _known.get(key)
    if terms is not None:
        try:  # noqa: SIM105 - as a block it takes three times as long
            _known.move_to_end(key)
        except KeyError:  # another thread has just let it go
            pass
    return terms


def remember_terms(key: Key, traits: Traits, wire: ChatRequest, request: Request) -> None:
    """Remember the parameters of a valid request, those used longest ago no more."""
    bare = replace(request, messages=(), caller=Caller(), headers={}, body={}, raw=b"")
    bare = bare.but(recurs=object())
    settled = asks_nothing_again(wire, traits)
    mark = bare.recurs if settled and type(wire) is ChatRequest else None
    with _lock:
        _known[key] = Terms(traits, wire.model_copy(update={"messages": []}), bare, settled, mark)
        if len(_known) > _MOST:
            _known.popitem(last=False)


@lru_cache
def conversation_of(wire: type[ChatRequest]) -> type[Conversation]:
    """Give the form of the messages alone; what is wrong with them is told as in the whole."""
    form = wire.model_fields["messages"].rebuild_annotation()
    return create_model(f"{wire.__name__}Messages", __base__=Conversation, messages=(form, ...))


class Conversation(Wire):
    """The messages of a request."""

    messages: list[Any]
