"""The commands that end by themselves, and their help."""

from __future__ import annotations

import json
import sys
from inspect import cleandoc
from pathlib import Path
from typing import cast

import jsonschema
import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from mockdock import cli
from mockdock.cli import app
from mockdock.scenario.export import json_schema
from tests.cli.conftest import Run
from tests.observe.audit.helpers import record as made
from tests.openai_types import check_completion
from tests.testing.projects import forked

COMMANDS = (
    "serve",
    "run",
    "journal",
    "replay",
    "verify",
    "reset",
    "audit",
    "check",
    "explain",
    "schema",
    "init",
    "tokens",
    "models",
)
HELLO = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}


def write(path: Path, value: object) -> str:
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_enough_to_use_a_command(command: str) -> None:
    """Each help explains, and shows an example that names the command."""
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Example: mockdock " + command in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_help_breaks_no_line_in_a_terminal_of_80_columns(command: str) -> None:
    (callback,) = (
        each.callback
        for each in app.registered_commands
        if each.callback is not None and each.callback.__name__ == command
    )
    _, *paragraphs = cleandoc(callback.__doc__ or "").split("\n\n")
    shown = CliRunner(env={"COLUMNS": "80"}).invoke(app, [command, "--help"]).output.splitlines()
    lines = [line.strip() for each in paragraphs for line in each.splitlines()]
    assert lines
    assert set(lines) <= {line.strip() for line in shown}


def test_all_commands_are_known() -> None:
    """The list above is whole."""
    assert {
        command.callback.__name__ for command in app.registered_commands if command.callback
    } == set(COMMANDS)


def test_no_other_command_is_made_ready_than_the_one_that_is_called() -> None:
    """``main`` hands on what stands first; without a command it has them all."""
    assert [*cast("TyperGroup", get_command(cli._wanted(["serve"]))).commands] == ["serve"]
    every = set(cast("TyperGroup", get_command(app)).commands)
    assert len(every) > 10
    for first in ([], ["--help"], ["serv"]):
        assert set(cast("TyperGroup", get_command(cli._wanted(first))).commands) == every


def test_the_version(run: Run) -> None:
    code, out, _ = run("--version")
    assert (code, out.split()[0]) == (0, "mockdock")


def test_check_passes_a_good_scenario(run: Run) -> None:
    code, out, err = run("check", "quickstart")
    assert (code, err) == (0, "")
    assert out == "1 file, 2 rules, 0 errors, 0 warnings\n"


def test_check_tells_the_mistakes_of_all_files(run: Run, tmp_path: Path) -> None:
    """One that is not YAML keeps nobody from reading the others."""
    write(tmp_path / "a.yaml", "mockdock: [")
    write(tmp_path / "b.yaml", "mockdock: 1\nrulz: 3\n")
    code, out, err = run("check", str(tmp_path))
    assert (code, out) == (2, "")
    first, second = err.splitlines()
    assert first.startswith(f"mockdock: {tmp_path}/a.yaml:2:1: not YAML: ")
    assert second.startswith(f"mockdock: {tmp_path}/b.yaml:2:1: rulz: unknown key 'rulz'")


def test_check_fails_on_a_rule_that_can_never_answer(run: Run, tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.yaml",
        "mockdock: 1\nrules:\n- {name: all, reply: a}\n"
        "- {name: never, when: {user: b}, reply: c}\n",
    )
    code, out, _ = run("check", path)
    assert code == 1
    assert "x.yaml:4" in out
    assert "error" in out
    assert "never" in out


def test_check_only_warns_of_an_unused_state(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "x.yaml", "mockdock: 1\nrules:\n- {reply: a, set_state: {b: c}}\n")
    code, out, _ = run("check", path)
    assert code == 0
    assert "warning" in out


def test_explain_names_the_rule_and_why_not_the_others(run: Run, tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.yaml",
        "mockdock: 1\nrules:\n"
        "- {name: weather, when: {user: weather}, reply: sunny}\n"
        "- {name: greet, when: {user: hello}, reply: 'Hi, attempt ${attempt}'}\n"
        "- {name: later, reply: never}\n",
    )
    request = write(tmp_path / "r.json", HELLO)
    code, out, _ = run("explain", path, request, "--attempt", "2")
    assert code == 0
    weather, greet, later, *rest = out.splitlines()[1:]
    assert "✗" in weather
    assert "user: wanted a text with 'weather', was 'hello'" in weather
    assert "→" in greet
    assert "later" in later
    assert "would match too, but comes later" in later
    assert rest[1] == "HTTP 200"
    body = json.loads("\n".join(rest[2:]))
    check_completion(body)
    assert body["choices"][0]["message"]["content"] == "Hi, attempt 2"


