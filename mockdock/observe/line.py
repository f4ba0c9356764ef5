"""One tidy line for an exchange, as ``mockdock serve`` prints it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mockdock.embedding import Embeddings
from mockdock.moderation import Moderations
from mockdock.observe.broken import how_it_ended
from mockdock.observe.exchange import Exchange
from mockdock.reply import Completion, Failure, Made

__all__ = ["line"]

_PATH = 60
_MESSAGE = 400
_ERROR = 400


def line(exchange: Exchange, *, color: bool = False) -> str:
    """Write time, status, model, rule, tokens, timing; a reason when it went wrong.

    The time is that of the wall, now: a session's own may stand still.
    """
    request = exchange.request
    what = request.model if request is not None and request.model else exchange.path
    parts = [
        time.strftime("%H:%M:%S", time.localtime()),
        _status(exchange.status, color=color),
        f"{_printable(what):<18}",
        f"{_printable(exchange.rule or exchange.trouble or _fallback(exchange)):<18}",
        f"{_tokens(exchange):>13}",
        f"{exchange.duration * 1000:7.0f} ms",
    ]
    return " ".join([*parts, *_notes(exchange)]).rstrip()


def _status(status: int, *, color: bool) -> str:
    if not color:
        return str(status)
    return f"\x1b[{31 if status >= _ERROR else 32}m{status}\x1b[0m"


def _fallback(exchange: Exchange) -> str:
    return "otherwise" if isinstance(exchange.reply, Made) else "-"


def _tokens(exchange: Exchange) -> str:
    if not isinstance(exchange.reply, Completion | Embeddings):
        return "-"
    usage = exchange.reply.usage
    return f"{usage.prompt_tokens}+{usage.completion_tokens} tok"


def _notes(exchange: Exchange) -> list[str]:
    notes = []
    outcome, faults = exchange.outcome, [fault.name for fault in exchange.faults]
    stream = exchange.streamed
    if stream:
        notes.append("stream")
    if isinstance(exchange.reply, Embeddings):
        made = len(exchange.reply.vectors)
        notes.append(f"{made} vector{'s' * (made != 1)}")
    if isinstance(exchange.reply, Moderations):
        flagged = sum(bool(each.flagged) for each in exchange.reply.results)
        notes.append(f"{flagged} of {len(exchange.reply.results)} flagged")
    if exchange.attempt > 1:
        notes.append(f"attempt {exchange.attempt}")
    if ended := how_it_ended(outcome.ending, outcome.frames, faults, stream=stream):
        notes.append(ended)
    if exchange.rule is not None and exchange.trouble:
        notes.append(f"({exchange.trouble})")
    if isinstance(exchange.reply, Failure):
        notes.append(_printable(exchange.reply.message or exchange.reply.kind, _MESSAGE))
        notes += _hints(exchange.reply)
    if isinstance(exchange.reply, Completion):
        notes += [f"warning: {_printable(told, _MESSAGE)}" for told in exchange.reply.warnings]
    return notes


def _hints(failure: Failure) -> Iterator[str]:
    if (base_url := failure.headers.get("x-mockdock-base-url")) is not None:
        yield f"(the base URL is {_printable(base_url)})"
    if (hint := failure.headers.get("x-mockdock-hint")) is not None:
        yield f"({_printable(hint, _MESSAGE)})"


def _printable(text: str, most: int = _PATH) -> str:
    """Keep a line one line, and terminals unharmed, whatever a client sends."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in text[: most + 1])
    return clean if len(clean) <= most else clean[: most - 3] + "..."
