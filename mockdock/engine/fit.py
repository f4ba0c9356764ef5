"""From a draft to a choice: what the request's limits leave of it, and its cost."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockdock.content.chunks import Chunk, before_stop, cut, regroup
from mockdock.content.counting import count_calls, count_reasoning
from mockdock.content.tokens import Tokenizer
from mockdock.engine.draft import Draft, DraftCall
from mockdock.reply import Call, Choice, Finish, Piece
from mockdock.request import Request

__all__ = ["Fitted", "fit"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A choice, its completion tokens, and how many of them are hidden reasoning."""

    choice: Choice
    tokens: int
    reasoning: int


@dataclass(slots=True)
class _Budget:
    """Tokens still to be spent, None for no end; ``spent`` counts all the same."""

    left: int | None
    spent: int = 0
    exhausted: bool = False

    def fits(self, tokens: int) -> bool:
        return self.left is None or tokens <= self.left

    def spend(self, tokens: int) -> None:
        """Spend tokens, at most what is left."""
        if self.left is not None:
            tokens = min(tokens, self.left)
            self.left -= tokens
        self.spent += tokens


def fit(
    request: Request,
    draft: Draft,
    index: int,
    *,
    tokenizer: Tokenizer,
    model: str,
    limit: int | None,
    chunk: Chunk,
) -> Fitted:
    """Cut a draft at stop strings and at ``limit`` tokens, and split it into chunks.

    Reasoning is spent first, then the text or refusal, then the tool calls;
    what does not fit is not there, and ``finish`` is then "length". Nothing
    comes after a stop string.
    """
    budget = _Budget(limit)
    reasoning = _reason(draft.reasoning, budget, tokenizer, model)
    text, drafts, scripted = draft.text, draft.calls, draft.finish
    if text is not None and request.stop:
        said = _within(text, draft.length, tokenizer)
        if (before := before_stop(said, request.stop)) != said:
            text, drafts, scripted = before, (), "stop"
    content = _write(text, budget, tokenizer, chunk, length=draft.length)
    refusal = _write(draft.refusal, budget, tokenizer, chunk)
    calls = _call(drafts, budget, tokenizer, model, chunk)
    if content is None and refusal is None and not calls:
        content = ()
    finish = "length" if budget.exhausted else scripted or _finish(request, calls)
    choice = Choice(index, content, refusal, calls, finish)
    return Fitted(choice, budget.spent, reasoning)


def _reason(hidden: int | str, budget: _Budget, tokenizer: Tokenizer, model: str) -> int:
    wanted = hidden if isinstance(hidden, int) else tokenizer.count(hidden)
    cost = count_reasoning(wanted, model)
    budget.exhausted = not budget.fits(cost)
    budget.spend(cost)
    return min(wanted, budget.spent)


def _within(text: str, length: int | None, tokenizer: Tokenizer) -> str:
    """Give what is said of a made-up text, which may be longer than its length."""
    if length is None:
        return text
    pieces, _ = cut(tokenizer.pieces(text), length)
    return "".join(piece.text for piece in pieces)


def _write(
    text: str | None,
    budget: _Budget,
    tokenizer: Tokenizer,
    chunk: Chunk,
    length: int | None = None,
) -> tuple[Piece, ...] | None:
    if text is None:
        return None
    if budget.exhausted:
        return ()
    wanted, _ = cut(tokenizer.pieces(text), length)
    pieces, budget.exhausted = cut(wanted, budget.left)
    budget.spend(_tokens(pieces))
    return regroup(pieces, chunk)


def _tokens(pieces: tuple[Piece, ...]) -> int:
    return sum(piece.tokens for piece in pieces)


def _call(
    drafts: tuple[DraftCall, ...],
    budget: _Budget,
    tokenizer: Tokenizer,
    model: str,
    chunk: Chunk,
) -> tuple[Call, ...]:
    if budget.exhausted:
        return ()
    calls: list[Call] = []
    spent = 0
    for draft in drafts:
        pieces = tokenizer.pieces(draft.arguments)
        call = Call(draft.id, draft.name, pieces, draft.kind)
        cost = count_calls([*calls, call], tokenizer, model)
        if budget.fits(cost):
            calls.append(call)
            spent = cost
            continue
        budget.exhausted = True
        bare = count_calls([*calls, replace(call, pieces=())], tokenizer, model)
        if budget.left is not None and budget.fits(bare):
            pieces, _ = cut(pieces, budget.left - bare)
            calls.append(replace(call, pieces=pieces))
            spent = bare + _tokens(pieces)
        break
    budget.spend(spent)
    return tuple(replace(call, pieces=regroup(call.pieces, chunk)) for call in calls)


def _finish(request: Request, calls: tuple[Call, ...]) -> Finish:
    """Say how an uncut choice ends; a tool forced by name ends with "stop"."""
    if not calls or request.tool_choice.forced:
        return "stop"
    return "function_call" if calls[0].kind == "legacy" else "tool_calls"
