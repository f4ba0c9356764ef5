"""A rule as it is being put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from mockdock.observe.verbs import InPython
from mockdock.testing.checks import plain
from mockdock.testing.functions import answering, judging

if TYPE_CHECKING:
    from mockdock.testing.call import CallRequest

__all__ = ["Answer", "Function", "Spec"]

Answer = str | Mapping[str, Any]
"""A text, or a reply or an error in the words of the language."""

Function = Callable[["CallRequest"], Answer | Awaitable[Answer]]
"""Gives the answer to a request."""


class Spec(Struct, frozen=True):
    """A rule: ``fields`` are its other ones than the answers, in the words of the language.

    ``passing``: the last of them is not repeated, later rules are asked.
    """

    fields: Mapping[str, Any]
    where: Callable[[CallRequest], object] | None = None
    first: bool = False
    answers: tuple[Answer | Function, ...] = ()
    passing: bool = False

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.fields["name"])

    def then(self, answers: Sequence[Answer | Function], *, attempts: bool) -> Spec:
        """Add answers behind those there are; with ``attempts`` they are not repeated."""
        return replace(
            self,
            answers=(*self.answers, *answers),
            passing=attempts,
        )

    def limited(self, times: int) -> Spec:
        """Let it answer so many times only."""
        return replace(self, fields={**self.fields, "times": times})

    def rule(self) -> dict[str, Any]:
        """Write the rule in the words of the language."""
        rule = {
            name: plain(value, name) for name, value in self.fields.items() if value is not None
        }
        if self.passing:
            rule.setdefault("after_last", "pass")
        place = _OTHERS_IN_ITS_PLACE.get(rule.get("when", {}).get("api"), _IN_ITS_PLACE)
        answers = [place if callable(each) else plain(each) for each in self.answers]
        return {**rule, "reply": answers[0]} if len(answers) == 1 else {**rule, "replies": answers}

    def in_python(self, raised: Callable[[Exception], None]) -> InPython | None:
        """Give what only Python can say; ``raised`` gets to know what goes wrong in it."""
        functions = {
            at: answering(each, raised) for at, each in enumerate(self.answers) if callable(each)
        }
        if self.where is None and not functions:
            return None
        where = () if self.where is None else (judging(self.where, raised),)
        return InPython(where, functions)


_IN_ITS_PLACE = {"text": ""}
_OTHERS_IN_ITS_PLACE = {
    "embeddings": {"embedding": "auto"},
    "moderations": {"flagged": "auto"},
}
"""What stands where a function answers, of chat and by the other APIs."""
