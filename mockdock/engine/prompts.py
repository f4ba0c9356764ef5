"""The prompt of a request: its tokens, and how many of them are cached."""

from __future__ import annotations

from collections.abc import Sequence

from mockdock.content.catalogue import Model
from mockdock.content.counting import NO_PROMPT, Prompt, count_inputs, count_prompt
from mockdock.content.prefix import LEAST, Prefix, cacheable, prefixes
from mockdock.content.tokens import tokenizer
from mockdock.reply import Failure
from mockdock.request import Request
from mockdock.scenario import ErrorSpec

__all__ = ["begins", "cached_of", "prompt_of"]


def prompt_of(request: Request, model: Model) -> Prompt:
    """Count the prompt of a chat request, or what is to be embedded or completed."""
    if wanted := request.embedding or request.completing:
        return count_inputs(wanted, tokenizer(model.encoding))
    if request.api != "chat":
        return NO_PROMPT
    return count_prompt(request, tokenizer(model.encoding), model.id)


def begins(request: Request, model: Model, prompt: Prompt, answer: object) -> tuple[Prefix, ...]:
    """Give the beginnings of a prompt that a session's cache may hold, where it is answered.

    Models before gpt-4o have no cache (OpenAI, "Prompt caching"), and are told by
    their older encoding.
    """
    if prompt.tokens < LEAST or request.api != "chat" or isinstance(answer, (Failure, ErrorSpec)):
        return ()
    if model.encoding == "cl100k_base":
        return ()
    return prefixes(request, prompt, tokenizer(model.encoding))


def cached_of(known: Sequence[Prefix], held: int) -> int:
    """Give the prompt tokens that the cache has, where it ``held`` so many beginnings."""
    return cacheable(known[held - 1].tokens) if held else 0
