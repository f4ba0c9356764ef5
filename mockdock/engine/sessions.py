"""Whose request it is, which logical request, and what chance it is given."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from random import Random

from mockdock.request import AudioPart, FilePart, ImagePart, Part, Request, TextPart

__all__ = ["SHARED", "Entropy", "declared_attempt", "fingerprint", "session_of"]

SHARED = ""
"""The session of everybody who names none."""

_KEY_PREFIX = "sk-mockdock-"
_HEADER = "x-mockdock-session"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MOST_DIGITS = 6


def session_of(headers: Mapping[str, str]) -> str:
    """Name the session: by ``x-mockdock-session``, else by a ``sk-mockdock-`` key."""
    if named := headers.get(_HEADER):
        return named
    key = headers.get("authorization", "").partition(" ")[2].strip()
    return key if key.startswith(_KEY_PREFIX) else SHARED


def declared_attempt(headers: Mapping[str, str]) -> int | None:
    """Read the attempt (from 1) off ``x-stainless-retry-count``, None when not told."""
    sent = headers.get("x-stainless-retry-count", "")
    if not (sent.isascii() and sent.isdigit()) or len(sent) > _MOST_DIGITS:
        return None
    return int(sent) + 1


def fingerprint(request: Request) -> str:
    """Identify the logical request: what is asked of whom, not how.

    Model, conversation and tool names count; stream, limits, sampling, metadata
    and ids of calls do not, so a plain call, its stream and its retries are one.
    """
    state = blake2b(digest_size=12)
    _feed(state, b"request", request.api, request.model)
    _feed(state, b"tools", *(tool.name for tool in request.tools))
    for message in request.messages:
        _feed(state, b"message", message.role, message.name or "")
        for part in message.parts:
            _feed(state, b"part", *_words(part))
        for call in message.tool_calls:
            _feed(state, b"call", call.name, call.arguments)
    return state.hexdigest()


def _words(part: Part) -> tuple[str, ...]:
    match part:
        case TextPart():
            return "text", part.text
        case ImagePart():
            return "image", part.url
        case AudioPart():
            return "audio", part.data
        case FilePart():
            return "file", part.file_id or "", part.filename or "", part.data or ""


def _feed(state: blake2b, kind: bytes, *words: str) -> None:
    """Add a record; its kind and all lengths are told, so no two ways to read it exist."""
    state.update(b"%b %d;" % (kind, len(words)))
    for word in words:
        data = word.encode("utf-8", "surrogatepass")
        state.update(b"%d:" % len(data))
        state.update(data)


class Entropy:
    """All chance of one request, drawn by purpose, whatever else runs.

    It depends on the scenario's seed, the session, the logical request, the
    request's own ``seed`` and the rule. What must differ between two attempts
    (ids, jitter) names the attempt in its purpose.
    """

    __slots__ = ("_base",)

    def __init__(self, *parts: object) -> None:
        self._base = blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=32).digest()

    def digest(self, purpose: str) -> bytes:
        """Give 32 bytes for a purpose."""
        return blake2b(purpose.encode(), key=self._base, digest_size=32).digest()

    def rng(self, purpose: str) -> Random:
        """Give a generator for a purpose."""
        return Random(int.from_bytes(self.digest(purpose), "big"))

    def token(self, purpose: str, length: int) -> str:
        """Give an id of up to 40 letters and digits for a purpose."""
        number = int.from_bytes(self.digest(purpose), "big")
        letters = []
        for _ in range(length):
            number, place = divmod(number, len(_ALPHABET))
            letters.append(_ALPHABET[place])
        return "".join(letters)
