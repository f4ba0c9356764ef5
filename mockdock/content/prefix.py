"""What of a prompt could be in a cache: its beginnings, as digests.

OpenAI caches prompts of 1,024 tokens and more, in steps of 128; models, tools
and the response format stand in front of the messages and must be the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

from mockdock.content.counting import Prompt
from mockdock.content.tokens import BLOCK, Tokenizer
from mockdock.request import Message, Request, TextPart

__all__ = ["Prefix", "cacheable", "prefixes"]

_LEAST = 1024


@dataclass(frozen=True, slots=True)
class Prefix:
    """A beginning of a prompt: its tokens, and what tells it from others."""

    tokens: int
    digest: bytes


def cacheable(tokens: int) -> int:
    """Give how many of so many equal tokens come from the cache."""
    return tokens // BLOCK * BLOCK if tokens >= _LEAST else 0


def prefixes(request: Request, prompt: Prompt, tokenizer: Tokenizer) -> tuple[Prefix, ...]:
    """Give the beginnings of a prompt that a cache could hold, the shortest first.

    They end after each message, and inside of long texts after each 128 of its
    tokens. ``prompt_cache_key`` (or ``user``) keeps caches apart.
    """
    if prompt.tokens < _LEAST:
        return ()
    return tuple(each for each in _all(request, prompt, tokenizer) if each.tokens >= _LEAST)


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
