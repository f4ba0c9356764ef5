"""What a request is about, so that a changed field does not make it another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson
from msgspec import Struct

__all__ = ["Conversation", "conversation"]

_MOST_PARTS = 64
_SIZE = 12
_CONTENT = ("input", "prompt", "query")
"""Fields that hold what is asked, where there are no messages."""
_FREE = frozenset({"model", "temperature", "top_p", "seed", "stream", "stream_options", "user"})


class Conversation(Struct, frozen=True):
    """Digests of what was asked. All fields of the body but the messages are left out.

    ``body``: of the whole body, as it was sent. ``whole``: of everything said.
    ``ask``: of the last user message and what follows it, the results of tools say.
    ``parts``: of single messages, the first and the last of them where there are many.
    """

    body: bytes
    whole: bytes
    ask: bytes
    parts: frozenset[bytes]

    def resembles(self, other: Conversation) -> bool:
        """Tell whether the same is asked, and half of the shorter one's messages are in both.

        So a system prompt may change and history be cut, but two questions that
        share a long system prompt stay two.
        """
        shorter = min(len(self.parts), len(other.parts))
        return self.ask == other.ask and 2 * len(self.parts & other.parts) >= shorter

    def overlaps(self, other: Conversation) -> bool:
        """Tell whether more than half of the messages of the longer one are in both."""
        longer = max(len(self.parts), len(other.parts))
        return 2 * len(self.parts & other.parts) > longer


def conversation(body: object) -> Conversation:
    """Read the body of a record: a text, or {"base64": ...}."""
    digest = blake2b(str(body).encode("utf-8", "surrogatepass"), digest_size=_SIZE).digest()
    try:
        return _of(_said(orjson.loads(body) if isinstance(body, str) else body), digest)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        return Conversation(digest, digest, digest, frozenset({digest}))


def _said(given: object) -> Sequence[Any]:
    """Give the messages of a body, or what stands for them."""
    if not isinstance(given, Mapping):
        return [given]
    messages = given.get("messages")
    if isinstance(messages, list) and messages:
        return messages
    for name in _CONTENT:
        said = given.get(name)
        if isinstance(said, list) and said and all(isinstance(each, dict) for each in said):
            return said
        if said:
            return [said]
    return [{name: value for name, value in given.items() if name not in _FREE}]


def _of(messages: Sequence[Any], body: bytes) -> Conversation:
    digests = [_digest(_plain(each)) for each in messages]
    users = [
        index
        for index, each in enumerate(messages)
        if isinstance(each, Mapping) and each.get("role") == "user"
    ]
    last = users[-1] if users else len(digests) - 1
    half = _MOST_PARTS // 2
    kept = digests if len(digests) <= _MOST_PARTS else digests[:half] + digests[-half:]
    return Conversation(body, _joined(digests), _joined(digests[last:]), frozenset(kept))


def _plain(message: Any) -> Any:
    """Take blanks for one, however many there are."""
    if isinstance(message, str):
        return " ".join(message.split())
    if isinstance(message, Mapping) and isinstance(message.get("content"), str):
        return {**message, "content": " ".join(message["content"].split())}
    return message


def _digest(value: Any) -> bytes:
    written = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return blake2b(written, digest_size=_SIZE).digest()


def _joined(digests: Sequence[bytes]) -> bytes:
    return blake2b(b"".join(digests), digest_size=_SIZE).digest()
