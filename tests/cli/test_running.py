"""``mockdock run``: environment, exit code, summary, journal, signals."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from mockdock.cli import running
from mockdock.cli.tallying import Tallying
from mockdock.engine import Engine
from mockdock.environ import ELSEWHERE
from mockdock.observe import Entry
from mockdock.reply import Failure
from mockdock.scenario import Scenario
from tests.cli.conftest import Run
from tests.observe.helpers import exchange

ASK = """
import json, os, sys, urllib.request
for text in sys.argv[1:]:
    key, _, text = text.rpartition("|")
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    headers = {"content-type": "application/json", "x-mockdock-session": key}
    headers["authorization"] = "Bearer " + os.environ["OPENAI_API_KEY"]
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request) as reply:
            print(json.load(reply)["choices"][0]["message"]["content"], flush=True)
    except urllib.error.HTTPError as error:
        print(error.code, flush=True)
"""
OPEN = """
import os, urllib.request
url = os.environ["MOCKDOCK_URL"] + "/__mockdock/sessions/mine"
headers = {"content-type": "application/json"}
request = urllib.request.Request(url, b'{"otherwise": "fail"}', headers, method="PUT")
urllib.request.urlopen(request).close()
"""


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    path = tmp_path / "greet.yaml"
    path.write_text(
        "mockdock: 1\n"
        "rules:\n"
        "- {name: greet, when: {user: hello}, reply: Hello!}\n"
        "- {name: bye, when: {user: bye}, reply: Bye!}\n"
    )
    return str(path)


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", code, *arguments)


def test_the_command_is_answered_and_the_summary_counts(run: Run, scenario: str) -> None:
    code, out, err = run("run", scenario, *python(ASK, "hello", "bye"))
    assert (code, out) == (0, "Hello!\nBye!\n")
    assert err == "mockdock: all went as it should; 2 requests, 16+4 tokens\n"


def test_a_command_is_answered_in_the_dialects_it_is_to_speak(run: Run, scenario: str) -> None:
    """It does not find the others, and nothing real in their place either."""
    code, out, _ = run("run", scenario, "--dialect", "azure", *python(ASK, "hello"))
    assert (code, out) == (1, "404\n")
    both = ("--dialect", "azure", "--dialect", "openai")
    assert run("run", scenario, *both, *python(ASK, "hello"))[1] == "Hello!\n"
    code, _, err = run("run", scenario, "--dialect", "asure", *python(ASK, "hello"))
    assert (code, err) == (
        2,
        "mockdock: no dialect 'asure'; there are openai, azure, langdock, langdb\n",
    )


def test_unused_rules_are_told_and_do_no_harm(run: Run, scenario: str) -> None:
    code, _, err = run("run", scenario, *python(ASK, "hello"))
    assert code == 0
    assert err.splitlines() == [
        "mockdock: 1 rule never used; 1 request, 8+2 tokens",
        "✗ bye never answered: nearest is request #1, user wanted a text with 'bye', was 'hello'",
    ]


def test_a_session_that_was_opened_is_no_reason_for_a_rule_of_others(
    run: Run, scenario: str
) -> None:
    code, _, err = run("run", scenario, *python(OPEN + ASK, "mine|what?"))
    assert code == 0
    assert err.splitlines()[1:] == [
        "✗ greet never answered: nothing was asked",
        "✗ bye never answered: nothing was asked",
    ]


def test_a_miss_fails_a_command_that_succeeded(run: Run, scenario: str) -> None:
    code, out, err = run("run", scenario, "--quiet", *python(ASK, "hello", "what?"))
    assert (code, out) == (1, "Hello!\n404\n")
    assert "✗ POST /v1/chat/completions was answered by no rule (number 2)" in err
    assert "✗ user: wanted a text with 'hello', was 'what?'" in err


def test_a_miss_in_a_session_nobody_opened_counts(run: Run, scenario: str) -> None:
    code, out, err = run("run", scenario, *python(ASK, "other|bye", "other|hello", "other|what?"))
    assert (code, out) == (1, "Bye!\nHello!\n404\n")
    assert err.startswith("mockdock: 1 request without an answer; 3 requests")


def test_a_session_that_was_opened_is_judged_by_who_opened_it(run: Run, scenario: str) -> None:
    code, out, err = run("run", scenario, *python(OPEN + ASK, "mine|what?", "hello", "bye"))
    assert (code, out) == (0, "404\nHello!\nBye!\n")
    assert err == "mockdock: all went as it should; 2 requests, 16+4 tokens\n"


def test_many_misses_are_counted(run: Run) -> None:
    code, _, err = run("run", *python(ASK, *map(str, range(12))))
    assert code == 1
    assert err.count("✗ POST") == 10
    assert err.endswith("✗ 2 more requests went wrong\n")


def test_otherwise_seed_and_quiet(run: Run) -> None:
    options = ("--otherwise", "auto", "--quiet")
    outs = [
        run("run", *options, "--seed", seed, *python(ASK, "hello"))[1:] for seed in ("1", "1", "2")
    ]
    assert outs[0] == outs[1] != outs[2]
    assert outs[0][1] == ""


@pytest.mark.parametrize("expected", [0, 3])
def test_the_exit_code_is_that_of_the_command(run: Run, expected: int) -> None:
    assert run("run", *python(f"raise SystemExit({expected})"))[0] == expected


def test_the_exit_code_of_the_command_wins_over_a_miss(run: Run) -> None:
    assert run("run", *python(f"{ASK}\nsys.exit(7)", "hello"))[0] == 7


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_command_ended_by_a_signal(run: Run, number: int) -> None:
    assert run("run", *python(f"import os; os.kill(os.getpid(), {number})"))[0] == 128 + number


def test_a_command_that_is_not_there(run: Run) -> None:
    code, _, err = run("run", "--", "no-such-command-anywhere")
    told = "mockdock: cannot run no-such-command-anywhere: command not found\n"
    assert (code, err) == (127, told)


def test_a_command_that_cannot_run(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text("no program\n")
    path.chmod(0o755)
    code, _, err = run("run", "--", str(path))
    assert (code, err) == (126, f"mockdock: cannot run {path}: Exec format error\n")


def test_what_cannot_begin_is_one_clear_line(run: Run) -> None:
    for arguments, told in (
        (("quickstart",), "there is nothing to run"),
        (("quickstart", "--"), "there is nothing to run"),
        (("--time-scale", "-1", "--", "x"), "--time-scale: "),
        (("--", "a\0b"), "embedded null byte"),
        (("nowhere.yaml", "--", "x"), "nowhere.yaml"),
    ):
        code, out, err = run("run", *arguments)
        assert (code, out) == (2, "")
        assert told in err
        assert err.count("\n") == 1


def test_what_stands_behind_the_dashes_is_not_ours(run: Run) -> None:
    code, out, _ = run("run", *python("import sys; print(sys.argv[1:])", "--quiet", "--", "-q"))
    assert (code, out) == (0, "['--quiet', '--', '-q']\n")


def test_the_journal_is_written_without_secrets(run: Run, scenario: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    secret = "sk-abcdefghijklmnopqrstuvwxyz"
    run("run", scenario, "--journal", str(path), *python(ASK, f"hello {secret}", "bye"))
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [each["rule"] for each in records] == ["greet", "bye"]
    assert secret not in path.read_text()


def test_a_journal_that_cannot_be_written_is_refused(
    run: Run, scenario: str, tmp_path: Path
) -> None:
    path = tmp_path / "nowhere" / "journal.jsonl"
    code, out, err = run("run", scenario, "--journal", str(path), *python(ASK, "hello"))
    assert (code, out) == (2, "")
    why = "the journal cannot be written: No such file or directory"
    assert err == f"mockdock: {path}: {why}\n"


def test_a_journal_that_is_no_file_is_refused(run: Run, tmp_path: Path) -> None:
    code, _, err = run("run", "--journal", str(tmp_path), *python(ASK))
    assert code == 2
    assert err == f"mockdock: {tmp_path}: a journal is a file, and this is a folder\n"


def test_nobody_reads_the_summary(run: Run, scenario: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, _: str) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Closed())
    assert run("run", scenario, *python(ASK, "hello"))[0] == 0


def test_the_real_account_is_left_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client would send its organization along, or go by its proxy."""
    for name in ELSEWHERE:
        monkeypatch.setenv(name, "real")
    monkeypatch.setenv("OPENAI_API_KEY", "real")
    monkeypatch.setenv("OPENAI_LOG", "real")
    code = "import os; print(*sorted(name for name in os.environ if os.environ[name] == 'real'))"
    assert run("run", *python(code))[:2] == (0, "OPENAI_LOG\n")


