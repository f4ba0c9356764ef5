"""The requests of LangDB's specification, where they are wider or narrower than OpenAI's."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from mockdock.dialects.openai.wire import ChatRequest

__all__ = ["GatewayRequest"]

# Fields get narrower types; as nothing changes a request, that is safe.
# mypy: disable-error-code="assignment"


class GatewayRequest(ChatRequest):
    """``CreateChatCompletionRequest``: what it does not know goes on to the provider."""

    model_config = ConfigDict(extra="ignore")

    top_logprobs: Annotated[int, Field(ge=1, le=20)] | None = None
