"""Servers that docks share."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from mockdock import MockDock, Server, StartError, UsageError
from mockdock.remote import RemoteVerbs
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
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = rf"127\.0\.0\.1:{port} is in use"
        with DockServer(host="127.0.0.1", port=port) as server:
            with pytest.raises(StartError, match=told):
                _ = server.url
            assert not server.started


def test_a_journal_keeps_what_it_is_told_to() -> None:
    hello = {"mockdock": 1, "rules": [{"reply": "x"}]}
    with DockServer(journal_size=2) as server, loose(server, hello) as dock:
        for text in ("a", "b", "c"):
            said(dock, text)
        assert [call.request.user for call in dock.calls] == ["b", "c"]
        assert (dock.calls.count, dock.counts().requests) == (3, 3)
    with DockServer(journal_bytes=1) as server, loose(server, hello) as dock:
        said(dock)
        assert (len(dock.calls), dock.calls.count, dock.records()) == (0, 1, [])


def test_a_server_takes_bodies_up_to_its_limit() -> None:
    with DockServer(max_body=10) as server, loose(server) as dock:
        answer = httpx2.post(f"{dock.base_url}/chat/completions", content=b"x" * 11)
        assert answer.status_code == 413


def test_a_server_elsewhere_is_used_as_one_of_this_process() -> None:
    with Server("echo") as there, DockServer(url=there.url) as server:
        assert server.started
        with MockDock(server=server) as dock:
            dock.when(user="a").reply("Hello from there!")
            assert dock.url == there.url
            assert said(dock, "a") == "Hello from there!"
            assert dock.calls.last.reply.text == "Hello from there!"
            dock.assert_called_once(user="a")
            with pytest.raises(UsageError, match="has no application in this process"):
                _ = dock.asgi
        assert server.discreet is server.verbs
        assert isinstance(server.verbs, RemoteVerbs)
        idle = server.verbs._connections._idle
        assert idle
        server.stop()
        assert not idle
        assert httpx2.get(f"{there.base_url}/models").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"url": "http://127.0.0.1:1", "port": 5}, "has its settings; got: port"),
        ({"token": "t"}, "give its url, too"),
        ({"host": 5}, "host=5: write a name or an address"),
        ({"port": "80"}, "port='80': write a whole number, at least 0"),
        ({"max_body": 0}, "max_body=0: write a whole number, at least 1"),
        ({"journal_size": 0}, "journal_size=0: write a whole number, at least 1"),
        ({"journal_bytes": "1"}, "journal_bytes='1': write a whole number, at least 1"),
        ({"url": "http://127.0.0.1:1", "journal_size": 5}, "has its settings; got: journal_size"),
    ],
)
def test_wrong_options_are_told(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        DockServer(**wrong)
