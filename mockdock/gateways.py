"""The gateway nouns: what a scenario says of how a provider speaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

__all__ = ["USUAL", "Azure", "Gateways", "LangDB", "Langdock", "LangdockModels", "VirtualModel"]

LangdockModels = Literal["chat-2024", "chat-de", "chat-openapi"]
"""Lists of models, by the Langdock document that names them."""


class Azure(Struct, frozen=True):
    """An Azure OpenAI resource.

    ``deployments`` gives the model of each, None where every name is that of a
    model. ``region`` is what replies say they come from.
    """

    deployments: Mapping[str, str] | None = None
    region: str = "East US 2"


class Langdock(Struct, frozen=True):
    """A Langdock workspace.

    ``unsupported`` is what becomes of parameters it does not support, ``errors`` the
    form of error bodies, ``requests`` what chat requests are checked by: the schema of
    the documents, or OpenAI's. ``replies`` are OpenAI's, or Azure's with its filter
    results. ``browsers`` tells of requests that a browser sends from another origin.
    """

    unsupported: Literal["ignore", "reject"] = "ignore"
    errors: Literal["flat", "openai"] = "flat"
    requests: Literal["documents", "openai"] = "documents"
    replies: Literal["openai", "azure"] = "openai"
    browsers: Literal["blocked", "allowed"] = "blocked"


class VirtualModel(Struct, frozen=True):
    """A configuration that is saved by a name.

    ``messages`` come before those of a request; ``parameters`` hold where it does not
    give them. Both are as on the wire.
    """

    model: str
    messages: tuple[Mapping[str, Any], ...] = ()
    parameters: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class LangDB:
    """LangDB's gateway.

    ``project`` is that of requests which name none; they are refused where it is empty.
    ``projects`` are all there are, None where any id is one. ``admin_key`` is what creates
    models, empty where any key does. ``custom_prices`` is how setting prices is answered:
    by the prices, or by a report of success; ``tool_calls`` is how those of a thread's
    messages come: a list, or JSON in a text. The specifications differ in both.
    ``virtual_models`` go by name; where there are any, there are no others.
    """

    project: str = ""
    projects: tuple[str, ...] | None = None
    admin_key: str = field(default="", repr=False)
    custom_prices: Literal["prices", "report"] = "prices"
    virtual_models: Mapping[str, VirtualModel] = field(default_factory=dict)
    tool_calls: Literal["list", "text"] = "list"


class Gateways(Struct, frozen=True):
    """What is said of each provider."""

    azure: Azure = Azure()
    langdock: Langdock = Langdock()
    langdb: LangDB = LangDB()


USUAL = Gateways()
"""How they speak where a scenario says nothing."""
