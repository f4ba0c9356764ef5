"""Exchanges of failed tests, kept as scenarios that replay."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockdock.testing import MockDock
from mockdock.testing.failed import keep
from tests.testing.projects import run

pytest_plugins = ["pytester"]

TEST = """
    import pytest
    from app import ask

    KEY = "sk-proj-" + "abcdefgh" * 5

    @pytest.mark.mockdock(scenario={"mockdock": 1, "rules": [
        {"when": {"user": "weather"}, "replies": ["It is sunny.", "It rains."]},
        {"when": {"user": "key"}, "reply": "Keep it safe."},
    ]})
    @pytest.mark.parametrize("name", ["a b/ü", "a b/ö", "x" * 300])
    def test_fails(mockdock, name):
        assert ask("The weather?", **mockdock.openai) == "It is sunny."
        ask("My key is " + KEY, **mockdock.openai)
        assert ask("The weather?", **mockdock.openai) == "It is sunny."

    def test_passes(mockdock):
        mockdock.reply("fine")
        ask(**mockdock.openai)

    def test_asks_nothing(mockdock):
        assert False
    """

REPLAY = """
    import pytest
    from app import ask

    @pytest.mark.mockdock(scenario="{file}")
    def test_again(mockdock):
        assert ask("The weather?", **mockdock.openai) == "It is sunny."
        assert ask("The weather?", **mockdock.openai) == "It rains."
    """


def kept(pytester: pytest.Pytester) -> list[Path]:
    return sorted((pytester.path / "made" / "here").iterdir())


def test_what_is_kept_replays(pytester: pytest.Pytester) -> None:
    """One file for each failed test, named in its report; secrets are out of it."""
    result = run(pytester, TEST, "--mockdock-journal", "made/here")
    result.assert_outcomes(passed=1, failed=4)
    files = kept(pytester)
    assert len(files) == 3
    for file in files:
        assert re.fullmatch(r"[\w-]{1,80}-[0-9a-f]{8}\.yaml", file.name, re.ASCII)
        assert "test_fails" in file.name or "xxx" in file.name
        assert "abcdefgh" not in file.read_text()
        result.stdout.fnmatch_lines([f"kept as a scenario that replays: *{file.name}"])
    again = REPLAY.format(file=files[0])
    run(pytester, again).assert_outcomes(passed=1)


def test_shared_docks_are_kept_too(pytester: pytest.Pytester) -> None:
    test = """
        import pytest
        from app import ask

        @pytest.fixture(scope="module")
        def dock(mockdock_factory):
            with mockdock_factory(otherwise="echo") as dock:
                yield dock

        def test_fails(dock, mockdock):
            mockdock.reply("mine")
            ask("for me", **mockdock.openai)
            ask("for all", **dock.openai)
            assert False
        """
    run(pytester, test, "--mockdock-journal", "made/here").assert_outcomes(failed=1)
    texts = [file.read_text() for file in kept(pytester)]
    assert ["for me" in text for text in texts].count(True) == 1
    assert ["for all" in text for text in texts].count(True) == 1
    assert len(texts) == 2


def test_what_cannot_be_kept_is_told(pytester: pytest.Pytester) -> None:
    """The failure is reported all the same."""
    conftest = """
        import pathlib, shutil

        def pytest_runtest_setup():
            shutil.rmtree("made")
            pathlib.Path("made").touch()
        """
    test = """
        from app import ask

        def test_it(mockdock):
            mockdock.reply("an answer")
            ask("a question", **mockdock.openai)
            assert False, "its own reason"
        """
    result = run(pytester, test, "--mockdock-journal", "made/here", conftest=conftest)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*its own reason*"])
    result.stdout.fnmatch_lines(["*a question*", "not kept: *Not a directory*"])


def test_what_cannot_be_shown_is_told(pytester: pytest.Pytester) -> None:
    """A server elsewhere may be gone by then."""
    test = """
        def test_it(mockdock, monkeypatch):
            def gone():
                raise OSError("the server is gone")

            monkeypatch.setattr(mockdock, "report", gone)
            assert False, "its own reason"
        """
    result = run(pytester, test)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*its own reason*"])
    result.stdout.fnmatch_lines(["the exchanges cannot be shown: OSError('the server is gone')"])


def test_the_file_is_named_after_the_test(tmp_path: Path) -> None:
    with MockDock() as dock:
        path = keep(tmp_path, "tests/test_a.py::TestB::test_c[x y]", dock)
        assert re.fullmatch(r"tests-test_a-py-TestB-test_c-x-y-[0-9a-f]{8}", path.stem)
        assert path != keep(tmp_path, "tests/test_a.py::TestB::test_c[x-y]", dock)
    assert len([*tmp_path.iterdir()]) == 2
