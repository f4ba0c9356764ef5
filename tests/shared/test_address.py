"""Addresses of stores: what they mean, and what is said of wrong ones, without their secrets."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.errors import UsageError
from mockdock.shared.address import Address


@pytest.mark.parametrize(
    ("url", "where", "prefix", "options"),
    [
        (
            "redis://localhost",
            "redis://localhost:6379/0",
            "mockdock:1:",
            {"host": "localhost", "port": 6379, "db": 0},
        ),
        (
            "redis://10.0.0.1:7000/3?namespace=team-a",
            "redis://10.0.0.1:7000/3",
            "team-a:1:",
            {"host": "10.0.0.1", "port": 7000, "db": 3},
        ),
        (
            " redis://me:s%40cret@[::1]/ ",
            "redis://[::1]:6379/0",
            "mockdock:1:",
            {"host": "::1", "port": 6379, "db": 0, "username": "me", "password": "s@cret"},
        ),
        (
            "rediss://:pw@cache.example?ssl_ca_certs=/etc/ca.pem",
            "rediss://cache.example:6379/0",
            "mockdock:1:",
            {
                "host": "cache.example",
                "port": 6379,
                "db": 0,
                "ssl_ca_certs": "/etc/ca.pem",
                "password": "pw",
            },
        ),
        (
            "unix:///run/redis.sock?db=2&namespace=x",
            "unix:///run/redis.sock?db=2",
            "x:1:",
            {"path": "/run/redis.sock", "db": 2},
        ),
    ],
)
def test_an_address_is_read(url: str, where: str, prefix: str, options: dict[str, Any]) -> None:
    address = Address.parse(url)
    assert (address.where, address.prefix) == (where, prefix)
    assert address.options == {"protocol": 2, **options}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("localhost:6379", "begins with redis://, rediss:// .TLS. or unix://, not 'localhost'"),
        ("", "begins with redis://"),
        ("http://localhost", "not 'http'"),
        ("redis://[::1", "IPv6 address in brackets"),
        ("redis://host:port", "port between 1 and 65535"),
        ("redis://host:0", "port between 1 and 65535"),
        ("redis://host:70000", "port between 1 and 65535"),
        ("redis://host/zero", "database by its number, such as 0, not 'zero'"),
        ("redis://host/-1", "database by its number"),
        ("redis://host/99999999999", "database by its number"),
        ("redis://host?namespace=", "namespace of up to 100 letters"),
        ("redis://host?namespace=a:b", "not 'a:b'"),
        ("redis://host?timeout=3", "no option 'timeout'; there are: namespace"),
        ("redis://host?db=3", "no option 'db'"),
        ("rediss://host?x=3", "there are: namespace, ssl_ca_certs, ssl_certfile, ssl_keyfile"),
        ("redis://host?ssl_ca_certs=x", "begins with rediss:// where it has ssl_ca_certs"),
        ("redis://host?namespace=a&namespace=b", "each option once, and not 'namespace' twice"),
        ("redis://host#x", "no part after #"),
        ("unix://run/redis.sock", "three slashes"),
        ("unix:///", "three slashes"),
        ("unix:///run/redis.sock?db=x", "database by its number"),
    ],
)
def test_a_wrong_address_is_told_with_what_would_be_right(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Address.parse(url)
    assert "redis://localhost:6379/0?namespace=mockdock" in str(caught.value)


@pytest.mark.parametrize("sign", ["", "/", "?", "#", "@", ":", "[", "1/", "1?", "1#", "%"])
@pytest.mark.parametrize("rest", ["@host:6379/0", "@host:x/0", "@host/y", "@host?z=1", "@host#f"])
def test_no_message_tells_a_password(sign: str, rest: str) -> None:
    """Also where signs in it were not written as they must be."""
    url = f"redis://user:{sign}hunter2{rest}"
    try:
        address = Address.parse(url)
        said = f"{address.where} {address!r}"
    except UsageError as error:
        said = str(error)
    assert "hunter" not in said
