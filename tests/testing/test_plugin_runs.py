"""The plugin in runs of all kinds: imports, workers, event loops, threads, ends."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.acceptance.conftest import process
from tests.testing.projects import run, run_again, run_apart, run_forked, run_spread
from tests.testing.test_plugin_journal import TEST as KEPT
from tests.testing.test_plugin_journal import kept

pytest_plugins = ["pytester"]

HEAVY = (
    "faker",
    "msgspec",
    "openai",
    "orjson",
    "pydantic",
    "rich",
    "starlette",
    "tiktoken",
    "uvicorn",
    "yaml",
)


def test_a_run_that_does_not_use_it_pays_for_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing heavy is imported, no server room is entered, nothing is printed."""
    conftest = f"""
        import sys

        def pytest_unconfigure():
            heavy = sorted(set({HEAVY!r}) & sys.modules.keys())
            ours = sorted(name for name in sys.modules if name.startswith("mockdock"))
            with open("modules", "w") as file:
                print(heavy, *ours, sep="\\n", file=file)
        """
    test = """
        def test_passes():
            assert [1] == [1]

        def test_fails():
            assert [1] == [2]
        """
    # Others' plugins import what they like: Faker's imports Faker.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugins = ("-p", "mockdock.testing.plugin", "-p", "pytest_asyncio.plugin")
    result = run_apart(pytester, test, *plugins, conftest=conftest)
    result.assert_outcomes(passed=1, failed=1)
    heavy, *ours = (pytester.path / "modules").read_text().splitlines()
    assert heavy == "[]"
    assert ours == [
        "mockdock",
        "mockdock.environ",
        "mockdock.errors",
        "mockdock.testing",
        "mockdock.testing.plugin",
        "mockdock.testing.settings",
        "mockdock.testing.watched",
    ]
    assert "mockdock" not in result.stdout.str().replace("mockdock-0.", "")


MANY = """
    import os, pytest
    from app import ask

    @pytest.mark.parametrize("number", range(16))
    def test_it(mockdock_env, number):
        mockdock_env.reply(f"answer {number}")
        assert ask("the same") == f"answer {number}"
        assert ask("the same") == f"answer {number}"
        assert mockdock_env.calls.count == 2
        with open(os.environ["PYTEST_XDIST_WORKER"], "a") as file:
            print(mockdock_env.url, file=file)
    """

FAILING = """
    from app import ask

    def test_it(mockdock_env):
        mockdock_env.when(user="a question").reply("an answer")
        mockdock_env.when(name="farewell", user="bye").reply("Bye!")
        ask("a question")
    """


@pytest.mark.usefixtures("untraced")
def test_workers_are_apart_and_report_and_keep_in_one_place(pytester: pytest.Pytester) -> None:
    """16 tests on 2 workers with the same prompts; none sees another's calls.

    Reports cross processes: the message, the section, the summary. What was kept in the
    folder, here an ini option, is replaced by a run on one process.
    """
    pytester.makeini("[pytest]\nmockdock_journal = made/here\n")
    result = run_spread(pytester, MANY, test_failing=FAILING, test_kept=KEPT)
    result.assert_outcomes(passed=16 + 1, failed=1 + 4)

    urls = [set(file.read_text().split()) for file in sorted(pytester.path.glob("gw*"))]
    assert len(urls) == 2
    assert all(len(each) == 1 for each in urls)
    assert len(set.union(*urls)) == 2

    result.stdout.fnmatch_lines(["*farewell never answered*"])
    result.stdout.fnmatch_lines(["*- mockdock -*", "*a question*"])
    result.stdout.fnmatch_lines(["FAILED test_failing.py::test_it - VerificationError: *"])

    first = kept(pytester)
    assert len(first) == 1 + 3
    for file in first:
        file.write_text("of before")
    again = run_again(pytester, "test_failing.py", "test_kept.py")
    again.assert_outcomes(passed=1, failed=1 + 4)
    assert kept(pytester) == first
    assert not [file for file in first if file.read_text() == "of before"]


