"""From a reply to bytes: one JSON body, or server-sent events made as they leave.

Keys come in the order recorded from api.openai.com in March 2026; bodies are
indented by two spaces, events are compact, text is not escaped beyond JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import orjson

from mockdock.dialects.openai.failures import tell
from mockdock.frames import Frame
from mockdock.reply import Call, Choice, Completion, Failure, ModelCard, ModelList, Reply, Usage
from mockdock.request import Request

__all__ = ["frames"]

_DONE = Frame(b"data: [DONE]\n\n")


def frames(request: Request | None, reply: Reply) -> Iterator[Frame]:
    """Render a reply; only a completion asked as a stream has several frames."""
    match reply:
        case Failure():
            yield Frame(orjson.dumps(tell(reply).body(), option=orjson.OPT_INDENT_2))
        case ModelCard():
            yield Frame(_pretty(_card(reply)))
        case ModelList(models=models):
            yield Frame(_pretty({"object": "list", "data": [_card(model) for model in models]}))
        case Completion():
            if request is not None and request.stream:
                yield from _events(reply, with_usage=request.include_usage)
            else:
                tokens = max(_tokens(choice) for choice in reply.choices)
                yield Frame(_pretty(_completion(reply)), tokens)


def _pretty(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _card(model: ModelCard) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.owned_by,
    }


def _tokens(choice: Choice) -> int:
    runs = [choice.content or (), choice.refusal or (), *(call.pieces for call in choice.calls)]
    return sum(piece.tokens for run in runs for piece in run)


def _completion(reply: Completion) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{reply.id}",
        "object": "chat.completion",
        "created": reply.created,
        "model": reply.model,
        "choices": [_choice(choice, reply) for choice in reply.choices],
        "usage": _usage(reply.usage),
        "service_tier": reply.service_tier,
        "system_fingerprint": reply.system_fingerprint,
    }


def _choice(choice: Choice, reply: Completion) -> dict[str, Any]:
    told: dict[str, Any] = {"index": choice.index, "message": _message(choice)}
    if not reply.reasoning_model:
        told["logprobs"] = None
    told["finish_reason"] = choice.finish
    return told


def _message(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text}
    calls = _shown(choice.calls)
    if _is_legacy(calls):
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments}
    elif calls:
        message["tool_calls"] = [_tool_call(call) for call in calls]
    message["refusal"] = choice.refusal_text
    message["annotations"] = []
    return message


def _shown(calls: tuple[Call, ...]) -> tuple[Call, ...]:
    """Give the calls a message can hold: one ``function_call``, or any number of tool calls."""
    return calls[:1] if _is_legacy(calls) else calls


def _is_legacy(calls: tuple[Call, ...]) -> bool:
    return bool(calls) and calls[0].kind == "legacy"


def _tool_call(call: Call) -> dict[str, Any]:
    if call.kind == "custom":
        called = {"name": call.name, "input": call.arguments}
        return {"id": call.id, "type": "custom", "custom": called}
    called = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": called}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "audio_tokens": usage.prompt_audio_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.completion_audio_tokens,
            "accepted_prediction_tokens": usage.accepted_prediction_tokens,
            "rejected_prediction_tokens": usage.rejected_prediction_tokens,
        },
    }


def _events(reply: Completion, *, with_usage: bool) -> Iterator[Frame]:
    base = orjson.dumps(
        {
            "id": f"chatcmpl-{reply.id}",
            "object": "chat.completion.chunk",
            "created": reply.created,
            "model": reply.model,
            "service_tier": reply.service_tier,
            "system_fingerprint": reply.system_fingerprint,
        }
    )
    start = b"data: " + base[:-1] + b',"choices":['
    end = (b'],"usage":null' if with_usage else b"]") + b"}\n\n"
    logprobs = b"" if reply.reasoning_model else b',"logprobs":null'
    for together in zip_longest(*(_deltas(choice) for choice in reply.choices)):
        # Choices are generated side by side: a round takes the time of one token.
        weight = max(delta[1] for delta in together if delta is not None)
        for choice, delta in zip(reply.choices, together, strict=True):
            if delta is None:
                continue
            body, _, finish = delta
            yield Frame(
                b'%b{"index":%d,"delta":%b%b,"finish_reason":%b}%b'
                % (start, choice.index, body, logprobs, finish, end),
                weight,
            )
            weight = 0
    if with_usage:
        usage = orjson.dumps(_usage(reply.usage))
        yield Frame(b'%b],"usage":%b}\n\n' % (start, usage))
    yield _DONE


_Delta = tuple[bytes, int, bytes]
"""JSON of a delta, its tokens, JSON of the finish reason."""


def _deltas(choice: Choice) -> Iterator[_Delta]:
    """Give the deltas of one choice: role, contents, finish."""
    if choice.refusal is not None:
        yield b'{"role":"assistant","content":null,"refusal":""}', 0, b"null"
        for piece in choice.refusal:
            yield b'{"refusal":%b}' % orjson.dumps(piece.text), piece.tokens, b"null"
    elif choice.content is not None:
        yield b'{"role":"assistant","content":"","refusal":null}', 0, b"null"
        for piece in choice.content:
            yield b'{"content":%b}' % orjson.dumps(piece.text), piece.tokens, b"null"
    yield from _call_deltas(choice)
    yield b"{}", 0, orjson.dumps(choice.finish)


def _call_deltas(choice: Choice) -> Iterator[_Delta]:
    """Give tool calls in one of the two recorded forms.

    A single call without text shares the chunk of the role; several calls come
    after a chunk of the role alone, one after the other.
    """
    calls = _shown(choice.calls)
    bare = choice.content is None and choice.refusal is None
    if bare and not calls:
        yield b'{"role":"assistant","content":null,"refusal":null}', 0, b"null"
    if bare and len(calls) > 1:
        yield b'{"role":"assistant","content":null}', 0, b"null"
    legacy = _is_legacy(calls)
    for index, call in enumerate(calls):
        opening = _function_opening(call) if legacy else _tool_opening(index, call)
        if bare and len(calls) == 1:
            yield b'{"role":"assistant","content":null,%b,"refusal":null}' % opening, 0, b"null"
        else:
            yield b"{%b}" % opening, 0, b"null"
        for piece in call.pieces:
            text = orjson.dumps(piece.text)
            fragment = _function_fragment(text) if legacy else _tool_fragment(index, call, text)
            yield fragment, piece.tokens, b"null"


def _function_opening(call: Call) -> bytes:
    return b'"function_call":{"name":%b,"arguments":""}' % orjson.dumps(call.name)


def _function_fragment(text: bytes) -> bytes:
    return b'{"function_call":{"arguments":%b}}' % text


def _tool_opening(index: int, call: Call) -> bytes:
    kind, field = _TOOL_WORDS[call.kind]
    return b'"tool_calls":[{"index":%d,"id":%b,"type":"%b","%b":{"name":%b,"%b":""}}]' % (
        index,
        orjson.dumps(call.id),
        kind,
        kind,
        orjson.dumps(call.name),
        field,
    )


def _tool_fragment(index: int, call: Call, text: bytes) -> bytes:
    return b'{"tool_calls":[{"index":%d,"%b":{"%b":%b}}]}' % (
        index,
        *_TOOL_WORDS[call.kind],
        text,
    )


_TOOL_WORDS = {
    "function": (b"function", b"arguments"),
    "legacy": (b"function", b"arguments"),
    "custom": (b"custom", b"input"),
}
"""By kind: the type of a tool call, and where its text goes."""
