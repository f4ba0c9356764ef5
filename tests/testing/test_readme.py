"""Every block of the plugin's README runs, as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import mockdock.testing
from tests.testing.projects import forked

pytestmark = pytest.mark.usefixtures("untraced")

README = Path(mockdock.testing.__file__).with_name("README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
TESTS = [text for _, text in BLOCKS if "def test_" in text]
SCRIPTS = [text for _, text in BLOCKS if "def test_" not in text]


def test_all_blocks_are_python() -> None:
    assert {language for language, _ in BLOCKS} == {"python"}


def test_the_tests_pass(tmp_path: Path) -> None:
    for number, text in enumerate(TESTS):
        (tmp_path / f"test_{number}.py").write_text(text)
    forked(tmp_path).assert_outcomes(passed=README.count("\ndef test_"))


def test_the_scripts_run(tmp_path: Path) -> None:
    (script,) = SCRIPTS
    ended = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=tmp_path
    )
    assert (ended.stdout, ended.stderr) == ("Hi\nNo socket.\n", "")
