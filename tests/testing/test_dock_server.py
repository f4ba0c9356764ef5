"""Servers that docks share."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from mockdock import Server, StartError, UsageError
from mockdock.testing import DockServer
from tests.testing.helpers import loose, said


def test_a_server_starts_once_whoever_asks_first() -> None:
    begin = threading.Barrier(16)

    def url(server: DockServer) -> str:
        begin.wait(30)
        return server.url

    with DockServer() as server:
        assert not server.started
        assert server.verbs is server.verbs
        assert server.discreet is server.discreet
        with ThreadPoolExecutor(16) as pool:
            urls = set(pool.map(url, [server] * 16))
        assert server.started
        assert urls == {server.url}
    assert not server.started


def test_a_stopped_server_starts_again_when_it_is_asked() -> None:
    server = DockServer()
    server.stop()
    with loose(server, {"mockdock": 1, "rules": [{"reply": "x"}]}) as dock:
        assert said(dock) == "x"
        server.stop()
        assert said(dock) == "x"
    server.stop()
    server.stop()


def test_a_server_listens_where_it_is_told() -> None:
    with DockServer() as free:
        port = int(free.url.rsplit(":", 1)[1])
    with DockServer(host="127.0.0.1", port=port) as server:
        assert server.url == f"http://127.0.0.1:{port}"
        with DockServer(port=port) as other, pytest.raises(StartError, match="in use"):
            _ = other.url
        assert not other.started


def test_a_server_takes_bodies_up_to_its_limit() -> None:
    with DockServer(max_body=10) as server, loose(server) as dock:
        answer = httpx2.post(f"{dock.base_url}/chat/completions", content=b"x" * 11)
        assert answer.status_code == 413


def test_a_server_elsewhere_is_used_as_one_of_this_process() -> None:
    with Server("echo") as there, DockServer(url=there.url) as server:
        assert server.started
        with server.dock() as dock:
            dock.when(user="a").reply("Hello from there!")
            assert dock.url == there.url
            assert said(dock, "a") == "Hello from there!"
            assert dock.calls.last.reply.text == "Hello from there!"
            dock.assert_called_once(user="a")
            with pytest.raises(UsageError, match="has no application in this process"):
                _ = dock.asgi
        server.stop()
        assert httpx2.get(f"{there.base_url}/models").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"url": "http://127.0.0.1:1", "port": 5}, "has its settings; got: port"),
        ({"token": "t"}, "give its url, too"),
        ({"host": 5}, "host=5: write a name or an address"),
        ({"port": "80"}, "port='80': write a whole number, at least 0"),
        ({"max_body": 0}, "max_body=0: write a whole number, at least 1"),
    ],
)
def test_wrong_options_are_told(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        DockServer(**wrong)
