"""Bodies and events: OpenAI's, without the service tier, which Langdock does not support."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from msgspec.structs import replace

from mockdock.dialects.azure.render import frames as as_azure
from mockdock.dialects.langdock.failures import body
from mockdock.dialects.openai.render import frames as as_openai
from mockdock.frames import Frame
from mockdock.gateways import USUAL, Gateways
from mockdock.reply import Completion, Failure, Reply
from mockdock.request import Request

__all__ = ["frames"]

_LINE = b'  "service_tier": %b,\n'


def frames(request: Request | None, reply: Reply, gateways: Gateways = USUAL) -> Iterator[Frame]:
    """Render a reply; only a completion asked as a stream has several frames."""
    if isinstance(reply, Failure):
        yield Frame(body(reply, gateways.langdock))
        return
    if not isinstance(reply, Completion):
        yield from as_openai(request, reply, gateways)
        return
    if gateways.langdock.replies == "azure":
        yield from as_azure(request, reply, gateways)
        return
    form = b'"service_tier":%b,' if request is not None and request.stream else _LINE
    tier = form % orjson.dumps(reply.service_tier)
    for frame in as_openai(request, reply, gateways):
        # Only a key has bare quotes: those within a text are escaped.
        yield replace(frame, data=frame.data.replace(tier, b"", 1))
