"""Trouble on purpose costs nothing where nobody wants any: its code is not even called.

Times tell little on a busy machine, calls are exact. ``python -m tests.bench unused`` tells times.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import mockdock
from mockdock.app import App
from tests.conformance.adapters import ADAPTERS, Adapter
from tests.conformance.asgi import app_of, post

ROOT = Path(mockdock.__file__).parent
ONLY_TROUBLE = (
    "delivery/faults",
    "delivery/gate",
    "delivery/traffic",
    "engine/gauges",
    "engine/limits",
    "engine/meters",
    "engine/spoil",
    "engine/threshold",
    "engine/trouble",
    "engine/wishing",
    "fault",
    "limit",
    "scenario/chaos",
    "scenario/faults",
    "scenario/limits",
    "scenario/wishes",
)
"""Modules, and rooms of them, that nothing but trouble needs."""
PLAIN = {
    "delivery/traffic.admits": 1,
    "delivery/traffic.leave": 1,
    "engine/wishing.plain": 1,
    "engine/wishing.wished": 1,
}
"""What a request cannot be spared: it counts as under way, for others that may be slowed down or
queue, and it may wish for trouble itself, in its model's name among others."""
UNLIMITED: dict[str, Any] = {"langdock": {"limits": []}}
"""A dialect whose documents speak of limits has none then."""


def calls(
    app: App,
    adapter: Adapter,
    *,
    stream: bool = False,
    said: str = "Hi",
    modules: tuple[str, ...] = ONLY_TROUBLE,
) -> Counter[str]:
    """Count the calls of each function of ``modules`` that a chat request makes."""
    found: Counter[str] = Counter()

    def look(frame: FrameType, event: str, _: Any) -> None:
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.is_relative_to(ROOT):
            module = file.relative_to(ROOT).with_suffix("").as_posix()
            if module.startswith(modules):
                found[f"{module}.{frame.f_code.co_name}"] += 1

    body = {"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": said}]}
    before = sys.getprofile()
    sys.setprofile(look)
    try:
        answer = post(app, adapter.chat, body)
    finally:
        sys.setprofile(before)
    assert answer.status == 200
    return found


def test_every_module_of_trouble_is_there() -> None:
    """Else none of its calls would be counted."""
    for name in ONLY_TROUBLE:
        assert (ROOT / name).is_dir() or (ROOT / f"{name}.py").is_file(), name


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda each: each.name)
def test_a_request_without_trouble_makes_no_call_for_it(adapter: Adapter, stream: bool) -> None:
    app = app_of({"reply": "Hello"}, **UNLIMITED)
    calls(app, adapter, stream=stream)  # what is made once is not counted
    assert calls(app, adapter, stream=stream) == PLAIN


@pytest.mark.parametrize(
    ("feature", "setting", "module"),
    [
        ("limits", [{"per": "key", "rpm": 1000}], "engine/limits"),
        ("faults", [{"type": "connection_reset", "probability": 0}], "engine/trouble"),
        ("chaos", {"rate": 0}, "engine/trouble"),
        ("timeline", [{"at": "9h", "error": 503}], "engine/trouble"),
    ],
)
def test_what_is_declared_is_asked_even_when_it_never_applies(
    feature: str, setting: Any, module: str
) -> None:
    """So the calls that are not made above would be seen."""
    found = calls(app_of({"reply": "Hello"}, **{feature: setting}), ADAPTERS[0])
    assert sum(count for name, count in found.items() if name.startswith(module)) > 0
    assert found["engine/threshold.__init__"] == 0


def test_the_calls_do_not_grow_with_rules_and_rounds() -> None:
    rules = [{"when": {"user": f"question {number}"}, "reply": "Hello"} for number in range(50)]
    app = app_of(*rules, **UNLIMITED)
    for number in (0, 49, 0):
        assert calls(app, ADAPTERS[0], said=f"question {number}") == PLAIN


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda each: each.name)
def test_only_a_request_on_an_account_meets_the_ledger(adapter: Adapter, stream: bool) -> None:
    app = app_of({"reply": "Hello"}, **UNLIMITED)
    calls(app, adapter, stream=stream)
    found = calls(app, adapter, stream=stream, modules=("ledger/", "engine/seeding"))
    assert bool(found) is (adapter.name == "langdb"), found
