"""The package as others get it: public names, and a wheel that works offline."""

from __future__ import annotations

import ast
import json
import os
import re
import site
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import mockdock
from tests.openai_types import check_completion

ROOT = Path(__file__).parent.parent

GUARD = """
import sys

def guard(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if host not in ("127.0.0.1", "localhost"):
        raise OSError(f"the network is cut off: {event} {host}")

sys.addaudithook(guard)
"""
"""Run by every Python of a venv at its start."""

USE = """
import json, urllib.request
import mockdock
assert "site-packages" in mockdock.__file__, mockdock.__file__
from mockdock import Server

answers = {}
with Server("quickstart", "canned") as server:
    for model in ("gpt-4o", "gpt-4"):
        body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
        request = urllib.request.Request(
            server.base_url + "/chat/completions",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        answers[model] = json.load(urllib.request.urlopen(request))
try:
    urllib.request.urlopen("http://example.com")
except OSError as error:
    answers["outside"] = str(error)
print(json.dumps(answers))
"""


def test_the_public_names() -> None:
    assert mockdock.__all__ == sorted(mockdock.__all__)
    for name in mockdock.__all__:
        assert getattr(mockdock, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'Sever'"):
        mockdock.Sever  # noqa: B018


def test_all_public_names_are_listed() -> None:
    """``dir()`` tells of names that are imported when they are asked for, too."""
    for package in (mockdock, mockdock.testing, mockdock.ledger):
        assert dir(package) == sorted(package.__all__)


SERVER = {"anyio", "asyncio", "httptools", "starlette", "uvicorn", "uvloop"}
MODELS = {"msgspec", "orjson", "pydantic", "pydantic_core"}
SELDOM = {
    *("faker", "mockdock.cli.auditing", "regex", "rich.console", "sqlite3", "yaml"),
    *("mockdock.content.embedding", "mockdock.content.schema", "mockdock.engine.seeding"),
    *("mockdock.dialects.azure.parse", "mockdock.dialects.langdb.parse"),
    *("mockdock.dialects.langdock.parse", "mockdock.dialects.openai.embeddings_parse"),
    *("mockdock.ledger.ledger", "mockdock.observe.audit", "mockdock.observe.control.app"),
    *("mockdock.scenario.audit", "mockdock.scenario.langdb", "mockdock.delivery.faults.stall"),
    *("mockdock.content.speech", "mockdock.engine.moderate", "mockdock.engine.spoil"),
}
"""What only some requests, scenarios and commands need."""


def imported(code: str, *arguments: str) -> set[str]:
    """Run Python code in a fresh interpreter, and give what it has imported by its end.

    What was there before, as where coverage is measured, is not its doing.
    """
    tell = (
        "import sys, atexit; before = set(sys.modules); "
        "atexit.register(lambda: print('\\n' + ' '.join(set(sys.modules) - before)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", f"{tell}\n{code}", *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(ended.stdout.splitlines()[-1].split())


def test_importing_the_package_is_light() -> None:
    """``import mockdock`` brings no server, tokenizer or generator along."""
    found = imported("import mockdock")
    assert found & {*SERVER, *MODELS, *SELDOM, "tiktoken", "typer", "importlib.metadata"} == set()


def test_telling_the_version_is_light() -> None:
    found = imported("import mockdock.cli; mockdock.cli.main()", "--version")
    assert "typer" in found
    assert found & {*SERVER, *MODELS, *SELDOM, "tiktoken", "mockdock.request"} == set()


def test_a_server_begins_without_what_it_may_never_need() -> None:
    """What serves without a file has imported little by the time it listens."""
    code = """
import mockdock.host
mockdock.host.run = lambda *_, **__: None
import mockdock.cli
mockdock.cli.main()
"""
    found = imported(code, "serve", "--port", "0")
    assert "mockdock.cli.serving" in found
    assert found & {*SELDOM, "mockdock.observe.verbs", "mockdock.local.verbs"} == set()


def test_a_plain_answer_needs_none_of_it_either() -> None:
    code = """
import json, urllib.request
from mockdock import Server

with Server() as server:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
    head = {"content-type": "application/json"}
    url = server.base_url + "/chat/completions"
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), head)).read()
"""
    found = imported(code)
    assert "mockdock.content.tokens" in found
    assert found & {*SELDOM, "tiktoken"} == set(), "a few words are counted without it"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)],
        check=True,
        capture_output=True,
        cwd=ROOT,
    )
    (built,) = folder.glob("mockdock-*.whl")
    return built


def installed(home: Path, *wheels: Path) -> Path:
    """Make a venv with these wheels and without a network, and give its Python.

    The dependencies are those of this run: only the packages themselves come from the wheels.
    They are put there by the pip of this run, since a pip of its own takes seconds to install.
    """
    venv.create(home)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--no-index", *wheels],
        check=True,
        capture_output=True,
    )
    (packages,) = (home / "lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    (packages / "sitecustomize.py").write_text(GUARD)
    return python


def test_the_wheel_holds_its_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "mockdock/py.typed" in names
    assert "mockdock/content/ranks/o200k_base.bin" in names
    parts = (
        "answer",
        "counting",
        "journal",
        "keeping",
        "leases",
        "log",
        "mark",
        "meters",
        "ops",
        "promises",
        "step",
    )
    assert {f"mockdock/shared/{part}.lua" for part in parts} <= names
    for folder in ("scenarios", "fixtures"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file():
                assert f"mockdock/_data/{path.relative_to(ROOT)}" in names
    assert not any(name.startswith(("tests/", "scenarios/", "fixtures/")) for name in names)


def test_the_wheel_serves_and_counts_offline(wheel: Path, tmp_path: Path) -> None:
    """Installed in a fresh venv, run outside the checkout, with the network cut off."""
    home = tmp_path / "venv"
    python = installed(home, wheel)

    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}

    def run(*command: str | Path) -> str:
        ended = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    answers = json.loads(run(python, "-c", USE))
    for model in ("gpt-4o", "gpt-4"):
        check_completion(answers[model])
    assert "the network is cut off" in answers["outside"]
    assert answers["gpt-4o"]["usage"]["prompt_tokens"] == 8
    assert answers["gpt-4o"]["usage"]["completion_tokens"] == 12
    assert answers["gpt-4"]["choices"][0]["message"]["content"].startswith("Hello!")
    assert run(home / "bin" / "mockdock", "tokens", "hello world").startswith("2 tokens")
    with subprocess.Popen(
        [home / "bin" / "mockdock", "serve", "quickstart", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**environment, "PYTHONUNBUFFERED": "1"},
    ) as served:
        assert served.stdout is not None
        assert "http://127.0.0.1:" in served.stdout.readline()
        served.terminate()


def _is_shared(path: Path) -> bool:
    return path.parent.name == "shared"


def test_what_is_imported_is_declared() -> None:
    """Every package imported at run time is a dependency of the project, or of an extra."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["redis"]]
    names = {re.split(r"[\[><=~!]", each)[0].lower() for each in declared}
    names |= {"yaml"} if "pyyaml" in names else set()
    imported = set()
    for path in sorted((ROOT / "mockdock").rglob("*.py"), key=_is_shared):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
        if not _is_shared(path):
            assert "redis" not in imported, f"{path} imports what is only there with an extra"
    foreign = imported - set(sys.stdlib_module_names) - {"mockdock", "__future__"}
    # pydantic brings its core along, and speaks of it in its own documentation; pytest is
    # imported by what only pytest loads.
    assert foreign - {"pydantic_core", "pytest"} <= names
