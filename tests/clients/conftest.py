"""Servers for real clients; a module whose clients are absent is skipped."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mockdock import Server
from mockdock.observe import Exchange
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


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """Serve made-up answers to everything."""
    with Server({"mockdock": 1}) as server:
        yield server.base_url


@pytest.fixture(scope="session")
def lenient_url() -> Iterator[str]:
    """Serve made-up answers, also to requests the real service refuses."""
    with Server({"mockdock": 1, "validation": "lenient"}) as server:
        yield server.base_url


@pytest.fixture
def exchanges() -> list[Exchange]:
    """Collect every exchange of the servers of the test."""
    return []


@pytest.fixture
def serve(exchanges: list[Exchange]) -> Iterator[Serve]:
    """Serve scenarios until the test ends."""
    with ExitStack() as stack:

        def start(scenario: Mapping[str, Any] | None = None) -> str:
            server = Server({"mockdock": 1, **(scenario or {})}, observers=[exchanges.append])
            return stack.enter_context(server).base_url

        yield start
