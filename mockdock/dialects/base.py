"""What a dialect is: a table of routes and four functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mockdock.frames import Frame, Head
from mockdock.reply import Failure, Reply
from mockdock.request import Request

__all__ = ["Call", "Dialect", "Envelope", "Route"]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: where it is reached and what it is called."""

    method: str
    path: str
    operation: str


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP request before anything is understood of it.

    ``headers`` has lower-case names, ``params`` what the route's path holds,
    ``base_url`` the scheme and host the client used.
    """

    operation: str
    method: str
    path: str
    headers: Mapping[str, str]
    params: Mapping[str, str]
    body: bytes
    base_url: str
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a head needs beside the reply: an id (32 hex digits), time, our own headers.

    ``length`` is that of the first frame, in bytes: the whole body unless streamed.
    """

    request_id: str
    processing_ms: int
    length: int
    extra: Mapping[str, str]
    time_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Dialect:
    """A wire API as functions.

    ``parse`` turns a call into a request or the provider's own refusal,
    ``misroute`` refuses a path or method that does not exist, ``oversize`` a
    body above the limit. ``head`` and ``frames`` render a reply; the frames are
    made lazily, one for a plain reply.
    """

    name: str
    routes: tuple[Route, ...]
    parse: Callable[[Call], Request | Failure]
    misroute: Callable[[Call, frozenset[str]], Failure]
    oversize: Callable[[int], Failure]
    head: Callable[[Request | None, Reply, Envelope], Head]
    frames: Callable[[Request | None, Reply], Iterator[Frame]]
