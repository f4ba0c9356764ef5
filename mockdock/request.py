"""The request noun: what a client asked, in no provider's own words.

A dialect builds it from wire JSON; everything after the dialect sees only this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

from mockdock.completing import ToComplete
from mockdock.embedding import ToEmbed
from mockdock.memo import Once
from mockdock.moderation import ToModerate
from mockdock.names import DialectName
from mockdock.question import Account
from mockdock.traits import Effort, Traits

__all__ = [
    "Api",
    "AudioPart",
    "CallKind",
    "Caller",
    "DialectName",
    "Effort",
    "FilePart",
    "ImagePart",
    "Message",
    "Part",
    "Request",
    "ResponseFormat",
    "Role",
    "Speech",
    "StoredKind",
    "StoredOperation",
    "TextPart",
    "Tool",
    "ToolCall",
    "ToolChoice",
    "ToolResult",
    "Traits",
    "Verbosity",
]

Api = Literal["chat", "completions", "embeddings", "moderations", "models", "stored", "account"]
"""Every kind of service there is."""

Role = Literal["developer", "system", "user", "assistant", "tool", "function"]
CallKind = Literal["function", "custom", "legacy"]
Verbosity = Literal["low", "medium", "high"]
StoredKind = Literal["list", "retrieve", "update", "delete", "messages"]


class TextPart(Struct, frozen=True):
    """A piece of text in a message; a refusal in the history counts as text."""

    text: str


class ImagePart(Struct, frozen=True):
    """An image: a data URL or a remote one (never fetched), with its detail."""

    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class AudioPart(Struct, frozen=True):
    """Base64 audio with its container format."""

    data: str
    format: str


class FilePart(Struct, frozen=True):
    """A file by id or by base64 data."""

    file_id: str | None = None
    filename: str | None = None
    data: str | None = None


Part = TextPart | ImagePart | AudioPart | FilePart


class ToolCall(Struct, frozen=True):
    """One call of a tool, asked by the model.

    ``arguments`` is the text on the wire: JSON for functions, free text for
    custom tools. ``kind`` is "legacy" for the old ``function_call`` form.
    """

    id: str
    name: str
    arguments: str
    kind: CallKind = "function"


class ToolResult(Struct, frozen=True):
    """What a tool gave: its name, the arguments it was called with, its text."""

    name: str
    arguments: str
    text: str


class Message(Struct, frozen=True):
    """One message; ``parts`` is empty when it has no content."""

    role: Role
    parts: tuple[Part, ...] = ()
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """All text of the message, parts joined by a newline."""
        parts = self.parts
        if len(parts) == 1 and isinstance(parts[0], TextPart):
            return parts[0].text
        return "\n".join(part.text for part in parts if isinstance(part, TextPart))


class Tool(Struct, frozen=True):
    """A tool on offer.

    ``parameters`` is its JSON Schema, None when not given; ``pattern`` is a
    regular expression that all of a custom tool's input matches.
    """

    name: str
    description: str | None = None
    parameters: Mapping[str, Any] | None = None
    strict: bool = False
    kind: CallKind = "function"
    pattern: str | None = None


class ToolChoice(Struct, frozen=True):
    """Whether a tool may or must be called, and which of them (None: any; empty: none)."""

    mode: Literal["none", "auto", "required"] = "auto"
    names: tuple[str, ...] | None = None
    forced: bool = False
    """True when one tool was named outright (``{"type": "function", ...}``)."""


class ResponseFormat(Struct, frozen=True):
    """The wanted form of the answer; ``schema`` only for json_schema."""

    kind: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    description: str | None = None
    schema: Mapping[str, Any] | None = None
    strict: bool = False


class Speech(Struct, frozen=True):
    """A spoken answer is wanted, in this voice and container format."""

    voice: str
    format: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as far as a request tells before its body is read.

    ``key`` is the API key, empty when there is none. ``session`` isolates rules
    and counters, empty is the shared one. ``attempt`` counts from 1 and is what
    the client tells of itself, None when it does not.
    """

    key: str = field(default="", repr=False)
    session: str = field(default="", repr=False)
    attempt: int | None = None


