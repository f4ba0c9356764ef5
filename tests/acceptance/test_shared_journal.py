"""Four workers with a store have one journal: what a client was told, each of them knows."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from tests.acceptance.crew import crew, needs_proc, only
from tests.stores import Redis, started

pytestmark = needs_proc

WORKERS, CALLS = 4, 50
RULES = """\
mockdock: 1
rules:
- {name: greet, when: {user: hello}, reply: Hello!}
- {name: never, when: {user: goodbye}, reply: Bye!}
otherwise: fail
"""
CHAT, CONTROL = "/v1/chat/completions", "/__mockdock"


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with started() as running:
        yield running


@contextmanager
def clients(redis: Redis, folder: Path) -> Iterator[list[httpx.Client]]:
    """Serve with four workers, and give a client of each: its connection stays."""
    (folder / "rules.yaml").write_text(RULES)
    with ExitStack() as stack:
        more = ("--store", redis.url(), "--journal", str(folder / "journal.jsonl"))
        server, pids = stack.enter_context(crew(WORKERS, "rules.yaml", *more, cwd=folder))
        made = []
        for pid in pids:
            client = httpx.Client(base_url=server.base_url.removesuffix("/v1"), timeout=30)
            with only(pid, pids):
                stack.enter_context(client).get(f"{CONTROL}/health")
            made.append(client)
        yield made
        assert server.stop() == 0


def ask(client: httpx.Client, text: str, **more: Any) -> int:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}
    reply = client.post(CHAT, json=body)
    assert reply.content
    return reply.status_code


def told(client: httpx.Client, path: str, **query: Any) -> Any:
    reply = client.get(f"{CONTROL}{path}", params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_what_a_client_was_told_every_worker_knows_when_it_is_asked_next(
    redis: Redis, tmp_path: Path
) -> None:
    with clients(redis, tmp_path) as made:
        for number in range(40):
            ask(made[number % WORKERS], "hello", stream=number % 3 == 0)
            other = made[(number + 1 + number % 3) % WORKERS]
            assert told(other, "/counts", session="")["requests"] == number + 1
            (last,) = told(other, "/journal", session="", last=1)["records"]
            assert (last["number"], last["rule"]) == (number + 1, "greet")


def test_all_calls_are_in_the_journal_and_in_the_file(redis: Redis, tmp_path: Path) -> None:
    begin = threading.Barrier(WORKERS)

    def work(client: httpx.Client) -> None:
        begin.wait(30)
        for number in range(CALLS):
            ask(client, "hello" if number else "what?")

    with (
        clients(redis, tmp_path) as made,
        ThreadPoolExecutor(WORKERS + 1) as pool,
        httpx.Client(base_url=made[0].base_url, timeout=60) as another,
    ):
        query = {"session": "", "count": WORKERS * CALLS, "wait": 30}
        reached = pool.submit(told, another, "/wait", **query)
        list(pool.map(work, made))
        assert reached.result() == {"reached": True}
        everything = list(range(1, WORKERS * CALLS + 1))
        for client in made:
            records = told(client, "/journal", session="")["records"]
            assert [each["number"] for each in records] == everything
            rules = told(client, "/rules", session="")["rules"]
            assert [rule["used"] for rule in rules] == [WORKERS * (CALLS - 1), 0]
            problems = client.post(
                f"{CONTROL}/verify", params={"session": ""}, json={"unused": "all"}
            ).json()["problems"]
            assert [each["kind"] for each in problems] == ["unmatched"] * WORKERS + ["unused"]
            assert "never answered: nearest is request #" in problems[-1]["message"]
            assert told(client, "/audit", session="")["figures"]["attempts"] == len(everything)
    lines = (tmp_path / "journal.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["number"] for line in lines) == everything
