"""Virtual models: configurations that are saved by a name."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictInt

from mockdock.gateways import VirtualModel
from mockdock.scenario.base import Json, Number, Part, Positive, Word

__all__ = ["VirtualModelSpec"]

Penalty = Annotated[Number, Field(ge=-2, le=2)]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class SavedMessage(Part):
    """A message that comes before those of a request."""

    role: Literal["system", "user", "assistant"] = Field("system", description="who says it")
    content: str = Field(description="its text")


class SavedParameters(Part):
    """Parameters that hold where a request does not give them."""

    temperature: Annotated[Number, Field(ge=0, le=2)] | None = Field(
        None, description="sampling temperature"
    )
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = Field(
        None, description="nucleus sampling probability"
    )
    max_tokens: Positive | None = Field(None, description="tokens of the longest answer")
    n: Annotated[Positive, Field(le=128)] | None = Field(None, description="how many answers")
    stop: Annotated[
        tuple[str, ...] | None,
        Field(min_length=1, max_length=4),
        BeforeValidator(_listed, json_schema_input_type=str | list[str] | None),
    ] = Field(None, description="a text that ends an answer, or several")
    presence_penalty: Penalty | None = Field(None, description="penalty of what was said before")
    frequency_penalty: Penalty | None = Field(None, description="penalty of what was said often")
    seed: StrictInt | None = Field(None, description="seed of every random choice")
    parallel_tool_calls: StrictBool | None = Field(
        None, description="whether several tools may be called at once"
    )
    response_format: Json = Field(None, description="the form of the answer, as on the wire")
    tools: Json = Field(None, description="tools on offer, as on the wire")
    tool_choice: Json = Field(None, description="which tool is called, as on the wire")
    router: Json = Field(None, description="a router, as on the wire; for router/dynamic")
    extra: Json = Field(None, description="guards and a user, as on the wire")


class VirtualModelSpec(Part):
    """A configuration that requests name as a model."""

    model: Word = Field(description="the model that answers")
    messages: tuple[SavedMessage, ...] = Field(
        (), description="messages that come before those of a request"
    )
    parameters: SavedParameters = Field(
        SavedParameters.model_construct(),
        description="parameters that hold where a request does not give them",
    )

    def virtual_model(self) -> VirtualModel:
        """Give it as a noun."""
        given: dict[str, Any] = self.parameters.model_dump(exclude_none=True, mode="json")
        messages = tuple(each.model_dump() for each in self.messages)
        return VirtualModel(self.model, messages, given)
