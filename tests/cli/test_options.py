"""What of ``mockdock serve`` does not go with several processes, with every reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockdock.cli.options import Options, check_sharing, doubts_of_sharing
from mockdock.errors import UsageError
from mockdock.scenario import load
from tests.cli.conftest import Run

STORE = "redis://localhost:1/0"


def options(**given: object) -> Options:
    defaults: dict[str, object] = {
        **dict.fromkeys(("seed", "ssl_certfile", "ssl_keyfile", "uds", "journal", "control_token")),
        **dict.fromkeys(("reload", "quiet", "access_log"), False),
        "host": "127.0.0.1",
        "port": 0,
        "time_scale": 1.0,
        "max_body": 1,
        "grace": 0,
        "journal_size": 1,
        "journal_bytes": 1,
    }
    return Options(**{**defaults, **given})  # type: ignore[arg-type]


def refused(scenario: str, **given: object) -> list[str]:
    with pytest.raises(UsageError) as raised:
        check_sharing(load(scenario).scenario, options(**given))
    return str(raised.value).splitlines()


def doubts(scenario: str, **given: object) -> list[str]:
    return list(doubts_of_sharing(load(scenario).scenario, options(**given)))


def test_a_scenario_that_needs_shared_state_is_refused_with_every_reason(run: Run) -> None:
    code, out, err = run("serve", "script", "--port", "0", "--workers", "4")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "mockdock: --workers 4 without --store: processes share nothing, and would have to:",
        "mockdock: script.yaml:13: the rule 'opening' counts its answers: times: 1",
        (
            "mockdock: script.yaml:18: the rule 'chorus' gives its 3 replies one after the other, "
            "per session"
        ),
        (
            "mockdock: script.yaml:24: the rule 'prompter' gives its 2 replies one after the "
            "other, per session"
        ),
        "mockdock: share it by --store redis://localhost:6379/0, or serve by --workers 1",
    ]


def test_very_many_reasons_are_counted(tmp_path: Path) -> None:
    rules = "\n".join("- {times: 1, reply: a}" for _ in range(25))
    (tmp_path / "many.yaml").write_text(f"mockdock: 1\nrules:\n{rules}\n")
    told = refused(str(tmp_path / "many.yaml"), workers=2)
    assert len(told) == 23
    assert told[-2] == "... and 5 more"


def test_dialects_that_are_asked_for_have_needs() -> None:
    """By name, or since the scenario speaks of them; what all servers speak is a doubt."""
    assert any(
        "langdock.limits[0]" in told
        for told in refused("quickstart", workers=2, dialects=["langdock"])
    )
    assert any("LangDB keeps accounts" in told for told in refused("langdb", workers=2))
    check_sharing(load("quickstart").scenario, options(workers=2))
    assert doubts("quickstart", workers=2) == [
        "without --store what needs shared state is answered 503: langdock",
        "without --store what needs shared state is answered 503: langdb",
        "without --store there is no journal, and stored completions are answered 503",
    ]
    assert doubts("quickstart", workers=2, dialects=["openai"]) == [
        "without --store there is no journal, and stored completions are answered 503"
    ]


def test_files_and_reload_are_refused_where_processes_would_differ(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert refused("quickstart", workers=3, data=path, reload=True, journal=path) == [
        "--workers 3 does not go with all that is asked for:",
        "--data: one process keeps accounts in a file; --store keeps them for several",
        (
            "--reload: processes would change at different moments; PUT /__mockdock/scenario "
            "changes all that share a store at once"
        ),
        "--journal: without --store each process would number its own exchanges",
    ]
    assert len(refused("quickstart", store=STORE, data=path, reload=True, journal=path)) == 3


def test_what_closes_the_door_is_refused_by_several_workers_with_a_store_too(
    tmp_path: Path,
) -> None:
    (tmp_path / "shut.yaml").write_text("mockdock: 1\nfaults: [connection_refused]\n")
    told = refused(str(tmp_path / "shut.yaml"), workers=2, store=STORE)
    assert told[1:] == ["faults[0]: connection_refused closes the door for new connections"]
    check_sharing(load(tmp_path / "shut.yaml").scenario, options(store=STORE))


def test_with_a_store_all_shipped_scenarios_are_served() -> None:
    for name in ("incident", "script", "langdock", "langdb", "rough-night"):
        check_sharing(load(name).scenario, options(workers=4, store=STORE))
    assert doubts("script", workers=4, store=STORE) == []
    assert doubts("incident", workers=4, store=STORE) == [
        (
            "warning: timeline[1] (brown-out): pacing: capacity counts the replies that are under "
            "way, in each process for itself"
        )
    ]


def test_one_process_without_a_store_may_do_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    check_sharing(load("script").scenario, options(data=path, reload=True, journal=path))
    assert doubts("incident") == []


@pytest.mark.parametrize("url", ["localhost:6379", "redis://localhost/0?naemspace=x"])
def test_an_address_that_is_none_is_told(run: Run, url: str) -> None:
    code, out, err = run("serve", "quickstart", "--port", "0", "--store", url)
    assert (code, out) == (2, "")
    assert err.startswith("mockdock: the address of a store ")


def test_the_store_may_be_named_by_the_environment(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCKDOCK_STORE", "http://localhost")
    code, _, err = run("serve", "quickstart", "--port", "0")
    assert code == 2
    assert "not 'http'" in err
