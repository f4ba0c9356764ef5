"""The server in a thread, and the sockets it listens on."""

from __future__ import annotations

import json
import logging
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from mockdock import MockdockError, ScenarioError, Server, StartError
from mockdock.delivery import ManualClock
from mockdock.observe import Journal
from mockdock.sockets import bind, bind_unix
from tests.openai_types import check_completion

HELLO = {"mockdock": 1, "rules": [{"reply": "hello"}]}


def ask(server: Server) -> str:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    request = urllib.request.Request(
        f"{server.base_url}/chat/completions",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        body = json.load(answer)
    check_completion(body)
    told: str = body["choices"][0]["message"]["content"]
    return told


def test_a_server_serves_on_a_port_of_its_own_and_stops() -> None:
    before = set(threading.enumerate())
    with Server(HELLO) as one, Server(HELLO) as two:
        assert one.url != two.url
        assert one.base_url == f"{one.url}/v1"
        assert ask(one) == ask(two) == "hello"
        port = int(one.url.rsplit(":", 1)[1])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    started = set(threading.enumerate()) - before
    assert not [thread for thread in started if thread.name == "mockdock"]


def test_a_server_can_be_started_again() -> None:
    server = Server(HELLO)
    for _ in range(2):
        server.start()
        assert ask(server) == "hello"
        server.stop()
        server.stop()


def test_starting_twice_and_asking_too_early_are_told() -> None:
    server = Server(HELLO)
    with pytest.raises(StartError, match="has not been started"):
        server.base_url  # noqa: B018
    with server, pytest.raises(StartError, match="running already"):
        server.start()


def test_a_bad_scenario_is_told_before_anything_starts() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'rules'"):
        Server({"mockdock": 1, "rulez": []})


def test_a_port_in_use_is_told() -> None:
    with Server(HELLO) as server:
        port = int(server.url.rsplit(":", 1)[1])
        with pytest.raises(StartError, match=f"127.0.0.1:{port} is in use"):
            Server(HELLO, port=port).start()
        assert ask(server) == "hello"


def test_a_thread_that_dies_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The error carries the cause, and nothing is left listening."""

    async def startup(_: Any, sockets: Any = None) -> None:
        raise RuntimeError("no loop today")

    monkeypatch.setattr("uvicorn.Server.startup", startup)
    server = Server(HELLO)
    with (
        caplog.at_level(logging.CRITICAL),
        pytest.raises(StartError, match="no loop today") as told,
    ):
        server.start()
    assert isinstance(told.value.__cause__, RuntimeError)
    with pytest.raises(StartError):
        server.url  # noqa: B018


def test_nothing_listens_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a socket is made: a server that is never used costs nothing."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was made")

    monkeypatch.setattr(socket, "socket", refuse)
    before = set(threading.enumerate())
    server = Server(HELLO, control_token="secret")
    assert server.verbs.rules("")[0].name == "rule 1"
    assert set(threading.enumerate()) == before


def test_a_server_that_died_later_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asks where it is gets the reason, and it can be started again."""
    server = Server(HELLO).start()
    thread = server._thread
    assert thread is not None
    running = server._uvicorn
    assert running is not None

    async def die(**_: object) -> None:
        for one in running.servers:
            one.close()  # its loop warns of what is left open, and warnings are errors here
        raise RuntimeError("the loop broke")

    with caplog.at_level(logging.CRITICAL):
        monkeypatch.setattr(running, "shutdown", die)
        running.stop()
        thread.join(10)
    dead = r"the server died: RuntimeError\('the loop broke'\)"
    with pytest.raises(StartError, match=dead) as told:
        server.url  # noqa: B018
    assert isinstance(told.value.__cause__, RuntimeError)
    with pytest.raises(StartError, match=dead):
        server.base_url  # noqa: B018
    with pytest.raises(StartError, match=dead):
        server.verbs.url  # noqa: B018
    with server:
        assert ask(server) == "hello"


def test_a_thread_that_ended_by_itself_is_told() -> None:
    server = Server(HELLO).start()
    assert server._uvicorn is not None
    assert server._thread is not None
    server._uvicorn.stop()
    server._thread.join(10)
    with pytest.raises(StartError, match="the server died: its thread ended"):
        server.url  # noqa: B018
    server.stop()


def test_the_wait_for_a_start_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()
    go_on = threading.Event()

    async def startup(_: Any, sockets: Any = None) -> None:
        begun.set()
        go_on.wait(10)
        raise SystemExit(3)

    monkeypatch.setattr("uvicorn.Server.startup", startup)
    monkeypatch.setattr("mockdock.server._START_SECONDS", 0.01)
    monkeypatch.setattr("mockdock.server._STOP_SECONDS", 0.0)
    monkeypatch.setattr(logging.getLogger("mockdock"), "disabled", True)
    server = Server(HELLO)
    with pytest.raises(StartError, match=r"did not start: not ready after 0\.01 s"):
        server.start()
    assert begun.is_set()
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "mockdock":
            thread.join(10)


def test_a_journal_can_be_given() -> None:
    journal = Journal(most=1)
    with Server(HELLO, journal=journal) as server:
        ask(server)
        ask(server)
        assert [entry.number for entry in journal.entries()] == [2]
        assert server.verbs.counts("").requests == 2


def test_the_control_api_hides_what_the_process_itself_may_see() -> None:
    with Server(HELLO) as server:
        body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}'
        key = {"content-type": "application/json", "authorization": "Bearer sk-live-secret"}
        request = urllib.request.Request(f"{server.base_url}/chat/completions", body, key)
        with urllib.request.urlopen(request, timeout=10):
            pass
        (inside,) = server.verbs.journal("")
        with urllib.request.urlopen(f"{server.url}/__mockdock/journal", timeout=10) as answer:
            told = answer.read().decode()
        assert inside["request"]["headers"]["authorization"] == "Bearer sk-live-secret"
        assert "sk-live-secret" not in told
        assert json.loads(told)["records"][0]["request"]["headers"]["host"] in server.url


