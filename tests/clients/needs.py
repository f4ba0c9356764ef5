"""What each test module, and the shared store, needs, and what of it is missing here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

__all__ = ["NODE", "REQUIRED", "missing", "sdist"]

NODE = Path(__file__).parent / "node"

REQUIRED = frozenset(os.environ.get("MOCKDOCK_REQUIRE_CLIENTS", "").split())
"""Modules that must run, by name without ``test_``: ``.ci/run`` says what it installed."""


def sdist() -> str:
    """Give the path of the source distribution of the installed openai, empty when unset."""
    return os.environ.get("MOCKDOCK_OPENAI_SDIST", "")


def _packages(*names: str) -> Callable[[], list[str]]:
    return lambda: [name for name in names if find_spec(name) is None]


def _generated() -> list[str]:
    return [
        *_packages("pytest_asyncio", "aiohttp")(),
        *([] if sdist() else ["MOCKDOCK_OPENAI_SDIST"]),
    ]


def _node() -> list[str]:
    return [
        *([] if shutil.which("node") else ["node"]),
        *([] if (NODE / "node_modules").is_dir() else ["npm ci in tests/clients/node"]),
    ]


def _redis() -> list[str]:
    return [
        *([] if shutil.which("redis-server") else ["redis-server (apt-get install redis-server)"]),
        *_packages("redis")(),
    ]


_MISSING: Mapping[str, Callable[[], list[str]]] = {
    "asgi": _packages("httpx"),
    "generated_suite": _generated,
    "instructor": _packages("instructor"),
    "langchain": _packages("langchain_openai", "langchain_tests"),
    "litellm": _packages("litellm"),
    "locust": _packages("locust", "openai"),
    "node": _node,
    "openai_parse": _packages("openai"),
    "pydantic_ai": _packages("pydantic_ai"),
    "pylangdb": _packages("pylangdb"),
    "redis": _redis,
}

if not _MISSING.keys() >= REQUIRED:
    raise ValueError(f"MOCKDOCK_REQUIRE_CLIENTS may hold {', '.join(_MISSING)}, not {REQUIRED}")


def missing(module: str) -> list[str]:
    """Name what a module needs and this machine does not have."""
    return _MISSING[module]()