def test_causes_are_told_without_secrets() -> None:
    tallying = Tallying(lambda _: False)
    key = "a-key-of-nobody-0123456789"
    failed = exchange(
        headers={"authorization": f"Bearer {key}"},
        reply=Failure("server_error", cause=ValueError(f"{key} and sk-proj-{'x' * 20}")),
        rule_key=None,
    )
    tallying.add(Entry(1, failed))
    (problem,) = tallying.verdict(Engine(Scenario(mockdock=1)), []).problems
    assert problem.message == ("answering a request raised ValueError('[redacted] and [redacted]')")


def test_an_error_of_mockdock_itself_is_one_too() -> None:
    tallying = Tallying(lambda _: False)
    failed = exchange(reply=Failure("server_error", cause=ValueError("odd")), rule_key=None)
    tallying.add(Entry(1, failed))
    (problem,) = tallying.verdict(Engine(Scenario(mockdock=1)), []).problems
    assert (problem.kind, tallying.failed) == ("raised", True)
    assert problem.message == "answering a request raised ValueError('odd')"


@pytest.mark.parametrize(("number", "name"), [(15, "SIGTERM"), (2, "SIGINT")])
def test_a_command_that_does_not_end_is_killed(
    run: Run, monkeypatch: pytest.MonkeyPatch, number: int, name: str
) -> None:
    monkeypatch.setattr(running, "_in_front", lambda: False)
    monkeypatch.setattr(running, "_GRACE", 0.01)
    code, out, err = run("run", *python(STAYS, str(number)))
    assert (code, out) == (137, "told\n")
    assert err.splitlines()[0] == (
        f"mockdock: killed {sys.executable}: it did not end within 0.01 s of {name}"
    )


