"""When a rule applies."""

import re
import warnings
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    model_validator,
)

from mockdock.request import Api, DialectName
from mockdock.scenario.base import (
    Bool,
    Complaint,
    Count,
    Part,
    Scalar,
    Word,
    check_json,
    refuse,
    rejection,
    shown,
)
from mockdock.scenario.headers import header_name_complaint

__all__ = ["CountCondition", "HeaderCondition", "TextCondition", "When"]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _regex(text: str) -> str:
    refuse(_regex_complaints(text))
    return text


def _regex_complaints(text: str) -> Iterator[Complaint]:
    try:
        _compiled(text)
    except re.error as error:
        where = "" if error.pos is None else f" at position {error.pos}"
        yield Complaint(f"not a regular expression: {error.msg}{where}")
    except (OverflowError, RecursionError):
        yield Complaint("the regular expression is too large")


def _compiled(text: str) -> re.Pattern[str]:
    with warnings.catch_warnings():  # doubtful but valid patterns are the author's business
        warnings.simplefilter("ignore")
        return re.compile(text)


class TextCondition(Part):
    """A condition on a text. All that is given must hold; compared with case."""

    shorthand: ClassVar[dict[str, Any]] = {
        "type": "string",
        "description": "the text contains this",
    }

    equals: str | None = Field(None, description="the whole text is this")
    contains: Annotated[
        tuple[str, ...] | None,
        Field(min_length=1),
        BeforeValidator(_listed, json_schema_input_type=str | list[str] | None),
    ] = Field(None, description="the text contains this, or all of these")
    matches: Annotated[str, AfterValidator(_regex)] | None = Field(
        None, description="a Python regular expression is found in the text"
    )
    not_: "TextCondition | None" = Field(
        None, alias="not", description="this condition does not hold"
    )
    _pattern: re.Pattern[str] | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"contains": data}
        if isinstance(data, dict | TextCondition):
            return data
        raise rejection(Complaint(f"expected a text or a mapping, got {shown(data)}", _TEXT_HINT))

    @model_validator(mode="after")
    def _check(self) -> Self:
        if all(value is None for value in (self.equals, self.contains, self.matches, self.not_)):
            refuse([Complaint("an empty condition", _TEXT_HINT)])
        self._compile()
        return self

    def _compile(self) -> None:
        self._pattern = None if self.matches is None else _compiled(self.matches)

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """The compiled ``matches``; it is searched for, not anchored."""
        return self._pattern


_TEXT_HINT = "a text it contains, or one of: equals, contains, matches, not"


class CountCondition(Part):
    """A condition on a count; both ends included."""

    shorthand: ClassVar[dict[str, Any]] = {
        "type": "integer",
        "minimum": 0,
        "description": "exactly this",
    }

    at_least: Count | None = Field(None, description="this or more")
    at_most: Count | None = Field(None, description="this or less")

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if isinstance(data, int) and not isinstance(data, bool):
            if data < 0:
                refuse([Complaint(f"a count cannot be {data}")])
            return {"at_least": data, "at_most": data}
        if isinstance(data, dict | CountCondition):
            return data
        raise rejection(
            Complaint(f"expected a whole number or a mapping, got {shown(data)}", _COUNT_HINT)
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.at_least is None and self.at_most is None:
            refuse([Complaint("an empty condition", _COUNT_HINT)])
        return self


_COUNT_HINT = "a number, or at_least and at_most"


def _bool_or_glob(value: object) -> object:
    if value is not None and not isinstance(value, bool | str):
        refuse([Complaint(f"expected true, false or the name of a tool, got {shown(value)}")])
    if value == "":
        refuse([Complaint("the name of a tool is empty", "true stands for any tool")])
    return value


def _header_kind(value: object) -> str:
    return "<bool>" if isinstance(value, bool) else "<TextCondition>"


def _lower_names(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    lowered: dict[Any, Any] = {}
    complaints: list[Complaint] = []
    for name, condition in value.items():
        if wrong := header_name_complaint(name):
            complaints.append(Complaint(wrong, at=(name,), on_key=True))
        elif name.lower() in lowered:
            complaints.append(Complaint(f"the header {name!r} twice", at=(name,), on_key=True))
        else:
            lowered[name.lower()] = condition
    refuse(complaints)
    return lowered


HeaderCondition = Annotated[
    Annotated[Bool, Tag("<bool>")] | Annotated[TextCondition, Tag("<TextCondition>")],
    Discriminator(_header_kind),
]

ToolGlob = Annotated[Bool | str | None, BeforeValidator(_bool_or_glob)]


class When(Part):
    """The conditions of a rule; all that are given must hold."""

    dialect: DialectName | None = Field(None, description="the wire API the client speaks")
    api: Api | None = Field(None, description="the kind of service asked")
    model: Annotated[
        tuple[Word, ...] | None,
        Field(min_length=1),
        BeforeValidator(_listed, json_schema_input_type=str | list[str] | None),
    ] = Field(None, description="the model asked for: a glob, or a list of which one fits")
    user: TextCondition | None = Field(
        None, description="the last user message, or what is to be embedded, judged or completed"
    )
    system: TextCondition | None = Field(None, description="system and developer messages, joined")
    turn: CountCondition | None = Field(None, description="number of user messages so far")
    attempt: CountCondition | None = Field(
        None, description="which attempt at the same request this is; the first is 1"
    )
    after_tool: ToolGlob = Field(
        None, description="tool results end the conversation; a glob for the tool's name"
    )
    offers_tool: ToolGlob = Field(
        None, description="tools are on offer; a glob for the name of one of them"
    )
    stream: Bool | None = Field(None, description="the answer is asked as a stream")
    headers: Annotated[dict[str, HeaderCondition] | None, BeforeValidator(_lower_names)] = Field(
        None, description="conditions on request headers; true: present, false: absent"
    )
    body: Annotated[dict[str, Any] | None, AfterValidator(check_json)] = Field(
        None, description="fields of the request; given mappings may be part of the real ones"
    )
    state: dict[str, Scalar] | None = Field(None, description="named state of the session")

    @property
    def patterns(self) -> tuple[re.Pattern[str], ...]:
        """The patterns that feed ``${match}``: of user, system and headers, in this order."""
        texts = (self.user, self.system, *(self.headers or {}).values())
        return tuple(
            text.pattern
            for text in texts
            if isinstance(text, TextCondition) and text.pattern is not None
        )
