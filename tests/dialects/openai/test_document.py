"""The page on the dialect has a row for every parameter."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockdock.dialects.openai import wire
from mockdock.dialects.openai.wire import ChatRequest

PAGE = Path(wire.__file__).with_name("README.md").read_text()
ROWS = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")]


@pytest.mark.parametrize("name", sorted({*ChatRequest.model_fields} - {"model", "messages"}))
def test_a_parameter_has_a_row(name: str) -> None:
    assert any(f"`{name}`" in row or f"`{name}: " in row for row in ROWS), name
