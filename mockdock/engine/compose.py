"""From a decision to a reply. Pure: same request and decision, same reply."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct, structs

from mockdock.content.attachments import count_prompt_audio
from mockdock.content.budget import limited
from mockdock.content.catalogue import Model
from mockdock.content.counting import NO_PROMPT, Prompt
from mockdock.content.predict import accepted
from mockdock.content.tokens import Tokenizer, tokenizer
from mockdock.engine.chance import Entropy
from mockdock.engine.contradict import contradictions
from mockdock.engine.draft import Answer, Writer
from mockdock.engine.fill import Filler
from mockdock.engine.fit import Fitted, Fitter
from mockdock.engine.match import Compiled
from mockdock.engine.pace import Pace
from mockdock.later import later
from mockdock.reply import Choice, Completion, Failure, FailureKind, Usage
from mockdock.request import Request, Speech, TextPart
from mockdock.scenario import ErrorSpec, ReplySpec

__all__ = ["Context", "complete", "fail", "filled", "filler_of", "recounted", "usage_of"]

_speak: Callable[[Sequence[Fitted], Speech, Entropy, int, int], tuple[list[Fitted], int]] = later(
    "engine.speak:speak"
)


class Context(Struct, frozen=True):
    """What a decision has settled about a request.

    ``seen`` counts how often the session has seen the same logical request.
    ``entropy`` is the chance of ids and pace, ``words`` that of what is said.
    ``prompt`` are the tokens of a chat request, ``cached`` those of them that
    the session's cache held.
    """

    model: Model
    attempt: int
    seen: int
    compiled: Compiled | None
    entropy: Entropy
    words: Entropy
    pace: Pace
    prompt: Prompt = NO_PROMPT
    cached: int = 0


_TIERS = {None: "default", "auto": "default", "fast": "priority"}
"""The tier that serves, where it is not the one asked for (as its parameter is documented)."""
_OF_STATUS: Mapping[int, FailureKind] = {
    400: "bad_request",
    401: "auth",
    403: "permission",
    404: "not_found",
    408: "timeout",
    429: "rate_limit",
    503: "overloaded",
}
_SERVER_ERRORS = 500
_LONGEST_HEADER = 4096
_MOST_SAID = 64
_LONGEST_SAID, _LONGEST_STOP = 4096, 1000
"""Tokens of words, and letters of stop strings, that are remembered."""


def complete(request: Request, answer: Answer, context: Context, created: int) -> Completion:
    """Compose a completion; ``created`` is in seconds since 1970."""
    model, entropy = context.model, context.entropy
    reply = answer if isinstance(answer, ReplySpec) else None
    words = _worded(request, answer, context)
    fitted, choices = words.fitted, words.choices
    tokens = context.prompt.tokens
    usage = usage_of(tokens, words.tokens, words.reasoning, context.cached, _audio(request))
    if request.prediction is not None:
        usage = _predicted(usage, request.prediction, fitted, tokenizer(model.encoding))
    if request.speech is not None:
        fitted, tokens = _speak(fitted, request.speech, entropy, context.seen, created)
        choices = tuple(each.choice for each in fitted)
        usage = _plus(usage, completion_audio_tokens=tokens)
    headers = reply.headers if reply is not None else None
    tier = request.service_tier
    return Completion(
        entropy.completion_id(context.seen),
        created,
        model.snapshot,
        choices,
        usage if reply is None or reply.usage is None else recounted(usage, reply),
        model.system_fingerprint,
        _TIERS.get(tier, tier or "default"),
        model.reasoning,
        request.logprobs,
        entropy.rng(f"obfuscation/{context.seen}").getrandbits(64) if request.obfuscate else None,
        _warnings(request, words.against) if request.ignored or words.against else (),
        filled(headers, filler_of(request, context)) if headers else {},
        context.pace.pacing,
        shared=words.kept,
    )


class _Words(NamedTuple):
    """The choices of an answer, and where its script contradicts the request.

    ``tokens`` are those of all, ``reasoning`` how many of these are hidden. What is ``kept``
    is given again.
    """

    fitted: Sequence[Fitted]
    choices: tuple[Choice, ...]
    against: Sequence[str]
    tokens: int
    reasoning: int
    kept: bool = False


def _worded(request: Request, answer: Answer, context: Context) -> _Words:
    """Give the words of an answer.

    Those in which neither chance nor the conversation has a part are worked out once for
    each way in which their rule is asked for them.
    """
    compiled = context.compiled
    key = None if compiled is None else _key(request, answer, context, compiled)
    if compiled is None or key is None:
        return _words(request, answer, context)
    known: _Words | None = compiled.said.get(key)
    if known is not None:
        return known
    words = _words(request, answer, context)
    if sum(map(_length, words.choices)) > _LONGEST_SAID:
        return words
    if len(compiled.said) >= _MOST_SAID:
        compiled.said.clear()
    kept = compiled.said[key] = words._replace(kept=True)
    return kept


def _key(
    request: Request, answer: Answer, context: Context, compiled: Compiled
) -> tuple[object, ...] | None:
    """Give all that fixed words depend on, None where they are not, or it is not to be kept."""
    if request.logprobs or request.speech is not None:
        return None
    place = compiled.place_of(answer)
    if place is None or not compiled.fixed[place] or sum(map(len, request.stop)) > _LONGEST_STOP:
        return None
    if request.recurs is not None:
        return place, request.recurs, context.model.id, context.pace.chunk
    wanted = request.response_format
    if request.tools or wanted.schema is not None:
        return None
    return (
        place,
        request.n,
        request.stop,
        _limit(request, context.model),
        context.model.id,
        context.pace.chunk,
        request.parallel_tool_calls,
        request.tool_choice,
        wanted.kind,
    )


def _length(choice: Choice) -> int:
    return len(choice.content or ()) + len(choice.refusal or ())


def _words(request: Request, answer: Answer, context: Context) -> _Words:
    model = context.model
    counter = tokenizer(model.encoding)
    filler = filler_of(request, context)
    writer = Writer(
        request, filler, context.entropy, context.words, context.seen, counter, model.traits.effort
    )
    with limited():  # one budget for the patterns of all choices
        drafts = [writer.draft(answer, index) for index in range(request.n)]
    fitter = Fitter(
        request=request,
        tokenizer=counter,
        model=model.id,
        limit=_limit(request, model),
        chunk=context.pace.chunk,
        chance=lambda index: context.words.rng(f"logprobs/{0 if request.greedy else index}"),
    )
    fitted = [fitter.fit(draft, index) for index, draft in enumerate(drafts)]
    choices = tuple(each.choice for each in fitted)
    against: Sequence[str] = ()
    if isinstance(answer, ReplySpec):
        against = [each for draft in drafts for each in contradictions(request, draft)]
    tokens, reasoning = sum(each.tokens for each in fitted), sum(each.reasoning for each in fitted)
    return _Words(fitted, choices, against, tokens, reasoning)


def _warnings(request: Request, against: Sequence[str]) -> tuple[str, ...]:
    """Tell what the request may not expect: of parameters, then of what was scripted for it."""
    ignored = (f"{name} is not supported and was ignored" for name in request.ignored)
    return tuple(dict.fromkeys((*ignored, *against)))


def fail(request: Request, answer: ErrorSpec, context: Context) -> Failure:
    """Compose the failure a rule scripts."""
    filler = filler_of(request, context)
    kind, status = _kind(answer)
    failure = Failure(
        kind=kind,
        status=status,
        model=request.model,
        key=request.caller.key,
        message=None if answer.message is None else filler.text(answer.message),
        type=answer.type,
        param=answer.param,
        code=answer.code,
        retry_after=answer.retry_after,
        retry_header=answer.header,
        should_retry=answer.should_retry,
        headers=filled(answer.headers, filler),
    )
    if kind != "context_length":
        return failure
    window = context.model.context_window
    return replace(failure, limit=window, used=window + context.prompt.tokens)


def _kind(answer: ErrorSpec) -> tuple[FailureKind, int | None]:
    if isinstance(answer.error, str):
        return answer.error, None
    usual: FailureKind = "server_error" if answer.error >= _SERVER_ERRORS else "bad_request"
    return _OF_STATUS.get(answer.error, usual), answer.error


def filler_of(request: Request, context: Context) -> Filler:
    """Give what fills ``${...}`` for a request."""
    when = None if context.compiled is None else context.compiled.when
    return Filler(request, when, context.attempt)


def filled(headers: Mapping[str, str], filler: Filler) -> dict[str, str]:
    """Fill header values; what a request brings in must not break the head."""
    return {name: _one_line(filler.text(value)) for name, value in headers.items()}


def _one_line(value: str) -> str:
    kept = "".join(letter if letter.isprintable() else " " for letter in value).strip()
    return kept[:_LONGEST_HEADER].encode("latin-1", "replace").decode("latin-1")


def _limit(request: Request, model: Model) -> int | None:
    """Give the most tokens a choice may have; a limit of 0, or only assumed, cuts nothing."""
    of_model = 0 if "max_output_tokens" in model.assumed else model.max_output_tokens
    return min((limit for limit in (request.max_tokens, of_model) if limit), default=None)


@lru_cache(1024)
def usage_of(prompt: int, completion: int, reasoning: int, cached: int, audio: int) -> Usage:
    """Give the usage of an answer; ``cached`` and ``audio`` are tokens of its prompt."""
    return Usage(prompt, completion, prompt + completion, cached, audio, reasoning)


def _audio(request: Request) -> int:
    """Count the audio of a prompt; a message that is one text has none."""
    for message in request.messages:
        parts = message.parts
        if len(parts) > 1 or (parts and not isinstance(parts[0], TextPart)):
            return count_prompt_audio(request)
    return 0


def _predicted(
    usage: Usage, prediction: str, fitted: Sequence[Fitted], tokenizer: Tokenizer
) -> Usage:
    """Count a prediction: what did not come true was generated all the same, and is charged."""
    predicted = tokenizer.encode(prediction)
    texts = [each.choice.text or "" for each in fitted]
    known = {text: accepted(predicted, tokenizer.encode(text)) for text in dict.fromkeys(texts)}
    right = [known[text] for text in texts]
    return _plus(
        structs.replace(usage, accepted_prediction_tokens=sum(right)),
        rejected_prediction_tokens=len(predicted) * len(right) - sum(right),
    )


def _plus(usage: Usage, **more: int) -> Usage:
    """Add completion tokens of a kind."""
    added = sum(more.values())
    return structs.replace(
        usage,
        completion_tokens=usage.completion_tokens + added,
        total_tokens=usage.total_tokens + added,
        **more,
    )


def recounted(usage: Usage, reply: ReplySpec) -> Usage:
    """Put scripted counts in the place of the real ones."""
    if reply.usage is None:
        return usage
    own = {name: value for name, value in reply.usage if value is not None}
    merged = {**structs.asdict(usage), **own}
    if "total_tokens" not in own:
        merged["total_tokens"] = merged["prompt_tokens"] + merged["completion_tokens"]
    return Usage(**merged)
