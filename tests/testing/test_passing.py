"""Docks that are left while something else has failed already."""

from __future__ import annotations

import io
import textwrap
import unittest

import pytest

from mockdock import MockDock, Server, VerificationError
from mockdock.testing import DockServer
from tests.testing.projects import run

pytest_plugins = ["pytester"]


def leave(dock: MockDock, error: BaseException) -> None:
    """Let an error pass out of a dock that has a rule which never answered."""
    with dock:
        dock.when(name="farewell").reply("x")
        raise error


def test_an_exception_that_passes_is_told_what_went_wrong(dock_server: DockServer) -> None:
    own = OSError("the test's own reason")
    dock = MockDock(server=dock_server)
    with pytest.raises(OSError, match="own reason") as raised:
        leave(dock, own)
    assert raised.value is own
    assert ["farewell never answered" in note for note in own.__notes__] == [True]
    assert not dock.opened


@pytest.mark.parametrize(
    ("strict", "error"),
    [(False, OSError()), (True, KeyboardInterrupt()), (True, VerificationError("as told"))],
)
def test_an_exception_that_needs_no_note_gets_none(
    dock_server: DockServer, *, strict: bool, error: BaseException
) -> None:
    with pytest.raises(type(error)) as raised:
        leave(MockDock(server=dock_server, strict=strict), error)
    assert not hasattr(raised.value, "__notes__")


def test_where_all_went_well_there_is_no_note(dock_server: DockServer) -> None:
    with pytest.raises(OSError, match="own") as raised, MockDock(server=dock_server):
        raise OSError("own")
    assert not hasattr(raised.value, "__notes__")


def test_a_server_that_is_gone_hides_no_exception() -> None:
    with Server() as there:
        dock = MockDock(url=there.url).start()
        dock.when(name="farewell").reply("x")
        there.stop()
        error = LookupError("the test's own reason")
        dock.strict = True
        with pytest.raises(Exception, match="no mockdock server"):
            dock.__exit__(LookupError, error, None)
    assert not hasattr(error, "__notes__")


CASES = """
    import unittest
    from mockdock import MockDock

    class Case(unittest.TestCase):
        def setUp(self):
            self.dock = self.enterContext(MockDock())
            self.dock.when(name="farewell").reply("x")

        def test_fails(self):
            self.fail("the test's own reason")

        def test_fails_in_part(self):
            with self.subTest("a part"):
                self.fail("the part's own reason")

        def test_raises(self):
            raise OSError("its own reason")

        def test_skips(self):
            self.skipTest("not now")

        @unittest.expectedFailure
        def test_expected(self):
            self.fail("as known")

        def test_verifies(self):
            pass
    """


def test_old_test_cases_fail_once() -> None:
    """Their cleanup is told of no failure, and looks for it."""
    names: dict[str, type[unittest.TestCase]] = {}
    exec(textwrap.dedent(CASES), names)
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(names["Case"])
    result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    told = {str(case).partition(" ")[0] for case, _ in result.failures}
    assert told == {"test_fails", "test_fails_in_part", "test_verifies"}
    assert (len(result.failures), len(result.errors), len(result.skipped)) == (3, 1, 1)
    assert len(result.expectedFailures) == 1
    (unused,) = (text for case, text in result.failures if "test_verifies" in str(case))
    assert "farewell never answered" in unused


def test_old_test_cases_fail_once_under_pytest(pytester: pytest.Pytester) -> None:
    result = run(pytester, CASES, "-k", "not part")
    result.stdout.fnmatch_lines(["FAILED *test_verifies - *"])
    shown = result.stdout.str().partition("test_verifies")[0]
    assert "farewell never answered" not in shown
