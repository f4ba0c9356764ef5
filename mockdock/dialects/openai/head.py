"""Status and headers, as recorded from api.openai.com in March 2026.

Left out on purpose: Cloudflare's own headers, and ``strict-transport-security``
(a browser would refuse plain localhost afterwards). The rate-limit headers are
those of the scenario's limits; where it has none, there are none.
"""

from __future__ import annotations

import math
import uuid
from email.utils import formatdate
from functools import lru_cache

from mockdock.dialects.base import Envelope
from mockdock.dialects.openai.durations import go_duration, whole_milliseconds
from mockdock.dialects.openai.failures import tell
from mockdock.embedding import Embeddings
from mockdock.frames import Head
from mockdock.limit import told
from mockdock.reply import Completion, Failure, Made, Reply
from mockdock.request import Request

__all__ = ["head", "json_headers", "merged", "retry_headers"]

_FIXED = (
    (b"access-control-expose-headers", b"X-Request-ID"),
    (b"openai-organization", b"mockdock"),
    (b"openai-project", b"proj_mockdock"),
    (b"openai-version", b"2020-10-01"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-openai-proxy-wasm", b"v0.1"),
)
_JSON = (b"content-type", b"application/json")
_EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")
_REQUESTS, _TOKENS = (
    tuple(f"x-ratelimit-{what}-{counted}".encode() for what in ("limit", "remaining", "reset"))
    for counted in ("requests", "tokens")
)
_OURS = b"x-mockdock-"
"""How the names of headers begin that no provider has."""
_UNAUTHORIZED = 401
_LAST_DATE = 253_402_300_799
"""The end of the year 9999, beyond which no date is written."""
_LONGEST_NAME = 200


def head(request: Request | None, reply: Reply, envelope: Envelope) -> Head:
    """Build the head of any reply."""
    if isinstance(reply, Failure):
        return _failed(reply, envelope)
    streamed = isinstance(reply, Completion) and request is not None and request.stream
    own = reply.headers if isinstance(reply, Made) else {}
    start = (_EVENTS,) if streamed else json_headers(envelope)
    headers = (*start, *_model(request, reply), *_served(envelope))
    return Head(200, merged(headers, {**envelope.extra, **own}))


def json_headers(envelope: Envelope) -> tuple[tuple[bytes, bytes], ...]:
    """Give the headers of a body of JSON."""
    return _JSON, (b"content-length", b"%d" % envelope.length)


def _model(request: Request | None, reply: Reply) -> tuple[tuple[bytes, bytes], ...]:
    """Name the model, as embeddings and legacy completions do, where it fits into a header."""
    older = request is not None and request.completing is not None
    name = ""
    if isinstance(reply, Embeddings) or (older and isinstance(reply, Completion)):
        name = reply.model
    fits = 0 < len(name) <= _LONGEST_NAME and name.isascii() and name.isprintable()
    return ((b"openai-model", name.strip().encode()),) if fits else ()


def _served(envelope: Envelope) -> tuple[tuple[bytes, bytes], ...]:
    return (
        *_FIXED,
        (b"openai-processing-ms", b"%d" % envelope.processing_ms),
        *_limits(envelope),
        (b"x-request-id", b"req_" + envelope.request_id.encode()),
    )


def _limits(envelope: Envelope) -> tuple[tuple[bytes, bytes], ...]:
    """Tell of the rate limits, as recorded: limits, then what is left, then the resets."""
    standings = envelope.standings
    if standings is None:
        return ()
    limits, remaining, resets = [], [], []
    for names, standing in ((_REQUESTS, standings.requests), (_TOKENS, standings.tokens)):
        if standing is not None:
            reset = go_duration(standing.reset * envelope.time_scale)
            limits.append((names[0], b"%d" % standing.limit))
            remaining.append((names[1], b"%d" % standing.remaining))
            resets.append((names[2], reset.encode()))
    return (*limits, *remaining, *resets)


def _failed(failure: Failure, envelope: Envelope) -> Head:
    words = tell(failure)
    if words.status == _UNAUTHORIZED:
        headers: tuple[tuple[bytes, bytes], ...] = (
            *json_headers(envelope),
            (b"www-authenticate", b'Bearer realm="OpenAI API"'),
            (b"x-request-id", str(uuid.UUID(envelope.request_id)).encode()),
        )
    elif words.edge:
        request_id = b"req_" + envelope.request_id.encode()
        headers = (*json_headers(envelope), (b"x-request-id", request_id))
    else:
        headers = (*json_headers(envelope), *_served(envelope))
    own = {**envelope.extra, **retry_headers(failure, envelope), **failure.headers}
    return Head(words.status, merged(headers, own))


def retry_headers(failure: Failure, envelope: Envelope) -> dict[str, str]:
    """Tell when to come back, in real time: at least 1 ms, or SDKs ignore it."""
    own = {}
    form = failure.retry_header
    if failure.retry_after is not None and form != "none":
        wait = told(failure.retry_after, form) * envelope.time_scale
        milliseconds = max(1, whole_milliseconds(wait))
        seconds = milliseconds / 1000
        if form == "date":
            moment = min(math.ceil(envelope.clock + seconds), _LAST_DATE)
            own["retry-after"] = formatdate(moment, usegmt=True)
        elif form != "ms":
            own["retry-after"] = str(math.ceil(seconds)) if seconds >= 1 else f"{seconds:g}"
        if form not in ("seconds", "date"):
            own["retry-after-ms"] = str(milliseconds)
    if failure.should_retry is not None:
        own["x-should-retry"] = "true" if failure.should_retry else "false"
    return own


def merged(
    headers: tuple[tuple[bytes, bytes], ...], own: dict[str, str]
) -> tuple[tuple[bytes, bytes], ...]:
    """Add headers; one of the same name replaces the usual one."""
    if not own:
        return headers
    mine, names = _encoded(*own.items())
    if not names:
        return (*headers, *mine)
    return (*[pair for pair in headers if pair[0] not in names], *mine)


@lru_cache
def _encoded(
    *own: tuple[str, str],
) -> tuple[tuple[tuple[bytes, bytes], ...], frozenset[bytes]]:
    """Encode headers, and name those that may replace usual ones; a scenario's come again."""
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in own]
    return tuple(pairs), frozenset(name for name, _ in pairs if not name.startswith(_OURS))