def test_explain_takes_headers_states_and_stdin(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(
        tmp_path / "x.yaml",
        "mockdock: 1\nrules:\n"
        "- {when: {state: {open: true, left: 2}, headers: {X-Team: blue}}, reply: yes}\n"
        "otherwise: fail\n",
    )
    request = write(tmp_path / "r.json", HELLO)
    with Path(request).open(encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        options = ("--header", "x-team: blue", "--state", "open=true", "--state", "left=2")
        _, out, _ = run("explain", path, "-", *options)
    assert "HTTP 200" in out
    _, out, _ = run("explain", path, request, "--state", "open=true", "--state", "left=2.5")
    assert "HTTP 404" in out
    assert "headers.x-team" in out


def test_explain_shows_a_refused_request(run: Run, tmp_path: Path) -> None:
    request = write(tmp_path / "r.json", {**HELLO, "temperature": 9})
    code, out, _ = run("explain", "quickstart", request)
    assert code == 0
    assert "refused before any rule is tried" in out
    assert "HTTP 400" in out
    assert "decimal_above_max_value" in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("explain", "quickstart", "none.json"), "none.json"),
        (("explain", "quickstart", "{request}", "--header", "oops"), "--header 'oops'"),
        (("explain", "quickstart", "{request}", "--state", "=x"), "--state '=x'"),
        (("explain", "quickstrat", "{request}"), "quickstart"),
        (("explain", "quickstart", "{broken}"), "b.json:2:1: not JSON: Expecting value"),
        (("explain", "quickstart", "{deep}"), "nested too deep"),
        (("tokens", "{binary}"), "not UTF-8"),
        (("tokens", "nope.json"), "nope.json: No such file"),
        (("tokens", "{wrong}"), "not a valid request"),
        (("check", "{folder}"), "{folder}"),
        (("init", "{request}"), "{request}"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    places = {
        "request": write(tmp_path / "r.json", HELLO),
        "wrong": write(tmp_path / "w.json", {"messages": 5}),
        "broken": write(tmp_path / "b.json", '{"model":\n'),
        "deep": write(tmp_path / "d.json", "[" * 100_000),
        "binary": str(tmp_path / "binary"),
        "folder": str(tmp_path / "empty"),
    }
    code, out, err = run(*(each.format_map(places) for each in arguments))
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("mockdock: ")
    assert told.format_map(places) in line


TEXT = {"model": "gpt-3.5-turbo-instruct", "prompt": "A joke"}
VECTOR = {"model": "text-embedding-3-small", "input": "a cat"}
JUDGED = {"input": "I will kill you"}
ANY = "mockdock: 1\nrules:\n- {name: it, when: {api: %s}, reply: %s}\notherwise: fail\n"


@pytest.mark.parametrize(
    ("api", "reply", "body", "told"),
    [
        ("completions", "Ha!", TEXT, '"text": "Ha!"'),
        ("embeddings", "{embedding: [0.6, 0.8]}", VECTOR, '"object": "embedding"'),
        ("moderations", "{flagged: [violence]}", JUDGED, '"flagged": true'),
        ("moderations", "{flagged: [violence]}", {**JUDGED, "model": "omni-moderation-latest"},
         '"violence": true'),
    ],
)  # fmt: skip
def test_explain_knows_by_its_fields_what_a_body_asks_for(
    run: Run, tmp_path: Path, api: str, reply: str, body: dict[str, object], told: str
) -> None:
    path = write(tmp_path / "x.yaml", ANY % (api, reply))
    code, out, _ = run("explain", path, write(tmp_path / "r.json", body))
    assert code == 0
    assert "answers" in out
    assert "HTTP 200" in out
    assert told in out


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, '        "and 1533 more"\n'),
        ({"encoding_format": "base64"}, '"embedding": "8192 letters of base64"'),
        ({"dimensions": 4}, '        "and 1 more"\n'),
        ({"dimensions": 3}, "      ]\n"),
    ],
)
def test_explain_shows_how_a_vector_begins(
    run: Run, tmp_path: Path, more: dict[str, object], told: str
) -> None:
    _, out, _ = run("explain", "echo", write(tmp_path / "r.json", {**VECTOR, **more}))
    assert told in out
    assert "more" in told or "more" not in out
    assert len(out.splitlines()) < 30


def test_explain_knows_the_texts_of_tokens(run: Run, tmp_path: Path) -> None:
    """15339 1917: hello world, by cl100k_base."""
    rule = "{when: {api: completions, user: hello world}, reply: Ha!}"
    path = write(tmp_path / "x.yaml", f"mockdock: 1\nrules: [{rule}]\notherwise: fail\n")
    body = {**TEXT, "prompt": [15339, 1917]}
    assert '"text": "Ha!"' in run("explain", path, write(tmp_path / "r.json", body))[1]


