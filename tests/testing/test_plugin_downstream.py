"""A project that uses mockdock, in a fresh venv with the built wheel, and no network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_package import ROOT, installed, wheel

DOWNSTREAM = ROOT / "tests" / "downstream"

__all__ = ["wheel"]

pytestmark = pytest.mark.usefixtures("untraced")


@pytest.fixture(scope="module")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a venv with the two wheels, and the third-party packages of this run."""
    folder = tmp_path_factory.mktemp("downstream")
    shutil.copytree(
        DOWNSTREAM, folder / "project", ignore=shutil.ignore_patterns("__pycache__", ".*")
    )
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)],
        check=True,
        capture_output=True,
        cwd=folder / "project",
    )
    # The tests must meet what was installed.
    shutil.rmtree(folder / "project" / "src")
    (sample,) = folder.glob("greeter-*.whl")
    installed(folder / "venv", wheel, sample)
    return folder


def run(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of the project as its developers do."""
    where = "import mockdock, greeter; print(mockdock.__file__, greeter.__file__)"
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "OPENAI_API_KEY": "sk-real"}
    python = home / "venv" / "bin" / "python"
    settings = {"cwd": home / "project", "env": environment, "capture_output": True, "text": True}
    found = subprocess.run([python, "-c", where], check=True, **settings)  # type: ignore[call-overload]
    assert found.stdout.count(str(home / "venv")) == 2
    command = [python, "-m", "pytest", "-p", "no:randomly", *options]
    return subprocess.run(command, check=False, **settings)  # type: ignore[call-overload, no-any-return]


def test_the_tests_of_a_project_pass(home: Path) -> None:
    ended = run(home, "-m", "not meant_to_fail")
    assert ended.returncode == 0, ended.stdout
    assert re.search(r"= 10 passed, 2 deselected in", ended.stdout)
    assert ended.stderr == ""
    spread = run(home, "-m", "not meant_to_fail", "-n", "2")
    assert "10 passed" in spread.stdout, spread.stdout


def test_failures_of_a_project_explain_themselves(home: Path) -> None:
    ended = run(home, "-m", "meant_to_fail", "--mockdock-journal", "kept")
    assert ended.returncode == 1
    assert "2 failed, 10 deselected" in ended.stdout
    assert "Greet Ada." in ended.stdout
    assert "farewell never answered" in ended.stdout
    assert "- mockdock -" in ended.stdout
    (kept,) = (home / "project" / "kept").iterdir()
    assert "Greet Ada." in kept.read_text()
