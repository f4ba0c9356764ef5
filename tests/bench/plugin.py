"""What the pytest plugin costs: to be installed, and to be used."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

__all__ = ["installed", "started", "used"]

TIMES = 20
RUNS = 5
TESTS = 200
EMPTY = "def test_nothing():\n    assert True\n"

OURS = f"""
import pytest
from openai import OpenAI

@pytest.mark.parametrize("number", range({TESTS}))
def test_one_call(mockdock, number):
    mockdock.reply("hi")
    with OpenAI(**mockdock.openai) as client:
        answer = client.chat.completions.create(
            model="gpt-4o", messages=[{{"role": "user", "content": f"Hello {{number}}"}}]
        )
    assert answer.choices[0].message.content == "hi"
"""

THEIRS = f"""
import socket, threading
import pytest, uvicorn
from openai import OpenAI
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

ANSWER = {{
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "gpt-4o",
    "choices": [{{
        "index": 0, "finish_reason": "stop", "logprobs": None,
        "message": {{"role": "assistant", "content": "hi", "refusal": None}},
    }}],
    "usage": {{"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}},
}}

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
    yield f"http://127.0.0.1:{{listener.getsockname()[1]}}/v1"
    running.should_exit = True
    thread.join()

@pytest.fixture
def url(server):
    return server

@pytest.mark.parametrize("number", range({TESTS}))
def test_one_call(url, number):
    with OpenAI(base_url=url, api_key="test") as client:
        answer = client.chat.completions.create(
            model="gpt-4o", messages=[{{"role": "user", "content": f"Hello {{number}}"}}]
        )
    assert answer.choices[0].message.content == "hi"
"""


def installed() -> None:
    """Print what a run of pytest pays for the plugin when no test uses it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "test_empty.py")
        file.write_text(EMPTY)
        pairs = {
            "import of the plugin": (
                (sys.executable, "-c", "import pytest, mockdock.testing.plugin"),
                (sys.executable, "-c", "import pytest"),
            ),
            "pytest with one empty test": (_pytest(file), _pytest(file, "-p", "no:mockdock")),
        }
        sys.stdout.write(f"{'seconds':<28}{'with':>12}{'without':>12}{'ms':>8}\n")
        for name, commands in pairs.items():
            rows = _rows(commands, TIMES, folder)
            # Noise comes in spells: the two runs of a pair share it, a median over all does not.
            cost = statistics.median(have - have_not for have, have_not in rows) * 1000
            have, have_not = map(statistics.median, zip(*rows, strict=True))
            sys.stdout.write(f"{name:<28}{have:>12.3f}{have_not:>12.3f}{cost:>8.1f}\n")


def started() -> None:
    """Print how long a server takes to be ready, everything being imported."""
    code = (
        "import time; from mockdock import Server; server = Server(); "
        "began = time.perf_counter(); server.start(); "
        "print((time.perf_counter() - began) * 1000); server.stop()"
    )
    told = [
        float(subprocess.check_output([sys.executable, "-c", code], text=True))
        for _ in range(TIMES)
    ]
    sys.stdout.write(f"{'Server().start() to ready':<28}{'':>24}{statistics.median(told):>8.1f}\n")


def used() -> None:
    """Print what tests with the fixture take, beside the same with a bare server."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "test_ours.py"), Path(folder, "test_theirs.py")
        ours.write_text(OURS)
        theirs.write_text(THEIRS)
        commands = (_pytest(ours), _pytest(theirs, "-p", "no:mockdock"))
        mock, bare = map(statistics.median, zip(*_rows(commands, RUNS, folder), strict=True))
    sys.stdout.write(f"{'seconds':<28}{'mockdock':>12}{'bare':>12}{'ratio':>8}\n")
    name = f"{TESTS} tests, one call each"
    sys.stdout.write(f"{name:<28}{mock:>12.2f}{bare:>12.2f}{mock / bare:>8.2f}\n")


def _pytest(file: Path, *options: str) -> Sequence[str]:
    quiet = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov")
    return sys.executable, "-m", "pytest", *quiet, *options, str(file)


def _rows(commands: Sequence[Sequence[str]], times: int, folder: str) -> list[list[float]]:
    """Run commands in turn, once for nothing, and give the seconds of each turn."""
    return [[_seconds(command, folder) for command in commands] for _ in range(times + 1)][1:]


def _seconds(command: Sequence[str], folder: str) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.perf_counter() - started
