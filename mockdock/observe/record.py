"""An exchange as JSON: for the control API, for files, and for what a test holds."""

from __future__ import annotations

import base64
from dataclasses import asdict
from itertools import islice
from typing import Any

from mockdock.observe import redact
from mockdock.observe.exchange import Exchange
from mockdock.observe.journal import Entry
from mockdock.reply import Choice, Completion, Failure

__all__ = ["record"]


def record(entry: Entry, *, secrets: bool = False) -> dict[str, Any]:
    """Write an entry of the journal as plain JSON values.

    Keys: ``number``, ``session``, ``started`` (seconds since 1970), ``duration``
    (scenario seconds), ``method``, ``path``, ``status``, ``attempt``, ``model``,
    ``stream``, ``rule``, ``rule_key``, ``missed``, ``request`` {headers, body},
    ``reply`` {headers, chunks, choices, error, cause, nearest, warnings},
    ``usage`` and ``outcome`` {ending, frames, bytes}. ``chunks`` are the frames
    as they were sent. Bytes that are not UTF-8 become {"base64": ...}. Secrets
    are hidden unless ``secrets`` are wanted.
    """
    number, exchange = entry
    request, outcome = exchange.request, exchange.outcome
    headers = dict(exchange.headers)
    chunks = [frame.data for frame in islice(exchange.rendered(), outcome.frames)]
    return {
        "number": number,
        "session": exchange.session if secrets else redact.text(exchange.session),
        "started": exchange.started,
        "duration": exchange.duration,
        "method": exchange.method,
        "path": exchange.path if secrets else redact.text(exchange.path),
        "status": exchange.status,
        "attempt": exchange.attempt,
        "model": "" if request is None else request.model,
        "stream": request is not None and request.stream,
        "rule": exchange.rule,
        "rule_key": exchange.rule_key,
        "missed": exchange.missed,
        "request": {
            "headers": headers if secrets else redact.headers(headers),
            "body": _text(exchange.body, secrets=secrets),
        },
        "reply": {
            "headers": _head(exchange, secrets=secrets),
            "chunks": [_text(chunk, secrets=secrets) for chunk in chunks],
            **_said(exchange, secrets=secrets),
        },
        "usage": asdict(exchange.reply.usage) if isinstance(exchange.reply, Completion) else None,
        "outcome": {"ending": outcome.ending, "frames": outcome.frames, "bytes": outcome.sent},
    }


def _text(data: bytes, *, secrets: bool) -> str | dict[str, str]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
    return text if secrets else redact.text(text)


def _head(exchange: Exchange, *, secrets: bool) -> dict[str, str]:
    pairs = exchange.head.headers
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}
    return headers if secrets else redact.headers(headers)


def _said(exchange: Exchange, *, secrets: bool) -> dict[str, Any]:
    """Tell in no provider's words what was answered."""
    reply = exchange.reply
    said: dict[str, Any] = {"choices": [], "error": None, "cause": None, "nearest": []}
    said["warnings"] = []
    if isinstance(reply, Completion):
        said["choices"] = [_choice(choice, secrets=secrets) for choice in reply.choices]
        said["warnings"] = list(reply.warnings)
    elif isinstance(reply, Failure):
        said["error"] = reply.kind
        said["cause"] = None if reply.cause is None else repr(reply.cause)
        said["nearest"] = [asdict(near) for near in reply.nearest]
    return said


def _choice(choice: Choice, *, secrets: bool) -> dict[str, Any]:
    def shown(text: str | None) -> str | None:
        return text if secrets or text is None else redact.text(text)

    spoken = None if choice.spoken is None else choice.spoken.text
    return {
        "text": shown(choice.text if spoken is None else spoken),
        "refusal": shown(choice.refusal_text),
        "tool_calls": [
            {"id": call.id, "name": call.name, "arguments": shown(call.arguments)}
            for call in choice.calls
        ],
        "finish_reason": choice.finish,
    }
