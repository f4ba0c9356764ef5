"""From HTTP to a request, or to OpenAI's refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import orjson
from msgspec import Struct
from pydantic import ValidationError

from mockdock.dialects.base import Call
from mockdock.dialects.openai.body import json_object
from mockdock.dialects.openai.conversation import message_of, plain_messages
from mockdock.dialects.openai.invalid import missing_model, translate
from mockdock.dialects.openai.lenient import validate_leniently
from mockdock.dialects.openai.rules import broken_again, broken_rule
from mockdock.dialects.openai.rules_base import is_plain
from mockdock.dialects.openai.terms import (
    Key,
    Terms,
    conversation_of,
    key_of,
    known_terms,
    remember_terms,
)
from mockdock.dialects.openai.wire import MOST_MESSAGES, ChatRequest
from mockdock.dialects.openai.wire_base import Wire
from mockdock.dialects.openai.wire_tools import GrammarInput, PlainInput
from mockdock.later import later
from mockdock.reply import Failure
from mockdock.request import Message, Request, ResponseFormat, Speech, Tool, ToolChoice

__all__ = ["ChatForm", "parse", "parse_chat"]


_MANY = 100
"""More arguments than there are."""
_MOST_DIGITS = 9


class ChatForm(Struct, frozen=True):
    """What a provider takes for a chat request: its model, and what counts as not sent.

    The model is for strict validation; lenient validation takes what OpenAI's does.
    """

    wire: type[ChatRequest] = ChatRequest
    ignored: frozenset[str] = frozenset()


_USUAL = ChatForm()
_OTHERS: Mapping[str, Callable[[Call], Request | Failure]] = {
    "completions": later("dialects.openai.texts_parse:parse_texts"),
    "embeddings": later("dialects.openai.embeddings_parse:parse_embeddings"),
    "moderations": later("dialects.openai.moderations_parse:parse_moderations"),
}
"""What parses the operations that have a form of their own."""
_STORED: Callable[[Call], Request | Failure] = later("dialects.openai.stored_parse:parse_stored")


def parse(call: Call) -> Request | Failure:
    """Parse a call of any operation of this dialect."""
    if call.operation.startswith("stored."):
        return _STORED(call)
    if call.operation in _OTHERS:
        return _OTHERS[call.operation](call)
    if call.operation == "models.list":
        return Request(call.dialect, "models", caller=call.caller, headers=call.headers)
    if call.operation in ("models.retrieve", "models.delete"):
        return Request(
            call.dialect,
            "models",
            model=call.params["model"],
            removes=call.operation == "models.delete",
            caller=call.caller,
            headers=call.headers,
            raw=call.body,
        )
    return parse_chat(call)


def parse_chat(
    call: Call, *, model: str | None = None, form: ChatForm = _USUAL
) -> Request | Failure:
    """Parse a chat request of a ``form``.

    ``model`` stands for that of the body, whether it has one or not.
    """
    body = json_object(call)
    if isinstance(body, Failure):
        return body
    sent, body = body, _heeded(body, form, model)
    try:
        if call.lenient:
            loose = _heeded(orjson.loads(call.body), form, model)
            return _request(call, sent, validate_leniently(loose))
        parsed = _strictly(call, sent, body, form)
    except ValidationError as error:
        parsed = translate(body, error, newer=_is_newer(call, body.get("model")), raw=call.body)
    if isinstance(parsed, Failure) and isinstance(model := body.get("model"), str):
        return replace(parsed, model=model)
    return parsed


def _heeded(body: dict[str, Any], form: ChatForm, model: str | None) -> dict[str, Any]:
    """Give a body without what counts as not sent, and with the model it is meant for."""
    if model is None and form.ignored.isdisjoint(body):
        return body
    heeded = {name: value for name, value in body.items() if name not in form.ignored}
    return heeded if model is None else {**heeded, "model": model}


def _strictly(
    call: Call, sent: dict[str, Any], body: dict[str, Any], form: ChatForm
) -> Request | Failure:
    if body.get("model") in (None, ""):
        return missing_model()
    key = _key(call, body, form)
    terms = None if key is None else known_terms(key)
    if terms is not None:
        traits = call.traits(terms.request.model)
        if traits is terms.traits or traits == terms.traits:
            return _continued(call, sent, body, terms)
    wire = form.wire.model_validate(body if len(body) <= _MANY else _known(body))
    traits = call.traits(wire.model)
    if traits is None:
        return Failure("model_not_found", wire.model)
    if (refusal := broken_rule(wire, traits)) is not None:
        return refusal
    request = _request(call, sent, wire)
    if key is not None:
        remember_terms(key, traits, wire, request)
    return request


def _key(call: Call, body: dict[str, Any], form: ChatForm) -> Key | None:
    """Give what the parameters of a body are known by, which a glance may have told."""
    sent = call.sent
    if sent is not None and sent.key is not None and sent.value is body:
        key: Key = sent.key
        return key
    return key_of(call.dialect, form.wire, body)


def _continued(
    call: Call, sent: dict[str, Any], body: dict[str, Any], terms: Terms
) -> Request | Failure:
    """Parse a request whose parameters are known to be valid."""
    if terms.mark is not None:
        plain = plain_messages(body.get("messages"), MOST_MESSAGES)
        if plain is not None:
            return _with(call, sent, terms, plain)
    asked = {"messages": body["messages"]} if "messages" in body else {}
    messages = conversation_of(type(terms.wire)).model_validate(asked).messages
    if not (terms.settled and is_plain(messages)):
        wire = terms.wire.model_copy(update={"messages": messages})
        if (refusal := broken_again(wire, terms.traits)) is not None:
            return refusal
    return _with(call, sent, terms, tuple(map(message_of, messages)))


def _with(call: Call, sent: dict[str, Any], terms: Terms, messages: tuple[Message, ...]) -> Request:
    return terms.request.but(
        messages=messages,
        caller=call.caller,
        headers=call.headers,
        raw=call.body,
        body=sent,
    )


def _known(body: dict[str, Any]) -> dict[str, Any]:
    """Give a body with only some of its unknown arguments: a refusal names no million."""
    known = ChatRequest.model_fields
    unknown = islice((name for name in body if name not in known), _MANY)
    return {name: body[name] for name in (*(body.keys() & known.keys()), *unknown)}


def _is_newer(call: Call, model: object) -> bool:
    """Tell the models whose requests are checked by newer code: those that reason."""
    traits = call.traits(model) if isinstance(model, str) else None
    return traits is not None and traits.effort is not None


def _request(call: Call, body: dict[str, Any], wire: ChatRequest) -> Request:
    options = wire.stream_options
    return Request(
        dialect=call.dialect,
        api="chat",
        model=wire.model,
        messages=tuple(message_of(each) for each in wire.messages),
        tools=_tools(wire),
        tool_choice=_tool_choice(wire),
        parallel_tool_calls=wire.parallel_tool_calls,
        response_format=_response_format(wire),
        max_tokens=wire.max_completion_tokens or wire.max_tokens,
        stop=() if wire.stop is None else _texts(wire.stop),
        n=wire.n or 1,
        seed=wire.seed,
        temperature=wire.temperature,
        top_p=wire.top_p,
        logit_bias=_logit_bias(wire),
        logprobs=bool(wire.logprobs),
        top_logprobs=wire.top_logprobs or 0,
        prediction=_prediction(wire),
        speech=_speech(wire),
        verbosity=wire.verbosity,
        reasoning_effort=wire.reasoning_effort,
        stream=bool(wire.stream),
        include_usage=bool(wire.stream and options is not None and options.include_usage),
        obfuscate=bool(wire.stream and options is not None and options.include_obfuscation),
        store=bool(wire.store),
        metadata=wire.metadata or {},
        cache_key=wire.prompt_cache_key or wire.user,
        service_tier=wire.service_tier,
        caller=call.caller,
        headers=call.headers,
        raw=call.body,
        body=body,
    )


def _logit_bias(wire: ChatRequest) -> dict[int, int]:
    """Give the bias by token; numbers no vocabulary reaches name no token."""
    given = (wire.logit_bias or {}).items()
    return {int(token): bias for token, bias in given if len(token) <= _MOST_DIGITS}


def _prediction(wire: ChatRequest) -> str | None:
    if wire.prediction is None:
        return None
    content = wire.prediction.content
    return content if isinstance(content, str) else "".join(part.text for part in content)


def _speech(wire: ChatRequest) -> Speech | None:
    if wire.audio is None or "audio" not in (wire.modalities or ()):
        return None
    return Speech(str(wire.audio.voice), wire.audio.format)


def _texts(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _tools(wire: ChatRequest) -> tuple[Tool, ...]:
    tools = [
        Tool(
            tool.function.name,
            tool.function.description or None,
            _given(tool.function, "parameters"),
            bool(tool.function.strict),
        )
        if tool.type == "function"
        else Tool(
            tool.custom.name,
            tool.custom.description or None,
            kind="custom",
            pattern=_pattern(tool.custom.format),
        )
        for tool in wire.tools
    ]
    tools += [
        Tool(each.name, each.description or None, _given(each, "parameters"), kind="legacy")
        for each in wire.functions
    ]
    return tuple(tools)


def _pattern(form: PlainInput | GrammarInput) -> str | None:
    if form.type == "text" or form.grammar.syntax != "regex":
        return None
    return form.grammar.definition


def _given(model: Wire, field: str) -> Any:
    """Give a field that was sent; an empty object sent is not one left out."""
    return getattr(model, field) if field in model.model_fields_set else None


def _tool_choice(wire: ChatRequest) -> ToolChoice:
    legacy = "function_call" in wire.model_fields_set and "tool_choice" not in wire.model_fields_set
    choice: Any = wire.function_call if legacy else wire.tool_choice
    if isinstance(choice, str):
        return ToolChoice(mode=choice)  # type: ignore[arg-type]  # validated as a literal
    match getattr(choice, "type", "legacy"):
        case "allowed_tools":
            allowed = choice.allowed_tools
            return ToolChoice(allowed.mode, tuple(allowed.names))
        case "function":
            name = choice.function.name
        case "custom":
            name = choice.custom.name
        case _:
            name = choice.name
    return ToolChoice("required", (name,), forced=True)


def _response_format(wire: ChatRequest) -> ResponseFormat:
    form = wire.response_format
    if form.type != "json_schema":
        return ResponseFormat(form.type)
    spec = form.json_schema
    return ResponseFormat(
        "json_schema",
        spec.name,
        spec.description or None,
        _given(spec, "schema_"),
        bool(spec.strict),
    )
