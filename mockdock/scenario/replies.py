"""What a rule answers: a reply, or an error of the API."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from mockdock.reply import ErrorKind, Finish
from mockdock.scenario import placeholders
from mockdock.scenario.base import (
    LARGEST,
    Bool,
    Complaint,
    Count,
    Json,
    Logprob,
    Part,
    Path,
    Positive,
    Spread,
    Template,
    Word,
    check_json,
    refuse,
    rejection,
    shown,
    strings,
    unknown,
)
from mockdock.scenario.durations import Duration
from mockdock.scenario.faults import FAULT_NAMES, Faults
from mockdock.scenario.flags import FLAGS, FlagsEach, FlagsOrNone
from mockdock.scenario.headers import ReplyHeaders
from mockdock.scenario.limits import HeaderWord
from mockdock.scenario.pace import PacingSpec
from mockdock.scenario.vectors import VECTORS, VectorOrAuto, Vectors

__all__ = [
    "CONTENT",
    "Answer",
    "ErrorKind",
    "ErrorSpec",
    "GenerateSpec",
    "LogprobsSpec",
    "ReplySpec",
    "SoleAnswer",
    "ToolCallSpec",
    "UsageSpec",
]


class GenerateSpec(Part):
    """A text made up for the request."""

    kind: Literal["lorem", "echo", "schema", "faker"] = Field(
        "faker", description="filler, the user's own words, JSON for the schema, or sentences"
    )
    tokens: Positive | None = Field(None, description="length in tokens")


def _arguments(value: Any) -> Any:
    if not isinstance(value, dict | str):
        refuse([Complaint(f"expected a mapping or a text, got {shown(value)}")])
    return check_templates(value)


def check_templates(value: Any) -> Any:
    """Validate a JSON value and all names in ``${...}`` of its texts."""
    check_json(value)
    refuse(
        Complaint(wrong.message, wrong.hint, at)
        for at, text in strings(value)
        for wrong in placeholders.check(text)
    )
    return value


class ToolCallSpec(Part):
    """One call of a tool, as the model asks for it."""

    name: Word = Field(description="name of the tool")
    arguments: Annotated[dict[str, Any] | str, BeforeValidator(_arguments)] = Field(
        default_factory=dict, description="its arguments; a text goes out as it is, valid or not"
    )
    id: Word | None = Field(None, description="id of the call; made up when absent")


class UsageSpec(Part):
    """Token counts that replace the real ones."""

    prompt_tokens: Count | None = Field(None, description="tokens of the request")
    completion_tokens: Count | None = Field(None, description="tokens of the answer")
    total_tokens: Count | None = Field(None, description="both together")
    cached_tokens: Count | None = Field(None, description="of the request, from the cache")
    reasoning_tokens: Count | None = Field(None, description="of the answer, hidden reasoning")
    prompt_audio_tokens: Count | None = Field(None, description="of the request, audio")
    completion_audio_tokens: Count | None = Field(None, description="of the answer, audio")
    accepted_prediction_tokens: Count | None = Field(
        None, description="of the answer, predicted and right"
    )
    rejected_prediction_tokens: Count | None = Field(
        None, description="of the answer, predicted and wrong"
    )


def _reasoning(value: object) -> object:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and not isinstance(value, str) and not whole:
        refuse([Complaint(f"expected a number of tokens or a text, got {shown(value)}")])
    if isinstance(value, int) and value < 0:
        refuse([Complaint("a number of tokens cannot be negative")])
    if isinstance(value, int) and value > LARGEST:
        refuse([Complaint(f"{shown(value)} is not at most {LARGEST:g}")])
    return value


class LogprobsSpec(Part):
    """How sure the model seems to be, where log probabilities are asked for."""

    mean: Logprob = Field(-0.12, description="of the tokens' log probabilities, at most 0")
    spread: Spread = Field(0.15, description="their standard deviation")


BODIES = ("text", "json", "file", "generate", "refusal", *VECTORS, *FLAGS)
CONTENT = (*BODIES, "tool_calls", "choices", "reasoning")
WHOLE_ONLY = (*VECTORS, *FLAGS, "choices", "usage", "headers", "pacing", "faults")


class ReplySpec(Part):
    """An answer. A plain text stands for ``{text: ...}``.

    ``json_`` may be null: ``"json_" in reply.model_fields_set`` tells whether
    it was given.
    """

    shorthand: ClassVar[dict[str, Any]] = {"type": "string", "description": "the text answered"}

    text: Template | None = Field(None, description="the text answered")
    json_: Annotated[Json, BeforeValidator(check_templates)] = Field(
        None, alias="json", description="a JSON value, answered as text"
    )
    file: Word | None = Field(None, description="a canned completion, a JSON or a text file")
    refusal: Template | None = Field(None, description="the model refuses, in these words")
    generate: GenerateSpec | None = Field(None, description="a text made up for the request")
    reasoning: Annotated[Count | str | None, BeforeValidator(_reasoning)] = Field(
        None, description="hidden reasoning: its tokens, or its text"
    )
    tool_calls: Annotated[tuple[ToolCallSpec, ...], Field(min_length=1)] | None = Field(
        None, description="tools the model calls"
    )
    choices: Annotated[tuple["ReplySpec", ...], Field(min_length=1)] | None = Field(
        None, description="one reply for each of the n answers"
    )
    embedding: VectorOrAuto = Field(
        None, description="of an embeddings request: the vector of every input, or auto: made up"
    )
    embeddings: Vectors = Field(
        None, description="of an embeddings request: a vector for each input, in their order"
    )
    flagged: FlagsOrNone = Field(
        None, description="of a moderations request: what every input is flagged as, or auto"
    )
    flagged_each: FlagsEach = Field(
        None, description="of a moderations request: flags for each input, in their order"
    )
    finish: Finish | None = Field(None, description="finish_reason, instead of the real one")
    logprobs: LogprobsSpec | None = Field(
        None, description="how sure the model seems: mean and spread of log probabilities"
    )
    usage: UsageSpec | None = Field(None, description="token counts, instead of the real ones")
    headers: ReplyHeaders = Field(default_factory=dict, description="additional headers")
    pacing: PacingSpec | None = Field(None, description="pace of this reply")
    faults: Faults = Field((), description="what breaks of this reply")

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"text": data}
        if isinstance(data, dict | ReplySpec):
            return data
        scalar = isinstance(data, bool | int | float)
        hint = "put it in quotes" if scalar else ""
        raise rejection(Complaint(f"expected a text or a mapping, got {shown(data)}", hint))

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(self._complaints())
        return self

    def _complaints(self) -> Iterator[Complaint]:
        given = self.given()
        bodies = [key for key in BODIES if key in given]
        if not any(key in given for key in CONTENT):
            yield Complaint("an empty reply", 'text: "" is a reply without words')
        if len(bodies) > 1:
            both = f"{bodies[0]!r} and {bodies[1]!r}"
            yield Complaint(f"{both} exclude each other", at=(bodies[1],), on_key=True)
        if "refusal" in given and "tool_calls" in given:
            message = "a refusal calls no tools"
            yield Complaint(message, at=("tool_calls",), on_key=True)
        if self.choices is None:
            return
        for key in (*CONTENT, "finish", "logprobs"):
            if key in given and key != "choices":
                message = f"{key!r} belongs into one of the choices"
                yield Complaint(message, at=(key,), on_key=True)
        for index, choice in enumerate(self.choices):
            for key in WHOLE_ONLY:
                if key in choice.given():
                    message = f"{key!r} is for the whole reply, not for one choice"
                    yield Complaint(message, at=("choices", index, key), on_key=True)

    def given(self) -> frozenset[str]:
        """Name the keys that say something, as they are written in YAML."""
        names = {
            key
            for key, value in self
            if value is not None and (value not in ({}, ()) or key in FLAGS)
        }
        if "json_" in self.model_fields_set:
            names.add("json")
        return frozenset(names - {"json_"})

    @property
    def says_something(self) -> bool:
        """Whether there are words to answer with, were they an empty text."""
        if self.text is not None:
            return True
        own = (getattr(self, name) for name in BODIES if name != "json")
        return "json_" in self.model_fields_set or any(each is not None for each in own)

    @property
    def fixed(self) -> bool:
        """Whether its words are written out: neither made up nor filled in for a request.

        Calls of tools are not, since each has an id of its own.
        """
        if self.generate is not None or self.choices or self.tool_calls:
            return False
        return self.says_something and not any("${" in text for _, text in self.templates())

    def templates(self) -> Iterator[tuple[Path, str]]:
        """Give each text that may hold ``${...}``, with its place in this reply."""
        for key, text in (("text", self.text), ("refusal", self.refusal)):
            if text is not None:
                yield (key,), text
        yield from strings(self.json_, ("json",))
        for index, call in enumerate(self.tool_calls or ()):
            yield from strings(call.arguments, ("tool_calls", index, "arguments"))
        yield from strings(self.headers, ("headers",))
        for index, choice in enumerate(self.choices or ()):
            for at, text in choice.templates():
                yield ("choices", index, *at), text


_STATUS = re.compile("[45][0-9]{2}")


def _error(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        if not 400 <= value <= 599:  # noqa: PLR2004 - the HTTP errors
            refuse([Complaint(f"{shown(value)} is not an HTTP error", "a status from 400 to 599")])
    elif not isinstance(value, str):
        hint = "such as error: rate_limit, or error: 429"
        refuse([Complaint(f"expected a text or a status, got {shown(value)}", hint)])
    elif _STATUS.fullmatch(value):
        hint = f"write {value} without quotes"
        refuse([Complaint(f"a status is a number, got {shown(value)}", hint)])
    elif value in FAULT_NAMES:
        hint = f"write faults: [{value}]"
        refuse([Complaint(f"{shown(value)} is a fault, not an error", hint)])
    elif value not in get_args(ErrorKind):
        refuse([unknown(value, get_args(ErrorKind), "a status from 400 to 599")])
    return value


class ErrorSpec(Part):
    """The API says no. What is not given is the provider's own wording."""

    error: Annotated[ErrorKind | Annotated[int, Field(ge=400, le=599)], BeforeValidator(_error)] = (
        Field(description="kind of error, or an HTTP status")
    )
    message: Template | None = Field(None, description="the error's message")
    type: str | None = Field(None, description="the error's type")
    param: str | None = Field(None, description="the parameter at fault")
    code: str | None = Field(None, description="the error's code")
    retry_after: Duration | None = Field(
        None, description="when to try again; absent: no such header"
    )
    header: HeaderWord = Field("both", description="the form in which retry_after is told")
    should_retry: Bool | None = Field(None, description="sent as x-should-retry")
    headers: ReplyHeaders = Field(default_factory=dict, description="additional headers")

    def templates(self) -> Iterator[tuple[Path, str]]:
        """Give each text that may hold ``${...}``, with its place in this error."""
        if self.message is not None:
            yield ("message",), self.message
        yield from strings(self.headers, ("headers",))


def _answer_kind(value: object) -> str:
    is_error = isinstance(value, ErrorSpec) or (isinstance(value, dict) and "error" in value)
    return "<ErrorSpec>" if is_error else "<ReplySpec>"


Answer = Annotated[
    Annotated[ReplySpec, Tag("<ReplySpec>")] | Annotated[ErrorSpec, Tag("<ErrorSpec>")],
    Discriminator(_answer_kind),
]


def _sole(value: object) -> object:
    if isinstance(value, list | tuple):
        hint = "write replies: for several"
        refuse([Complaint(f"expected a text or a mapping, got {shown(value)}", hint)])
    return value


SoleAnswer = Annotated[Answer | None, BeforeValidator(_sole)]
