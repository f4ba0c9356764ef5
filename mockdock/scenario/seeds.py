"""What a gateway's account begins with: threads, models, prices, and past usage."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from mockdock.accounts import SaidBy
from mockdock.scenario.base import (
    Bool,
    Complaint,
    Count,
    Json,
    Number,
    Part,
    Path,
    Positive,
    Word,
    refuse,
    rejection,
    shown,
    strings,
)
from mockdock.scenario.durations import Duration
from mockdock.scenario.moments import Age, Moment, either
from mockdock.scenario.replies import ToolCallSpec

__all__ = [
    "HistoryModelSpec",
    "HistorySpec",
    "MadeModelSpec",
    "MessageSpec",
    "PriceSpec",
    "SeedsSpec",
    "ThreadSpec",
    "UsedSpec",
    "UserSpec",
]

_MOST = 100_000
"""Exchanges of a history; some 40 seconds to make."""
_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_UNKNOWN = "00000000-0000-0000-0000-000000000000"
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_USD = "US dollars for a million"
Dollars = Annotated[Number, Field(ge=0, le=1e9)]
OfToken = Annotated[Number, Field(ge=0, le=1e3)]
Whole = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
_PROJECT = "its project. Default: that of langdb"


class UserSpec(Part):
    """A user. A plain text stands for both the id and the name."""

    shorthand: ClassVar[dict[str, Any]] = {
        "type": "string",
        "minLength": 1,
        "description": "an id that is a name as well",
    }

    id: Word = Field(description="the id, as in extra.user")
    name: Word | None = Field(None, description="the name")

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"id": data, "name": data}
        if isinstance(data, dict | UserSpec):
            return data
        raise rejection(Complaint(f"expected the id of a user or a mapping, got {shown(data)}"))


class MessageSpec(Part):
    """A message of a thread, by the names of LangDB's schema."""

    type: SaidBy = Field(description="who says it")
    content: str = Field("", description="its text")
    tool_call_id: Word | None = Field(None, description="the call that it is the result of")
    tool_calls: tuple[ToolCallSpec, ...] = Field((), description="the calls that it makes")


class ThreadSpec(Part):
    """A thread that is there, by the names of LangDB's schema."""

    id: Word | None = Field(None, description="its id. Default: a uuid made of what it holds")
    project_id: Word | None = Field(None, description=_PROJECT)
    title: str | None = Field(None, description="its title")
    model_name: Word = Field("gpt-4o", description="the model it was led with")
    user_id: Word | None = Field(None, description="whose it is")
    user_name: Word | None = Field(None, description="the name of that user")
    score: Number | None = Field(None, description="its score")
    public: Bool = Field(default=False, description="whether it is public")
    ago: Age | None = Field(None, description="how long ago it was created. Default: now")
    created_at: Moment | None = Field(None, description="when it was created")
    messages: tuple[MessageSpec, ...] = Field((), description="what was said, in order")

    @model_validator(mode="after")
    def _check(self) -> Self:
        either(self.ago, self.created_at, "created_at")
        return self


class MadeModelSpec(Part):
    """A model, as ``POST /admin/models`` takes it; only its name and owner are needed."""

    model_name: Word = Field(description="its name; clients ask for it, or for owner/name")
    owner_name: Word = Field(description="who offers it")
    description: str = Field("", description="what it is")
    provider_info_id: Annotated[str, StringConstraints(pattern=_UUID)] = Field(
        _UNKNOWN, description="the uuid of its provider"
    )
    project_id: Word | None = Field(None, description=_PROJECT)
    model_type: Word = Field("completions", description="completions or embeddings")
    priority: Whole = Field(0, description="the lowest comes first in lists")
    public: Bool = Field(default=False, description="whether other projects see it")
    request_response_mapping: str | None = Field(None, description="kept as it is")
    input_token_price: OfToken | None = Field(None, description="US dollars for one token")
    output_token_price: OfToken | None = Field(None, description="US dollars for one token")
    context_size: Positive | None = Field(None, description="tokens of request and answer")
    capabilities: tuple[str, ...] = Field((), description="such as tools")
    input_types: tuple[str, ...] = Field((), description="such as text")
    output_types: tuple[str, ...] = Field((), description="such as text")
    tags: tuple[str, ...] = Field((), description="kept as they are")
    type_prices: dict[str, Dollars] | None = Field(None, description="US dollars by type")
    mp_price: Dollars | None = Field(None, description="US dollars for a megapixel")
    model_name_in_provider: str | None = Field(None, description="kept as it is")
    parameters: dict[str, Json] = Field(default_factory=dict, description="kept as they are")
    ago: Age | None = Field(None, description="how long ago it was made. Default: a year")
    created_at: Moment | None = Field(None, description="when it was made")

    @model_validator(mode="after")
    def _check(self) -> Self:
        either(self.ago, self.created_at, "created_at")
        return self


