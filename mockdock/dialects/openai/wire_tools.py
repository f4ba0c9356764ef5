"""Tools, tool choice and response format, as OpenAI's specification (2.3.0) declares them."""

from typing import Annotated, Literal

from pydantic import Field, Tag

from mockdock.dialects.openai.wire_base import (
    CHOICE_OR_OBJECT,
    STRING_OR_OBJECT,
    Unchecked,
    Wire,
)

__all__ = [
    "ChosenFunction",
    "FunctionChoice",
    "FunctionTool",
    "GrammarInput",
    "JsonObjectFormat",
    "LegacyFunction",
    "PlainInput",
    "ResponseFormat",
    "TextFormat",
    "ToolChoice",
    "ToolSpec",
]

FunctionName = Annotated[str, Field(min_length=1, max_length=64, pattern="^[a-zA-Z0-9_-]+$")]


class FunctionSpec(Wire):
    """A function on offer."""

    name: FunctionName
    description: str = ""
    parameters: dict[str, Unchecked] = Field(default_factory=dict)
    strict: bool | None = None


class LegacyFunction(Wire):
    """A function on offer, in the old form."""

    name: FunctionName
    description: str = ""
    parameters: dict[str, Unchecked] = Field(default_factory=dict)


class PlainInput(Wire):
    """A custom tool takes any text."""

    type: Literal["text"]


class Grammar(Wire):
    """What a custom tool's input has to follow."""

    definition: str
    syntax: Literal["lark", "regex"]


class GrammarInput(Wire):
    """A custom tool takes what a grammar allows."""

    type: Literal["grammar"]
    grammar: Grammar


_ANY_TEXT = PlainInput.model_construct(type="text")


class CustomSpec(Wire):
    """A custom tool on offer."""

    name: str
    description: str = ""
    format: Annotated[PlainInput | GrammarInput, Field(discriminator="type")] = Field(
        default_factory=lambda: _ANY_TEXT
    )


class FunctionTool(Wire):
    """A function tool."""

    type: Literal["function"]
    function: FunctionSpec


class CustomTool(Wire):
    """A custom tool."""

    type: Literal["custom"]
    custom: CustomSpec


class Named(Wire):
    """A name."""

    name: str


class ChosenFunction(Wire):
    """A function that must be called."""

    type: Literal["function"]
    function: Named


class ChosenCustom(Wire):
    """A custom tool that must be called."""

    type: Literal["custom"]
    custom: Named


class AllowedTools(Wire):
    """These tools may, or one of them must, be called."""

    mode: Literal["auto", "required"]
    tools: list[dict[str, Unchecked]]

    @property
    def names(self) -> list[str]:
        """The names told; the specification leaves the form of an entry open."""
        inner = (tool.get("function") or tool.get("custom") or tool for tool in self.tools)
        return [str(each["name"]) for each in inner if isinstance(each, dict) and "name" in each]


class ChosenAllowed(Wire):
    """A choice among some of the tools."""

    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("string")]
    | Annotated[
        Annotated[
            ChosenAllowed | ChosenFunction | ChosenCustom,
            Field(discriminator="type"),
        ],
        Tag("object"),
    ],
    CHOICE_OR_OBJECT,
]
FunctionChoice = Annotated[
    Annotated[Literal["none", "auto"], Tag("string")] | Annotated[Named, Tag("object")],
    STRING_OR_OBJECT,
]


class JsonSchemaSpec(Wire):
    """The wanted schema; ``schema`` may be left out."""

    name: FunctionName
    description: str = ""
    schema_: dict[str, Unchecked] = Field(default_factory=dict, alias="schema")
    strict: bool | None = None


class JsonObjectFormat(Wire):
    """Any JSON object."""

    type: Literal["json_object"]


class JsonSchemaFormat(Wire):
    """JSON that follows a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchemaSpec


class TextFormat(Wire):
    """Plain text."""

    type: Literal["text"]


ToolSpec = Annotated[FunctionTool | CustomTool, Field(discriminator="type")]
ResponseFormat = Annotated[
    JsonObjectFormat | JsonSchemaFormat | TextFormat, Field(discriminator="type")
]
