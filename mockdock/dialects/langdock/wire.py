"""The chat completions request as Langdock's documents declare it.

Their text takes OpenAI's parameters "according to the OpenAI specifications", but for
one effort; their schema is narrower in some fields. What it leaves out is OpenAI's.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from mockdock.dialects.openai.wire import MOST_MESSAGES, ChatRequest
from mockdock.dialects.openai.wire_base import (
    CHOICE_OR_OBJECT,
    STRING_OR_OBJECTS,
    none_given,
)
from mockdock.dialects.openai.wire_messages import (
    AssistantMessage,
    FunctionCall,
    FunctionMessage,
    ImagePart,
    SystemMessage,
    TextPart,
    ToolMessage,
    UserMessage,
)
from mockdock.dialects.openai.wire_tools import (
    ChosenFunction,
    FunctionTool,
    JsonObjectFormat,
    TextFormat,
)

__all__ = ["DocumentedRequest", "SpecifiedRequest"]

# Fields get narrower types; as nothing changes a request, that is safe.
# mypy: disable-error-code="assignment"

_TEXT = TextFormat(type="text")


class SpecifiedRequest(ChatRequest):
    """OpenAI's request, without the effort that Langdock's text does not list."""

    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None


class PlainSystem(SystemMessage):
    """Instructions, which are a text."""

    content: str


class PlainUser(UserMessage):
    """What the user says: a text, or at least one part of text or image."""

    content: Annotated[
        Annotated[str, Tag("string")]
        | Annotated[
            Annotated[
                list[Annotated[TextPart | ImagePart, Field(discriminator="type")]],
                Field(min_length=1),
            ],
            Tag("array"),
        ],
        STRING_OR_OBJECTS,
    ]


class PlainAssistant(AssistantMessage):
    """What the model said, which is a text; it calls functions only."""

    content: str | None = None
    tool_calls: (
        Annotated[
            list[Annotated[FunctionCall, Field(discriminator="type")]],
            Field(min_length=1, max_length=128),
        ]
        | None
    ) = None


class PlainTool(ToolMessage):
    """The result of a tool call, which is a text."""

    content: str


Message = Annotated[
    PlainSystem | PlainAssistant | PlainUser | FunctionMessage | PlainTool,
    Field(discriminator="role"),
]


class DocumentedRequest(SpecifiedRequest):
    """``CreateChatCompletionRequest`` of the documents, where it is narrower than OpenAI's."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]
    tools: list[Annotated[FunctionTool, Field(discriminator="type")]] = Field(
        default_factory=none_given, min_length=1, max_length=128
    )
    tool_choice: Annotated[
        Annotated[Literal["none", "auto", "required"], Tag("string")]
        | Annotated[Annotated[ChosenFunction, Field(discriminator="type")], Tag("object")],
        CHOICE_OR_OBJECT,
    ] = "auto"
    response_format: Annotated[JsonObjectFormat | TextFormat, Field(discriminator="type")] = Field(
        default_factory=lambda: _TEXT
    )
