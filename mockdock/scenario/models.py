"""The scenario: settings, and rules in the order they are tried."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from msgspec.structs import replace
from pydantic import BeforeValidator, Discriminator, Field, PrivateAttr, Tag, model_validator

from mockdock.gateways import Gateways
from mockdock.request import DialectName
from mockdock.scenario import placeholders
from mockdock.scenario.base import (
    Bool,
    Complaint,
    Part,
    Path,
    Positive,
    Scalar,
    Word,
    refuse,
    rejection,
    shown,
    unknown,
)
from mockdock.scenario.chaos import ChaosSpec, PhaseSpec, crowded
from mockdock.scenario.conditions import When
from mockdock.scenario.faults import Faults
from mockdock.scenario.gateways import GATEWAYS, USUAL_LIMITS, AzureSpec, LangdockSpec
from mockdock.scenario.limits import LimitSpec
from mockdock.scenario.pace import PacingSpec
from mockdock.scenario.places import misplaced
from mockdock.scenario.replies import Answer, ErrorSpec, ReplySpec, SoleAnswer
from mockdock.scenario.seldom import SomeAudit, SomeLangDB
from mockdock.scenario.vectors import MOST_DIMENSIONS

__all__ = ["VERSION", "AuthKeys", "ModelSpec", "Rule", "Scenario"]

VERSION = 1


class ModelSpec(Part):
    """A model of the catalogue. A plain text stands for ``{id: ...}``."""

    shorthand: ClassVar[dict[str, Any]] = {"type": "string", "minLength": 1, "description": "an id"}

    id: Word = Field(description="the name clients ask for")
    snapshot: Word | None = Field(None, description="the dated name that answers")
    owned_by: Word | None = Field(None, description="its owner, as the models endpoint shows it")
    encoding: Literal["o200k_base", "cl100k_base", "o200k_harmony"] | None = Field(
        None, description="how its tokens are counted"
    )
    context_window: Positive | None = Field(None, description="tokens of request and answer")
    max_output_tokens: Positive | None = Field(None, description="tokens of the longest answer")
    reasoning: Bool | None = Field(None, description="it thinks before it answers")
    dimensions: Annotated[Positive, Field(le=MOST_DIMENSIONS)] | None = Field(
        None, description="length of its embeddings, for a model that makes such"
    )

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"id": data}
        if isinstance(data, dict | ModelSpec):
            return data
        raise rejection(Complaint(f"expected the id of a model or a mapping, got {shown(data)}"))


class AuthKeys(Part):
    """The only API keys accepted."""

    keys: Annotated[tuple[Word, ...], Field(min_length=1)] = Field(description="API keys")


class Rule(Part):
    """When to answer, and what."""

    name: Word | None = Field(None, description="a name for messages and the journal")
    when: When = Field(
        default=When.model_construct(), description="conditions, all must hold; none: always"
    )
    reply: SoleAnswer = Field(None, description="the answer")
    replies: Annotated[tuple[Answer, ...], Field(min_length=1)] | None = Field(
        None, description="answers, given one after the other"
    )
    per: Literal["session", "request", "server"] = Field(
        "session", description="what steps through replies: the session, one request, the server"
    )
    after_last: Literal["repeat", "cycle", "pass", "fail"] = Field(
        "repeat",
        description="after the last reply: repeat it, start over, try later rules, or fail",
    )
    times: Positive | None = Field(None, description="the rule applies so many times")
    set_state: dict[str, Scalar] = Field(
        default_factory=dict, description="named state set when the rule has answered"
    )
    _location: str = PrivateAttr("")

    @property
    def answers(self) -> tuple[ReplySpec | ErrorSpec, ...]:
        """The answers in order, one or many."""
        if self.replies is not None:
            return self.replies
        return () if self.reply is None else (self.reply,)

    @property
    def location(self) -> str:
        """Where it was read, such as ``agent.yaml:12``; empty when made in Python."""
        return self._location

    def located(self, location: str) -> "Rule":
        """Give the same rule with another location."""
        rule = self.model_copy()
        rule._location = location  # noqa: SLF001 - its own class
        return rule

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(self._complaints())
        return self

    def _complaints(self) -> Iterator[Complaint]:
        if self.reply is not None and self.replies is not None:
            message = "'reply' and 'replies' exclude each other"
            yield Complaint(message, at=("replies",), on_key=True)
        if not self.answers:
            yield Complaint("a rule needs 'reply' or 'replies'")
        for at, answer in self._placed():
            api = self.when.api
            if api in _ONLY_ERRORS and not isinstance(answer, ErrorSpec):
                message = f"the {api} API can only be answered by an error"
                yield Complaint(message, _ONLY_ERRORS[api], at)
            elif isinstance(answer, ReplySpec):
                for wrong in misplaced(api, answer.given()):
                    yield replace(wrong, at=(*at, *wrong.at))
            yield from _match_complaints(answer, at, self.when)

    def _placed(self) -> Iterator[tuple[Path, ReplySpec | ErrorSpec]]:
        if self.reply is not None:
            yield ("reply",), self.reply
        for index, answer in enumerate(self.replies or ()):
            yield ("replies", index), answer


_ONLY_ERRORS: dict[str | None, str] = {
    "models": "the list of models is not scripted; set it under 'models'",
    "stored": "what is stored is not scripted; it is what was asked with store: true",
    "account": "what a gateway tells of an account is not scripted; it is what the traffic was",
}
"""By api: why a rule can script errors only."""


def _match_complaints(
    answer: ReplySpec | ErrorSpec, at: Path, when: When | None
) -> Iterator[Complaint]:
    patterns = () if when is None else when.patterns
    groups = {name for pattern in patterns for name in pattern.groupindex}
    numbers = {str(number) for pattern in patterns for number in range(pattern.groups + 1)}
    for place, text in answer.templates():
        for name in placeholders.find(text):
            if name.root != "match":
                continue
            if not patterns:
                hint = "add one to user, system or headers" if when else "only rules have one"
                message = f"'${{{name}}}' without a 'matches' condition"
                yield Complaint(message, hint, at=(*at, *place))
            elif name.path and name.path[0] not in groups | numbers:
                known = sorted(groups) + sorted(numbers, key=int)
                message = f"no 'matches' condition has the group {name.path[0]!r}"
                yield Complaint(message, f"groups: {', '.join(known)}", at=(*at, *place))


def _version(value: object) -> object:
    if value != VERSION or isinstance(value, bool | float):
        message = f"version {shown(value)} of the language is not known"
        refuse([Complaint(message, f"write mockdock: {VERSION}")])
    return value


def _auth_kind(value: object) -> str:
    return "<AuthKeys>" if isinstance(value, dict | AuthKeys) else "<word>"


def _otherwise_kind(value: object) -> str:
    if isinstance(value, ErrorSpec) or (isinstance(value, dict) and "error" in value):
        return "<ErrorSpec>"
    return "<ReplySpec>" if isinstance(value, dict | ReplySpec) else "<word>"


def _otherwise_word(value: object) -> object:
    known = ("auto", "fail", "echo", "lorem")
    if value not in known:
        refuse([unknown(value, known, "a reply such as {text: ...}")])
    return value


OtherwiseWord = Annotated[
    Literal["auto", "fail", "echo", "lorem"], BeforeValidator(_otherwise_word)
]

Otherwise = Annotated[
    Annotated[OtherwiseWord, Tag("<word>")]
    | Annotated[ReplySpec, Tag("<ReplySpec>")]
    | Annotated[ErrorSpec, Tag("<ErrorSpec>")],
    Discriminator(_otherwise_kind),
]

Auth = Annotated[
    Annotated[Literal["any", "required"], Tag("<word>")] | Annotated[AuthKeys, Tag("<AuthKeys>")],
    Discriminator(_auth_kind),
]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Trigger = Literal["header", "query", "model"]


class Scenario(Part):
    """Everything a server says, and how."""

    mockdock: Annotated[Literal[1], BeforeValidator(_version)] = Field(
        description="version of the language"
    )
    name: Word | None = Field(None, description="a name for messages")
    description: str | None = Field(None, description="what the scenario is for")
    seed: Annotated[int, Field(strict=True)] = Field(0, description="seed of every random choice")
    models: tuple[ModelSpec, ...] | None = Field(
        None, description="the catalogue; absent: the built-in one, and any name is accepted"
    )
    validation: Literal["strict", "lenient"] = Field(
        "strict", description="whether odd requests get the provider's own 4xx, or pass"
    )
    auth: Auth = Field("any", description="which API keys are accepted")
    pacing: PacingSpec | None = Field(None, description="pace of all replies")
    limits: tuple[LimitSpec, ...] = Field(
        (), description="rate limits; every one has to admit a request"
    )
    workspaces: dict[Word, tuple[Word, ...]] = Field(
        default_factory=dict, description="the API keys of each workspace, for limits"
    )
    azure: AzureSpec | None = Field(None, description="the Azure OpenAI resource")
    langdock: LangdockSpec | None = Field(None, description="the Langdock workspace")
    langdb: SomeLangDB = Field(None, description="LangDB's gateway")
    faults: Faults = Field((), description="what breaks, of any reply")
    chaos: ChaosSpec | None = Field(None, description="errors and faults by chance")
    timeline: tuple[PhaseSpec, ...] = Field((), description="what happens when")
    audit: SomeAudit = Field(None, description="how a client is to retry")
    triggers: Annotated[
        tuple[Trigger, ...], BeforeValidator(_listed, json_schema_input_type=Trigger | list[str])
    ] = Field(
        ("header", "query", "model"),
        description="where a request may wish for trouble; an empty list: nowhere",
    )
    include: Annotated[
        tuple[Word, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])
    ] = Field((), description="further scenario files, relative to this one")
    rules: tuple[Rule, ...] = Field((), description="tried in this order, the first match answers")
    otherwise: Otherwise | None = Field(None, description="the answer when no rule matches")

    @property
    def usual_key(self) -> str:
        """A key that clients may use: the first that is accepted, or any."""
        return self.auth.keys[0] if isinstance(self.auth, AuthKeys) else "mockdock"

    @property
    def usual_project(self) -> str:
        """The project of LangDB's clients: the first that there is, empty where any is one."""
        return "" if self.langdb is None else self.langdb.usual_project

    @property
    def spoken_of(self) -> frozenset[DialectName]:
        """The dialects it has settings for."""
        return frozenset(name for name in GATEWAYS if getattr(self, name) is not None)

    @property
    def gateways(self) -> Gateways:
        """How providers are to speak."""
        return Gateways(**{name: getattr(self, name).settings() for name in self.spoken_of})

    @property
    def own_limits(self) -> Mapping[DialectName, tuple[LimitSpec, ...]]:
        """The limits that hold for the requests of one dialect, on top of ``limits``."""
        said = {name: getattr(self, name) for name in GATEWAYS}
        return {
            name: USUAL_LIMITS.get(name, ()) if part is None else part.own_limits
            for name, part in said.items()
        }

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(self._workspace_complaints())
        refuse(self._deployment_complaints())
        if self.langdb is not None and self.models is not None:
            refuse(self.langdb.unlisted([each.id for each in self.models]))
        refuse(crowded(self.timeline))
        if isinstance(self.otherwise, ReplySpec | ErrorSpec):
            refuse(_match_complaints(self.otherwise, ("otherwise",), None))
        if isinstance(self.otherwise, ReplySpec):
            wrong = misplaced("chat", self.otherwise.given())
            refuse(replace(each, at=("otherwise", *each.at)) for each in wrong)
        for index, phase in enumerate(self.timeline):
            if phase.error is not None:
                refuse(_match_complaints(phase.error, ("timeline", index, "error"), None))
        return self

    def _deployment_complaints(self) -> Iterator[Complaint]:
        deployments = None if self.azure is None else self.azure.deployments
        known = None if self.models is None else [each.id for each in self.models]
        for name, model in (deployments or {}).items():
            at = ("azure", "deployments", name)
            if "/" in name:
                yield Complaint("no path can name a deployment with a slash", at=at, on_key=True)
            if known is not None and ":" not in model and model.rpartition("/")[2] not in known:
                message = f"{model!r} is not among the 'models'"
                yield Complaint(message, f"models: {', '.join(known)}", at=at)

    def _workspace_complaints(self) -> Iterator[Complaint]:
        seen: dict[str, str] = {}
        for name, keys in self.workspaces.items():
            for index, key in enumerate(keys):
                other = seen.setdefault(key, name)
                if other != name:
                    message = f"a key has one workspace; this one is in {other!r} already"
                    yield Complaint(message, at=("workspaces", name, index))
