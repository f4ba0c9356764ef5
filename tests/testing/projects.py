"""Projects whose tests use the plugin, as pytester runs them."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

# Loaded here once: pytester forgets what a run in this process imported, and
# extension modules cannot be imported twice.
import mockdock.observe.replay
import mockdock.server
import mockdock.testing.assertrepr
import mockdock.testing.dock
import mockdock.testing.failed  # noqa: F401 - likewise
import tests.openai_types  # noqa: F401 - openai

__all__ = ["APP", "project", "run", "run_apart"]

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
    return pytester.runpytest_inprocess(*_OPTIONS, *options)


def run_apart(
    pytester: pytest.Pytester, test: str, *options: str, **files: Any
) -> pytest.RunResult:
    """Run the tests of a project in a process of its own, warnings being errors."""
    project(pytester, test, **files)
    return pytester.runpytest_subprocess(*_OPTIONS, *options, timeout=120)
