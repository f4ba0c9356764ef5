"""What the verbs of a server tell, as models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict

from mockdock.deferred import Deferred
from mockdock.limit import Measure

__all__ = ["About", "Counts", "LimitCard", "Problem", "RuleCard", "Settings", "Verdict"]


class _Body(Deferred):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Settings(_Body):
    """Settings of a session as they are."""

    session: str
    opened: bool
    seed: int
    otherwise: str
    validation: str
    time_scale: float | Literal["manual"]


class About(_Body):
    """What a server is: the version of mockdock, and that of the scenario language."""

    mockdock: Literal["server"] = "server"
    version: str
    language: int


class RuleCard(_Body):
    """A rule of a session and what it did.

    ``key`` names it in the other verbs; ``added`` tells that it was added
    while serving; ``when`` is in the words of the scenario language.
    """

    key: str
    name: str
    added: bool
    when: Mapping[str, Any]
    answers: int
    times: int | None
    used: int


class LimitCard(_Body):
    """A rate limit, and how it stands for those it counts together.

    ``limit`` of what ``counts`` names is let through in ``window`` scenario seconds,
    None where it is no matter of time; "spent" are tokens or US dollars, as
    ``measure`` tells. It counts apart ``per`` what these name; ``of`` are their
    values here, empty where nothing was asked yet. ``wait`` are the scenario
    seconds until one more fits, ``reset`` those until nothing is used, None where
    that never comes.
    """

    measure: Measure
    counts: Literal["requests", "tokens", "running", "spent"]
    algorithm: Literal["bucket", "fixed", "sliding", "gauge", "budget"]
    limit: float
    window: float | None
    per: tuple[str, ...]
    of: Mapping[str, str]
    used: float
    remaining: float
    reset: float | None
    wait: float | None


class Counts(_Body):
    """What a session did, in numbers; all of it counts, also what is no longer kept.

    ``missed`` requests were answered by no rule, ``failed`` ones by an error of
    the API (the missed among them); of ``broken`` ones something was broken on
    purpose. Tokens are those in ``usage``. ``era`` is another one whenever a session
    begins anew.
    """

    era: int = 0

    requests: int
    missed: int
    failed: int
    broken: int = 0
    prompt_tokens: int
    completion_tokens: int


class Problem(_Body):
    """One thing that did not go as it was wanted.

    ``record`` is the exchange concerned, in the form of the journal.
    """

    kind: Literal["unmatched", "unused", "order", "raised"]
    message: str
    record: Mapping[str, Any] | None = None


class Verdict(_Body):
    """How a session went; ``ok`` when there are no problems.

    Of ``broken`` requests something was broken on purpose, which is none.
    """

    ok: bool
    requests: int
    broken: int = 0
    prompt_tokens: int
    completion_tokens: int
    problems: tuple[Problem, ...] = ()
