"""``mockdock serve`` as a process: banner, lines, signals, reload, sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import httpx2 as httpx
import pytest
from openai import OpenAI

from tests.acceptance.conftest import process
from tests.openai_types import CheckedOpenAI, check_chunk

SLOW = """\
mockdock: 1
rules:
  - reply: {text: one two three four five six, pacing: {ttft: 300ms, itl: 200ms}}
"""


def chat(base_url: str, text: str = "hello") -> str | None:
    with CheckedOpenAI(base_url=base_url, api_key="test", max_retries=0) as client:
        reply = client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": text}]
        )
    return reply.choices[0].message.content


def test_the_banner_and_a_line_per_request() -> None:
    """Base URL, env line and rules first; then model, rule, status, tokens, time."""
    with process("serve", "quickstart", "--port", "0", apart=True) as server:
        url = server.base_url
        assert server.wait_for("OPENAI_BASE_URL=") == (
            f"export OPENAI_BASE_URL={url} OPENAI_API_KEY=mockdock"
        )
        server.wait_for("greeting")
        server.wait_for("otherwise: auto")
        assert chat(url) == "Hello! I am mockdock, and I cost nothing."
        line = server.wait_for("gpt-4o-mini")
        for part in (" 200 ", "greeting", "8+12 tok", " ms"):
            assert part in line
        assert server.stop() == 0
        assert server.errors == []


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_running_replies_and_exits_0(tmp_path: Path, sig: int) -> None:
    (tmp_path / "slow.yaml").write_text(SLOW)
    with process("serve", "slow.yaml", "--port", "0", cwd=tmp_path) as server:
        url = server.base_url
        with (
            CheckedOpenAI(base_url=url, api_key="test", max_retries=0) as client,
            client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "go"}], stream=True
            ) as stream,
        ):
            parts = iter(stream)
            assert next(parts).choices[0].delta.role == "assistant"
            server.popen.send_signal(sig)
            text = "".join(chunk.choices[0].delta.content or "" for chunk in parts)
        assert text == "one two three four five six"
        assert server.ended() == 0
        assert server.errors == []


def test_quiet_prints_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with process("serve", "quickstart", "--quiet", "--port", str(port)) as server:
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
            assert client.get(f"{url}/v1/models").status_code == 200
        assert server.stop() == 0
        assert server.lines == []


def test_the_access_log_is_uvicorns() -> None:
    with process("serve", "--port", "0", "--access-log") as server:
        chat(server.base_url)
        assert "200" in server.wait_for('"POST /v1/chat/completions HTTP/1.1"')


def test_reload_picks_up_changes_and_survives_a_broken_edit(tmp_path: Path) -> None:
    """A broken edit keeps the old scenario and prints the error with its place."""
    path = tmp_path / "live.yaml"
    path.write_text("mockdock: 1\nrules: [{reply: first}]\n")
    with process("serve", str(path), "--port", "0", "--reload") as server:
        url = server.base_url
        assert chat(url) == "first"
        server.wait_for("watching")
        path.write_text("mockdock: 1\nrules: [{repply: broken}]\n")
        error = server.wait_for("did you mean 'reply'?", errors=True)
        assert "live.yaml:2" in error
        server.wait_for("still serves", errors=True)
        assert sum("did you mean" in line for line in server.errors) == 1
        assert chat(url) == "first"
        path.write_text("mockdock: 1\nrules: [{reply: first}]\n")
        server.wait_for("the scenario can be read again, and is as it was")
        path.write_text("mockdock: 1\nrules: [{reply: second}]\n")
        server.wait_for("reloaded: 1 rule,")
        assert chat(url) == "second"
        assert sum("read again" in line for line in server.lines) == 1
        assert server.stop() == 0


def test_a_reload_keeps_stored_completions_and_counts_anew(tmp_path: Path) -> None:
    path = tmp_path / "live.yaml"
    path.write_text("mockdock: 1\nrules: [{replies: [first, second]}]\n")
    with process("serve", str(path), "--port", "0", "--reload") as server:
        with OpenAI(base_url=server.base_url, api_key="test", max_retries=0) as client:
            made = client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "hello"}], store=True
            )
            server.wait_for("watching")
            path.write_text("mockdock: 1\nrules: [{replies: [one, two]}]\n")
            server.wait_for("counters start anew")
            found = client.chat.completions.retrieve(made.id)
            assert found.choices[0].message.content == "first"
            assert [each.id for each in client.chat.completions.list()] == [made.id]
        assert chat(server.base_url) == "one"
        assert server.stop() == 0


def test_seed_and_time_scale(tmp_path: Path) -> None:
    """A seed repeats the made-up text, whatever hashes are; at scale 0 an hour takes no time."""
    path = tmp_path / "hour.yaml"
    path.write_text("mockdock: 1\npacing: {ttft: 1h}\n")
    texts = []
    for seed, apart in (("1", True), ("1", False), ("2", False)):
        arguments = ("--port", "0", "--seed", seed, "--time-scale", "0")
        with process("serve", str(path), *arguments, apart=apart) as server:
            texts.append(chat(server.base_url))
    assert texts[0] == texts[1] != texts[2]


def test_a_unix_socket(tmp_path: Path) -> None:
    """The socket serves, is removed at the end, and a stale one is replaced."""
    path = tmp_path / "mock.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    for _ in range(2):
        with process("serve", "--uds", str(path)) as server:
            server.wait_for("Unix socket")
            transport = httpx.HTTPTransport(uds=str(path))
            with httpx.Client(transport=transport, base_url="http://localhost") as client:
                assert client.get("/v1/models/gpt-4o").json()["id"] == "gpt-4o"
            assert server.stop() == 0
            assert not path.exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_https(tmp_path: Path, workers: str) -> None:
    """With a certificate the base URL is https, and clients that trust it are served."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            *files,
            *subject,
        ],
        check=True,
        capture_output=True,
    )
    options = ("--ssl-certfile", str(certificate), "--ssl-keyfile", str(key))
    with process("serve", "--port", "0", "--workers", workers, *options) as server:
        url = server.base_url
        assert url.startswith("https://")
        context = ssl.create_default_context(cafile=str(certificate))
        with httpx.Client(verify=context) as client:
            assert client.get(f"{url}/models/gpt-4o").status_code == 200
        assert server.stop() == 0


