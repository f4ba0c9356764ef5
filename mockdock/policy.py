"""What a client has to do when a request fails: a retry policy, and those of known clients.

All times are seconds. Whose seconds they are, ``Policy.clock`` tells: a client
that sleeps by itself knows no time scale (``real``); one that a test moves
lives on the clock of the scenario (``scenario``). At time scale 1 both are one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

__all__ = [
    "LINES",
    "POLICIES",
    "Backoff",
    "Clock",
    "Herd",
    "LineName",
    "Policy",
    "RetryAfter",
]

LineName = Literal[
    "max_attempts",
    "deadline",
    "retry",
    "never",
    "retry_after",
    "backoff",
    "herd",
    "cut_streams",
    "cancelled_streams",
]
"""What is judged, each by itself."""

LINES: tuple[LineName, ...] = get_args(LineName)

Clock = Literal["scenario", "real"]


class Backoff(Struct, frozen=True):
    """How long a client waits when no reply told it.

    Before retry n (1, 2, ...) that is ``min(base * factor ** (n - 1), cap)``, times
    something between ``jitter[0]`` and ``jitter[1]``. A gap may be off by the share
    ``tolerance``, and longer by ``slack`` real seconds: a request takes time to arrive.
    """

    base: float
    factor: float = 2.0
    cap: float = math.inf
    jitter: tuple[float, float] = (1.0, 1.0)
    tolerance: float = 0.1
    slack: float = 0.25

    def band(self, retry: int) -> tuple[float, float]:
        """Give the shortest and the longest wait before a retry, counted from 1."""
        if not self.base:
            return 0.0, 0.0
        try:
            wait = min(self.base * self.factor ** (retry - 1), self.cap)
        except OverflowError:
            wait = self.cap
        low, high = (share * wait if share else 0.0 for share in self.jitter)
        return low, high


class RetryAfter(Struct, frozen=True):
    """How a client takes a wait that a reply demands.

    ``retry-after-ms`` counts before ``retry-after`` in seconds, and that before a
    date. What is above ``cap`` need not be waited for: such a client then falls
    back to its own backoff ("ignore"), or must not retry at all ("give_up"). A
    retry may come early by the share ``tolerance``, and ``slack`` real seconds more.
    """

    cap: float = math.inf
    above: Literal["ignore", "give_up"] = "ignore"
    tolerance: float = 0.01
    slack: float = 0.01


class Herd(Struct, frozen=True):
    """How synchronised retries may be: the highest herd index, and its bins in seconds."""

    threshold: float = 0.6
    bin: float = 0.1


_MISTAKES = frozenset(range(400, 500)) - {408, 409, 425, 429}
"""Statuses that a retry does not change."""

_PASSING = frozenset({429, *range(500, 600)})
"""Statuses of what goes away."""


class Policy(Struct, frozen=True):
    """What is asked of a client; as it stands, what any client should do.

    That is: what goes away (429, but for a quota that is spent, 5xx, a connection that
    broke) is tried again once at least, what does not (400, 401, 403, 404, 422 and most
    of 4xx) never. A wait that is demanded is kept, the others are the client's own, but
    not those of all at once. A stream that was cut is asked for again, and a reply that is
    given up is closed.

    ``max_attempts``: attempts of one call, the first one too.
    ``deadline``: seconds from the first request to the end of the last reply.
    ``retry_statuses``, ``retry_codes``: what has to be tried again, as long as
    attempts and time are left; ``never_statuses``, ``never_codes``: what must not
    be. Codes are the ``code`` or ``type`` of an error; they win over statuses, and
    never over retry. ``free_codes`` need not be tried again, whatever their status.
    What is in none of these is up to the client.
    ``retry_wire``: a reply that broke before its client saw any of it has to be
    tried again. ``obey_should_retry``: ``x-should-retry`` wins over all of these.
    ``cut_streams``: a stream that was cut has to be asked for again.
    ``cancelled_streams``: who gives up a reply closes the connection.
    None or an empty set means that nothing is asked, and not judged.
    ``window``: seconds within which a similar request may be a retry, counted from
    when the failed reply wanted it.
    """

    name: str = "default"
    source: str = "what any client should do"
    clock: Clock = "scenario"
    max_attempts: int | None = None
    deadline: float | None = None
    retry_statuses: frozenset[int] = _PASSING
    retry_codes: frozenset[str] = frozenset()
    retry_wire: bool = True
    never_statuses: frozenset[int] = _MISTAKES
    never_codes: frozenset[str] = frozenset()
    free_codes: frozenset[str] = frozenset({"insufficient_quota"})
    obey_should_retry: bool = True
    retry_after: RetryAfter | None = RetryAfter()
    backoff: Backoff | None = None
    herd: Herd | None = Herd()
    cut_streams: bool = True
    cancelled_streams: bool = True
    window: float = 60.0

    def without(self, *lines: LineName) -> Policy:
        """Give the policy without some of its lines."""
        for line in lines:
            self = replace(self, **_OFF[line])  # noqa: PLW0642
        return self

    def asks(self, line: LineName) -> bool:
        """Tell whether a line asks for anything."""
        if line == "retry":
            return bool(self.retry_statuses or self.retry_codes or self.retry_wire)
        if line == "never":
            return bool(self.never_statuses or self.never_codes)
        return getattr(self, line) not in (None, False)


_OFF: Mapping[LineName, Mapping[str, object]] = {
    "max_attempts": {"max_attempts": None},
    "deadline": {"deadline": None},
    "retry": {"retry_statuses": frozenset(), "retry_codes": frozenset(), "retry_wire": False},
    "never": {"never_statuses": frozenset(), "never_codes": frozenset()},
    "retry_after": {"retry_after": None},
    "backoff": {"backoff": None},
    "herd": {"herd": None},
    "cut_streams": {"cut_streams": False},
    "cancelled_streams": {"cancelled_streams": False},
}

_STAINLESS = Policy(
    clock="real",
    max_attempts=3,
    retry_statuses=frozenset({408, 409, 429, *range(500, 600)}),
    retry_wire=True,
    never_statuses=frozenset(range(400, 500)) - {408, 409, 429},
    free_codes=frozenset(),
    retry_after=RetryAfter(),
    backoff=Backoff(base=0.5, factor=2.0, cap=8.0, jitter=(0.75, 1.0)),
    herd=None,
    cut_streams=False,
)
"""What the SDKs of OpenAI share. A stream that was cut raises, and is not asked for again:
that is left to who uses them, and so is a herd."""

_PYTHON = replace(
    _STAINLESS,
    name="openai-python",
    source="openai-python 3.54.0: its source (_base_client.py), and measured against a server",
    retry_after=RetryAfter(cap=120.0, above="give_up"),
)

POLICIES: Mapping[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy(),
        _PYTHON,
        replace(
            _STAINLESS,
            name="openai-node",
            source="openai-node 6.49.0: its source, and measured against a server; "
            "it sleeps as long as it is told",
        ),
        replace(
            _STAINLESS,
            name="vercel-ai-sdk",
            source="ai 6.0.326: its source, and measured against a server; waits of 2 s and 4 s, "
            "retry-after up to 60 s, x-should-retry is ignored",
            obey_should_retry=False,
            retry_after=RetryAfter(cap=60.0),
            backoff=Backoff(base=2.0, factor=2.0),
        ),
        replace(
            _PYTHON,
            name="langchain",
            source="langchain-openai 1.7.4 (Python): openai-python does the retries",
        ),
        replace(
            _STAINLESS,
            name="langchain-js",
            source="@langchain/openai 1.5.8: measured against a server (3 tries on 500, waits "
            "of about 1.9 s and 2.9 s, 1 try on 429); the rest of its list is not known, and "
            "left open here, as its waits are but for their order of magnitude",
            retry_statuses=frozenset({500}),
            retry_wire=False,
            never_statuses=frozenset(),
            obey_should_retry=False,
            retry_after=None,
            backoff=Backoff(base=1.0, factor=2.0, jitter=(1.0, 2.0)),
        ),
    )
}
"""Ready policies by name, with where they are known from."""
