"""Status and headers, as recorded from Azure OpenAI in March 2026.

Left out on purpose: ``strict-transport-security``, for which a browser would refuse
plain localhost afterwards. Limits are told as whole numbers: the resets in
milliseconds, the renewal periods in seconds.
"""

from __future__ import annotations

import math
import uuid
from urllib.parse import quote

from mockdock.dialects.azure.failures import status
from mockdock.dialects.base import Envelope
from mockdock.dialects.openai.durations import whole_milliseconds
from mockdock.dialects.openai.head import json_headers, merged, retry_headers
from mockdock.embedding import Embeddings
from mockdock.frames import Head
from mockdock.limit import Standing
from mockdock.reply import Completion, Failure, Reply
from mockdock.request import Request

__all__ = ["head"]

_EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_SESSION = b"d20260330170902-0e618f323d34"
_LONGEST = 1000
_GATE = frozenset({"auth", "missing_key", "unknown_url"})
_DEPLOYED = frozenset({"model_not_found", "not_found"})
_POLICIES = {
    "permission": b"ThrowExceptionDueToTrafficDenied",
    "rate_limit": b"DeploymentRatelimit-Call",
    "tokens_limit": b"DeploymentRatelimit-Token",
    "request_too_large": b"DeploymentRatelimit-Token",
}
"""The policy that refuses a request, by the kind of failure."""


def head(request: Request | None, reply: Reply, envelope: Envelope) -> Head:
    """Build the head of any reply."""
    if isinstance(reply, Failure):
        own = {**envelope.extra, **retry_headers(reply, envelope), **reply.headers}
        told = (*json_headers(envelope), *_refused(request, reply, envelope))
        return Head(status(reply), merged(told, own))
    streamed = isinstance(reply, Completion) and request is not None and request.stream
    scripted = reply.headers if isinstance(reply, Completion | Embeddings) else {}
    own = {**envelope.extra, **scripted}
    start = (_EVENTS,) if streamed else json_headers(envelope)
    return Head(200, merged((*start, *_served(request, envelope)), own))


def _refused(
    request: Request | None, failure: Failure, envelope: Envelope
) -> tuple[tuple[bytes, bytes], ...]:
    """Tell as much of a request as is known where it is refused."""
    kind = failure.kind
    gate = ((b"apim-request-id", str(uuid.UUID(envelope.request_id)).encode()),)
    if kind in _GATE:
        return gate
    if kind in _DEPLOYED:
        return (*gate, _NOSNIFF, _region(envelope))
    if kind in _POLICIES:
        policy = (b"policy-id", _POLICIES[kind])
        if kind == "permission":
            return (*gate, _NOSNIFF, policy)
        return (*gate, _NOSNIFF, policy, _region(envelope), *_limits(envelope))
    return _served(request, envelope)


def _region(envelope: Envelope) -> tuple[bytes, bytes]:
    return b"x-ms-region", _written(envelope.gateways.azure.region)


def _written(name: str) -> bytes:
    """Write any name so that it fits into a header."""
    return quote(name[:_LONGEST], safe=" /:,;()[]'!@#&*+=", errors="replace").encode()


def _served(request: Request | None, envelope: Envelope) -> tuple[tuple[bytes, bytes], ...]:
    deployment = "" if request is None else request.deployment
    return (
        (b"apim-request-id", str(uuid.UUID(envelope.request_id)).encode()),
        (b"azureml-model-session", _SESSION),
        (b"skip-error-remapping", b"true"),
        (b"x-accel-buffering", b"no"),
        _NOSNIFF,
        *(((b"x-ms-deployment-name", _written(deployment)),) if deployment else ()),
        (b"x-ms-is-spilled-over", b"false"),
        (b"x-ms-rai-invoked", b"true"),
        _region(envelope),
        *_limits(envelope),
        (b"x-request-id", str(uuid.UUID(envelope.request_id[::-1])).encode()),
    )


def _limits(envelope: Envelope) -> tuple[tuple[bytes, bytes], ...]:
    """Tell of the rate limits, in the order of their names."""
    standings = envelope.standings
    if standings is None:
        return ()
    counted = ((b"requests", standings.requests), (b"tokens", standings.tokens))
    known = [(name, standing) for name, standing in counted if standing is not None]
    scale = envelope.time_scale

    def period(standing: Standing) -> bytes:
        return b"%d" % math.ceil(standing.window * (scale or 1))

    def reset(standing: Standing) -> bytes:
        return b"%d" % whole_milliseconds(standing.reset * scale)

    return (
        (b"x-ratelimit-abusepenalty-active", b"False"),
        *((b"x-ratelimit-limit-" + name, b"%d" % each.limit) for name, each in known),
        *((b"x-ratelimit-remaining-" + name, b"%d" % each.remaining) for name, each in known),
        *((b"x-ratelimit-renewalperiod-" + name, period(each)) for name, each in known),
        *((b"x-ratelimit-reset-" + name, reset(each)) for name, each in known),
    )
