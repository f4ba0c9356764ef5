"""Requests the real service refuses, with its words; and requests that it takes.

Written from the contract (WIRE) and from public pastes and probes, never from
what mockdock answers. What has no paste is marked ASSUMED.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["ACCEPTED", "CHAT", "REFUSED", "Refused", "chat"]

CHAT = "/v1/chat/completions"
HI: dict[str, Any] = {"role": "user", "content": "Hi"}
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk"


@dataclass(frozen=True)
class Refused:
    """A request, and the error it gets.

    ``settings`` are those of the scenario. ``message`` is a regular expression
    where ``pattern`` is set. ``stream`` tells that the same request for a stream
    is refused in the same words.
    """

    name: str
    body: Any
    message: str
    param: str | None = None
    code: str | None = None
    status: int = 400
    type: str = "invalid_request_error"
    settings: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = CHAT
    stream: bool = True
    pattern: bool = False


def chat(model: str = "gpt-4o", **fields: Any) -> dict[str, Any]:
    """Make a small valid body with these fields."""
    return {"model": model, "messages": [HI], **fields}


def user(*parts: Any) -> dict[str, Any]:
    """Make a conversation of one message with these parts."""
    return {"messages": [{"role": "user", "content": list(parts)}]}


def image(url: str) -> dict[str, Any]:
    """Make an image part."""
    return {"type": "image_url", "image_url": {"url": url}}


def tool(name: str = "f", **more: Any) -> dict[str, Any]:
    """Offer one function."""
    return {"type": "function", "function": {"name": name, **more}}


def allowed(*names: str, mode: str = "auto") -> dict[str, Any]:
    """Choose among these tools."""
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def calling(*ids: str, name: str = "f") -> dict[str, Any]:
    """Make the assistant call a function once for every id."""
    function = {"name": name, "arguments": "{}"}
    calls = [{"id": each, "type": "function", "function": function} for each in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(id_: str) -> dict[str, Any]:
    """Answer a call."""
    return {"role": "tool", "tool_call_id": id_, "content": "42"}


def said(*messages: dict[str, Any]) -> dict[str, Any]:
    """Make a conversation that begins with a greeting."""
    return {"messages": [HI, *messages]}


def strict(schema: Any) -> dict[str, Any]:
    """Ask for JSON that follows a schema, strictly."""
    spec = {"name": "answer", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": spec}}


def closed(**properties: Any) -> dict[str, Any]:
    """Make an object schema that strict mode takes."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def nested(levels: int) -> dict[str, Any]:
    """Make objects inside objects, so many in all."""
    schema = closed(x={"type": "string"})
    for _ in range(levels - 1):
        schema = closed(x=schema)
    return schema


def above(name: str, most: float, got: float, kind: str = "decimal", **more: Any) -> Refused:
    """Make a row of a number that is too large."""
    message = (
        f"Invalid '{name}': {kind} above maximum value. Expected a value <= {most}, but got {got} "
        "instead."
    )
    more[name] = got
    return Refused(f"{name} {got}", chat(**more), message, name, f"{kind}_above_max_value")


def below(name: str, least: float, got: float, kind: str = "decimal", **more: Any) -> Refused:
    """Make a row of a number that is too small."""
    message = (
        f"Invalid '{name}': {kind} below minimum value. Expected a value >= {least}, but got {got} "
        "instead."
    )
    more[name] = got
    return Refused(f"{name} {got}", chat(**more), message, name, f"{kind}_below_min_value")


def too_long(param: str, most: int, got: int, **fields: Any) -> Refused:
    """Make a row of a string that is too long."""
    message = (
        f"Invalid '{param}': string too long. Expected a string with maximum length {most}, but "
        f"got a string with length {got} instead."
    )
    return Refused(f"{param} too long", chat(**fields), message, param, "string_above_max_length")


def many(param: str, most: int, **fields: Any) -> Refused:
    """Make a row of an array that is one too long."""
    message = (
        f"Invalid '{param}': array too long. Expected an array with maximum length {most}, but got "
        f"an array with length {most + 1} instead."
    )
    return Refused(f"{param} too many", chat(**fields), message, param, "array_above_max_length")


def unsupported(model: str, name: str, value: Any, hint: str = "", **more: Any) -> Refused:
    """Make a row of a parameter that a model does not have."""
    message = f"Unsupported parameter: '{name}' is not supported with this model.{hint}"
    body = chat(model, **{name: value}, **more)
    return Refused(f"{model} {name}", body, message, name, "unsupported_parameter")


def supports(model: str, name: str, value: Any, rest: str) -> Refused:
    """Make a row of a value that a model does not take."""
    written = f"'{value}'" if isinstance(value, str) else value
    message = f"Unsupported value: '{name}' does not support {written} with this model. {rest}"
    body = chat(model, **{name: value})
    return Refused(f"{model} {name} {value}", body, message, name, "unsupported_value")


def schema(name: str, schema: Any, fault: str) -> Refused:
    """Make a row of a strict format that is not valid."""
    message = f"Invalid schema for response_format 'answer': {fault}"
    return Refused(f"strict {name}", chat(**strict(schema)), message, "response_format")