def run(*arguments: str, cwd: Path | None = None, apart: bool = False) -> tuple[int, str, str]:
    """Give exit code, output and errors."""
    with process(*arguments, cwd=cwd, apart=apart) as ran:
        code = ran.ended()
    return code, "\n".join(ran.lines), "\n".join(ran.errors)


def test_a_port_in_use_is_one_line_and_exit_code_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, told, wrong = run("serve", "quickstart", "--port", port, apart=True)
    assert (code, told) == (2, "")
    (line,) = wrong.splitlines()
    assert line == (
        f"mockdock: 127.0.0.1:{port} is in use; "
        "stop what listens there, or choose another with --port"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "no such file"),
        ("mockdock: 1\nrules: [{reply: a}\n", "bad.yaml:"),
        ("mockdock: 2\n", "write mockdock: 1"),
        ("mockdock: 1\nrulez: []\n", "did you mean 'rules'?"),
    ],
)
def test_a_bad_scenario_is_one_line_and_exit_code_2(
    tmp_path: Path, text: str | None, told: str
) -> None:
    path = tmp_path / "bad.yaml"
    if text is not None:
        path.write_text(text)
    for command in ("serve", "check"):
        code, _, wrong = run(command, str(path))
        assert code == 2
        (line,) = wrong.splitlines()
        assert line.startswith("mockdock: ")
        assert told.lower() in line.lower()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--host", "no.such.host.invalid"), "cannot listen on no.such.host.invalid"),
        (("--port", "99999"), "cannot listen on 127.0.0.1:99999"),
        (("--time-scale", "-1"), "--time-scale"),
        (("--ssl-certfile", "none.pem"), "none.pem"),
        (("--ssl-keyfile", "none.pem"), "--ssl-certfile"),
        (("--uds", "/no/such/folder/x.sock"), "cannot listen on /no/such/folder/x.sock"),
    ],
)
def test_options_that_cannot_be(options: tuple[str, ...], told: str) -> None:
    code, _, wrong = run("serve", *options)
    assert code == 2
    (line,) = wrong.splitlines()
    assert line.startswith("mockdock: ")
    assert told in line


