"""The fixture: strict, isolated, and explaining its failures."""

from __future__ import annotations

import os

import pytest

from tests.testing.projects import run, run_apart

pytest_plugins = ["pytester"]


def test_two_lines_are_enough(pytester: pytest.Pytester) -> None:
    test = """
        from app import ask

        def test_it(mockdock):
            mockdock.reply("Hello!")
            assert ask(**mockdock.openai) == "Hello!"
        """
    result = run_apart(pytester, test)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*mockdock:*")
    assert result.stderr.str() == ""


STRICT = {
    "unmatched": (
        """
        import pytest, openai
        from app import ask

        def test_it(mockdock):
            mockdock.when(user={"equals": "Hello"}, name="greeting").reply("Hi!")
            with pytest.raises(openai.NotFoundError):
                ask("Hullo", **mockdock.openai)
            ask("Hello", **mockdock.openai)
        """,
        ["*/v1/chat/completions*", "*Hullo*", "*greeting*", "*Hello*"],
    ),
    "unused": (
        """
        from app import ask

        def test_it(mockdock):
            mockdock.when(user="bye", name="farewell").reply("Bye!")
            mockdock.reply("Hi!")
            ask(**mockdock.openai)
        """,
        ["*farewell never answered*"],
    ),
    "order": (
        """
        from app import ask

        def test_it(mockdock):
            with mockdock.in_order():
                mockdock.when(user="plan", name="plan").reply("First think.")
                mockdock.when(user="act", name="act").reply("Then act.")
            ask("act", **mockdock.openai)
            ask("plan", **mockdock.openai)
        """,
        ["*act answered before plan was done*"],
    ),
    "raised": (
        """
        import pytest, openai
        from app import ask

        def wrong(request):
            raise LookupError("there is no such thing")

        def test_it(mockdock):
            mockdock.respond_with(wrong)
            with pytest.raises(openai.InternalServerError):
                ask(**mockdock.openai)
        """,
        ["*LookupError*", "*test_it.py:*: in wrong*", '*raise LookupError("there is no such*'],
    ),
}


@pytest.mark.parametrize("kind", STRICT)
def test_a_test_fails_for_what_its_body_did_not_see(pytester: pytest.Pytester, kind: str) -> None:
    """The test itself fails, once, and the report is all of its message."""
    source, lines = STRICT[kind]
    result = run(pytester, source)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*FAILURES*", "*_ test_it _*"])
    for line in lines:
        result.stdout.fnmatch_lines([line])
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_it - VerificationError: *"])
    output = result.stdout.str()
    assert "plugin.py" not in output
    assert "def test_it" not in output


@pytest.mark.parametrize("kind", STRICT)
def test_a_lax_test_passes(pytester: pytest.Pytester, kind: str) -> None:
    source, _ = STRICT[kind]
    by_marker = source.replace("def test_it", "@pytest.mark.mockdock(strict=False)\ndef test_it")
    lines = [line.removeprefix("        ") for line in by_marker.splitlines()]
    run(pytester, "\n".join(["import pytest", *lines])).assert_outcomes(passed=1)


def test_strictness_may_change_in_the_test(pytester: pytest.Pytester) -> None:
    test = """
        import pytest

        def test_off(mockdock):
            mockdock.reply("never")
            mockdock.strict = False

        @pytest.mark.mockdock(strict=False)
        def test_on(mockdock):
            mockdock.reply("never")
            mockdock.strict = True

        def test_closed(mockdock):
            mockdock.reply("never")
            mockdock.close()
        """
    run(pytester, test).assert_outcomes(passed=2, failed=1)


def test_what_failed_or_was_skipped_is_not_verified_too(pytester: pytest.Pytester) -> None:
    test = """
        import unittest
        import pytest

        @pytest.fixture(autouse=True)
        def unused(mockdock):
            mockdock.reply("never asked for")

        def test_failed():
            assert 1 == 2, "the test's own reason"

        def test_skipped():
            pytest.skip("not now")

        def test_xfailed():
            pytest.xfail("not yet")

        @pytest.mark.xfail(reason="verifying fails", strict=True)
        def test_expected():
            pass

        class TestOld(unittest.TestCase):
            def test_failed(self):
                self.fail("the old test's own reason")

            def test_skipped(self):
                self.skipTest("not now")

            @unittest.expectedFailure
            def test_expected(self):
                self.fail("as known")
        """
    result = run(pytester, test)
    result.assert_outcomes(failed=2, skipped=2, xfailed=3)
    result.stdout.no_fnmatch_line("*never answered*")
    result.stdout.fnmatch_lines(["FAILED*the test's own reason*", "FAILED*the old test's own*"])


