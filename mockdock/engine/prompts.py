"""The prompt of a request: its tokens, and how many of them are cached."""

from __future__ import annotations

from mockdock.content.catalogue import Model
from mockdock.content.counting import NO_PROMPT, Prompt, count_inputs, count_prompt
from mockdock.content.prefix import cacheable, prefixes
from mockdock.content.tokens import tokenizer
from mockdock.engine.store import Store
from mockdock.request import Request

__all__ = ["cached_of", "prompt_of"]


def prompt_of(request: Request, model: Model) -> Prompt:
    """Count the prompt of a chat request, or what is to be embedded or completed."""
    if wanted := request.embedding or request.completing:
        return count_inputs(wanted, tokenizer(model.encoding))
    if request.api != "chat":
        return NO_PROMPT
    return count_prompt(request, tokenizer(model.encoding), model.id)


def cached_of(request: Request, model: Model, prompt: Prompt, store: Store) -> int:
    """Give the prompt tokens the session's cache holds, and keep the prompt there.

    Models before gpt-4o have no cache (OpenAI, "Prompt caching"), and are told by
    their older encoding.
    """
    if model.encoding == "cl100k_base":
        return 0
    known = prefixes(request, prompt, tokenizer(model.encoding))
    if not known:
        return 0
    held = store.remember(request.caller.session, [each.digest for each in known])
    return cacheable(known[held - 1].tokens) if held else 0
