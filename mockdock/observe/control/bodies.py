"""What the control API takes and gives, beside the bodies of the verbs themselves."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    RootModel,
)

from mockdock.deferred import Deferred
from mockdock.observe.control.operation import Query
from mockdock.observe.verbs import LimitCard, RuleCard, Scalar, Unused

__all__ = [
    "Adding",
    "Advance",
    "AuditBody",
    "Audited",
    "Auditing",
    "Awaiting",
    "Clock",
    "Everyone",
    "Explanation",
    "Following",
    "Health",
    "Inquiry",
    "Judgement",
    "Judging",
    "Key",
    "LimitList",
    "LimitsBody",
    "Listing",
    "OneSession",
    "OpenApi",
    "Reached",
    "Records",
    "RuleBody",
    "Rules",
    "ScenarioBody",
    "Schema",
    "SessionList",
    "States",
    "StatesBody",
    "TroubleBody",
]

_MOST_RECORDS = 1000
_MOST_ATTEMPTS = 100_000
_LONGEST_STEP = 1e9
_MOST_ORDERED = 1000
_MOST_STATES = 1000
_COUNT = re.compile(r"[0-9]{1,18}")
_SECONDS = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,3})?")
_WAIT = Field(
    0,
    ge=0,
    allow_inf_nan=False,
    description="real seconds to wait for it; after 30 the answer is what there is",
)


class _Body(Deferred):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _check_count(text: object) -> object:
    if isinstance(text, str) and not _COUNT.fullmatch(text):
        raise ValueError("a whole number is wanted, in digits")
    return text


def _check_seconds(text: object) -> object:
    if isinstance(text, str) and not _SECONDS.fullmatch(text):
        raise ValueError("a number of seconds is wanted, in digits, such as 1.5")
    return text


def _check_states(states: object) -> object:
    if isinstance(states, dict) and len(states) > _MOST_STATES:
        raise ValueError(f"at most {_MOST_STATES} states can be set at once")
    return states


_Group = Annotated[tuple[str, ...], FailFast()]
_Count = Annotated[int, BeforeValidator(_check_count)]
_Seconds = Annotated[float, BeforeValidator(_check_seconds)]


class OneSession(Query):
    """Parameters of what concerns one session."""

    session: str = Field(
        "", description="key of the session, else of the header x-mockdock-session; "
        "without both the server's own"
    )  # fmt: skip


class Everyone(Query):
    """Parameters of what concerns one session, or all."""

    session: str = Field(
        "", description="key of the session, else of the header x-mockdock-session; "
        "without both the server's own; * for all sessions"
    )  # fmt: skip


class Adding(OneSession):
    """Parameters of adding a rule."""

    first: bool = Field(False, description="try it before all others")


class Following(Everyone):
    """Parameters of reading the journal."""

    after: _Count = Field(0, ge=0, description="only exchanges after this number")
    last: _Count | None = Field(None, ge=0, description="of these only the newest so many")
    limit: _Count = Field(
        _MOST_RECORDS, ge=1, le=_MOST_RECORDS, description="of these no more than the first so many"
    )
    wait: _Seconds = _WAIT


class Listing(OneSession):
    """Parameters of listing rules."""

    key: str | None = Field(None, description="only the rule with this key")


class Judging(Everyone):
    """Parameters of judging a session, or all."""

    unused: Unused = Field("added", description="the rules that have to have answered")


class Auditing(Everyone):
    """Parameters of an audit."""

    policy: str | None = Field(
        None, description="a ready policy, such as openai-python; none: the scenario's, or default"
    )


class Awaiting(OneSession):
    """Parameters of waiting for requests."""

    count: _Count = Field(ge=0, description="so many requests of the session")
    wait: _Seconds = _WAIT


class RuleBody(RootModel[dict[str, Any]]):
    """A rule, in the scenario language."""


class ScenarioBody(RootModel[dict[str, Any]]):
    """A scenario, in its own language; its JSON Schema is that of the resource schema.

    Also {yaml: TEXT, name: FILE}: a text whose lines errors and reports name.
    """


class LimitsBody(_Body):
    """Rate limits, in the scenario language; null: none."""

    limits: tuple[Any, ...] | None = Field(description="the limits, instead of those there were")
    workspaces: dict[str, Any] | None = Field(
        None, description="the API keys of each workspace; absent: as they were"
    )


class TroubleBody(_Body):
    """Trouble on purpose, in the scenario language; what is absent stays, null takes away."""

    limits: tuple[Any, ...] | None = Field(None, description="rate limits")
    workspaces: dict[str, Any] | None = Field(None, description="the API keys of each workspace")
    faults: tuple[Any, ...] | None = Field(None, description="what breaks, of any reply")
    chaos: dict[str, Any] | None = Field(None, description="errors and faults by chance")
    timeline: tuple[Any, ...] | None = Field(None, description="what happens when")
    audit: str | dict[str, Any] | None = Field(None, description="how a client is to retry")


class AuditBody(_Body):
    """By what clients are judged."""

    policy: str | dict[str, Any] | None = Field(
        None,
        description="a ready policy, or one in the scenario language; none: the scenario's, "
        "or default",
    )


class States(RootModel[dict[str, Scalar]]):
    """Named states; null unsets one."""


class StatesBody(RootModel[Annotated[dict[str, Scalar], BeforeValidator(_check_states)]]):
    """Named states to set, at most 1,000; null unsets one."""


class Advance(_Body):
    """How far to move the time of a session on."""

    seconds: float = Field(strict=True, ge=0, le=_LONGEST_STEP, description="scenario seconds")


class Judgement(_Body):
    """By what to judge a session, or all; an order is that of one."""

    unused: Unused = Field("added", description="the rules that have to have answered")
    order: Annotated[tuple[_Group, ...], Field(max_length=_MOST_ORDERED), FailFast()] = Field(
        (), description="groups of rule keys that had to answer one after the other"
    )


class Inquiry(_Body):
    """A request to explain."""

    request: dict[str, Any] = Field(description="its JSON body, as the provider takes it")
    attempt: int = Field(
        1, strict=True, ge=1, le=_MOST_ATTEMPTS, description="which attempt of it this is"
    )


class Health(_Body):
    """The server answers."""

    status: Literal["ok"] = "ok"


class Schema(RootModel[dict[str, Any]]):
    """A JSON Schema, draft 2020-12."""


class OpenApi(RootModel[dict[str, Any]]):
    """An OpenAPI 3.1 document."""


class Rules(_Body):
    """Rules in the order they are tried."""

    rules: tuple[RuleCard, ...]


class LimitList(_Body):
    """Rate limits as they stand, in the order of the scenario."""

    limits: tuple[LimitCard, ...]


class Audited(RootModel[dict[str, Any]]):
    """``ok``, ``policy``, its ``lines`` with examples, ``figures``, and ``calls`` with attempts."""


class Key(_Body):
    """What names an added rule in the other operations."""

    key: str


class Records(_Body):
    """Exchanges, oldest first, each as a record of the journal."""

    records: tuple[dict[str, Any], ...]


class Reached(_Body):
    """Whether it has come to what was waited for."""

    reached: bool


class Explanation(RootModel[dict[str, Any]]):
    """``rule`` that would answer, ``refused`` by the API, ``verdicts`` of each rule."""


class SessionList(_Body):
    """Keys of the open sessions, in the order they were opened."""

    sessions: tuple[str, ...]


class Clock(_Body):
    """``now`` in scenario seconds, ``time`` in seconds since 1970."""

    now: float
    time: float
