"""A server, and a dock of it that verifies nothing by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockdock import MockDock
from mockdock.testing import DockServer
from tests.testing.helpers import loose


@pytest.fixture(scope="session")
def dock_server() -> Iterator[DockServer]:
    """Share one server among the tests of the Python API."""
    with DockServer() as server:
        yield server


@pytest.fixture
def dock(dock_server: DockServer) -> Iterator[MockDock]:
    """Open a session that does not verify in the end."""
    with loose(dock_server) as dock:
        yield dock


@pytest.fixture
def untraced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the processes of a test out of the coverage: they are many, and show nothing new."""
    for name in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):
        monkeypatch.delenv(name, raising=False)
