"""What the control API says no with: one shape for every error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import ConfigDict, Field

from mockdock.deferred import Deferred
from mockdock.errors import Problem

__all__ = ["Kind", "Refusal", "Refused", "Trouble", "Wrong", "told"]

Kind = Literal["request", "access", "scenario", "usage", "store", "defect"]


_MOST_PROBLEMS = 20
_LONGEST = 500
_LONGEST_MESSAGE = 12_000


class _Shape(Deferred):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Wrong(_Shape):
    """One thing wrong in what was sent: what, where, and what would be right."""

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    path: str = Field("", description="the place, such as rules[2].when.user")
    hint: str = ""


class Trouble(_Shape):
    """Why a request was refused."""

    status: int
    kind: Kind = Field(
        description="request: it cannot be read; access: it may not; scenario: what it brings is "
        "no valid scenario; usage: it cannot be done now; store: "
        "the store that several processes share does not answer; defect: mockdock's own fault"
    )
    message: str
    problems: tuple[Wrong, ...] = ()


class Refusal(_Shape):
    """The body of every answer with an error status."""

    error: Trouble


class Refused(Exception):  # noqa: N818 - an answer, not a defect
    """A request that gets an error for an answer.

    The first 20 problems are told, with how many more there are; long texts are cut.
    """

    def __init__(
        self,
        status: int,
        kind: Kind,
        message: str,
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        message = _cut(message, _LONGEST_MESSAGE)
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        wrong = [_wrong(problem) for problem in problems[:_MOST_PROBLEMS]]
        if more := len(problems) - len(wrong):
            wrong.append(Wrong(message=f"and {more} more"))
        trouble = Trouble(status=status, kind=kind, message=message, problems=tuple(wrong))
        self.body = Refusal(error=trouble)


def told(problems: Sequence[Problem], between: str) -> str:
    """Write the first problems as one text, and how many more there are."""
    texts = [_cut(str(problem), _LONGEST) for problem in problems[:_MOST_PROBLEMS]]
    if more := len(problems) - len(texts):
        texts.append(f"and {more} more")
    return between.join(texts)


def _wrong(problem: Problem) -> Wrong:
    fields = problem._asdict().items()
    cut = {key: _cut(value, _LONGEST) if isinstance(value, str) else value for key, value in fields}
    return Wrong(**cut)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} letters)"
