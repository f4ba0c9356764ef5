"""Which models there are, and what is known of them.

The facts are in ``models.json``: ``created`` and ``owned_by`` as public copies
of the models endpoint show them, windows and limits as public price tables list
them, prices with their own date and source, fingerprints from recordings. What
had no such source, and was made up to have a stable value, is in ``assumed``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import orjson
from msgspec import Struct
from msgspec.structs import replace

from mockdock.content.tokens import encoding_for, plain_name
from mockdock.request import Effort, Traits

__all__ = ["Catalogue", "Model", "Prices", "load"]

_DATA = Path(__file__).resolve().with_name("models.json")
_REASONING = ("o1", "o3", "o4", "gpt-5", "gpt-6")
_UNTHINKING = ("gpt-5.1", "gpt-5.2", "gpt-5.4")
"""Reasoning models whose effort is "none" unless asked for (OpenAI's model guides)."""
_USUAL_WIDTH = 1536
_AZURES, _DOTTED = "gpt-35-turbo", "gpt-3.5-turbo"
_DATE = re.compile(r"-\d{4}-\d\d-\d\d$")


class Prices(Struct, frozen=True):
    """US dollars per million tokens, as decimal strings.

    ``cached_input`` is None where no such rate is published. ``as_of`` is the
    day (YYYY-MM-DD) on which ``source`` gave these prices.
    """

    input: str
    cached_input: str | None
    output: str
    as_of: str
    source: str


class Model(Struct, frozen=True, dict=True):
    """One model name and the facts behind it.

    ``snapshot`` is the dated id that an answer carries; ``created`` is in
    seconds since 1970; windows are in tokens. ``dimensions`` is the length of
    an embedding, None for other models. ``assumed`` names the fields for which
    there is no public source.
    """

    id: str
    snapshot: str
    owned_by: str = "system"
    created: int = 1_700_000_000
    encoding: str = "o200k_base"
    context_window: int = 128_000
    max_output_tokens: int = 16_384
    reasoning: bool = False
    system_fingerprint: str | None = None
    kind: Literal["chat", "embedding", "moderation", "completion"] = "chat"
    dimensions: int | None = None
    prices: Prices | None = None
    assumed: tuple[str, ...] = ()

    @cached_property
    def traits(self) -> Traits:
        """What a request for it is judged by."""
        known = "max_output_tokens" not in self.assumed and self.max_output_tokens > 0
        return Traits(
            effort=_effort(self.snapshot) if self.reasoning else None,
            max_output_tokens=self.max_output_tokens if known else None,
            family=_family(self.snapshot),
            kind=None if "kind" in self.assumed else self.kind,
            dimensions=self.width,
        )

    @property
    def width(self) -> int:
        """The length of its embeddings, that of most where none is known."""
        return self.dimensions or _USUAL_WIDTH


def _family(name: str) -> str:
    return _DATE.sub("", plain_name(name))


def _effort(name: str) -> Effort:
    bare = plain_name(name)
    if "-pro" in bare:
        return "high"
    other = "codex" in bare or bare.endswith("chat-latest")
    return "none" if bare.startswith(_UNTHINKING) and not other else "medium"


class Catalogue:
    """Models by name, in a stable order; of equal ids the last counts."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._models: Mapping[str, Model] = {model.id: model for model in models}

    def all(self) -> tuple[Model, ...]:
        """Give every model, in the order of the list."""
        return tuple(self._models.values())

    def get(self, id: str) -> Model | None:  # noqa: A002  # the word of the API
        """Find a model, None when it is not in here.

        A provider prefix is understood (``openai/gpt-4o``); a fine-tune
        (``ft:gpt-4o-mini-2024-07-18:org::id``) has the facts of its base, no
        price, and answers under its own full name.
        """
        found = self._models.get(id)
        if found is not None:
            return found
        bare = _bare(id)
        if bare != id:
            return self.get(bare)
        base, owner = _fine_tune(id)
        known = self._models.get(base)
        if known is None:
            return None
        return replace(known, id=id, snapshot=id, owned_by=owner, prices=None)

    def resolve(self, id: str) -> Model:  # noqa: A002  # the word of the API
        """Find a model, or make up a likely one: any name is accepted.

        Azure spells gpt-3.5 without the dot, in its answers too (recorded).
        """
        found = self.get(id)
        if found is None and id.startswith(_AZURES):
            usual = self.get(f"{_DOTTED}{id.removeprefix(_AZURES)}")
            found = usual and replace(usual, id=id, snapshot=id)
        return found or _unknown(id)


@cache
def load() -> Catalogue:
    """Give the built-in catalogue; read from disk once, on the first call."""
    return Catalogue([_model(entry) for entry in orjson.loads(_DATA.read_bytes())])


def _model(entry: Mapping[str, Any]) -> Model:
    prices = entry["prices"]
    return Model(
        **{
            **entry,
            "prices": None if prices is None else Prices(**prices),
            "assumed": tuple(entry["assumed"]),
        }
    )


def _bare(name: str) -> str:
    return name.rpartition("/")[2]


def _fine_tune(name: str) -> tuple[str, str]:
    """Give (base model, organisation) of a fine-tune's name, a base of "" when it is none."""
    kind, _, rest = name.partition(":")
    base, _, tail = rest.partition(":")
    return (base, tail.partition(":")[0] or "system") if kind == "ft" else ("", "")


_OF_UNKNOWN = ("context_window", "created", "encoding", "kind", "max_output_tokens", "reasoning")


def _unknown(name: str) -> Model:
    bare = _bare(name)
    if "embed" in bare:
        return Model(
            id=name,
            snapshot=name,
            encoding=encoding_for(name),
            context_window=8192,
            max_output_tokens=0,
            kind="embedding",
            dimensions=_USUAL_WIDTH,
            assumed=("context_window", "created", "dimensions", *_OF_UNKNOWN[2:]),
        )
    family = _fine_tune(bare)[0] or bare
    reasoning = family.startswith(_REASONING)
    return Model(
        id=name,
        snapshot=name,
        encoding=encoding_for(name),
        context_window=400_000 if reasoning else 128_000,
        max_output_tokens=128_000 if reasoning else 16_384,
        reasoning=reasoning,
        assumed=_OF_UNKNOWN,
    )
