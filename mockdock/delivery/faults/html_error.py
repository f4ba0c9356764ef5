"""A proxy in front of the API answers with a page of its own."""

from __future__ import annotations

from http import HTTPStatus

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, instead
from mockdock.fault import Fault
from mockdock.frames import Frame, Head

__all__ = ["html_error"]

_STATUS = 502
_PHRASES = {
    408: "Request Time-out",
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    416: "Requested Range Not Satisfiable",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
"""What nginx calls otherwise than HTTP does."""


def html_error(plan: Plan, fault: Fault) -> Plan:
    """Answer with ``status``, else 502, and a page as nginx makes it; nothing of the API's."""
    status = _STATUS if fault.status is None else fault.status
    page = _page(_title(status))
    headers = (
        (b"server", b"nginx"),
        (b"content-type", b"text/html"),
        (b"content-length", b"%d" % len(page)),
    )
    return replace(plan, head=Head(status, headers), timed=instead(plan, Frame(page)), stream=False)


def _title(status: int) -> str:
    if status in _PHRASES:
        return f"{status} {_PHRASES[status]}"
    known = next((each.phrase for each in HTTPStatus if each == status), "")
    return f"{status} {known}".rstrip()


def _page(title: str) -> bytes:
    lines = (
        "<html>",
        f"<head><title>{title}</title></head>",
        "<body>",
        f"<center><h1>{title}</h1></center>",
        "<hr><center>nginx</center>",
        "</body>",
        "</html>",
        "",
    )
    return "\r\n".join(lines).encode()
