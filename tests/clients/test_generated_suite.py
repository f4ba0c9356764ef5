"""openai's own generated tests of chat completions and models, against a lenient server.

They come from the source distribution of the installed openai (MOCKDOCK_OPENAI_SDIST) and
send every parameter at once, ``max_tokens: 0``, ``strict: true`` with the schema
``{"foo": "bar"}``, and ids nobody made; with three HTTP clients, validating and not.
No test of theirs is left out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from xml.etree import ElementTree as ET

import pytest

from tests.clients.needs import sdist

SUITES = ("tests/api_resources/chat", "tests/api_resources/test_models.py")
SUPPORT = ("tests/__init__.py", "tests/conftest.py", "tests/utils.py", "tests/respx2")
OTHERS = ("benchmark", "codspeed", "recording", "socket", "syrupy", "cacheprovider", "cov")
"""Plugins that come with LangChain's suite and mockdock's own, and have no part in this one."""


@pytest.fixture(scope="module")
def outcomes(
    tmp_path_factory: pytest.TempPathFactory, lenient_url: str
) -> Mapping[str, str | None]:
    """Run the suite once: the failure of each test by its name, None for those that passed."""
    place = tmp_path_factory.mktemp("openai")
    with tarfile.open(sdist()) as archive:
        for member in archive.getmembers():
            _, _, member.name = member.name.partition("/")
            if member.name.startswith((*SUITES, *SUPPORT)) or member.name.endswith(
                "api_resources/__init__.py"
            ):
                archive.extract(member, place, filter="data")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "OPENAI"))}
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--tb=line", "-W", "error"),
            *("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=session"),
            *(option for plugin in OTHERS for option in ("-p", f"no:{plugin}")),
            *("--junitxml", "report.xml", *SUITES),
        ],
        cwd=place,
        env={**environment, "TEST_API_BASE_URL": lenient_url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode in {0, 1}, run.stdout + run.stderr
    return {
        f"{case.get('classname')}.{case.get('name')}": _failure(case)
        for case in ET.parse(place / "report.xml").iter("testcase")
    }


def _failure(case: ET.Element) -> str | None:
    wrong = next((child for child in case if child.tag in {"failure", "error", "skipped"}), None)
    return None if wrong is None else str(wrong.get("message"))


@pytest.mark.parametrize(
    ("what", "least"),
    [
        ("chat.test_completions. _create_", 40),
        ("chat.test_completions. _retrieve", 15),
        ("chat.test_completions. _update", 15),
        ("chat.test_completions. _list", 15),
        ("chat.test_completions. _delete", 15),
        ("chat.completions.test_messages. _list", 20),
        ("test_models. _retrieve", 15),
        ("test_models. _list", 15),
        ("test_models. _delete", 15),
    ],
)
def test_the_generated_tests_pass(
    what: str, least: int, outcomes: Mapping[str, str | None]
) -> None:
    """All tests of one method of the SDK pass, and none has been lost."""
    words = what.split()
    mine = {name: why for name, why in outcomes.items() if all(word in name for word in words)}
    assert len(mine) >= least
    assert not {name: why for name, why in mine.items() if why is not None}


def test_every_generated_test_has_been_looked_at(outcomes: Mapping[str, str | None]) -> None:
    methods = ("_create_", "_retrieve", "_update", "_list", "_delete")
    assert [name for name in outcomes if not any(method in name for method in methods)] == []
