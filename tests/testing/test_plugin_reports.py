"""What the report of a failed test tells beside its exchanges."""

from __future__ import annotations

import pytest

from tests.testing.projects import run

pytest_plugins = ["pytester"]

RAISED = "*- mockdock: raised by a rule's function -*"
NO_SESSION = "*- mockdock: requests in no session -*"


def reported(result: pytest.RunResult) -> str:
    """Give what was printed but for the summary, which has whole messages only under CI."""
    return result.stdout.str().partition("short test summary info")[0]


def test_a_function_that_raised_is_shown_when_the_client_failed_first(
    pytester: pytest.Pytester,
) -> None:
    """Once, however often it was asked; likewise a condition."""
    test = """
        import openai, pytest
        from app import ask

        def wrong(request):
            raise LookupError("there is no such thing")

        def wrong_too(request):
            raise ZeroDivisionError("never again")

        def test_answer(mockdock):
            mockdock.respond_with(wrong)
            with pytest.raises(openai.InternalServerError):
                ask(**mockdock.openai)
            ask(**mockdock.openai)

        def test_condition(mockdock):
            mockdock.when(where=wrong_too).reply("x")
            ask(**mockdock.openai)
        """
    result = run(pytester, test)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            RAISED,
            "test_it.py:*: in wrong",
            '*raise LookupError("there is no such thing")',
            "E   LookupError: there is no such thing",
            RAISED,
            "test_it.py:*: in wrong_too",
            "E   ZeroDivisionError: never again",
        ]
    )
    assert result.stdout.str().count("in wrong\n") == 1


def test_a_function_that_raised_is_shown_whichever_dock_it_is_of(
    pytester: pytest.Pytester,
) -> None:
    """In the test that failed by it, and where the dock is verified in the end."""
    test = """
        import openai, pytest
        from app import ask

        def wrong(request):
            raise LookupError("there is no such thing")

        @pytest.fixture(scope="module")
        def dock(mockdock_factory):
            with mockdock_factory() as dock:
                dock.respond_with(wrong)
                yield dock

        def test_it(dock):
            {how}
                ask(**dock.openai)
        """
    for how, outcome in (("if True:", "failed"), ("with pytest.raises(Exception):", "errors")):
        result = run(pytester, test.format(how=how))
        assert result.parseoutcomes()[outcome] == 1
        result.stdout.fnmatch_lines([RAISED, "test_it.py:*: in wrong", "E   LookupError: *"])


def test_an_error_without_words_breaks_no_report(pytester: pytest.Pytester) -> None:
    test = """
        from app import ask

        class Mute(Exception):
            def __repr__(self):
                raise LookupError("no words")
            __str__ = __repr__

        def wrong(request):
            raise Mute

        def test_it(mockdock):
            mockdock.respond_with(wrong)
            ask(**mockdock.openai)

        def test_lists(mockdock):
            assert mockdock.calls == [Mute()]

        def test_filters(mockdock):
            mockdock.assert_called(where=type("Shy", (Mute,), {"__call__": lambda *_: True})())
        """
    result = run(pytester, test)
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        ["*Mute: its str raises LookupError*", RAISED, "test_it.py:*: in wrong"]
    )
    result.stdout.fnmatch_lines(["E*<Mute: its repr raises LookupError>"])
    result.stdout.fnmatch_lines(["*expected a call, where=<Shy: its repr raises LookupError>*"])
    assert "INTERNALERROR" not in result.stdout.str()


def test_requests_that_reach_no_session_are_shown_to_the_test_they_came_in(
    pytester: pytest.Pytester,
) -> None:
    test = """
        import pytest
        from app import ask

        def test_before(mockdock):
            with pytest.raises(Exception):
                ask("from before", base_url=mockdock.base_url, api_key="any")

        def test_it(mockdock):
            mockdock.reply("x")
            ask("in the session", **mockdock.openai)
            with pytest.raises(Exception):
                ask("from afar", base_url=mockdock.base_url, api_key="sk-mockdock-of-the-past")
            assert mockdock.strays.texts == [None]
            assert False

        def test_without(mockdock):
            assert mockdock.strays.count == 0
            assert False
        """
    result = run(pytester, test)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [NO_SESSION, "These requests came with a key of no open session*", "*user: from afar"]
    )
    assert result.stdout.str().count("requests in no session -") == 1
    result.stdout.no_fnmatch_line("*user: from before*")


def test_a_wrong_path_is_told_with_the_right_ones(pytester: pytest.Pytester) -> None:
    test = """
        import httpx2
        from app import ask

        def post(mockdock, **options):
            url = f"{mockdock.url}/v2/chat/completions"
            return httpx2.post(url, json={}, **options).status_code

        def test_verified(mockdock):
            post(mockdock, headers=mockdock.headers)

        def test_failed(mockdock):
            assert post(mockdock, headers=mockdock.headers) == 200

        def test_stray(mockdock):
            assert post(mockdock) == 200

        def test_right(mockdock):
            ask(**mockdock.openai)
        """
    result = run(pytester, test)
    result.assert_outcomes(failed=4)
    wanted = "mockdock serves: *POST /v1/chat/completions*GET /v1/models*"
    assert reported(result).count("mockdock serves: ") == 4
    result.stdout.fnmatch_lines(["*_ test_verified _*", f"*{wanted}", "*_ test_failed _*", wanted])
    result.stdout.fnmatch_lines([NO_SESSION, wanted, "*_ test_right _*"])


