"""How providers are to speak: what a scenario may say of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from mockdock.gateways import Azure, LangDB, Langdock, LangdockModels
from mockdock.request import DialectName
from mockdock.scenario.base import Complaint, Part, Word, refuse
from mockdock.scenario.guards import GuardSpec
from mockdock.scenario.limits import LimitSpec
from mockdock.scenario.seeds import SeedsSpec
from mockdock.scenario.virtual import VirtualModelSpec

__all__ = ["GATEWAYS", "AzureSpec", "GatewaySpec", "LangDBSpec", "LangdockSpec"]


class GatewaySpec(Part, ABC):
    """What a scenario says of a provider."""

    usual_limits: ClassVar[tuple[LimitSpec, ...]] = ()
    """The rate limits of one that a scenario says nothing of."""

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


class LangdockSpec(GatewaySpec):
    """A Langdock workspace."""

    usual_limits = (_DOCUMENTED,)

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
        usual_limits,
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


_LANGDB = LangDB()


class LangDBSpec(SeedsSpec, GatewaySpec):
    """LangDB's gateway, and what its accounts begin with."""

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
    tool_calls: Literal["list", "text"] = Field(
        _LANGDB.tool_calls,
        description="what the calls of tools are in a thread's messages: a list, as LangDB's own "
        "client wants it, or JSON in a text, as its specification says",
    )
    virtual_models: dict[Word, VirtualModelSpec] = Field(
        default_factory=dict,
        description="saved configurations, by name: clients ask for langdb/<name>, or <name>; "
        "where there are any, there are no other langdb/ models",
    )
    guards: dict[Word, GuardSpec] | None = Field(
        None,
        description="what each guard makes of a text, by id; others do not exist then. "
        "Default: any id is a guard that lets all pass",
    )

    @property
    def usual_project(self) -> str:
        """The project of what names none, empty where there is no such."""
        return self.project or next(iter(self.projects or ()), "")

    def settings(self) -> LangDB:
        """Give it as a noun."""
        virtual = {name: each.virtual_model() for name, each in self.virtual_models.items()}
        return LangDB(
            self.project or "",
            self.projects,
            self.admin_key or "",
            self.custom_prices,
            virtual,
            self.tool_calls,
        )

    def unlisted(self, known: Sequence[str]) -> Iterator[Complaint]:
        """Complain of virtual models whose model is not among the known ones."""
        for name, each in self.virtual_models.items():
            listed = each.model in known or each.model.rpartition("/")[2] in known
            if not listed and not each.model.startswith(("langdb/", "router/", "ft:")):
                message = f"{each.model!r} is not among the 'models'"
                at = ("langdb", "virtual_models", name, "model")
                yield Complaint(message, f"models: {', '.join(known)}", at)

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(self._project_complaints())
        refuse(self._virtual_complaints())
        if self.project and self.projects is not None and self.project not in self.projects:
            message = f"{self.project!r} is not among the 'projects'"
            refuse([Complaint(message, f"projects: {', '.join(self.projects)}", ("project",))])
        refuse(self.complaints(self.usual_project, self.projects))
        return self

    def _project_complaints(self) -> Iterator[Complaint]:
        if self.projects is not None and not self.projects:
            yield Complaint("without any project all is refused", "leave it out", ("projects",))
        elif self.projects and self.project is not None and self.project not in self.projects:
            message = f"{self.project!r} is not among the 'projects'"
            yield Complaint(message, f"projects: {', '.join(self.projects)}", ("project",))

    def _virtual_complaints(self) -> Iterator[Complaint]:
        for name, each in self.virtual_models.items():
            at = ("virtual_models", name)
            if "/" in name:
                message = f"a virtual model has a bare name; clients ask for langdb/{name}"
                yield Complaint(message, "leave out what is before the slash", at, on_key=True)
            if each.model.startswith("langdb/"):
                message = f"{each.model!r} is a virtual model itself"
                yield Complaint(message, "name the model that answers", (*at, "model"))
            if each.model.startswith("router/") and each.parameters.router is None:
                message = f"{each.model!r} needs a router"
                yield Complaint(message, "parameters: {router: ...}", (*at, "model"))


GATEWAYS: Mapping[DialectName, type[GatewaySpec]] = {
    "azure": AzureSpec,
    "langdock": LangdockSpec,
    "langdb": LangDBSpec,
}
"""The keys of a scenario that say how a provider is to speak."""
