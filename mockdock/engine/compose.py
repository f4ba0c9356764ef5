"""From a decision to a reply. Pure: same request and decision, same reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from mockdock.content.attachments import count_prompt_audio
from mockdock.content.catalogue import Model
from mockdock.content.counting import count_prompt
from mockdock.content.tokens import tokenizer
from mockdock.engine.chance import Entropy
from mockdock.engine.draft import Answer, Writer
from mockdock.engine.fill import Filler
from mockdock.engine.fit import Fitted, fit
from mockdock.engine.match import Compiled
from mockdock.engine.pace import Pace
from mockdock.reply import Completion, Failure, FailureKind, Usage
from mockdock.request import Request
from mockdock.scenario import ErrorSpec, ReplySpec

__all__ = ["Context", "complete", "fail"]


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision has settled about a request.

    ``seen`` counts how often the session has seen the same logical request.
    """

    model: Model
    attempt: int
    seen: int
    compiled: Compiled | None
    entropy: Entropy
    pace: Pace


_TIERS = {None: "default", "auto": "default"}
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
    filler = _filler(request, context)
    writer = Writer(request, filler, entropy, context.seen, counter.count)
    fitted = [
        fit(
            request,
            writer.draft(answer, index),
            index,
            tokenizer=counter,
            model=model.id,
            limit=_limit(request, model),
            chunk=context.pace.chunk,
        )
        for index in range(request.n)
    ]
    return Completion(
        id=entropy.token(f"id/{context.seen}", 29),
        created=created,
        model=model.snapshot,
        choices=tuple(each.choice for each in fitted),
        usage=_usage(request, count_prompt(request, counter, model.id), fitted, reply),
        system_fingerprint=model.system_fingerprint,
        service_tier=_TIERS.get(request.service_tier, request.service_tier or "default"),
        reasoning_model=model.reasoning,
        headers={} if reply is None else _headers(reply.headers, filler),
        pacing=context.pace.pacing,
    )


def fail(request: Request, answer: ErrorSpec, context: Context) -> Failure:
    """Compose the failure a rule scripts."""
    filler = _filler(request, context)
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
        should_retry=answer.should_retry,
        headers=_headers(answer.headers, filler),
    )
    if kind != "context_length":
        return failure
    window = context.model.context_window
    prompt = count_prompt(request, tokenizer(context.model.encoding), context.model.id)
    return replace(failure, limit=window, used=window + prompt)


def _kind(answer: ErrorSpec) -> tuple[FailureKind, int | None]:
    if isinstance(answer.error, str):
        return answer.error, None
    usual: FailureKind = "server_error" if answer.error >= _SERVER_ERRORS else "bad_request"
    return _OF_STATUS.get(answer.error, usual), answer.error


def _filler(request: Request, context: Context) -> Filler:
    when = None if context.compiled is None else context.compiled.rule.when
    return Filler(request, when, context.attempt)


def _headers(headers: Mapping[str, str], filler: Filler) -> dict[str, str]:
    """Fill header values; what a request brings in must not break the head."""
    return {name: _one_line(filler.text(value)) for name, value in headers.items()}


def _one_line(value: str) -> str:
    kept = "".join(letter if letter.isprintable() else " " for letter in value).strip()
    return kept[:_LONGEST_HEADER].encode("latin-1", "replace").decode("latin-1")


def _limit(request: Request, model: Model) -> int | None:
    """Give the most tokens a choice may have; a limit of 0, or only assumed, cuts nothing."""
    of_model = 0 if "max_output_tokens" in model.assumed else model.max_output_tokens
    return min((limit for limit in (request.max_tokens, of_model) if limit), default=None)


def _usage(request: Request, prompt: int, fitted: list[Fitted], reply: ReplySpec | None) -> Usage:
    completion = sum(each.tokens for each in fitted)
    usage = Usage(
        prompt,
        completion,
        prompt + completion,
        prompt_audio_tokens=count_prompt_audio(request),
        reasoning_tokens=sum(each.reasoning for each in fitted),
    )
    if reply is None or reply.usage is None:
        return usage
    own = {name: value for name, value in reply.usage if value is not None}
    merged = {**asdict(usage), **own}
    if "total_tokens" not in own:
        merged["total_tokens"] = merged["prompt_tokens"] + merged["completion_tokens"]
    return Usage(**merged)