def test_explain_speaks_a_dialect(run: Run, tmp_path: Path) -> None:
    """Its words, its form, its deployments, and what it says in headers."""
    path = write(
        tmp_path / "x.yaml",
        "mockdock: 1\nazure: {deployments: {chat: gpt-4o, texts: gpt-3.5-turbo-instruct}}\n"
        "rules:\n- {when: {dialect: azure, model: gpt-4o}, reply: Hi}\n"
        "- {when: {api: completions, model: gpt-3.5-*}, reply: Ha}\notherwise: fail\n",
    )

    def explained(body: dict[str, object], dialect: str = "azure") -> str:
        asked = write(tmp_path / "r.json", body)
        return run("explain", path, asked, "--dialect", dialect)[1]

    out = explained({**HELLO, "model": "chat"})
    assert "prompt_filter_results" in out
    assert '"content":"Hi"' in out
    assert '"text":"Ha"' in explained({**TEXT, "model": "texts"})
    out = explained({**HELLO, "model": "chatt"})
    assert "refused before any rule is tried" in out
    assert "x-mockdock-hint: the nearest deployment is 'chat'" in out
    assert "DeploymentNotFound" in out
    out = explained({**HELLO, "n": 2}, "langdock")
    assert "dialect: wanted" in out
    assert "x-mockdock-ignored: n" in out
    assert '{"message":"mockdock: no rule matches' in out


@pytest.mark.parametrize(
    ("body", "dialect", "told"),
    [
        (TEXT, "langdock", "langdock has no completions, which this request is; it has chat, "),
        (JUDGED, "azure", "azure has no moderations, which this request is; it has chat, comple"),
        (HELLO, "asure", "no dialect 'asure'; there are openai, azure, langdock, langdb"),
    ],
)
@pytest.mark.parametrize("command", ["explain", "tokens"])
def test_what_a_dialect_does_not_do_is_told(
    run: Run, tmp_path: Path, command: str, body: dict[str, object], dialect: str, told: str
) -> None:
    asked = write(tmp_path / "r.json", body)
    arguments = ("echo", asked) if command == "explain" else (asked,)
    code, out, err = run(command, *arguments, "--dialect", dialect)
    assert (code, out) == (2, "")
    assert err.startswith(f"mockdock: {told}")


@pytest.mark.parametrize(
    ("body", "options", "told"),
    [
        (TEXT, (), "2 prompt tokens (cl100k_base, gpt-3.5-turbo-instruct)"),
        ({"prompt": ["A joke", "joke"]}, (), "4 prompt tokens (cl100k_base, gpt-3.5-turbo-instr"),
        ({"prompt": [1, 2, 3]}, ("--model", "davinci-002"), "3 prompt tokens (cl100k_base, davin"),
        (VECTOR, (), "2 prompt tokens (cl100k_base, text-embedding-3-small)"),
        ({"input": "a cat", "model": "omni-moderation-latest"}, (), "2 tokens (o200k_base, omni-"),
        ({"input": "a cat"}, (), "2 tokens (o200k_base, omni-moderation-latest), which are never "),
        ({**HELLO, "model": "gpt-4.1 nano"}, ("--dialect", "langdock"),
         "8 prompt tokens (o200k_base, gpt-4.1-nano-2025-04-14)"),
        ({**HELLO, "model": "gpt-4"}, ("--dialect", "azure"), "8 prompt tokens (cl100k_base, gpt-"),
    ],
)  # fmt: skip
def test_tokens_of_a_request_of_any_kind(
    run: Run, tmp_path: Path, body: dict[str, object], options: tuple[str, ...], told: str
) -> None:
    code, out, err = run("tokens", write(tmp_path / "r.json", body), *options)
    assert (code, err) == (0, "")
    assert out.startswith(told)


def test_schema_prints_the_language(run: Run) -> None:
    code, out, _ = run("schema")
    assert code == 0
    assert json.loads(out) == json_schema()
    jsonschema.Draft202012Validator.check_schema(json.loads(out))


def test_tokens_of_a_text(run: Run) -> None:
    """The counts are tiktoken's own, as published for these encodings."""
    assert run("tokens", "hello world")[1] == "2 tokens (o200k_base, as for gpt-4o)\n"
    assert run("tokens", "hello world", "--model", "gpt-4")[1].startswith("2 tokens (cl100k_base")


def test_tokens_of_a_request_file_are_those_of_usage(run: Run, tmp_path: Path) -> None:
    """A recorded request: 15 prompt tokens."""
    body = {
        "model": "gpt-3.5-turbo",
        "messages": [{"role": "user", "content": "Tell me a joke about opentelemetry"}],
    }
    path = write(tmp_path / "r.json", body)
    assert run("tokens", path)[1] == "15 prompt tokens (cl100k_base, gpt-3.5-turbo-0125)\n"
    path = write(tmp_path / "plain.txt", "hello world")
    assert run("tokens", path)[1].startswith("2 tokens")


