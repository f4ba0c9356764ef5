"""From a reply to bytes: one JSON body, or the events of a stream.

Keys come in the order recorded from api.openai.com in March 2026; bodies are
indented by two spaces, text is not escaped beyond JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from mockdock.dialects.openai.completion import told_completion
from mockdock.dialects.openai.events import events
from mockdock.dialects.openai.failures import tell
from mockdock.dialects.openai.told import said_tokens
from mockdock.embedding import Embeddings
from mockdock.frames import Frame
from mockdock.gateways import USUAL, Gateways
from mockdock.later import later
from mockdock.moderation import Moderations
from mockdock.reply import (
    Completion,
    Deleted,
    Failure,
    MessagePage,
    ModelCard,
    ModelDeleted,
    ModelList,
    Reply,
    StoredCompletion,
    StoredPage,
)
from mockdock.request import Request

__all__ = ["frames", "together"]


def together(request: Request | None, reply: Reply, gateways: Gateways = USUAL) -> Iterator[Frame]:
    """Render a reply; the events of a stream are made as few frames."""
    if not isinstance(reply, Completion) or request is None or request.completing is not None:
        return frames(request, reply, gateways)
    if not request.stream:
        return iter((told_completion(reply),))
    return events(reply, with_usage=request.include_usage, together=True)


Told = Callable[[Request | None, Reply], dict[str, Any]]

_text_events: Callable[[Request, Completion], Iterator[Frame]] = later(
    "dialects.openai.texts_told:text_events"
)
_told_text: Told = later("dialects.openai.texts_told:told_text")
_told_stored: Told = later("dialects.openai.stored_told:told_stored")
_told_embeddings: Told = later("dialects.openai.embeddings_told:told_embeddings")
_told_moderations: Callable[[Moderations], dict[str, Any]] = later(
    "dialects.openai.moderations_told:told_moderations"
)


def frames(request: Request | None, reply: Reply, _: Gateways = USUAL) -> Iterator[Frame]:
    """Render a reply; only a completion asked as a stream has several frames."""
    match reply:
        case Completion():
            older = request is not None and request.completing is not None
            if request is not None and request.stream:
                yield from (
                    _text_events(request, reply)
                    if older
                    else events(reply, with_usage=request.include_usage)
                )
            else:
                yield _told_older(request, reply) if request and older else told_completion(reply)
        case Failure():
            yield Frame(orjson.dumps(tell(reply).body(), option=orjson.OPT_INDENT_2))
        case ModelCard():
            yield Frame(_pretty(_card(reply)))
        case ModelDeleted(id=name):
            yield Frame(_pretty({"id": name, "object": "model", "deleted": True}))
        case ModelList(models=models):
            yield Frame(_pretty({"object": "list", "data": [_card(model) for model in models]}))
        case StoredCompletion() | StoredPage() | MessagePage() | Deleted():
            yield Frame(_pretty(_told_stored(request, reply)))
        case Embeddings():
            yield Frame(_pretty(_told_embeddings(request, reply)))
        case Moderations():
            yield Frame(_pretty(_told_moderations(reply)))


def _pretty(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _card(model: ModelCard) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.owned_by,
    }


def _told_older(request: Request, reply: Completion) -> Frame:
    tokens = max(map(said_tokens, reply.choices), default=0)
    return Frame(_pretty(_told_text(request, reply)), tokens)
