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
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "OPENAI_API_KEY": "sk-real"}
    return subprocess.run(
        [home / "venv" / "bin" / "python", "-m", "pytest", "-p", "no:randomly", *options],
        check=False,
        cwd=home / "project",
        env=environment,
        capture_output=True,
        text=True,
    )


WHERE = """
import greeter, mockdock

def pytest_report_header():
    return [f"{each.__name__}: {each.__file__}" for each in (greeter, mockdock)]
"""


def test_failures_of_a_project_explain_themselves(home: Path) -> None:
    (home / "project" / "conftest.py").write_text(WHERE)
    ended = run(home, "--mockdock-journal", "kept")
    assert ended.returncode == 1
    assert re.search(r"= 2 failed, 10 passed in", ended.stdout)
    assert ended.stderr == ""
    for package in ("greeter", "mockdock"):
        assert f"\n{package}: {home / 'venv'}/" in ended.stdout
    assert "Greet Ada." in ended.stdout
    assert "farewell never answered" in ended.stdout
    assert "- mockdock -" in ended.stdout
    (kept,) = (home / "project" / "kept").iterdir()
    assert "Greet Ada." in kept.read_text()


def test_the_tests_of_a_project_pass_on_workers(home: Path) -> None:
    ended = run(home, "-m", "not meant_to_fail", "-n", "2")
    assert ended.returncode == 0, ended.stdout
    assert re.search(r"= 10 passed in", ended.stdout)
    assert ended.stderr == ""
