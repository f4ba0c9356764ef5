"""Greets people in the words of an LLM; where that is, the environment says."""

from __future__ import annotations

import json
import sys
from typing import Any

from openai import AsyncOpenAI, OpenAI

MODEL = "gpt-4o-mini"
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "local_time",
            "description": "the time where a person is",
            "parameters": {
                "type": "object",
                "properties": {"name": {"type": "string"}},
                "required": ["name"],
            },
        },
    }
]


def greet(name: str) -> str:
    """Greet, and let the model ask what time it is."""
    messages: list[Any] = [{"role": "user", "content": f"Greet {name}."}]
    with OpenAI() as client:
        while True:
            answer = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
            message = answer.choices[0].message
            if not message.tool_calls:
                return message.content or ""
            messages.append(message.to_dict())
            for call in message.tool_calls:
                if call.type != "function":
                    raise TypeError(f"the model called a tool of the type {call.type}")
                asked = json.loads(call.function.arguments)
                told = {"name": asked["name"], "hour": 9}
                content = json.dumps(told)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})


async def whisper(name: str) -> list[str]:
    """Greet piece by piece."""
    async with AsyncOpenAI() as client:
        stream = await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": f"Whisper to {name}."}],
            stream=True,
        )
        return [each.choices[0].delta.content or "" async for each in stream if each.choices]


def main() -> None:
    """Greet whom the command line names."""
    print(greet(sys.argv[1]))  # noqa: T201 - it is a command line
