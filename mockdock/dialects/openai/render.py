"""From a reply to bytes: one JSON body, or the events of a stream.

Keys come in the order recorded from api.openai.com in March 2026; bodies are
indented by two spaces, text is not escaped beyond JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from mockdock.dialects.openai.choices import Written, written_choices
from mockdock.dialects.openai.events import events
from mockdock.dialects.openai.failures import tell
from mockdock.dialects.openai.told import PREFIX, said_tokens, told_usage
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

__all__ = ["frames", "mould", "together"]


def together(request: Request | None, reply: Reply, gateways: Gateways = USUAL) -> Iterator[Frame]:
    """Render a reply; the events of a stream are made as few frames."""
    if not isinstance(reply, Completion) or request is None or request.completing is not None:
        return frames(request, reply, gateways)
    if not request.stream:
        return iter((_told(reply),))
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
                yield _told_older(request, reply) if request and older else _told(reply)
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


def _told(reply: Completion) -> Frame:
    choices = written_choices(reply)
    return Frame(_pretty(_told_object(reply, choices)), choices.tokens)


def mould(reply: Completion) -> Callable[[Completion], Frame]:
    """Give what renders a completion that differs in id, time and prompt tokens alone."""
    choices = written_choices(reply)
    told = _told_object(reply, choices)
    open_ = orjson.Fragment(b"\0")  # which no JSON text holds
    usage = {**told["usage"], "prompt_tokens": open_, "total_tokens": open_}
    told = {**told, "id": orjson.Fragment(b'"\0"'), "created": open_, "usage": usage}
    before, second, third, fourth, last = _pretty(told).split(b"\0")
    before += PREFIX.encode()

    def cast(alike: Completion) -> Frame:
        named, created, usage = alike.id.encode(), b"%d" % alike.created, alike.usage
        prompt, total = b"%d" % usage.prompt_tokens, b"%d" % usage.total_tokens
        parts = before, named, second, created, third, prompt, fourth, total, last
        return Frame(b"".join(parts), choices.tokens)

    return cast


def _told_object(reply: Completion, choices: Written) -> dict[str, Any]:
    usage = {"usage": told_usage(reply.usage)} if reply.tells_usage else {}
    return {
        "id": f"{PREFIX}{reply.id}",
        "object": "chat.completion",
        "created": reply.created,
        "model": reply.model,
        "choices": choices.json,
        **usage,
        "service_tier": reply.service_tier,
        "system_fingerprint": reply.system_fingerprint,
    }
