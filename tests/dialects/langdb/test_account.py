"""Whose account a call is on, by its path, its headers and its body."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.dialects.base import Call
from mockdock.dialects.langdb.account import account_of, project_of
from mockdock.gateways import Gateways, LangDB
from mockdock.question import Account
from mockdock.reply import Failure


def call(path: str = "/v1/chat/completions", **more: Any) -> Call:
    """Make a call, on project "p" where nothing else is said."""
    usual: dict[str, Any] = {"headers": {"x-project-id": "p"}, "params": {}}
    given = {**usual, **more}
    headers, params = given.pop("headers"), given.pop("params")
    return Call("chat", "POST", path, headers, params, b"", "http://localhost", **given)


def account(body: dict[str, Any] | None = None, **headers: str) -> Account:
    """Read the account of a call with these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    found = account_of(call(headers={"x-project-id": "p", **named}), body or {})
    assert isinstance(found, Account)
    return found


def refused(found: object) -> Failure:
    """Expect a refusal."""
    assert isinstance(found, Failure)
    return found


def test_a_call_that_says_nothing_is_on_a_new_thread() -> None:
    assert account() == Account("p")


def test_headers_are_read_without_the_space_around_them() -> None:
    told = account(
        x_thread_id=" t ", x_thread_title="Title", x_run_id="r", x_label="l", x_thread_public="1"
    )
    assert told == Account("p", "t", "r", "l", title="Title", public=True)


@pytest.mark.parametrize(
    ("sent", "public"), [("1", True), (" TRUE ", True), ("0", False), ("yes", False), ("", False)]
)
def test_a_thread_is_public_where_a_header_says_so(sent: str, *, public: bool) -> None:
    assert account(x_thread_public=sent).public is public


@pytest.mark.parametrize(
    ("sent", "tags"),
    [
        ("k=v&k2=v2", (("k", "v"), ("k2", "v2"))),
        ("a+b=%C3%BC&empty=", (("a b", "ü"), ("empty", ""))),
        ("word", (("word", ""),)),
        ("", ()),
        ("a=1&a=2", (("a", "1"), ("a", "2"))),
    ],
)
def test_tags_are_a_query_string(sent: str, tags: tuple[tuple[str, str], ...]) -> None:
    assert account(x_tags=sent).tags == tags


def test_nothing_of_it_grows_without_bound() -> None:
    told = account(
        {"extra": {"user": {"id": "i" * 2000, "tags": ["t" * 2000]}}},
        x_thread_id="t" * 2000,
        x_tags="&".join(f"k{n}={n}" for n in range(500)),
    )
    assert (len(told.thread), len(told.user_id or "")) == (1000, 1000)
    assert len(told.tags) == 101
    assert len(dict(told.tags)["user_tags"]) == 1000


def test_a_user_is_in_the_body() -> None:
    user = {"id": 7, "name": "mr", "tags": ["coding", "software"], "tier": "premium"}
    told = account({"extra": {"user": user}}, x_tags="a=1")
    assert (told.user_id, told.user_name) == ("7", "mr")
    assert told.tags == (("a", "1"), ("user_tags", "coding,software"))


@pytest.mark.parametrize(
    "extra", [None, {}, {"user": None}, {"user": {}}, {"user": {"tags": "x", "id": None}}]
)
def test_a_user_may_be_missing(extra: Any) -> None:
    assert account({"extra": extra}) == Account("p")


@pytest.mark.parametrize(
    ("extra", "where"), [({"user": "me"}, "extra.user"), ("me", "extra"), ([1], "extra")]
)
def test_a_user_is_an_object(extra: Any, where: str) -> None:
    failure = refused(account_of(call(), {"extra": extra}))
    assert (failure.kind, failure.param) == ("bad_request", where)
    assert failure.message == f"Invalid type for '{where}': expected an object."


def test_a_project_is_that_of_the_path_then_the_header_then_the_scenario() -> None:
    gateways = Gateways(langdb=LangDB(project="usual"))
    assert project_of(call(params={"project_id": "x"}, gateways=gateways)) == "x"
    assert project_of(call(gateways=gateways)) == "p"
    assert project_of(call(headers={"x-project-id": " "}, gateways=gateways)) == "usual"


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/v1/chat/completions", ""),
        (
            "/chat/completions",
            " (mockdock: this path is LangDB's; OpenAI's base URL is http://localhost/v1)",
        ),
    ],
)
def test_a_project_has_to_be_named(path: str, hint: str) -> None:
    """Who may have meant OpenAI is told where that is."""
    nobody = call(path, headers={})
    for failure in (refused(project_of(nobody)), refused(account_of(nobody, {}))):
        assert failure.message == f"Missing required header: X-Project-Id{hint}"
        assert failure.headers["x-mockdock-base-url"] == "http://localhost/v1"
        assert "langdb: {project: ...}" in failure.headers["x-mockdock-hint"]


def test_lenient_validation_needs_no_project() -> None:
    assert project_of(call(headers={}, lenient=True)) == ""


def test_a_project_there_is_not_is_refused() -> None:
    gateways = Gateways(langdb=LangDB(projects=("p", "q")))
    assert project_of(call(gateways=gateways)) == "p"
    failure = refused(project_of(call(headers={"x-project-id": "z"}, gateways=gateways)))
    assert (failure.kind, failure.message) == ("permission", "Project z not found")
