"""From a decision to a reply. Pure: same request and decision, same reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from mockdock.content.attachments import count_prompt_audio
from mockdock.content.catalogue import Model
from mockdock.content.counting import NO_PROMPT, Prompt
from mockdock.content.patterns import limited
from mockdock.content.predict import accepted
from mockdock.content.tokens import Tokenizer, tokenizer
from mockdock.engine.chance import Entropy
from mockdock.engine.contradict import contradictions
from mockdock.engine.draft import Answer, Draft, Writer
from mockdock.engine.fill import Filler
from mockdock.engine.fit import Fitted, Fitter
from mockdock.engine.match import Compiled
from mockdock.engine.pace import Pace
from mockdock.engine.speak import speak
from mockdock.reply import Completion, Failure, FailureKind, Usage
from mockdock.request import Request
from mockdock.scenario import ErrorSpec, ReplySpec

__all__ = ["Context", "complete", "fail", "filled", "filler_of", "recounted"]


@dataclass(frozen=True, slots=True)
class Context:
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


def complete(request: Request, answer: Answer, context: Context, created: int) -> Completion:
    """Compose a completion; ``created`` is in seconds since 1970."""
    model, entropy = context.model, context.entropy
    counter = tokenizer(model.encoding)
    reply = answer if isinstance(answer, ReplySpec) else None
    filler = filler_of(request, context)
    writer = Writer(
        request, filler, entropy, context.words, context.seen, counter, model.traits.effort
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
    usage = _predicted(_usage(request, context, fitted), request, fitted, counter)
    if request.speech is not None:
        fitted, tokens = speak(fitted, request.speech, entropy, context.seen, created)
        usage = _plus(usage, completion_audio_tokens=tokens)
    return Completion(
        id=entropy.token(f"id/{context.seen}", 29),
        created=created,
        model=model.snapshot,
        choices=tuple(each.choice for each in fitted),
        usage=usage if reply is None else recounted(usage, reply),
        system_fingerprint=model.system_fingerprint,
        service_tier=_TIERS.get(request.service_tier, request.service_tier or "default"),
        reasoning_model=model.reasoning,
        logprobs=request.logprobs,
        obfuscation=entropy.rng(f"obfuscation/{context.seen}").getrandbits(64)
        if request.obfuscate
        else None,
        warnings=()
        if reply is None and not request.ignored
        else _warnings(request, [] if reply is None else drafts),
        headers={} if reply is None else filled(reply.headers, filler),
        pacing=context.pace.pacing,
    )


def _warnings(request: Request, scripted: Sequence[Draft]) -> tuple[str, ...]:
    """Tell what the request may not expect: of parameters, then of what was scripted for it."""
    ignored = (f"{name} is not supported and was ignored" for name in request.ignored)
    against = (each for draft in scripted for each in contradictions(request, draft))
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


def _usage(request: Request, context: Context, fitted: list[Fitted]) -> Usage:
    prompt = context.prompt.tokens
    completion = sum(each.tokens for each in fitted)
    return Usage(
        prompt,
        completion,
        prompt + completion,
        cached_tokens=context.cached,
        prompt_audio_tokens=count_prompt_audio(request),
        reasoning_tokens=sum(each.reasoning for each in fitted),
    )


def _predicted(usage: Usage, request: Request, fitted: list[Fitted], tokenizer: Tokenizer) -> Usage:
    """Count a prediction: what did not come true was generated all the same, and is charged."""
    if request.prediction is None:
        return usage
    predicted = tokenizer.encode(request.prediction)
    texts = [each.choice.text or "" for each in fitted]
    known = {text: accepted(predicted, tokenizer.encode(text)) for text in dict.fromkeys(texts)}
    right = [known[text] for text in texts]
    return _plus(
        replace(usage, accepted_prediction_tokens=sum(right)),
        rejected_prediction_tokens=len(predicted) * len(right) - sum(right),
    )


def _plus(usage: Usage, **more: int) -> Usage:
    """Add completion tokens of a kind."""
    added = sum(more.values())
    return replace(
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
    merged = {**asdict(usage), **own}
    if "total_tokens" not in own:
        merged["total_tokens"] = merged["prompt_tokens"] + merged["completion_tokens"]
    return Usage(**merged)
