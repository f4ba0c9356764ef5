"""LangChain's standard suite for chat models, on ChatOpenAI, against made-up answers.

The unit-test half of that suite sends nothing and is left to LangChain. What is set or done
otherwise than the suite does by itself, each with its reason:

- ``stream_usage``: with a base URL of its own ChatOpenAI sends no ``stream_options``, and
  the suite wants usage from streams.
- Files come from this module: the suite downloads them. The requests are the same.
- Audio goes to a model that hears; gpt-4o refuses it on the real service.
- No images or PDFs in tool messages: the API takes only text there.
- No tokens of spoken answers: answers are not spoken. No tokens written to the cache: the
  real service has not been recorded telling them.
- ``test_stream_time`` is skipped by the suite without recorded cassettes; mockdock is what
  one uses instead of them.
"""

# ruff: noqa: D102 - the suite says what each of them is

from __future__ import annotations

import base64
import struct
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

FILES = {
    "png": base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    ),
    "pdf": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
    "wav": b"RIFF"
    + struct.pack("<I4s4sIHHIIHH", 38, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    + struct.pack("<4sIH", b"data", 2, 0),
}
DETAILS = ["audio_input", "reasoning_output", "cache_read_input"]

pytestmark = [
    # openai's parse() gives a model where its own types declare none; LangChain dumps it.
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),
    # The suite sends one PDF without a name; ChatOpenAI warns and gives it one.
    pytest.mark.filterwarnings("ignore:OpenAI may require a filename:UserWarning"),
    # The suite tries a pydantic v1 model on purpose; LangChain warns and takes another way.
    pytest.mark.filterwarnings("ignore:Received a Pydantic BaseModel V1 schema:UserWarning"),
]


@pytest.fixture(autouse=True)
def _downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hand out files instead of downloading them."""

    def get(url: str, **_: Any) -> httpx.Response:
        return httpx.Response(200, content=FILES[url.rsplit(".", 1)[-1]])

    monkeypatch.setattr(httpx, "get", get)
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "mockdock")


class TestChatOpenAI(ChatModelIntegrationTests):
    """The suite as LangChain runs it on the real service, but for what is said above."""

    url = ""

    @pytest.fixture(autouse=True)
    def _served(self, base_url: str) -> None:
        self.url = base_url

    @pytest.fixture
    def model(self, request: Any) -> Any:
        """Make the model a test asks for; the suite lets no test be overridden."""
        hears = request.node.name == "test_audio_inputs"
        params = {"model": "gpt-4o-audio-preview"} if hears else getattr(request, "param", {})
        return ChatOpenAI(**{**self.chat_model_params, **params})

    @property
    def chat_model_class(self) -> Any:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "model": "gpt-4o",
            "base_url": self.url,
            "api_key": "test",
            "max_retries": 0,
            "stream_usage": True,
        }

    @property
    def model_override_value(self) -> str:
        return "gpt-4o-mini"

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_audio_inputs(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supported_usage_metadata_details(self) -> dict[str, list[str]]:
        return {"invoke": DETAILS, "stream": DETAILS}

    def invoke_with_audio_input(self, *, stream: bool = False) -> AIMessage:
        sound = {"data": base64.b64encode(FILES["wav"]).decode(), "format": "wav"}
        message = {"role": "user", "content": [{"type": "input_audio", "input_audio": sound}]}
        return self._asked("gpt-4o-audio-preview", [message], stream=stream)

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._asked("o4-mini", "Think hard.", stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        return self._asked("gpt-4o", "As before.", stream=stream)

    def _model(self, name: str) -> Any:
        return ChatOpenAI(**{**self.chat_model_params, "model": name})

    def _asked(self, name: str, prompt: Any, *, stream: bool) -> AIMessage:
        model = self._model(name)
        if not stream:
            return model.invoke(prompt)
        whole, *rest = model.stream(prompt)
        for chunk in rest:
            whole += chunk
        return whole
