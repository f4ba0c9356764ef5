"""The families of numbers: their names, their labels, and what each of them tells."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = [
    "BOUNDS",
    "BROKEN",
    "COMPLETION",
    "ENDS",
    "FAILED",
    "FAMILIES",
    "FAULTS",
    "LIMITED",
    "MISSED",
    "OPEN_SESSIONS",
    "OPEN_STREAMS",
    "PROMPT",
    "REQUESTS",
    "STORE_UP",
    "TOOK",
    "TTFT",
    "Exposition",
    "Family",
]

BOUNDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, float("inf")),
)
"""Upper ends of the buckets of durations, in seconds."""
ENDS = (*map(str, BOUNDS[:-1]), "+Inf")
"""The same as the label ``le`` has them."""


class Exposition(NamedTuple):
    """Numbers as Prometheus reads them, and the form they have."""

    body: bytes
    media_type: str


class Family(NamedTuple):
    """Numbers of one name, told apart by labels."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    told: str
    labels: tuple[str, ...] = ("dialect", "rule")

    @property
    def sample(self) -> str:
        """The name of a single number: that of a counter ends so."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


REQUESTS = Family(
    "mockdock_requests", "counter", "Requests answered.", ("dialect", "rule", "status")
)
MISSED = Family("mockdock_missed", "counter", "Requests no rule answered.")
FAILED = Family("mockdock_failed", "counter", "Requests answered by an error, misses too.")
BROKEN = Family("mockdock_broken", "counter", "Requests with something broken on purpose.")
FAULTS = Family(
    "mockdock_faults", "counter", "What was broken on purpose.", ("dialect", "rule", "fault")
)
LIMITED = Family(
    "mockdock_limited", "counter", "Requests refused by a limit.", ("dialect", "limit", "error")
)
PROMPT = Family("mockdock_prompt_tokens", "counter", "Prompt tokens in usage.")
COMPLETION = Family("mockdock_completion_tokens", "counter", "Completion tokens in usage.")
TOOK = Family(
    "mockdock_reply_duration_seconds",
    "histogram",
    "Real seconds from a request to the end of its reply.",
)
TTFT = Family(
    "mockdock_time_to_first_token_seconds",
    "histogram",
    "Real seconds from a request to the first chunk of its stream.",
)
OPEN_STREAMS = Family("mockdock_open_streams", "gauge", "Streams under way.")
OPEN_SESSIONS = Family("mockdock_open_sessions", "gauge", "Sessions that are open.", ())
STORE_UP = Family(
    "mockdock_store_up", "gauge", "Whether the store that servers share answered just now.", ()
)
FAMILIES = (
    *(REQUESTS, MISSED, FAILED, BROKEN, FAULTS, LIMITED, PROMPT, COMPLETION, TOOK, TTFT),
    OPEN_STREAMS,
)
"""Those that are counted, by dialect, then by the name of a rule or limit, then by what is left."""
