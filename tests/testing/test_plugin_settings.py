"""Marker, ini options, command line and ``mockdock_settings``: what wins, and what is wrong."""

from __future__ import annotations

import textwrap
from typing import cast

import pytest

from mockdock.testing.settings import from_ini
from tests.testing.projects import run

pytest_plugins = ["pytester"]

NAMED = """
    mockdock: 1
    rules:
      - reply: from {}
    """

FOLDERS = """
    import pytest
    from app import ask
    from pathlib import Path
    from mockdock.scenario import load

    @pytest.mark.mockdock(scenario={scenario})
    def test_it(mockdock):
        assert ask(**mockdock.openai) == "from {wanted}"
    """


@pytest.mark.parametrize(
    ("scenario", "wanted"),
    [
        ("'near.yaml'", "near"),
        ("Path('near.yaml')", "near"),
        ("'far.yaml'", "far"),
        ("'both.yaml'", "near"),
        ("'folder'", "folder"),
        ("{'mockdock': 1, 'rules': [{'reply': 'from here'}]}", "here"),
        ("load({'mockdock': 1, 'rules': [{'reply': 'from Python'}]}).scenario", "Python"),
        ("['near.yaml', 'far.yaml', 'quickstart']", "near"),
        ("('far.yaml', 'near.yaml')", "far"),
    ],
)
def test_where_a_scenario_comes_from(pytester: pytest.Pytester, scenario: str, wanted: str) -> None:
    """Paths begin in the folder of the test, then in the root folder."""
    tests = pytester.mkdir("tests")
    for folder, name, place in (
        (tests, "near", "near"),
        (tests, "both", "near"),
        (pytester.path, "both", "far"),
        (pytester.path, "far", "far"),
        (pytester.mkdir(tests / "folder"), "any", "folder"),
    ):
        (folder / f"{name}.yaml").write_text(NAMED.format(place))
    test = FOLDERS.replace("{scenario}", scenario).replace("{wanted}", wanted)
    pytester.makeini("[pytest]\npythonpath = .\n")
    run(pytester, "", **{"tests/test_near": test}).assert_outcomes(passed=1)


def test_a_shipped_scenario_goes_by_its_name(pytester: pytest.Pytester) -> None:
    """A folder of the same name does not hide it."""
    (pytester.mkdir("quickstart") / "other.yaml").write_text(NAMED.format("the folder"))
    test = """
        import pytest
        from app import ask

        @pytest.mark.mockdock("quickstart")
        def test_it(mockdock):
            assert ask("hello", **mockdock.openai) != "from the folder"
            assert mockdock.calls.last.status == 200
        """
    run(pytester, test).assert_outcomes(passed=1)


def test_the_nearest_marker_wins_for_each_setting(pytester: pytest.Pytester) -> None:
    test = """
        import pytest
        from app import ask

        pytestmark = pytest.mark.mockdock(otherwise="echo", strict=False, seed=1)

        def seed(mockdock):
            return mockdock._session.verbs.settings(mockdock.api_key).seed

        def test_module(mockdock):
            assert ask("Say it", **mockdock.openai) == "Say it"
            assert seed(mockdock) == 1

        @pytest.mark.mockdock(seed=2)
        class TestClass:
            def test_class(self, mockdock):
                assert ask("Say it", **mockdock.openai) == "Say it"
                assert seed(mockdock) == 2

            @pytest.mark.mockdock(seed=3, otherwise="lorem", time_scale="manual")
            def test_function(self, mockdock):
                mockdock.reply("never", user="never") if False else None
                assert ask("Say it", **mockdock.openai) != "Say it"
                assert seed(mockdock) == 3
                assert not mockdock.strict
                before = mockdock.clock.now()
                mockdock.clock.advance(5)
                assert mockdock.clock.now() == before + 5
        """
    run(pytester, test).assert_outcomes(passed=3)


SEEDS = """
    import pytest

    def seed(mockdock):
        return mockdock._session.verbs.settings(mockdock.api_key).seed

    def test_plain(mockdock):
        print("seed", seed(mockdock))

    @pytest.mark.mockdock(seed=4)
    def test_marked(mockdock):
        assert seed(mockdock) == 4

    def test_shared(mockdock_factory):
        with mockdock_factory() as dock:
            print("shared", seed(dock))
        with mockdock_factory(seed=5) as dock:
            assert seed(dock) == 5
    """

OVERRIDE = """
    import pytest

    @pytest.fixture(scope="session")
    def mockdock_settings():
        return {"seed": 2, "otherwise": "echo"}
    """

EXTEND = """
    import pytest

    @pytest.fixture(scope="session")
    def mockdock_settings(mockdock_settings):
        assert mockdock_settings["seed"] == 1
        return {**mockdock_settings, "seed": 2}
    """


