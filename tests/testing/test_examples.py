"""The examples: in docstrings, and in ``examples.py``, which mypy checks."""

from __future__ import annotations

import ast
import doctest
import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI, OpenAI

import mockdock.testing
from mockdock import MockDock
from mockdock.testing import Calls, DockServer, Matching, RuleHandle
from mockdock.testing.answering import Answering
from mockdock.testing.calls import Filters
from mockdock.testing.clock import DockClock
from mockdock.testing.dock import ClientOptions
from tests.testing import examples
from tests.testing.helpers import ask

OF_OTHERS = {"LimitCard", "RemoteVerbs"}
"""What is proved elsewhere."""

PUBLIC = [
    *(
        getattr(mockdock.testing, name)
        for name in mockdock.testing.__all__
        if name not in OF_OTHERS
    ),
    Answering,
    ClientOptions,
    DockClock,
    Filters,
]


def _documented() -> Iterator[tuple[str, Any]]:
    """Give everything public that needs a docstring, with its name."""
    for thing in PUBLIC:
        yield thing.__name__, thing
        if inspect.isclass(thing):
            for name, _ in inspect.getmembers(thing):
                mine = next((vars(c)[name] for c in thing.__mro__ if name in vars(c)), None)
                own = str(getattr(mine, "__module__", None) or thing.__module__)
                if not name.startswith("_") and own.startswith("mockdock.") and _speaks(mine):
                    yield f"{thing.__name__}.{name}", mine


def _speaks(member: Any) -> bool:
    return isinstance(member, property) or inspect.isfunction(member) or hasattr(member, "func")


DOCUMENTED = dict(_documented())


@pytest.mark.parametrize("name", DOCUMENTED)
def test_everything_public_has_a_docstring_with_an_example(name: str) -> None:
    assert ">>> " in (inspect.getdoc(DOCUMENTED[name]) or "")


class _Lenient(doctest.OutputChecker):
    """Takes any output where an example shows none."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return not want or super().check_output(want, got, optionflags)


@pytest.fixture
def names(dock: MockDock) -> Iterator[dict[str, Any]]:
    """Give what the examples speak of: a dock that had two calls."""
    rule = dock.when(name="weather", user="weather").reply("Sunny.")
    hello = dock.when(name="hello", user="Hi!").reply("Hello!")
    ask(dock, "How is the weather?")
    ask(dock, "Hi!")
    with ExitStack() as stack:

        def client(**options: Any) -> OpenAI:
            return stack.enter_context(OpenAI(**options))

        yield {
            **{name: getattr(mockdock.testing, name) for name in mockdock.testing.__all__},
            "AsyncOpenAI": AsyncOpenAI,
            "ClientOptions": ClientOptions,
            "Filters": Filters,
            "OpenAI": client,
            "audit": dock.audit("openai-python"),
            "call": dock.calls.first,
            "dock": dock,
            "hello": hello,
            "Iterator": Iterator,
            "httpx2": httpx2,
            "os": os,
            "pytest": pytest,
            "rule": rule,
            "subprocess": subprocess,
            "sys": sys,
        }


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_examples_of_docstrings_run(name: str, names: dict[str, Any]) -> None:
    text = inspect.getdoc(DOCUMENTED[name]) or ""
    test = doctest.DocTestParser().get_doctest(text, names, name, None, None)
    told: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(checker=_Lenient(), optionflags=flags, verbose=False)
    runner.run(test, out=told.append)
    assert (runner.failures, "".join(told)) == (0, "")
    assert runner.tries > 0


@pytest.mark.parametrize("example", examples.EXAMPLES)
def test_examples_run(dock: MockDock, example: Callable[[MockDock], None]) -> None:
    example(dock)


def test_examples_of_docks_run(dock_server: DockServer) -> None:
    examples.docks(dock_server)


def _used() -> dict[str, set[str]]:
    """Collect the names of arguments that the examples give, by what they call."""
    used: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(Path(examples.__file__).read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            used.setdefault(name, set()).update(each.arg for each in node.keywords if each.arg)
    return used


def _arguments() -> Iterator[tuple[str, str]]:
    """Give the arguments that have names, with what takes them."""
    for kind in (MockDock, DockServer, Matching, RuleHandle, Calls, DockClock):
        made_by_people = {"__init__"} if kind in (MockDock, DockServer) else set()
        for name, member in inspect.getmembers(kind, inspect.isfunction):
            if name.startswith("_") and name not in made_by_people:
                continue
            for each in inspect.signature(member).parameters.values():
                named = each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)
                if named and each.name != "self":
                    yield kind.__name__ if name == "__init__" else name, each.name
    for name in Filters.__annotations__:
        yield "filter", name


def test_examples_use_every_argument() -> None:
    used = _used()
    assert [(f, each) for f, each in _arguments() if each not in used.get(f, ())] == []
