"""The Dockerfile and the compose file, as far as that can be seen without Docker."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from mockdock import Server
from mockdock.cli import app
from mockdock.shared.address import Address
from tests.stores import Redis, needs_redis

ROOT = Path(__file__).parent.parent
PORT = "8080"
IMAGE = re.compile(r"(python|redis|haproxy):[\w.{}$-]+")


def instructions() -> list[tuple[str, str]]:
    """Give the instructions of the Dockerfile."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    return [
        (name, rest)
        for line in lines
        if line and not line.startswith("#")
        for name, _, rest in [line.partition(" ")]
    ]


def the(name: str) -> str:
    """Give the last instruction of a name."""
    return [rest for each, rest in instructions() if each == name][-1]


COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]


def check(words: list[str]) -> dict[str, Any]:
    """Parse the words behind ``mockdock`` as it would, and give the options."""
    command: Any = typer.main.get_command(app)
    first, *rest = words
    context = command.commands[first].make_context(first, rest)
    options: dict[str, Any] = context.params
    return options


def test_the_images_are_official() -> None:
    stages = [rest.split() for name, rest in instructions() if name == "FROM"]
    images = [words[0] for words in stages]
    images += [each["image"] for each in SERVICES.values() if "image" in each]
    assert len(images) == 4
    assert all(IMAGE.fullmatch(each) for each in images)


def test_what_is_copied_is_there_and_enough_to_install(tmp_path: Path) -> None:
    """The wheel that is made of it holds all that the one of the whole project does."""
    copied = [rest.split() for name, rest in instructions() if name == "COPY"]
    passed = (ROOT / ".dockerignore").read_text().splitlines()
    for words in copied:
        if words[0].startswith("--from"):
            continue
        *sources, target = words
        for source in sources:
            assert f"!{source}" in passed
            here, there = ROOT / source, tmp_path / target / ("" if target != "./" else source)
            if here.is_dir():
                shutil.copytree(here, there, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(here, there)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir"]
    subprocess.run([*build, tmp_path / "out", tmp_path], check=True, capture_output=True)
    (wheel,) = (tmp_path / "out").glob("mockdock-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, inside in (("mockdock", "mockdock"), ("scenarios", "mockdock/_data/scenarios")):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"{inside}/{path.relative_to(ROOT / folder)}" in names


def test_the_extra_that_is_installed_exists() -> None:
    (install,) = (rest for name, rest in instructions() if name == "RUN" and " install " in rest)
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    assert install.endswith(".[redis]")
    assert "redis" in project["optional-dependencies"]
    (python,) = (rest for name, rest in instructions() if name == "ARG")
    assert f">={python.removeprefix('PYTHON=')}" == project["requires-python"]


def test_what_a_container_runs_is_a_command() -> None:
    assert json.loads(the("ENTRYPOINT")) == ["mockdock"]
    options = check(json.loads(the("CMD")))
    assert (options["host"], str(options["port"])) == ("0.0.0.0", the("EXPOSE"))
    assert the("USER") == "mockdock"
    (made,) = (rest for name, rest in instructions() if rest.startswith("useradd"))
    assert made.endswith(" mockdock")


def test_the_health_check_tells_a_server_from_none() -> None:
    _, _, words = the("HEALTHCHECK").partition(" CMD ")
    python, *rest = json.loads(words)
    assert python == "python"

    def healthy(port: str) -> bool:
        code = [word.replace(PORT, port) for word in rest]
        return (
            subprocess.run([sys.executable, *code], check=False, capture_output=True).returncode
            == 0
        )

    with Server("quickstart", control_token="t") as server:
        port = server.url.rpartition(":")[2]
        assert healthy(port)
    assert not healthy(port)


def test_the_replicas_are_one_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of them, who share the Redis beside them; the balancer knows as many."""
    mine = SERVICES["mockdock"]
    for name, value in mine["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-\}", "", value))
    options = check(mine["command"])
    assert options["host"] == "0.0.0.0"
    assert options["workers"] > 1
    assert options["control_token"] is None
    address = Address.parse(options["store"])
    assert address.options["host"] in SERVICES
    assert f"mockdock:{options['port']}" in COMPOSE["configs"]["balancer"]["content"]
    replicas = mine["deploy"]["replicas"]
    assert f"server-template replica {replicas} " in COMPOSE["configs"]["balancer"]["content"]
    seconds = int(mine["stop_grace_period"].removesuffix("s"))
    assert seconds >= options["grace"] + 5


def test_who_waits_for_whom_is_there_and_has_a_health_check() -> None:
    for service in SERVICES.values():
        for name, asked in service.get("depends_on", {}).items():
            assert asked == {"condition": "service_healthy"}
            assert "healthcheck" in SERVICES[name] or SERVICES[name].get("build") == "."
    (config,) = SERVICES["balancer"]["configs"]
    assert config["source"] in COMPOSE["configs"]
    assert "$" not in COMPOSE["configs"]["balancer"]["content"], "compose would replace it"
    (ports,) = SERVICES["balancer"]["ports"]
    assert f"bind :{ports.rpartition(':')[2]}" in COMPOSE["configs"]["balancer"]["content"]


def test_redis_takes_its_options(tmp_path: Path) -> None:
    """A real one is started with them, on no port."""
    program, *words = SERVICES["redis"]["command"]
    assert program == "redis-server"
    redis = Redis(tmp_path, *words)
    needs_redis()
    redis.start()
    redis.stop()
