"""Every block of the README runs, as it stands."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import get_args

import httpx2 as httpx
import pytest

from mockdock import Server
from mockdock.cli.commands import app
from mockdock.cli.servers import serve
from mockdock.fault import OPTIONS, FaultName
from mockdock.request import Api
from mockdock.resources import scenarios
from mockdock.scenario import lint, load, seeds
from mockdock.scenario.audit import AuditSpec
from mockdock.scenario.base import Part
from mockdock.scenario.langdb import LangDBSpec
from mockdock.shared.address import Address
from tests.acceptance.conftest import process
from tests.openai_types import check_completion
from tests.stores import Redis, started
from tests.testing.projects import forked

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
LANGUAGE = (ROOT / "scenarios" / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README + LANGUAGE, re.DOTALL | re.MULTILINE)
ADDRESS = "http://127.0.0.1:8080/v1"


@pytest.fixture
def redis() -> Iterator[Redis]:
    with started() as running:
        yield running


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCKS if name == language]


def test_all_blocks_are_of_a_kind_that_is_run() -> None:
    assert {name for name, _ in BLOCKS} == {"sh", "python", "yaml"}


def test_the_two_commands() -> None:
    """One runs the main job, one the tests; what they install is in the package."""
    main_job, tests = (line.strip() for line in blocks("sh")[:2])
    assert main_job == "pip install . && mockdock serve quickstart"
    assert tests == 'pip install -e ".[dev]" && pytest -n auto'
    ci = (ROOT / ".ci/run").read_text()
    assert ' -e ".[$2]"' in ci
    assert "\nenvironment venv dev\n" in ci
    assert re.search(r" pytest -n .* --dist worksteal\n$", ci)


def test_several_workers_are_one_server(redis: Redis) -> None:
    """The scenario answers one after the other, whoever is asked."""
    (line,) = (text for text in blocks("sh") if "--workers" in text)
    install, _, serve_it = line.strip().partition(" && ")
    assert install == 'pip install ".[redis]"'
    program, command, *words = shlex.split(serve_it)
    assert (program, command) == ("mockdock", "serve")
    url = words.pop()
    assert words.pop() == "--store"
    Address.parse(url)
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
    arguments = (*words, "--store", redis.url(), "--time-scale", "0", "--port", "0")
    with process(command, *arguments) as server:
        address = f"{server.base_url}/chat/completions"
        told = [httpx.post(address, json=body).status_code for _ in range(7)]
        assert server.stop() == 0
    assert told == [200, 429, 200, 503, 500, 200, 504]


def test_the_compose_file_is_there() -> None:
    assert "docker compose up --build\n" in blocks("sh")
    assert (ROOT / "compose.yaml").is_file()


def curl(command: str, server: Server) -> str:
    """Run a command of the README against a server, and give what it prints."""
    words = shlex.split(command.replace("\\\n", " ").replace("http://127.0.0.1:8080", server.url))
    ended = subprocess.run([*words, "-sS"], check=True, capture_output=True, text=True)
    return ended.stdout


def test_curl() -> None:
    ask, add, scrape = (text for text in blocks("sh") if text.startswith("curl"))
    with Server("quickstart") as server:
        answer = json.loads(curl(ask, server))
        added = json.loads(curl(add, server))
        sunny = json.loads(curl(ask.replace("Hello!", "weather"), server))
        told = curl(scrape, server)
    assert 'mockdock_requests_total{dialect="openai",rule="greeting",status="200"} 1.0' in told
    assert added["key"] == "+1"
    assert sunny["choices"][0]["message"]["content"] == "Sunny."
    check_completion(answer)
    assert answer["choices"][0]["message"]["content"].startswith("Hello! I am mockdock")


def test_the_first_answer() -> None:
    (code,) = (text for text in blocks("python") if ADDRESS in text)
    with Server("quickstart") as server:
        ended = subprocess.run(
            [sys.executable, "-c", code.replace(ADDRESS, server.base_url)],
            check=True,
            capture_output=True,
            text=True,
        )
    assert ended.stdout == "The capital of Peru is on the tip of my tongue."


def test_the_first_test(tmp_path: Path) -> None:
    (code,) = (text for text in blocks("python") if "def test_" in text)
    (tmp_path / "test_first.py").write_text(code)
    forked(tmp_path).assert_outcomes(passed=1)


@pytest.mark.parametrize("text", blocks("yaml"))
def test_the_scenarios(text: str, tmp_path: Path) -> None:
    path = tmp_path / "readme.yaml"
    path.write_text(text)
    assert lint(load(path).scenario) == ()


def test_every_ready_made_scenario_is_named() -> None:
    for path in scenarios().glob("*.yaml"):
        assert f"`{path.stem}`" in README


def test_every_command_and_option_of_serve_is_named() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        assert command.callback.__name__ in README
    for name in signature(serve).parameters.keys() - {"scenarios"}:
        assert re.search(rf"`--{name.replace('_', '-')}( [A-Z]+)?`", README), name


@pytest.mark.parametrize(
    ("model", "skip"),
    [
        ("ChaosSpec", ()),
        ("ErrorSpec", ()),
        ("FaultSpec", ()),
        ("LimitSpec", ()),
        ("PacingSpec", ()),
        ("PhaseSpec", ()),
        ("ReplySpec", ()),
        ("Rule", ()),
        ("Scenario", ("rules",)),
        ("When", ()),
    ],
)
def test_every_key_of_the_language_is_documented(model: str, skip: tuple[str, ...]) -> None:
    import mockdock.scenario

    _is_documented(getattr(mockdock.scenario, model), skip)


def test_every_key_of_an_audit_is_documented() -> None:
    _is_documented(AuditSpec, ())


def test_every_api_that_a_condition_can_name_is_documented() -> None:
    (row,) = (line for line in LANGUAGE.splitlines() if line.startswith("| `stream`, "))
    assert [name for name in get_args(Api) if f"`{name}`" not in row] == []


@pytest.mark.parametrize(
    "model",
    [
        LangDBSpec,
        seeds.HistoryModelSpec,
        seeds.HistorySpec,
        seeds.MadeModelSpec,
        seeds.MessageSpec,
        seeds.PriceSpec,
        seeds.ThreadSpec,
        seeds.UsedSpec,
        seeds.UserSpec,
    ],
)
def test_every_key_of_langdb_is_documented(model: type[Part]) -> None:
    (section,) = re.findall(r"^## LangDB\n(.*?)^## ", LANGUAGE, re.DOTALL | re.MULTILINE)
    _is_documented(model, (), section)


def _is_documented(model: type[Part], skip: tuple[str, ...], text: str = LANGUAGE) -> None:
    fields = model.model_fields
    names = {field.alias or name for name, field in fields.items()} - set(skip)
    missing = {name for name in names if not re.search(rf"\b{name}\b", text)}
    assert missing == set()


@pytest.mark.parametrize("name", get_args(FaultName))
def test_every_fault_is_documented_with_its_options(name: FaultName) -> None:
    (row,) = re.findall(rf"^\| .*`{name}`.*$", LANGUAGE, re.MULTILINE)
    assert all(f"`{option}`" in row for option in OPTIONS[name])
