"""An exchange as JSON: for the control API, for files, and for what a test holds."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from mockdock.embedding import Embeddings
from mockdock.frames import Cut, Frame, Raw
from mockdock.moderation import Moderations
from mockdock.observe import redact
from mockdock.observe.broken import fault_words
from mockdock.observe.exchange import Exchange
from mockdock.observe.spoken import gateway
from mockdock.reply import (
    Choice,
    Completion,
    Failure,
    NearRule,
    Reply,
    StoredCompletion,
    StoredPage,
    Usage,
)

if TYPE_CHECKING:
    from mockdock.observe.entry import Entry

__all__ = ["record"]

_Shown = Callable[[str], str]
_NUMBERS = Usage.__struct_fields__


def record(entry: Entry, *, secrets: bool = False) -> dict[str, Any]:
    """Write an entry of the journal as plain JSON values.

    Keys: ``number``, ``session``, ``started`` (seconds since 1970), ``duration``
    (scenario seconds; both by the session's clock, which may stand still),
    ``at`` (scenario seconds since the session began), ``era`` (another one whenever it
    begins anew, in any run of a server), ``time_scale``, ``faults``
    (the names of what was broken on purpose), ``injected`` (the same in the words
    of the language), ``trouble`` (what else than the rule had a hand in the answer, as
    "limits[0]", "timeline[1].chaos", or "request": it asked for it itself; else ""),
    ``dialect`` (the one it came in by), ``gateway`` (how the provider spoke, where answers
    depend on that; files of older versions lack both), ``method``,
    ``path``, ``status``, ``attempt``, ``model``, ``stream``, ``rule``,
    ``rule_key``, ``missed``, ``request`` {headers, body},
    ``reply`` {headers, chunks, choices, embeddings, flagged, error, error_status, retry_after,
    cause, nearest, warnings}, ``usage`` and ``outcome`` {ending, frames, bytes, headless,
    cut, raw, alone, moments}. ``headless``: not even the head left.
    ``chunks`` are the frames as they were sent; ``status`` and ``headers`` are those
    of the head, which did not leave where a reply was cut before its first frame.
    ``error_status`` is the status where a scenario chose it, None where it is the
    provider's own; ``retry_after`` is in scenario seconds. Bytes that are not UTF-8
    become {"base64": ...}.
    ``cut`` is how a fault ended the connection, None where none did: {end, gate,
    for, at}: "fin" or "rst", what new connections met ("refuse", "close" or None) for
    how many scenario seconds, and its moment. ``raw`` is the first chunk that passed HTTP's
    framing by, None where none did; ``alone`` are the chunks that left in a segment
    of their own; ``moments`` are when chunks were due without load, in scenario
    seconds after the request arrived, empty where all were at once.
    Secrets are hidden unless ``secrets`` are wanted; where one is spread over what
    was sent, nothing of that is shown.
    """
    number, exchange = entry.number, entry.exchange
    request, outcome = exchange.request, exchange.outcome
    headers = dict(exchange.headers)
    known = () if secrets else redact.secrets(headers)

    def shown(text: str) -> str:
        return text if secrets else redact.text(text, known)

    def written(data: bytes) -> str | dict[str, str]:
        try:
            return shown(data.decode())
        except UnicodeDecodeError:
            hidden = data if secrets else redact.data(data, known)
            return {"base64": base64.b64encode(hidden).decode()}

    timed = exchange.timed()
    sent = [(due, item) for due, item in islice(timed, outcome.frames) if not isinstance(item, Cut)]
    chunks = [written(item.data) for _, item in sent]
    if not secrets and (
        _spread(exchange.reply, shown, streamed=len(chunks) > 1)
        or (exchange.faults and _divided(sent, known))
    ):
        chunks = [redact.HIDDEN]
    return {
        "number": number,
        "session": shown(exchange.session),
        "started": exchange.started,
        "duration": exchange.duration,
        "at": exchange.at,
        "era": exchange.era,
        "time_scale": exchange.time_scale,
        "faults": [fault.name for fault in exchange.faults],
        "injected": [fault_words(fault) for fault in exchange.faults],
        "trouble": exchange.trouble,
        "dialect": exchange.dialect,
        "gateway": {
            name: shown(value)
            for name, value in gateway(exchange.dialect, request, exchange.gateways).items()
        },
        "method": exchange.method,
        "path": shown(exchange.path),
        "status": exchange.status,
        "attempt": exchange.attempt,
        "model": "" if request is None else shown(request.model),
        "stream": request is not None and request.stream,
        "rule": exchange.rule,
        "rule_key": exchange.rule_key,
        "missed": exchange.missed,
        "request": {
            "headers": headers if secrets else redact.headers(headers, known),
            "body": written(exchange.body),
        },
        "reply": {
            "headers": _head(exchange, known, secrets=secrets),
            "chunks": chunks,
            **_said(exchange.reply, shown, secrets=secrets),
        },
        "usage": _usage(exchange.reply),
        "outcome": {
            "ending": outcome.ending,
            "frames": outcome.frames,
            "bytes": outcome.sent,
            "headless": outcome.headless,
            "cut": _cut(next(timed, None), sent) if outcome.ending == "cut" else None,
            **_way(sent),
        },
    }


def _way(sent: Sequence[tuple[float, Frame | Raw]]) -> dict[str, Any]:
    """Tell how chunks left, and when."""
    moments = [round(due, 6) for due, _ in sent]
    items = [item for _, item in sent]
    return {
        "raw": next((at for at, item in enumerate(items) if isinstance(item, Raw)), None),
        "alone": [at for at, item in enumerate(items) if item.flush],
        "moments": moments if any(moments) else [],
    }


def _cut(
    last: tuple[float, Frame | Raw | Cut] | None, sent: Sequence[tuple[float, Frame | Raw]]
) -> dict[str, Any]:
    """Write a cut; where raw bytes are the end of a reply, its connection is closed after them."""
    due, item = last or (sent[-1][0] if sent else 0.0, None)
    cut = item if isinstance(item, Cut) else Cut()
    end = "rst" if cut.reset else "fin"
    return {"end": end, "gate": cut.gate, "for": cut.lasts, "at": round(due, 6)}


def _divided(sent: Sequence[tuple[float, Frame | Raw]], known: Sequence[str]) -> bool:
    """Tell whether a fault cut a secret in pieces, so that no piece shows it."""
    pieces = [item.data for _, item in sent]
    shown = b"".join(redact.data(each, known) for each in pieces)
    return redact.data(b"".join(pieces), known) != shown


def _head(exchange: Exchange, known: Sequence[str], *, secrets: bool) -> dict[str, str]:
    pairs = exchange.head.headers
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}
    return headers if secrets else redact.headers(headers, known)


def _spread(reply: Reply, shown: _Shown, *, streamed: bool) -> bool:
    """Tell whether a secret in a text was sent in pieces: as a stream, or as logprobs."""
    told: Sequence[Completion] = ()
    match reply:
        case Completion():
            told = (reply,)
        case StoredCompletion():
            told = (reply.completion,)
        case StoredPage():
            told = [each.completion for each in reply.items]
    return any(
        _choice(choice, shown) != _choice(choice, str)
        for each in told
        if streamed or each.logprobs
        for choice in each.choices
    )


def _usage(reply: Reply) -> dict[str, Any] | None:
    """Give the tokens of a reply, and what it cost where that was told."""
    if not isinstance(reply, Completion | Embeddings):
        return None
    numbers = ((name, getattr(reply.usage, name)) for name in _NUMBERS)
    return {name: number for name, number in numbers if number is not None}


def _said(reply: Reply, shown: _Shown, *, secrets: bool) -> dict[str, Any]:
    """Tell in no provider's words what was answered."""
    done = reply if isinstance(reply, Completion) else None
    failed = reply if isinstance(reply, Failure) else None
    cause = None if failed is None else failed.cause
    return {
        "choices": [] if done is None else [_choice(choice, shown) for choice in done.choices],
        "embeddings": {
            "count": len(reply.vectors),
            "dimensions": reply.dimensions,
            "scripted": reply.scripted,
        }
        if isinstance(reply, Embeddings)
        else None,
        "flagged": [sorted(each.flagged) for each in reply.results]
        if isinstance(reply, Moderations)
        else None,
        "error": None if failed is None else failed.kind,
        "error_status": None if failed is None else failed.status,
        "retry_after": None if failed is None else failed.retry_after,
        "cause": None if cause is None else shown(repr(cause)),
        "nearest": []
        if failed is None
        else [_near(near, shown, secrets=secrets) for near in failed.nearest],
        "warnings": [] if done is None else [shown(each) for each in done.warnings],
    }


def _choice(choice: Choice, shown: _Shown) -> dict[str, Any]:
    spoken = None if choice.spoken is None else choice.spoken.text
    text = choice.text if spoken is None else spoken
    refusal = choice.refusal_text
    return {
        "text": None if text is None else shown(text),
        "refusal": None if refusal is None else shown(refusal),
        "tool_calls": [
            {"id": call.id, "name": shown(call.name), "arguments": shown(call.arguments)}
            for call in choice.calls
        ],
        "finish_reason": choice.finish,
    }


def _near(near: NearRule, shown: _Shown, *, secrets: bool) -> dict[str, Any]:
    told: list[dict[str, Any]] = []
    for unmet in near.unmet:
        header = unmet.name.partition("headers.")[2]
        hidden = not secrets and redact.is_secret(header)
        told.append(
            {
                "name": unmet.name,
                "text": redact.HIDDEN if hidden else shown(unmet.text),
                "wanted": None if hidden else _maybe(unmet.wanted, shown),
                "found": None if hidden else _maybe(unmet.found, shown),
            }
        )
    return {"rule": near.rule, "unmet": told}


def _maybe(text: str | None, shown: _Shown) -> str | None:
    return None if text is None else shown(text)
