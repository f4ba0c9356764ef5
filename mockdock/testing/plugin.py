"""The pytest plugin: fixtures, marker, options, and what a failed test shows.

Loaded by every pytest run where mockdock is installed, so it imports nothing
heavy before a test asks for a dock.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pytest

from mockdock.environ import ELSEWHERE
from mockdock.errors import MockdockError
from mockdock.testing import settings
from mockdock.testing.watched import Run, Watched

if TYPE_CHECKING:
    from mockdock.testing.dock import MockDock
    from mockdock.testing.server import DockServer
    from mockdock.testing.sources import Source

__all__ = [
    "DockFactory",
    "mockdock",
    "mockdock_env",
    "mockdock_factory",
    "mockdock_server",
    "mockdock_settings",
    "pytest_addoption",
    "pytest_assertrepr_compare",
    "pytest_configure",
    "pytest_fixture_setup",
    "pytest_report_header",
    "pytest_runtest_call",
    "pytest_runtest_makereport",
    "pytest_runtest_setup",
    "pytest_unconfigure",
]

_MARKER = (
    "mockdock(*scenario, scenario=..., strict=True, seed=..., time_scale=0, otherwise='fail'): "
    "settings of the mockdock of a test."
)
_RUN = pytest.StashKey[Run]()
_WATCHED = pytest.StashKey[Watched]()


class DockFactory(Protocol):
    """What ``mockdock_factory`` gives: docks for fixtures of any scope.

    >>> @pytest.fixture(scope="module")
    ... def dock(mockdock_factory: DockFactory) -> Iterator[MockDock]:
    ...     with mockdock_factory(otherwise="echo") as dock:
    ...         yield dock
    """

    def __call__(
        self,
        *sources: Source,
        scenario: Source | Sequence[Source] | None = None,
        strict: bool | None = None,
        seed: int | None = None,
        time_scale: float | Literal["manual"] | None = None,
        otherwise: Literal["auto", "fail", "echo", "lorem"] | None = None,
        called: str = "mockdock_factory",
    ) -> AbstractContextManager[MockDock]:
        """Open a dock for as long as the ``with`` lasts; what is None comes from the settings."""
        ...


# -- fixtures -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def mockdock_settings(pytestconfig: pytest.Config) -> Mapping[str, Any]:
    """Give the settings of all docks and of their server; override it in a conftest.

    Keys: ``scenario``, ``strict``, ``seed``, ``time_scale``, ``otherwise``;
    ``host``, ``port``, ``max_body``, ``journal_size``, ``journal_bytes``; ``url``,
    ``token``. What is not given comes the ini file; the command line and markers win.

    >>> @pytest.fixture(scope="session")
    ... def mockdock_settings():
    ...     return {"scenario": "tests/support-bot.yaml", "otherwise": "echo"}
    """
    run = pytestconfig.stash[_RUN]
    return {**run.of_ini, **run.of_command_line}


@pytest.fixture(scope="session")
def mockdock_server(
    mockdock_settings: Mapping[str, Any], pytestconfig: pytest.Config
) -> Iterator[DockServer]:
    """Give the server behind all docks of this process; it starts when a client needs it."""
    from mockdock.testing.server import DockServer  # noqa: PLC0415 - brings the server along

    with _plainly("mockdock_server"):
        merged = _merged(pytestconfig, mockdock_settings)
    given = {name: merged[name] for name in settings.OF_SERVER if name in merged}
    if "url" in given:
        # How the one in this process is started does not matter to one that runs.
        given = {"url": given["url"], "token": given.get("token")}
    else:
        given.pop("token", None)
    with DockServer(**given) as server:
        yield server


@pytest.fixture(scope="session")
def mockdock_factory(
    mockdock_server: DockServer, mockdock_settings: Mapping[str, Any], pytestconfig: pytest.Config
) -> DockFactory:
    """Make docks for fixtures of a class, a module or the whole session.

    They verify at the end of their ``with``, unless a test failed meanwhile
    that has the fixture or sent requests there.

    >>> @pytest.fixture(scope="module")
    ... def dock(mockdock_factory):
    ...     with mockdock_factory(scenario="quickstart") as dock:
    ...         yield dock
    """
    run = pytestconfig.stash[_RUN]

    @contextmanager
    def opened(
        *sources: Source, called: str = "mockdock_factory", **given: Any
    ) -> Iterator[MockDock]:
        with _plainly("mockdock_factory"):
            said = {name: value for name, value in given.items() if value is not None}
            said = settings.from_call(said, sources, "the arguments", [pytestconfig.rootpath])
            merged = {**_merged(pytestconfig, mockdock_settings), **said}
            dock = _dock(mockdock_server, merged, called).start()
        with run.sharing(dock):
            yield dock

    return opened


@pytest.fixture
def mockdock(
    request: pytest.FixtureRequest,
    mockdock_server: DockServer,
    mockdock_settings: Mapping[str, Any],
    pytestconfig: pytest.Config,
) -> Iterator[MockDock]:
    """Give a dock that is this test's alone: a session of a mock server.

    When the test's body has passed, it fails for requests that no rule
    answered, rules that never did, and wrong order, unless not ``strict``.

    >>> def test_greeting(mockdock):
    ...     mockdock.reply("Hello!")
    ...     assert greet(OpenAI(**mockdock.openai)) == "Hello!"
    """
    item = request.node
    with _plainly(f"mockdock of {item.nodeid}"):
        merged = {**_merged(pytestconfig, mockdock_settings), **settings.from_markers(item)}
        dock = _dock(mockdock_server, merged, item.nodeid).start()
    run = pytestconfig.stash[_RUN]
    watched = item.stash[_WATCHED] = Watched(dock)
    run.watched.append(watched)
    yield dock
    if watched.passed:
        run.verify(dock)  # teardown of other fixtures may have asked for more


@pytest.fixture
def mockdock_env(mockdock: MockDock, monkeypatch: pytest.MonkeyPatch) -> MockDock:
    """Give the dock of the test, in an environment that leads every client to it.

    >>> def test_greeting(mockdock_env):
    ...     mockdock_env.reply("Hello!")
    ...     assert greet(OpenAI()) == "Hello!"
    """
    for name in ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    for name, value in mockdock.env.items():
        monkeypatch.setenv(name, value)
    return mockdock


@contextmanager
def _plainly(what: str) -> Iterator[None]:
    """Let the test fail with a message instead of a traceback through the plugin."""
    try:
        yield
    except (MockdockError, pytest.UsageError) as error:
        raise pytest.fail.Exception(f"{what}: {error}", pytrace=False) from None


def _merged(config: pytest.Config, of_project: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the settings of all tests. Raises UsageError for wrong ones of the project."""
    run = config.stash[_RUN]
    where = "the fixture mockdock_settings"
    given = settings.checked(of_project, where, (*settings.OF_TEST, *settings.OF_SERVER))
    if "scenario" in given:
        given["scenario"] = settings.located(given["scenario"], [config.rootpath], where)
    return {**run.of_ini, **given, **run.of_command_line}


