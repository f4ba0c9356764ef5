"""Messages and their parts, as OpenAI's specification (2.3.0) declares them.

Where the live API takes more it is taken here: content may be an empty array,
and what is missing of it is told by a rule, not by the schema; but the
developer's (measured: see ``rules_model``).
"""

from typing import Annotated, Literal

from pydantic import Field, Tag

from mockdock.dialects.openai.wire_base import STRING_OR_OBJECTS, Unchecked, Wire

__all__ = [
    "AssistantMessage",
    "ChatMessage",
    "FunctionCall",
    "FunctionMessage",
    "ImagePart",
    "SystemMessage",
    "TextContent",
    "TextPart",
    "ToolMessage",
    "UserMessage",
]


class PlainTextPart(Wire):
    """A text part, as the specification has it."""

    type: Literal["text"]
    text: str
    prompt_cache_breakpoint: Unchecked = None


class TextPart(PlainTextPart):
    """A text part; the mark of another provider's cache is ignored, not refused.

    LangChain's own suite sends it to gpt-4o-mini; under "developer" it is refused.
    """

    cache_control: Unchecked = None


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
    Annotated[str, Tag("string")] | Annotated[list[TextPart], Tag("array")],
    STRING_OR_OBJECTS,
]
PlainContent = Annotated[
    Annotated[str, Tag("string")] | Annotated[list[PlainTextPart], Tag("array")],
    STRING_OR_OBJECTS,
]
UserPart = Annotated[
    TextPart | ImagePart | AudioPart | FilePart,
    Field(discriminator="type"),
]
UserContent = Annotated[
    Annotated[str, Tag("string")] | Annotated[list[UserPart], Tag("array")],
    STRING_OR_OBJECTS,
]
AssistantPart = Annotated[TextPart | RefusalPart, Field(discriminator="type")]
AssistantContent = Annotated[
    Annotated[str, Tag("string")] | Annotated[list[AssistantPart], Tag("array")],
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
    content: PlainContent
    name: str = ""


class SystemMessage(Wire):
    """Instructions."""

    role: Literal["system"]
    content: TextContent | None = None
    name: str = ""


class UserMessage(Wire):
    """What the user says."""

    role: Literal["user"]
    content: UserContent | None = None
    name: str = ""


class AssistantMessage(Wire):
    """What the model said.

    SDKs send ``annotations`` and nulls back with it, LiteLLM its own
    ``provider_specific_fields``; no refusal of that is on record.
    """

    role: Literal["assistant"]
    content: AssistantContent | None = None
    refusal: str | None = None
    name: str = ""
    audio: AudioRef | None = None
    annotations: list[Unchecked] | None = None
    tool_calls: (
        Annotated[
            list[Annotated[FunctionCall | CustomCall, Field(discriminator="type")]],
            Field(min_length=1, max_length=128),
        ]
        | None
    ) = None
    function_call: CalledFunction | None = None
    provider_specific_fields: Unchecked = None


class ToolMessage(Wire):
    """The result of a tool call; ``name`` is not in the specification, but in OpenAI's examples."""

    role: Literal["tool"]
    content: TextContent | None = None
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
