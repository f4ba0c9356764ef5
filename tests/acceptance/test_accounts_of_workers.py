"""LangDB's accounts and stored completions, asked of four real processes as of one server."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from tests.acceptance.crew import crew, needs_proc, only
from tests.dialects.langdb.talk import ADMIN, HI, model_body
from tests.stores import started

pytestmark = needs_proc

SCENARIO = """\
mockdock: 1
models: [gpt-4o]
langdb: {project: p, history: {days: 2, per_day: 20, models: [gpt-4o]}}
rules: [{reply: Hi}]
"""
CALLS = 120
CHAT = "/v1/chat/completions"
ALL = {"limit": 100, "offset": 0}


class Server:
    """Four workers, each of which can be asked by itself."""

    def __init__(self, url: str, pids: list[int]) -> None:
        self._url = url
        self._pids = pids

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask over a connection of its own, whoever answers."""
        told = {"authorization": "Bearer any", **headers}
        answer = httpx.request(method, self._url + path, json=body, headers=told, timeout=30.0)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def each(self, method: str, path: str, body: Any = None, **headers: str) -> list[Any]:
        """Ask every one of them, while the others stand still."""
        told = []
        for pid in self._pids:
            with only(pid, self._pids):
                told.append(self.ask(method, path, body, **headers))
        return told


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve by four processes."""
    directory: Path = tmp_path_factory.mktemp("accounts")
    (directory / "past.yaml").write_text(SCENARIO)
    with (
        started() as redis,
        crew(4, "past.yaml", "--store", redis.url(), cwd=directory) as (process, pids),
    ):
        yield Server(process.base_url.removesuffix("/v1"), pids)
        assert process.stop() == 0
        assert process.errors == [], "\n".join(process.errors[:60])


def test_every_call_is_in_the_books_of_every_process(server: Server) -> None:
    """What they began with was made once, with one moment."""
    project = {"x-project-id": "p"}
    window = {"start_time": 0, "end_time": 4_000_000_000}
    first, *others = server.each("POST", "/usage/total", window, **project)
    assert others == [first] * 3
    assert first["total"]["total_input_tokens"] > 0
    body = {"model": "gpt-4o", "messages": [HI]}

    def call(number: int) -> int:
        told = server.ask("POST", CHAT, body, **project, **{"x-thread-id": f"t{number % 10}"})
        tokens: int = told["usage"]["prompt_tokens"]
        return tokens

    with ThreadPoolExecutor(8) as pool:
        tokens = sum(pool.map(call, range(CALLS)))
    for told in server.each("POST", "/usage/total", window, **project):
        total = told["total"]["total_input_tokens"]
        assert total == first["total"]["total_input_tokens"] + tokens
    costs = server.each("GET", "/threads/t3/cost", **project)
    assert costs == [costs[0]] * 4
    assert costs[0]["total_input_tokens"] == tokens // 10


def test_a_model_is_called_at_once_by_whoever_answers(server: Server) -> None:
    server.ask("POST", "/admin/models", model_body(), **ADMIN, **{"x-project-id": "p"})
    body = {"model": "my-model", "messages": [HI]}
    for told in server.each("POST", CHAT, body, **{"x-project-id": "p"}):
        assert told["model"] == "openai/my-model"


def test_stored_completions_are_one_shelf(server: Server) -> None:
    body = {"model": "gpt-4o", "messages": [HI], "store": True}
    with ThreadPoolExecutor(4) as pool:
        made = {
            each["id"] for each in pool.map(lambda _: server.ask("POST", CHAT, body), range(12))
        }
    assert len(made) == 12
    for told in server.each("GET", f"{CHAT}?limit=100"):
        assert {each["id"] for each in told["data"]} == made
    gone = made.pop()
    assert server.ask("DELETE", f"{CHAT}/{gone}")["deleted"] is True
    for told in server.each("GET", f"{CHAT}?limit=100"):
        assert {each["id"] for each in told["data"]} == made