STAYS = """
import os, signal, sys
number = int(sys.argv[1])
signal.signal(number, lambda *_: print("told", flush=True))
os.kill(os.getppid(), number)
while True:
    signal.pause()
"""


def test_a_second_ctrl_c_kills_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command asks for the second one when it was told of the first."""
    monkeypatch.setattr(running, "_in_front", lambda: False)
    code = STAYS.replace('print("told", flush=True)', "os.kill(os.getppid(), number)")
    ended, _, err = run("run", *python(code, "2"))
    assert ended == 137
    assert err.splitlines()[0] == f"mockdock: killed {sys.executable}: it was interrupted twice"


def test_a_command_that_ends_in_time_is_not_killed(run: Run) -> None:
    code = STAYS.replace('print("told", flush=True)', "os._exit(5)")
    ended, _, err = run("run", *python(code, "15"))
    assert (ended, "killed" in err) == (5, False)


def test_what_is_ignored_the_command_ignores_too(run: Run) -> None:
    """Such as a terminal that is closed, below nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        code = "import signal, os; os.kill(os.getppid(), 1); print(signal.getsignal(1))"
        assert run("run", *python(code))[:2] == (0, "1\n")
    finally:
        signal.signal(signal.SIGHUP, before)


class Popen:
    """Stands for a command that goes on whatever it is sent."""

    def __init__(self) -> None:
        self.sent: list[int] = []

    def send_signal(self, number: int) -> None:
        """Note a signal."""
        self.sent.append(number)

    def poll(self) -> None:
        """Tell that it runs."""

    def kill(self) -> None:
        """Note that it is killed."""
        self.sent.append(signal.SIGKILL)


def test_a_signal_that_comes_early_is_passed_on_once_the_command_runs() -> None:
    popen = Popen()
    before = signal.getsignal(signal.SIGTERM)
    with running._Forwarding() as forwarding:
        os.kill(os.getpid(), signal.SIGTERM)
        forwarding.to(popen)  # type: ignore[arg-type]
        assert popen.sent == [signal.SIGTERM]
        os.kill(os.getpid(), signal.SIGTERM)
        assert popen.sent == [signal.SIGTERM, signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is before


def test_ctrl_c_in_a_terminal_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal sends it to the command itself."""
    monkeypatch.setattr(running, "_in_front", lambda: True)
    with running._Forwarding() as forwarding:
        os.kill(os.getpid(), signal.SIGINT)
        assert forwarding._early == []


@pytest.mark.parametrize(("grace", "sent"), [(600.0, [signal.SIGKILL]), (0.0, [])])
def test_ctrl_c_twice_in_a_terminal_kills_if_it_is_soon(
    monkeypatch: pytest.MonkeyPatch, grace: float, sent: list[int]
) -> None:
    """Once, or now and then, is the command's own affair."""
    monkeypatch.setattr(running, "_in_front", lambda: True)
    monkeypatch.setattr(running, "_GRACE", grace)
    popen = Popen()
    with running._Forwarding() as forwarding:
        forwarding.to(popen)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGINT)
        assert popen.sent == []
        os.kill(os.getpid(), signal.SIGINT)
        assert popen.sent == sent
