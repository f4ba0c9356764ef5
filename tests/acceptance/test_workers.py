"""``mockdock serve --workers``: several processes on one address, and how they end."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.acceptance.conftest import process
from tests.acceptance.crew import ask, crew, eventually, lives, needs_proc, only, workers_of

pytestmark = needs_proc

SLOW = """\
mockdock: 1
rules: [{reply: {text: one two three, pacing: {ttft: 300ms, itl: 100ms}}}]
"""
FOREVER = "mockdock: 1\nrules: [{reply: {text: one two, pacing: {itl: 1h}}}]\n"


def test_every_worker_answers_and_the_banner_comes_once() -> None:
    with crew(3, "quickstart") as (server, pids):
        for pid in pids:
            with only(pid, pids):
                assert ask(server.base_url).json()["choices"][0]["message"]["content"]
        assert server.stop() == 0
        assert not any(map(lives, pids))
        assert server.errors == []
        assert sum("OPENAI_BASE_URL" in line for line in server.lines) == 1
        assert sum(line.startswith("3 workers, ") for line in server.lines) == 1
        assert sum("greeting" in line and " 200 " in line for line in server.lines) == 3


def test_one_worker_is_as_without() -> None:
    with process("serve", "quickstart", "--port", "0", "--workers", "1") as server:
        assert ask(server.base_url).status_code == 200
        assert workers_of(server.popen.pid) == []
        assert server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_replies_end_and_then_all_processes(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "slow.yaml").write_text(SLOW)
    with crew(2, "slow.yaml", cwd=tmp_path) as (server, pids):
        url = f"{server.base_url}/chat/completions"
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
        with httpx.stream("POST", url, json=body) as stream:
            lines = stream.iter_lines()
            next(lines)
            server.popen.send_signal(number)
            assert [line for line in lines if line][-1] == "data: [DONE]"
        assert server.ended() == 0
        assert not any(map(lives, pids))


def test_ctrl_c_in_a_terminal_reaches_the_workers_once(tmp_path: Path) -> None:
    """It goes to all processes of the group, and the parent tells the workers as well."""
    (tmp_path / "slow.yaml").write_text(SLOW)
    with crew(2, "slow.yaml", cwd=tmp_path) as (server, pids):
        url = f"{server.base_url}/chat/completions"
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
        with httpx.stream("POST", url, json=body) as stream:
            lines = stream.iter_lines()
            next(lines)
            for pid in (*pids, server.popen.pid):
                os.kill(pid, signal.SIGINT)
            assert [line for line in lines if line][-1] == "data: [DONE]"
        assert server.ended() == 0


def test_a_second_signal_does_not_wait_for_replies(tmp_path: Path) -> None:
    (tmp_path / "forever.yaml").write_text(FOREVER)
    with crew(2, "forever.yaml", "--grace", "600", cwd=tmp_path) as (server, pids):
        url = f"{server.base_url}/chat/completions"
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
        with httpx.stream("POST", url, json=body) as stream:
            lines = stream.iter_lines()
            next(lines)
            server.popen.send_signal(signal.SIGTERM)
            eventually(lambda: sum(map(lives, pids)) == 1)  # the other had nothing to wait for
            assert server.stop() == 0
        assert not any(map(lives, pids))


def test_a_worker_that_is_killed_is_told_and_another_takes_its_place() -> None:
    with crew(2, "quickstart") as (server, pids):
        for pid in pids:
            with only(pid, pids):
                assert ask(server.base_url).status_code == 200
        os.kill(pids[0], signal.SIGKILL)
        told = server.wait_for("was ended by SIGKILL", errors=True)
        assert (
            told == f"mockdock: the worker {pids[0]} was ended by SIGKILL; another begins in 0.1 s"
        )
        eventually(lambda: len(workers_of(server.popen.pid)) == 2)
        (fresh,) = set(workers_of(server.popen.pid)) - set(pids)
        with only(fresh, [fresh, pids[1]]):
            assert ask(server.base_url).status_code == 200
        assert server.stop() == 0
        assert not lives(fresh)


def test_nobody_is_left_where_the_parent_is_killed() -> None:
    with crew(3, "quickstart") as (server, pids):
        assert ask(server.base_url).status_code == 200
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        eventually(lambda: not any(map(lives, pids)))


def test_the_numbers_of_all_workers_are_told_as_one(tmp_path: Path) -> None:
    with crew(2, "quickstart", TMPDIR=str(tmp_path)) as (server, pids):
        for pid in pids:
            with only(pid, pids):
                assert ask(server.base_url).status_code == 200
        for pid in pids:
            with only(pid, pids):
                told = httpx.get(server.base_url.replace("/v1", "/__mockdock/metrics")).text
            assert (
                'mockdock_requests_total{dialect="openai",rule="greeting",status="200"} 2.0' in told
            )
        assert list(tmp_path.iterdir()) != []
        assert server.stop() == 0
    assert list(tmp_path.iterdir()) == []


def test_workers_share_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "mock.sock"
    with process("serve", "quickstart", "--uds", str(path), "--workers", "2") as server:
        server.wait_for("Unix socket")
        eventually(lambda: len(workers_of(server.popen.pid)) == 2)
        pids = workers_of(server.popen.pid)
        for pid in pids:
            with (
                only(pid, pids),
                httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client,
            ):
                assert client.get("http://localhost/v1/models").status_code == 200
        assert server.stop() == 0
    assert not path.exists()


def test_what_none_of_them_can_know_is_told_and_the_rest_is_answered() -> None:
    """Without a store: the control API, stored completions, Langdock's limits, accounts."""
    with crew(2, "quickstart") as (server, _):
        url = server.base_url.removesuffix("/v1")
        for path in (
            "journal",
            "counts",
            "rules",
            "verify",
            "audit",
            "limits",
            "state",
            "unmatched",
        ):
            refused = httpx.get(f"{url}/__mockdock/{path}")
            assert refused.status_code == 503, path
            assert refused.json()["error"]["message"] == (
                "several workers serve here and share nothing; start them with "
                "--store redis://..., or one with --workers 1"
            )
        assert httpx.post(f"{url}/__mockdock/rules", json={"reply": "x"}).status_code == 503
        assert httpx.put(f"{url}/__mockdock/sessions/a", json={}).status_code == 503
        for path in ("health", "version", "schema", "scenario", "settings", "sessions", "clock"):
            assert httpx.get(f"{url}/__mockdock/{path}").status_code == 200, path

        made = ask(server.base_url, store=True)
        assert made.status_code == 200
        for refused in (
            httpx.get(f"{server.base_url}/chat/completions/{made.json()['id']}"),
            httpx.get(f"{server.base_url}/chat/completions"),
            ask(f"{url}/openai/eu/v1"),
            httpx.post(
                f"{url}/threads",
                json={"limit": 1, "offset": 0},
                headers={"authorization": "Bearer k", "x-project-id": "p"},
            ),
        ):
            assert refused.status_code == 503
            assert refused.headers["x-mockdock-error"].startswith("several workers serve here")
            assert refused.headers["x-should-retry"] == "false"
        assert server.stop() == 0


def test_a_request_may_wish_for_trouble_but_not_for_a_closed_door() -> None:
    with crew(2, "quickstart") as (server, pids):
        for pid in pids:
            with only(pid, pids):
                url = f"{server.base_url}/models"
                assert httpx.get(url, headers={"x-mockdock-fault": "503"}).status_code == 503
                with pytest.raises(httpx.TransportError):
                    httpx.get(url, headers={"x-mockdock-fault": "connection_refused;for=60s"})
                assert httpx.get(url).status_code == 200
        told = "new connections come in all the same: other processes take them"
        assert server.wait_for(told, errors=True)
        assert server.stop() == 0
