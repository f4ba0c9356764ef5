"""What the pytest plugin costs: to be installed, and to be used."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.bench.bench import Bench
from tests.bench.commands import of_pytest, printed, seconds, turns
from tests.bench.rows import Row

__all__ = ["plugin"]

_RUNS_USED = 2
_EMPTY = "def test_nothing():\n    assert True\n"
_START = (
    "import time; from mockdock import Server; server = Server(); "
    "began = time.perf_counter(); server.start(); "
    "print('took', time.perf_counter() - began); server.stop()"
)

_OURS = """
import pytest
from openai import OpenAI

@pytest.mark.parametrize("number", range(TESTS))
def test_one_call(mockdock, number):
    mockdock.reply("hi")
    with OpenAI(**mockdock.openai) as client:
        answer = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": f"Hello {number}"}]
        )
    assert answer.choices[0].message.content == "hi"
"""

_THEIRS = """
import socket, threading
import pytest, uvicorn
from openai import OpenAI
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

ANSWER = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "gpt-4o",
    "choices": [{
        "index": 0, "finish_reason": "stop", "logprobs": None,
        "message": {"role": "assistant", "content": "hi", "refusal": None},
    }],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
}

async def chat(request):
    await request.json()
    return JSONResponse(ANSWER)

@pytest.fixture(scope="session")
def server():
    app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, args=([listener],))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    running.should_exit = True
    thread.join()

@pytest.fixture
def url(server):
    return server

@pytest.mark.parametrize("number", range(TESTS))
def test_one_call(url, number):
    with OpenAI(base_url=url, api_key="test") as client:
        answer = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": f"Hello {number}"}]
        )
    assert answer.choices[0].message.content == "hi"
"""


def plugin(bench: Bench) -> Iterator[Row]:
    """Tell what a run of pytest pays where no test uses it, and what tests that do take."""
    runs = bench.amounts.runs
    with tempfile.TemporaryDirectory() as folder:
        yield from _installed(runs, folder)
        took = turns(runs, lambda: printed((sys.executable, "-c", _START)))
        ready = statistics.median(each for (each,) in took) * 1000
        yield Row("plugin", "Server().start() to ready", "ms", ready)
        yield _used(min(runs, _RUNS_USED), bench.amounts.tests, folder)


def _installed(runs: int, folder: str) -> Iterator[Row]:
    file = Path(folder, "test_empty.py")
    file.write_text(_EMPTY)
    pairs: dict[str, tuple[Sequence[str], Sequence[str]]] = {
        "import": (
            (sys.executable, "-c", "import pytest, mockdock.testing.plugin"),
            (sys.executable, "-c", "import pytest"),
        ),
        "empty test": (of_pytest(file), of_pytest(file, "-p", "no:mockdock")),
    }
    for name, (with_it, without) in pairs.items():
        rows = turns(runs, partial(seconds, with_it, folder), partial(seconds, without, folder))
        have, have_not = (statistics.median(column) * 1000 for column in zip(*rows, strict=True))
        ratios = [ours / theirs for ours, theirs in rows]
        middle = statistics.median(ratios)
        what = f"{name}; without {have_not:,.0f}"
        yield Row("plugin", what, "ms", have, ratio=middle, ratios=ratios)


def _used(runs: int, tests: int, folder: str) -> Row:
    files = [Path(folder, "test_ours.py"), Path(folder, "test_theirs.py")]
    for file, text in zip(files, (_OURS, _THEIRS), strict=True):
        file.write_text(f"TESTS = {tests}\n{text}")
    ours, theirs = of_pytest(files[0]), of_pytest(files[1], "-p", "no:mockdock")
    rows = turns(runs, lambda: seconds(ours, folder), lambda: seconds(theirs, folder))
    mock, bare = (statistics.median(column) * 1000 for column in zip(*rows, strict=True))
    ratios = [mine / other for mine, other in rows]
    middle = statistics.median(ratios)
    return Row(
        "plugin", f"{tests} tests of one call", "ms", mock, bare, ratio=middle, ratios=ratios
    )
