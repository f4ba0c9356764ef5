"""What the suite must know of each dialect.

A new dialect adds a line, golden files, and what it refuses to ``MISROUTED``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mockdock import resources
from tests.conformance import joining, langdb_joining
from tests.langdb_types import as_langdb

__all__ = ["ADAPTERS", "Adapter", "normalised"]


@dataclass(frozen=True)
class Adapter:
    """Where a dialect is reached, and what is its own.

    Its name is that of the folder of its golden files; ``elsewhere`` are those that the
    dialect's own tests use. ``lost`` is a path beside its API, ``base`` where
    that begins. ``opening`` counts the events before the first chunk; ``sized`` gives what
    of an event is padded. ``card`` is the order of a model's keys. ``omits`` tells that
    a message which was filtered and says nothing is left out. ``ignores`` are the
    parameters that do nothing, ``takes`` what of ``MALFORMED`` is no fault; ``methods`` are
    those of the path of chats, and ``shows`` tells that a single model can be looked up.
    ``statuses`` are those that are its own, by golden file; ``texts`` are the errors in
    plain text. ``counts`` tells that a stream can tell its usage, ``one_text``
    that a stream tells refusals and the words of sound as text, and ``custom`` that
    tools may be other than functions. ``of`` makes what it says
    of OpenAI's plain completion; ``plain`` and ``joined`` are how its answers are compared.
    """

    name: str
    chat: str
    models: str
    base: str = "/v1"
    lost: str = "/chat/completions"
    opening: int = 0
    sized: Callable[[bytes], bytes] = bytes
    card: tuple[str, ...] = ("id", "object", "created", "owned_by")
    omits: bool = False
    elsewhere: frozenset[str] = frozenset()
    ignores: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    methods: str = "GET, POST"
    shows: bool = True
    statuses: Mapping[str, int] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()
    counts: bool = True
    one_text: bool = False
    custom: bool = True
    of: Callable[[dict[str, Any]], dict[str, Any]] = dict
    plain: Callable[[dict[str, Any]], dict[str, Any]] = joining.plain
    joined: Callable[[Sequence[Any]], dict[str, Any]] = joining.joined

    def taken(self, body: dict[str, Any]) -> dict[str, Any]:
        """Give a request without the tools that it does not take."""
        tools = body.get("tools", [])
        if self.custom or not any(tool["type"] == "custom" for tool in tools):
            return body
        rest = {name: value for name, value in body.items() if name not in ("tools", "tool_choice")}
        functions = [tool for tool in tools if tool["type"] == "function"]
        return {**rest, "tools": functions} if functions else rest

    def golden(self, name: str) -> bytes:
        """Read a golden file of this dialect."""
        return (self.folder / self.file(name)).read_bytes()

    def file(self, name: str) -> str:
        """Give the golden file of a case: that of a text is no JSON."""
        return name.replace(".json", ".txt") if name in self.texts else name

    def status(self, name: str, usual: int) -> int:
        """Give the status that comes with a golden file."""
        return self.statuses.get(name, usual)

    def content_type(self, name: str) -> str:
        """Give the type of a golden file, as a header tells it."""
        return "text/plain; charset=utf-8" if name in self.texts else "application/json"

    @property
    def folder(self) -> Path:
        """Find the golden files of this dialect."""
        return resources.fixtures() / self.name


def _without_filters(event: bytes) -> bytes:
    """Leave out what Azure's filters say, as its recordings were padded before they said it."""
    return re.sub(rb'"content_filter_results":\{.*?\},(?="delta")', b"", event)


LANGDB = (
    "embedding-base64.json",
    "embedding-float.json",
    "threads.json",
    "messages.json",
    "cost.json",
    "analytics.json",
    "summary.json",
    "summary-tags.json",
    "usage-total.json",
    "usage-models.json",
    "pricing.json",
    "models.json",
    "admin-model.json",
    "custom-prices.json",
    "custom-prices-report.json",
    "errors/admin-key.json",
    "errors/admin-model.json",
    "errors/custom-prices.json",
    "errors/missing-project.json",
    "errors/summary.json",
    "errors/threads.json",
    "errors/unknown-project.json",
    "errors/unknown-project-prices.json",
    "errors/unknown-thread.json",
)
"""Golden files of its own endpoints: see tests/dialects/langdb/test_golden.py."""

ADAPTERS = (
    Adapter(
        "openai",
        "/v1/chat/completions",
        "/v1/models",
        lost="/chat/completion",
        elsewhere=frozenset(
            {
                *("embedding-base64.json", "embedding-float.json"),
                *("moderation-omni.json", "moderation-text.json"),
                *("text.json", "text-batch.json", "text.sse"),
            }
        ),
    ),
    Adapter(
        "azure",
        "/openai/v1/chat/completions",
        "/openai/v1/models",
        base="/openai/v1",
        lost="/openai/chat/completions",
        opening=1,
        sized=_without_filters,
        card=("created", "id", "object", "owned_by"),
        omits=True,
        elsewhere=frozenset(
            {
                *("errors/content-filter.json", "errors/firewall.json", "errors/timeout.json"),
                *("text.json", "text-batch.json", "text.sse"),
            }
        ),
    ),
    Adapter(
        "langdock",
        "/openai/eu/v1/chat/completions",
        "/openai/eu/v1/models",
        base="/openai/eu/v1",
        lost="/openai/eu/chat/completions",
        elsewhere=frozenset({"errors/browser.json", "errors/unsupported.json"}),
        ignores=frozenset({"n", "service_tier", "parallel_tool_calls", "stream_options"}),
        methods="POST",
        shows=False,
        counts=False,
    ),
    Adapter(
        "langdb",
        "/p/v1/chat/completions",
        "/p/v1/models",
        base="/p/v1",
        lost="",
        elsewhere=frozenset(LANGDB),
        ignores=frozenset({"stream_options"}),
        takes=frozenset({"unknown argument"}),
        methods="POST",
        shows=False,
        statuses={"errors/quota.json": 400, "errors/unknown-model.json": 500},
        texts=frozenset({"errors/rate-limit.json", "errors/tokens-limit.json"}),
        one_text=True,
        custom=False,
        of=as_langdb,
        plain=langdb_joining.plain,
        joined=langdb_joining.joined,
    ),
)

_CHANGING = (
    (rb'"chatcmpl-[0-9A-Za-z]{29}"', b'"chatcmpl-ID"'),
    (rb'"call_[0-9A-Za-z]{24}"', b'"call_ID"'),
    (rb'("object": ?"chat\.completion(?:\.chunk)?",\s*"created": ?)\d{10}(?=,)', rb"\g<1>0"),
    (rb'("created":)\d{10}(?=,"id":"chatcmpl-ID")', rb"\g<1>0"),
    (rb'"fp_[0-9a-f]{10}"', b'"fp_ID"'),
    (rb'("id": ?)"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"', rb'\g<1>"UUID"'),
    (rb'"audio_[0-9a-f]{32}"', b'"audio_ID"'),
    (rb'("expires_at": ?)\d{10}', rb"\g<1>0"),
)


def normalised(body: bytes) -> bytes:
    """Replace what differs from run to run: ids, times and fingerprints of the right form."""
    for pattern, name in _CHANGING:
        body = re.sub(pattern, name, body)
    return body