def test_models_as_a_table_and_as_json(run: Run) -> None:
    assert "gpt-4o-mini-2024-07-18" in run("models")[1]
    listed = json.loads(run("models", "--format", "json")[1])
    assert {"gpt-4o", "gpt-5"} <= {model["id"] for model in listed}
    closed = json.loads(run("models", "team-gateway", "--format", "json")[1])
    assert [model["id"] for model in closed] == ["gpt-4o-mini", "team-large", "team-small"]
    assert closed[2]["max_output_tokens"] == 64


def test_init_writes_a_scenario_and_a_test_that_passes(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "llm"
    code, out, _ = run("init", str(folder))
    assert code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["llm.yaml", "test_llm.py"]
    assert all(str(path) in out for path in folder.iterdir())
    assert run("check", str(folder / "llm.yaml"))[0] == 0
    forked(folder).assert_outcomes(passed=3)


def test_init_overwrites_nothing(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "test_llm.py", "mine")
    code, _, err = run("init", str(tmp_path))
    assert code == 2
    assert "nothing was written" in err
    assert [path.name for path in tmp_path.iterdir()] == ["test_llm.py"]
    assert (tmp_path / "test_llm.py").read_text() == "mine"


def test_init_into_a_place_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    """A folder under a file cannot be made; a file that cannot be written is told."""
    write(tmp_path / "file", "x")
    code, _, err = run("init", str(tmp_path / "file" / "below"))
    assert code == 2
    assert str(tmp_path / "file" / "below") in err


def test_tokens_of_a_text_that_only_looks_like_a_path(run: Run) -> None:
    """A text with a NUL or of any length is counted, not opened."""
    assert run("tokens", "word " * 5000)[1].startswith("5001 tokens")
    assert run("tokens", "a\0b")[0] == 0


def test_explain_under_auth_and_without_rules(run: Run, tmp_path: Path) -> None:
    request = write(tmp_path / "r.json", HELLO)
    _, out, _ = run("explain", "team-gateway", request)
    assert "HTTP 401" in out
    path = write(tmp_path / "x.yaml", "mockdock: 1\notherwise: echo\n")
    _, out, _ = run("explain", path, request)
    assert "answered by 'otherwise'" in out
    assert '"content": "hello"' in out


def test_an_audit_judges_a_journal(run: Run, tmp_path: Path) -> None:
    """Exit code 1 where a policy was broken, 2 for what is no journal."""
    hasty = [made(1, 0, 429, reply={"retry-after": "20"}), made(2, 1, 200)]
    path = write(tmp_path / "j.jsonl", "".join(f"{json.dumps(each)}\n" for each in hasty))
    code, out, err = run("audit", path, "--format", "json")
    assert (code, err, json.loads(out)["ok"]) == (1, "", False)
    page = tmp_path / "page.html"
    assert run("audit", path, "--format", "html", "-o", str(page), "--session", "")[0] == 1
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert run("audit", path, "--policy", "openai")[0] == 2


def test_a_replay_of_nothing_is_refused(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "j.jsonl", json.dumps(made(1, 0, 200)))
    code, out, err = run("replay", path, "7", "--port", "0")
    assert (code, out) == (2, "")
    assert err == f"mockdock: {path}: there is no record 7\n"


@pytest.mark.parametrize(
    ("command", "broken"),
    [
        ("replay", {"time_scale": "1"}),
        ("replay", {"method": None}),
        ("replay", {"outcome": {"ending": "completed", "bytes": 0}}),
        ("replay", {"faults": [1]}),
        ("audit", {"time_scale": "1"}),
        ("audit", {"faults": [1]}),
        ("audit", {"usage": {"total_tokens": "x"}}),
    ],
)
def test_a_damaged_record_is_told_and_nothing_is_served_or_judged(
    run: Run, tmp_path: Path, command: str, broken: dict[str, object]
) -> None:
    path = write(tmp_path / "j.jsonl", json.dumps({**made(1, 0, 200), **broken}))
    code, out, err = run(command, path, *(["1", "--port", "0"] if command == "replay" else []))
    assert (code, out) == (2, "")
    assert err.startswith("mockdock: record 1 is no record of a journal: ")


def test_a_phase_in_vain_is_a_warning(run: Run, tmp_path: Path) -> None:
    timeline = "[{at: 0s, error: 503}, {at: 1s, error: 500}]"
    path = write(tmp_path / "a.yaml", f"mockdock: 1\ntimeline: {timeline}\n")
    code, out, _ = run("check", path)
    assert code == 0
    assert out.splitlines() == [
        "timeline[1]: warning: its error is in vain while timeline[0] goes on, which has one",
        "1 file, 0 rules, 0 errors, 1 warning",
    ]
