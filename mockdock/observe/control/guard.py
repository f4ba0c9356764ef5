"""Who may use the control API: this machine, or who knows the token; no web page."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mockdock.observe.control.refused import Refused
from mockdock.observe.control.token import check_token

__all__ = ["Guard"]

Scope = Mapping[str, Any]

_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(?::\d*)?")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_OWN_PAGES = ("none", "same-origin")
_HOW = (
    "start the server with a control token, and send it with each request as the header "
    "Authorization: Bearer TOKEN"
)


class Guard:
    """Lets requests pass, or refuses them.

    Without a token, peers of this machine may pass whose ``Host`` names this
    machine too: a page whose name was made to point here sends another. With a
    token, who sends it may pass. Pages of another origin never may.
    """

    def __init__(self, token: str | None) -> None:
        if token is not None:
            check_token(token)
        self._token = None if token is None else token.encode()

    def check(self, scope: Scope) -> None:
        """Raise Refused for a request that may not pass."""
        _check_page(scope)
        if self._token is not None:
            self._check_token(self._token, scope)
        elif not _is_near(scope):
            raise Refused(
                403,
                "access",
                f"the control API serves this machine only; to use it from another {_HOW}",
            )
        elif not _names_us(scope):
            raise Refused(
                403,
                "access",
                "the header Host names no loopback address: write http://127.0.0.1 or "
                f"http://localhost in the URL, or {_HOW}",
            )

    def _check_token(self, token: bytes, scope: Scope) -> None:
        given = [*_values(scope, "x-mockdock-token"), *_bearers(scope)]
        if not any(hmac.compare_digest(token, one) for one in given):
            wrong = "this is not the token of" if given else "a token is needed for"
            raise Refused(
                401,
                "access",
                f"{wrong} the control API; send the header Authorization: Bearer TOKEN "
                "(commands of mockdock do with --token or MOCKDOCK_CONTROL_TOKEN)",
                headers={"www-authenticate": 'Bearer realm="mockdock"'},
            )


def _check_page(scope: Scope) -> None:
    """Refuse what a browser sends for a page that is not ours."""
    hosts = list(_values(scope, "host"))
    own = scope.get("scheme", "http").encode() + b"://" + (hosts[0] if hosts else b"")
    strange = any(origin.lower() != own.lower() for origin in _values(scope, "origin"))
    sites = [site.decode("latin-1") for site in _values(scope, "sec-fetch-site")]
    if strange or any(site not in _OWN_PAGES for site in sites):
        raise Refused(
            403,
            "access",
            "the control API answers no web pages of another origin; use curl, "
            "the mockdock command or Python",
        )


def _is_near(scope: Scope) -> bool:
    """Whether the peer is a process of this machine, and speaks for itself."""
    if any(True for name in _FORWARDED for _ in _values(scope, name)):
        return False
    client, server = scope.get("client"), scope.get("server")
    if client is None:
        # A Unix socket has no port. A TCP peer that hung up at once has no address either.
        return server is None or server[1] is None
    return _is_loopback(client[0])


def _names_us(scope: Scope) -> bool:
    hosts = [host.decode("latin-1") for host in _values(scope, "host")]
    if len(hosts) != 1 or (found := _HOST.fullmatch(hosts[0])) is None:
        return False
    name = found[1].removeprefix("[").removesuffix("]")
    return name.lower() == "localhost" or _is_loopback(name)


def _is_loopback(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _values(scope: Scope, name: str) -> Iterator[bytes]:
    wanted = name.encode()
    return (value for key, value in scope["headers"] if key.lower() == wanted)


def _bearers(scope: Scope) -> Iterator[bytes]:
    for value in _values(scope, "authorization"):
        scheme, _, token = value.partition(b" ")
        if scheme.lower() == b"bearer":
            yield token.strip()