class PriceSpec(Part):
    """What a model costs, by the names of ``POST /projects/{project_id}/custom_prices``."""

    per_input_token: Dollars = Field(description=f"{_USD} input tokens")
    per_output_token: Dollars = Field(description=f"{_USD} output tokens")
    ago: Age | None = Field(None, description="since when it holds. Default: always")
    valid_from: Moment | None = Field(None, description="since when it holds")

    @model_validator(mode="after")
    def _check(self) -> Self:
        either(self.ago, self.valid_from, "valid_from")
        return self


class UsedSpec(Part):
    """A past exchange."""

    model: Word = Field(description="who answered, such as openai/gpt-4o")
    project_id: Word | None = Field(None, description=_PROJECT)
    ago: Age | None = Field(None, description="how long ago it began")
    started_at: Moment | None = Field(None, description="when it began")
    api: Literal["chat", "embeddings"] = Field("chat", description="what was asked for")
    thread_id: Word | None = Field(None, description="its thread, one of `threads` or a new one")
    run_id: Word | None = Field(None, description="its run")
    label: Word | None = Field(None, description="its label")
    tags: dict[Word, str] = Field(default_factory=dict, description="its tags")
    user: UserSpec | None = Field(None, description="who asked")
    duration: Duration = Field(1.0, description="how long it took. Default: 1s")
    ttft: Duration | None = Field(None, description="the time to the first token, of a stream")
    input_tokens: Count = Field(0, description="tokens of the request")
    output_tokens: Count = Field(0, description="tokens of the answer")
    cost: Dollars | None = Field(None, description="US dollars. Default: by the model's price")
    status: Annotated[int, Field(strict=True, ge=200, le=599)] = Field(
        200, description="the HTTP status; from 400 on it counts as failed"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        either(self.ago, self.started_at, "started_at")
        if self.ago is None and self.started_at is None:
            refuse([Complaint("a past exchange needs 'ago' or 'started_at'", "such as ago: 3d")])
        if self.ttft is not None and self.ttft > self.duration:
            refuse([Complaint("ttft is longer than duration", at=("ttft",))])
        return self


class HistoryModelSpec(Part):
    """A model that was used. A plain text stands for ``{model: ...}``."""

    shorthand: ClassVar[dict[str, Any]] = {
        "type": "string",
        "minLength": 1,
        "description": "a model",
    }

    model: Word = Field(description="who answered, such as openai/gpt-4o")
    share: Annotated[Number, Field(gt=0, le=1e9)] = Field(
        1.0, description="how much it was used, beside the others"
    )
    ttft: Duration = Field(0.4, description="the usual time to the first token. Default: 400ms")
    tps: Annotated[Number, Field(gt=0, le=1e6)] = Field(
        60.0, description="the usual tokens per second after that"
    )

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"model": data}
        if isinstance(data, dict | HistoryModelSpec):
            return data
        raise rejection(Complaint(f"expected a model or a mapping, got {shown(data)}"))


