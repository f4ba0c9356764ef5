"""What gateways know of accounts: seeded, in a file, after a restart, and after the worst."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from mockdock import MockDock, Server
from mockdock.delivery import ManualClock
from mockdock.errors import LedgerError
from mockdock.ledger import Ledger, Span
from mockdock.ledger import books as module
from mockdock.testing import DockServer
from tests.acceptance.conftest import Serve, process

ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
HISTORY = {"days": 5, "per_day": 20, "users": ["Ann"]}
SEEDED = {
    "mockdock": 1,
    "rules": [{"reply": "Hello!"}],
    "langdb": {
        "project": "demo",
        "threads": [{"id": "t", "title": "Trip", "ago": "3d"}],
        "models": [{"model_name": "m", "owner_name": "acme", "input_token_price": 1e-5}],
        "prices": {"demo": {"openai/gpt-4o": {"per_input_token": 1, "per_output_token": 2}}},
        "history": HISTORY,
    },
}
NOW = 1_738_152_000
DAY = 86_400
PATIENCE = 30.0
EVER = Span(0, 10**17)


@contextmanager
def client(url: str, **headers: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers={"x-project-id": "demo", **headers}) as made:
        yield made


def threads(made: httpx.Client) -> list[dict[str, Any]]:
    reply = made.post("/threads", json={"limit": 1000, "offset": 0})
    found: list[dict[str, Any]] = reply.json()["data"]
    return found


def requests(made: httpx.Client) -> int:
    told = made.post("/analytics/summary", json={"start_time_us": 0, "groupBy": ["provider"]})
    return sum(group["total_requests"] for group in told.json()["summary"])


def chat(made: httpx.Client, **body: Any) -> dict[str, Any]:
    reply = made.post("/v1/chat/completions", json={**ASKED, **body})
    assert reply.status_code == 200, reply.text
    told: dict[str, Any] = reply.json()
    return told


def kept(path: Path) -> int:
    with Ledger(path) as ledger:
        found = ledger.summary("0/demo", EVER, ["provider"])
    return sum(group.figures.total_requests for group in found)


def test_a_seeded_account_can_be_asked_called_priced_and_listed(serve: Serve) -> None:
    with client(serve(SEEDED).url) as made:
        assert chat(made, model="m")["model"] == "acme/m"
        assert chat(made, model="m")["usage"]["cost"] == pytest.approx(8e-5)
        assert chat(made)["usage"]["cost"] == pytest.approx(8e-6 + 4e-6)
        assert "acme/m" in {each["id"] for each in made.get("/models").json()["data"]}
        prices = {each["model"]: each["price"] for each in made.get("/pricing").json()}
        assert (prices["m"]["per_input_token"], prices["gpt-4o"]["per_input_token"]) == (10, 1)
        found = threads(made)
        assert "Trip" in {each["title"] for each in found}
        assert len(found) > 20
        assert requests(made) > 50


def test_a_reset_brings_the_seeds_back_and_nothing_else(serve: Serve) -> None:
    server = serve(SEEDED)
    with client(server.url) as made, client(server.url, **{"x-mockdock-session": "a"}) as other:
        before = requests(made)
        chat(made)
        assert requests(made) == before + 1
        assert requests(other) == before
        server.verbs.reset(None)
        assert requests(made) == before
        chat(made)
        server.verbs.reset("")
        assert (requests(made), requests(other)) == (before, before)


def test_the_past_is_before_the_clock_of_the_session(serve: Serve) -> None:
    clock = ManualClock(NOW)
    with client(serve(SEEDED, clock=clock).url) as made:
        found = threads(made)
        assert max(each["created_at"] for each in found) <= "2025-01-29T12:00:00"
        assert min(each["created_at"] for each in found) >= "2025-01-24T12:00:00"
        (trip,) = [each for each in found if each["id"] == "t"]
        assert trip["created_at"] == "2025-01-26T12:00:00.000000Z"


def test_sowing_is_no_part_of_what_a_reply_takes(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(NOW)
    monkeypatch.setattr(module, "_sow", slowly(module._sow, lambda: clock.advance(100)))
    said = {**SEEDED, "langdb": {"project": "demo", "threads": [{}]}}
    with client(serve(said, clock=clock).url) as made:
        chat(made)
        told = made.post("/analytics/summary", json={"groupBy": ["provider"]}).json()["summary"]
    assert clock.time() == NOW + 100
    assert [group["duration"] for group in told] == [0.0]


def slowly(function: Callable[..., Any], wait: Callable[[], object]) -> Callable[..., Any]:
    def waited(*arguments: Any) -> Any:
        wait()
        return function(*arguments)

    return waited


def test_others_are_answered_while_seeds_are_sown(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        assert go_on.wait(PATIENCE)

    monkeypatch.setattr(module, "_sow", slowly(module._sow, wait))
    server = serve(SEEDED)
    told: list[int] = []
    with client(server.url) as made, httpx.Client(base_url=server.url) as other:
        asking = threading.Thread(target=lambda: told.append(requests(made)))
        asking.start()
        assert begun.wait(PATIENCE)
        assert chat(other)["choices"][0]["message"]["content"] == "Hello!"
        assert not told
        go_on.set()
        asking.join()
    assert told[0] > 50


def test_a_dock_has_the_past_of_its_scenario() -> None:
    with DockServer() as server, MockDock(server=server) as dock:
        dock.load(SEEDED)
        headers = {"authorization": f"Bearer {dock.api_key}"}
        with client(dock.url_for("langdb").removesuffix("/v1"), **headers) as made:
            assert requests(made) > 50
            dock.reset()
            assert requests(made) > 50


def test_a_file_outlives_the_server(tmp_path: Path, serve: Serve) -> None:
    path = tmp_path / "a.db"
    counts = []
    for _ in range(2):
        with Server(SEEDED, data=path) as server, client(server.url) as made:
            counts.append(requests(made))
            chat(made)
            assert requests(made) == counts[-1] + 1
            with pytest.raises(LedgerError, match=r"a\.db: the ledger is in use"):
                serve(SEEDED, data=path)
    assert counts[1] == counts[0] + 1
    assert kept(path) == counts[0] + 2
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.db"]


def test_a_server_that_starts_again_has_its_file_again_and_else_nothing(tmp_path: Path) -> None:
    for data, rest in ((None, 0), (tmp_path / "a.db", 1)):
        server = Server(data=data)
        for expected in (0, rest):
            with server, client(server.url) as made:
                assert requests(made) == expected
                chat(made)


def test_a_reset_reaches_a_file_that_is_not_open(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    server = Server(data=path)
    with server, client(server.url) as made:
        chat(made)
    server.verbs.reset(None)
    assert kept(path) == 0


def test_a_file_that_is_no_ledger_is_told_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_text("This is not a database at all, but long enough to look like one." * 20)
    server = Server(data=path)
    with pytest.raises(LedgerError, match=r"a\.db: this is not a ledger"):
        server.start()
    path.unlink()
    with server, client(server.url) as made:
        chat(made)


@pytest.mark.parametrize("name", ["", "pipe"])
def test_what_is_no_file_is_no_ledger(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LedgerError, match=r"a ledger is a file, and this is none"):
        Server(data=tmp_path / name).start()


def test_a_reset_that_the_disk_refuses_is_told(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    server = serve()
    with client(server.url) as made:
        chat(made)
        monkeypatch.setattr("mockdock.ledger.store.put", full)
        answer = made.post("/__mockdock/reset")
        monkeypatch.undo()
    assert answer.status_code == 500
    assert answer.json()["error"]["message"] == "the ledger: database or disk is full"


def test_nothing_is_left_open(tmp_path: Path) -> None:
    before = threading.enumerate()  # other tests have ledgers of their own
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for data in (None, tmp_path / "a.db"):
            with Server(SEEDED, data=data) as server, client(server.url) as made:
                chat(made)
    left = [each for each in threading.enumerate() if each not in before]
    assert "mockdock ledger" not in {each.name for each in left}


def test_serve_keeps_accounts_in_a_file_and_a_changed_scenario_sows_what_is_new(
    tmp_path: Path,
) -> None:
    path, data = tmp_path / "live.json", tmp_path / "a.db"
    path.write_text(json.dumps(SEEDED))
    options = ("--port", "0", "--reload", "--data", str(data))
    with process("serve", str(path), *options) as server:
        server.wait_for(f"accounts are kept in {data}")
        url = server.base_url.removesuffix("/v1")
        with client(url) as made:
            chat(made)
            before = requests(made)
            server.wait_for("watching")
            more = [{"id": "t", "title": "Trip", "ago": "3d"}, {"title": "Another"}]
            changed = {**SEEDED, "langdb": {**SEEDED["langdb"], "threads": more}}  # type: ignore[dict-item]
            fresh = tmp_path / "fresh"
            fresh.write_text(json.dumps(changed))
            fresh.replace(path)  # at once: half a file is no scenario
            server.wait_for("reloaded")
            titles = [each["title"] for each in threads(made)]
            assert (titles.count("Trip"), titles.count("Another")) == (1, 1)
            assert requests(made) == before
        assert server.stop() == 0
        assert server.errors == []
    assert kept(data) == before
    with process("serve", str(path), *options) as server:
        with client(server.base_url.removesuffix("/v1")) as made:
            assert requests(made) == before
        assert server.stop() == 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_is_killed_has_lost_no_exchange_that_a_client_saw_the_end_of(
    tmp_path: Path, *, stream: bool
) -> None:
    """Sixteen clients ask as fast as they can; SIGKILL comes in the midst of it, three times."""
    data = tmp_path / "a.db"
    seen: list[str] = []
    for life in range(3):
        with process(
            "serve", "--quiet", "--port", (port := free_port()), "--data", str(data)
        ) as one:
            reached = len(seen) + 300
            with ExitStack() as stack:
                asking = [
                    threading.Thread(
                        target=flood, args=(int(port), f"{life}-{number}", seen, stream)
                    )
                    for number in range(16)
                ]
                for each in asking:
                    each.start()
                    stack.callback(each.join)
                deadline = time.monotonic() + PATIENCE
                while len(seen) < reached and time.monotonic() < deadline:
                    time.sleep(0.005)
                one.popen.kill()
            assert len(seen) >= reached
            one.ended()
    with Ledger(data) as ledger:
        found = {group.tag_tuple[0] for group in ledger.summary("0/demo", EVER, ["label"])}
    assert len(seen) == len(set(seen))
    assert set(seen) <= found


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def flood(port: int, name: str, seen: list[str], stream: bool) -> None:
    """Ask until the server is gone, and note what was answered to the last byte."""
    body = json.dumps({**ASKED, "stream": stream}).encode()
    connection = connected(port)
    with connection, connection.makefile("rb") as replies:
        for number in range(10**9):
            label = f"{name}-{number}"
            head = (
                "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-project-id: demo\r\n"
                f"x-label: {label}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\n\r\n"
            )
            try:
                connection.sendall(head.encode() + body)
                whole = read(replies)
            except OSError:
                return
            if not whole:
                return
            seen.append(label)


def connected(port: int) -> socket.socket:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def read(replies: Any) -> bool:
    """Read a reply, and tell whether all of it came."""
    status = replies.readline()
    length = None
    while (line := replies.readline()) not in (b"\r\n", b""):
        name, _, value = line.lower().partition(b":")
        if name == b"content-length":
            length = int(value)
    if not status:
        return False
    assert b" 200 " in status
    if length is not None:
        return len(replies.read(length)) == length
    while size := replies.readline():
        count = int(size, 16) + 2
        if len(replies.read(count)) < count:
            return False
        if count == 2:
            return True
    return False