def test_old_test_cases_use_it(pytester: pytest.Pytester) -> None:
    test = """
        import unittest
        import pytest
        from app import ask

        @pytest.mark.usefixtures("mockdock_env")
        class TestOld(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def dock(self, mockdock):
                self.dock = mockdock

            def test_passes(self):
                self.dock.reply("Hello!")
                self.assertEqual(ask(), "Hello!")

            def test_fails(self):
                self.dock.when(name="farewell").reply("Bye!")
        """
    result = run(pytester, test)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*farewell never answered*"])


def test_what_comes_after_the_body_is_an_error(pytester: pytest.Pytester) -> None:
    """Teardown of other fixtures may ask too; a test that has failed is let be."""
    test = """
        import openai, pytest
        from app import ask

        @pytest.fixture
        def farewell(mockdock):
            yield
            with pytest.raises(openai.NotFoundError):
                ask("Goodbye", **mockdock.openai)

        def test_late(farewell):
            pass

        def test_failed(farewell):
            assert False
        """
    result = run(pytester, test)
    result.assert_outcomes(passed=1, failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_late*",
            "*Goodbye*",
            "ERROR test_it.py::test_late - VerificationError: *",
        ]
    )


def test_a_failed_test_shows_its_exchanges(pytester: pytest.Pytester) -> None:
    """Wherever it failed; and what was shown once is not shown again."""
    test = """
        import pytest
        from app import ask

        @pytest.fixture
        def asked(mockdock):
            mockdock.reply("an answer")
            url, headers = mockdock.base_url, mockdock.headers
            ask("a question", base_url=url, api_key=KEY, default_headers=headers)

        @pytest.fixture
        def broken(asked):
            raise OSError("broken before")

        @pytest.fixture
        def breaks(asked):
            yield
            raise OSError("broken after")

        KEY = "sk-proj-" + "abcdefgh" * 5

        def test_before(broken):
            pass

        def test_body(asked):
            assert False

        def test_after(breaks):
            pass

        def test_both(breaks):
            assert False

        def test_fine(asked):
            pass
        """
    result = run(pytester, test)
    result.assert_outcomes(passed=2, failed=2, errors=3)
    output = result.stdout.str()
    assert output.count("- mockdock -") == 4
    assert output.count("a question") >= 4
    assert "an answer" in output
    assert "abcdefgh" not in output
    assert "sk-proj" not in output.replace('"sk-proj-" +', "")


def test_a_test_that_passed_against_expectation_shows_its_exchanges(
    pytester: pytest.Pytester,
) -> None:
    test = """
        import pytest
        from app import ask

        @pytest.mark.xfail(strict=True)
        def test_it(mockdock):
            mockdock.reply("an answer")
            ask("a question", **mockdock.openai)
        """
    result = run(pytester, test)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*XPASS(strict)*", "*- mockdock -*", "*a question*"])


def test_a_test_without_exchanges_shows_none(pytester: pytest.Pytester) -> None:
    test = """
        def test_it(mockdock):
            assert False
        """
    result = run(pytester, test)
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*- mockdock -*")


def test_every_run_of_a_test_begins_anew(pytester: pytest.Pytester) -> None:
    """As plugins do that run a failed test again: the second run passes."""
    again = """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            for number in range(2):
                item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
                item._initrequest()
                for report in runtestprotocol(item, nextitem=nextitem, log=False):
                    item.ihook.pytest_runtest_logreport(report=report)
            return True
        """
    test = """
        from app import ask
        runs = []

        def test_it(mockdock):
            runs.append(mockdock.api_key)
            mockdock.reply(f"answer {len(runs)}")
            assert mockdock.calls.count == 0
            ask(f"question {len(runs)}", **mockdock.openai)
            if len(runs) == 1:
                mockdock.when(name="never").reply("never")
        """
    result = run(pytester, test, conftest=again)
    result.assert_outcomes(passed=1, failed=1)
    output = result.stdout.str()
    assert output.count("- mockdock -") == 1
    assert "question 1" in output
    assert "question 2" not in output