ASYNC = '''
    from openai import AsyncOpenAI

    async def ask_later(text="Hi", **options):
        """Ask for a stream, and give its texts."""
        async with AsyncOpenAI(max_retries=0, **options) as client:
            stream = await client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": text}], stream=True
            )
            texts = [each.choices[0].delta.content or "" async for each in stream if each.choices]
        return texts
    '''


def test_async_tests(pytester: pytest.Pytester) -> None:
    """Under pytest-asyncio and anyio; they are verified like others."""
    test = """
        import asyncio
        import pytest
        from later import ask_later

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.asyncio
        async def test_asyncio(mockdock):
            mockdock.when(user="one").reply("first")
            mockdock.when(user="two").reply("second")
            told = await asyncio.gather(
                ask_later("one", **mockdock.openai), ask_later("two", **mockdock.openai)
            )
            assert ["".join(each) for each in told] == ["first", "second"]
            assert (await mockdock.wait_for_async(2)).count == 2

        @pytest.mark.anyio
        async def test_anyio(mockdock_env):
            mockdock_env.reply("with anyio")
            assert "".join(await ask_later()) == "with anyio"

        @pytest.mark.asyncio
        async def test_asyncio_fails(mockdock):
            mockdock.reply("never")

        @pytest.mark.anyio
        async def test_anyio_fails(mockdock):
            mockdock.reply("never")
        """
    result = run(pytester, test, later=ASYNC)
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["FAILED *test_asyncio_fails - VerificationError: *"])
    result.stdout.fnmatch_lines(["FAILED *test_anyio_fails* - VerificationError: *"])


def test_code_in_threads_and_loops_of_its_own(pytester: pytest.Pytester) -> None:
    test = """
        import asyncio
        from concurrent.futures import ThreadPoolExecutor
        from app import ask
        from later import ask_later

        def test_threads(mockdock_env):
            mockdock_env.when(user="thread").reply("from a thread")
            with ThreadPoolExecutor(8) as pool:
                assert set(pool.map(ask, ["thread"] * 16)) == {"from a thread"}
            assert mockdock_env.calls.count == 16

        def test_loop(mockdock_env):
            mockdock_env.reply("from a loop")
            assert "".join(asyncio.run(ask_later())) == "from a loop"

        def test_loop_in_a_thread(mockdock_env):
            mockdock_env.reply("from a loop in a thread")
            with ThreadPoolExecutor(1) as pool:
                told = pool.submit(asyncio.run, ask_later()).result()
            assert "".join(told) == "from a loop in a thread"
        """
    run(pytester, test, later=ASYNC).assert_outcomes(passed=3)


def test_a_run_ends_with_a_stream_under_way(pytester: pytest.Pytester) -> None:
    """No hang, no warning, no thread left behind."""
    conftest = """
        import threading

        def pytest_unconfigure():
            names = [each.name for each in threading.enumerate() if each.name == "mockdock"]
            with open("left", "w") as file:
                print(names, file=file)
        """
    test = """
        import pytest
        from openai import OpenAI

        @pytest.mark.mockdock(time_scale=1, strict=False)
        def test_it(mockdock):
            text = {"text": "one two three four", "pacing": {"ttft": "0ms", "itl": "10m"}}
            mockdock.load({"mockdock": 1, "rules": [{"reply": text}]})
            global client, stream
            client = OpenAI(**mockdock.openai, max_retries=0)
            stream = client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "Hi"}], stream=True
            )
            assert next(stream).choices
            import atexit
            atexit.register(client.close)
        """
    result = run_forked(pytester, test, conftest=conftest)
    result.assert_outcomes(passed=1)
    assert (pytester.path / "left").read_text() == "[]\n"
    assert "Warning" not in result.stderr.str()


