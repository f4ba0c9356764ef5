"""What the documents of gateways name is there, and the README says what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockdock.dialects import DIALECTS
from tests.documented import ENDPOINTS, Endpoint, table

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: f"{each.method} {each.shown}")
def test_every_documented_endpoint_is_a_route(endpoint: Endpoint) -> None:
    routes = {
        (route.method, route.path.replace(":project", ""))
        for dialect in DIALECTS
        for route in dialect.routes
    }
    paths = {endpoint.path, *(endpoint.path.replace("{region}", name) for name in ("eu", "us"))}
    assert any((endpoint.method, path) in routes for path in paths)


def test_the_readme_tells_the_state_of_every_endpoint_and_parameter() -> None:
    assert table() in README.read_text(), "run: python -m tests.documented"
