"""What a model refuses of a request that others would take.

Parameters and values by family, as public pastes and probes of the live API
tell them (PROBE: kangminlee-maker/local-OAuth-CLI-API-adapter, its
test/openai-chat-validation-parity.test.mjs, measured 2026-08-30 on gpt-5.6-terra).
The family is that of what answers, not the name on the wire; one that is in no
table is refused nothing beyond what its other traits say.
ASSUMED marks words for which there is no paste.
"""

from __future__ import annotations

from collections.abc import Sequence

from mockdock.dialects.openai.digits import number
from mockdock.dialects.openai.families import (
    BLIND,
    GPT_5,
    GPT_56,
    O_SERIES,
    OLDER,
    WITHOUT_CHAT_TOOLS,
    WITHOUT_SCHEMA,
    WITHOUT_STOP,
    WITHOUT_SYSTEM,
    efforts,
)
from mockdock.dialects.openai.invalid import bad_request, listed
from mockdock.dialects.openai.rules_base import RICH, Rule, rule
from mockdock.dialects.openai.wire import ChatRequest
from mockdock.reply import Failure
from mockdock.request import Traits

__all__ = ["MODEL_RULES"]


def _reasons(wire: ChatRequest, traits: Traits) -> bool:
    """Tell whether the model will think about this request."""
    return traits.effort is not None and (wire.reasoning_effort or traits.effort) != "none"


def _unsupported(name: str, instead: str = "") -> Failure:
    hint = f" Use '{instead}' instead." if instead else ""
    return bad_request(
        f"Unsupported parameter: '{name}' is not supported with this model.{hint}",
        name,
        "unsupported_parameter",
    )


def _unsupported_value(name: str, value: str, supported: str) -> Failure:
    message = f"Unsupported value: '{name}' does not support {value} with this model."
    return bad_request(f"{message} {supported}".rstrip(), name, "unsupported_value")