def test_an_interrupted_run_ends_cleanly(pytester: pytest.Pytester) -> None:
    conftest = """
        import pytest, threading

        @pytest.fixture(scope="session", autouse=True)
        def seen(mockdock_server):
            yield
            assert not [key for key in mockdock_server.app.sessions.keys()][1:]
            with open("server", "w") as file:
                print(mockdock_server.started, file=file)
        """
    test = """
        from app import ask

        def test_it(mockdock):
            mockdock.reply("Hello!")
            ask(**mockdock.openai)
            raise KeyboardInterrupt
        """
    result = run_forked(pytester, test, conftest=conftest)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert (pytester.path / "server").read_text() == "True\n"
    result.stdout.fnmatch_lines(["*KeyboardInterrupt*"])
    assert "Traceback" not in result.stderr.str()


def test_a_server_that_cannot_start_is_an_error_of_the_test(pytester: pytest.Pytester) -> None:
    conftest = """
        import pytest

        @pytest.fixture(scope="session")
        def mockdock_settings():
            return {"host": "192.0.2.1"}
        """
    test = """
        def test_it(mockdock):
            mockdock.base_url
        """
    result = run(pytester, test, conftest=conftest)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*StartError: cannot listen on 192.0.2.1:0: *"])


REMOTE = """
    import pytest
    from app import ask

    @pytest.mark.mockdock(scenario="quickstart", seed=3)
    def test_scenario(mockdock_env):
        mockdock_env.when(user="a question").reply("an answer")
        assert ask("a question") == "an answer"
        assert ask("hello")
        assert mockdock_env.calls.count == 2

    def test_other(mockdock_env):
        mockdock_env.when(user="another question").reply("another answer")
        assert ask("another question") == "another answer"

    def test_fails(mockdock_env):
        mockdock_env.when(name="farewell", user="bye").reply("Bye!")
        mockdock_env.when(user="a last question").reply("a last answer")
        ask("a last question")
    """


@pytest.mark.usefixtures("untraced")
def test_a_server_that_runs_elsewhere(pytester: pytest.Pytester) -> None:
    """The same tests, the same outcomes; it is named in the header, and left clean."""
    with process("serve", "--port", "0") as server:
        url = server.base_url.removesuffix("/v1")
        result = run(pytester, REMOTE, "--mockdock-url", url, "--mockdock-journal", "kept")
        result.assert_outcomes(passed=2, failed=1)
        result.stdout.fnmatch_lines([f"mockdock: {url}"])
        result.stdout.fnmatch_lines(["*farewell never answered*"])
        result.stdout.fnmatch_lines(["*- mockdock -*", "*a last question*"])
        assert len([*(pytester.path / "kept").glob("*.yaml")]) == 1
        again = run_spread(pytester, REMOTE, "--mockdock-url", url)
        again.assert_outcomes(passed=2, failed=1)


def test_a_server_that_does_not_run(pytester: pytest.Pytester) -> None:
    result = run(pytester, REMOTE, "--mockdock-url", "http://127.0.0.1:1")
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["*mockdock*http://127.0.0.1:1*"])
    assert "plugin.py" not in result.stdout.str()


TYPED = """
    from mockdock.testing import MockDock, DockServer
    from mockdock.testing.plugin import DockFactory
    from collections.abc import Iterator
    import pytest


    @pytest.fixture(scope="module")
    def dock(mockdock_factory: DockFactory) -> Iterator[MockDock]:
        with mockdock_factory("quickstart", seed=1, time_scale="manual") as dock:
            yield dock


    @pytest.mark.mockdock(scenario="quickstart")
    def test_it(mockdock: MockDock, mockdock_env: MockDock, mockdock_server: DockServer) -> None:
        mockdock.reply("Hello!")
        assert mockdock_env.calls.count == 0
        assert mockdock_server.url
    """


@pytest.mark.usefixtures("untraced")
def test_the_fixtures_are_typed(tmp_path: Path) -> None:
    """Also for the sample project, whose own mypy would say the same.

    Under the settings of this project, so that its cache has most of the answer.
    """
    typed = tmp_path / "test_typed.py"
    typed.write_text(textwrap.dedent(TYPED))
    root = Path(__file__).parent.parent.parent
    sample = root / "tests" / "downstream"
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", typed, sample / "tests"],
        check=False,
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "MYPYPATH": str(sample / "src")},
    )
    assert checked.stdout.startswith("Success: no issues found in 2 source"), checked.stdout