def function(name: str, fault: str, **more: Any) -> Refused:
    """Make a row of a function whose parameters are not valid."""
    return Refused(
        f"function {name}",
        chat(tools=[tool("other"), tool(**more)]),
        f"Invalid schema for function 'f': {fault}",
        "tools[1].function.parameters",
        "invalid_function_parameters",
    )


def scripted(error: str, status: int, message: str, **more: Any) -> Refused:
    """Make a row of an error that a rule tells."""
    settings = {"rules": [{"reply": {"error": error, **more.pop("also", {})}}]}
    return Refused(error, chat("gpt-3.5-turbo"), message, status=status, settings=settings, **more)


def window(name: str, size: int, message: str, *, pattern: bool = False, **fields: Any) -> Refused:
    """Make a row of a request that does not fit: "Hi" has 8 tokens (WIRE F)."""
    stop = r"\." if pattern else "."
    return Refused(
        f"context length {name}",
        chat("tiny", **fields),
        f"This model's maximum context length is {size} tokens{stop} However, {message}",
        "messages",
        "context_length_exceeded",
        settings={"models": [{"id": "tiny", "context_window": size, "max_output_tokens": 99}]},
        pattern=pattern,
    )


KEYS = {"auth": {"keys": ["sk-right"]}}
NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header "
    "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank "
    "username) if you're accessing the API from your browser and are prompted for a username and "
    "password. You can obtain an API key from https://platform.openai.com/account/api-keys."
)
WRONG_KEY = (
    "Incorrect API key provided: {}. You can find your API key at "
    "https://platform.openai.com/account/api-keys."
)
BAD_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using "
    "your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not "
    "valid JSON. If you have trouble figuring out how to fix this, please contact us through our "
    "help center at help.openai.com.)"
)
LIMITS = "Visit https://platform.openai.com/account/rate-limits to learn more."
NO_CHOICE = "Invalid value for '{0}': '{0}' is only allowed when '{1}' are specified."
NO_FUNCTION = (
    "Invalid value for 'function_call': no function named 'g' was specified in the 'functions' "
    "parameter."
)
UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
    "'tool_call_id'. The following tool_call_ids did not have response messages: "
)
DATA_URL = (
    "Invalid image URL: 'messages[0].content[0].image_url.url'. Expected a base64-encoded data URL "
    "with an image MIME type (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got "
)
IMAGE_URL = "messages[0].content[0].image_url.url"
REQUIRED = (
    "'required' is required to be supplied and to be an array including every key in properties."
)
NOT_CLOSED = "'additionalProperties' is required to be supplied and to be false."
NEWER_LIMIT = " Use 'max_completion_tokens' instead."
ONLY_ONE = "Only the default (1) value is supported."
TEXT = {"type": "string"}
PREDICTION = {"type": "content", "content": "x"}
VOICE = {"voice": "alloy", "format": "pcm16"}
HEARD = user({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}})["messages"]

AUTH = (
    Refused(
        "missing key", chat(), NO_KEY, status=401, settings=KEYS, headers={"authorization": ""}
    ),
    Refused(
        "key without a scheme",
        chat(),
        NO_KEY,
        status=401,
        settings=KEYS,
        headers={"authorization": "sk-right"},
    ),
    Refused(
        "wrong key",
        chat(),
        WRONG_KEY.format("sk-abcd****wxyz"),
        code="invalid_api_key",
        status=401,
        settings=KEYS,
        headers={"authorization": "Bearer sk-abcdefghwxyz"},
    ),
    Refused(
        "wrong key as a password",
        chat(),
        WRONG_KEY.format("sk-wrong"),
        code="invalid_api_key",
        status=401,
        settings=KEYS,
        headers={"authorization": "Basic OnNrLXdyb25n"},
    ),
    Refused(
        "any key wanted",
        chat(),
        NO_KEY,
        status=401,
        settings={"auth": "required"},
        headers={"authorization": "Basic !"},
    ),
)

ROUTES = (
    Refused(
        "a path that is not there",
        {},
        "Invalid URL (POST /v1/chat/completions/chat/completions)",
        status=404,
        path="/v1/chat/completions/chat/completions",
    ),
    Refused(
        "a path beside the API",
        {},
        "Unknown request URL: POST /chat/completion. Please check the URL for typos, or see the "
        "docs at https://platform.openai.com/docs/api-reference/.",
        code="unknown_url",
        status=404,
        path="/chat/completion",
    ),
    Refused(
        "another method",
        {},
        "Not allowed to POST on /v1/models. (HINT: Perhaps you meant to use a different HTTP "
        "method?)",
        status=405,
        path="/v1/models",
    ),
)

