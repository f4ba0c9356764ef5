"""Who may use the control API, and who may not."""

from __future__ import annotations

import pytest

from mockdock.errors import UsageError
from tests.observe.control import HERE, NEAR, Control

LOCAL = ("host", "localhost:8080")
TOKEN = "s3cret-token"
BEARER = ("authorization", f"Bearer {TOKEN}")
FAR = ("192.0.2.7", 50000)
Headers = list[tuple[str, str]]


@pytest.fixture(scope="module")
def open_control() -> Control:
    return Control()


@pytest.fixture(scope="module")
def closed_control() -> Control:
    return Control(TOKEN)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.8.7", "::1", "::ffff:127.0.0.1"])
def test_peers_of_this_machine_may_use_it(open_control: Control, peer: str) -> None:
    answer = open_control.ask("GET", "/health", headers=[LOCAL], client=(peer, 50000))
    assert (answer.status, answer.json) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    "peer", ["192.0.2.7", "10.0.0.1", "0.0.0.0", "2001:db8::1", "::ffff:192.0.2.7", "::", "", "x"]
)
def test_other_peers_are_told_about_the_token(open_control: Control, peer: str) -> None:
    answer = open_control.ask("GET", "/health", headers=[LOCAL], client=(peer, 50000))
    assert answer.status == 403
    assert "Authorization: Bearer TOKEN" in answer.error["message"]


@pytest.mark.parametrize("server", [None, ("/run/mockdock.sock", None)])
def test_a_unix_socket_is_of_this_machine(
    open_control: Control, server: tuple[str, None] | None
) -> None:
    answer = open_control.ask("GET", "/health", headers=[LOCAL], client=None, server=server)
    assert answer.status == 200


def test_a_tcp_peer_that_hung_up_is_not_taken_for_a_unix_socket(open_control: Control) -> None:
    """Its address is not known any more, but what it sent is still read."""
    answer = open_control.ask("POST", "/reset", headers=[LOCAL], client=None, server=HERE)
    assert answer.status == 403


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "[::1]"]
)
def test_hosts_that_name_this_machine_pass(open_control: Control, host: str) -> None:
    assert open_control.ask("GET", "/health", headers=[("host", host)]).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("host", "")],
        [("host", "evil.example")],
        [("host", "evil.example:8080")],
        [("host", "localhost.evil.example")],
        [("host", "127.0.0.1.evil.example")],
        [("host", "192.0.2.7:8080")],
        [("host", "127.0.0.1:8080/x")],
        [("host", "[::1")],
        [("host", "localhost"), ("host", "evil.example")],
    ],
)
def test_a_name_made_to_point_here_is_refused(open_control: Control, headers: Headers) -> None:
    """DNS rebinding: the page's own host name resolves to 127.0.0.1."""
    answer = open_control.ask("GET", "/rules", headers=headers)
    assert answer.status == 403
    assert "Host" in answer.error["message"]


@pytest.mark.parametrize("name", ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"])
def test_who_comes_through_a_proxy_is_not_of_this_machine(open_control: Control, name: str) -> None:
    answer = open_control.ask("GET", "/health", headers=[LOCAL, (name, "192.0.2.7")])
    assert answer.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        [("origin", "https://evil.example")],
        [("origin", "null")],
        [("origin", "http://localhost:3000")],
        [("origin", "https://localhost:8080")],
        [("origin", "http://localhost:8080"), ("origin", "https://evil.example")],
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_pages_of_another_origin_are_refused(
    open_control: Control, closed_control: Control, method: str, headers: Headers
) -> None:
    """With the token as without it, and without a word a browser could take for a yes."""
    for control in (open_control, closed_control):
        answer = control.ask(method, "/rules", headers=[LOCAL, BEARER, *headers])
        assert answer.status == 403
        assert "web pages" in answer.error["message"]
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "header", [("origin", "http://localhost:8080"), ("sec-fetch-site", "same-origin"),
               ("sec-fetch-site", "none")]
)  # fmt: skip
def test_our_own_origin_may_read(open_control: Control, header: tuple[str, str]) -> None:
    assert open_control.ask("GET", "/openapi.json", headers=[LOCAL, header]).status == 200


def test_a_preflight_gets_no_permission(open_control: Control) -> None:
    answer = open_control.ask("OPTIONS", "/rules", headers=[LOCAL])
    assert answer.status == 405
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("authorization", "Bearer wrong")],
        [("authorization", f"Bearer {TOKEN}x")],
        [("authorization", f"Basic {TOKEN}")],
        [("authorization", TOKEN)],
        [("x-mockdock-token", "")],
        [("authorization", "Bearer s\xe9cret")],
    ],
)
@pytest.mark.parametrize("peer", [NEAR, FAR, None])
def test_with_a_token_nobody_passes_without_it(
    closed_control: Control, headers: Headers, peer: tuple[str, int] | None
) -> None:
    answer = closed_control.ask("GET", "/health", headers=[LOCAL, *headers], client=peer)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "Authorization: Bearer TOKEN" in answer.error["message"]
    assert TOKEN not in answer.raw.decode()


@pytest.mark.parametrize(
    "header", [BEARER, ("authorization", f"bearer  {TOKEN} "), ("x-mockdock-token", TOKEN)]
)
@pytest.mark.parametrize("peer", [NEAR, FAR])
def test_with_the_token_everybody_passes(
    closed_control: Control, header: tuple[str, str], peer: tuple[str, int]
) -> None:
    headers = [("host", "mock.example"), header]
    assert closed_control.ask("GET", "/health", headers=headers, client=peer).status == 200


def test_paths_that_do_not_exist_are_guarded_too(open_control: Control) -> None:
    assert open_control.ask("GET", "/nothing", headers=[LOCAL], client=FAR).status == 403


@pytest.mark.parametrize("token", ["", " ", "two words", "line\nbreak", "schlüssel"])
def test_what_cannot_be_a_token_is_told(token: str) -> None:
    with pytest.raises(UsageError, match="visible ASCII"):
        Control(token)
