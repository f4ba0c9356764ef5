"""Every rule beyond the schema, in the order they are asked.

First what the model refuses, then what contradicts itself in the request, its
tools and schemas, its messages last (of a request that is wrong twice the live
API told a refused temperature before missing content). ASSUMED in a docstring
marks words for which there is no paste.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from mockdock.dialects.openai.invalid import bad_request
from mockdock.dialects.openai.rules_base import RICH, Check, Rule, is_rich, rule
from mockdock.dialects.openai.rules_messages import MESSAGE_RULES
from mockdock.dialects.openai.rules_model import MODEL_RULES
from mockdock.dialects.openai.rules_prediction import PREDICTION_RULES
from mockdock.dialects.openai.rules_tools import TOOL_RULES
from mockdock.dialects.openai.wire import ChatRequest
from mockdock.reply import Failure
from mockdock.request import Traits

__all__ = ["RULES", "asks_nothing_again", "broken_again", "broken_rule"]


def broken_rule(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Give the refusal by the first rule that a request breaks."""
    return _first(_asked(frozenset(wire.model_fields_set), is_rich(wire)), wire, traits)


def broken_again(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Give the refusal of a request that differs from a valid one in its messages alone."""
    return _first(_asked_again(frozenset(wire.model_fields_set), is_rich(wire)), wire, traits)


def asks_nothing_again(wire: ChatRequest, traits: Traits) -> bool:
    """Tell whether whatever plain messages such a request had, no rule would be broken."""
    rules = _of(frozenset(wire.model_fields_set), rich=False)
    return not any(each.again and each.of(traits) for each in rules)


def _first(checks: Sequence[Check], wire: ChatRequest, traits: Traits) -> Failure | None:
    for check in checks:
        refusal = check(wire, traits)
        if refusal is not None:
            return refusal
    return None


@lru_cache(1024)
def _asked(given: frozenset[str], rich: bool) -> Sequence[Check]:
    """Choose the checks for the fields of a request, in their order."""
    return tuple(each.check for each in _of(given, rich=rich))


@lru_cache(1024)
def _asked_again(given: frozenset[str], rich: bool) -> Sequence[Check]:
    """Choose those of them that look at the messages."""
    return tuple(each.check for each in _of(given, rich=rich) if each.again)


def _of(given: frozenset[str], *, rich: bool) -> Iterator[Rule]:
    fields = given | {RICH} if rich else given
    return (each for each in RULES if each.fields & fields)


def _one_limit(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse two names for one limit (langchain-ai/langgraph#5943)."""
    if wire.max_tokens is None or wire.max_completion_tokens is None:
        return None
    return bad_request(
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        "max_tokens",
        "invalid_parameter_combination",
    )


def _top_logprobs(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse alternatives to what is not told (WIRE B.2)."""
    if wire.top_logprobs is None or wire.logprobs:
        return None
    return bad_request(
        "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", "top_logprobs"
    )


def _stream_options(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse options of a stream that is not asked for (BerriAI/litellm#5803)."""
    if wire.stream_options is None or wire.stream:
        return None
    return bad_request(
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        "stream_options",
    )


def _audio(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse speech without a voice (ASSUMED), and streamed in a container (agentfield#584)."""
    if "audio" not in (wire.modalities or ()):
        return None
    if wire.audio is None:
        message = "Missing required parameter: 'audio'."
        return bad_request(message, "audio", "missing_required_parameter")
    if wire.stream and wire.audio.format != "pcm16":
        return bad_request(
            f"Unsupported value: 'audio.format' does not support '{wire.audio.format}' when "
            "stream=true. Supported values are: 'pcm16'.",
            "audio.format",
            "unsupported_value",
        )
    return None


def _kind(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Refuse a model that does something else, such as embeddings."""
    if traits.kind in (None, "chat"):
        return None
    what = "chat/completions" if traits.kind == "completion" else "chat"
    return Failure("wrong_model", wire.model, what=what)


RULES: Sequence[Rule] = (
    rule("model", _kind),
    *MODEL_RULES,
    rule("max_tokens", _one_limit),
    rule("top_logprobs", _top_logprobs),
    rule("stream_options", _stream_options),
    rule("modalities", _audio),
    *PREDICTION_RULES,
    *TOOL_RULES,
    *MESSAGE_RULES,
)