SCHEMA = (
    Refused("bad JSON", b'{"model": ', BAD_JSON),
    Refused("no model", {"messages": [HI]}, "you must provide a model parameter"),
    Refused(
        "too many messages",
        chat(messages=[HI] * 2049),
        "Invalid 'messages': array too long. Expected an array with maximum length 2048, but got "
        "an array with length 2049 instead.",
        "messages",
        "array_above_max_length",
    ),
    Refused(
        "unknown model",
        chat("x"),
        "The model `x` does not exist or you do not have access to it.",
        code="model_not_found",
        status=404,
        settings={"models": ["gpt-4o"]},
    ),
    Refused(
        "no messages",
        {"model": "gpt-4o"},
        "Missing required parameter: 'messages'.",
        "messages",
        "missing_required_parameter",
    ),
    Refused(
        "no type of a part",
        chat(messages=[HI, HI, {"role": "user", "content": [{}]}]),
        "Missing required parameter: 'messages[2].content[0].type'.",
        "messages[2].content[0].type",
        "missing_required_parameter",
    ),
    Refused(
        "content of the wrong type",
        chat(messages=[HI, {"role": "user", "content": {}}]),
        "Invalid type for 'messages[1].content': expected one of a string or array of objects, but "
        "got an object instead.",
        "messages[1].content",
        "invalid_type",
    ),
    Refused(
        "null where it is not taken",
        chat(parallel_tool_calls=None),
        "Invalid type for 'parallel_tool_calls': expected a boolean, but got null instead.",
        "parallel_tool_calls",
        "invalid_type",
    ),
    Refused(
        "a format that is not there",
        chat(response_format={"type": "object"}),
        "Invalid value: 'object'. Supported values are: 'json_object', 'json_schema', and 'text'.",
        "response_format.type",
        "invalid_value",
    ),
    Refused(
        "no message",
        chat(messages=[]),
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an "
        "empty array instead.",
        "messages",
        "empty_array",
    ),
    Refused("unknown argument", chat(top_k=1), "Unrecognized request argument supplied: top_k"),
    Refused(
        "unknown arguments",
        chat(top_k=1, min_p=1),
        "Unrecognized request arguments supplied: top_k, min_p",
    ),
    Refused(
        "unknown parameter of a newer model",
        chat("gpt-5", top_k=1),
        "Unknown parameter: 'top_k'.",
        "top_k",
        "unknown_parameter",
    ),
    Refused(
        "a choice that is none",
        chat(tool_choice=7),
        "Invalid type for 'tool_choice': expected one of one of 'none', 'auto', or 'required' or "
        "object, but got an integer instead.",
        "tool_choice",
        "invalid_type",
    ),
    Refused(
        "a cache retention that is not there",
        chat(prompt_cache_retention="x"),
        "Invalid prompt_cache_retention argument",
        "prompt_cache_retention",
    ),
    Refused(
        "metadata that is none",
        chat(metadata="x"),
        "Invalid type for 'metadata': expected a metadata object, but got a string instead.",
        "metadata",
        "invalid_type",
    ),
    Refused(
        "an odd value of a choice",
        chat(prompt_cache_retention={"a": 1}),
        "Invalid type for 'prompt_cache_retention': expected one of 'in_memory' or '24h', but got "
        "an object instead.",
        "prompt_cache_retention",
        "invalid_type",
    ),
    above("temperature", 2, 2.1),
    below("temperature", 0, -0.1),
    above("top_p", 1, 1.5),
    below("top_p", 0, -1),
    above("frequency_penalty", 2, 3),
    below("frequency_penalty", -2, -2.5),
    above("presence_penalty", 2, 2.5),
    below("presence_penalty", -2, -3),
    above("n", 128, 129, "integer"),
    below("n", 1, 0, "integer"),
    below("max_tokens", 1, 0, "integer"),
    below("max_completion_tokens", 1, 0, "integer"),
    above("top_logprobs", 20, 21, "integer", logprobs=True),
    below("top_logprobs", 0, -1, "integer", logprobs=True),
    above("seed", 2**63 - 1, 2**63, "integer"),
    above("seed", 2**63 - 1, 2**64 + 1, "integer"),
    below("seed", -(2**63), -(2**63) - 1, "integer"),
    many("stop", 4, stop=list("abcde")),
    many("tools", 128, tools=[tool(f"f{index}") for index in range(129)]),
    too_long("tools[0].function.name", 64, 65, tools=[tool("f" * 65)]),
    Refused(
        "a name with other letters",
        chat(tools=[tool("get weather")]),
        "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that "
        "matches the pattern '^[a-zA-Z0-9_-]+$'.",
        "tools[0].function.name",
        "invalid_value",
    ),
    too_long("metadata.k", 512, 600, metadata={"k": "x" * 600}),
    Refused(
        "a long metadata key",
        chat(metadata={"k" * 70: "v"}),
        "Invalid property name in 'metadata': 'kkk...kkk' is too long. Expected a string with "
        "maximum length 64, but got a string with length 70 instead.",
        f"metadata.{'k' * 70}",
        "property_name_above_max_length",
    ),
    Refused(
        "too much metadata",
        chat(metadata={f"k{index}": "v" for index in range(17)}),
        "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
        "but got an object with 17 properties instead.",
        "metadata",
        "object_above_max_properties",
    ),
)

