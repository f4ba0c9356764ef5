"""How providers are to speak: what a scenario may say of each."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mockdock.gateways import Azure, LangDB, Langdock, LangdockModels
from mockdock.scenario.base import Part, Word
from mockdock.scenario.limits import LimitSpec

__all__ = ["AzureSpec", "LangDBSpec", "LangdockSpec"]


class AzureSpec(Part):
    """An Azure OpenAI resource."""

    deployments: dict[Word, Word] | None = Field(
        None,
        description="the model of each deployment, by name; others do not exist then. "
        "Default: the name of a deployment is that of its model",
    )
    region: Word = Field(Azure().region, description="where replies say they come from")

    def azure(self) -> Azure:
        """Give it as a noun."""
        return Azure(self.deployments, self.region)


_LANGDOCK = Langdock()
_DOCUMENTED = LimitSpec(per=("workspace", "model"), rpm=500, tpm=60_000, header="none")
"""The limit of Langdock's documents, which speak of no header."""


class LangdockSpec(Part):
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

    def langdock(self) -> Langdock:
        """Give what a dialect has to know as a noun."""
        return Langdock(self.unsupported, self.errors, self.requests, self.replies, self.browsers)


_LANGDB = LangDB()


class LangDBSpec(Part):
    """LangDB's gateway."""

    project: Word | None = Field(
        None, description="the project of requests that name none. Default: they are refused"
    )
    projects: tuple[Word, ...] | None = Field(
        None, description="the projects there are. Default: any id is one"
    )
    admin_key: Word | None = Field(
        None, description="the X-Admin-Key that creates models. Default: any"
    )
    custom_prices: Literal["prices", "report"] = Field(
        _LANGDB.custom_prices,
        description="what setting prices is answered by: those prices, or a report of success; "
        "LangDB's specifications have either",
    )

    def langdb(self) -> LangDB:
        """Give it as a noun."""
        return LangDB(self.project or "", self.projects, self.admin_key or "", self.custom_prices)
