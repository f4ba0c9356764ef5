"""From a draft to a choice: what the request's limits leave of it, and its cost."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from mockdock.content import logprobs
from mockdock.content.chunks import Chunk, before_stop, cut, regroup
from mockdock.content.counting import count_calls, count_reasoning
from mockdock.content.tokens import Tokenizer
from mockdock.engine.draft import Draft, DraftCall
from mockdock.reply import Call, Choice, Finish, Piece
from mockdock.request import Request

__all__ = ["Fitted", "Fitter"]


class Fitted(Struct, frozen=True):
    """A choice, its completion tokens, and how many of them are hidden reasoning."""

    choice: Choice
    tokens: int
    reasoning: int


class _Budget(Struct):
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


class Fitter(Struct, frozen=True):
    """Cuts drafts at stop strings and at ``limit`` tokens, and splits them into chunks.

    Reasoning is spent first, then the text or refusal, then the tool calls;
    what does not fit is not there, and ``finish`` is then "length". Nothing
    comes after a stop string. ``chance`` gives the generator a choice's log
    probabilities are drawn from, by its index.
    """

    request: Request
    tokenizer: Tokenizer
    model: str
    limit: int | None
    chunk: Chunk
    chance: Callable[[int], Random]

    def fit(self, draft: Draft, index: int) -> Fitted:
        """Make choice ``index`` of a draft."""
        budget = _Budget(self.limit)
        reasoning = self._reason(draft.reasoning, budget)
        draft = self._stopped(draft)
        content = self._write(draft.text, draft, index, budget)
        refusal = self._write(draft.refusal, draft, index, budget)
        calls = self._call(draft.calls, budget)
        if content is None and refusal is None and not calls:
            content = ()
        finish = "length" if budget.exhausted else draft.finish or self._finish(calls)
        choice = Choice(index, content, refusal, calls, finish)
        return Fitted(choice, budget.spent, reasoning)

    def _reason(self, hidden: int | str, budget: _Budget) -> int:
        wanted = hidden if isinstance(hidden, int) else self.tokenizer.count(hidden)
        cost = count_reasoning(wanted, self.model)
        budget.exhausted = not budget.fits(cost)
        budget.spend(cost)
        return min(wanted, budget.spent)

    def _stopped(self, draft: Draft) -> Draft:
        """Cut a draft before the first stop string of what it would say."""
        if not self.request.stop:
            return draft
        for field in ("text", "refusal"):
            text: str | None = getattr(draft, field)
            if text is None:
                continue
            said = "".join(piece.text for piece in self._pieces(text, draft))
            if (before := before_stop(said, self.request.stop)) != said:
                cuts = {field: before, "ids": None, "length": None}
                return replace(draft, **cuts, calls=(), finish="stop")
        return draft

    def _pieces(self, text: str, draft: Draft) -> tuple[Piece, ...]:
        """Split a text into tokens; a made-up one may be longer than its length."""
        if draft.ids is not None:
            return self.tokenizer.join(self.tokenizer.spelled(draft.ids))
        pieces, _ = cut(self.tokenizer.pieces(text), draft.length)
        return pieces

    def _write(
        self, text: str | None, draft: Draft, index: int, budget: _Budget
    ) -> tuple[Piece, ...] | None:
        if text is None:
            return None
        if budget.exhausted:
            return ()
        pieces = self._pieces(text, draft)
        tokens = _tokens(pieces)
        if not budget.fits(tokens):
            pieces, budget.exhausted = cut(pieces, budget.left)
            tokens = _tokens(pieces)
        budget.spend(tokens)
        if self.request.logprobs:
            tokenizer = self.tokenizer
            pieces = logprobs.annotate(
                pieces,
                tokenizer.spell(text) if draft.ids is None else tokenizer.spelled(draft.ids),
                tokenizer,
                self.chance(index),
                top=self.request.top_logprobs,
                mean=draft.certainty[0],
                spread=draft.certainty[1],
                greedy=self.request.greedy,
            )
        return regroup(pieces, self.chunk)

    def _call(self, drafts: tuple[DraftCall, ...], budget: _Budget) -> tuple[Call, ...]:
        if budget.exhausted:
            return ()
        calls: list[Call] = []
        spent = 0
        for draft in drafts:
            pieces = self.tokenizer.pieces(draft.arguments)
            call = Call(draft.id, draft.name, pieces, draft.kind)
            cost = self._cost([*calls, call])
            if budget.fits(cost):
                calls.append(call)
                spent = cost
                continue
            budget.exhausted = True
            named = replace(call, pieces=())
            bare = self._cost([*calls, named])
            if budget.left is not None and budget.fits(bare):
                pieces, _ = cut(pieces, budget.left - bare)
                # What is left may be split anew: several calls count as one text.
                while not budget.fits(spent := self._cost([*calls, replace(call, pieces=pieces)])):
                    pieces = pieces[:-1]
                calls.append(replace(call, pieces=pieces))
            break
        budget.spend(spent)
        return tuple(replace(call, pieces=regroup(call.pieces, self.chunk)) for call in calls)

    def _cost(self, calls: list[Call]) -> int:
        return count_calls(calls, self.tokenizer, self.model)

    def _finish(self, calls: tuple[Call, ...]) -> Finish:
        """Say how an uncut choice ends; a tool forced by name ends with "stop"."""
        if not calls or self.request.tool_choice.forced:
            return "stop"
        return "function_call" if calls[0].kind == "legacy" else "tool_calls"


def _tokens(pieces: tuple[Piece, ...]) -> int:
    return sum([piece.tokens for piece in pieces])