class HistorySpec(Part):
    """Past usage that is made up: conversations with days, nights and weekends."""

    projects: Annotated[tuple[Word, ...], Field(min_length=1)] | None = Field(
        None, description="the projects that have one each. Default: that of langdb"
    )
    days: Annotated[Positive, Field(le=366)] = Field(30, description="how long it is")
    per_day: Annotated[Positive, Field(le=_MOST)] = Field(
        100, description="exchanges of a working day, about"
    )
    models: Annotated[tuple[HistoryModelSpec, ...], Field(min_length=1)] = Field(
        (
            HistoryModelSpec.model_construct(model="gpt-4o", share=1.0),
            HistoryModelSpec.model_construct(model="gpt-4o-mini", share=2.0),
        ),
        description="the models used. Default: gpt-4o, and gpt-4o-mini twice as much",
    )
    users: tuple[UserSpec, ...] = Field((), description="the users, one for each conversation")
    tags: tuple[dict[Word, str], ...] = Field(
        (), description="sets of tags, one for each conversation"
    )
    labels: tuple[Word, ...] = Field((), description="labels, one for each conversation")
    error_rate: Annotated[Number, Field(ge=0, le=1)] = Field(
        0.02, description="the share that failed"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        count = self.days * self.per_day * len(self.projects or ("",))
        if count > _MOST:
            refuse(
                [
                    Complaint(
                        f"a history of some {count} exchanges is too long",
                        f"at most {_MOST}: days x per_day, for each project",
                        at=("per_day" if "per_day" in self.model_fields_set else "days",),
                    )
                ]
            )
        return self


class SeedsSpec(Part):
    """What the accounts of a gateway begin with."""

    threads: tuple[ThreadSpec, ...] = Field((), description="threads that are there")
    models: tuple[MadeModelSpec, ...] = Field((), description="models that were made")
    prices: dict[Word, dict[Word, PriceSpec]] = Field(
        default_factory=dict,
        description="prices that were set: by project, then by model, such as bedrock/my-model",
    )
    usage: tuple[UsedSpec, ...] = Field((), description="past exchanges")
    history: HistorySpec | None = Field(None, description="past exchanges that are made up")

    def complaints(self, usual: str, projects: tuple[str, ...] | None) -> Iterator[Complaint]:
        """Give what is wrong with it where ``usual`` is the project of what names none."""
        for at, project in self._placed():
            if project is None:
                if not usual:
                    yield Complaint(
                        "this belongs to no project",
                        "name one here, or for all of langdb: project: my-project",
                        at=at,
                    )
            elif projects is not None and project not in projects:
                hint = f"projects: {', '.join(projects)}"
                message = f"{project!r} is not among the 'projects'"
                yield Complaint(message, hint, at=at, on_key=at[0] == "prices")
        yield from self._twice(usual)
        for at, text in strings(self.model_dump()):
            if not text.isascii() and _SURROGATE.search(text):
                yield Complaint(f"half of a surrogate pair cannot be kept: {shown(text)}", at=at)

    def _placed(self) -> Iterator[tuple[Path, str | None]]:
        """Give the project of everything, with the place where it is or could be named."""
        lists: tuple[tuple[str, Sequence[ThreadSpec | MadeModelSpec | UsedSpec]], ...] = (
            ("threads", self.threads),
            ("models", self.models),
            ("usage", self.usage),
        )
        for name, items in lists:
            for index, each in enumerate(items):
                own = each.project_id
                yield (name, index) if own is None else (name, index, "project_id"), own
        for project in self.prices:
            yield ("prices", project), project
        if self.history is not None:
            if self.history.projects is None:
                yield ("history",), None
            for index, project in enumerate(self.history.projects or ()):
                yield ("history", "projects", index), project

    def _twice(self, usual: str) -> Iterator[Complaint]:
        threads: set[tuple[str, str]] = set()
        for index, thread in enumerate(self.threads):
            if thread.id is not None:
                key = (thread.project_id or usual, thread.id)
                if key in threads:
                    message = f"there is a thread {thread.id!r} already"
                    yield Complaint(message, at=("threads", index, "id"))
                threads.add(key)
        models: set[tuple[str, str, str]] = set()
        for index, model in enumerate(self.models):
            own = (model.project_id or usual, model.owner_name, model.model_name)
            if own in models:
                message = f"there is a model {model.owner_name}/{model.model_name} already"
                yield Complaint(message, at=("models", index, "model_name"))
            models.add(own)