def test_500_paced_streams_are_complete_correct_and_never_early(tmp_path: Path) -> None:
    """No event of any stream comes before it is due, and streams do not wait for each other.

    One after the other they would take half an hour, and the client gives up long before.
    That delays do not add up is proven by the clock of a test, in tests/delivery.
    """
    ttft, itl = 1.0, 0.4
    (tmp_path / "many.yaml").write_text(
        f"mockdock: 1\npacing: {{ttft: {ttft}s, itl: {itl}s}}\n"
        "rules: [{reply: 'number ${user} of many streams at once'}]\n"
    )
    with process("serve", "many.yaml", "--port", "0", cwd=tmp_path) as server:
        ended = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("streams.py")), server.base_url, "500"],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stderr
        assert server.stop() == 0
    told = json.loads(ended.stdout)
    assert len(told) == 500
    for chunk in (chunk for chunks, _ in told for chunk in chunks):
        check_chunk(chunk)
    streams = [times for _, times in told]
    # "number", " ", N, " of", " many", " streams", " at", " once": eight tokens, with the role
    # before them, finish and [DONE] after them.
    due = [ttft, *(ttft + itl * token for token in range(8)), *[ttft + itl * 7] * 2]
    assert all(came >= at for times in streams for came, at in zip(times, due, strict=True))


def test_a_reply_longer_than_the_grace_is_cut_and_not_made_to_look_complete(
    tmp_path: Path,
) -> None:
    """The exit code is 0 all the same, and no trace is printed."""
    (tmp_path / "hour.yaml").write_text(
        "mockdock: 1\nrules: [{reply: {text: one two, pacing: {itl: 1h}}}]\n"
    )
    with process("serve", "hour.yaml", "--port", "0", "--grace", "0", cwd=tmp_path) as server:
        body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "x"}]}
        with httpx.stream("POST", f"{server.base_url}/chat/completions", json=body) as answer:
            lines = answer.iter_lines()
            assert "assistant" in next(lines)
            server.popen.send_signal(signal.SIGTERM)
            with pytest.raises(httpx.RemoteProtocolError):
                assert "data: [DONE]" not in list(lines)
        assert server.ended() == 0
        assert "stopped" in server.wait_for("gpt-4o")
        assert not any("Traceback" in line for line in server.errors)


def test_many_rules_are_listed_up_to_a_point(tmp_path: Path) -> None:
    """Names are shown as they are, markup or not; a lint finding is told."""
    rules = [
        {"name": f"[red]rule {n}", "when": {"user": f"<{n}>"}, "reply": "x"} for n in range(60)
    ]
    rules.append({**rules[0], "name": "shadowed"})
    (tmp_path / "many.json").write_text(json.dumps({"mockdock": 1, "rules": rules}))
    with process("serve", "many.json", "--port", "0", cwd=tmp_path) as server:
        server.wait_for("[red]rule 7")
        server.wait_for("... and 11 more")
        server.wait_for("error: ")


