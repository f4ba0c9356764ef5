"""From an exchange to what a ledger keeps of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from mockdock.accounts import ContentPart, Said, SaidBy, micros
from mockdock.embedding import Embeddings
from mockdock.frames import Frame
from mockdock.ledger import Entry
from mockdock.observe import Exchange
from mockdock.reply import Choice, Completion, Failure
from mockdock.request import ImagePart, Message, Part, Role, TextPart, ToolCall

__all__ = ["entry_of", "failed_before"]

_FAILED = 500
_LONGEST = 1000
"""Letters of a name: a client may ask for a model by any text."""
_LEFT = 499
"""As nginx writes down that a client did not wait for the end."""
_BY: dict[Role, SaidBy] = {
    "developer": "system",
    "system": "system",
    "user": "human",
    "assistant": "ai",
    "tool": "tool",
    "function": "tool",
}


def entry_of(exchange: Exchange) -> Entry | None:
    """Give what is kept of an exchange; None of one that is on no account, or asked about one.

    Durations are scenario time. One whose reply was cut on purpose, or ended by an event of
    an error, counts as failed; one that its client left does not. All have the tokens that
    their model has made.
    """
    account, reply = exchange.account, exchange.reply
    if account is None or account.question is not None or exchange.request is None:
        return None
    request = exchange.request
    usage = reply.usage if isinstance(reply, Completion | Embeddings) else None
    chat = request.api == "chat"
    return Entry(
        project=account.project,
        provider=account.provider[:_LONGEST],
        model=account.model[:_LONGEST],
        started_us=micros(exchange.started),
        api=request.api,
        thread=account.thread if chat else None,
        run=account.run,
        label=account.label,
        tags=account.tags,
        user_id=account.user_id,
        user_name=account.user_name,
        duration_ms=max(0.0, exchange.duration * 1000),
        ttft_ms=_first(exchange) if usage and request.stream else None,
        input_tokens=0 if usage is None else usage.prompt_tokens,
        output_tokens=0 if usage is None else usage.completion_tokens,
        cost=0.0 if usage is None else usage.cost or 0.0,
        error=_failed(exchange),
        status=_LEFT if exchange.outcome.ending == "client_left" else exchange.status,
        title=account.title,
        public=account.public,
        messages=tuple(map(_said, request.messages)),
        replies=tuple(_replies(reply.choices)) if isinstance(reply, Completion) else (),
    )


def failed_before(exchange: Exchange, entry: Entry) -> Iterator[Entry]:
    """Give what is kept of the models that a router tried before that of an exchange.

    They took no time, belong to no thread, and said nothing.
    """
    account = exchange.account
    if account is None or account.routed is None:
        return
    for provider, model in account.routed.failed:
        yield entry._replace(
            provider=provider[:_LONGEST],
            model=model[:_LONGEST],
            thread=None,
            duration_ms=0.0,
            ttft_ms=None,
            input_tokens=0,
            output_tokens=0,
            cost=0.0,
            error=True,
            status=_FAILED,
            title=None,
            public=None,
            messages=(),
            replies=(),
        )


def _failed(exchange: Exchange) -> bool:
    if isinstance(exchange.reply, Failure) or exchange.outcome.ending == "cut":
        return True
    return any(fault.name == "error_event" for fault in exchange.faults)


def _first(exchange: Exchange) -> float | None:
    """Give the milliseconds until the first token was due, None where none has left."""
    if _is_unpaced(exchange):
        return 0.0
    left = islice(exchange.timed(), exchange.outcome.frames)
    due = (at for at, item in left if isinstance(item, Frame) and item.tokens)
    first = next(due, None)
    return None if first is None else max(0.0, first * 1000)


def _is_unpaced(exchange: Exchange) -> bool:
    """Tell of a stream that its first token was due at once; it need not be rendered for that."""
    reply = exchange.reply
    if exchange.outcome.ending != "completed" or exchange.faults:
        return False
    if not isinstance(reply, Completion) or reply.pacing is not None:
        return False
    return any(choice.content and choice.content[0].tokens for choice in reply.choices)


def _said(message: Message) -> Said:
    parts = message.parts
    plain = all(isinstance(part, TextPart) for part in parts) and len(parts) <= 1
    return Said(
        _BY[message.role],
        message.text if plain else "",
        () if plain else tuple(map(_part, parts)),
        message.tool_call_id,
        message.tool_calls,
    )


def _part(part: Part) -> ContentPart:
    match part:
        case TextPart(text):
            return ContentPart("Text", text)
        case ImagePart(url, detail):
            return ContentPart("ImageUrl", url, detail)
        case _:
            return ContentPart("InputAudio" if hasattr(part, "format") else "File", "")


def _replies(choices: Sequence[Choice]) -> Iterator[Said]:
    for choice in choices:
        calls = tuple(
            ToolCall(call.id, call.name, call.arguments, call.kind) for call in choice.calls
        )
        yield Said("ai", choice.text or choice.refusal_text or "", tool_calls=calls)
