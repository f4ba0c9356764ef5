"""Projects whose tests use the plugin, as pytester runs them."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import httpcore2  # noqa: F401 - see below; httpx2 imports it with the first client
import pytest

# Loaded here once: pytester forgets what a run in this process imported, and
# extension modules cannot be imported twice.
import mockdock.observe.replay
import mockdock.server
import mockdock.testing.assertrepr
import mockdock.testing.dock
import mockdock.testing.failed  # noqa: F401 - likewise
import tests.openai_types  # noqa: F401 - openai
from tests.acceptance.conftest import process

__all__ = ["APP", "forked", "project", "run", "run_again", "run_apart", "run_forked", "run_spread"]

APP = '''
"""An app that asks an LLM."""

from openai import OpenAI

def ask(text="Hi", **options):
    with OpenAI(max_retries=0, **options) as client:
        answer = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": text}]
        )
    return answer.choices[0].message.content
'''

_PATIENCE = 120.0
_ALONE = ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
_PLUGINS = (
    *("-p", "mockdock.testing.plugin"),
    *("-p", "pytest_asyncio.plugin"),
    *("-p", "anyio.pytest_plugin"),
)
"""All there are, save in :func:`run_apart`: to find and load those installed takes a while."""


_OPTIONS = (
    "-p",
    "no:randomly",
    "-p",
    "no:cacheprovider",
    "-W",
    "error",
    "-o",
    "asyncio_default_fixture_loop_scope=function",
)


def project(pytester: pytest.Pytester, test: str, **files: str) -> None:
    """Write ``app.py``, ``test_it.py`` and others."""
    sources = {"app": APP, "test_it": test, **files}
    pytester.makepyfile(**{name: textwrap.dedent(text) for name, text in sources.items()})


def run(pytester: pytest.Pytester, test: str, *options: str, **files: Any) -> pytest.RunResult:
    """Run the tests of a project in this process, warnings being errors."""
    project(pytester, test, **files)
    return run_again(pytester, *options)


def run_again(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run the tests that are there already in this process, warnings being errors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*_ALONE)
        return pytester.runpytest_inprocess(*_PLUGINS, *_OPTIONS, *options)


def run_apart(
    pytester: pytest.Pytester, test: str, *options: str, **files: Any
) -> pytest.RunResult:
    """Run the tests of a project in a process that Python starts, warnings being errors."""
    project(pytester, test, **files)
    return pytester.runpytest_subprocess(*_OPTIONS, *options, timeout=_PATIENCE)


def run_spread(
    pytester: pytest.Pytester, test: str, *options: str, **files: Any
) -> pytest.RunResult:
    """Run the tests of a project on two workers, warnings being errors."""
    project(pytester, test, **files)
    spread = ("-p", "xdist", "-n", "2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*_ALONE)
        return pytester.runpytest_subprocess(
            *_PLUGINS, *spread, *_OPTIONS, *options, timeout=_PATIENCE
        )


def run_forked(
    pytester: pytest.Pytester, test: str, *options: str, **files: Any
) -> pytest.RunResult:
    """Run the tests of a project in a process of its own that had its modules already."""
    project(pytester, test, **files)
    return forked(pytester.path, *_OPTIONS, *options)


def forked(folder: Path, *options: str) -> pytest.RunResult:
    """Run the tests of a folder in a process of its own that had its modules already."""
    alone = dict([_ALONE])
    with process(*_PLUGINS, *options, cwd=folder, program="pytest", environment=alone) as running:
        code = running.ended()
    return pytest.RunResult(code, running.lines, running.errors, 0)
