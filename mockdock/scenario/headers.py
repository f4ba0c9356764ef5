"""Headers of requests and replies: which names and values are possible."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator

from mockdock.scenario import placeholders
from mockdock.scenario.base import Complaint, refuse, shown

__all__ = ["ReplyHeaders", "header_name_complaint"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BEYOND_LATIN_1 = re.compile(r"[^\x00-\xff]")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

FRAMING = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def header_name_complaint(name: object) -> str:
    """Say what is wrong with the name of a header, empty when it is fine."""
    if isinstance(name, str) and _TOKEN.fullmatch(name):
        return ""
    return f"{shown(name)} is not the name of a header"


def _complaints(headers: Mapping[str, str]) -> Iterator[Complaint]:
    seen: set[str] = set()
    for name, value in headers.items():
        low = name.lower()
        if wrong := header_name_complaint(name):
            yield Complaint(wrong, at=(name,), on_key=True)
        elif low in FRAMING:
            yield Complaint(
                f"the header {name!r} is the server's own",
                "it follows from the body; a broken wire is a fault",
                at=(name,),
                on_key=True,
            )
        elif low in seen:
            yield Complaint(f"the header {name!r} twice", at=(name,), on_key=True)
        seen.add(low)
        if _CONTROL.search(value):
            yield Complaint("a header cannot hold control characters", at=(name,))
        elif value != value.strip():
            yield Complaint("a header cannot begin or end with a space", at=(name,))
        elif _BEYOND_LATIN_1.search(value):
            yield Complaint("a header is latin-1: no other letters", at=(name,))
        for error in placeholders.check(value):
            yield Complaint(error.message, error.hint, at=(name,))


def _checked(headers: dict[str, str]) -> dict[str, str]:
    refuse(_complaints(headers))
    return {name.lower(): value for name, value in headers.items()}


ReplyHeaders = Annotated[dict[str, str], AfterValidator(_checked)]