def test_parameters_have_sessions_of_their_own(pytester: pytest.Pytester) -> None:
    test = """
        import pytest
        from app import ask
        seen = {}

        @pytest.mark.parametrize("number", range(5))
        @pytest.mark.mockdock(otherwise="lorem")
        def test_it(mockdock, number):
            seen[number] = ask(**mockdock.openai)
            assert mockdock.calls.count == 1

        def test_they_differ():
            assert len(set(seen.values())) == 5
        """
    run(pytester, test).assert_outcomes(passed=6)


def test_what_is_made_up_repeats_in_any_order(pytester: pytest.Pytester) -> None:
    """The name of the test and the seed decide; not what ran before, nor ``random``.

    The conftest does what plugins do that run tests in random order.
    """
    shuffle = """
        import os, random

        def pytest_collection_modifyitems(items):
            random.Random(int(os.environ["ORDER"])).shuffle(items)

        def pytest_runtest_setup(item):
            random.seed(0)
        """
    test = """
        import os, pytest
        from app import ask
        keys = set()

        @pytest.mark.parametrize("number", range(6))
        @pytest.mark.mockdock(otherwise="auto")
        def test_it(mockdock, number):
            with open(os.environ["OUT"], "a") as out:
                print(number, ask(**mockdock.openai), file=out)
            keys.add(mockdock.api_key)
            assert mockdock.calls.count == 1

        def test_other(mockdock):
            mockdock.reply("x")
            ask(**mockdock.openai)
        """
    told = []
    for order in ("1", "2"):
        path = pytester.path / f"out-{order}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ORDER", order)
            patch.setenv("OUT", str(path))
            run(pytester, test, conftest=shuffle).assert_outcomes(passed=7)
        told.append(path.read_text().splitlines())
    assert told[0] != told[1]
    assert sorted(told[0]) == sorted(told[1])
    assert len({line.split(maxsplit=1)[1] for line in told[0]}) > 1


