"""Every fault, byte by byte over a socket, under both parsers of HTTP."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, get_args

import pytest

from mockdock.delivery import FAULTS
from mockdock.fault import OPTIONS, PLAIN_ONLY, SPOILS, STREAM_ONLY, After, Fault, FaultName
from tests.delivery.wires import (
    BODY,
    ERROR,
    EVENTS,
    STREAM,
    Parser,
    Running,
    Sick,
    Told,
    ask,
    chunk,
    descriptors,
    eventually,
    patiently,
    serving,
)

OK = "HTTP/1.1 200 OK"
PLAIN = {"content-type": "application/json", "content-length": str(len(BODY))}
EVENT = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
END = b"0\r\n\r\n"
HALF = len(BODY) // 2
ROLE, FIRST, SECOND, FINISH, DONE = EVENTS


@dataclass(frozen=True)
class Row:
    """A fault, and every byte a client sees of it."""

    fault: Fault
    stream: bool
    body: bytes
    ending: Literal["fin", "rst"] | None = None  # None: the reply is whole, and HTTP ends it
    status: str = OK
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        options = [str(value) for value in (self.fault.after, self.fault.inside) if value]
        return "-".join([self.fault.name, "stream" if self.stream else "plain", *options])


def page(title: str) -> bytes:
    """Write a page as nginx 1.x does (ngx_http_special_response.c)."""
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


def nginx(title: str) -> dict[str, str]:
    length = str(len(page(title)))
    return {"server": "nginx", "content-type": "text/html", "content-length": length}


def plain(fault: Fault, body: bytes = BODY, **row: object) -> Row:
    return Row(fault, False, body, **{"headers": PLAIN, **row})  # type: ignore[arg-type]


def stream(fault: Fault, body: bytes, **row: object) -> Row:
    return Row(fault, True, body, **{"headers": EVENT, **row})  # type: ignore[arg-type]


def nothing(fault: Fault, ending: str) -> list[Row]:
    return [
        Row(fault, each, b"", ending, "", {})  # type: ignore[arg-type]
        for each in (False, True)
    ]


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


CHUNKED = {"content-type": "application/json", "transfer-encoding": "chunked"}
ZIPPED = {"content-encoding": "gzip"}
HTML = {"content-type": "text/html; charset=utf-8"}
TEXT = {"content-type": "text/plain"}
HERE = {"location": "/v1/chat/completions", "content-length": "0"}
U_UMLAUT = BODY.index("ü".encode())

ROWS = [
    *nothing(Fault("connection_refused", lasts=5.0), "rst"),
    *nothing(Fault("accept_and_close", lasts=5.0), "fin"),
    *nothing(Fault("connection_reset"), "rst"),
    *nothing(Fault("empty_response"), "fin"),
    plain(Fault("connection_reset", After(bytes=20)), BODY[:20], ending="rst"),
    stream(Fault("connection_reset", After(tokens=1)), chunk(ROLE + FIRST), ending="rst"),
    # Finite moments are all due at time scale 0: the same bytes, without a wait.
    plain(Fault("stall", lasts=5.0)),
    stream(Fault("stall", lasts=5.0), chunk(STREAM) + END),
    plain(Fault("stall", After(bytes=20), lasts=5.0)),
    plain(Fault("bandwidth", rate=100.0)),
    stream(Fault("bandwidth", rate=100.0), chunk(STREAM) + END),
    plain(Fault("slicer", size=10)),
    stream(
        Fault("slicer", size=100),
        chunk(*(piece for event in EVENTS for piece in pieces(event, 100))) + END,
    ),
    plain(Fault("truncate"), BODY[:HALF], ending="fin"),
    plain(Fault("truncate", reset=True), BODY[:HALF], ending="rst"),
    plain(Fault("truncate", After(bytes=0)), b"", ending="fin"),
    plain(Fault("truncate", After(tokens=1)), BODY[:HALF], ending="fin"),
    stream(Fault("truncate"), chunk(STREAM[: len(STREAM) // 2]), ending="fin"),
    stream(Fault("truncate", After(tokens=1), reset=True), chunk(ROLE + FIRST), ending="rst"),
    stream(Fault("truncate", After(tokens=0)), b"", ending="fin"),
    stream(Fault("truncate", After(chunks=3)), chunk(ROLE + FIRST + SECOND), ending="fin"),
    stream(Fault("truncate", After(bytes=17)), chunk(STREAM[:17]), ending="fin"),
    stream(Fault("truncate", After(bytes=len(STREAM))), chunk(STREAM), ending="fin"),
    stream(Fault("truncate", After(tokens=99)), chunk(STREAM) + END),
    stream(Fault("truncate", After(tokens=99), inside="string"), chunk(STREAM) + END),
    plain(Fault("truncate", After(bytes=0), inside="string"), b'{"', ending="fin"),
    plain(Fault("truncate", After(bytes=5), inside="string"), b'{"id":"', ending="fin"),
    plain(Fault("truncate", After(bytes=8), inside="string"), b'{"id":"c', ending="fin"),
    plain(Fault("truncate", After(bytes=len(BODY) - 2), inside="string"), BODY[:-2], ending="fin"),
    plain(
        Fault("truncate", After(bytes=0), inside="character"), BODY[: U_UMLAUT + 1], ending="fin"
    ),
    plain(
        Fault("truncate", After(bytes=len(BODY) - 9), inside="character"), BODY[:-9], ending="fin"
    ),
    plain(
        Fault("wrong_content_length"),
        ending="fin",
        headers={**PLAIN, "content-length": str(len(BODY) + 1)},
    ),
    plain(
        Fault("wrong_content_length", by=-5),
        ending="fin",
        headers={**PLAIN, "content-length": str(len(BODY) - 5)},
    ),
    plain(
        Fault("wrong_content_length", by=-(10**6)),
        ending="fin",
        headers={**PLAIN, "content-length": "0"},
    ),
    # RFC 9112, section 7.1: a chunk begins with its size in hex digits, which "zz" are not.
    plain(Fault("malformed_chunk"), chunk(BODY[:HALF]) + b"zz\r\n", ending="fin", headers=CHUNKED),
    stream(
        Fault("malformed_chunk", After(tokens=1)), chunk(ROLE + FIRST) + b"zz\r\n", ending="fin"
    ),
    stream(Fault("malformed_chunk", After(tokens=0)), b"zz\r\n", ending="fin"),
    stream(Fault("malformed_chunk", After(tokens=99)), chunk(STREAM) + END),
    plain(Fault("wrong_content_type"), headers={**PLAIN, **HTML}),
    stream(Fault("wrong_content_type"), chunk(STREAM) + END, headers={**EVENT, **HTML}),
    plain(Fault("wrong_content_type", content_type="text/plain"), headers={**PLAIN, **TEXT}),
    *(
        Row(
            Fault("html_error", status=status),
            each,
            page(title),
            status=f"HTTP/1.1 {line}",
            headers=nginx(title),
        )
        for each in (False, True)
        for status, line, title in (
            (None, "502 Bad Gateway", "502 Bad Gateway"),
            (504, "504 Gateway Timeout", "504 Gateway Time-out"),
            (520, "520 ", "520"),
        )
    ),
    *(
        Row(
            Fault("redirect"),
            each,
            b"",
            status="HTTP/1.1 307 Temporary Redirect",
            headers=HERE,
        )
        for each in (False, True)
    ),
    plain(
        Fault("redirect", status=302, location="https://example.org/v1"),
        b"",
        status="HTTP/1.1 302 Found",
        headers={"location": "https://example.org/v1", "content-length": "0"},
    ),
    plain(Fault("false_gzip"), headers={**PLAIN, **ZIPPED}),
    stream(Fault("false_gzip"), chunk(STREAM) + END, headers={**EVENT, **ZIPPED}),
    plain(Fault("invalid_json"), BODY[:HALF], headers={**PLAIN, "content-length": str(HALF)}),
    plain(
        Fault("invalid_json", After(bytes=len(BODY))),
        BODY[:-1],
        headers={**PLAIN, "content-length": str(len(BODY) - 1)},
    ),
    plain(Fault("invalid_json", After(tokens=99))),
    stream(
        Fault("invalid_json"),
        chunk(ROLE + FIRST[: 6 + len(FIRST[6:-2]) // 2] + b"\n\n" + SECOND + FINISH + DONE) + END,
    ),
    stream(Fault("invalid_json", After(tokens=99)), chunk(STREAM) + END),
    stream(Fault("invalid_json", After(chunks=5)), chunk(STREAM) + END),
    plain(Fault("empty_body"), b"", headers={**PLAIN, "content-length": "0"}),
    stream(Fault("empty_body"), END),
    # The rest is for events: https://html.spec.whatwg.org/multipage/server-sent-events.html
    stream(Fault("crlf"), chunk(STREAM.replace(b"\n", b"\r\n")) + END),
    stream(
        Fault("comments"),
        chunk(b"".join(b":\n\n: keep-alive\n" + event for event in EVENTS)) + END,
    ),
    stream(Fault("coalesce", size=2), chunk(ROLE + FIRST, SECOND + FINISH, DONE) + END),
    stream(Fault("coalesce"), chunk(ROLE + FIRST + SECOND, FINISH + DONE) + END),
    stream(
        Fault("error_event", After(tokens=1)),
        chunk(ROLE + FIRST + b"data: " + ERROR + b"\n\n") + END,
    ),
    stream(Fault("error_event"), chunk(ROLE + b"data: " + ERROR + b"\n\n") + END),
    stream(Fault("error_event", After(tokens=99)), chunk(STREAM) + END),
    stream(Fault("missing_done"), chunk(ROLE + FIRST + SECOND + FINISH) + END),
    stream(Fault("double_done"), chunk(STREAM + DONE) + END),
    stream(Fault("duplicate_chunk"), chunk(ROLE + FIRST + FIRST + SECOND + FINISH + DONE) + END),
    stream(
        Fault("duplicate_chunk", After(tokens=1)),
        chunk(ROLE + FIRST + SECOND + SECOND + FINISH + DONE) + END,
    ),
    stream(Fault("duplicate_chunk", After(tokens=99)), chunk(STREAM) + END),
    stream(Fault("duplicate_chunk", After(chunks=5)), chunk(STREAM) + END),
    stream(Fault("reordered_chunk"), chunk(ROLE + SECOND + FIRST + FINISH + DONE) + END),
    stream(Fault("reordered_chunk", After(chunks=4)), chunk(STREAM) + END),
    stream(Fault("reordered_chunk", After(chunks=5)), chunk(STREAM) + END),
    stream(Fault("reordered_chunk", After(chunks=6)), chunk(STREAM) + END),
]


@pytest.fixture(scope="module", params=["httptools", "h11"])
def parser(request: pytest.FixtureRequest) -> Parser:
    found: Parser = request.param
    return found


@pytest.fixture(scope="module")
def sick() -> Sick:
    return Sick()


@pytest.fixture(scope="module")
def server(parser: Parser, sick: Sick) -> Iterator[Running]:
    with serving(sick, parser) as running:
        yield running


Break = Callable[..., Told]


@pytest.fixture
def broken(server: Running, sick: Sick) -> Iterator[Break]:
    """Let faults strike one request; afterwards the server is as healthy as before."""
    assert eventually(server.at_rest)
    before = descriptors()
    sick.outcomes.clear()

    def strike(*faults: Fault, stream: bool, whole: bool = False) -> Told:
        sick.faults = faults
        return ask(server, stream=stream, close=whole)

    yield strike
    for each in (False, True):
        healthy = patiently(partial(ask, server, stream=each, close=True))
        assert healthy.body == (chunk(STREAM) + END if each else BODY)
    assert eventually(server.at_rest)
    assert eventually(lambda: descriptors() == before)


def test_the_middle_of_the_stream_is_in_its_second_event() -> None:
    """As the rows about a fault without a place take for granted."""
    assert len(ROLE) < len(STREAM) // 2 < len(ROLE + FIRST)


def test_every_fault_has_its_rows() -> None:
    for name in FAULTS:
        kinds = {row.stream for row in ROWS if row.fault.name == name}
        if name == "split":  # where it cuts is drawn: a test of its own
            continue
        assert True in kinds or name in PLAIN_ONLY, name
        assert False in kinds or name in STREAM_ONLY, name


def test_each_name_is_made_on_the_wire_or_by_the_engine() -> None:
    names = set(get_args(FaultName))
    assert set(FAULTS) | SPOILS == names == set(OPTIONS)
    assert not set(FAULTS) & SPOILS


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_bytes_of_a_fault(row: Row, broken: Break, sick: Sick) -> None:
    whole = row.ending is None
    told = broken(row.fault, stream=row.stream, whole=whole)
    headers = {**row.headers, "connection": "close"} if whole else row.headers
    assert told == Told(row.status, headers, row.body, row.ending or "fin")
    outcome = sick.outcomes[0]
    assert outcome.ending == ("completed" if whole else "cut")
    if not row.stream and row.headers is not CHUNKED:
        assert outcome.sent == len(row.body)


@pytest.mark.parametrize("name", sorted(STREAM_ONLY))
def test_a_plain_reply_is_left_alone_by_faults_of_events(name: FaultName, broken: Break) -> None:
    told = broken(Fault(name), stream=False, whole=True)
    assert told == Told(OK, {**PLAIN, "connection": "close"}, BODY, "fin")


@pytest.mark.parametrize("name", sorted({*PLAIN_ONLY, *SPOILS}))
def test_a_stream_is_left_alone_by_what_is_none_of_its_faults(
    name: FaultName, broken: Break
) -> None:
    told = broken(Fault(name), stream=True, whole=True)
    assert told == Told(OK, {**EVENT, "connection": "close"}, chunk(STREAM) + END, "fin")


def test_split_events_come_in_two_segments_each(broken: Break) -> None:
    told = broken(Fault("split"), stream=True, whole=True)
    again = broken(Fault("split"), stream=True, whole=True)
    assert told == again, "the seed decides where"
    parts = dechunked(told.body)
    pairs = [first + second for first, second in zip(parts[::2], parts[1::2], strict=True)]
    assert tuple(pairs) == EVENTS
    assert all(parts)


def dechunked(body: bytes) -> list[bytes]:
    parts = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        assert rest[length : length + 2] == b"\r\n"
        parts.append(rest[:length])
        body = rest[length + 2 :]
    assert parts.pop() == b""
    return parts


@pytest.mark.parametrize(
    ("faults", "stream", "body", "ending"),
    [
        (
            (Fault("crlf"), Fault("truncate", After(chunks=1))),
            True,
            chunk(ROLE.replace(b"\n", b"\r\n")),
            "fin",
        ),
        (
            (Fault("double_done"), Fault("coalesce", size=3), Fault("missing_done")),
            True,
            chunk(ROLE + FIRST + SECOND) + END,
            None,
        ),
        (
            (Fault("slicer", size=50), Fault("truncate", After(bytes=120), reset=True)),
            False,
            BODY[:120],
            "rst",
        ),
        ((Fault("html_error"), Fault("crlf"), Fault("missing_done")), True, None, None),
        (
            (Fault("truncate", After(bytes=9)), Fault("bandwidth"), Fault("slicer", size=4)),
            False,
            BODY[:9],
            "fin",
        ),
        (
            (Fault("wrong_content_length", by=3), Fault("slicer", size=64)),
            False,
            BODY,
            "fin",
        ),
        ((Fault("malformed_chunk"), Fault("wrong_content_length")), False, None, "fin"),
        ((Fault("empty_response"), Fault("truncate")), True, b"", "fin"),
        ((Fault("stall", lasts=9.0), Fault("connection_reset")), False, b"", "rst"),
    ],
)
def test_faults_compose_in_the_order_given(
    faults: tuple[Fault, ...], stream: bool, body: bytes | None, ending: str | None, broken: Break
) -> None:
    told = broken(*faults, stream=stream, whole=ending is None)
    if faults[0].name == "html_error":
        body = page("502 Bad Gateway")
    if faults[0].name == "malformed_chunk":  # there is no length to lie about any more
        body = chunk(BODY[:HALF]) + b"zz\r\n"
    assert (told.body, told.ending) == (body, ending or "fin")


@pytest.mark.parametrize("fault", [Fault("truncate"), Fault("wrong_content_length")])
def test_a_reply_to_head_has_no_body_to_break(
    fault: Fault, server: Running, sick: Sick, broken: Break
) -> None:
    sick.faults = (fault,)
    told = ask(server, method="HEAD")
    assert (told.status, told.body, told.ending) == (OK, b"", "fin")


def test_a_server_that_has_seen_every_fault_holds_nothing_of_them(
    server: Running, sick: Sick
) -> None:
    """Not even what a collector of garbage would find: it does not run."""
    assert eventually(server.at_rest)
    gc.collect()
    gc.disable()
    try:
        before = alive()
        for row in ROWS:
            sick.faults = (row.fault,)
            patiently(partial(ask, server, stream=row.stream, close=row.ending is None))
        assert eventually(server.at_rest)
        assert eventually(lambda: alive() == before)
    finally:
        gc.enable()


def alive() -> Counter[str]:
    """Count what a request and its faults are made of."""
    names = (type(each).__name__ for each in gc.get_objects())
    return Counter(name for name in names if name in MADE)


MADE = {"Plan", "Wire", "RequestResponseCycle", "HttpWire", "H11Wire", "Frame", "Raw", "Cut"}
