"""``mockdock replay``: a client that failed once fails the same way again, byte for byte."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import openai
import pytest
from msgspec.structs import replace
from openai import OpenAI

from mockdock import Server, UsageError
from mockdock.cli import replaying as replaying_module
from mockdock.cli.replaying import Replay, ReplayOptions, replay_record
from mockdock.delivery import ManualClock, ScaledClock
from mockdock.errors import MockdockError, StartError
from mockdock.fault import SPOILS
from mockdock.local.verbs import LocalVerbs
from mockdock.observe.recorded import recorded
from mockdock.scenario.faults import FAULT_NAMES
from tests.acceptance.conftest import process
from tests.delivery.wires import PATIENCE, eventually, read, serving, told

OPTIONS = ReplayOptions("127.0.0.1", 0, 1.0, None)
KEY = "sk-abcdefghijklmnopqrstuvwxyz"
REPLY = {"text": "Grüße aus Köln, und 7 mehr."}


def asked(*, stream: bool = False, text: str = "hi") -> bytes:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "stream": stream}
    raw = json.dumps(body).encode()
    return b"POST /v1/chat/completions HTTP/1.1\r\nhost: t\r\ncontent-length: %d\r\n\r\n%s" % (
        len(raw),
        raw,
    )


def answered(address: tuple[str, int], request: bytes) -> tuple[Any, str]:
    """Send a request, and give what came back until the other side has ended or is silent."""
    with closing(socket.create_connection(address, PATIENCE)) as connection:
        connection.sendall(request.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1))
        answer = told(*read(connection))
    return (answer.status, answer.headers, answer.body), answer.ending


def of_server(server: Server) -> tuple[str, int]:
    host, port = server.url.removeprefix("http://").split(":")
    return host, int(port)


def replaying(record: Mapping[str, Any], said: list[str] | None = None) -> Any:
    lines = [] if said is None else said
    app: Any = Replay(recorded(record), ScaledClock(0), lines.append)
    return serving(app)


def in_json(verbs: LocalVerbs, number: int = -1) -> dict[str, Any]:
    """Give a record as it comes out of a file."""
    read_back: dict[str, Any] = json.loads(json.dumps(verbs.journal(None)[number]))
    return read_back


CUTS: list[Any] = [
    *(name for name in FAULT_NAMES if name not in SPOILS and name != "reset"),
    {"type": "truncate", "after": {"tokens": 3}, "end": "rst"},
    {"type": "truncate", "inside": "character"},
    {"type": "reset", "after": {"bytes": 20}},
    {"type": "wrong_content_length", "by": -3},
    {"type": "html_error", "status": 504},
]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", CUTS, ids=str)
def test_a_replay_is_the_same_on_the_wire(fault: Any, stream: bool) -> None:
    """Status, headers, every byte past the head, and how the connection ended."""
    stalled = fault == "stall"
    faults = [{"type": "stall", "for": "1s"}] if stalled else [fault]
    scenario = {"mockdock": 1, "rules": [{"reply": {**REPLY, "faults": faults}}]}
    with Server(scenario, time_scale=0) as server:
        first = answered(of_server(server), asked(stream=stream))
        record = in_json(server.verbs)
    said: list[str] = []
    with replaying(record, said) as running:
        again = answered(running.address, asked(stream=stream, text="anything else"))
    assert again == first
    assert said == [each for each in said if "POST /v1/chat/completions" in each]
    assert len(said) == 1


def test_where_the_client_had_left_the_reply_stands_still() -> None:
    clock = ManualClock()
    paced = {**REPLY, "pacing": {"ttft": "1s", "itl": "1s"}}
    with Server({"mockdock": 1, "rules": [{"reply": paced}]}, clock=clock) as server:
        with closing(socket.create_connection(of_server(server), PATIENCE)) as connection:
            connection.sendall(asked(stream=True))
            assert eventually(lambda: clock.waiting() > 0)
            clock.advance(2)
            part = b""
            while b"data: " not in part:
                part += connection.recv(65536)
        assert server.verbs.wait("", 1, PATIENCE)
        record = in_json(server.verbs)
    assert record["outcome"]["ending"] == "client_left"
    assert record["outcome"]["moments"][-1] > 0
    with replaying(record) as running:
        with closing(socket.create_connection(running.address, PATIENCE)) as connection:
            connection.sendall(asked(stream=True))
            heard = b""
            while heard.count(b"data: ") < record["outcome"]["frames"]:
                heard += connection.recv(65536)
            connection.settimeout(0.05)
            with pytest.raises(TimeoutError):
                connection.recv(1)
        assert eventually(running.at_rest)


def test_moments_are_those_of_the_recording() -> None:
    clock = ManualClock()
    record = {
        "number": 1,
        "method": "POST",
        "path": "/",
        "status": 200,
        "stream": True,
        "faults": ["stall"],
        "reply": {"headers": {}, "chunks": ["a", "b", {"base64": "/w=="}]},
        "outcome": {
            "ending": "cut",
            "frames": 3,
            "bytes": 3,
            "raw": None,
            "alone": [0],
            "moments": [0.0, 5.0, 5.0],
            "cut": {"end": "fin", "gate": None, "for": 0, "at": 9.0},
        },
    }
    app: Any = Replay(recorded(record), clock, lambda _: None)
    with (
        serving(app) as running,
        closing(socket.create_connection(running.address, PATIENCE)) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nhost: t\r\n\r\n")
        heard = b""
        for wanted, seconds in ((b"1\r\na\r\n", 5), (b"2\r\nb\xff\r\n", 4)):
            while not heard.endswith(wanted):
                heard += connection.recv(1000)
            assert eventually(lambda: clock.waiting() > 0)
            clock.advance(seconds)
        assert connection.recv(1000) == b""


def journal(path: Path, *records: Mapping[str, Any]) -> str:
    path.write_text("".join(f"{json.dumps(each)}\n" for each in records), encoding="utf-8")
    return str(path)


def test_the_command_serves_a_record_until_it_is_stopped(tmp_path: Path) -> None:
    faults = [{"type": "truncate", "after": {"tokens": 3}}]
    scenario = {"mockdock": 1, "rules": [{"reply": {**REPLY, "faults": faults}}]}
    with Server(scenario) as server:
        answered(of_server(server), asked(stream=True))
        record = in_json(server.verbs)
    older = {**record, "status": 201}
    path = journal(tmp_path / "j.jsonl", older, {**record, "number": 2}, record)
    with process("replay", path, "1", "--port", "0") as running:
        url = running.base_url
        running.wait_for("to any request: #1 POST /v1/chat/completions 200")
        running.wait_for("2 records have the number 1; the last is served", errors=True)
        with OpenAI(base_url=url, api_key="any", max_retries=0) as client:
            stream = client.chat.completions.create(
                model="other", messages=[{"role": "user", "content": "x"}], stream=True
            )
            with pytest.raises(openai.APIConnectionError):
                list(stream)
        running.wait_for("cut by truncate after ")
        assert running.stop() == 0


def test_a_record_of_a_running_server_is_replayed(tmp_path: Path) -> None:
    with Server({"mockdock": 1, "rules": [{"reply": "Hello."}]}) as server:
        answered(of_server(server), asked())
        answered(of_server(server), asked(text="again"))
        with process("replay", server.url, "2", "--port", "0", cwd=tmp_path) as running:
            with OpenAI(base_url=running.base_url, api_key="any", max_retries=0) as client:
                answer = client.chat.completions.create(
                    model="x", messages=[{"role": "user", "content": "x"}]
                )
            assert answer.choices[0].message.content == "Hello."
            assert running.stop() == 0


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/chat/completions", "export OPENAI_BASE_URL={}/v1 OPENAI_API_KEY=mockdock"),
        ("/openai/v1/chat/completions",
         "export AZURE_OPENAI_ENDPOINT={} AZURE_OPENAI_API_KEY=mockdock"),
        ("/openai/us/v1/chat/completions",
         "export LANGDOCK_API_KEY=mockdock  # and base_url={}/openai/eu/v1"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
def test_who_asked_is_told_where_to_ask_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, told: str, *, old: bool
) -> None:
    """In the words of ``serve``, for the dialect of the exchange; an old record has its path."""
    with Server({"mockdock": 1, "rules": [{"reply": "Hello."}]}) as server:
        answered(of_server(server), asked().replace(b"/v1/chat/completions", path.encode(), 1))
        record = in_json(server.verbs)
    if old:
        del record["dialect"]
    said: list[str] = []
    monkeypatch.setattr(replaying_module, "_say", said.append)
    monkeypatch.setattr(replaying_module, "run", lambda _, listener, __: listener.close())
    replay_record(journal(tmp_path / "j.jsonl", record), 1, OPTIONS)
    url = said[0].removeprefix("mockdock replay \u00b7 ")
    url = url.removesuffix("/openai/eu/v1").removesuffix("/v1")
    assert said[1] == told.format(url)


def test_a_record_that_is_not_there_is_told(tmp_path: Path) -> None:
    with Server({"mockdock": 1, "rules": [{"reply": "Hello."}]}) as server:
        answered(of_server(server), asked())
        record = in_json(server.verbs)
        with pytest.raises(UsageError, match=f"{server.url}: there is no record 9"):
            replay_record(server.url, 9, OPTIONS)
    path = journal(tmp_path / "j.jsonl", record)
    with pytest.raises(UsageError, match="there is no record 2"):
        replay_record(path, 2, OPTIONS)
    with pytest.raises(MockdockError, match="No such file"):
        replay_record(str(tmp_path / "none.jsonl"), 1, OPTIONS)
    with pytest.raises(StartError, match="--time-scale"):
        replay_record(path, 1, replace(OPTIONS, time_scale=-1))


def test_a_hidden_secret_is_told_and_the_length_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = [{"reply": f"My key is {KEY}, really."}]
    with Server({"mockdock": 1, "rules": rules}) as server:
        answered(of_server(server), asked())
        hidden = LocalVerbs(server.app, lambda: "", secrets=False)
        record = in_json(hidden)
        assert recorded(in_json(server.verbs)).exact
    assert not recorded(record).exact
    with replaying(record) as running:
        (status, headers, body), ending = answered(running.address, asked())
    assert (status, ending) == ("HTTP/1.1 200 OK", "fin")
    assert int(headers["content-length"]) == len(body)
    assert "[redacted]" in json.loads(body)["choices"][0]["message"]["content"]
    path = journal(tmp_path / "j.jsonl", record)
    with process("replay", path, "1", "--port", "0") as command:
        command.wait_for("record 1: a secret is hidden in it", errors=True)
