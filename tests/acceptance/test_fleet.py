"""Several processes over a real Redis: all that was asked is known to all, and it may go away."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest

from tests.acceptance.conftest import Process, process
from tests.acceptance.crew import ask, crew, eventually, needs_proc, only
from tests.stores import Redis, started

pytestmark = needs_proc

WORKERS, CALLS, CLIENTS = 4, 10_000, 16
SCENARIO = """\
mockdock: 1
rules:
- {when: {user: plain}, reply: plain}
- {name: counted, when: {user: count}, replies: [a, b, c, d, e, f], after_last: fail}
"""


@pytest.fixture
def redis() -> Iterator[Redis]:
    """Run a Redis that the test may stop."""
    with started() as running:
        yield running


@contextmanager
def replicas(redis: Redis, folder: Path, count: int) -> Iterator[list[Process]]:
    """Serve by so many servers, as if each were on a machine of its own."""
    (folder / "one.yaml").write_text(SCENARIO)
    url = redis.url()
    with ExitStack() as stack:
        words = ("serve", "one.yaml", "--port", "0", "--store", url)
        made = [stack.enter_context(process(*words, cwd=folder)) for _ in range(count)]
        for each in made:
            each.wait_for("/v1")
        yield made


def text(answer: httpx.Response) -> Any:
    """Give what was said."""
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def again(base_url: str, said: str) -> Any:
    """Ask until the store is there again, and give what was said."""
    answers = []

    def answered() -> bool:
        answers.append(ask(base_url, said))
        return answers[-1].status_code != 503

    eventually(answered)
    return text(answers[-1])


def test_ten_thousand_calls_to_four_workers_are_all_in_the_journal(
    redis: Redis, tmp_path: Path
) -> None:
    (tmp_path / "one.yaml").write_text(SCENARIO)
    store = ("--store", redis.url(), "--journal", "all.jsonl", "--journal-bytes", "100000000")
    with crew(WORKERS, "one.yaml", *store, cwd=tmp_path) as (server, pids):
        asyncio.run(calls(server.base_url))
        control = server.base_url.replace("/v1", "/__mockdock")
        for pid in pids:
            with only(pid, pids):
                counts = httpx.get(f"{control}/counts").json()
                assert (counts["requests"], counts["failed"]) == (CALLS, 0)
        records = [*kept(control)]
        metrics = httpx.get(f"{control}/metrics").text
        assert server.stop() == 0
    numbers = [each["number"] for each in records]
    assert numbers == [*range(1, CALLS + 1)]
    said = Counter(each["request"]["body"] for each in records)
    assert len(said) == CALLS
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert sorted(each["number"] for each in lines) == numbers
    total = f'mockdock_requests_total{{dialect="openai",rule="rule 1",status="200"}} {CALLS}.0'
    assert total in metrics.splitlines()


def kept(control: str) -> Iterator[Any]:
    """Give all records of the journal."""
    after = 0
    while page := httpx.get(f"{control}/journal", params={"after": after}).json()["records"]:
        yield from page
        after = page[-1]["number"]


async def calls(base_url: str) -> None:
    """Ask so often, each time something else, over some connections at once."""
    where = urlsplit(base_url)

    async def client(first: int) -> None:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        for number in range(first, CALLS, CLIENTS):
            message = {"role": "user", "content": f"plain {number}"}
            body = json.dumps({"model": "gpt-4o", "messages": [message]}).encode()
            head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n"
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200 "), answer
            (length,) = (
                int(line.partition(b":")[2])
                for line in answer.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            await reader.readexactly(length)
        writer.close()

    await asyncio.gather(*map(client, range(CLIENTS)))


def test_redis_may_go_away_and_come_back(redis: Redis, tmp_path: Path) -> None:
    with replicas(redis, tmp_path, 2) as servers:
        one, two = (each.base_url for each in servers)
        assert [text(ask(one, "count")), text(ask(two, "count"))] == ["a", "b"]
        redis.stop(signal.SIGKILL)
        for each in (one, two, one):
            assert text(ask(each, "plain")) == "plain"
            refused = ask(each, "count")
            assert refused.status_code == 503
            assert "does not answer" in refused.headers["x-mockdock-error"]
            assert "x-should-retry" not in refused.headers
            assert refused.json()["error"]["message"].startswith("mockdock: the store at ")
        control = one.replace("/v1", "/__mockdock")
        assert httpx.get(f"{control}/counts").status_code == 503
        assert httpx.post(f"{control}/rules", json={"reply": "no"}).status_code == 503
        assert "mockdock_store_up 0.0" in httpx.get(f"{control}/metrics").text
        redis.start()
        assert [again(each, "count") for each in (two, one)] == ["a", "b"]  # it kept nothing


def test_while_redis_stands_still_nothing_is_counted_twice(redis: Redis, tmp_path: Path) -> None:
    with replicas(redis, tmp_path, 2) as servers:
        one, two = (each.base_url for each in servers)
        assert text(ask(one, "count")) == "a"
        redis.tell(signal.SIGSTOP)
        with ThreadPoolExecutor(2) as pool:
            both = pool.map(lambda each: ask(each, "count").status_code, (one, two))
            assert [*both] == [503, 503]
        assert text(ask(one, "plain")) == "plain"
        redis.tell(signal.SIGCONT)
        assert [again(each, "count") for each in (one, two, one, two, one)] == [*"bcdef"]


def test_what_is_done_at_one_server_is_done_at_all(redis: Redis, tmp_path: Path) -> None:
    with replicas(redis, tmp_path, 3) as servers:
        urls = [each.base_url for each in servers]
        controls = [each.replace("/v1", "/__mockdock") for each in urls]
        added = httpx.post(f"{controls[0]}/rules", json={"name": "new", "reply": "added"})
        assert added.json() == {"key": "+1"}
        assert [text(ask(each, "anything")) for each in urls] == ["added"] * 3
        judged = [httpx.post(f"{each}/verify", json={}).json() for each in controls]
        assert [each["requests"] for each in judged] == [3, 3, 3]
        assert all(each["ok"] for each in judged)
        audits = [httpx.post(f"{each}/audit", json={}).json() for each in controls]
        assert audits == audits[:1] * 3
        assert httpx.post(f"{controls[2]}/reset").status_code in (200, 204)
        assert text(ask(urls[1], "count")) == "a"
        assert httpx.get(f"{controls[0]}/counts").json()["requests"] == 1
