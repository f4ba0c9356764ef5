"""The names in ${...}."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockdock.scenario.placeholders import Name, PlaceholderError, check, escape, find, split


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("",)),
        ("plain $5 {x}", ("plain $5 {x}",)),
        ("${user}", (Name("user"),)),
        ("Hi ${user}!", ("Hi ", Name("user"), "!")),
        ("${turn}${attempt}", (Name("turn"), Name("attempt"))),
        (
            "${match}${match.1}${match.x}",
            (Name("match"), Name("match", ("1",)), Name("match", ("x",))),
        ),
        ("${headers.X-A.b}", (Name("headers", ("x-a.b",)),)),
        ("${body.messages.0.content}", (Name("body", ("messages", "0", "content")),)),
        ("${tool.name}${tool.args}", (Name("tool.name"), Name("tool.args"))),
        ("${tool.result}", (Name("tool.result"),)),
        ("${tool.result.a.b}", (Name("tool.result", ("a", "b")),)),
        ("$${user}", ("${user}",)),
        ("$$${user}", ("$${user}",)),
        ("a $${ b ${model} c", ("a ${ b ", Name("model"), " c")),
    ],
)
def test_text_is_cut_into_literals_and_names(text: str, parts: tuple[object, ...]) -> None:
    assert split(text) == parts


def test_names_are_found_in_order() -> None:
    assert [str(name) for name in find("${user} $${x} ${tool.args.city}")] == [
        "user",
        "tool.args.city",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${usr}", "unknown name '${usr}' (did you mean '${user}'?)"),
        ("${ user }", "unknown name '${ user }' (did you mean '${user}'?)"),
        ("${header.x}", "unknown name '${header.x}' (did you mean '${headers.<name>}'?)"),
        ("a ${user", "'${user' is never closed (write ${name}, or $${ for a literal ${)"),
        (
            "${body}",
            "'${body}' lacks a path of words joined by dots (such as ${body.metadata.key})",
        ),
        ("${tool.args.}", "'${tool.args.}' lacks a path of words joined by dots (such as ${tool"),
        ("${body.a..b}", "'${body.a..b}' lacks a path of words joined by dots"),
        ("${headers}", "'${headers}' lacks the name of a header (such as ${headers.user-agent})"),
        ("${match.a.b}", "'${match.a.b}': a group has one name or number (such as ${match.1})"),
        ("${}", "'${}' names nothing (one of: user, system"),
        ("${" + "x" * 50 + "}", "unknown name '${" + "x" * 27 + "...}' (one of: user, "),
    ],
)
def test_wrong_name_is_told(text: str, message: str) -> None:
    with pytest.raises(PlaceholderError) as caught:
        split(text)
    assert str(caught.value).startswith(message)


def test_all_wrong_names_are_told() -> None:
    assert [wrong.message for wrong in check("${a} ${user} ${")] == [
        "unknown name '${a}'",
        "'${' is never closed",
    ]


@given(st.text(alphabet="${}aur.s \n"))
def test_escaped_text_is_one_literal(text: str) -> None:
    assert split(escape(text)) == (text,)


@given(st.text(alphabet="${}user.match1 "))
@example("a ${")
def test_check_and_split_agree(text: str) -> None:
    if list(check(text)):
        with pytest.raises(PlaceholderError):
            split(text)
    else:
        assert all(part != "" for part in split(text)) or text == ""