MODELS = (
    unsupported("o3", "max_tokens", 9, NEWER_LIMIT),
    unsupported("gpt-5.4", "max_tokens", 9, NEWER_LIMIT),
    supports("o1", "temperature", 0.1, ONLY_ONE),
    supports("gpt-5-mini", "temperature", 0, ONLY_ONE),
    unsupported("o3-mini", "temperature", 0.5),
    unsupported("o4-mini", "top_p", 0.5),
    unsupported("gpt-5", "presence_penalty", 0.5),
    unsupported("gpt-5", "frequency_penalty", 0.5),
    unsupported("gpt-5.1", "presence_penalty", 0.5, reasoning_effort="low"),
    unsupported("gpt-5", "logit_bias", {"1": 1}),
    unsupported("gpt-5", "prediction", {"type": "content", "content": "x"}),
    unsupported("gpt-5-mini", "stop", ["x"]),
    unsupported("gpt-5.2", "stop", "x"),
    unsupported("o4-mini-2025-04-16", "stop", "x"),
    unsupported("o3-mini", "parallel_tool_calls", value=False, tools=[tool()]),
    unsupported("gpt-5", "logprobs", value=True),
    Refused(
        "o3 logprobs",
        chat("o3", logprobs=True),
        "This model does not support the 'logprobs' parameter.",
        "logprobs",
    ),
    Refused(
        "an effort of gpt-4o",
        chat(reasoning_effort="low"),
        "Unrecognized request argument supplied: reasoning_effort",
    ),
    supports(
        "gpt-5.1",
        "reasoning_effort",
        "minimal",
        "Supported values are: 'none', 'low', 'medium', and 'high'.",
    ),
    Refused(
        "an effort of gpt-3.5 as Azure writes it",
        chat("gpt-35-turbo", reasoning_effort="low"),
        "Unrecognized request argument supplied: reasoning_effort",
    ),
    Refused(
        "a stop of a gpt-5 by another name",
        chat("my-dep", stop="x"),
        "Unsupported parameter: 'stop' is not supported with this model.",
        "stop",
        "unsupported_parameter",
        settings={"models": [{"id": "my-dep", "reasoning": True, "snapshot": "gpt-5-2025-08-07"}]},
    ),
    supports(  # ASSUMED, as all of gpt-6
        "gpt-6",
        "reasoning_effort",
        "max",
        "Supported values are: 'none', 'low', 'medium', 'high', and 'xhigh'.",
    ),
    unsupported("gpt-6-mini", "stop", "x"),
    supports("gpt-5.2-chat-latest", "reasoning_effort", "high", "Supported values are: 'medium'."),
    supports(
        "gpt-5.6-terra",
        "reasoning_effort",
        "max",
        "Supported values are: 'none', 'low', 'medium', 'high', and 'xhigh'.",
    ),
    supports("gpt-4o", "verbosity", "low", "Supported values are: 'medium'."),
    supports(
        "ft:gpt-4o-mini-2024-07-18:org::id",
        "verbosity",
        "high",
        "Supported values are: 'medium'.",
    ),
    Refused(
        "nine answers of gpt-5.6",
        chat("gpt-5.6-terra", n=64),
        "Invalid 'n': integer above maximum value. Expected a value <= 8, but got 64 instead.",
        "n",
        "integer_above_max_value",
    ),
    Refused(
        "six alternatives of gpt-5.6",
        chat("gpt-5.6-terra", reasoning_effort="none", logprobs=True, top_logprobs=6),
        "Invalid value for 'top_logprobs': must be less than or equal to 5.",
        "top_logprobs",
    ),
    Refused(
        "a short cache of gpt-5.6",
        chat("gpt-5.6-terra", prompt_cache_retention="in_memory"),
        "This model is compatible only with 24h extended prompt caching",
        "prompt_cache_retention",
    ),
    *(
        Refused(
            f"{model} {name}",
            chat(model, **{name: value}),
            f"Unknown parameter: '{name}'.",
            name,
            "unknown_parameter",
        )
        for model, name, value in (
            ("o4-mini", "web_search_options", {}),
            ("gpt-5", "web_search_options", {"search_context_size": "low"}),
            ("gpt-5", "modalities", ["text"]),
            ("gpt-5", "audio", {"voice": "alloy", "format": "wav"}),
        )
    ),
    Refused(
        "tools of gpt-5.4 while it thinks",
        chat("gpt-5.4", reasoning_effort="low", tools=[tool()]),
        "Function tools with reasoning_effort are not supported for gpt-5.4 in "
        "/v1/chat/completions. Please use /v1/responses instead.",
        "reasoning_effort",
    ),
    Refused(
        "tools of gpt-5.6, which thinks unless told not to",
        chat("gpt-5.6-terra", tools=[tool()]),
        "Function tools with reasoning_effort are not supported for gpt-5.6-terra in "
        "/v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to "
        "'none'.",
        "reasoning_effort",
    ),
    Refused(
        "instructions to o1-mini",
        chat("o1-mini", messages=[{"role": "system", "content": "x"}, HI]),
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "messages[0].role",
        "unsupported_value",
    ),
    Refused(
        "an image for gpt-3.5",
        chat("gpt-3.5-turbo", **user({"type": "text", "text": "?"}, image(PNG))),
        "Invalid content type. image_url is only supported by certain models.",
        "messages.[0].content.[1].type",
    ),
    Refused(
        "a schema for gpt-4-turbo",
        chat("gpt-4-turbo", **strict(closed())),
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this "
        "model. Learn more about supported models at the Structured Outputs guide: "
        "https://platform.openai.com/docs/guides/structured-outputs",
    ),
    Refused(
        "JSON mode of gpt-4",
        chat("gpt-4", response_format={"type": "json_object"}),
        "Invalid parameter: 'response_format' of type 'json_object' is not supported with this "
        "model.",
        "response_format",
    ),
    Refused(
        "more than the model writes",
        chat("gpt-4.1", max_tokens=50000),
        "max_tokens is too large: 50000. This model supports at most 32768 completion tokens, "
        "whereas you provided 50000.",
        "max_tokens",
        "invalid_value",
    ),
    Refused(
        "nothing to hear",
        chat("gpt-4o-audio-preview"),
        "This model requires that either input content or output modality contain audio.",
        "model",  # ASSUMED, and so is the code
        "invalid_value",
    ),
)

