"""What a request and its answer cost in tokens, as ``usage`` reports them.

The rules for plain messages are OpenAI's own (openai-cookbook, "How to count
tokens with tiktoken"); those for legacy functions and ``tool_choice`` were
measured by hmarr/openai-chat-tokens. The rest is fitted to recorded traffic,
and each docstring says where. Read Harmony, the published format of OpenAI's
open models, for why the fits look as they do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import orjson
from msgspec import Struct

from mockdock.completing import ToComplete
from mockdock.content.attachments import count_audio, count_file
from mockdock.content.images import count_image
from mockdock.content.namespace import format_section, tool_namespace
from mockdock.content.tokens import Tokenizer, plain_name
from mockdock.embedding import ToEmbed
from mockdock.memo import Memo
from mockdock.reply import Call
from mockdock.request import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    Request,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)

__all__ = ["NO_PROMPT", "Prompt", "count_calls", "count_inputs", "count_prompt", "count_reasoning"]

_LONGEST_NAME = 200
_RESULTS = ("tool", "function")
_PRIMING = 3
_TOOLS_HEADING = 5
_FORMAT_HEADING = 4
_SYSTEM_MESSAGE = 4
_NAMED_CHOICE = 4
_NO_CHOICE = 1
_REASONING_FRAME = 10
_ROLE_FOR_RESULT = -1
_CALL_CLOSE = 1

_OF_2023 = (
    "gpt-4-0314",
    "gpt-4-0613",
    "gpt-4-32k",
    "gpt-3.5-turbo-0301",
    "gpt-3.5-turbo-0613",
    "gpt-3.5-turbo-16k",
)

_section_counts: Memo[int] = Memo(2048)


class _Rules(Struct, frozen=True):
    """How a family of models counts; all numbers are tokens."""

    message: int = 3
    name: int = 1
    call: int = 7
    modern: bool = True
    offset: int = 0
    reasoning: int = 0


def _rules(model: str) -> _Rules:
    """Give the rules for a model; those of names of any sensible length are remembered."""
    return _known_rules(model) if len(model) <= _LONGEST_NAME else _known_rules.__wrapped__(model)


@lru_cache(256)
def _known_rules(model: str) -> _Rules:
    name = plain_name(model)
    if name.startswith("gpt-3.5-turbo-0301"):
        return _Rules(message=4, name=-1, call=4, modern=False)
    if name == "gpt-4" or name.startswith(_OF_2023):
        return _Rules(call=4, modern=False)
    if name.startswith("gpt-5"):
        return _Rules(offset=-1, reasoning=_REASONING_FRAME)
    return _Rules()


class Prompt(Struct, frozen=True):
    """The prompt tokens of a request, and how many of them its tools take.

    ``ends`` are the prompt tokens up to the end of each message, in order.
    """

    tokens: int
    tools: int
    ends: tuple[int, ...]


NO_PROMPT = Prompt(0, 0, ())
"""That of a request without messages."""


def count_prompt(request: Request, tokenizer: Tokenizer, model: str) -> Prompt:
    """Count the prompt tokens of a request; ``model`` is the one that answers.

    Every message costs 3 and its role, content and name (+ 1); the answer's
    start costs 3 (openai-cookbook). gpt-5* costs one less in all: a fit, exact
    on three recordings. Tools and a json_schema format live in the system
    message, and cost another one where there is none. ``n`` does not matter.
    """
    rules, count = _rules(model), tokenizer.count
    called: dict[str, str] = {}
    tools = _tools(request, tokenizer, rules) if request.tools else 0
    total = _PRIMING + rules.offset + tools + _sections(request, tokenizer)
    ends = []
    for message in request.messages:
        for call in message.tool_calls:
            called[call.id] = call.name
    for message in request.messages:
        role = message.role
        if message.name or message.tool_calls or role in _RESULTS:
            total += _message(message, called, tokenizer, rules)
        else:
            total += rules.message + count(role)
        for part in message.parts:
            if isinstance(part, TextPart):
                total += count(part.text)
            else:
                total += _part(part, tokenizer, model)
        ends.append(total)
    return Prompt(total, tools, tuple(ends))


def count_inputs(wanted: ToEmbed | ToComplete, tokenizer: Tokenizer) -> Prompt:
    """Count the tokens of all inputs, up to the end of each."""
    total, ends = 0, []
    for each in wanted.inputs:
        total += tokenizer.count(each) if isinstance(each, str) else len(each)
        ends.append(total)
    return Prompt(total, 0, tuple(ends))


def count_calls(calls: Sequence[Call | ToolCall], tokenizer: Tokenizer, model: str) -> int:
    """Count the completion tokens of an answer's tool calls.

    One call costs its name, its arguments and 7, on the snapshots of 2023 only
    4. Several calls cost as one call of ``multi_tool_use.parallel``, the
    model's own wrapper, with all of them in compact JSON. Both are fits: exact
    on ten of thirteen single calls, the others report one more; exact on one of
    two parallel ones, one too many on the other.
    """
    if not calls:
        return 0
    overhead = _rules(model).call
    if len(calls) == 1:
        call = calls[0]
        return tokenizer.count(call.name) + tokenizer.count(call.arguments) + overhead
    uses = ",".join(
        f'{{"recipient_name":"functions.{call.name}","parameters":{_compact(call)}}}'
        for call in calls
    )
    wrapped = f'{{"tool_uses":[{uses}]}}'
    return tokenizer.count("multi_tool_use.parallel") + tokenizer.count(wrapped) + overhead


def count_reasoning(reasoning_tokens: int, model: str) -> int:
    """Count what reasoning adds to the completion tokens.

    The reasoning itself, and on gpt-5* ten more for the frame between it and
    the answer. A fit: ten on one recording, nine on two; ten is also what the
    frame has in Harmony.
    """
    return reasoning_tokens + _rules(model).reasoning if reasoning_tokens else 0


def _tools(request: Request, tokenizer: Tokenizer, rules: _Rules) -> int:
    """Count the tools and the choice among them; their heading costs 5 (measured by hmarr)."""
    if not request.tools:
        return 0
    total = _TOOLS_HEADING + _count_tools(request.tools, tokenizer, rules)
    return total + _choice(request.tool_choice, tokenizer)


def _sections(request: Request, tokenizer: Tokenizer) -> int:
    """Count the response format, and the place of it and the tools in the prompt.

    Without a system message the sections make one (+ 4). The heading of a
    format costs 4 (a fit, exact on five recordings without system message and
    three with one). With a system message its text is followed by a line break,
    which often merges with the full stop before it.
    """
    wanted = request.response_format
    has_format = wanted.kind == "json_schema"
    if not (request.tools or has_format):
        return 0
    total = _FORMAT_HEADING + _count_format(wanted, tokenizer) if has_format else 0
    system = next((m for m in request.messages if m.role in ("system", "developer")), None)
    if system is None:
        return total + _SYSTEM_MESSAGE
    last = next((p.text for p in reversed(system.parts) if isinstance(p, TextPart)), "")
    return total + tokenizer.count(f"{last}\n") - tokenizer.count(last)


def _count_tools(tools: Sequence[Tool], tokenizer: Tokenizer, rules: _Rules) -> int:
    shape = [(tool.name, tool.description, tool.parameters, tool.kind) for tool in tools]
    return _remembered(
        (tokenizer.name, rules.modern, shape),
        lambda: tokenizer.count(tool_namespace(tools, inline=rules.modern)),
    )


def _count_format(wanted: ResponseFormat, tokenizer: Tokenizer) -> int:
    return _remembered(
        (tokenizer.name, wanted.name, wanted.description, wanted.schema),
        lambda: tokenizer.count(format_section(wanted)),
    )


def _remembered(shape: object, count: Callable[[], int]) -> int:
    """Count once per shape; one nested too deep for JSON (254 levels) counts nothing."""
    try:
        key = orjson.dumps(shape, default=dict)
    except TypeError:
        return 0
    return _section_counts.get(key, count)


def _choice(choice: ToolChoice, tokenizer: Tokenizer) -> int:
    """Count a tool choice: "none" costs 1, a tool named outright its name and 4."""
    if choice.forced and choice.names:
        return tokenizer.count(choice.names[0]) + _NAMED_CHOICE
    return _NO_CHOICE if choice.mode == "none" else 0


def _message(
    message: Message, called: Mapping[str, str], tokenizer: Tokenizer, rules: _Rules
) -> int:
    """Count a message without its parts.

    A tool's result costs its tool's name less one: the name stands in the place
    of the role. hmarr measured that for legacy functions; with the cost of
    ``_past_call`` it is exact on all seven recordings with tool messages.
    """
    total = rules.message + tokenizer.count(message.role)
    if message.role in _RESULTS:
        name = message.name or called.get(message.tool_call_id or "", "")
        total += tokenizer.count(name) + _ROLE_FOR_RESULT
    elif message.name:
        total += tokenizer.count(message.name) + rules.name
    for call in message.tool_calls:
        total += _past_call(call, tokenizer, rules)
    return total


def _past_call(call: ToolCall, tokenizer: Tokenizer, rules: _Rules) -> int:
    """Count a call of the history: as when it was made, without its closing token.

    Its arguments are written anew as compact JSON, which the models of 2023 did
    not do yet (measured by hmarr). A fit to seven recordings of single calls;
    several calls in one message are not recorded, and count one by one. Ids
    cost nothing.
    """
    arguments = _compact(call) if rules.modern else call.arguments
    return tokenizer.count(call.name) + tokenizer.count(arguments) + rules.call - _CALL_CLOSE


def _part(part: ImagePart | AudioPart | FilePart, tokenizer: Tokenizer, model: str) -> int:
    if isinstance(part, ImagePart):
        return count_image(part, model)
    if isinstance(part, AudioPart):
        return count_audio(part)
    return count_file(part, tokenizer)


def _compact(call: Call | ToolCall) -> str:
    """Write arguments as compact JSON, and what is not JSON as it is."""
    if call.kind == "custom":
        return call.arguments
    try:
        return orjson.dumps(orjson.loads(call.arguments)).decode()
    except orjson.JSONDecodeError:
        return call.arguments
