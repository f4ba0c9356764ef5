"""Every block of the plugin's README runs, as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import mockdock.testing

pytestmark = pytest.mark.usefixtures("untraced")

README = Path(mockdock.testing.__file__).with_name("README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
TESTS = [text for _, text in BLOCKS if "def test_" in text]
SCRIPTS = [text for _, text in BLOCKS if "def test_" not in text]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], check=False, capture_output=True, text=True, cwd=cwd
    )


def test_all_blocks_are_python() -> None:
    assert {language for language, _ in BLOCKS} == {"python"}


def test_the_tests_pass(tmp_path: Path) -> None:
    for number, text in enumerate(TESTS):
        (tmp_path / f"test_{number}.py").write_text(text)
    ended = run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    wanted = README.count("\ndef test_")
    assert f"{wanted} passed" in ended.stdout, ended.stdout


def test_the_scripts_run(tmp_path: Path) -> None:
    (script,) = SCRIPTS
    ended = run("-c", script, cwd=tmp_path)
    assert (ended.stdout, ended.stderr) == ("Hi\nNo socket.\n", "")
