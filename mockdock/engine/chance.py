"""Which logical request it is, and what chance it is given."""

from __future__ import annotations

import string
from collections.abc import Sequence
from hashlib import blake2b
from random import Random

from mockdock.request import Api, AudioPart, FilePart, ImagePart, Part, Request, TextPart

__all__ = ["Entropy", "Spoken", "chances", "entropy_of", "fingerprint", "fingerprint_of"]

_LONG = 4096

_LETTERS = ((string.digits + string.ascii_letters) * 5)[:256].encode()
"""A letter or digit for every byte."""


def fingerprint(request: Request) -> str:
    """Identify the logical request: what is asked of whom, not how.

    Model, conversation, inputs and tool names count; stream, limits, sampling, metadata
    and ids of calls do not, so a plain call, its stream and its retries are one.
    """
    said = []
    for message in request.messages:
        words = [
            ("text", part.text) if isinstance(part, TextPart) else _words(part)
            for part in message.parts
        ]
        calls = message.tool_calls
        made = [(call.name, call.arguments) for call in calls] if calls else []
        said.append((message.role, message.name, words, made))
    tools = [tool.name for tool in request.tools] if request.tools else []
    inputs: tuple[object, ...] = ()
    if request.embedding is not None:
        inputs = (request.embedding.inputs,)
    elif request.completing is not None:
        inputs = (request.completing.inputs,)
    elif request.moderation is not None:
        inputs = ([(each.text, *map(_short, each.images)) for each in request.moderation.inputs],)
    return fingerprint_of(request.api, request.model, tools, said, *inputs)


def fingerprint_of(
    api: Api, model: str, tools: Sequence[str], said: Sequence[Spoken], *inputs: object
) -> str:
    """Identify the logical request by what counts of it; ``tools`` are their names."""
    return blake2b(_bytes((api, model, tools, said, *inputs)), digest_size=12).hexdigest()


Spoken = tuple[str, str | None, list[tuple[str, ...]], list[tuple[str, str]]]
"""Of a message its role and name, and what its parts and its calls say."""


def _words(part: Part) -> tuple[str, ...]:
    match part:
        case TextPart():
            return "text", part.text
        case ImagePart():
            return "image", _short(part.url)
        case AudioPart():
            return "audio", _short(part.data)
        case FilePart():
            return "file", part.file_id or "", part.filename or "", _short(part.data or "")


def _short(data: str) -> str:
    """Stand for megabytes of base64 by their digest, so that they are not copied on."""
    if len(data) <= _LONG:
        return data
    return blake2b(data.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()


def _bytes(value: object) -> bytes:
    """Write a value so that no other one is written the same."""
    return repr(value).encode("utf-8", "surrogatepass")


class Entropy:
    """All chance of one request, drawn by purpose, whatever else runs.

    It depends on the scenario's seed, the session, the logical request, the
    request's own ``seed`` and the rule. What must differ between two attempts
    (ids, jitter) names the attempt in its purpose.
    """

    __slots__ = ("_base",)

    def __init__(self, *parts: object) -> None:
        self._base = blake2b(_bytes(parts), digest_size=32).digest()

    def digest(self, purpose: str) -> bytes:
        """Give 32 bytes for a purpose."""
        return blake2b(purpose.encode(), key=self._base, digest_size=32).digest()

    def rng(self, purpose: str) -> Random:
        """Give a generator for a purpose."""
        return Random(int.from_bytes(self.digest(purpose), "big"))

    def token(self, purpose: str, length: int) -> str:
        """Give an id of up to 64 letters and digits for a purpose."""
        digest = blake2b(purpose.encode(), key=self._base).digest()
        return digest[:length].translate(_LETTERS).decode()

    def completion_id(self, seen: int) -> str:
        """Give the id of a completion, where its request is seen for the n-th time."""
        return self.token(f"id/{seen}", 29)

    def request_id(self, seen: int) -> str:
        """Give 32 hex digits for a request that is seen for the n-th time."""
        return self.digest(f"request/{seen}").hex()[:32]


def chances(
    request: Request, identity: str, seed: int, session: str, key: str
) -> tuple[Entropy, Entropy]:
    """Give all chance of a request, and that of its words; ``key`` is the rule's.

    Without sampling there is one answer, whoever asks.
    """
    entropy = entropy_of(request, identity, seed, session, key)
    return entropy, Entropy(seed, identity, key) if request.greedy else entropy


def entropy_of(request: Request, identity: str, seed: int, session: str, key: str) -> Entropy:
    """Give the chance of a request, but for that of its words."""
    return Entropy(seed, session, identity, request.seed, key)
