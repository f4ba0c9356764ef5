"""``mockdock journal``, ``verify`` and ``reset`` against a server that runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import pytest

from mockdock import Server
from mockdock.cli import journaling
from mockdock.errors import StartError
from mockdock.observe.verbs import Opening
from mockdock.remote import RemoteVerbs
from tests.cli.conftest import Run

KEY = "sk-abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve one rule, where the commands look for it."""
    rule = {"name": "greet", "when": {"user": "hello"}, "reply": "Hello!"}
    with Server({"mockdock": 1, "rules": [rule]}, otherwise="fail") as server:
        monkeypatch.setenv("MOCKDOCK_URL", server.url)
        yield server


def say(server: Server, text: str, session: str = "") -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    headers = {"x-mockdock-session": session, "authorization": f"Bearer {KEY}"}
    httpx.post(f"{server.base_url}/chat/completions", json=body, headers=headers)


def test_the_journal_shows_each_exchange(server: Server, run: Run) -> None:
    say(server, "hello")
    say(server, "what?", "other")
    code, out, err = run("journal")
    assert (code, err) == (0, "")
    head, asked, reply, *rest = out.splitlines()
    assert head.startswith("#1 POST /v1/chat/completions 200 · gpt-4o · greet · ")
    assert (asked, reply) == ("    user: hello", "    reply: Hello!")
    assert rest[0] == "#2 POST /v1/chat/completions 404 · gpt-4o · no rule"


def test_the_journal_as_json_holds_records_without_secrets(server: Server, run: Run) -> None:
    say(server, f"hello {KEY}")
    code, out, _ = run("journal", "--json")
    (made,) = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert made["reply"]["choices"][0]["text"] == "Hello!"
    assert KEY not in out