CROSS = (
    Refused(
        "two limits",
        chat(max_tokens=5, max_completion_tokens=5),
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        "max_tokens",
        "invalid_parameter_combination",
    ),
    Refused(
        "top_logprobs without logprobs",
        chat(top_logprobs=2),
        "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
        "top_logprobs",
    ),
    Refused(
        "stream_options without a stream",
        chat(stream_options={"include_usage": True}),
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        "stream_options",
        stream=False,
    ),
    Refused(
        "speech without a voice",  # ASSUMED
        chat(modalities=["text", "audio"]),
        "Missing required parameter: 'audio'.",
        "audio",
        "missing_required_parameter",
    ),
    Refused(
        "a stream of wav",
        chat(stream=True, modalities=["audio"], audio={"voice": "alloy", "format": "wav"}),
        "Unsupported value: 'audio.format' does not support 'wav' when stream=true. Supported "
        "values are: 'pcm16'.",
        "audio.format",
        "unsupported_value",
    ),
    *(
        Refused(
            f"a prediction beside {name}",
            {**chat(prediction=PREDICTION), name: value, **more},
            f"Setting 'prediction' and {what} at the same time is not supported.",  # ASSUMED
            name,
            "invalid_parameter_combination",
        )
        for name, value, what, more in (
            ("n", 2, "'n' higher than 1", {}),
            ("logprobs", True, "'logprobs'", {}),
            ("presence_penalty", 0.1, "'presence_penalty' greater than 0", {}),
            ("frequency_penalty", 2, "'frequency_penalty' greater than 0", {}),
            ("audio", VOICE, "'audio'", {"modalities": ["text", "audio"]}),
            ("messages", HEARD, "audio in 'messages'", {}),
            ("max_completion_tokens", 9, "'max_completion_tokens'", {}),
            ("tools", [tool()], "'tools'", {}),
            ("functions", [{"name": "f"}], "'functions'", {}),
        )
    ),
    window(
        "of messages",
        7,
        "your messages resulted in 8 tokens. Please reduce the length of the messages.",
    ),
    window(
        "with max_tokens",
        10,
        "you requested 13 tokens (8 in the messages, 5 in the completion). Please reduce the "
        "length of the messages or completion.",
        max_tokens=5,
    ),
    window(
        "with tools",
        10,
        r"your messages resulted in \d+ tokens \(\d+ in the messages, \d+ in the functions\)\. "
        r"Please reduce the length of the messages or functions\.",
        tools=[tool()],
        pattern=True,
    ),
)

TOOLS = (
    Refused(
        "tool_choice without tools",
        chat(tool_choice="none"),
        NO_CHOICE.format("tool_choice", "tools"),
        "tool_choice",
    ),
    Refused(
        "parallel_tool_calls without tools",
        chat(parallel_tool_calls=False),
        NO_CHOICE.format("parallel_tool_calls", "tools"),
        "parallel_tool_calls",
    ),
    Refused(
        "function_call without functions",
        chat(function_call="auto"),
        NO_CHOICE.format("function_call", "functions"),
        "function_call",
    ),
    Refused(
        "a tool that is not there",
        chat(tools=[tool()], tool_choice={"type": "function", "function": {"name": "g"}}),
        NO_FUNCTION,
        "function_call",
    ),
    Refused(
        "an allowed tool that is not there",  # ASSUMED
        chat(tools=[tool()], tool_choice=allowed("f", "g")),
        NO_FUNCTION,
        "function_call",
    ),
    Refused(
        "a function that is not there",
        chat(functions=[{"name": "f"}], function_call={"name": "g"}),
        NO_FUNCTION,
        "function_call",
    ),
    Refused(
        "an old function without properties",
        chat(functions=[{"name": "f", "parameters": {"type": "object"}}]),
        "Invalid schema for function 'f': In context=(), object schema missing properties.",
        "functions[0].parameters",
        "invalid_function_parameters",
    ),
    Refused(
        "tools and functions",
        chat(tools=[tool()], functions=[{"name": "g"}]),
        "Invalid request: 'functions' and 'tools' cannot both be provided. 'functions' are "
        "deprecated; use the 'tools' parameter instead.",
    ),
    Refused(
        "two tools of one name",  # ASSUMED
        chat(tools=[tool(), tool("g"), tool()]),
        "Invalid parameter: Duplicate value for 'name' of 'f', in tools[0] and tools[2].",
        "tools.[2].function.name",
    ),
    function(
        "without a type",
        """schema must be a JSON Schema of 'type: "object"', got 'type: "None"'.""",
        parameters={"properties": {}},
    ),
    function(
        "of another type",
        """schema must be a JSON Schema of 'type: "object"', got 'type: "array"'.""",
        parameters={"type": "array", "items": TEXT},
    ),
    function(
        "without properties",
        "In context=(), object schema missing properties.",
        parameters={"type": "object"},
    ),
    function(
        "without items",
        "In context=('properties', 'paths'), array schema missing items.",
        parameters={"type": "object", "properties": {"paths": {"type": "array"}}},
    ),
    function(
        "that may be an array without items",
        "In context=('properties', 'interaction', 'type', '1'), array schema missing items.",
        parameters={
            "type": "object",
            "properties": {"interaction": {"type": ["string", "array"]}},
        },
    ),
    function(
        "that is no schema",
        "[] is not of type 'object'.",
        parameters={"type": "object", "properties": []},
    ),
    function(
        "with null for an array",
        "None is not of type 'array'.",
        parameters={"type": "object", "properties": {}, "required": None},
    ),
    function(
        "with an array for a schema",
        "[] is not of type 'object', 'boolean'.",
        parameters={"type": "object", "properties": {"x": []}},
    ),
    function(
        "that is strict and open",
        f"In context=(), {NOT_CLOSED}",
        strict=True,
        parameters={"type": "object", "properties": {}},
    ),
    function(
        "that is strict and lax",
        f"In context=(), {REQUIRED} Missing 'id'.",
        strict=True,
        parameters={**closed(id={"type": "string", "format": "uuid"}), "required": []},
    ),
)

