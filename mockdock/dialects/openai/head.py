"""Status and headers, as recorded from api.openai.com in March 2026.

Left out on purpose: Cloudflare's own headers, and ``strict-transport-security``
(a browser would refuse plain localhost afterwards). The rate-limit headers are
those of the scenario's limits; where it has none, there are none.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from itertools import chain

from mockdock.dialects.base import Envelope
from mockdock.dialects.openai.durations import go_duration, whole_milliseconds
from mockdock.dialects.openai.failures import tell
from mockdock.embedding import Embeddings
from mockdock.frames import Head, Headers, lines_of
from mockdock.limit import Standing, Standings, told
from mockdock.reply import Completion, Failure, Made, Reply
from mockdock.request import Request

__all__ = ["head", "json_headers", "merged", "plain_head", "retry_headers"]

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
_NAMES = tuple(
    tuple(f"x-ratelimit-{what}-{counted}".encode() for what in ("limit", "remaining", "reset"))
    for counted in ("requests", "tokens")
)
_OURS = b"x-mockdock-"
"""How the names of headers begin that no provider has."""
_UNLIMITED = Standings()
_Row = tuple[bytes, bytes, bytes]
"""What is told of a limit: it, what is left, when all is."""
_UNAUTHORIZED = 401
_LAST_DATE = 253_402_300_799
"""The end of the year 9999, beyond which no date is written."""
_LONGEST_NAME = 200


def head(request: Request | None, reply: Reply, envelope: Envelope) -> Head:
    """Build the head of any reply."""
    if isinstance(reply, Failure):
        return _failed(reply, envelope)
    own = reply.headers if isinstance(reply, Made) else {}
    streamed, model = False, ""
    if isinstance(reply, Embeddings):
        model = reply.model
    elif request is not None and isinstance(reply, Completion):
        streamed, model = request.stream, "" if request.completing is None else reply.model
    if not (own or streamed or model):
        return plain_head(envelope)
    start = (_EVENTS,) if streamed else json_headers(envelope)
    headers = (*start, *_model(model), *_served(envelope))
    return Head(200, merged(headers, {**envelope.extra, **own}))


def json_headers(envelope: Envelope) -> Headers:
    """Give the headers of a body of JSON."""
    return _JSON, (b"content-length", b"%d" % envelope.length)


def _model(name: str) -> Headers:
    """Name the model, as embeddings and legacy completions do, where it fits into a header."""
    fits = 0 < len(name) <= _LONGEST_NAME and name.isascii() and name.isprintable()
    return ((b"openai-model", name.strip().encode()),) if fits else ()


def plain_head(envelope: Envelope) -> Head:
    """Build the head of a plain answer, of which all that stays the same is written already."""
    requests, tokens = envelope.standings or _UNLIMITED
    scale, length, extra = envelope.time_scale, envelope.length, envelope.extra.items()
    numbers: tuple[int, ...] = length, envelope.processing_ms
    times: tuple[bytes, ...] = ()
    if requests is not None:
        numbers = (*numbers, requests.remaining)
        times = (go_duration(requests.reset * scale).encode(),)
    if tokens is not None:
        numbers = (*numbers, tokens.remaining)
        times = (*times, go_duration(tokens.reset * scale).encode())
    form = _form(requests and requests.limit, tokens and tokens.limit, *extra)
    return Head(200, None, form % (*numbers, *times, envelope.request_id.encode()), length)


@lru_cache(256)
def _form(requests: int | None, tokens: int | None, *extra: tuple[str, str]) -> bytes:
    """Write a plain head, with places for the numbers, times and the id that change.

    Raises ValueError where a header of ours cannot be written.
    """
    rows = [None if each is None else (b"%d" % each, b"%d", b"%b") for each in (requests, tokens)]
    usual = _JSON, (b"content-length", b"%d"), *_usual(b"%d", _limits(*rows), b"%b")
    lines = lines_of(merged(usual, {name: value.replace("%", "%%") for name, value in extra}))
    if lines is None:
        raise ValueError(f"no headers: {extra}")
    return lines


def _served(envelope: Envelope) -> Headers:
    """Tell how a request was served."""
    scale, (requests, tokens) = envelope.time_scale, envelope.standings or _UNLIMITED
    limits = _limits(_row(requests, scale), _row(tokens, scale))
    return _usual(b"%d" % envelope.processing_ms, limits, envelope.request_id.encode())


def _row(standing: Standing | None, scale: float) -> _Row | None:
    if standing is None:
        return None
    reset = go_duration(standing.reset * scale)
    return b"%d" % standing.limit, b"%d" % standing.remaining, reset.encode()


def _usual(processing: bytes, limits: Headers, request_id: bytes) -> Headers:
    return (
        *_FIXED,
        (b"openai-processing-ms", processing),
        *limits,
        (b"x-request-id", b"req_" + request_id),
    )


def _limits(*rows: _Row | None) -> Headers:
    """Tell of the rate limits, as recorded: limits, then what is left, then the resets.

    There is a row of requests and one of tokens, None where there is no such limit.
    """
    told = [zip(names, row, strict=True) for names, row in zip(_NAMES, rows, strict=True) if row]
    return tuple(chain.from_iterable(zip(*told, strict=True)))


def _failed(failure: Failure, envelope: Envelope) -> Head:
    words = tell(failure)
    if words.status == _UNAUTHORIZED:
        headers: Headers = (
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


def merged(headers: Headers, own: Mapping[str, str]) -> Headers:
    """Add headers; one of the same name replaces the usual one."""
    if not own:
        return headers
    mine, names = _encoded(*own.items())
    if not names:
        return (*headers, *mine)
    return (*[pair for pair in headers if pair[0] not in names], *mine)


@lru_cache
def _encoded(*own: tuple[str, str]) -> tuple[Headers, frozenset[bytes]]:
    """Encode headers, and name those that may replace usual ones; a scenario's come again."""
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in own]
    return tuple(pairs), frozenset(name for name, _ in pairs if not name.startswith(_OURS))
