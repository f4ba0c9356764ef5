"""How providers are to speak: what a scenario may say of each."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from mockdock.gateways import Azure, LangDB, Langdock, LangdockModels
from mockdock.request import DialectName
from mockdock.scenario.base import Part, Word
from mockdock.scenario.limits import LimitSpec

__all__ = ["GATEWAYS", "USUAL_LIMITS", "AzureSpec", "GatewaySpec", "LangdockSpec"]

GATEWAYS: tuple[DialectName, ...] = ("azure", "langdock", "langdb")
"""The keys of a scenario that say how a provider is to speak."""


class GatewaySpec(Part, ABC):
    """What a scenario says of a provider."""

    @abstractmethod
    def settings(self) -> Azure | Langdock | LangDB:
        """Give what a dialect has to know as a noun."""

    @property
    def own_limits(self) -> tuple[LimitSpec, ...]:
        """Its own rate limits, on top of the scenario's."""
        return ()


class AzureSpec(GatewaySpec):
    """An Azure OpenAI resource."""

    deployments: dict[Word, Word] | None = Field(
        None,
        description="the model of each deployment, by name; others do not exist then. "
        "Default: the name of a deployment is that of its model",
    )
    region: Word = Field(Azure().region, description="where replies say they come from")

    def settings(self) -> Azure:
        """Give it as a noun."""
        return Azure(self.deployments, self.region)


_LANGDOCK = Langdock()
_DOCUMENTED = LimitSpec.model_construct(
    per=("workspace", "model"), rpm=500, tpm=60_000, header="none"
)
"""The limit of Langdock's documents, which speak of no header."""

USUAL_LIMITS: Mapping[DialectName, tuple[LimitSpec, ...]] = {"langdock": (_DOCUMENTED,)}
"""The rate limits of providers that a scenario says nothing of."""


class LangdockSpec(GatewaySpec):
    """A Langdock workspace."""

    unsupported: Literal["ignore", "reject"] = Field(
        _LANGDOCK.unsupported,
        description="whether n, service_tier, parallel_tool_calls and stream_options count as "
        "absent, or are refused",
    )
    errors: Literal["flat", "openai"] = Field(
        _LANGDOCK.errors, description="error bodies: {message}, or of OpenAI's form"
    )
    requests: Literal["documents", "openai"] = Field(
        _LANGDOCK.requests,
        description="what chat requests are checked by: the schema of Langdock's documents, or "
        "OpenAI's",
    )
    replies: Literal["openai", "azure"] = Field(
        _LANGDOCK.replies, description="replies of OpenAI's form, or as Azure writes them"
    )
    browsers: Literal["blocked", "allowed"] = Field(
        _LANGDOCK.browsers, description="whether requests with an Origin header are refused"
    )
    models: LangdockModels | None = Field(
        None,
        description="the only models there are: those that a document names. Default: those of "
        "the scenario; where it lists none, any name is accepted, and chat-openapi listed",
    )
    limits: tuple[LimitSpec, ...] = Field(
        (_DOCUMENTED,),
        description="rate limits of Langdock's requests, on top of the scenario's; an empty "
        "list: none",
    )

    def settings(self) -> Langdock:
        """Give what a dialect has to know as a noun."""
        return Langdock(self.unsupported, self.errors, self.requests, self.replies, self.browsers)

    @property
    def own_limits(self) -> tuple[LimitSpec, ...]:
        """Give its limits, those of the documents where nothing is said."""
        return self.limits
