"""Legacy completions: what goes on from prompts, composed as a chat answer to each."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from mockdock.completing import ToComplete
from mockdock.content import logprobs
from mockdock.content.tokens import Tokenizer, tokenizer
from mockdock.engine.chance import Entropy
from mockdock.engine.compose import Context, complete, recounted
from mockdock.engine.draft import Answer
from mockdock.reply import Choice, Completion, Piece, Usage
from mockdock.request import Message, Request, TextPart
from mockdock.scenario import ReplySpec

__all__ = ["go_on"]


def go_on(
    request: Request, wanted: ToComplete, answer: Answer, context: Context, created: int
) -> Completion:
    """Compose a completion with ``n`` choices for each prompt, in the order of the prompts.

    Its usage counts all that was made, also what was not the best.
    """
    reply = answer if isinstance(answer, ReplySpec) else None
    uncounted = answer if reply is None else reply.model_copy(update={"usage": None})
    choices: list[Choice] = []
    completion, warnings = 0, list[str]()
    for at, text in enumerate(wanted.texts):
        words = Entropy(context.words.digest(f"prompt/{at}")) if at else context.words
        of_prompt = structs.replace(context, words=words)
        made = complete(_asked(request, wanted, text), uncounted, of_prompt, created)
        completion += made.usage.completion_tokens if request.max_tokens != 0 else 0
        warnings += made.warnings
        echo = _echoed(request, text, of_prompt) if wanted.echo and text else ()
        for each in _best(made, wanted, scripted=reply is not None and bool(reply.choices)):
            said = (each.content or each.refusal or ()) if request.max_tokens != 0 else ()
            finish = each.finish if request.max_tokens != 0 else "length"
            choices.append(Choice(len(choices), (*echo, *said), None, (), finish))
    prompt = context.prompt.tokens
    usage = Usage(prompt, completion, prompt + completion)
    return replace(
        made,
        choices=tuple(choices),
        usage=usage if reply is None else recounted(usage, reply),
        logprobs=request.logprobs,
        warnings=tuple(dict.fromkeys(warnings)),
        shared=False,
    )


def _asked(request: Request, wanted: ToComplete, text: str) -> Request:
    """Ask for one prompt as a user of a chat would; to find the best it takes log probabilities."""
    return replace(
        request,
        completing=None,
        messages=(Message("user", (TextPart(text),)),),
        n=wanted.best_of,
        max_tokens=request.max_tokens or 1,
        logprobs=request.logprobs or wanted.best_of > wanted.n,
    )


def _best(made: Completion, wanted: ToComplete, *, scripted: bool) -> list[Choice]:
    """Choose the likeliest, as documented; a script's choices are given in turn."""
    found = list(made.choices)
    if wanted.best_of > wanted.n and not scripted:
        found.sort(key=_likelihood, reverse=True)
    return found[: wanted.n]


def _likelihood(choice: Choice) -> float:
    """Give the mean log probability of a choice's tokens."""
    said = [each.logprob for piece in choice.content or () for each in piece.logprobs]
    return sum(said) / max(len(said), 1)


def _echoed(request: Request, text: str, context: Context) -> tuple[Piece, ...]:
    """Give the prompt as a piece that costs no completion tokens."""
    counter: Tokenizer = tokenizer(context.model.encoding)
    if not request.logprobs:
        return (Piece(text, 0),)
    likely = logprobs.annotate(
        counter.pieces(text),
        counter.spell(text),
        counter,
        context.words.rng("logprobs/echo"),
        top=request.top_logprobs,
        greedy=request.greedy,
    )
    return (Piece(text, 0, tuple(each for piece in likely for each in piece.logprobs)),)
