"""What a session is, as its dock shows it."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock import MockDock, Server, UsageError
from mockdock.testing import DockServer
from tests.testing.helpers import loose, said

HELLO = {"mockdock": 1, "rules": [{"name": "of the scenario", "reply": {"text": "x"}}]}
ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi!"}]}


def test_rules_are_listed_as_they_are_tried_with_their_counts(dock_server: DockServer) -> None:
    with loose(dock_server, HELLO) as dock:
        dock.when(user="a", name="of the test").reply("y").times(3)
        said(dock, "a")
        said(dock, "b")
        said(dock, "b")
        told = [(each.name, each.added, each.times, each.used) for each in dock.rules]
        assert told == [("of the test", True, 3, 1), ("of the scenario", False, None, 2)]
        assert dock.scenario == HELLO


def test_settings_are_those_of_the_dock(dock_server: DockServer) -> None:
    with loose(dock_server, seed=7, otherwise="echo", time_scale="manual") as dock:
        settings = dock.settings
        assert (settings.session, settings.opened) == (dock.api_key, True)
        assert (settings.seed, settings.otherwise, settings.time_scale) == (7, "echo", "manual")


def test_a_request_is_explained_and_not_counted(dock: MockDock) -> None:
    dock.when(user="Bye", name="farewell").reply("Bye!")
    dock.when(attempt=2, name="again").reply("Again!")
    first = dock.explain(ASKED)
    assert first["rule"] is None
    assert first["refused"] is None
    assert [each["rule"] for each in first["verdicts"]] == ["farewell", "again"]
    assert [each["name"] for each in first["verdicts"][0]["unmet"]] == ["user"]
    assert dock.explain(ASKED, attempt=2)["rule"] == "again"
    assert dock.explain({"model": "gpt-4o"})["refused"] is not None
    assert (dock.calls.count, [each.used for each in dock.rules]) == (0, [0, 0])


@pytest.mark.parametrize(
    ("request_", "attempt", "told"),
    [
        ("Hi!", 1, "explain\\('Hi!'\\): write the body of a request as a mapping"),
        (ASKED, 0, "attempt=0: write a whole number, at least 1"),
        (ASKED, 10**400, "write a whole number, at most"),
        ({"model": "\ud800"}, 1, "model: .* half of a surrogate pair"),
        ({"model": object()}, 1, "the request is not JSON"),
    ],
)
def test_what_cannot_be_explained_is_told(
    dock: MockDock, request_: Any, attempt: int, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        dock.explain(request_, attempt)


def test_a_server_elsewhere_shows_the_same() -> None:
    with Server() as there, DockServer(url=there.url) as server, loose(server, HELLO) as dock:
        dock.when(user="Hi!", name="of the test").reply("y")
        assert said(dock) == "y"
        assert [(each.name, each.used) for each in dock.rules] == [
            ("of the test", 1),
            ("of the scenario", 0),
        ]
        assert dock.scenario == HELLO
        assert dock.settings.otherwise == "fail"
        assert dock.explain(ASKED)["rule"] == "of the test"
