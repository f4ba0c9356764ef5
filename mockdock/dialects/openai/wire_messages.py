"""Messages and their parts, as OpenAI's specification (2.3.0) declares them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from mockdock.dialects.openai.wire_base import STRING_OR_OBJECTS, Unchecked, Wire

__all__ = ["ChatMessage", "TextContent"]


class TextPart(Wire):
    """A text part."""

    type: Literal["text"]
    text: str
    prompt_cache_breakpoint: Unchecked = None


class RefusalPart(Wire):
    """A refusal of the assistant, sent back."""

    type: Literal["refusal"]
    refusal: str


class ImageUrl(Wire):
    """Where the image is."""

    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImagePart(Wire):
    """An image part."""

    type: Literal["image_url"]
    image_url: ImageUrl
    prompt_cache_breakpoint: Unchecked = None


class InputAudio(Wire):
    """Base64 audio."""

    data: str
    format: Literal["wav", "mp3"]


class AudioPart(Wire):
    """An audio part."""

    type: Literal["input_audio"]
    input_audio: InputAudio
    prompt_cache_breakpoint: Unchecked = None


class FileData(Wire):
    """A file by id or by content."""

    file_data: str = ""
    file_id: str = ""
    filename: str = ""


class FilePart(Wire):
    """A file part."""

    type: Literal["file"]
    file: FileData
    prompt_cache_breakpoint: Unchecked = None


TextContent = Annotated[
    Annotated[str, Tag("string")]
    | Annotated[Annotated[list[TextPart], Field(min_length=1)], Tag("array")],
    STRING_OR_OBJECTS,
]
UserPart = Annotated[
    TextPart | ImagePart | AudioPart | FilePart,
    Field(discriminator="type"),
]
UserContent = Annotated[
    Annotated[str, Tag("string")]
    | Annotated[Annotated[list[UserPart], Field(min_length=1)], Tag("array")],
    STRING_OR_OBJECTS,
]
AssistantPart = Annotated[TextPart | RefusalPart, Field(discriminator="type")]
AssistantContent = Annotated[
    Annotated[str, Tag("string")]
    | Annotated[Annotated[list[AssistantPart], Field(min_length=1)], Tag("array")],
    STRING_OR_OBJECTS,
]


class CalledFunction(Wire):
    """A function call of the assistant, sent back."""

    name: Annotated[str, Field(min_length=1)]
    arguments: str


class CalledCustom(Wire):
    """A custom tool call of the assistant, sent back."""

    name: str
    input: str


class FunctionCall(Wire):
    """One entry of ``tool_calls``."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class CustomCall(Wire):
    """One entry of ``tool_calls`` for a custom tool."""

    id: str
    type: Literal["custom"]
    custom: CalledCustom


class AudioRef(Wire):
    """An earlier audio reply."""

    id: str


class DeveloperMessage(Wire):
    """Instructions, as newer models call them."""

    role: Literal["developer"]
    content: TextContent
    name: str = ""


class SystemMessage(Wire):
    """Instructions."""

    role: Literal["system"]
    content: TextContent
    name: str = ""


class UserMessage(Wire):
    """What the user says."""

    role: Literal["user"]
    content: UserContent
    name: str = ""


class AssistantMessage(Wire):
    """What the model said; SDKs send ``annotations`` and nulls back with it."""

    role: Literal["assistant"]
    content: AssistantContent | None = None
    refusal: str | None = None
    name: str = ""
    audio: AudioRef | None = None
    annotations: list[Unchecked] | None = None
    tool_calls: list[Annotated[FunctionCall | CustomCall, Field(discriminator="type")]] = Field(
        default_factory=list, min_length=1, max_length=128
    )
    function_call: CalledFunction | None = None


class ToolMessage(Wire):
    """The result of a tool call; ``name`` is not in the specification, but in OpenAI's examples."""

    role: Literal["tool"]
    content: TextContent
    tool_call_id: str
    name: str = ""


class FunctionMessage(Wire):
    """The result of a legacy function call."""

    role: Literal["function"]
    content: str | None
    name: str


ChatMessage = Annotated[
    SystemMessage
    | AssistantMessage
    | UserMessage
    | FunctionMessage
    | ToolMessage
    | DeveloperMessage,
    Field(discriminator="role"),
]