@pytest.mark.parametrize(
    ("ini", "conftest", "options", "wanted"),
    [
        ("", "", [], 0),
        ("mockdock_seed = 1", "", [], 1),
        ("mockdock_seed = 1", OVERRIDE, [], 2),
        ("mockdock_seed = 1", EXTEND, [], 2),
        ("mockdock_seed = 1", OVERRIDE, ["--mockdock-seed=3"], 3),
        ("mockdock_seed = 1", "", ["--mockdock-seed", "-3"], -3),
    ],
)
def test_marker_then_command_line_then_project_then_ini(
    pytester: pytest.Pytester, ini: str, conftest: str, options: list[str], wanted: int
) -> None:
    pytester.makeini(f"[pytest]\n{ini}\n")
    result = run(pytester, SEEDS, "-s", *options, conftest=conftest)
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines([f"*seed {wanted}", f"*shared {wanted}"])


@pytest.mark.parametrize("name", ["pytest.ini", "pyproject.toml", "pytest.toml"])
def test_every_ini_option_acts(pytester: pytest.Pytester, name: str) -> None:
    (pytester.mkdir("scenarios") / "ours.yaml").write_text(
        """
        mockdock: 1
        rules:
          - {when: {user: ours}, reply: from the file}
        """
    )
    if name == "pytest.ini":
        text = """
            [pytest]
            mockdock_scenario =
                scenarios/ours.yaml
                scenarios
            mockdock_strict = false
            mockdock_otherwise = echo
            mockdock_time_scale = manual
            mockdock_journal = kept
            mockdock_seed = 9
            """
    else:
        text = f"""
            [tool.pytest{".ini_options" if name == "pyproject.toml" else ""}]
            mockdock_scenario = ["scenarios/ours.yaml", "scenarios"]
            mockdock_strict = false
            mockdock_otherwise = "echo"
            mockdock_time_scale = "manual"
            mockdock_journal = "kept"
            mockdock_seed = "9"
            """.replace("[tool.pytest]", "[pytest]")
    (pytester.path / name).write_text(textwrap.dedent(text))
    test = """
        from app import ask

        def test_it(mockdock):
            mockdock.when(user="never").reply("never")
            assert ask("ours", **mockdock.openai) == "from the file"
            assert ask("Say it", **mockdock.openai) == "Say it"
            settings = mockdock._session.verbs.settings(mockdock.api_key)
            assert (settings.seed, settings.time_scale) == (9, "manual")
        """
    run(pytester, test).assert_outcomes(passed=1)
    assert (pytester.path / "kept").is_dir()


def test_the_server_is_made_as_the_settings_say(pytester: pytest.Pytester) -> None:
    conftest = """
        import pytest

        @pytest.fixture(scope="session")
        def mockdock_settings():
            journal = {"journal_size": 2, "journal_bytes": 10**6}
            return {"host": "localhost", "max_body": 100, "token": "not needed here", **journal}
        """
    test = """
        import openai, pytest
        from app import ask

        def test_it(mockdock, mockdock_server):
            assert not mockdock_server.started
            assert mockdock.url == mockdock_server.url
            mockdock.strict = False
            with pytest.raises(openai.APIStatusError) as caught:
                ask("x" * 100, **mockdock.openai)
            assert caught.value.status_code == 413
            for text in "abc":
                mockdock.reply(text)
                ask(text, **mockdock.openai)
            assert [call.request.user for call in mockdock.calls] == ["b", "c"]
        """
    run(pytester, test, conftest=conftest).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("scenaro='x'", "the marker: there is no setting 'scenaro'; did you mean 'scenario'?"),
        ("port=1", "the marker: there is no setting 'port'; *"),
        ("verbose=1", "*'verbose'; there are: scenario, strict, seed, time_scale, otherwise"),
        ("seed='1'", "the marker: seed is a whole number, not '1'"),
        ("seed=True", "the marker: seed is a whole number, not True"),
        ("strict=1", "the marker: strict is True or False, not 1"),
        ("time_scale='fast'", "the marker: time_scale is a number from 0 on, or ?manual?, not *"),
        ("time_scale=-1", "the marker: time_scale is * not -1"),
        ("time_scale=float('nan')", "the marker: time_scale is * not nan"),
        ("otherwise='improvise'", "the marker: otherwise is one of auto, fail, echo, lorem, not *"),
        ("scenario=7", "the marker: scenario is a name, a path, a mapping, *, not 7"),
        ("scenario=[7]", "the marker: scenario is a name, a path, a mapping, *, not [[]7]"),
        ("'a', scenario='b'", "the marker: scenario is given twice"),
        ("scenario='no.yaml'", "the marker: there is no scenario */no.yaml"),
        ("scenario='quickstat'", "*quickstat*no scenario of this name*did you mean 'quickstart'*"),
        ("scenario={'mockdock': 1, 'rulez': []}", "*rulez*"),
    ],
)
def test_a_wrong_marker_is_an_error_of_its_test(
    pytester: pytest.Pytester, marker: str, message: str
) -> None:
    """Without a traceback through the plugin, and of this test alone."""
    test = f"""
        import pytest

        @pytest.mark.mockdock({marker})
        def test_wrong(mockdock):
            pass

        def test_right(mockdock):
            pass
        """
    result = run(pytester, test)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"mockdock of test_it.py::test_wrong: {message}"])
    assert "plugin.py" not in result.stdout.str()


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("mockdock_seed = many", "the ini file: seed is a whole number, not 'many'"),
        ("mockdock_strict = perhaps", "*'perhaps'*"),
        ("mockdock_otherwise = what", "the ini file: otherwise is one of *, not 'what'"),
        ("mockdock_time_scale = slow", "the ini file: time_scale is a number *, not 'slow'"),
        ("mockdock_time_scale = inf", "the ini file: time_scale is a number *, not inf"),
        ("mockdock_url = localhost:80", "the ini file: url is an address such as *"),
        ("mockdock_scenario = no.yaml", "the ini file: there is no scenario */no.yaml"),
        ("mockdock_journal = test_it.py", "*cannot write there: File exists"),
        ("mockdock_journal = test_it.py/folder", "*cannot write there: Not a directory"),
    ],
)
def test_a_wrong_ini_option_ends_the_run_at_its_start(
    pytester: pytest.Pytester, ini: str, message: str
) -> None:
    pytester.makeini(f"[pytest]\n{ini}\n")
    result = run(pytester, "def test_it(): pass")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


