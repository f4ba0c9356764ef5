"""What a dialect is: a table of routes and four functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct, field

from mockdock.frames import Frame, Head
from mockdock.gateways import USUAL, Gateways
from mockdock.limit import Standings
from mockdock.reply import Completion, Failure, Reply
from mockdock.request import Caller, DialectName, Request, Role, Traits

__all__ = ["Brief", "Call", "Dialect", "Envelope", "Frames", "Route", "Sent", "caller"]


class Route(Struct, frozen=True):
    """One operation: where it is reached and what it is called."""

    method: str
    path: str
    operation: str


class Sent(NamedTuple):
    """The object in a body, once it has been read, and what a glance told of it.

    ``key`` is what the dialect knows its parameters by, and ``mark`` theirs
    (``Request.recurs``) where they are known to be valid.
    """

    value: dict[str, Any]
    key: Any = None
    mark: object = None


class Call(Struct, frozen=True):
    """An HTTP request before anything is understood of it.

    ``headers`` has lower-case names, ``params`` what the route's path holds,
    ``query`` the names and values behind the question mark, ``base_url`` the
    scheme and host the client used. ``dialect`` is the one it came in by,
    ``gateways`` what the scenario says of each. ``traits`` tells of a model, None
    of one that does not exist here. ``sent`` is what the body holds, once it has been read.
    """

    operation: str
    method: str
    path: str
    headers: Mapping[str, str]
    params: Mapping[str, str]
    body: bytes
    base_url: str
    caller: Caller = field(default_factory=Caller)
    query: tuple[tuple[str, str], ...] = ()
    lenient: bool = False
    dialect: DialectName = "openai"
    gateways: Gateways = USUAL
    traits: Callable[[str], Traits | None] = lambda _: Traits()
    sent: Sent | None = None


class Envelope(Struct, frozen=True):
    """What a head needs beside the reply: an id (32 hex digits), time, our own headers.

    ``length`` is that of the first frame, in bytes: the whole body unless streamed.
    ``standings`` are the rate limits, None where there are none. ``clock`` is the
    client's time, in seconds since 1970. ``gateways`` is what the scenario says of each.
    """

    request_id: str
    processing_ms: int
    length: int
    extra: Mapping[str, str]
    time_scale: float = 1.0
    standings: Standings | None = None
    clock: float = 0.0
    gateways: Gateways = USUAL


class Frames(Protocol):
    """Renders a reply to a request, or to what could not be understood."""

    def __call__(
        self, request: Request | None, reply: Reply, gateways: Gateways = ..., /
    ) -> Iterator[Frame]:
        """Make the frames lazily, one for a plain reply."""
        ...


class Brief(Struct, frozen=True):
    """What a dialect can tell quickly of chat requests that are like others before.

    ``glance`` tells what a body holds, None where that is no object. ``words`` gives the
    roles and texts of the messages in that object, None where any is more than these. ``told``
    gives what renders completions that differ from one in id, time and prompt tokens alone,
    and ``plain`` makes the head of those.
    """

    glance: Callable[[bytes], Sent | None]
    words: Callable[[Mapping[str, Any]], Sequence[tuple[Role, str]] | None]
    told: Callable[[Completion], Callable[[Completion], Frame]]
    plain: Callable[[Envelope], Head]


class Dialect(Struct, frozen=True):
    """A wire API as functions.

    ``base_path`` is what a client's base URL ends with. Paths that do not exist ``below``
    one of these are its own to refuse: the longest counts, and before one with a ``*``,
    which stands for one segment, one that names it. ``caller`` reads who asks
    off the headers. ``parse`` turns a call into a request or the provider's own refusal,
    ``misroute`` refuses a path or method that does not exist, ``oversize`` a
    body above the limit. ``head`` and ``frames`` render a reply; the frames are
    made lazily, one for a plain reply. ``mark`` is a header that tells its requests
    from those of another dialect at the same path, empty where it has none. ``variables``
    is what to tell its clients of a server, with ``{url}``, ``{base_url}`` and ``{key}``.
    ``together`` renders a reply as ``frames`` does, but may make many frames as one: for
    where nothing waits between them. ``keyless`` are the operations that need no key,
    whatever a scenario says of keys. ``brief`` is for the operation "chat".
    """

    name: DialectName
    base_path: str
    routes: tuple[Route, ...]
    caller: Callable[[Mapping[str, str]], Caller]
    parse: Callable[[Call], Request | Failure]
    misroute: Callable[[Call, frozenset[str]], Failure]
    oversize: Callable[[int], Failure]
    head: Callable[[Request | None, Reply, Envelope], Head]
    frames: Frames
    together: Frames | None = None
    below: tuple[str, ...] = ("/",)
    mark: str = ""
    keyless: frozenset[str] = frozenset()
    brief: Brief | None = None
    variables: str = "export OPENAI_BASE_URL={base_url} OPENAI_API_KEY={key}"

    def nearness(self, path: str) -> tuple[bool, ...]:
        """Tell how near a path comes to this dialect; the greater, the nearer."""
        return max((_segments(each, path) for each in self.below), default=())


def _segments(prefix: str, path: str) -> tuple[bool, ...]:
    """Tell which segments of a prefix are named, none where the path is not below it."""
    wanted, found = prefix.split("/")[:-1], path.split("/")
    pairs = zip(wanted, found, strict=False)
    if len(found) <= len(wanted) or any(name not in ("*", segment) for name, segment in pairs):
        return ()
    return tuple(name != "*" for name in wanted)


_KEY_PREFIX = "sk-mockdock-"
_SESSION = "x-mockdock-session"
_RETRIES = "x-stainless-retry-count"
_MOST_DIGITS = 6


def caller(headers: Mapping[str, str], key: str) -> Caller:
    """Tell who asks, for any dialect, once its ``key`` is known.

    The session is named by ``x-mockdock-session``, else by a key that starts
    with ``sk-mockdock-``; the attempt is one more than the retries an SDK tells.
    """
    session = headers.get(_SESSION) or (key if key.startswith(_KEY_PREFIX) else "")
    retries = headers.get(_RETRIES, "")
    told = retries.isascii() and retries.isdigit() and len(retries) <= _MOST_DIGITS
    return Caller(key, session, int(retries) + 1 if told else None)
