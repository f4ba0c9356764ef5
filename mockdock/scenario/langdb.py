"""What a scenario may say of LangDB's gateway."""

from collections.abc import Iterator, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from mockdock.gateways import LangDB
from mockdock.scenario.base import Complaint, Word, refuse
from mockdock.scenario.gateways import GatewaySpec
from mockdock.scenario.guards import GuardSpec
from mockdock.scenario.seeds import SeedsSpec
from mockdock.scenario.virtual import VirtualModelSpec

__all__ = ["LangDBSpec"]

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
