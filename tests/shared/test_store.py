"""What only the shared store has: ways to reach it, and what keeps others out."""

from __future__ import annotations

import importlib
import socket
import sys
from collections.abc import Iterator

import pytest

from mockdock.engine.store import Step
from mockdock.errors import StoreError, UsageError
from mockdock.shared import Link, RedisStore
from tests.stores import AtOnce, Redis


def seen(url: str) -> int:
    """Decide one step at an address, and leave."""
    store = RedisStore(Link(url, patience=5.0))
    try:
        return AtOnce(store).decide(Step("s", "r")).seen
    finally:
        store.link.close()


@pytest.fixture
def locked(doomed: Redis) -> Iterator[Redis]:
    """Run a Redis that wants a password."""
    store = RedisStore(Link(doomed.url(), patience=5.0))
    assert store.link._direct.command(b"CONFIG", b"SET", b"requirepass", b"hunter2") == b"OK"
    yield doomed
    store.link.close()


def test_a_password_is_given(locked: Redis) -> None:
    assert seen(f"unix://:hunter2@{locked.path}") == 1
    assert seen(f"unix://default:hunter2@{locked.path}") == 2


@pytest.mark.parametrize(
    ("given", "said"), [("", "Authentication required"), (":hunter3@", "invalid username-password")]
)
def test_a_wrong_password_is_told_and_not_shown(locked: Redis, given: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as caught:
        seen(f"unix://{given}{locked.path}")
    assert "hunter" not in str(caught.value)


def test_a_store_is_reached_over_tcp_too(doomed: Redis) -> None:
    store = RedisStore(Link(doomed.url("mine"), patience=5.0))
    store.link._direct.command(b"CONFIG", b"SET", b"bind", b"127.0.0.1")
    port = _listening(store)
    assert [seen(f"redis://127.0.0.1:{port}/0?namespace=mine") for _ in range(2)] == [1, 2]
    assert seen(f"redis://127.0.0.1:{port}/1?namespace=mine") == 1
    assert AtOnce(store).decide(Step("s", "r")).seen == 3
    store.link.close()


def _listening(store: RedisStore) -> int:
    """Let Redis listen on a port that is free, and give it."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        try:
            store.link._direct.command(b"CONFIG", b"SET", b"port", b"%d" % port)
        except StoreError:
            continue
        return port


def test_nobody_listening_is_told_with_the_place() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        where = rf"redis://127\.0\.0\.1:{port}/0 does not answer: .*refused"
        with pytest.raises(StoreError, match=where):
            seen(f"redis://me:hunter2@127.0.0.1:{port}")


def test_the_client_of_redis_is_asked_for_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "redis"]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.startswith("mockdock.shared")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(UsageError, match=r"pip install 'mockdock\[redis\]'"):
        importlib.import_module("mockdock.shared")
