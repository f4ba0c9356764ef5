"""What an answer wants to say, before any limit of the request cuts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from random import Random
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from mockdock.content import bias, logprobs, text
from mockdock.content.prompt_keys import Keys, find_keys
from mockdock.content.prompt_schema import find_schema
from mockdock.content.tokens import Tokenizer
from mockdock.engine.chance import Entropy
from mockdock.engine.fill import Filler
from mockdock.engine.think import think
from mockdock.later import later
from mockdock.reply import Finish
from mockdock.request import CallKind, Effort, Request, Tool
from mockdock.scenario import GenerateSpec, ReplySpec, ToolCallSpec

__all__ = ["Answer", "Draft", "DraftCall", "Writer"]

Answer = ReplySpec | Literal["auto", "echo", "lorem"]

# Making JSON and calls takes much that texts do not.
_instance: Callable[..., Any] = later("content.schema:instance")
_json_text: Callable[[Any], str] = later("content.schema:json_text")
_matching: Callable[[str, Random], str | None] = later("content.patterns:generate")
_read_offers: Callable[[str], Any] = later("content.offers:read_offers")

_OBJECT: Mapping[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
}
_FENCED = ("codeblock", "code block", "code snippet", "```json")
_TRIES = 8
_LONGER = (1, 2, 8)
"""How much longer a text is made when banned tokens leave too little of it."""
_FORCED = 32
_MOST_FORCED = 4096
"""Tokens that ``logit_bias`` forces: of one answer without a limit, and of all at most."""


class DraftCall(Struct, frozen=True):
    """A tool call wanted."""

    name: str
    arguments: str
    id: str
    kind: CallKind


class Draft(Struct, frozen=True):
    """One choice as wanted.

    ``length`` is the exact number of tokens a made-up text shall have, ``text``
    then holds at least as many. ``ids`` are its tokens where they are not those
    the text would be split into. ``reasoning`` is a count or the hidden text.
    ``certainty`` is mean and spread of the log probabilities.
    """

    text: str | None = None
    length: int | None = None
    ids: tuple[int, ...] | None = None
    refusal: str | None = None
    calls: tuple[DraftCall, ...] = ()
    reasoning: int | str = 0
    finish: Finish | None = None
    certainty: tuple[float, float] = (logprobs.MEAN, logprobs.SPREAD)


_NOTHING = Draft()


class Writer:
    """Drafts the choices of one request.

    ``words`` is the chance of what is said, ``entropy`` that of ids. ``effort``
    is what the model thinks by default, None when it does not reason.
    """

    def __init__(
        self,
        request: Request,
        filler: Filler,
        entropy: Entropy,
        words: Entropy,
        seen: int,
        tokenizer: Tokenizer,
        effort: Effort | None,
    ) -> None:
        self._request = request
        self._filler = filler
        self._entropy = entropy
        self._words = words
        self._seen = seen
        self._tokenizer = tokenizer
        self._effort = effort
        self._said: set[object] = set()
        self._again = 0

    def draft(self, answer: Answer, index: int) -> Draft:
        """Draft choice ``index``; generated drafts differ, unless sampling is off."""
        self._again = 0
        draft = self._draft(answer, index)
        if self._made_up(answer) and not self._request.greedy:
            while _words_of(draft) in self._said and self._again < _TRIES:
                self._again += 1
                draft = self._draft(answer, index)
            self._said.add(_words_of(draft))
        return draft

    def _made_up(self, answer: Answer) -> bool:
        """Tell whether chance has a say in the words."""
        if not isinstance(answer, ReplySpec):
            return answer != "echo"
        return not answer.choices and answer.generate is not None and answer.generate.kind != "echo"

    def _draft(self, answer: Answer, index: int) -> Draft:
        if isinstance(answer, ReplySpec):
            if answer.choices:
                return self._scripted(answer.choices[index % len(answer.choices)], index)
            return self._scripted(answer, index)
        if answer == "auto":
            return self._auto(index)
        return self._generated(GenerateSpec(kind=answer), index)

    def _scripted(self, reply: ReplySpec, index: int) -> Draft:
        calls = tuple(
            self._call(call, index, place) for place, call in enumerate(reply.tool_calls or ())
        )
        # The old form has room for one call only.
        calls = calls[:1] if any(call.kind == "legacy" for call in calls) else calls
        text, draft = None, _NOTHING
        if reply.generate is not None:
            draft = self._generated(reply.generate, index)
        elif calls or reply.says_something:
            text = self._text(reply)
        else:
            # Only hidden reasoning was scripted: the visible answer is made up.
            draft = self._auto(index)
            calls = draft.calls
        sure = reply.logprobs
        return Draft(
            text=draft.text if text is None else text,
            length=draft.length,
            ids=draft.ids,
            refusal=None if reply.refusal is None else self._filler.text(reply.refusal),
            calls=calls,
            reasoning=draft.reasoning if reply.reasoning is None else reply.reasoning,
            finish=reply.finish or draft.finish,
            certainty=draft.certainty if sure is None else (sure.mean, sure.spread),
        )

    def _text(self, reply: ReplySpec) -> str | None:
        if reply.text is not None:
            return self._filler.text(reply.text)
        if "json_" in reply.model_fields_set:
            return _json_text(self._filler.value(reply.json_))
        return None

    def _call(self, call: ToolCallSpec, index: int, place: int) -> DraftCall:
        arguments = call.arguments
        written = (
            self._filler.text(arguments)
            if isinstance(arguments, str)
            else _json_text(self._filler.value(arguments))
        )
        return self._drafted(call.name, written, call.id or self._call_id(index, place))

    def _drafted(self, name: str, arguments: str, call_id: str) -> DraftCall:
        offered = next((tool for tool in self._request.tools if tool.name == name), None)
        return DraftCall(name, arguments, call_id, offered.kind if offered else "function")

    def _call_id(self, index: int, place: int) -> str:
        return "call_" + self._entropy.token(f"call/{self._seen}/{index}/{place}", 24)

    def _rng(self, what: str, index: int) -> Random:
        """Give the chance of a choice's words; without sampling all choices have the same."""
        place = 0 if self._request.greedy else index
        return self._words.rng(f"{what}/{place}" + f"/{self._again}" * bool(self._again))

    def _generated(self, spec: GenerateSpec, index: int) -> Draft:
        """Make a text up, or JSON; JSON has no length, half of it would not be JSON."""
        if spec.kind == "schema":
            return self._json(index)
        request, rng = self._request, self._rng("text", index)
        if ids := self._forced(spec, rng):
            said = b"".join(self._tokenizer.spelled(ids)).decode("utf-8", "replace")
            # Nothing but the limit ends such an answer.
            finish: Finish | None = "length" if request.max_tokens is not None else None
            return Draft(said, ids=ids, reasoning=self._reasoning(index), finish=finish)
        said = ""
        for times in _LONGER:
            made = text.generate(
                spec.kind,
                rng,
                tokens=spec.tokens and times * spec.tokens,
                count=self._tokenizer.count,
                echo=request.user_text,
                verbosity=request.verbosity or "medium",
            )
            said = self._allowed(made)
            if said == made or self._tokenizer.count(said) >= (spec.tokens or 0):
                break
        return Draft(said, spec.tokens, reasoning=self._reasoning(index))

    def _forced(self, spec: GenerateSpec, rng: Random) -> tuple[int, ...]:
        if not self._request.logit_bias:
            return ()
        most = max(_MOST_FORCED // self._request.n, 1)
        length = spec.tokens or min(self._request.max_tokens or _FORCED, most)
        return bias.forced(self._request.logit_bias, length, self._tokenizer, rng)

    def _allowed(self, said: str) -> str:
        unwanted = bias.banned(self._request.logit_bias)
        return bias.avoid(said, unwanted, self._tokenizer) if unwanted else said

    def _reasoning(self, index: int) -> int:
        if self._effort is None:
            return 0
        effort = self._request.reasoning_effort or self._effort
        return think(effort, self._rng("reasoning", index))

    def _json(self, index: int) -> Draft:
        made = _instance(self._schema, self._rng("json", index), offers=self._offers)
        return Draft(_json_text(made), reasoning=self._reasoning(index))

    @cached_property
    def _schema(self) -> Mapping[str, Any]:
        """The schema asked for: by the response format, else in the prompt or its words."""
        wanted = self._request.response_format.schema
        if wanted is not None:
            return wanted
        if self._found is not None:
            return self._found
        return _OBJECT if self._keys is None else self._keys.schema

    @cached_property
    def _keys(self) -> Keys | None:
        return find_keys(self._prompt)

    @cached_property
    def _prompt(self) -> str:
        return f"{self._request.system_text}\n{self._request.user_text}"

    @cached_property
    def _found(self) -> Mapping[str, Any] | None:
        """The schema of an object that instructor, LangChain and others put into the prompt."""
        found = find_schema(self._prompt)
        return found if found is not None and _is_of_object(found) else None

    @cached_property
    def _offers(self) -> Any:
        said = self._request.user_text
        named = find_keys(said) if self._request.response_format.kind == "json_object" else None
        return _read_offers(said if named is None else named.rest)

    def _auto(self, index: int) -> Draft:
        """Answer anything sensibly, so that agent loops end: one call for each user turn."""
        request = self._request
        if (tool := _demanded(request)) is not None:
            arguments = self._arguments(tool, index)
            call = self._drafted(tool.name, arguments, self._call_id(index, 0))
            return Draft(calls=(call,), reasoning=self._reasoning(index))
        if request.response_format.kind != "text":
            return self._json(index)
        if results := request.tool_results:
            told = [(result.name, result.text) for result in results]
            said = self._allowed(text.closing(self._rng("closing", index), told))
            return Draft(text=said, reasoning=self._reasoning(index))
        if self._found is not None:
            return self._fenced(self._json(index))
        return self._generated(GenerateSpec(), index)

    def _fenced(self, draft: Draft) -> Draft:
        """Put JSON that was asked for in words alone into a code block, if that was asked too."""
        asked = self._prompt.lower()
        if not any(words in asked for words in _FENCED):
            return draft
        return replace(draft, text=f"```json\n{draft.text}\n```")

    def _arguments(self, tool: Tool, index: int) -> str:
        rng = self._rng("arguments", index)
        if tool.kind == "custom":
            if tool.pattern is not None:
                return _matching(tool.pattern, rng) or ""
            return self._generated(GenerateSpec(), index).text or ""
        wanted = tool.parameters or {"type": "object", "properties": {}}
        value = _instance(wanted, rng, offers=self._offers)
        return _json_text(value if isinstance(value, dict) else {})


def _is_of_object(wanted: Mapping[str, Any]) -> bool:
    return bool(wanted.get("type", "object") == "object")


def _words_of(draft: Draft) -> object:
    return draft.text, draft.refusal, tuple((call.name, call.arguments) for call in draft.calls)


def _demanded(request: Request) -> Tool | None:
    """Choose the tool to call, if one is to be called now."""
    choice = request.tool_choice
    if not request.tools or choice.mode == "none":
        return None
    if (request.called_this_turn or request.tool_results) and choice.mode != "required":
        return None
    names = choice.names
    allowed = [tool for tool in request.tools if names is None or tool.name in names]
    if not allowed:
        return None
    asked = _words(request.user_text)
    # Where a call is demanded every time, one tool leads to the next, and to the last.
    left = [tool for tool in allowed if tool.name not in request.called_this_turn]
    return max(
        left or allowed,
        key=lambda tool: len(asked & _words(f"{tool.name} {tool.description or ''}")),
    )


def _words(sentence: str) -> set[str]:
    cleaned = "".join(letter if letter.isalnum() else " " for letter in sentence.lower())
    return {word for word in cleaned.split() if len(word) > 2}  # noqa: PLR2004 - of, a, to