def test_reload_of_a_folder_follows_new_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("mockdock: 1\n")
    with process("serve", str(tmp_path), "--port", "0", "--reload", "--host", "0.0.0.0") as server:
        assert server.base_url.startswith("http://localhost:")
        server.wait_for("watching")
        (tmp_path / "b.yaml").write_text("mockdock: 1\nrules: [{reply: new}]\n")
        server.wait_for("reloaded: 1 rule")
        assert chat(server.base_url) == "new"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_output_of_few_letters_is_enough(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the encoding lacks is written as "?", and the lines go on."""
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    (tmp_path / "r.json").write_text(
        json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]})
    )
    code, _, wrong = run("explain", "quickstart", "r.json", cwd=tmp_path, apart=True)
    assert (code, wrong) == (0, "")
    with process("serve", "--port", "0", apart=True) as server:
        url = server.base_url
        for model in ("\N{GRINNING FACE}", "plain"):
            httpx.post(
                f"{url}/chat/completions",
                json={"model": model, "messages": [{"role": "user", "content": "x"}]},
            )
        assert "200" in server.wait_for("plain")
        assert server.stop() == 0


@pytest.mark.parametrize("where", [">&-", ">/dev/full", "| true"])
def test_serving_goes_on_when_nobody_reads(where: str, tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    command = f"exec {sys.executable} -m mockdock serve quickstart --uds {path} {where}"
    with subprocess.Popen(
        ["sh", "-c", command if "|" not in where else command.removeprefix("exec ")],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            for _ in range(600):
                if path.exists():
                    break
                assert threading.Event().wait(0.05) is False
            transport = httpx.HTTPTransport(uds=str(path), retries=5)
            with httpx.Client(transport=transport, base_url="http://localhost") as client:
                for _ in range(3):
                    assert client.get("/v1/models/gpt-4o").status_code == 200
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
        assert shell.stderr is not None
        assert "Traceback" not in shell.stderr.read()


@pytest.mark.parametrize("command", [("models",), ("schema",), ("check", "quickstart")])
def test_a_full_disk_is_one_line(command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "mockdock", *command],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr


def test_reload_survives_a_folder_that_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "a.yaml").write_text("mockdock: 1\nrules: [{reply: old}]\n")
    with process("serve", str(folder / "a.yaml"), "--port", "0", "--reload") as server:
        url = server.base_url
        server.wait_for("watching")
        (folder / "a.yaml").unlink()
        folder.rmdir()
        folder.mkdir()
        (folder / "a.yaml").write_text("mockdock: 1\nrules: [{reply: new}]\n")
        server.wait_for("reloaded: 1 rule,")
        assert chat(url) == "new"
        (folder / "note.txt").write_text("nothing to do with it")
        (folder / "a.yaml").write_text("mockdock: 1\nrules: [{reply: newer}, {reply: x}]\n")
        server.wait_for("reloaded: 2 rules")
        assert chat(url) == "newer"


def test_the_journal_and_the_control_api_of_a_server(tmp_path: Path) -> None:
    """The banner says where; other commands follow, judge and reset."""
    path = tmp_path / "journal.jsonl"
    with process("serve", "quickstart", "--port", "0", "--journal", str(path)) as server:
        base_url = server.base_url
        url = base_url.removesuffix("/v1")
        assert server.wait_for("control API: ") == f"control API: {url}/__mockdock"
        chat(base_url)
        with process("journal", "--url", url) as journal:
            assert journal.ended() == 0
        assert journal.lines[1:] == [
            "    user: hello",
            "    reply: Hello! I am mockdock, and I cost nothing.",
        ]
        with process("verify", "--url", url, "--unused", "all") as verify:
            assert verify.ended() == 1
        (unused,) = verify.lines[1:]
        assert unused.startswith("✗ capital never answered: nearest is request #1, user wanted ")
        with process("journal", "--url", url, "--follow") as following:
            following.wait_for("user: hello")
            chat(base_url, "hello again")
            following.wait_for("user: hello again")
            assert following.stop(signal.SIGINT) == 0
        assert following.errors == []
        with process("reset", "--url", url) as reset:
            assert reset.ended() == 0
        with process("journal", "--url", url, "--follow") as following:
            chat(base_url, "hello anew")
            following.wait_for("user: hello anew")
            assert server.stop() == 0
            assert following.ended() == 0
        assert following.errors == ["mockdock: the server has stopped"]
        assert server.errors == []
    texts = [json.loads(line)["rule"] for line in path.read_text().splitlines()]
    assert texts == ["greeting"] * 3


def test_the_journal_in_memory_is_as_long_as_wanted() -> None:
    with process("serve", "--port", "0", "--quiet", "--journal-size", "0") as server:
        assert server.ended() == 2
    with process("serve", "quickstart", "--port", "0", "--journal-size", "1") as server:
        base_url = server.base_url
        for text in ("hello one", "hello two"):
            chat(base_url, text)
        with process("journal", "--url", base_url.removesuffix("/v1")) as journal:
            assert journal.ended() == 0
        assert [line for line in journal.lines if "user:" in line] == ["    user: hello two"]
        assert server.stop() == 0
    with process("serve", "--port", "0", "--quiet", "--journal-bytes", "0") as server:
        assert server.ended() == 2
    with process("serve", "quickstart", "--port", "0", "--journal-bytes", "1") as server:
        base_url = server.base_url
        chat(base_url, "hello one")
        with process("journal", "--url", base_url.removesuffix("/v1")) as journal:
            assert journal.ended() == 0
        assert journal.lines == []
        assert server.stop() == 0


@pytest.mark.parametrize(
    ("options", "who"),
    [
        (("--host", "0.0.0.0"), ", from this machine only: --control-token opens it"),
        (("--control-token", "word"), ", with the token"),
    ],
)
def test_the_banner_says_who_may_control_the_server(options: tuple[str, ...], who: str) -> None:
    with process("serve", "--port", "0", *options) as server:
        url = server.base_url.removesuffix("/v1")
        assert server.wait_for("control API: ") == f"control API: {url}/__mockdock{who}"
        refused = 401 if "word" in options else 200
        assert httpx.get(f"{url}/__mockdock/version").status_code == refused
        token = {"authorization": "Bearer word"}
        assert httpx.get(f"{url}/__mockdock/version", headers=token).status_code == 200
        assert server.stop() == 0


def test_what_cannot_be_a_journal_or_a_token_is_refused(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere" / "journal.jsonl"
    for options, told in (
        (("--journal", str(tmp_path)), f"{tmp_path}: a journal is a file, and this is a folder"),
        (("--journal", str(nowhere)), f"{nowhere}: the journal cannot be written: No such file"),
        (("--control-token", ""), "a control token is one or more visible ASCII characters"),
    ):
        with process("serve", "--port", "0", *options) as server:
            assert server.ended() == 2
        assert told in server.errors[0]
        assert len(server.errors) == 1
        assert server.lines == []


def test_the_banner_tells_the_base_urls_of_the_dialects() -> None:
    with process("serve", "--port", "0", "--dialect", "langdock", "--dialect", "azure") as server:
        told = server.wait_for("LANGDOCK_API_KEY")
        url = server.wait_for("mockdock · ").rsplit(" ", 1)[-1]
        assert told == f"export LANGDOCK_API_KEY=mockdock  # and base_url={url}/openai/eu/v1"
        server.wait_for(f"export AZURE_OPENAI_ENDPOINT={url} AZURE_OPENAI_API_KEY=mockdock")
        assert httpx.get(f"{url}/openai/eu/v1/models").status_code == 200
        assert httpx.get(f"{url}/v1/models").status_code == 404
        assert server.stop() == 0
    with process("serve", "langdb", "--port", "0") as server:
        told = server.wait_for("LANGDB_API_KEY")
        url = server.wait_for("mockdock · ").rsplit(" ", 1)[-1].removesuffix("/v1")
        project = "LANGDB_API_KEY=mockdock LANGDB_PROJECT_ID=demo"
        assert told == f"export LANGDB_API_BASE_URL={url} {project}"
        assert httpx.get(f"{url}/models").status_code == 200
        assert server.stop() == 0
    assert run("serve", "--dialect", "asure") == (
        2,
        "",
        "mockdock: no dialect 'asure'; there are openai, azure, langdock, langdb",
    )
