"""What a server says when it begins."""

from __future__ import annotations

import pytest

from mockdock.cli.banner import banner
from mockdock.dialects import DIALECTS
from mockdock.scenario import Scenario, load

URL = "http://127.0.0.1:8080"


def scenario() -> Scenario:
    return load({"mockdock": 1, "name": "x", "rules": [{"name": "r", "reply": "z"}]}).scenario


@pytest.mark.parametrize("name", ["NO_COLOR", "TERM"])
def test_only_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    plain = banner(scenario(), URL, DIALECTS)
    assert plain.splitlines() == [
        f"mockdock · x · {URL}/v1",
        f"export OPENAI_BASE_URL={URL}/v1 OPENAI_API_KEY=mockdock",
        f"control API: {URL}/__mockdock",
        "#  rule  when    answers",
        "1  r     always  1",
        "otherwise: auto",
    ]
    colored = banner(scenario(), URL, DIALECTS, terminal=True)
    assert colored.startswith(f"\x1b[1mmockdock · x · {URL}/v1\x1b[0m\n\x1b[32mexport ")
    monkeypatch.setenv(name, "dumb")
    assert banner(scenario(), URL, DIALECTS, terminal=True) == plain
