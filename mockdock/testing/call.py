"""One call of a client: what it asked and what it got, as a test sees it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from mockdock.frames import Outcome
from mockdock.reply import Usage
from mockdock.request import Request
from mockdock.testing.parts import words
from mockdock.testing.vectors import vectors
from mockdock.testing.verdicts import verdicts

__all__ = ["Call", "CallReply", "CallRequest", "ToolCalled", "asked"]


class CallRequest:
    """A request as it came.

    ``headers`` have lower-case names; ``raw`` is the body in bytes. ``attempt``
    counts from 1.

    >>> call.request.messages[-1]["content"]
    'How is the weather?'
    """

    def __init__(self, headers: Mapping[str, str], raw: bytes, attempt: int = 1) -> None:
        self.headers = dict(headers)
        self.raw = raw
        self.attempt = attempt

    @cached_property
    def json(self) -> Any:
        """The body read as JSON. Raises ValueError when it is none.

        >>> call.request.json["model"]
        'gpt-4o'
        """
        return json.loads(self.raw)

    @property
    def model(self) -> str:
        """The model asked for, empty when there is none.

        >>> call.request.model
        'gpt-4o'
        """
        return str(self._get("model") or "")

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages as they were sent.

        >>> call.request.messages[-1]["role"]
        'user'
        """
        return self._list("messages")

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools on offer, as they were sent.

        >>> call.request.tools
        []
        """
        return self._list("tools")

    @property
    def stream(self) -> bool:
        """Whether a stream was asked for.

        >>> call.request.stream
        False
        """
        return self._get("stream") is True

    @property
    def user(self) -> str:
        """Text of the last message of the user, or all texts of other requests, joined.

        >>> call.request.user
        'How is the weather?'
        """
        texts = [words(each) for each in self.messages if each.get("role") == "user"]
        if texts:
            return texts[-1]
        given = [each.get("text") if isinstance(each, dict) else each for each in self.inputs]
        return "\n".join(each for each in given if isinstance(each, str))

    @property
    def inputs(self) -> list[str | list[int] | dict[str, Any]]:
        """What is to be embedded, judged or completed: texts, tokens, parts, as they were sent.

        >>> call.request.inputs
        []
        """
        given = self._get("input") or self._get("prompt")
        if isinstance(given, list):
            return [given] if given and isinstance(given[0], int) else given
        return [given] if isinstance(given, str) else []

    @property
    def system(self) -> str:
        """Text of all system and developer messages, joined by a newline.

        >>> call.request.system
        ''
        """
        roles = ("system", "developer")
        return "\n".join(words(each) for each in self.messages if each.get("role") in roles)

    def __repr__(self) -> str:
        return f"<CallRequest model={self.model!r} user={self.user!r}>"

    def _get(self, name: str) -> Any:
        try:
            body = self.json
        except (ValueError, RecursionError):
            return None
        return body.get(name) if isinstance(body, dict) else None

    def _list(self, name: str) -> list[dict[str, Any]]:
        """Give the mappings of a list; what was refused may have been anything."""
        given = self._get(name)
        return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def asked(request: Request, attempt: int) -> CallRequest:
    """Show a request that is being answered."""
    return CallRequest(request.headers, request.raw, attempt)


class ToolCalled(Struct, frozen=True):
    """A tool call of a reply; ``arguments`` is the text on the wire.

    >>> [(tool.name, tool.json) for tool in call.reply.tool_calls]
    []
    """

    id: str
    name: str
    arguments: str

    @property
    def json(self) -> Any:
        """The arguments read as JSON. Raises ValueError when they are none.

        >>> ToolCalled("call_1", "get_weather", '{"city": "Paris"}').json
        {'city': 'Paris'}
        """
        return json.loads(self.arguments)


class CallReply(Struct, frozen=True):
    """What was answered.

    ``texts`` holds the text of every choice, None where one has none; ``text``
    is the first. ``error`` is the kind of the error, as a scenario names it,
    None when there was none. ``body`` is the whole body in bytes, as it was
    sent; ``warnings`` tell where a scripted reply contradicted the request.

    >>> call.reply.text, call.reply.finish_reason, call.reply.error
    ('Sunny.', 'stop', None)
    """

    texts: tuple[str | None, ...]
    refusal: str | None
    tool_calls: tuple[ToolCalled, ...]
    finish_reason: str | None
    error: str | None
    headers: Mapping[str, str]
    body: bytes
    warnings: tuple[str, ...] = ()

    @property
    def embeddings(self) -> tuple[tuple[float, ...], ...]:
        """The vectors, also where they were sent as base64; empty for any other reply.

        >>> call.reply.embeddings
        ()
        """
        return vectors(self.body)

    @property
    def flagged(self) -> tuple[tuple[str, ...], ...]:
        """What each input of a moderations request is flagged as; empty for any other reply.

        >>> call.reply.flagged
        ()
        """
        return verdicts(self.body)

    @property
    def text(self) -> str | None:
        """The text of the first choice.

        >>> call.reply.text
        'Sunny.'
        """
        return self.texts[0] if self.texts else None

    @property
    def json(self) -> Any:
        """The body of a plain reply read as JSON. Raises ValueError for a stream.

        >>> call.reply.json["object"]
        'chat.completion'
        """
        return json.loads(self.body)


class Call:
    """One exchange of a session.

    ``rule`` is the name of the rule that answered, ``attempt`` counts from 1.
    ``started`` is in seconds since 1970, ``duration`` in seconds of the
    session's clock. ``missed``: no rule answered. ``faults`` are the types of what
    was broken on purpose, ``trouble`` names what else than the rule had a hand in
    the answer: "limits[0]", "timeline[1].chaos", "request", or "".
    ``record`` is all of it as plain JSON values.

    >>> last = dock.calls.last
    >>> last.request.model, last.reply.text, last.status
    ('gpt-4o', 'Hello!', 200)
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = record
        self.number: int = record["number"]
        self.method: str = record["method"]
        self.path: str = record["path"]
        self.status: int = record["status"]
        self.rule: str | None = record["rule"]
        self.rule_key: str | None = record["rule_key"]
        self.attempt: int = record["attempt"]
        self.missed: bool = record["missed"]
        self.faults: tuple[str, ...] = tuple(record["faults"])
        self.trouble: str = record["trouble"]
        self.started: float = record["started"]
        self.duration: float = record["duration"]

    @cached_property
    def request(self) -> CallRequest:
        """What was asked.

        >>> call.request.user
        'How is the weather?'
        """
        asked = self.record["request"]
        return CallRequest(asked["headers"], _bytes(asked["body"]), self.attempt)

    @cached_property
    def reply(self) -> CallReply:
        """What was answered.

        >>> call.reply.text
        'Sunny.'
        """
        said = self.record["reply"]
        choices = said["choices"]
        first = choices[0] if choices else {}
        return CallReply(
            texts=tuple(choice["text"] for choice in choices),
            refusal=first.get("refusal"),
            tool_calls=tuple(ToolCalled(**call) for call in first.get("tool_calls", ())),
            finish_reason=first.get("finish_reason"),
            error=said["error"],
            headers=said["headers"],
            body=b"".join(self.chunks),
            warnings=tuple(said["warnings"]),
        )

    @property
    def usage(self) -> Usage | None:
        """The tokens in ``usage``, None for what is no completion.

        >>> call.usage.completion_tokens
        2
        """
        usage = self.record["usage"]
        return None if usage is None else Usage(**usage)

    @cached_property
    def chunks(self) -> tuple[bytes, ...]:
        """The pieces that were sent: the events of a stream, or the one body.

        >>> len(call.chunks)
        1
        """
        return tuple(_bytes(chunk) for chunk in self.record["reply"]["chunks"])

    @property
    def outcome(self) -> Outcome:
        """How it ended, after so many chunks and bytes.

        "completed", "cut" by a fault, "client_left" or "stopped".

        >>> call.outcome.ending, call.outcome.frames
        ('completed', 1)
        """
        outcome = self.record["outcome"]
        headless = outcome.get("headless", False)
        return Outcome(outcome["ending"], outcome["frames"], outcome["bytes"], headless)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Call) and self.record == other.record

    def __hash__(self) -> int:
        return hash(self.number)

    def __repr__(self) -> str:
        said = self.reply.error or self.reply.text or [c.name for c in self.reply.tool_calls]
        said = self.record["reply"].get("embeddings") or self.record["reply"].get("flagged") or said
        return f"<Call {self.number} {self.request.model} {self.request.user!r} -> {said!r}>"


def _bytes(written: str | Mapping[str, str]) -> bytes:
    if isinstance(written, str):
        return written.encode()
    return base64.b64decode(written["base64"])