def test_a_control_token_guards_the_control_api() -> None:
    with Server(HELLO, control_token="secret") as server:
        where = f"{server.url}/__mockdock/rules"
        with pytest.raises(urllib.error.HTTPError, match="401") as refused:
            urllib.request.urlopen(where, timeout=10)
        refused.value.close()
        known = urllib.request.Request(where, headers={"authorization": "Bearer secret"})
        with urllib.request.urlopen(known, timeout=10) as answer:
            assert json.load(answer)["rules"][0]["name"] == "rule 1"
        assert ask(server) == "hello"
    with pytest.raises(MockdockError, match="visible ASCII"):
        Server(HELLO, control_token="")


def test_the_options_of_a_server() -> None:
    """Seed, otherwise and the body limit reach the application."""
    with Server(seed=1, otherwise="echo", max_body=200) as server:
        assert ask(server) == "hi"
        assert server.app.max_body == 200
        assert server.app.engine.seed == 1


def has_ipv6_loopback() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6_loopback(), reason="this machine has no IPv6 loopback")
def test_an_ipv6_address_is_bracketed() -> None:
    with Server(HELLO, host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert ask(server) == "hello"


@pytest.mark.parametrize(("host", "port"), [("256.1.1.1", 0), ("127.0.0.1", 70000)])
def test_an_impossible_address_is_told(host: str, port: int) -> None:
    with pytest.raises(StartError, match="cannot listen on"):
        bind(host, port)


def test_an_empty_host_does_not_mean_everywhere() -> None:
    with pytest.raises(StartError, match="the host is empty"):
        bind("", 0)


def test_a_reply_that_has_not_begun_is_turned_away_in_the_providers_words() -> None:
    """When the server stops, the client is told to come back, not shown a foreign 500."""
    clock = ManualClock()
    slow = {"mockdock": 1, "rules": [{"reply": {"text": "a", "pacing": {"ttft": "1h"}}}]}
    answers: list[Any] = []
    with Server(slow, clock=clock) as server:

        def wait() -> None:
            try:
                ask(server)
            except urllib.error.HTTPError as error:
                answers.append((error.code, json.load(error)["error"]["type"]))

        waiter = threading.Thread(target=wait)
        waiter.start()
        while not clock.waiting():
            assert waiter.is_alive()
        server.stop()
        waiter.join(10)
    assert answers == [(503, "server_error")]


def test_an_offer_of_http_2_does_not_cost_the_body() -> None:
    """The JDK's client and ``curl --http2`` make it with every first request."""
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}]}).encode()
    with Server(HELLO) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nConnection: Upgrade, "
                b"HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
                b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
                % (len(body), body)
            )
            answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"content": "hello"' in answer


def test_a_client_that_leaves_an_unpaced_stream_is_noticed() -> None:
    """What is left of a long stream is not made for nobody."""
    long = {"mockdock": 1, "rules": [{"reply": "word " * 30_000}]}
    seen: list[Any] = []
    done = threading.Event()
    with Server(long, observers=[seen.append, lambda _: done.set()]) as server:
        host, port = server.url.removeprefix("http://").split(":")
        message = {"role": "user", "content": "x"}
        body = json.dumps({"model": "m", "stream": True, "messages": [message]}).encode()
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: "
                b"application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
            )
            client.recv(100)
        assert done.wait(20)
    assert seen[0].outcome.ending == "client_left"
    assert seen[0].outcome.frames < 30_000


def test_a_unix_socket_in_use_or_not_a_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with bind_unix(path), pytest.raises(StartError, match=r"is in use.*--uds"):
        bind_unix(path)
    other = tmp_path / "file"
    other.write_text("precious")
    with pytest.raises(MockdockError, match="is there already, and is no socket"):
        bind_unix(other)
    assert other.read_text() == "precious"


def test_a_dead_servers_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    bind_unix(path).close()
    assert path.exists()
    bind_unix(path).close()


def test_stopping_does_not_wait_for_idle_or_waiting_clients(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A kept connection is closed without a word, a reply under way is cut off."""
    clock = ManualClock()
    slow = {"mockdock": 1, "rules": [{"reply": {"text": "a b", "pacing": {"ttft": "1h"}}}]}
    with Server(slow, clock=clock) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with (
            socket.create_connection((host, int(port))) as idle,
            socket.create_connection((host, int(port))) as waiting,
        ):
            idle.sendall(b"GET /v1/models/gpt-4o HTTP/1.1\r\nhost: x\r\n\r\n")
            assert idle.recv(9) == b"HTTP/1.1 "
            body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}]})
            waiting.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
                b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
                % (len(body), body.encode())
            )
            while not clock.waiting():
                assert server.url
            server.stop()
            told = [record.getMessage() for record in caplog.records]
    assert any("Cancel 1 running task" in text for text in told)
    assert not any("Traceback" in text or "Exception" in text for text in told)


def test_stopping_with_only_idle_clients_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with Server(HELLO) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as idle:
            idle.sendall(b"GET /v1/models/gpt-4o HTTP/1.1\r\nhost: x\r\n\r\n")
            assert idle.recv(9) == b"HTTP/1.1 "
            server.stop()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
