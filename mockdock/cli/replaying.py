"""``mockdock replay``: one exchange of a journal, served again byte for byte."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from msgspec import Struct

from mockdock.cli.banner import exported
from mockdock.cli.reading import complain, read_journal
from mockdock.delivery import Client, Clock, ScaledClock, deliver, wire_of
from mockdock.dialects import DIALECTS, Dialect
from mockdock.errors import StartError, UsageError
from mockdock.frames import Outcome
from mockdock.host import run
from mockdock.observe.broken import how_it_ended
from mockdock.observe.recorded import Recorded, recorded
from mockdock.remote import RemoteVerbs
from mockdock.sockets import bind

__all__ = ["Replay", "ReplayOptions", "replay_record"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Record = Mapping[str, Any]

_GRACE = 0.0
_KEY = "mockdock"
_PATH = 60


class ReplayOptions(Struct, frozen=True):
    """The options of ``mockdock replay``; without a time scale it is that of the record."""

    host: str
    port: int
    time_scale: float | None
    token: str | None


def replay_record(source: str, number: int, options: ReplayOptions) -> None:
    """Serve a record of a journal file (- for stdin) or of a server, until SIGINT or SIGTERM.

    Raises MockdockError when there is none, or it cannot be served.
    """
    record = _found(source, number, options.token)
    reply = recorded(record)
    given = options.time_scale
    try:
        clock = ScaledClock(reply.time_scale if given is None else given)
    except ValueError as error:
        raise StartError(f"--time-scale: {error}") from error
    listener = bind(options.host, options.port)
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    dialect = _spoken(record)
    base_url = f"{url}{dialect.base_path}"
    if not reply.exact:
        complain(f"record {number}: a secret is hidden in it; these are not all the bytes sent")
    _say(f"mockdock replay \u00b7 {base_url}")
    _say(exported(dialect, url, _KEY))
    _say(f"to any request: {reply.told}")
    run(Replay(reply, clock, _say), listener, _GRACE)


class Replay:
    """Gives a recorded reply to any request, as an ASGI application.

    ``say`` gets a line for each.
    """

    def __init__(self, reply: Recorded, clock: Clock, say: Callable[[str], None]) -> None:
        self._reply = reply
        self._clock = clock
        self._say = say

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        arrived = self._clock.now()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            more = message.get("more_body", False)
        await deliver(
            self._reply.head,
            ((arrived + due, item) for due, item in self._reply.timed),
            clock=self._clock,
            client=Client(receive, self._clock),
            send=send,
            record=lambda outcome: self._tell(scope, outcome),
            wire=wire_of(scope),
        )

    async def turn_away(self, send: Send) -> None:
        """Say nothing to whom a server that stops cannot serve any more."""

    def _tell(self, scope: Scope, outcome: Outcome) -> None:
        path = "".join(each if each.isprintable() else "?" for each in scope["path"][:_PATH])
        faults = self._reply.faults
        ended = how_it_ended(outcome.ending, outcome.frames, faults, stream=self._reply.stream)
        clock = time.strftime("%H:%M:%S", time.localtime())
        sent = f"{outcome.frames} chunk{'s' * (outcome.frames != 1)}, {outcome.sent} bytes"
        told = f"{clock} {scope['method']} {path} {self._reply.head.status} {sent} {ended}"
        self._say(told.rstrip())


def _found(source: str, number: int, token: str | None) -> Record:
    """Find a record by its number; of several the last."""
    if source.startswith(("http://", "https://")):
        found = RemoteVerbs(source, token).journal(None, after=number - 1, limit=1)
    else:
        found = [dict(each) for each in read_journal(source) if each.get("number") == number]
    found = [each for each in found if each.get("number") == number]
    if not found:
        raise UsageError(f"{source}: there is no record {number}")
    if len(found) > 1:
        complain(f"{source}: {len(found)} records have the number {number}; the last is served")
    return found[-1]


def _spoken(record: Record) -> Dialect:
    """Tell which dialect an exchange came in by, by its path where the record is too old to say."""
    for each in DIALECTS:
        if each.name == record.get("dialect"):
            return each
    return max(DIALECTS, key=lambda each: each.nearness(str(record["path"])))


def _say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