SCHEMAS = (
    schema("open", {**closed(), "additionalProperties": True}, f"In context=(), {NOT_CLOSED}"),
    schema("undecided", {"type": "object"}, f"In context=(), {NOT_CLOSED}"),
    schema(
        "open inside",
        closed(item={"type": "object", "properties": {}}),
        f"In context=('properties', 'item'), {NOT_CLOSED}",
    ),
    schema(
        "lax inside",
        closed(
            organizations={
                "type": "array",
                "items": {**closed(name=TEXT, roles=TEXT), "required": ["name"]},
            }
        ),
        f"In context=('properties', 'organizations', 'items'), {REQUIRED} Missing 'roles'.",
    ),
    schema(
        "with one too many required",
        {**closed(), "required": ["relations"]},
        f"In context=(), {REQUIRED} Extra required key 'relations' supplied.",
    ),
    schema(
        "array",
        {"type": "array", "items": TEXT},
        """schema must be a JSON Schema of 'type: "object"', got 'type: "array"'.""",
    ),
    schema(
        "without a type",
        {},
        """schema must be a JSON Schema of 'type: "object"', got 'type: "None"'.""",
    ),
    schema(
        "with a default",
        closed(placeholder={**TEXT, "default": "x"}),
        "In context=('properties', 'placeholder'), 'default' is not permitted.",
    ),
    schema(
        "with allOf",
        closed(x={"allOf": [TEXT]}),
        "In context=('properties', 'x'), 'allOf' is not permitted.",
    ),
    schema(
        "with uniqueItems",
        closed(ids={"type": "array", "items": TEXT, "uniqueItems": True}),
        "In context=('properties', 'ids'), 'uniqueItems' is not permitted.",
    ),
    schema(
        "with anything",
        closed(kwargs={}),
        "In context=('properties', 'kwargs'), schema must have a 'type' key.",
    ),
    schema(
        "with a URI",
        closed(url={"type": ["string", "null"], "format": "uri"}),
        "In context=('properties', 'url', 'type', '0'), 'uri' is not a valid format.",
    ),
    schema(
        "with a described reference",
        {
            **closed(query={"$ref": "#/$defs/q", "title": "t", "description": "d"}),
            "$defs": {"q": TEXT},
        },
        "context=('properties', 'query'), $ref cannot have keywords {'description', 'title'}.",
    ),
    schema(
        "with a reference to nothing",
        closed(children={"type": "array", "items": {"$ref": "#/$defs/q"}}),
        "In context=('properties', 'children', 'items'), reference to component '#/$defs/q' which "
        "was not found in the schema.",
    ),
    schema(
        "with a reference inside",
        closed(x=closed(), y={"type": "array", "items": {"$ref": "#/properties/x"}}),
        "In context=('properties', 'y', 'items'), reference can only point to definitions defined "
        "at the top level of the schema.",
    ),
    schema("too deep", nested(11), "11 levels of nesting exceeds limit of 10."),
    schema(
        "too wide",
        closed(**{f"p{index}": TEXT for index in range(5001)}),
        "5001 parameters exceeds limit of 5000.",
    ),
)

