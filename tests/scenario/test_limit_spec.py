"""Limits as they are written in a scenario."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.scenario import Scenario
from mockdock.scenario.limits import LimitSpec
from tests.scenario.helpers import refusal


def limit(**fields: Any) -> LimitSpec:
    return LimitSpec.model_validate(fields)


def test_everything_can_be_said() -> None:
    found = limit(
        per=["workspace", "key", "model", "server", "session"],
        rpm=60,
        tpm=10**12,
        rpd=1,
        tpd=2,
        concurrent=3,
        token_budget=4,
        cost_budget=0.5,
        algorithm="sliding",
        window="10s",
        refused="free",
        header="date",
        extend="1m",
    )
    assert found.per == ("workspace", "key", "model", "server", "session")
    assert (found.window, found.extend, found.cost_budget) == (10.0, 60.0, 0.5)


def test_what_is_not_said_is_as_with_openai() -> None:
    found = limit(rpm=3)
    assert found.per == ("workspace", "model")
    assert (found.algorithm, found.refused, found.header) == ("bucket", "counted", "both")
    assert (found.window, found.extend) == (None, None)


def test_one_scope_needs_no_list() -> None:
    assert limit(per="key", rpm=3).per == ("key",)


@pytest.mark.parametrize("header", ["both", "seconds", "ms", "date", "none", "lies"])
def test_a_refusal_says_when_to_come_back_in_a_form_that_is_chosen(header: str) -> None:
    assert limit(rpm=3, header=header).header == header


@pytest.mark.parametrize("algorithm", ["fixed", "sliding"])
def test_a_window_is_long_enough_for_its_share(algorithm: str) -> None:
    assert limit(rpm=6, tpm=60, algorithm=algorithm, window="10s").window == 10
    assert limit(tpm=60, algorithm=algorithm, window="1s").window == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"per": "key"}, "a limit needs one of: rpm, tpm, rpd, tpd, concurrent, token_budget"),
        ({"rpm": 0}, "greater than or equal to 1"),
        ({"rpm": 10**12 + 1}, "less than or equal to 1000000000000"),
        ({"tpm": 10**400}, "less than or equal to 1000000000000"),
        ({"rpm": 1.5}, "valid integer"),
        ({"rpm": True}, "valid integer"),
        ({"cost_budget": 0.0}, "greater than 0"),
        ({"per": [], "rpm": 1}, "at least 1 item"),
        ({"per": "team", "rpm": 1}, "'workspace', 'key', 'model', 'server' or 'session'"),
        ({"rpm": 1, "header": "bot"}, "both"),
        ({"rpm": 1, "window": "10s"}, "a token bucket has no window"),
        ({"rpm": 1, "algorithm": "fixed", "window": "0s"}, "a window takes some time"),
        ({"rpd": 1, "algorithm": "fixed", "window": "10s"}, "a window is for rpm and tpm"),
        ({"rpm": 3, "algorithm": "fixed", "window": "10s"}, "no share of 3 a minute"),
        ({"rpm": 60, "tpm": 5, "algorithm": "sliding", "window": "11.9s"}, "of 5 a minute"),
        ({"rpm": 1, "extend": 5}, "a duration needs a unit"),
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any], message: str) -> None:
    assert message in refusal(LimitSpec, fields)


def test_a_key_has_one_workspace() -> None:
    def workspaces(**given: list[str]) -> dict[str, Any]:
        return {"mockdock": 1, "rules": [], "workspaces": given}

    assert Scenario.model_validate(workspaces(a=["x", "y"], b=["z"])).workspaces["a"] == ("x", "y")
    message = refusal(Scenario, workspaces(a=["x"], b=["x"]))
    assert "a key has one workspace" in message