def _unknown(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Newer models do not know what others speak with (PROBE, litellm#21576, litellm#12311)."""
    if (
        traits.effort is None
        or not traits.family.startswith((*GPT_5, *O_SERIES))
        or "search" in traits.family
    ):
        return None
    names = ["web_search_options"]
    if traits.family.startswith(GPT_5):
        names = ["audio", "modalities", "web_search_options"]
    for name in names:
        if name in wire.model_fields_set and getattr(wire, name) is not None:
            return bad_request(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    return None


def _max_tokens(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Reasoning models have only the newer limit (WIRE B.2, PROBE)."""
    if traits.effort is None or wire.max_tokens is None:
        return None
    return _unsupported("max_tokens", "max_completion_tokens")


def _most_choices(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Refuse more than eight answers of the newest models (PROBE)."""
    most = 8
    if not traits.family.startswith(GPT_56) or (wire.n or 1) <= most:
        return None
    return bad_request(
        f"Invalid 'n': integer above maximum value. Expected a value <= {most}, but got {wire.n} "
        "instead.",
        "n",
        "integer_above_max_value",
    )


def _stop(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Only o1 and o3-mini think and can be stopped (PROBE, langgenius/dify#18971)."""
    stoppable = not traits.family.startswith(WITHOUT_STOP) or traits.family.startswith("o3-mini")
    return None if traits.effort is None or stoppable or wire.stop is None else _unsupported("stop")


def _logit_bias(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Refused at any effort (PROBE, litellm#21576)."""
    return _unsupported("logit_bias") if traits.effort is not None and wire.logit_bias else None


def _prediction(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Refused at any effort (PROBE, litellm#21576)."""
    refused = traits.effort is not None and wire.prediction is not None
    return _unsupported("prediction") if refused else None


def _parallel_calls(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Refused by the o-series, whatever it says (fast-agent#279, browser-use/web-ui#648)."""
    given = "parallel_tool_calls" in wire.model_fields_set
    refused = traits.effort is not None and given and traits.family.startswith(O_SERIES)
    return _unsupported("parallel_tool_calls") if refused else None


def _needless_effort(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Models that cannot think do not know the argument (mellea#270, langchain_dart#712)."""
    if (
        traits.effort is not None
        or wire.reasoning_effort is None
        or not traits.family.startswith(OLDER)
    ):
        return None
    return bad_request("Unrecognized request argument supplied: reasoning_effort")


def _effort(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Each model has efforts of its own (nextai-translator#1841, chatwise-releases#1257)."""
    supported = efforts(traits.family)
    if supported is None or wire.reasoning_effort in (None, *supported):
        return None
    values = f"Supported values are: {listed(supported)}."
    return _unsupported_value("reasoning_effort", f"'{wire.reasoning_effort}'", values)


def _temperature(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Thinking has one temperature (WIRE B.2, PROBE); o3-mini knows none (chatblade#100)."""
    if not _reasons(wire, traits) or wire.temperature in (None, 1):
        return None
    if traits.family.startswith("o3-mini"):
        return _unsupported("temperature")
    return _unsupported_value(
        "temperature", number(wire.temperature or 0), "Only the default (1) value is supported."
    )


def _top_p(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Refused while thinking (lobehub#7747, chatbox#2627); that the default passes is assumed."""
    return _unsupported("top_p") if _reasons(wire, traits) and wire.top_p not in (None, 1) else None


def _penalties(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Refused while thinking (PROBE, nextai-translator#1781); 0 passes, which is assumed."""
    for name in ("presence_penalty", "frequency_penalty"):
        if _reasons(wire, traits) and getattr(wire, name):
            return _unsupported(name)
    return None


def _logprobs(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Refused while thinking: the older words (WIRE B.2), and those of gpt-5 (PROBE)."""
    if not _reasons(wire, traits) or not wire.logprobs:
        return None
    if traits.family.startswith(GPT_5):
        return _unsupported("logprobs")
    return bad_request("This model does not support the 'logprobs' parameter.", "logprobs")


def _top_logprobs(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Refuse more than five alternatives of the newest models (PROBE)."""
    most = 5
    if not traits.family.startswith(GPT_56) or (wire.top_logprobs or 0) <= most:
        return None
    return bad_request(
        f"Invalid value for 'top_logprobs': must be less than or equal to {most}.", "top_logprobs"
    )


def _cache_retention(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Refuse the newest models short caches: they keep prompts for a day (PROBE)."""
    if not traits.family.startswith(GPT_56) or wire.prompt_cache_retention != "in_memory":
        return None
    message = "This model is compatible only with 24h extended prompt caching"
    return bad_request(message, "prompt_cache_retention")


def _verbosity(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Models before gpt-5 know the default only (concordia#164, big-AGI#947)."""
    if wire.verbosity in (None, "medium") or not traits.family.startswith((*OLDER, *O_SERIES)):
        return None
    values = "Supported values are: 'medium'."
    return _unsupported_value("verbosity", f"'{wire.verbosity}'", values)


def _calls_while_thinking(wire: ChatRequest, traits: Traits) -> Failure | None:
    """From gpt-5.4 on, chat either thinks or calls (pipecat#4043, crush#2913, litellm#34569)."""
    offered = any(tool.type == "function" for tool in wire.tools) or bool(wire.functions)
    if not (offered and _reasons(wire, traits) and traits.family.startswith(WITHOUT_CHAT_TOOLS)):
        return None
    message = (
        f"Function tools with reasoning_effort are not supported for {wire.model} in "
        "/v1/chat/completions. "
    )
    message += (
        "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
        if traits.family.startswith(GPT_56)
        else "Please use /v1/responses instead."
    )
    return bad_request(message, "reasoning_effort")


def _knows_no_system(traits: Traits) -> bool:
    return traits.family in WITHOUT_SYSTEM


def _roles(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Refuse instructions to the first reasoning models (jan#4392, new-api#847)."""
    if not _knows_no_system(traits):
        return None
    for index, message in enumerate(wire.messages):
        if message.role in ("system", "developer"):
            return _unsupported_value(f"messages[{index}].role", f"'{message.role}'", "")
    return None


def _images(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Not every model can see; the odd path is the service's own."""
    if not BLIND.fullmatch(traits.family):
        return None
    for index, message in enumerate(wire.messages):
        if message.role != "user" or message.content is None or isinstance(message.content, str):
            continue
        for place, part in enumerate(message.content):
            if part.type == "image_url":
                return bad_request(
                    "Invalid content type. image_url is only supported by certain models.",
                    f"messages.[{index}].content.[{place}].type",
                )
    return None


def _is_of_sound(traits: Traits) -> bool:
    return "-audio" in traits.family


def _without_sound(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Audio models want to hear or to speak (cherry-studio#1179; param and code are ASSUMED)."""
    if not _is_of_sound(traits) or "audio" in (wire.modalities or ()):
        return None
    for message in wire.messages:
        content = message.content if message.role == "user" else None
        if isinstance(content, list) and any(part.type == "input_audio" for part in content):
            return None
    return bad_request(
        "This model requires that either input content or output modality contain audio.",
        "model",
        "invalid_value",
    )


def _format(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Older models have no schemas, the oldest no JSON mode (stride-gpt#19)."""
    kind, name = wire.response_format.type, traits.family
    message = f"Invalid parameter: 'response_format' of type '{kind}' is not supported with "
    if kind == "json_schema" and WITHOUT_SCHEMA.fullmatch(name):
        return bad_request(
            f"{message}this model. Learn more about supported models at the Structured Outputs "
            "guide: https://platform.openai.com/docs/guides/structured-outputs"
        )
    if kind == "json_object" and name in ("gpt-4", "gpt-4-0613"):
        return bad_request(f"{message}this model.", "response_format")
    return None


def _limit(wire: ChatRequest, traits: Traits) -> Failure | None:
    """No more than the model can write (opencode#140); the newer name's words are assumed."""
    most = traits.max_output_tokens
    for name in ("max_tokens", "max_completion_tokens"):
        asked = getattr(wire, name)
        if most is not None and asked is not None and asked > most:
            return bad_request(
                f"{name} is too large: {asked}. This model supports at most {most} completion "
                f"tokens, whereas you provided {asked}.",
                name,
                "invalid_value",
            )
    return None


MODEL_RULES: Sequence[Rule] = (
    rule("web_search_options audio modalities", _unknown),
    rule("max_tokens", _max_tokens),
    rule("n", _most_choices),
    rule("stop", _stop),
    rule("logit_bias", _logit_bias),
    rule("prediction", _prediction),
    rule("parallel_tool_calls", _parallel_calls),
    rule("reasoning_effort", _needless_effort),
    rule("reasoning_effort", _effort),
    rule("verbosity", _verbosity),
    rule("temperature", _temperature),
    rule("top_p", _top_p),
    rule("presence_penalty frequency_penalty", _penalties),
    rule("logprobs", _logprobs),
    rule("top_logprobs", _top_logprobs),
    rule("prompt_cache_retention", _cache_retention),
    rule("tools functions", _calls_while_thinking),
    rule("messages", _roles, of=_knows_no_system),
    rule(RICH, _images),
    rule("messages", _without_sound, of=_is_of_sound),
    rule("response_format", _format),
    rule("max_tokens max_completion_tokens", _limit),
)
