"""Who serves a model that is named without its provider."""

from __future__ import annotations

__all__ = ["provider_of"]

_FAMILIES = (
    ("claude", "anthropic"),
    ("command", "cohere"),
    ("deepseek", "deepseek"),
    ("gemini", "gemini"),
    ("gemma", "gemini"),
    ("grok", "xai"),
    ("llama", "meta"),
    ("meta-llama", "meta"),
    ("ministral", "mistralai"),
    ("mistral", "mistralai"),
    ("mixtral", "mistralai"),
    ("nova", "bedrock"),
    ("qwen", "qwen"),
)
"""By how a name begins; by the names of LangDB where its documents have one, else ASSUMED."""


def provider_of(model: str) -> str:
    """Name the provider of a model; of one that nothing is known of it is OpenAI.

    >>> provider_of("claude-sonnet-4")
    'anthropic'
    """
    name = model.lower()
    return next((owner for prefix, owner in _FAMILIES if name.startswith(prefix)), "openai")
