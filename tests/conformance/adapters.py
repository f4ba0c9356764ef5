"""What the suite must know of each dialect. A new dialect adds a line, and golden files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mockdock import resources

__all__ = ["ADAPTERS", "Adapter", "normalised"]


@dataclass(frozen=True)
class Adapter:
    """Where a dialect is reached, and in which folder its golden files are."""

    name: str
    chat: str
    models: str

    def golden(self, name: str) -> bytes:
        """Read a golden file of this dialect."""
        return (self.folder / name).read_bytes()

    @property
    def folder(self) -> Path:
        """Find the golden files of this dialect."""
        return resources.fixtures() / self.name


ADAPTERS = (Adapter("openai", "/v1/chat/completions", "/v1/models"),)

_CHANGING = (
    (rb'"chatcmpl-[0-9A-Za-z]{29}"', b'"chatcmpl-ID"'),
    (rb'"call_[0-9A-Za-z]{24}"', b'"call_ID"'),
    (rb'("object": ?"chat\.completion(?:\.chunk)?",\s*"created": ?)\d{10}(?=,)', rb"\g<1>0"),
    (rb'"fp_[0-9a-f]{10}"', b'"fp_ID"'),
    (rb'"audio_[0-9a-f]{32}"', b'"audio_ID"'),
    (rb'("expires_at": ?)\d{10}', rb"\g<1>0"),
)


def normalised(body: bytes) -> bytes:
    """Replace what differs from run to run: ids, times and fingerprints of the right form."""
    for pattern, name in _CHANGING:
        body = re.sub(pattern, name, body)
    return body
