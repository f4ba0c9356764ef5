"""Status and headers. None but those of the body are documented, so there are no others.

No ``access-control-*`` either: browsers are to stay outside.
"""

from __future__ import annotations

from urllib.parse import quote

from mockdock.dialects.base import Envelope
from mockdock.dialects.langdock.failures import param, status
from mockdock.dialects.openai.head import json_headers, merged, retry_headers
from mockdock.embedding import Embeddings
from mockdock.frames import Head
from mockdock.reply import Completion, Failure, Reply
from mockdock.request import Request

__all__ = ["head"]

_EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")
_PLAIN = "[]._-"


def head(request: Request | None, reply: Reply, envelope: Envelope) -> Head:
    """Build the head of any reply; limits are not told."""
    own = dict(envelope.extra)
    if request is not None and request.ignored:
        own["x-mockdock-ignored"] = ", ".join(request.ignored)
    if isinstance(reply, Failure):
        if wrong := param(reply, envelope.gateways.langdock):
            own["x-mockdock-param"] = quote(wrong, safe=_PLAIN)
        own = {**own, **retry_headers(reply, envelope), **reply.headers}
        return Head(status(reply), merged(json_headers(envelope), own))
    streamed = isinstance(reply, Completion) and request is not None and request.stream
    own |= reply.headers if isinstance(reply, Completion | Embeddings) else {}
    return Head(200, merged((_EVENTS,) if streamed else json_headers(envelope), own))
