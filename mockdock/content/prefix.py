"""What of a prompt could be in a cache: its beginnings, as digests.

OpenAI caches prompts of 1,024 tokens and more, in steps of 128; models, tools
and the response format stand in front of the messages and must be the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from msgspec import Struct

from mockdock.content.counting import Prompt
from mockdock.content.tokens import BLOCK, Tokenizer
from mockdock.request import Message, Request, TextPart

__all__ = ["LEAST", "Prefix", "cacheable", "prefixes"]

LEAST = 1024
"""Tokens of the shortest prompt that is cached."""
_CLOSE = 16_384
_STEP = 1024
_LAST = 8


class Prefix(Struct, frozen=True):
    """A beginning of a prompt: its tokens, and what tells it from others."""

    tokens: int
    digest: bytes


def cacheable(tokens: int) -> int:
    """Give how many of so many equal tokens come from the cache."""
    return tokens // BLOCK * BLOCK if tokens >= LEAST else 0


def prefixes(request: Request, prompt: Prompt, tokenizer: Tokenizer) -> tuple[Prefix, ...]:
    """Give the beginnings of a prompt that a cache could hold, the shortest first.

    They end after each message, and inside of long texts after each 128 of its
    tokens. Beyond 16,384 tokens they are fewer, since a store has to remember
    each: the first in every 1,024, and those that end with one of the last 8
    messages, from which a conversation goes on. A prompt of 110,000 tokens has
    some 220; what else it shares with another may count up to 1,024 tokens less.
    ``prompt_cache_key`` (or ``user``) keeps caches apart.
    """
    if prompt.tokens < LEAST:
        return ()
    found = (each for each in _all(request, prompt, tokenizer) if each.tokens >= LEAST)
    return tuple(_fewer(found, prompt.ends[-_LAST:]))


def _fewer(found: Iterable[Prefix], last: Sequence[int]) -> Iterator[Prefix]:
    """Thin out the long ones; what comes later does not change which of them are regular."""
    step = 0
    for each in found:
        if each.tokens <= _CLOSE or each.tokens // _STEP > step:
            step = each.tokens // _STEP
            yield each
        elif each.tokens in last:
            yield each


def _all(request: Request, prompt: Prompt, tokenizer: Tokenizer) -> Iterator[Prefix]:
    wanted = request.response_format
    front = (
        request.model,
        request.cache_key,
        [(tool.name, tool.description, tool.parameters, tool.kind) for tool in request.tools],
        (wanted.kind, wanted.name, wanted.schema),
    )
    digest = _digest(b"", repr(front))
    for message, end in zip(request.messages, prompt.ends, strict=True):
        digest = _digest(digest, repr((message.role, message.name, message.tool_calls)))
        start = end - _tokens(message, tokenizer)
        for part in message.parts:
            if not isinstance(part, TextPart):
                digest = _digest(digest, repr(part))
                continue
            blocks = enumerate(tokenizer.blocks(part.text), 1)
            yield from (Prefix(start + i * BLOCK, digest + block) for i, block in blocks)
            start += tokenizer.count(part.text)
            digest = _digest(digest, part.text)
        yield Prefix(end, digest)


def _tokens(message: Message, tokenizer: Tokenizer) -> int:
    """Count the text of a message, which comes last of what it costs."""
    return sum(tokenizer.count(part.text) for part in message.parts if isinstance(part, TextPart))


def _digest(before: bytes, more: str) -> bytes:
    return blake2b(more.encode("utf-8", "surrogatepass"), key=before, digest_size=16).digest()
