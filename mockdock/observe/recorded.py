"""A record read back as what left: the head, and the same bytes with the same cuts."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from mockdock.frames import Cut, Frame, Head, Raw
from mockdock.observe.broken import how_it_ended
from mockdock.observe.damaged import damaged, names, scale, seconds, whole

__all__ = ["Recorded", "recorded"]

Record = Mapping[str, Any]
Timed = tuple[float, Frame | Raw | Cut]

_STATUSES = range(200, 600)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BREAKS = re.compile(r"[\r\n\0]")
_LENGTH = b"content-length"


class Recorded(Struct, frozen=True):
    """A reply as it left: what follows the head has moments in seconds after the request.

    ``exact`` tells that the bytes are all those that were sent: no secret is hidden in
    them. ``faults`` are the types of what had broken it, ``time_scale`` are the real
    seconds of a scenario second. ``told`` names it in short: method, path, status, bytes.
    """

    head: Head
    timed: tuple[Timed, ...]
    exact: bool
    stream: bool
    faults: tuple[str, ...]
    time_scale: float
    told: str


def recorded(record: Record) -> Recorded:
    """Read a record of a journal. Raises UsageError when it is none.

    A reply that its client did not wait for stands still where the client left;
    one that the server had to stop is cut there.
    """
    try:
        return _recorded(record)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise damaged(record, error) from error


def _recorded(record: Record) -> Recorded:
    reply, outcome = record["reply"], record["outcome"]
    chunks = [_bytes(each) for each in reply["chunks"]]
    sent, frames = whole(outcome["bytes"], "size"), whole(outcome["frames"], "number of frames")
    more = sum(map(len, chunks)) - sent
    framed = outcome["ending"] == "completed" and more
    headers = tuple(
        _header(name, value, more if framed else 0) for name, value in reply["headers"].items()
    )
    status, stream = whole(record["status"], "status"), bool(record["stream"])
    if status not in _STATUSES:
        raise ValueError(f"{status} is no status")
    faults = names(record["faults"], "faults")
    timed = (*_items(chunks, outcome), *_end(outcome))
    ended = how_it_ended(outcome["ending"], frames, faults, stream=stream)
    asked = " ".join(names([record["method"], record["path"]], "method and path"))
    told = f"#{record['number']} {asked} {status} {sent} bytes {ended}".rstrip()
    return Recorded(
        Head(status, headers),
        timed,
        exact=not more,
        stream=stream,
        faults=faults,
        time_scale=scale(record),
        told="".join(each if each.isprintable() else "?" for each in told),
    )


def _items(chunks: list[bytes], outcome: Record) -> Iterator[Timed]:
    raw, alone, moments = outcome["raw"], set(outcome["alone"]), outcome["moments"]
    for at, data in enumerate(chunks):
        due = _moment(moments[at]) if at < len(moments) else 0.0
        past = raw is not None and at >= raw
        yield due, Raw(data) if past else Frame(data, flush=at in alone)


def _end(outcome: Record) -> Iterator[Timed]:
    match outcome["ending"]:
        case "completed":
            return
        case "client_left":
            yield math.inf, Frame(b"")
        case "stopped":
            yield 0.0, Cut()
        case "cut":
            cut = outcome["cut"]
            gate = cut["gate"]
            if gate not in (None, "refuse", "close") or cut["end"] not in ("fin", "rst"):
                raise ValueError(f"{dict(cut)!r} is no cut")
            yield _moment(cut["at"]), Cut(cut["end"] == "rst", gate, _moment(cut["for"]))
        case ending:
            raise ValueError(f"{ending!r} is no ending")


def _moment(value: Any) -> float:
    moment = seconds(value, "moment")
    if moment < 0:
        raise ValueError(f"{moment:g} is no moment")
    return moment


def _header(name: str, value: str, more: int) -> tuple[bytes, bytes]:
    """Write a header; a length counts what is there ``more`` of."""
    if not _NAME.fullmatch(name) or _BREAKS.search(value):
        raise ValueError(f"{name!r} is no header")
    written = name.encode(), value.encode("latin-1")
    if more and written[0].lower() == _LENGTH:
        return written[0], b"%d" % (int(value) + more)
    return written


def _bytes(written: str | Mapping[str, str]) -> bytes:
    if isinstance(written, str):
        return written.encode()
    return base64.b64decode(written["base64"])