STOOD_STILL = """
    import time
    import threading
    import pytest
    from app import ask

    def until_used(is_used):
        while not is_used():
            time.sleep(0.001)

    @pytest.fixture
    def asking(mockdock):
        threads = []

        def ask_in_a_thread(text):
            threads.append(threading.Thread(target=ask, args=(text,), kwargs=mockdock.openai))
            threads[-1].start()

        yield ask_in_a_thread
        mockdock.clock.advance(100)
        for thread in threads:
            thread.join()

    @pytest.mark.mockdock(time_scale="manual")
    def test_waits(mockdock, asking):
        mockdock.when(user="now").reply("x")
        mockdock.when(user="slow").reply("x", pacing={"ttft": "10s"})
        ask("now", **mockdock.openai)
        asking("slow")
        until_used(lambda: mockdock.rules[1].used)
        mockdock.wait_for(2, timeout=0.05)

    @pytest.mark.mockdock(time_scale="manual")
    def test_verifies(mockdock, asking):
        mockdock.when(user="never", name="farewell").reply("x")
        mockdock.when(user="slow").reply("x", pacing={"ttft": "10s"})
        for _ in range(2):
            asking("slow")
        until_used(lambda: mockdock.rules[1].used == 2)

    @pytest.mark.mockdock(time_scale="manual")
    def test_nothing_waits(mockdock):
        mockdock.when(user="never").reply("x")

    @pytest.mark.mockdock(time_scale="manual")
    def test_unknown(mockdock):
        mockdock.wait_for(1, timeout=0)

    def test_runs(mockdock):
        mockdock.wait_for(1, timeout=0)
    """


def test_requests_that_wait_for_a_clock_nobody_advances_are_told(
    pytester: pytest.Pytester,
) -> None:
    result = run(pytester, STOOD_STILL)
    result.assert_outcomes(failed=5)
    result.stdout.fnmatch_lines(
        [
            "*_ test_waits _*",
            "*expected 2 calls within 0.05 s; there were 1",
            "*1 request waits for the clock; call mockdock.clock.advance(seconds)",
            "*_ test_verifies _*",
            "*farewell never answered*",
            "*2 requests wait for the clock; call mockdock.clock.advance(seconds)",
            "*_ test_nothing_waits _*",
            "*_ test_unknown _*",
            '*time stands still here (time_scale="manual")*',
            "*_ test_runs _*",
        ]
    )
    assert reported(result).count("clock.advance(seconds)") == 3


def test_a_function_that_raised_is_not_taken_for_one_that_waits(
    pytester: pytest.Pytester,
) -> None:
    test = """
        import pytest
        from app import ask

        def wrong(request):
            raise LookupError

        @pytest.mark.mockdock(time_scale="manual")
        def test_it(mockdock):
            mockdock.respond_with(wrong)
            with pytest.raises(Exception):
                ask(**mockdock.openai)
        """
    result = run(pytester, test)
    result.assert_outcomes(failed=1)
    assert "the clock" not in result.stdout.str()


CONCERNED = """
    import pytest
    from app import ask

    @pytest.fixture(scope="module")
    def dock(mockdock_factory):
        with mockdock_factory(otherwise="echo") as dock:
            dock.when(user="bye", name="farewell").reply("x")
            yield dock

    @pytest.fixture
    def through(dock):
        return dock

    def test_has_it({fixture}):
        {body}

    def test_uses_it(dock):
        pass
    """


@pytest.mark.parametrize(
    ("fixture", "body", "verified"),
    [
        ("", "assert False", True),
        ("mockdock", "assert False", True),
        ("dock", "assert False", False),
        ("through", "assert False", False),
        ("request", "ask(**request.getfixturevalue('dock').openai); assert False", False),
        ("dock", "pass", True),
    ],
)
def test_a_shared_dock_is_verified_unless_a_test_of_it_failed(
    pytester: pytest.Pytester, fixture: str, body: str, *, verified: bool
) -> None:
    result = run(pytester, CONCERNED.format(fixture=fixture, body=body))
    assert result.parseoutcomes().get("errors", 0) == verified
    assert ("farewell never answered" in result.stdout.str()) == verified


def test_a_dock_that_a_test_makes_itself_is_verified_there(pytester: pytest.Pytester) -> None:
    test = """
        def test_failed():
            assert False

        def test_it(mockdock_factory):
            with mockdock_factory() as dock:
                dock.when(name="farewell").reply("x")

        def test_own_reason(mockdock_factory):
            with mockdock_factory() as dock:
                dock.when(name="unseen").reply("x")
                raise OSError("the test's own reason")
        """
    result = run(pytester, test)
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*farewell never answered*"])
    result.stdout.no_fnmatch_line("*unseen never answered*")
