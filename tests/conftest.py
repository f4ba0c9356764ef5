"""Settings of the whole suite."""

import asyncio
import functools
import gc
import os
import signal
import ssl
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import uvicorn.server
from hypothesis import settings

# Explore at the desk, repeat in CI: a push must not fail by chance, nor on a slow machine.
settings.register_profile("desk", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, database=None, print_blob=True, max_examples=50
)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

_NAP = 0.002
"""Seconds between two looks of a server that stops at whether its connections have ended."""

# A shell has what it runs in the background ignore Ctrl-C, and so would all we start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _remembered(create: Callable[..., ssl.SSLContext]) -> Callable[..., ssl.SSLContext]:
    """Load certificates once: each client of an SDK takes 30 ms for them, though none is used."""

    @functools.cache
    def made(_: str | None, *arguments: Any, **more: Any) -> ssl.SSLContext:
        return create(*arguments, **more)

    return lambda *arguments, **more: made(os.environ.get("SSL_CERT_FILE"), *arguments, **more)


pytest.MonkeyPatch().setattr(ssl, "create_default_context", _remembered(ssl.create_default_context))


def _hasty() -> ModuleType:
    """Give asyncio to uvicorn with shorter naps: it takes 100 ms for each server that stops."""
    hasty = ModuleType("asyncio")
    hasty.__dict__.update(vars(asyncio), sleep=lambda delay: asyncio.sleep(min(delay, _NAP)))
    return hasty


pytest.MonkeyPatch().setattr(uvicorn.server, "asyncio", _hasty())

# A project of its own: tests/testing/test_plugin_downstream.py installs and runs it.
collect_ignore = ["downstream"]


def pytest_collection_finish() -> None:
    """Have the garbage collector pass over what stays: all the tests, and what they import."""
    gc.collect()
    gc.freeze()