class StoredOperation(Struct, frozen=True):
    """What is asked of the completions kept by ``store: true``.

    ``named`` is the completion's id as the client wrote it. ``id`` and
    ``after`` are without the provider's prefix, empty when what was written
    cannot be an id; ``after`` is None on the first page. ``metadata`` is what
    a list is filtered by, or what an update sets.
    """

    kind: StoredKind
    named: str = ""
    id: str = ""
    after: str | None = None
    limit: int = 20
    order: Literal["asc", "desc"] = "asc"
    model: str = ""
    metadata: Mapping[str, str] = {}


@dataclass(frozen=True)
class Request:
    """One request, parsed and valid.

    ``api`` is the kind of service asked ("chat", "completions", "embeddings",
    "moderations", "models", "stored", "account"). ``removes`` asks the models API to delete
    ``model``. ``logit_bias`` goes by token id. ``prediction`` is the text the answer is
    expected to be. ``headers`` has lower-case names. ``body`` is the JSON as it was sent,
    for conditions on fields that have no name here; ``raw`` are its bytes. ``deployment``
    and ``version`` are what the path named them, where a provider has such: the deployment
    that stands for ``model``, and the version of the API. ``ignored`` are parameters that
    were sent and count as absent. ``account`` is whose traffic a gateway keeps it as.
    ``recurs`` marks its parameters: requests with the very same mark share them.
    """

    dialect: DialectName
    api: Api
    model: str = ""
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = field(default_factory=ToolChoice)
    parallel_tool_calls: bool = True
    response_format: ResponseFormat = field(default_factory=ResponseFormat)
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    seed: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    logit_bias: Mapping[int, int] = field(default_factory=dict)
    logprobs: bool = False
    top_logprobs: int = 0
    prediction: str | None = None
    speech: Speech | None = None
    verbosity: Verbosity | None = None
    reasoning_effort: Effort | None = None
    stream: bool = False
    include_usage: bool = False
    obfuscate: bool = False
    store: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    cache_key: str = ""
    service_tier: str | None = None
    stored: StoredOperation | None = None
    embedding: ToEmbed | None = None
    moderation: ToModerate | None = None
    completing: ToComplete | None = None
    removes: bool = False
    caller: Caller = field(default_factory=Caller)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes = field(default=b"", repr=False, compare=False)
    deployment: str = ""
    version: str = ""
    ignored: tuple[str, ...] = ()
    account: Account | None = None
    recurs: object = field(default=None, repr=False, compare=False)

    def but(self, **fields: Any) -> Request:
        """Give one with other fields, far quicker than ``replace``, before its texts are read."""
        made = object.__new__(Request)
        object.__setattr__(made, "__dict__", self.__dict__ | fields)
        return made

    @property
    def greedy(self) -> bool:
        """Whether sampling is off, so that there is one answer only."""
        return self.temperature == 0 or self.top_p == 0

    @Once
    def user_text(self) -> str:
        """Text of the last user message, or of all to be embedded, judged, completed."""
        asked = self.embedding or self.moderation or self.completing
        if asked is not None:
            return "\n".join(asked.texts)
        for message in reversed(self.messages):
            if message.role == "user":
                return message.text
        return ""

    @Once
    def system_text(self) -> str:
        """All system and developer messages, joined by a newline."""
        return "\n".join(m.text for m in self.messages if m.role in ("system", "developer"))

    @Once
    def turn(self) -> int:
        """How many user messages the conversation holds so far (first turn: 1)."""
        return sum(m.role == "user" for m in self.messages)

    @Once
    def called_this_turn(self) -> frozenset[str]:
        """Names of the tools called since the last user message."""
        names: set[str] = set()
        for message in reversed(self.messages):
            if message.role == "user":
                break
            names.update(call.name for call in message.tool_calls)
        return frozenset(names)

    @Once
    def tool_results(self) -> tuple[ToolResult, ...]:
        """Give the tool results at the very end of the conversation, in their order."""
        ended = len(self.messages)
        while ended and self.messages[ended - 1].role in ("tool", "function"):
            ended -= 1
        if ended == len(self.messages):
            return ()
        calls = {call.id: call for m in self.messages for call in m.tool_calls}
        return tuple(_result(message, calls) for message in self.messages[ended:])


def _result(message: Message, calls: Mapping[str, ToolCall]) -> ToolResult:
    if message.role == "tool":
        call = calls.get(message.tool_call_id or "")
    else:
        call = next((c for c in calls.values() if c.name == message.name), None)
    if call is None:
        return ToolResult(message.name or "", "", message.text)
    return ToolResult(call.name, call.arguments, message.text)