def test_the_journal_of_a_session_and_the_last_ones_only(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages do not show."""
    monkeypatch.setattr(journaling, "_PAGE", 2)
    for number in range(5):
        say(server, f"hello {number}")
        say(server, f"hello {number} too", "other")

    def users(*arguments: str) -> list[str]:
        return [line for line in run("journal", *arguments)[1].splitlines() if "user:" in line]

    assert users("--session", "other", "--limit", "2") == [
        "    user: hello 3 too",
        "    user: hello 4 too",
    ]
    assert len(users()) == 10
    assert users("--limit", "0") == []


def test_an_empty_journal_prints_nothing(server: Server, run: Run) -> None:
    assert run("journal") == (0, "", "")


class Verbs:
    """Stands for a server: gives pages, then what ends it."""

    def __init__(self, *pages: list[dict[str, Any]] | BaseException) -> None:
        self.pages = list(pages)
        self.asked: list[int] = []

    def sessions(self) -> list[str]:
        """Name none."""
        return []

    def journal(self, _: str | None, *, after: int = 0, **__: Any) -> list[dict[str, Any]]:
        """Give the next page."""
        self.asked.append(after)
        page = self.pages.pop(0)
        if isinstance(page, BaseException):
            raise page
        return page


@pytest.mark.parametrize(
    ("end", "told"),
    [(StartError("gone"), "mockdock: the server has stopped\n"), (KeyboardInterrupt(), "")],
)
def test_following_goes_on_until_the_server_or_the_user_stops(
    run: Run, monkeypatch: pytest.MonkeyPatch, end: BaseException, told: str
) -> None:
    """What was not shown for the limit is not shown later; a wait in vain is tried again."""
    verbs = Verbs([{"number": 2}], [], [{"number": 5}], end)
    monkeypatch.setattr(journaling, "RemoteVerbs", lambda *_: verbs)
    code, out, err = run("journal", "--follow", "--json", "--limit", "1")
    assert (code, err) == (0, told)
    assert [json.loads(line) for line in out.splitlines()] == [{"number": 2}, {"number": 5}]
    assert verbs.asked == [0, 2, 2, 5]


def test_following_from_now_on_shows_nothing_that_was(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kept, since in (([{"number": 7}], 7), ([], 0)):
        verbs = Verbs(kept, [{"number": 8}], StartError("gone"))
        monkeypatch.setattr(journaling, "RemoteVerbs", lambda *_, verbs=verbs: verbs)
        _, out, _ = run("journal", "--follow", "--json", "--limit", "0")
        assert [json.loads(line) for line in out.splitlines()] == [{"number": 8}]
        assert verbs.asked == [0, since, 8]


def test_following_sees_what_comes(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server stops once the follower was given what came meanwhile."""
    began, kept = threading.Event(), journaling._print_kept

    def told(*arguments: Any, **options: Any) -> int:
        seen = kept(*arguments, **options)
        began.set()
        return seen

    monkeypatch.setattr(journaling, "_print_kept", told)

    def act() -> None:
        assert began.wait(10)
        say(server, "hello later")
        RemoteVerbs(server.url).journal(None, after=1, wait=10)
        server.stop()

    say(server, "hello first")
    actor = threading.Thread(target=act)
    actor.start()
    code, out, err = run("journal", "--follow")
    actor.join()
    assert code == 0
    assert "user: hello first" in out
    assert err == "mockdock: the server has stopped\n"


def test_verify_passes_and_fails(server: Server, run: Run) -> None:
    assert run("verify") == (0, "mockdock: all went as it should; 0 requests, 0+0 tokens\n", "")
    code, out, _ = run("verify", "--unused", "all")
    assert code == 1
    assert out.splitlines()[1:] == ["✗ greet never answered: nothing was asked"]
    say(server, "what?", "other")
    assert run("verify")[0] == 0
    code, out, _ = run("verify", "--session", "other")
    assert code == 1
    assert "✗ user: wanted a text with 'hello', was 'what?'" in out


def test_verify_tells_why_a_rule_was_idle(server: Server, run: Run) -> None:
    say(server, "what?")
    told = run("verify", "--unused", "all")[1].splitlines()
    assert (
        "✗ greet never answered: nearest is request #1, user wanted a text with 'hello'"
        in (told[-1])
    )


def test_verify_judges_every_session(server: Server, run: Run) -> None:
    assert run("verify", "--all")[0] == 0
    server.verbs.open("mine", Opening())
    say(server, "hello")
    say(server, "what?", "mine")
    say(server, "what else?", "other")
    assert run("verify")[0] == 0
    code, out, _ = run("verify", "--all")
    assert (code, out.splitlines()[0]) == (
        1,
        "mockdock: 2 requests without an answer; 3 requests, 8+2 tokens",
    )
    assert "✗ session 'mine': POST /v1/chat/completions was answered by no rule (number 2)" in out
    assert "✗ POST /v1/chat/completions was answered by no rule (number 3)" in out
    code, _, err = run("verify", "--all", "--session", "mine")
    assert (code, err) == (2, "mockdock: --session and --all exclude each other\n")


def test_reset_forgets_one_session_or_all(server: Server, run: Run) -> None:
    for session in ("", "one", "two"):
        say(server, "what?", session)
    assert run("reset") == (0, "reset the server\n", "")
    assert run("reset", "--session", "one") == (0, "reset the session one\n", "")
    counts = [server.verbs.counts(key).requests for key in ("", "one", "two")]
    assert counts == [0, 0, 1]
    assert run("reset", "--all") == (0, "reset all sessions\n", "")
    assert server.verbs.counts("two").requests == 0
    code, _, err = run("reset", "--all", "--session", "one")
    assert (code, err) == (2, "mockdock: --session and --all exclude each other\n")


def test_reset_of_a_session_that_there_is_not(server: Server, run: Run) -> None:
    told = "there is no session 'nope', and the journal has no exchange of it"
    assert run("reset", "--session", "nope") == (2, "", f"mockdock: {server.url}: {told}\n")
    verbs = RemoteVerbs(server.url)
    verbs.open("opened", Opening())
    verbs.set_state("marked", {"step": 2})
    for session in ("opened", "marked"):
        assert run("reset", "--session", session)[0] == 0
    assert verbs.state("marked") == {}


@pytest.mark.parametrize("command", ["journal", "verify", "reset"])
def test_where_nothing_listens_is_one_clear_line(run: Run, command: str, server: Server) -> None:
    server.stop()
    code, out, err = run(command)
    assert (code, out) == (2, "")
    assert err.startswith("mockdock: no mockdock server at http://127.0.0.1:")
    assert err.count("\n") == 1


def test_a_token_is_sent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(control_token="word") as server:
        server.verbs.open("mine", Opening())
        code, _, err = run("verify", "--url", server.url)
        assert (code, "token" in err) == (2, True)
        assert run("verify", "--url", server.url, "--token", "word")[0] == 0
        monkeypatch.setenv("MOCKDOCK_CONTROL_TOKEN", "word")
        assert run("verify", "--url", server.url)[0] == 0


def test_a_session_that_there_is_not_is_told(server: Server, run: Run) -> None:
    say(server, "hello", "closed")
    RemoteVerbs(server.url).open("open", Opening())
    code, out, err = run("journal", "--session", "nope")
    assert (code, out) == (2, "")
    told = "there is no session 'nope', and the journal has no exchange of it"
    assert err == f"mockdock: {server.url}: {told}\n"
    assert run("journal", "--session", "open") == (0, "", "")
    assert run("journal", "--session", "closed")[0] == 0
    assert run("journal", "--session", "")[0] == 0


def test_a_session_that_may_be_yet_to_come_is_followed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    verbs = Verbs([], [{"number": 5}], KeyboardInterrupt())
    monkeypatch.setattr(journaling, "RemoteVerbs", lambda *_: verbs)
    code, out, err = run("journal", "--follow", "--json", "--session", "later")
    assert (code, json.loads(out)) == (0, {"number": 5})
    assert err.endswith("there is no session 'later', and the journal has no exchange of it yet\n")
