"""Servers that docks share."""

from __future__ import annotations

import os
import queue
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from mockdock import MockDock, Server, StartError, UsageError
from mockdock.errors import MockdockError
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


def test_who_asks_for_a_server_that_is_being_stopped_does_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a function of a rule may, in the very loop that the stop waits for."""
    stopping, go_on = threading.Event(), threading.Event()
    stop = Server.stop

    def slow(server: Server) -> None:
        stopping.set()
        assert go_on.wait(30)
        stop(server)

    with DockServer() as server, ThreadPoolExecutor(2) as pool:
        url = server.url
        monkeypatch.setattr(Server, "stop", slow)
        stopped = pool.submit(server.stop)
        try:
            assert stopping.wait(30)
            asked = pool.submit(lambda: (server.url, server.verbs.sessions()))
            assert asked.result(30) == (url, [])
            pool.submit(server.stop).result(30)
        finally:
            go_on.set()
        stopped.result(30)
        monkeypatch.undo()
        assert not server.started
        assert httpx2.get(f"{server.url}/v1/models").status_code == 200


FORKED = """
import os, sys, traceback
from mockdock import MockDock, UsageError
from openai import OpenAI

dock = MockDock()
with dock:
    dock.when(user="parent").reply("from the parent")
    url = dock.url
    child = os.fork()
    if not child:
        try:
            assert dock.url == url
            assert dock.rules[0].used == 0
            dock.when(user="child").reply("from the child")
            try:
                dock.respond_with(lambda request: "x")
            except UsageError as error:
                assert "need a server in this process" in str(error)
            try:
                dock.asgi
            except UsageError as error:
                assert "the server lives in its parent" in str(error)
            for text in ("parent", "child"):
                answer = OpenAI(**dock.openai).chat.completions.create(
                    model="gpt-4o", messages=[{"role": "user", "content": text}]
                )
                assert answer.choices[0].message.content == f"from the {text}"
            assert dock.calls.count == 2
            dock._session.server.discreet.sessions()
            dock._session.server.stop()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert dock.url == url
    assert dock.calls.texts == ["from the parent", "from the child"]
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no processes")
@pytest.mark.usefixtures("untraced")
def test_a_forked_process_uses_the_server_of_its_parent() -> None:
    """With all verbs: over the socket. A fork beside threads is warned of, by later Pythons."""
    options = ("-W", "ignore::DeprecationWarning", "-c", FORKED)
    ended = subprocess.run(
        [sys.executable, *options], check=False, capture_output=True, text=True, timeout=120
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_what_is_of_another_process_is_asked_over_the_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with DockServer() as server, loose(server) as dock:
        here, url = server.verbs, dock.url
        with monkeypatch.context() as patch:
            patch.setattr("mockdock.testing.server.os.getpid", lambda: -1)
            assert dock.url == url
            assert isinstance(server.verbs, RemoteVerbs)
            assert server.verbs is server.discreet
            dock.reply("from the child")
            with pytest.raises(UsageError, match="lives in its parent: use its url"):
                _ = server.app
            server.stop()
            assert said(dock) == "from the child"
        assert server.verbs is here
        assert dock.calls.texts == ["from the child"]


def test_the_ranks_are_loaded_while_the_first_request_is_on_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: queue.Queue[tuple[str, bool, str]] = queue.Queue()

    def tokenizer(encoding: str) -> None:
        thread = threading.current_thread()
        asked.put((encoding, thread.daemon, thread.name))
        raise MockdockError("the file is damaged")

    monkeypatch.setattr("mockdock.content.tokens.tokenizer", tokenizer)
    with DockServer() as server:
        assert server.verbs.sessions() == []
        assert asked.empty()
        assert server.url == server.url
        assert asked.get(timeout=30) == ("o200k_base", True, "mockdock ranks")
        assert httpx2.get(f"{server.url}/v1/models").status_code == 200
    assert asked.empty()


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("seconds", [0, 0.05, 0.2])
def test_a_process_may_end_while_ranks_are_loaded(seconds: float) -> None:
    code = f"""
import threading
from mockdock.testing import DockServer
DockServer().url
threading.Event().wait({seconds})
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("token", [None, "wrong"])
def test_a_token_that_is_not_taken_is_told_with_where_it_is_given(token: str | None) -> None:
    with (
        Server(control_token="right") as there,
        DockServer(url=there.url, token=token) as server,
        pytest.raises(UsageError, match=r"token.*; here it is token=.*--mockdock-token"),
    ):
        _ = server.verbs


def test_a_wrong_address_says_nothing_of_tokens() -> None:
    with pytest.raises(UsageError) as raised:
        _ = DockServer(url="nowhere").verbs
    assert "token" not in str(raised.value)
