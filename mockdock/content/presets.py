"""The models that the documents of a gateway name, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from msgspec.structs import replace

from mockdock.content.catalogue import Catalogue, Model, load
from mockdock.gateways import LangdockModels

__all__ = ["langdock_models", "with_embeddings", "with_langdock_names"]

_NAMED: Mapping[LangdockModels, Sequence[str]] = {
    "chat-2024": ("gpt-4o", "gpt-4o-mini", "gpt-4", "gpt-35-turbo"),
    "chat-de": (
        "gpt-4.1",
        "gpt-4.1 nano",
        "o4-mini",
        "o3-mini",
        "o1-preview",
        "gpt-4o",
        "gpt-4o-mini",
        "gpt-35-turbo",
    ),
    # This one lists none: the model of its examples, and those of its schema.
    "chat-openapi": ("gpt-5-mini", "gpt-4o", "gpt-4o-mini", "gpt-4", "gpt-3.5-turbo"),
}


@cache
def langdock_models(named_by: LangdockModels) -> Catalogue:
    """Give the models that a document of Langdock names, in its order."""
    return Catalogue([_named(each) for each in _NAMED[named_by]])


@cache
def with_langdock_names() -> Catalogue:
    """Give the built-in catalogue, and Langdock's own names for some of it."""
    return Catalogue([*load().all(), *map(_named, ("gpt-35-turbo", "gpt-4.1 nano"))])


@cache
def with_embeddings(models: Catalogue) -> Catalogue:
    """Give models, and the one for embeddings, which no document lists among them."""
    return Catalogue([*models.all(), load().resolve("text-embedding-ada-002")])


def _named(name: str) -> Model:
    """Give a model by Langdock's name; all of them are owned by "system", as it shows them.

    Azure spells gpt-3.5 without the dot, in its answers too (recorded).
    """
    if name == "gpt-35-turbo":
        base = load().resolve("gpt-3.5-turbo")
        return replace(base, id=name, snapshot=name, owned_by="system")
    return replace(load().resolve(name.replace(" ", "-")), id=name, owned_by="system")
