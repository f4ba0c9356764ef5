"""``mockdock audit``: journals in, verdicts and exit codes out."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx2 as httpx
import pytest

from mockdock import Server
from mockdock.cli.auditing import Form, audit_journal
from mockdock.errors import MockdockError, ScenarioError, StartError, UsageError
from tests.observe.audit.helpers import Asked, record

LIMITED = {"retry-after": "20"}


def written(path: Path, made: list[Asked]) -> str:
    path.write_text("".join(f"{json.dumps(each)}\n" for each in made), encoding="utf-8")
    return str(path)


@pytest.fixture
def hasty(tmp_path: Path) -> str:
    """Write a journal of a client that comes back too early."""
    made = [record(1, 0, 429, reply=LIMITED), record(2, 1, 200, session="s", user="x")]
    return written(tmp_path / "hasty.jsonl", [*made, record(3, 1, 200)])


@pytest.fixture
def patient(tmp_path: Path) -> str:
    """Write a journal of a client that waits."""
    made = [record(1, 0, 429, reply=LIMITED), record(2, 20, 200)]
    return written(tmp_path / "patient.jsonl", made)


def ran(
    source: str,
    *,
    policy: str | None = None,
    form: Form = "table",
    output: Path | None = None,
    session: str | None = None,
) -> int:
    return audit_journal(source, None, policy, form, output, session)


def test_a_policy_that_was_kept_is_0(patient: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(patient, policy="openai-python") == 0
    out = capsys.readouterr().out
    assert out.startswith("policy openai-python: openai-python 3.54.0: ")
    assert "the policy was kept" in out
    row = next(line for line in out.splitlines() if line.startswith("retry_after"))
    assert row.split()[:4] == ["retry_after", "ok", "1", "0"]
    assert "attempts per call 2.00" in out


def test_a_policy_that_was_broken_is_1(hasty: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(hasty) == 1
    out = capsys.readouterr().out
    assert "#1 -> #3: came after 1.00 s, 20.00 s were demanded (retry-after)" in out
    assert "the policy was broken" in out


def test_a_session_is_judged_by_itself(hasty: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(hasty, session="s", form="json") == 0
    assert json.loads(capsys.readouterr().out)["figures"]["attempts"] == 1


def test_a_session_that_did_nothing_is_told(hasty: str) -> None:
    message = r"hasty\.jsonl: there are no exchanges of the session 'other', and nothing to judge"
    with pytest.raises(UsageError, match=message):
        ran(hasty, session="other")


def test_forms_go_to_a_file(hasty: str, tmp_path: Path) -> None:
    target = tmp_path / "audit.out"
    assert ran(hasty, form="junit", output=target) == 1
    assert ET.parse(target).getroot().attrib["failures"] == "1"
    assert ran(hasty, form="html", output=target) == 1
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert ran(hasty, form="json", output=target) == 1
    assert json.loads(target.read_text(encoding="utf-8"))["ok"] is False
    assert ran(hasty, form="table", output=target) == 1
    assert "the policy was broken" in target.read_text(encoding="utf-8")


def test_a_terminal_gets_as_wide_a_table_as_it_is(
    patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setenv("TERM", "xterm")
    assert ran(patient) == 0
    assert "\x1b[" in terminal.getvalue()


def test_a_journal_can_come_from_stdin(
    hasty: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path(hasty).read_text(encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert ran("-") == 1
    assert "the policy was broken" in capsys.readouterr().out


def test_a_scenario_gives_its_policy(hasty: str, tmp_path: Path) -> None:
    scenario = tmp_path / "mine.yaml"
    scenario.write_text("mockdock: 1\naudit: {policy: openai-python, skip: [retry_after]}\n")
    assert ran(hasty, policy=str(scenario)) == 0
    scenario.write_text("mockdock: 1\naudit: openai-python\n")
    assert ran(hasty, policy=str(scenario)) == 1


def test_a_scenario_without_a_policy_or_with_a_wrong_one_is_told(
    hasty: str, tmp_path: Path
) -> None:
    scenario = tmp_path / "mine.yaml"
    scenario.write_text("mockdock: 1\n")
    with pytest.raises(UsageError, match=r"mine\.yaml: there is no policy in it; write one under"):
        ran(hasty, policy=str(scenario))
    scenario.write_text("mockdock: 1\naudit: {max_atempts: 3}\n")
    with pytest.raises(ScenarioError, match=r"mine\.yaml:2:9: .*did you mean 'max_attempts'\?"):
        ran(hasty, policy=str(scenario))


def test_an_unknown_policy_is_told_with_the_nearest(hasty: str) -> None:
    with pytest.raises(UsageError, match=r"no policy 'openai-pyton', .*did you mean 'openai-pyth"):
        ran(hasty, policy="openai-pyton")
    with pytest.raises(UsageError, match=r"no policy 'zzz', .*or a scenario file that has one"):
        ran(hasty, policy="zzz")


def test_a_ready_made_scenario_gives_its_policy(
    hasty: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(hasty, policy="incident", form="json")
    lines = {each["name"] for each in json.loads(capsys.readouterr().out)["lines"] if each["asked"]}
    assert {"max_attempts", "deadline"} <= lines


@pytest.mark.parametrize("source", ["127.0.0.1:8080", "localhost", "[::1]:80", "host-1:80/x"])
def test_an_address_without_its_scheme_is_told(source: str) -> None:
    with pytest.raises(MockdockError) as error:
        ran(source)
    told = f"{source}: No such file or directory; for a server write http://{source}"
    assert str(error.value) == told


def test_a_name_that_is_empty_is_told() -> None:
    with pytest.raises(UsageError, match=r"^the name of the journal is empty: write that"):
        ran("")


def test_whose_seconds_they_are_is_told(patient: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(patient) == 0
    assert "\nseconds are those of the scenario, whatever" in capsys.readouterr().out
    assert ran(patient, policy="openai-python") == 0
    assert "\nseconds are real ones, as the client's own" in capsys.readouterr().out
    assert ran(patient, policy="openai-python", form="html") == 0
    assert "<p>seconds are real ones, as the client&#x27;s own" in capsys.readouterr().out


def test_files_that_cannot_be_read_or_written_are_told(hasty: str, tmp_path: Path) -> None:
    with pytest.raises(MockdockError, match=r"none\.jsonl: No such file or directory$"):
        ran(str(tmp_path / "none.jsonl"))
    with pytest.raises(MockdockError, match="No such file or directory"):
        ran(hasty, output=tmp_path / "no" / "where")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\n")
    with pytest.raises(MockdockError, match="binary: not UTF-8 at byte 0"):
        ran(str(binary))
    (tmp_path / "text").write_text("hello\n")
    with pytest.raises(UsageError, match=r"text:1: not JSON: .*; a journal is a file of"):
        ran(str(tmp_path / "text"))
    (tmp_path / "empty").write_text("")
    with pytest.raises(UsageError, match="empty: there are no exchanges, and nothing to judge"):
        ran(str(tmp_path / "empty"))


WASTED = {"prompt_tokens": 1_000_000, "completion_tokens": 100_000, "total_tokens": 1_100_000}


def test_money_of_a_journal_is_counted_by_the_catalogue(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = record(1, 0, stream=True, ending="cut", usage={**WASTED, "cached_tokens": 400_000})
    ran(written(tmp_path / "cut.jsonl", [cut]), form="json")
    figures = json.loads(capsys.readouterr().out)["figures"]
    # gpt-4o: 2.50 a million of the prompt, 1.25 from the cache, 10.00 of the answer
    assert figures["wasted_money"] == pytest.approx(0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10)


def test_money_of_a_server_is_counted_by_the_models_of_its_scenario(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scenario = {
        "mockdock": 1,
        "models": [{"id": "gpt-4o"}],
        "rules": [{"reply": {"text": "Hello!", "faults": ["empty_choices"]}}],
    }
    with Server(scenario) as server:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
        httpx.post(f"{server.base_url}/chat/completions", json=body)
        ran(server.url, form="json")
        told = json.loads(capsys.readouterr().out)
        assert told["figures"] == server.verbs.audit(None)["figures"]
    assert told["figures"]["wasted_money"] > 0


def test_a_running_server_is_judged_page_by_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mockdock.cli.auditing._PAGE", 2)
    rule = {"replies": [{"error": 400}, {"error": 400}, "Hello!"]}
    with Server({"mockdock": 1, "rules": [rule]}) as server:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
        for _ in range(3):
            httpx.post(f"{server.base_url}/chat/completions", json=body)
        with pytest.raises(UsageError, match="there are no exchanges of the session 'none'"):
            ran(server.url, session="none")
        assert ran(server.url, form="json") == 1
    found = json.loads(capsys.readouterr().out)
    assert [[each["record"] for each in call["attempts"]] for call in found["calls"]] == [[1, 2, 3]]
    failed = [each["name"] for each in found["lines"] if each["verdict"] == "failed"]
    assert failed == ["never"]


def test_a_server_is_judged_by_the_policy_of_its_scenario() -> None:
    reply = {"error": 503, "headers": {"x-mockdock-note": "busy"}}
    audited = {"policy": "openai-python", "max_attempts": 1}
    with Server({"mockdock": 1, "rules": [{"reply": reply}], "audit": audited}) as server:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
        httpx.post(f"{server.base_url}/chat/completions", json=body)
        assert ran(server.url) == 0
        assert ran(server.url, policy="openai-python") == 1


def test_without_trouble_no_calls_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(written(tmp_path / "j", [record(1, 0)])) == 0
    assert "gaps demanded" not in capsys.readouterr().out


def test_calls_in_trouble_are_listed_up_to_some(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = [record(n, n, 503, user=str(n)) for n in range(1, 26)]
    made += [record(30, 9.5, 200, user="9", tokens=3), record(31, 0, user="well")]
    assert ran(written(tmp_path / "j", made)) == 1
    lines = capsys.readouterr().out.splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith("call "))
    assert lines[at + 1].split() == ["10", "#9", "#30", "-", "/", "0.50", "s", "succeeded", "0"]
    assert lines[at + 21].split() == ["...", "and", "5", "more", "calls"]


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(StartError):
        ran("http://127.0.0.1:9")
