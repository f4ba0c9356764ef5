"""Replies that leave as a whole: the very bytes they have in two steps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from mockdock.delivery import Client, deliver, wire_of
from mockdock.delivery.wire import Wire
from mockdock.frames import Frame, Head
from tests.delivery.wires import BODY, Sick, read, request, serving

_DATE = re.compile(rb"\r\ndate: [^\r]*")
JSON = (b"content-type", b"application/json")


@dataclass
class Plain(Sick):
    """Answers with a ``head`` and a body, as a whole or in steps, and counts what left whole."""

    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = (JSON,)
    whole: bool = True
    written: list[bool] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer any request."""
        while (await receive()).get("more_body"):
            pass
        length = (b"content-length", b"%d" % len(self.body))
        frame, wire = Frame(self.body, 2), wire_of(scope)
        assert wire is not None
        await deliver(
            Head(self.status, (*self.headers, length)),
            iter([(0.0, frame)]),
            clock=self.clock,
            client=Client(receive, self.clock),
            send=send,
            record=self.outcomes.append,
            wire=self._noted(wire),
            sole=frame if self.whole else None,
        )

    def _noted(self, wire: Wire) -> Any:
        app = self

        class Noted:
            def reply(self, head: Head, body: bytes) -> bool:
                app.written.append(wire.reply(head, body))
                return app.written[-1]

        return Noted()


def said(app: Plain, *asked: bytes, parser: Any = "httptools", **options: Any) -> bytes:
    """Send requests at once and give all that comes back, but the date."""
    with serving(app, parser, **options) as server, server.connect() as connection:
        connection.sendall(b"".join(asked))
        return _DATE.sub(b"", read(connection)[0])


LAST = request(close=True)
OLD = b"POST /v1 HTTP/1.0\r\ncontent-length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ([request(), LAST], [True, False]),
        ([request(), request(), request(), LAST], [True, True, True, False]),
        ([request(method="HEAD"), LAST], [False, False]),
        ([OLD], [False]),
    ],
)
def test_a_reply_that_leaves_whole_is_what_it_is_in_two_steps(
    asked: list[bytes], written: list[bool]
) -> None:
    at_once, in_steps = Plain(), Plain(whole=False)
    assert said(at_once, *asked) == said(in_steps, *asked)
    assert at_once.written == written
    assert in_steps.written == []
    assert at_once.outcomes == in_steps.outcomes


@pytest.mark.parametrize(
    ("status", "headers", "written"),
    [
        (429, (JSON, (b"x-empty", b""), (b"x-tab", b"a\tb")), True),
        (503, (JSON, (b"x-latin", "gr\u00fc\u00dfe".encode("latin-1"))), True),
        (200, (JSON, (b"connection", b"close")), False),
        (200, (JSON, (b"x-broken", b"a\r\nb: c")), False),
        (200, (JSON, (b"x-broken", b"a\x00")), False),
    ],
)
def test_heads_that_leave_whole_are_what_they_are_in_two_steps(
    status: int, headers: tuple[tuple[bytes, bytes], ...], written: bool
) -> None:
    at_once = Plain(status=status, headers=headers)
    in_steps = Plain(status=status, headers=headers, whole=False)
    asked = (request(), LAST)
    assert said(at_once, *asked) == said(in_steps, *asked)
    assert at_once.written[0] is written


def test_a_reply_leaves_in_two_steps_where_uvicorn_writes_a_line_of_it() -> None:
    """With the log of accesses, and by h11, which has to know what leaves."""
    for options in ({"access_log": True}, {"parser": "h11"}):
        app = Plain()
        told = said(app, request(), LAST, **options)
        assert told.count(BODY) == 2
        assert app.written == [False, False]
