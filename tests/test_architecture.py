"""Rooms import only downwards, and every module says what it makes public."""

from __future__ import annotations

import ast
import importlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest

import mockdock

ROOT = Path(mockdock.__file__).parent
NOUNS = {
    *("request", "reply", "fault", "frames", "errors", "gateways", "limit", "memo", "policy"),
    *("accounts", "completing", "embedding", "moderation", "question", "resources", "routing"),
    *("deferred", "later", "names", "statements", "traits", "usage"),
}
MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(NOUNS, NOUNS),
    "content": NOUNS,
    "scenario": NOUNS,
    "engine": {*NOUNS, "content", "ledger", "scenario"},
    "dialects": NOUNS,
    "delivery": NOUNS,
    "observe": NOUNS,
    "sessions": {"engine", "delivery"},
    "arrival": {*NOUNS, "dialects", "engine"},
    "rendering": {*NOUNS, "dialects", "delivery", "engine"},
    "retelling": {*NOUNS, "delivery", "dialects", "rendering"},
    "visit": {*NOUNS, "arrival", "delivery", "dialects", "engine", "sessions"},
    "following": {*NOUNS, "delivery", "dialects", "engine", "observe", "rendering", "visit"},
    "refusing": {*NOUNS, "rendering", "visit"},
    "answering": {
        *NOUNS,
        "dialects",
        "engine",
        "observe",
        "refusing",
        "rendering",
        "sessions",
        "visit",
    },
    "endpoint": {
        *NOUNS,
        "answering",
        "visit",
        "arrival",
        "following",
        "refusing",
        "engine",
        "dialects",
        "delivery",
        "observe",
        "rendering",
        "retelling",
        "showing",
    },
    "app": {
        *NOUNS,
        "arrival",
        "bookkeeping",
        "delivery",
        "dialects",
        "endpoint",
        "engine",
        "observe",
        "refusing",
        "sessions",
    },
    "local": {
        *NOUNS,
        "app",
        "content",
        "engine",
        "dialects",
        "delivery",
        "observe",
        "scenario",
        "sessions",
        "shared",
    },
    "remote": {*NOUNS, "observe", "scenario"},
    "environ": NOUNS,
    "ledger": NOUNS,
    "shared": {*NOUNS, "engine", "ledger", "observe"},
    "bookkeeping": {*NOUNS, "ledger", "observe"},
    "showing": {*NOUNS, "observe"},
    "sockets": NOUNS,
    "host": {*NOUNS, "delivery", "sockets"},
    "server": {
        *NOUNS,
        "host",
        "sockets",
        "app",
        "engine",
        "dialects",
        "delivery",
        "ledger",
        "local",
        "observe",
        "scenario",
        "shared",
    },
    "testing": {
        *NOUNS,
        "app",
        "content",
        "dialects",
        "environ",
        "local",
        "observe",
        "remote",
        "scenario",
        "server",
    },
    "__init__": {"errors", "server", "testing"},
    "__main__": {"cli"},
    "cli": {
        *NOUNS,
        "app",
        "environ",
        "host",
        "local",
        "remote",
        "server",
        "sockets",
        "engine",
        "content",
        "dialects",
        "delivery",
        "ledger",
        "observe",
        "scenario",
        "sessions",
        "shared",
    },
}
WIRE_LIBRARIES = {"starlette", "uvicorn", "httptools", "h11"}
MAY_SPEAK_HTTP = {"app", "host", "delivery/wire", "observe/control"}
MODULES = sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


ROOMS = {mine: [*paths] for mine, paths in groupby(sorted(MODULES, key=room), key=room)}


@cache
def _import_nodes(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """Give the imports of a module, wherever they are."""
    return [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def imports(path: Path) -> Iterator[str]:
    """Give the dotted names a module imports, wherever it does so."""
    for node in _import_nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
    yield from (f"mockdock.{place.replace(':', '.')}" for place in _later(path))


@pytest.mark.parametrize("mine", ROOMS)
def test_a_room_imports_only_what_it_may_know(mine: str) -> None:
    for path in ROOMS[mine]:
        here = path.relative_to(ROOT).with_suffix("").as_posix()
        for name in imports(path):
            first, *rest = name.split(".")
            if first == "mockdock" and rest and rest[0] in MAY_IMPORT:
                assert rest[0] == mine or rest[0] in MAY_IMPORT[mine], f"{here} imports {name}"
            if first in WIRE_LIBRARIES:
                rooms = {mine, here, here.rpartition("/")[0]}
                assert rooms & MAY_SPEAK_HTTP, f"{here} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_imported_later_is_there(path: Path) -> None:
    for place in _later(path):
        module, _, name = place.partition(":")
        assert callable(getattr(importlib.import_module(f"mockdock.{module}"), name))


def _later(path: Path) -> Iterator[str]:
    """Give the places of functions that a module imports when they are called."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Name(id="later"), args=[ast.Constant(value=str(place))]):
                yield place
            case ast.Call(func=ast.Name(id="later")):
                pytest.fail(f"{path}:{node.lineno}: later() takes a text")


def test_only_delivery_waits_and_sends() -> None:
    """No other module sleeps, sets timers or sends a body."""
    for path in MODULES:
        text = path.read_text()
        if room(path) != "delivery":
            assert "call_later" not in text, path
            assert "asyncio.sleep" not in text, path
            assert "http.response" not in text, path


@pytest.mark.parametrize("mine", ROOMS)
def test_all_names_what_a_module_defines(mine: str) -> None:
    """``__all__`` is there, sorted and true, where a module defines anything public."""
    for path in ROOMS[mine]:
        _names_what_it_defines(path)


def _names_what_it_defines(path: Path) -> None:
    name = ".".join(("mockdock", *path.relative_to(ROOT).with_suffix("").parts))
    module = importlib.import_module(name.removesuffix(".__init__"))
    if path.name == "__main__.py":
        return
    public = getattr(module, "__all__", None)
    statements = ast.parse(path.read_text()).body
    assert public is not None or len(statements) == 1, f"{path} has no __all__"
    named = list(public or ())
    for each in named:
        assert hasattr(module, each), f"{each} is not in {name}"
    assert named == sorted(named, key=_order), f"{path}: __all__ is not sorted"
    taken = _imported().get(name.removesuffix(".__init__"), set())
    assert set(_defined(statements)) & taken <= set(named), f"{path}: __all__ lacks what is used"


def _order(name: str) -> tuple[int, str]:
    """Constants come first, then classes, then the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def _defined(statements: Sequence[ast.stmt]) -> Iterator[str]:
    """Give the public names that statements define, and do not import."""
    for node in statements:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                found = [name]
            case ast.AsyncFunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                found = [name]
            case ast.Assign(targets=targets):
                found = [each.id for each in targets if isinstance(each, ast.Name)]
            case _:
                found = []
        yield from (name for name in found if not name.startswith("_"))


@cache
def _imported() -> dict[str, set[str]]:
    """Give, for each module, the names that other modules of the package import from it."""
    taken: dict[str, set[str]] = defaultdict(set)
    for path in MODULES:
        for node in _import_nodes(path):
            if isinstance(node, ast.ImportFrom) and node.module:
                taken[node.module] |= {alias.name for alias in node.names}
    return taken


def test_modules_are_short() -> None:
    """A module of more than 330 lines holds two concepts."""
    long = {
        str(path.relative_to(ROOT)): lines
        for path in MODULES
        if (lines := len(path.read_text().splitlines())) > 330
    }
    assert long == {}
