"""What an answer wants to say, before any limit of the request cuts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal

from mockdock.content import schema, text
from mockdock.engine.chance import Entropy
from mockdock.engine.fill import Filler
from mockdock.reply import Finish
from mockdock.request import CallKind, Request, Tool
from mockdock.scenario import GenerateSpec, ReplySpec, ToolCallSpec

__all__ = ["Answer", "Draft", "DraftCall", "Writer"]

Answer = ReplySpec | Literal["auto", "echo", "lorem"]

_OBJECT: Mapping[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
}


@dataclass(frozen=True, slots=True)
class DraftCall:
    """A tool call wanted."""

    name: str
    arguments: str
    id: str
    kind: CallKind


@dataclass(frozen=True, slots=True)
class Draft:
    """One choice as wanted.

    ``length`` is the exact number of tokens a made-up text shall have, ``text``
    then holds at least as many. ``reasoning`` is a count or the hidden text.
    """

    text: str | None = None
    length: int | None = None
    refusal: str | None = None
    calls: tuple[DraftCall, ...] = ()
    reasoning: int | str = 0
    finish: Finish | None = None


class Writer:
    """Drafts the choices of one request."""

    def __init__(
        self,
        request: Request,
        filler: Filler,
        entropy: Entropy,
        seen: int,
        count: Callable[[str], int],
    ) -> None:
        self._request = request
        self._filler = filler
        self._entropy = entropy
        self._seen = seen
        self._count = count

    def draft(self, answer: Answer, index: int) -> Draft:
        """Draft choice ``index``; drafts of generated answers differ by index."""
        if isinstance(answer, ReplySpec):
            if answer.choices:
                return self._scripted(answer.choices[index % len(answer.choices)], index)
            return self._scripted(answer, index)
        if answer == "auto":
            return self._auto(index)
        return Draft(text=self._generated(GenerateSpec(kind=answer), index))

    def _scripted(self, reply: ReplySpec, index: int) -> Draft:
        calls = tuple(
            self._call(call, index, place) for place, call in enumerate(reply.tool_calls or ())
        )
        draft = Draft(
            text=self._text(reply, index),
            length=_length(reply.generate),
            refusal=None if reply.refusal is None else self._filler.text(reply.refusal),
            # The old form has room for one call only.
            calls=calls[:1] if any(call.kind == "legacy" for call in calls) else calls,
            reasoning=reply.reasoning or 0,
            finish=reply.finish,
        )
        if draft.text is None and draft.refusal is None and not draft.calls:
            # Only hidden reasoning was scripted: the visible answer is made up.
            return replace(self._auto(index), reasoning=draft.reasoning, finish=draft.finish)
        return draft

    def _text(self, reply: ReplySpec, index: int) -> str | None:
        if reply.text is not None:
            return self._filler.text(reply.text)
        if "json_" in reply.model_fields_set:
            return schema.json_text(self._filler.value(reply.json_))
        if reply.generate is not None:
            return self._generated(reply.generate, index)
        return None

    def _call(self, call: ToolCallSpec, index: int, place: int) -> DraftCall:
        arguments = call.arguments
        written = (
            self._filler.text(arguments)
            if isinstance(arguments, str)
            else schema.json_text(self._filler.value(arguments))
        )
        return self._drafted(call.name, written, call.id or self._call_id(index, place))

    def _drafted(self, name: str, arguments: str, call_id: str) -> DraftCall:
        offered = next((tool for tool in self._request.tools if tool.name == name), None)
        return DraftCall(name, arguments, call_id, offered.kind if offered else "function")

    def _call_id(self, index: int, place: int) -> str:
        return "call_" + self._entropy.token(f"call/{self._seen}/{index}/{place}", 24)

    def _rng(self, what: str, index: int) -> Random:
        return self._entropy.rng(f"{what}/{index}")

    def _generated(self, spec: GenerateSpec, index: int) -> str:
        rng = self._rng("text", index)
        if spec.kind == "schema":
            return self._json(index)
        return text.generate(
            spec.kind, rng, tokens=spec.tokens, count=self._count, echo=self._request.user_text
        )

    def _json(self, index: int) -> str:
        wanted = self._request.response_format.schema or _OBJECT
        return schema.json_text(schema.instance(wanted, self._rng("json", index)))

    def _auto(self, index: int) -> Draft:
        """Answer anything sensibly, so that agent loops end."""
        request = self._request
        results = request.tool_results
        if (tool := _demanded(request, after_result=bool(results))) is not None:
            arguments = self._arguments(tool, index)
            return Draft(calls=(self._drafted(tool.name, arguments, self._call_id(index, 0)),))
        if request.response_format.kind != "text":
            return Draft(text=self._json(index))
        if results:
            told = [(result.name, result.text) for result in results]
            return Draft(text=text.closing(self._rng("closing", index), told))
        return Draft(text=self._generated(GenerateSpec(), index))

    def _arguments(self, tool: Tool, index: int) -> str:
        if tool.kind == "custom":
            return self._generated(GenerateSpec(), index)
        wanted = tool.parameters or {"type": "object", "properties": {}}
        value = schema.instance(wanted, self._rng("arguments", index))
        return schema.json_text(value if isinstance(value, dict) else {})


def _length(spec: GenerateSpec | None) -> int | None:
    """Give the length of a made-up text; JSON has none, half of it would not be JSON."""
    return None if spec is None or spec.kind == "schema" else spec.tokens


def _demanded(request: Request, *, after_result: bool) -> Tool | None:
    """Choose the tool to call, if one is to be called now."""
    choice = request.tool_choice
    if not request.tools or choice.mode == "none":
        return None
    if after_result and choice.mode != "required":
        return None
    allowed = [tool for tool in request.tools if not choice.names or tool.name in choice.names]
    if not allowed:
        return None
    asked = _words(request.user_text)
    return max(
        allowed,
        key=lambda tool: len(asked & _words(f"{tool.name} {tool.description or ''}")),
    )


def _words(sentence: str) -> set[str]:
    cleaned = "".join(letter if letter.isalnum() else " " for letter in sentence.lower())
    return {word for word in cleaned.split() if len(word) > 2}  # noqa: PLR2004 - of, a, to
