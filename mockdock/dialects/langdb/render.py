"""Bodies and events: OpenAI's, in the form of LangDB's gateway.

Of the source of its open gateway (8f3a206): compact JSON, ids that are uuids, one to an
event, the role on every delta, an event of usage always; no ``service_tier``,
``system_fingerprint`` or ``logprobs`` but those of its specification. A plain reply names
its model with the provider, events by the name that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from msgspec.structs import replace

from mockdock.dialects.langdb.events import events, told_usage, uuids
from mockdock.dialects.langdb.failures import body
from mockdock.dialects.langdb.told import told_account
from mockdock.dialects.openai.embeddings_told import told_embeddings
from mockdock.dialects.openai.message import told_message
from mockdock.dialects.openai.render import frames as as_openai
from mockdock.dialects.openai.told import said_logprobs, said_tokens
from mockdock.embedding import Embeddings
from mockdock.frames import Frame
from mockdock.gateways import USUAL, Gateways
from mockdock.reply import Choice, Completion, Failure, Reply
from mockdock.request import Request

__all__ = ["frames"]

_VECTOR = ("object", "embedding", "index")


def frames(request: Request | None, reply: Reply, gateways: Gateways = USUAL) -> Iterator[Frame]:
    """Render a reply; only a completion asked as a stream has several frames."""
    if isinstance(reply, Failure):
        yield Frame(body(request, reply))
        return
    if isinstance(reply, Completion):
        if request is not None and request.stream:
            yield from events(request, reply)
            return
        tokens = max(map(said_tokens, reply.choices), default=0)
        yield Frame(orjson.dumps(_completion(reply)), tokens)
        return
    if isinstance(reply, Embeddings):
        told = told_embeddings(request, reply)
        told["data"] = [{name: each[name] for name in _VECTOR} for each in told["data"]]
        account = None if request is None else request.account
        told["model"] = reply.model if account is None else account.model
        told["usage"]["cost"] = reply.usage.cost or 0.0
        yield Frame(orjson.dumps(told))
        return
    told = told_account(request, reply, gateways.langdb)
    if told is not None:
        yield Frame(orjson.dumps(told))
        return
    for frame in as_openai(request, reply, gateways):
        yield replace(frame, data=orjson.dumps(orjson.loads(frame.data)))


def _completion(reply: Completion) -> dict[str, Any]:
    usage = {"usage": told_usage(reply.usage)} if reply.tells_usage else {}
    return {
        "id": next(uuids(reply)),
        "object": "chat.completion",
        "created": reply.created,
        "model": reply.model,
        "choices": [_choice(each, reply) for each in reply.choices],
        **usage,
    }


def _choice(choice: Choice, reply: Completion) -> dict[str, Any]:
    """Give a choice without what is null: a message is what there is of it."""
    told = {
        "index": choice.index,
        "message": _message(told_message(choice)),
        "finish_reason": choice.finish,
    }
    likely = said_logprobs(choice) if reply.logprobs and not reply.reasoning_model else None
    if likely is not None:
        told["logprobs"] = likely
    return told


def _message(message: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in message.items() if value not in (None, [])}
    return {"role": "assistant", "content": message["content"], **kept}
