"""What servers are asked: bodies in which a number makes every request another one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

__all__ = ["Asked", "chat", "embeddings", "prose", "schema", "tools"]

_NUMBER = "{number}"
_QUESTION = f"{_NUMBER}: hello, how will the weather be in Lisbon tomorrow, and what do I wear?"
_SYLLABLES = ("ka", "the", "on", "mi", "ra", "ing", "lo", "st", "er", "pa", "an", "ver", "so", "ed")
_WORDS = 2000


@dataclass(frozen=True)
class Asked:
    """A kind of request: the path, and the body before and after its number.

    ``headers`` are sent with all; ``varied`` is the name of one more, the beginning
    of its value, and how many values there are, which take turns.
    """

    path: str
    before: str
    after: str
    headers: Mapping[str, str]
    varied: tuple[str, str, int] = ("", "", 0)

    def body(self, number: int) -> bytes:
        """Make the body of a request."""
        return f"{self.before}{number}{self.after}".encode()


def chat(
    question: str = _QUESTION,
    *,
    headers: Mapping[str, str] | None = None,
    varied: tuple[str, str, int] = ("", "", 0),
    **more: Any,
) -> Asked:
    """Ask for chat; ``question`` holds ``{number}``, ``more`` are further parameters."""
    said = {"model": "gpt-4o", "messages": [{"role": "user", "content": question}], **more}
    return _asked("/v1/chat/completions", said, headers, varied)


def embeddings() -> Asked:
    """Ask for one vector, in base64 as OpenAI's package does."""
    said = {"model": "text-embedding-3-small", "input": _QUESTION, "encoding_format": "base64"}
    return _asked("/v1/embeddings", said, None, ("", "", 0))


def _asked(
    path: str,
    said: Mapping[str, Any],
    headers: Mapping[str, str] | None,
    varied: tuple[str, str, int],
) -> Asked:
    before, _, after = json.dumps(said).partition(_NUMBER)
    usual = {"content-type": "application/json", "authorization": "Bearer sk-bench"}
    return Asked(path, before, after, {**usual, **(headers or {})}, varied)


def prose(size: int, seed: int = 0) -> str:
    """Make so many characters of words and sentences, the same ones every time."""
    rng = Random(seed)
    words = _words()
    text = ""
    while len(text) < size:
        text += " ".join(rng.choices(words, k=rng.randint(5, 15))).capitalize() + ". "
    return text[:size]


@lru_cache
def _words() -> list[str]:
    rng = Random(0)
    return ["".join(rng.choices(_SYLLABLES, k=rng.randint(1, 4))) for _ in range(_WORDS)]


def schema() -> dict[str, Any]:
    """Make a strict ``response_format``."""
    forecast = {
        "city": {"type": "string"},
        "celsius": {"type": "number"},
        "wind": {"type": "string", "enum": ["calm", "breeze", "storm"]},
        "hours": {"type": "array", "items": {"type": "integer"}},
    }
    shape = _object(forecast)
    json_schema = {"name": "forecast", "strict": True, "schema": shape}
    return {"type": "json_schema", "json_schema": json_schema}


def tools() -> list[dict[str, Any]]:
    """Make five tools with parameters."""
    place = {"city": {"type": "string", "description": "The name of a city"}}
    span = {"from": {"type": "string"}, "days": {"type": "integer", "minimum": 1}}
    return [
        {
            "type": "function",
            "function": {
                "name": f"{verb}_weather",
                "description": f"{verb.capitalize()} the weather of a city, for so many days",
                "parameters": _object({**place, **span}),
            },
        }
        for verb in ("get", "compare", "explain", "store", "forget")
    ]


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    closed = {"required": list(properties), "additionalProperties": False}
    return {"type": "object", "properties": dict(properties), **closed}