MESSAGES = (
    Refused(
        "a result of no call",
        chat(**said(HI, HI, result("a"))),
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
        "with 'tool_calls'.",
        "messages.[3].role",
    ),
    Refused(
        "a result of another call",
        chat(**said(calling("a"), result("b"))),
        "Invalid parameter: 'tool_call_id' of 'b' not found in 'tool_calls' of previous message.",
        "messages.[2].tool_call_id",
    ),
    Refused(
        "two results of a call",
        chat(**said(calling("a"), result("a"), result("a"))),
        "Invalid parameter: Duplicate value for 'tool_call_id' of 'a', in messages[2] and "
        "messages[3].",
        "messages.[3].tool_call_id",
    ),
    Refused(
        "a call without a result",
        chat(**said(calling("a", "b"), result("b"), HI)),
        f"{UNANSWERED}a",
        "messages.[3].role",
    ),
    Refused("calls at the end", chat(**said(calling("a", "b"))), f"{UNANSWERED}a, b", "messages"),
    Refused(
        "calls beside functions",
        chat(**said(calling("a"), result("a")), functions=[{"name": "f"}]),
        "Invalid parameter: 'tool_calls' cannot be used when 'functions' are present. Please use "
        "'tools' instead of 'functions'.",
        "messages.[1].tool_calls",
    ),
    too_long("messages[1].tool_calls[0].id", 40, 41, **said(calling("c" * 41))),
    Refused(
        "a call of a name with a dot",
        chat(**said(calling("a", name="functions.f"), result("a"))),
        "Invalid 'messages[1].tool_calls[0].function.name': string does not match pattern. "
        "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        "messages[1].tool_calls[0].function.name",
        "invalid_value",
    ),
    too_long(
        "messages[1].tool_calls[0].function.name",
        64,
        65,
        **said(calling("a", name="f" * 65), result("a")),
    ),
    Refused(
        "a name with a blank",
        chat(messages=[{**HI, "name": "Joe Nye"}]),
        r"Invalid 'messages[0].name': string does not match pattern. Expected a string that "
        r"matches the pattern '^[^\s<|\\/>]+$'.",
        "messages[0].name",
        "invalid_value",
    ),
    Refused(
        "a silent user",
        chat(**said({"role": "user"})),
        "Invalid value for 'content': expected a string, got null.",
        "messages.[1].content",
    ),
    Refused(
        "JSON mode without the word",
        chat(response_format={"type": "json_object"}),
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
        "'json_object'.",
        "messages",
    ),
    Refused(
        "another provider's cache mark for a developer",
        chat(
            messages=[
                {
                    "role": "developer",
                    "content": [{"type": "text", "text": "Hi", "cache_control": {}}],
                }
            ]
        ),
        "Unknown parameter: 'messages[0].content[0].cache_control'.",
        "messages[0].content[0].cache_control",
        "unknown_parameter",
    ),
    Refused(
        "an image that cannot be downloaded",
        chat(**user(image("https://nowhere.invalid/cat.png"))),
        "Error while downloading https://nowhere.invalid/cat.png.",
        code="invalid_image_url",
    ),
    Refused(
        "an image that is none",
        chat(**user(image("data:image/png;base64,AAAA"))),
        "You uploaded an unsupported image. Please make sure your image has of one the following "
        "formats: ['png', 'jpeg', 'gif', 'webp'].",
        code="invalid_image_format",
    ),
    Refused(
        "an image of another kind",
        chat(**user(image("data:application/pdf;base64,JVBERi0="))),
        "Invalid MIME type. Only image types are supported.",
        code="invalid_image_format",
    ),
    Refused(
        "an image that is not base64",
        chat(**user(image("data:image/png;base64,not base64!"))),
        "Invalid base64 image_url.",
        code="invalid_base64",  # ASSUMED
    ),
    Refused(
        "an image of nothing",
        chat(**user(image("data:image/png;base64,"))),
        f"{DATA_URL}empty base64-encoded bytes.",
        IMAGE_URL,
        "invalid_value",
    ),
    Refused(
        "an image without a scheme",
        chat(**user(image("iVBORw0KGgo="))),
        f"{DATA_URL}a value without the 'data:' prefix.",
        IMAGE_URL,
        "invalid_value",
    ),
)

SCRIPTED = (
    scripted(
        "rate_limit",
        429,
        "Rate limit reached for gpt-3.5-turbo in organization org-mockdock on requests per min "
        f"(RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. {LIMITS}",
        type="requests",
        code="rate_limit_exceeded",
    ),
    scripted(
        "tokens_limit",
        429,
        "Rate limit reached for gpt-3.5-turbo in organization org-mockdock on tokens per min "
        f"(TPM): Limit 30000, Used 29937, Requested 385. Please try again in 644ms. {LIMITS}",
        type="tokens",
        code="rate_limit_exceeded",
    ),
    scripted(
        "request_too_large",
        429,
        "Request too large for gpt-3.5-turbo in organization org-mockdock on tokens per min (TPM): "
        "Limit 30000, Requested 30601. The input or output tokens must be reduced in order to run "
        f"successfully. {LIMITS}",
        type="tokens",
        code="rate_limit_exceeded",
    ),
    scripted(
        "quota",
        429,
        "You exceeded your current quota, please check your plan and billing details. For more "
        "information on this error, read the docs: "
        "https://platform.openai.com/docs/guides/error-codes/api-errors.",
        type="insufficient_quota",
        code="insufficient_quota",
    ),
    scripted(
        "server_error",
        500,
        "The server had an error while processing your request. Sorry about that!",
        type="server_error",
    ),
    scripted(
        "overloaded",
        503,
        "That model is currently overloaded with other requests. You can retry your request, or "
        "contact us through our help center at help.openai.com if the error persists.",
        type="server_error",
    ),
)

REFUSED = (
    *AUTH,
    *ROUTES,
    *SCHEMA,
    *MODELS,
    *CROSS,
    *TOOLS,
    *SCHEMAS,
    *MESSAGES,
    *SCRIPTED,
)