@pytest.mark.parametrize("kind", [ValueError, pytest.UsageError])
def test_what_pytest_raises_for_a_wrong_ini_option_is_told(kind: type[Exception]) -> None:
    """Which option it is pytest does not say, whichever it raises: ValueError before 9.2."""

    class Config:
        def getini(self, name: str) -> object:
            if name == "mockdock_strict":
                raise kind("invalid truth value 'perhaps'")
            return None

    with pytest.raises(pytest.UsageError, match="mockdock_strict of the ini file: invalid truth"):
        from_ini(cast("pytest.Config", Config()))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--mockdock-seed=many", "*argument --mockdock-seed: invalid int value: 'many'"),
        ("--mockdock-url=localhost", "ERROR: the command line: url is an address such as *"),
        ("--mockdock-token=", "ERROR: the command line: token is a text, not ''"),
        ("--mockdock-journal=test_it.py", "ERROR: *cannot write there: File exists"),
    ],
)
def test_a_wrong_option_ends_the_run_at_its_start(
    pytester: pytest.Pytester, option: str, message: str
) -> None:
    result = run(pytester, "def test_it(): pass", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scenaro": "x"}, "*mockdock_settings: there is no setting 'scenaro'; did you mean *"),
        ({"port": "80"}, "*mockdock_settings: port is a port, or 0 for any free one, not '80'"),
        ({"journal_size": 0}, "*mockdock_settings: journal_size is a number of exchanges, not 0"),
        ({"journal_bytes": "1"}, "*mockdock_settings: journal_bytes is a number of bytes, not '1'"),
        ({"port": 1, "host": "192.0.2.1"}, "*cannot listen on 192.0.2.1:1*"),
        ({"scenario": "no.yaml"}, "*mockdock_settings: there is no scenario */no.yaml"),
    ],
)
def test_wrong_settings_of_the_project_are_errors(
    pytester: pytest.Pytester, settings: dict[str, object], message: str
) -> None:
    conftest = f"""
        import pytest

        @pytest.fixture(scope="session")
        def mockdock_settings():
            return {settings!r}
        """
    test = """
        def test_it(mockdock_env):
            pass
        """
    result = run(pytester, test, conftest=conftest)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


def test_the_factory_says_what_is_wrong(pytester: pytest.Pytester) -> None:
    test = """
        import pytest

        @pytest.mark.parametrize(
            ("scenarios", "settings"),
            [
                (["quickstart"], {"scenario": "quickstart"}),
                ([], {"seed": "one"}),
                (["no.yaml"], {}),
                ([], {"sead": 1}),
            ],
        )
        def test_it(mockdock_factory, scenarios, settings):
            with mockdock_factory(*scenarios, **settings):
                pass
        """
    result = run(pytester, test)
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(
        [
            "mockdock_factory: the arguments: scenario is given twice",
            "mockdock_factory: the arguments: seed is a whole number, not 'one'",
            "mockdock_factory: the arguments: there is no scenario */no.yaml",
            "mockdock_factory: the arguments: there is no setting 'sead'; did you mean 'seed'?",
        ]
    )


def test_the_marker_and_the_options_are_documented(pytester: pytest.Pytester) -> None:
    result = run(pytester, "", "--markers", "--strict-markers")
    result.stdout.fnmatch_lines(["@pytest.mark.mockdock(*): settings of the mockdock of a test."])
    told = run(pytester, "", "--help").stdout.str()
    for name in ("url", "token", "journal", "seed"):
        assert f"--mockdock-{name}=" in told
    for name in ("scenario", "strict", "seed", "otherwise", "time_scale", "url", "token"):
        assert f"mockdock_{name} (" in told
