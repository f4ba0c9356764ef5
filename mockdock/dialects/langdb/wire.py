"""The requests of LangDB's specification, where they are wider or narrower than OpenAI's."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from mockdock.dialects.openai.wire import MOST_MESSAGES, ChatRequest
from mockdock.dialects.openai.wire_base import Wire, none_given
from mockdock.dialects.openai.wire_messages import (
    AssistantMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from mockdock.dialects.openai.wire_tools import FunctionTool

__all__ = ["GatewayRequest", "Open", "Word"]

# Fields get narrower types; as nothing changes a request, that is safe.
# mypy: disable-error-code="assignment"

Word = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"\S")]
Message = Annotated[
    SystemMessage | AssistantMessage | UserMessage | ToolMessage, Field(discriminator="role")
]


class Open(Wire):
    """A JSON object in which unknown names mean nothing."""

    model_config = ConfigDict(extra="ignore")


class GatewayRequest(ChatRequest):
    """``CreateChatCompletionRequest``: what it does not know goes on to the provider.

    Its roles and tools are fewer than OpenAI's: no developer, no custom tools. Parts of a
    message may be those that OpenAI takes, as in the source of the open gateway.
    """

    model_config = ConfigDict(extra="ignore")

    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]
    tools: list[Annotated[FunctionTool, Field(discriminator="type")]] = Field(
        default_factory=none_given, max_length=128
    )
    top_logprobs: Annotated[int, Field(ge=1, le=20)] | None = None
