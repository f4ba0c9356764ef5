"""About how much memory an exchange takes while it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from sys import getsizeof

from mockdock.embedding import Embeddings
from mockdock.moderation import Moderations
from mockdock.observe.exchange import Exchange
from mockdock.reply import Choice, Completion, Failure

__all__ = ["Scales", "weight"]

# Measured with tracemalloc on CPython 3.11, for exchanges of the openai package.
_EXCHANGE = 6500
_MARK = 60
"""What each mark of the body stands for, beside its text.

A string has two quotes, a value stands behind a comma, a list or an object is opened.
"""
_TEXT = bytes(set(range(256)).difference(b'",[{'))
"""All but these marks."""
_BACKSLASH = ord("\\")
_HEADER = 200
"""A name and a value beside their letters, and their place among all, of 250 at most."""
_KEY = 64
"""Letters of a session's key that are among the weight of every exchange."""
_PATH, _WIDE_PATH = 2, 12
"""An exchange with a path that does not exist holds it twice, and a wide one encoded too."""
_PIECE = 100
_LOGPROB = 110
_UNMET = 200
_VERDICT = 2000


class Scales:
    """Weigh exchanges. Those of a client have the very same headers, which are weighed once."""

    def __init__(self) -> None:
        self._last: tuple[Mapping[str, str], int] = {}, 0

    def weigh(self, exchange: Exchange) -> int:
        """Estimate the bytes of an exchange, with what was parsed of it, in one pass over its body.

        Frames are not among them: they are made anew when they are looked at.
        """
        body, path, headers, reply = exchange.body, exchange.path, exchange.headers, exchange.reply
        # A text with a letter beyond ASCII takes up to four bytes for each, and is kept encoded.
        simple = body.isascii() and not (_BACKSLASH in body and b"\\u" in body)
        known, worn = self._last
        if headers is not known:
            worn = _HEADER * len(headers) + len("".join([*headers, *headers.values()]))
            self._last = headers, worn
        total = _EXCHANGE + worn + len(body) * (2 if simple else 6)
        total += _MARK * len(body.translate(None, _TEXT))
        total += len(path) * (_PATH if path.isascii() else _WIDE_PATH)
        if len(exchange.session) > _KEY:
            total += len(exchange.session) - _KEY
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


def weight(exchange: Exchange) -> int:
    """Weigh one exchange."""
    return Scales().weigh(exchange)


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