NULLS = (
    "metadata top_logprobs temperature top_p safety_identifier prompt_cache_key "
    "prompt_cache_retention service_tier modalities verbosity reasoning_effort "
    "max_completion_tokens frequency_penalty presence_penalty audio store moderation stream stop "
    "logit_bias logprobs max_tokens n prediction seed stream_options"
)
TREE = {
    **closed(
        value=TEXT, next={"anyOf": [{"$ref": "#"}, {"type": "null"}]}, leaf={"$ref": "#/$defs/leaf"}
    ),
    "$defs": {"leaf": closed(leaves={"type": "array", "items": {"$ref": "#/$defs/leaf"}})},
}
BOUNDED = closed(
    name={**TEXT, "pattern": "^a+$", "minLength": 1},
    mail={"type": ["string", "null"], "format": "email"},
    age={"type": "integer", "minimum": 0, "exclusiveMaximum": 150, "multipleOf": 1},
    tags={"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 3},
    kind={"const": "x"},
)
ACCEPTED: dict[str, dict[str, Any]] = {
    "one developer message": chat(messages=[{"role": "developer", "content": "Be brief."}]),
    "one system message": chat(messages=[{"role": "system", "content": "Be brief."}]),
    "one assistant message": chat(messages=[{"role": "assistant", "content": "Hi"}]),
    "no alternatives": chat(logprobs=True, top_logprobs=0),
    "a biased token no vocabulary has": chat(logit_bias={"1" * 4301: 100}),
    "another provider's cache mark": chat(
        **user({"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}})
    ),
    "what LiteLLM sends back": chat(
        **said({"role": "assistant", "content": "x", "provider_specific_fields": {"refusal": None}})
    ),
    "nulls": chat("gpt-4o", **dict.fromkeys(NULLS.split())),
    "nulls of a reasoning model": chat("gpt-5", **dict.fromkeys(NULLS.split())),
    "nulls sent back": chat(
        **said(
            {
                "role": "assistant",
                "content": "x",
                "refusal": None,
                "audio": None,
                "function_call": None,
                "tool_calls": None,
                "annotations": [],
            }
        )
    ),
    "empty content": chat(messages=[{"role": "user", "content": ""}]),
    "no parts": chat(messages=[{"role": "user", "content": []}]),
    "the bounds": chat(
        temperature=2, top_p=0, frequency_penalty=-2, presence_penalty=2, n=1, seed=-(2**63)
    ),
    "the word in capitals": chat(
        messages=[{"role": "system", "content": "Answer in JSON."}, HI],
        response_format={"type": "json_object"},
    ),
    "the word in a part": chat(
        **user({"type": "text", "text": "as json"}), response_format={"type": "json_object"}
    ),
    "a forced tool": chat(
        tools=[tool()], tool_choice={"type": "function", "function": {"name": "f"}}
    ),
    "a choice among some tools": chat(tools=[tool(), tool("g")], tool_choice=allowed("g")),
    "a choice among no tools": chat(tools=[tool()], tool_choice=allowed(mode="required")),
    "a prediction": chat(
        prediction=PREDICTION,
        n=1,
        logprobs=False,
        presence_penalty=0,
        frequency_penalty=-1,
        modalities=["text"],
        max_tokens=9,
    ),
    "parameters left out": chat(tools=[tool(strict=True), tool("g", parameters={})]),
    "a schema that is not strict": chat(
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "a", "schema": {"type": "array", "uniqueItems": True}},
        }
    ),
    "a strict format without a schema": chat(
        response_format={"type": "json_schema", "json_schema": {"name": "a", "strict": True}}
    ),
    "something to hear": chat(
        "gpt-4o-audio-preview",
        **user({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}),
    ),
    "something to say": chat(
        "gpt-4o-audio-preview",
        modalities=["text", "audio"],
        audio={"voice": "a", "format": "pcm16"},
    ),
    "old functions": chat(
        functions=[{"name": "f", "parameters": {"type": "object", "properties": {}}}],
        function_call={"name": "f"},
    ),
    "a recursive schema": chat(**strict(TREE)),
    "a bounded schema": chat(**strict(BOUNDED)),
    "ten levels": chat(**strict(nested(10))),
    "calls answered in any order": chat(**said(calling("a", "b"), result("b"), result("a"), HI)),
    "one id in two turns": chat(**said(calling("a"), result("a"), calling("a"), result("a"))),
    "an image": chat(**user(image(PNG))),
    "an image somewhere": chat(**user(image("https://example.com/x.png"))),
    "sampling of a model that does not think yet": chat(
        "gpt-5.2", temperature=0.3, top_p=0.5, logprobs=True, top_logprobs=2
    ),
    "sampling told not to think": chat(
        "gpt-5.6-terra",
        reasoning_effort="none",
        frequency_penalty=0.5,
        presence_penalty=0.5,
        logprobs=True,
        top_logprobs=5,
    ),
    "tools told not to think": chat("gpt-5.6-terra", reasoning_effort="none", tools=[tool()]),
    "the defaults of sampling": chat("o3", temperature=1, top_p=1, presence_penalty=0),
    "a model nobody knows": chat("my-model", reasoning_effort="max", verbosity="low", stop="x"),
    "metadata that is not stored": chat("gpt-5.6-terra", metadata={"a": "b"}, store=False),
    "no choice without tools, of a newer model": chat("gpt-5", parallel_tool_calls=False),
    "all the model writes": chat("gpt-4.1", max_tokens=32768),
}