def test_the_environment_leads_apps_here(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An app in this process, one in a subprocess; afterwards all is as before."""
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.example.com/v1")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-real")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-real")
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", "real")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    test = """
        import os, subprocess, sys
        from openai import AzureOpenAI
        from app import ask

        def test_here(mockdock_env):
            mockdock_env.when(user="Hi").reply("Hello!")
            assert ask() == "Hello!"
            headers = mockdock_env.calls.last.request.headers
            assert not {"openai-organization", "openai-project"} & headers.keys()

        def test_azure(mockdock_env, mockdock):
            assert mockdock_env is mockdock
            with AzureOpenAI(api_version="2024-10-21") as client:
                assert str(client.base_url).startswith(mockdock.url)
                assert client.auth_headers == {"api-key": mockdock.api_key}
                assert client._azure_ad_token is None
                mockdock.when(dialect="azure").reply("Hello!")
                asked = [{"role": "user", "content": "Hi"}]
                answer = client.chat.completions.create(model="chat", messages=asked)
                assert answer.choices[0].message.content == "Hello!"

        def test_apart(mockdock_env):
            mockdock_env.reply("Hello from afar!")
            code = "from app import ask; print(ask('Is anybody there?'))"
            said = subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True
            )
            assert said.stdout == "Hello from afar!\\n"
            assert mockdock_env.calls.last.request.user == "Is anybody there?"

        def test_after():
            assert os.environ["OPENAI_BASE_URL"] == "https://api.example.com/v1"
            assert os.environ["OPENAI_ORG_ID"] == "org-real"
        """
    result = run(pytester, test)
    result.assert_outcomes(passed=4)
    assert os.environ["OPENAI_BASE_URL"] == "https://api.example.com/v1"


FACTORY = """
    import pytest
    from app import ask

    @pytest.fixture(scope="module")
    def dock(mockdock_factory):
        with mockdock_factory(otherwise="echo") as dock:
            yield dock

    def test_one(dock):
        assert ask("one", **dock.openai) == "one"

    def test_two(dock):
        assert ask("two", **dock.openai) == "two"
        assert dock.calls.count == 2

    @pytest.fixture(scope="class")
    def mine(mockdock_factory, dock):
        with mockdock_factory({"mockdock": 1, "otherwise": {"text": "mine"}}) as mine:
            assert mine.api_key != dock.api_key
            yield mine

    class TestClass:
        def test_three(self, mine, dock, mockdock):
            mockdock.reply("only mine")
            assert ask("three", **mine.openai) == "mine"
            assert ask("three", **mockdock.openai) == "only mine"
            assert mine.calls.count == 1
            assert dock.calls.count == 2

        def test_four(self, mine):
            assert ask("four", **mine.openai) == "mine"
            assert mine.calls.count == 2
    """


def test_docks_live_as_long_as_their_fixture(pytester: pytest.Pytester) -> None:
    run(pytester, FACTORY).assert_outcomes(passed=4)


SHARED = """
    import pytest
    from app import ask

    @pytest.fixture(scope="module")
    def dock(mockdock_factory):
        with mockdock_factory(otherwise="echo"{settings}) as dock:
            dock.when(user="bye", name="farewell").reply("x")
            yield dock

    def test_uses_no_rule(dock):
        pass

    def test_asks(dock, request):
        ask("a shared question", **dock.openai)
        assert {passes}
    """


def test_a_shared_dock_is_verified_in_the_end(pytester: pytest.Pytester) -> None:
    result = run(pytester, SHARED.format(settings="", passes=True))
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_asks*", "*farewell never answered*"])
    result.stdout.fnmatch_lines(["ERROR test_it.py::test_asks - VerificationError: *"])
    assert "plugin.py" not in result.stdout.str()


def test_a_shared_dock_may_be_lax(pytester: pytest.Pytester) -> None:
    result = run(pytester, SHARED.format(settings=", strict=False", passes=True))
    result.assert_outcomes(passed=2)


def test_a_shared_dock_is_not_verified_when_a_test_failed(pytester: pytest.Pytester) -> None:
    result = run(pytester, SHARED.format(settings="", passes=False))
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*- mockdock, shared 1 -*", "*a shared question*"])


def test_a_server_elsewhere_that_ends_ends_nothing_else(pytester: pytest.Pytester) -> None:
    """Shared docks are asked around every test: those that cannot answer are told as such."""
    test = """
        import pytest
        from app import ask
        from mockdock import Server

        there = Server("echo").start()

        @pytest.fixture(scope="session")
        def mockdock_settings():
            return {"url": there.url}

        @pytest.fixture(scope="module")
        def dock(mockdock_factory):
            with mockdock_factory(otherwise="echo") as dock:
                yield dock

        def test_asks(dock):
            ask(**dock.openai)

        def test_fails(dock):
            there.stop()
            assert False

        def test_needs_no_server():
            pass
        """
    result = run(pytester, test)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*- mockdock, shared 1 -*", "the exchanges cannot be shown: *no mockdock server at *"]
    )


def test_a_failure_shows_only_docks_it_used(pytester: pytest.Pytester) -> None:
    test = """
        import pytest
        from app import ask

        @pytest.fixture(scope="module")
        def dock(mockdock_factory):
            with mockdock_factory(otherwise="echo") as dock:
                yield dock

        def test_asks(dock):
            ask("a shared question", **dock.openai)

        def test_fails(dock):
            assert False
        """
    result = run(pytester, test)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*a shared question*")


def test_comparing_calls_shows_them(pytester: pytest.Pytester) -> None:
    test = """
        from app import ask

        def test_it(mockdock):
            mockdock.replies("one", "two")
            ask("first", **mockdock.openai)
            ask("second", **mockdock.openai)
            assert mockdock.calls == mockdock.calls[:1]

        def test_other():
            assert [1] == [2]
        """
    result = run(pytester, test)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "E*assert 2 calls == 1 call",
            "E*  gpt-4o: 'first' -> 'one' ?200?",
            "E*- gpt-4o: 'second' -> 'two' ?200?",
        ]
    )
