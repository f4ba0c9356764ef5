"""``mockdock run`` as a process, around a script with the real SDK."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import process
from tests.acceptance.test_process import chat

_PATIENCE = 30.0

SCRIPT = """\
import sys
from openai import NotFoundError, OpenAI

with OpenAI() as client:
    for text in sys.argv[1:]:
        asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
        try:
            reply = client.chat.completions.create(**asked)
            print(reply.choices[0].message.content)
        except NotFoundError as error:
            print("missed:", error.message[:40])
        with client.chat.completions.create(**asked, stream=True) as stream:
            print("".join(each.choices[0].delta.content or "" for each in stream))
"""
WAITING = """\
import signal, sys
numbers = {signal.SIGINT, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
print("waiting", flush=True)
number = None
while number != signal.SIGTERM:
    number = signal.sigwait(numbers)
    print("got", signal.Signals(number).name, flush=True)
sys.exit(5)
"""


@pytest.fixture
def script(tmp_path: Path) -> str:
    """Write the script that asks what it is told to."""
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return str(path)


@pytest.fixture
def waiting(tmp_path: Path) -> str:
    """Write the script that waits for signals until one ends it."""
    path = tmp_path / "waiting.py"
    path.write_text(WAITING)
    return str(path)


def test_a_script_that_knows_nothing_of_mockdock(script: str) -> None:
    """The SDK finds the server in its environment, whatever is set there already."""
    with process("run", "quickstart", "--", sys.executable, script, "hello there") as ran:
        assert ran.ended() == 0
    said = "Hello! I am mockdock, and I cost nothing."
    assert ran.lines == [said, said]
    assert ran.errors == [
        "mockdock: 1 rule never used; 2 requests, 18+24 tokens",
        (
            "✗ capital never answered: nearest is request #1, user wanted a match of "
            r"/(?i)capital of (?P<country>\w+)/, was 'hello there'"
        ),
    ]


def test_a_miss_is_explained_and_fails_the_run(script: str, tmp_path: Path) -> None:
    path = tmp_path / "strict.yaml"
    path.write_text("mockdock: 1\nrules: [{name: greet, when: {user: hello}, reply: Hi}]\n")
    command = (
        "--",
        sys.executable,
        "-c",
        SCRIPT.replace("        with client", "        continue\n        with client"),
    )
    with process("run", str(path), *command, "hello", "what?") as ran:
        assert ran.ended() == 1
    assert ran.lines[0] == "Hi"
    assert ran.lines[1].startswith("missed: ")
    assert "    user: what?" in ran.errors
    assert "        ✗ user: wanted a text with 'hello', was 'what?'" in ran.errors


def test_signals_are_passed_on_and_the_command_decides(waiting: str) -> None:
    """The summary comes all the same, and the server does not end before the command."""
    with process("run", "--", sys.executable, waiting) as ran:
        ran.wait_for("waiting")
        ran.popen.send_signal(signal.SIGINT)
        ran.wait_for("got SIGINT")
        assert ran.stop(signal.SIGTERM) == 5
    assert ran.lines == ["waiting", "got SIGINT", "got SIGTERM"]
    assert ran.errors == ["mockdock: all went as it should; 0 requests, 0+0 tokens"]


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Open a terminal: its side for the user, and that for programs."""
    ends = pty.openpty()
    yield ends
    for end in ends:
        os.close(end)


def test_ctrl_c_in_a_terminal_reaches_the_command_once(
    waiting: str, terminal: tuple[int, int]
) -> None:
    user, programs = terminal
    code = (
        "import fcntl, os, sys, termios\n"
        "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    command = ["-m", "mockdock", "run", "--", sys.executable, waiting]
    popen = subprocess.Popen(
        [sys.executable, "-c", code, *command],
        stdin=programs,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        start_new_session=True,
    )
    with popen:
        assert popen.stdout is not None
        assert popen.stdout.readline() == "waiting\n"
        os.write(user, b"\x03")
        assert popen.stdout.readline() == "got SIGINT\n"
        popen.send_signal(signal.SIGTERM)  # comes behind a second SIGINT, if there was one
        assert popen.stdout.readline() == "got SIGTERM\n"
        assert popen.wait(_PATIENCE) == 5


def test_a_journal_on_a_full_disk_breaks_nothing(script: str, tmp_path: Path) -> None:
    """What fits is whole lines, and what does not is told."""
    path = tmp_path / "journal.jsonl"
    limit = (
        "import os, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))\n"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    command = ["-m", "mockdock", "run", "quickstart", "--journal", str(path)]
    ended = subprocess.run(
        [sys.executable, "-c", limit, *command, "--", sys.executable, script, "hello"],
        capture_output=True,
        encoding="utf-8",
        timeout=_PATIENCE,
        check=False,
    )
    assert ended.returncode == 0
    assert ended.stdout.count("Hello!") == 2
    assert f"{path}: the journal cannot be written: File too large; trying again" in ended.stderr
    assert "could not be written" in ended.stderr
    first, *_ = map(json.loads, path.read_bytes().splitlines())
    assert first["rule"] == "greeting"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits cannot be changed from here")
def test_a_served_journal_goes_on_once_there_is_room_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with process("serve", "quickstart", "--port", "0", "--journal", str(path)) as server:
        url = server.base_url
        free = resource.RLIM_INFINITY
        resource.prlimit(server.popen.pid, resource.RLIMIT_FSIZE, (1000, free))
        chat(url)
        server.wait_for("File too large", errors=True)
        chat(url)
        resource.prlimit(server.popen.pid, resource.RLIMIT_FSIZE, (free, free))
        server.wait_for("the journal is written again", errors=True)
        assert server.stop() == 0
    assert [json.loads(line)["number"] for line in path.read_bytes().splitlines()] == [1, 2]
    assert len(server.errors) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_device_that_is_full_is_told_while_serving() -> None:
    with process("serve", "quickstart", "--port", "0", "--journal", "/dev/full") as server:
        url = server.base_url
        assert chat(url) == "Hello! I am mockdock, and I cost nothing."
        server.wait_for("/dev/full: the journal cannot be written: No space left", errors=True)
        assert server.stop() == 0
    assert server.errors[-1] == "mockdock: /dev/full: 1 exchange could not be written"


def test_what_was_broken_on_purpose_is_counted(tmp_path: Path) -> None:
    """It is no problem, and the summary says so; the journal can be judged afterwards."""
    (tmp_path / "cut.yaml").write_text(
        "mockdock: 1\nrules:\n- replies: [{text: a b c, faults: [truncate]}, a b c]\n"
    )
    script = tmp_path / "ask.py"
    script.write_text(
        "from openai import OpenAI\n"
        "with OpenAI() as client:\n"
        "    asked = [{'role': 'user', 'content': 'hi'}]\n"
        "    client.chat.completions.create(model='gpt-4o', messages=asked)\n"
    )
    arguments = ("run", "cut.yaml", "--journal", "j.jsonl", "--", sys.executable, str(script))
    with process(*arguments, cwd=tmp_path) as ran:
        assert ran.ended() == 0
    assert ran.errors == [
        "mockdock: all went as it should; 2 requests, 1 broken on purpose, 16+6 tokens"
    ]
    judging = process("audit", "j.jsonl", "--policy", "openai-python", cwd=tmp_path)
    with judging as judged:
        assert judged.ended() == 0
    assert judged.lines[-1] == "the policy was kept"
