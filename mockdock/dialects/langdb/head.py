"""Status and headers: who answered, and on which thread.

Of the source of its open gateway: ``x-trace-id``, ``x-model-name``, ``x-provider-name``.
``x-thread-id`` is a choice of ours: LangDB's documents say that a thread is made where a
client names none, and not how it is told. Headers of ours that tell of mockdock:
``x-mockdock-route``, the route that a router took, and the models of it that failed;
``x-mockdock-ignored``, what of a request means nothing; ``x-mockdock-param``, what is wrong
of it, for which the body has no place.
"""

from __future__ import annotations

import uuid
from functools import lru_cache
from urllib.parse import quote

from mockdock.dialects.base import Envelope
from mockdock.dialects.langdb.failures import is_text, status
from mockdock.dialects.openai.head import json_headers, merged, retry_headers
from mockdock.embedding import Embeddings
from mockdock.frames import Head
from mockdock.reply import Completion, Failure, Reply
from mockdock.request import Request

__all__ = ["head"]

_EVENTS = (b"content-type", b"text/event-stream")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_LONGEST = 1000


def head(request: Request | None, reply: Reply, envelope: Envelope) -> Head:
    """Build the head of any reply; limits are not told."""
    if isinstance(reply, Failure):
        own = {**envelope.extra, **_told(request), **retry_headers(reply, envelope)}
        if reply.param is not None:
            own["x-mockdock-param"] = quote(reply.param[:_LONGEST], safe="$[]._-")
        own |= reply.headers
        told = json_headers(envelope)
        if is_text(request, reply):
            told = (_TEXT, *told[1:])
        return Head(status(reply), merged(told, own))
    streamed = isinstance(reply, Completion) and request is not None and request.stream
    scripted = reply.headers if isinstance(reply, Completion | Embeddings) else {}
    start = (_EVENTS,) if streamed else json_headers(envelope)
    own = {**envelope.extra, **_told(request), **scripted}
    return Head(200, merged((*start, *_answered_by(request, envelope)), own))


def _told(request: Request | None) -> dict[str, str]:
    """Tell what became of a request on its way."""
    own: dict[str, str] = {}
    if request is not None and request.ignored:
        own["x-mockdock-ignored"] = ", ".join(request.ignored)
    routed = None if request is None or request.account is None else request.account.routed
    if routed is not None:
        tried = ", ".join(map("/".join, routed.failed))
        failed = f" after {tried}" if tried else ""
        own["x-mockdock-route"] = _written(f"{routed.route}{failed}").decode()
    return own


def _answered_by(request: Request | None, envelope: Envelope) -> tuple[tuple[bytes, bytes], ...]:
    account = None if request is None else request.account
    if request is None or account is None or account.question is not None:
        return ()
    told = [
        (b"x-model-name", _written(request.model)),
        (b"x-provider-name", _written(account.provider)),
    ]
    if request.api == "chat":
        trace = str(uuid.UUID(envelope.request_id)).encode()
        told = [(b"x-trace-id", trace), *told, (b"x-thread-id", _written(account.thread))]
    return tuple(told)


@lru_cache(1024)
def _written(name: str) -> bytes:
    """Write any name so that it fits into a header."""
    return quote(name[:_LONGEST], safe=" /:,;()[]'!@#&*+=", errors="replace").encode()
