"""About how much memory an exchange takes while it is kept."""

from __future__ import annotations

from itertools import chain
from sys import getsizeof

from mockdock.embedding import Embeddings
from mockdock.moderation import Moderations
from mockdock.observe.exchange import Exchange
from mockdock.reply import Choice, Completion, Failure

__all__ = ["weight"]

# Measured with tracemalloc on CPython 3.11, for exchanges of the openai package.
_EXCHANGE = 6500
_STRING = 60
"""What a string of the body, of which each has two quotes, takes beside its text: half of it."""
_VALUE = 40
"""What a value of the body takes beside its text: a comma stands before it."""
_LIST = 60
_OBJECT = 80
_HEADER = 200
"""A name and a value beside their letters, and their place among all, of 250 at most."""
_KEY = 64
"""Letters of a session's key that are among the weight of every exchange."""
_PATHS = 2
"""An exchange with a path that does not exist holds it twice, and a wide one encoded too."""
_PIECE = 100
_LOGPROB = 110
_UNMET = 200
_VERDICT = 2000


def weight(exchange: Exchange) -> int:
    """Estimate the bytes of an exchange, with what was parsed of it, in one pass over its body.

    Frames are not among them: they are made anew when they are looked at.
    """
    body, reply = exchange.body, exchange.reply
    # A text with one letter beyond ASCII takes up to four bytes for each, and is kept encoded too.
    simple = body.isascii() and not (b"\\" in body and b"\\u" in body)
    total = _EXCHANGE + len(body) * (2 if simple else 6) + _STRING * body.count(b'"')
    total += _VALUE * body.count(b",") + _LIST * body.count(b"[") + _OBJECT * body.count(b"{")
    total += (_PATHS + (not exchange.path.isascii())) * getsizeof(exchange.path)
    total += max(0, len(exchange.session) - _KEY)
    headers = exchange.headers
    total += _HEADER * len(headers) + sum(map(len, headers)) + sum(map(len, headers.values()))
    if isinstance(reply, Completion):
        for choice in reply.choices:
            total += _choice(choice, logprobs=reply.logprobs)
    elif isinstance(reply, Embeddings):
        total += sum(map(getsizeof, reply.vectors))
    elif isinstance(reply, Moderations):
        total += _VERDICT * len(reply.results)
    elif isinstance(reply, Failure):
        unmet = chain.from_iterable(near.unmet for near in reply.nearest)
        total += sum(_UNMET + getsizeof(each.found) for each in unmet)
    return total


def _choice(choice: Choice, *, logprobs: bool) -> int:
    words = choice.content
    bare = choice.refusal is None and choice.spoken is None and not choice.calls
    if words is not None and bare and not logprobs:
        return _PIECE * len(words)
    runs = [choice.content or (), choice.refusal or (), *(call.pieces for call in choice.calls)]
    total = 0
    if choice.spoken is not None:
        total += len(choice.spoken.data)
        runs.append(choice.spoken.transcript)
    total += _PIECE * sum(map(len, runs))
    if logprobs:
        said = chain.from_iterable(piece.logprobs for run in runs for piece in run)
        total += sum(_LOGPROB * (1 + len(each.top)) for each in said)
    return total