def _dock(server: DockServer, merged: Mapping[str, Any], called: str) -> MockDock:
    from mockdock.testing.dock import MockDock  # noqa: PLC0415 - brings the language along

    given = {name: merged[name] for name in settings.OF_TEST if name in merged}
    return MockDock(*given.pop("scenario", ()), server=server, called=called, **given)


# -- hooks --------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and ini settings."""
    settings.declare(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; read options and ini settings. Raises UsageError for wrong ones."""
    config.addinivalue_line("markers", _MARKER)
    of_ini = settings.from_ini(config)
    of_command_line = settings.from_command_line(config)
    journal = of_command_line.pop("journal", of_ini.pop("journal", None))
    if journal is not None and not hasattr(config, "workerinput"):
        settings.make_folder(journal)
    config.stash[_RUN] = Run(of_ini, of_command_line, journal)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close what an interrupted run left open."""
    run = config.stash.get(_RUN, None)
    if run is not None:  # else its settings were wrong
        for watched in run.watched[:]:
            run.forget(watched)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Tell which server is used, where it is not one of this process."""
    run = config.stash[_RUN]
    url = {**run.of_ini, **run.of_command_line}.get("url")
    return [] if url is None else [f"mockdock: {url}"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note where docks that tests share stand, to tell later what this test did."""
    run = item.config.stash[_RUN]
    if run.shared:
        run.note_shared()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Note which fixture is being set up, to tell later whose the docks are that it opens."""
    names = request.config.stash[_RUN].setting_up
    names.append(fixturedef.argname)
    try:
        return (yield)
    finally:
        names.pop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Verify when the body has passed, so that it is the test that fails."""
    result = yield
    watched = item.stash.get(_WATCHED, None)
    # A unittest.TestCase keeps its failures here, and raises none.
    if watched is not None and not getattr(item, "_excinfo", None):
        item.config.stash[_RUN].verify(watched.dock)
        watched.passed = True
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the exchanges of a test that failed; close its session when all is over."""
    report = yield
    run, watched = item.config.stash[_RUN], item.stash.get(_WATCHED, None)
    if report.failed and (watched is not None or run.shared or run.raised is not None):
        from mockdock.testing.failed import show  # noqa: PLC0415 - for failures only

        show(item, call, report, run, watched)
    if report.failed and run.shared:
        run.failed(getattr(item, "fixturenames", ()))
    if call.when == "teardown" and watched is not None:
        del item.stash[_WATCHED]
        run.forget(watched)
    return report


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Show calls that were compared, one a line."""
    if not any(type(side).__module__ == "mockdock.testing.calls" for side in (left, right)):
        return None
    from mockdock.testing.assertrepr import compared  # noqa: PLC0415 - for failures only

    return compared(op, left, right)
