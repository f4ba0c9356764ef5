"""Four workers with a store: whoever is asked, a sequence is dealt once and limits hold."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2 as httpx
import pytest
import redis as redis_client
from openai import OpenAI, RateLimitError

from tests.acceptance.conftest import process
from tests.acceptance.crew import ask as answered
from tests.acceptance.crew import crew, eventually, needs_proc, only
from tests.stores import Redis, started

pytestmark = needs_proc

WORKERS, CALLS = 4, 40
ALL = WORKERS * CALLS
DEALT = f"""\
mockdock: 1
rules:
- name: dealt
  when: {{user: deal}}
  per: server
  after_last: fail
  replies: {[f"number {number}" for number in range(ALL)]}
- {{name: few, when: {{user: few}}, times: 50, reply: one of few}}
- name: take
  when: {{user: ticket, state: {{taken: null}}}}
  set_state: {{taken: true}}
  reply: mine
- {{name: rest, reply: none}}
otherwise: fail
"""
LIMITED = f"""\
mockdock: 1
limits: [{{per: server, rpd: {ALL // 2}, algorithm: fixed, refused: free}}]
otherwise: echo
"""
CROWDED = """\
mockdock: 1
limits: [{per: server, concurrent: 1}]
rules: [{when: {user: stay}, reply: {text: one two, pacing: {itl: 1h}}}]
otherwise: echo
"""


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with started() as running:
        yield running


@contextmanager
def clients(redis: Redis, scenario: str, folder: Path) -> Iterator[list[OpenAI]]:
    """Serve with four workers, and give a client of each: its connection stays."""
    (folder / "one.yaml").write_text(scenario)
    with ExitStack() as stack:
        store = ("--store", redis.url())
        server, pids = stack.enter_context(crew(WORKERS, "one.yaml", *store, cwd=folder))
        made = []
        for pid in pids:
            client = OpenAI(base_url=server.base_url, api_key="test", max_retries=0)
            with only(pid, pids):
                stack.enter_context(client).models.list()
            made.append(client)
        yield made
        assert server.stop() == 0


def ask(client: OpenAI, text: str) -> str:
    try:
        reply = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": text}]
        )
    except RateLimitError:
        return "refused"
    return reply.choices[0].message.content or ""


def all_at_once(clients: list[OpenAI], text: str) -> Counter[str]:
    """Ask all workers at the same time, each again and again, and count what they say."""
    begin = threading.Barrier(WORKERS)

    def work(client: OpenAI) -> list[str]:
        begin.wait(30)
        return [ask(client, text) for _ in range(CALLS)]

    with ThreadPoolExecutor(WORKERS) as pool:
        return Counter(said for told in pool.map(work, clients) for said in told)


def test_a_sequence_is_dealt_once_and_what_is_rare_stays_so(redis: Redis, tmp_path: Path) -> None:
    with clients(redis, DEALT, tmp_path) as made:
        dealt = all_at_once(made, "deal")
        assert dealt == {f"number {number}": 1 for number in range(ALL)}
        assert all_at_once(made, "few") == {"one of few": 50, "none": ALL - 50}
        assert all_at_once(made, "ticket") == {"mine": 1, "none": ALL - 1}


def test_a_limit_lets_through_as_much_as_it_says(redis: Redis, tmp_path: Path) -> None:
    with clients(redis, LIMITED, tmp_path) as made:
        assert all_at_once(made, "hello") == {"hello": ALL // 2, "refused": ALL // 2}


def test_servers_of_one_store_are_one_and_another_namespace_is_another(
    redis: Redis, tmp_path: Path
) -> None:
    """As on two machines: what one has dealt the other does not."""
    (tmp_path / "one.yaml").write_text(
        "mockdock: 1\nrules: [{per: server, replies: [re, mi, fa]}]\n"
    )
    mine, other = redis.url(), redis.url()
    with ExitStack() as stack:
        said = []
        for url in (mine, mine, other):
            server, _ = stack.enter_context(crew(2, "one.yaml", "--store", url, cwd=tmp_path))
            client = stack.enter_context(
                OpenAI(base_url=server.base_url, api_key="k", max_retries=0)
            )
            said.append(ask(client, "sing"))
        assert said == ["re", "mi", "re"]


def test_what_a_killed_process_held_is_free_again(redis: Redis, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(CROWDED)
    with ExitStack() as stack:
        words = ("serve", "one.yaml", "--port", "0", "--store", redis.url("crowded"))
        client = stack.enter_context(redis_client.Redis(unix_socket_path=redis.path))
        killed, other = (stack.enter_context(process(*words, cwd=tmp_path)) for _ in range(2))
        for each in (killed, other):
            each.wait_for("/v1")
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "stay"}]}
        url = f"{killed.base_url}/chat/completions"
        with httpx.stream("POST", url, json=body | {"stream": True}) as running:
            lines = running.iter_lines()
            assert next(lines)
            (lease,) = client.keys("*crowded*:lease:*")
            assert answered(other.base_url).status_code == 429
            killed.popen.kill()
        assert killed.ended() == -signal.SIGKILL
        assert answered(other.base_url).status_code == 429
        assert 0 < client.pttl(lease) <= 15_000
        client.pexpire(lease, 1)
        eventually(lambda: answered(other.base_url).status_code == 200)
        assert other.stop() == 0
