"""What the suite must know of each dialect.

A new dialect adds a line, golden files, and what it refuses to ``MISROUTED``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mockdock import resources

__all__ = ["ADAPTERS", "Adapter", "normalised"]


@dataclass(frozen=True)
class Adapter:
    """Where a dialect is reached, and what is its own.

    Its name is that of the folder of its golden files; ``elsewhere`` are those that the
    dialect's own tests use. ``lost`` is a path beside its API, ``base`` where
    that begins. ``opening`` counts the events before the first chunk; ``sized`` gives what
    of an event is padded. ``card`` is the order of a model's keys. ``omits`` tells that
    a message which was filtered and says nothing is left out. ``ignores`` are the
    parameters that do nothing; ``methods`` are those of the path of chats, and
    ``shows`` tells that a single model can be looked up.
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
    methods: str = "GET, POST"
    shows: bool = True

    def golden(self, name: str) -> bytes:
        """Read a golden file of this dialect."""
        return (self.folder / name).read_bytes()

    @property
    def folder(self) -> Path:
        """Find the golden files of this dialect."""
        return resources.fixtures() / self.name


def _without_filters(event: bytes) -> bytes:
    """Leave out what Azure's filters say, as its recordings were padded before they said it."""
    return re.sub(rb'"content_filter_results":\{.*?\},(?="delta")', b"", event)


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
    ),
)

_CHANGING = (
    (rb'"chatcmpl-[0-9A-Za-z]{29}"', b'"chatcmpl-ID"'),
    (rb'"call_[0-9A-Za-z]{24}"', b'"call_ID"'),
    (rb'("object": ?"chat\.completion(?:\.chunk)?",\s*"created": ?)\d{10}(?=,)', rb"\g<1>0"),
    (rb'("created":)\d{10}(?=,"id":"chatcmpl-ID")', rb"\g<1>0"),
    (rb'"fp_[0-9a-f]{10}"', b'"fp_ID"'),
    (rb'"audio_[0-9a-f]{32}"', b'"audio_ID"'),
    (rb'("expires_at": ?)\d{10}', rb"\g<1>0"),
)


def normalised(body: bytes) -> bytes:
    """Replace what differs from run to run: ids, times and fingerprints of the right form."""
    for pattern, name in _CHANGING:
        body = re.sub(pattern, name, body)
    return body
