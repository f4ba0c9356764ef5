"""Servers for real clients; a module whose clients are absent is skipped."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from mockdock import Server
from mockdock.dialects.openai import openai
from mockdock.observe import Exchange, Observer
from tests.clients.needs import REQUIRED, missing

# LiteLLM downloads a list of prices when it is imported, unless told to use its own.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

_RUNNER = pytest.StashKey[asyncio.Runner]()

Serve = Callable[..., str]
"""Takes a scenario as a mapping, gives the base URL of a server that ends with the test."""


class _Absent(pytest.Module):
    """A module that cannot be imported, for want of ``needed``."""

    needed: str

    def collect(self) -> list[pytest.Item]:
        raise pytest.skip.Exception(f"not installed: {self.needed}")


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Skip a module for want of its clients, unless it is required."""
    name = module_path.stem.removeprefix("test_")
    needed = missing(name)
    if not needed or name in REQUIRED:
        return None
    module = _Absent.from_parent(parent, path=module_path)
    module.needed = ", ".join(needed)
    return module


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run the coroutines of LangChain's suite, which pytest-asyncio only does when told to.

    All in one event loop, since ChatOpenAI keeps its connections for the whole process.
    """
    if not inspect.iscoroutinefunction(pyfuncitem.function):
        return None
    runner = pyfuncitem.config.stash.setdefault(_RUNNER, asyncio.Runner())
    names = inspect.signature(pyfuncitem.obj).parameters
    runner.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the event loop, if there is one."""
    if _RUNNER in config.stash:
        config.stash[_RUNNER].close()


class _Checker:
    """Checks every answer as the rest of the suite does; clients only read what they need.

    Not beside openai 2, whose types are older than the wire.
    """

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def __call__(self, exchange: Exchange) -> None:
        """Render an answer once more, and check what was sent."""
        body = b"".join(frame.data for frame in openai.frames(exchange.request, exchange.reply))
        kind = "text/event-stream" if body.startswith(b"data: ") else "application/json"
        try:
            check_answer(exchange.status, kind, body)
        except Exception as error:  # noqa: BLE001  # told when the server has stopped
            self.wrong.append(f"{exchange.method} {exchange.path}: {error!r}: {body[:2000]!r}")


if find_spec("httpx2") is not None:
    from tests.openai_types import check_answer
else:

    def check_answer(status: int, content_type: str, body: bytes) -> Any:
        """Take any answer."""


@contextmanager
def _serving(scenario: Mapping[str, Any], *observers: Observer) -> Iterator[str]:
    checker = _Checker()
    with Server({"mockdock": 1, **scenario}, observers=[*observers, checker]) as server:
        yield server.base_url
    assert checker.wrong == []


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """Serve made-up answers to everything."""
    with _serving({}) as url:
        yield url


@pytest.fixture(scope="session")
def lenient_url() -> Iterator[str]:
    """Serve made-up answers, also to requests the real service refuses."""
    with _serving({"validation": "lenient"}) as url:
        yield url


@pytest.fixture
def exchanges() -> list[Exchange]:
    """Collect every exchange of the servers of the test."""
    return []


@pytest.fixture
def serve(exchanges: list[Exchange]) -> Iterator[Serve]:
    """Serve scenarios until the test ends."""
    with ExitStack() as stack:

        def start(scenario: Mapping[str, Any] | None = None) -> str:
            return stack.enter_context(_serving(scenario or {}, exchanges.append))

        yield start
