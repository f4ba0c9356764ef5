"""YAML to plain data, by PyYAML in C and in Python alike."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml

from mockdock.errors import ScenarioError
from mockdock.scenario import reading
from mockdock.scenario.reading import read


@pytest.fixture(autouse=True, params=["CSafeLoader", "SafeLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test with both parsers."""
    monkeypatch.setattr(reading, "_LOADER", getattr(yaml, request.param))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2020-01-01", "2020-01-01"),
        ("1_000", "1_000"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("0o17", 15),
        ("017", 17),
        ("0x1F", 31),
        ("-3", -3),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("-", [None]),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("+", "+"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    data = read(f"a:\n  {text}").data["a"]
    assert data == value
    assert type(data) is type(value)


def test_nan_is_a_number() -> None:
    assert math.isnan(read("a: .nan").data["a"])


def test_merge_keys_give_way_to_own_keys() -> None:
    text = "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: {b: 4, <<: [*x, {a: 5, c: 6}]}\n"
    document = read(text)
    assert document.data["y"] == {"a": 1, "b": 3}
    assert document.data["z"] == {"a": 1, "b": 4, "c": 6}
    assert document.spot(("y", "a")) == (1, 11)
    assert read("'<<': 1").data == {"<<": 1}


def test_aliases_share_what_they_stand_for() -> None:
    document = read("a: &a [1, {x: y}]\nb: *a\n&c c: *c\n")
    assert document.data == {"a": [1, {"x": "y"}], "b": [1, {"x": "y"}], "c": "c"}
    assert document.spot(("b", 1, "x")) == (1, 15)


def test_spot_of_what_is_absent_is_its_parent() -> None:
    document = read("a:\n  b: 1\n")
    assert document.spot(("a", "b"), on_key=True) == (2, 3)
    assert document.spot(("a", "b")) == (2, 6)
    assert document.spot(("a", "c", "d")) == (2, 3)
    assert document.spot((), on_key=True) == (1, 1)


def test_json_may_be_indented_with_tabs_and_use_surrogate_pairs() -> None:
    text = '{\n\t"a":"\\ud83d\\ude00 \\\\ud83d\\/",\n\t"b":[1,null,{"c":true}]}'
    assert read(text, json=True).data == {"a": "\U0001f600 \\ud83d/", "b": [1, None, {"c": True}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2", "f:2:1: a: key 'a' twice, first in line 1"),
        ("x: {<<: {a: 1}, <<: {b: 2}}", "f:1:17: x: key '<<' twice, first in line 1"),
        ("<<: 3", "f:1:5: '<<' takes a mapping or a list of mappings"),
        ("<<: [3]", "f:1:5: '<<' takes a mapping or a list of mappings"),
        ("1: 2", "f:1:1: 1: a key must be text (put it in quotes)"),
        ("true: 2", "f:1:1: true: a key must be text (put it in quotes)"),
        ("a: !x 1", "f:1:4: a: the tag '!x' is not allowed (only !!str is)"),
        (
            "a: !!python/object/apply:os.system [ls]",
            (
                "f:1:4: a: the tag 'tag:yaml.org,2002:python/object/apply:os.system' "
                "is not allowed (only !!str is)"
            ),
        ),
        (f"a: {'9' * 5000}", "f:1:4: a: the number is too long"),
        (f"a: [x, {'9' * 5000}.5]", "f:1:8: a[1]: the number is too long"),
    ],
)
def test_wrong_parts_are_told_and_reading_goes_on(text: str, message: str) -> None:
    assert [str(problem) for problem in read(text, "f").problems] == [message]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f: the file is empty (begin with mockdock: 1)"),
        ("# only words\n---\n", "f: the file is empty (begin with mockdock: 1)"),
        ("a: 1\n---\nb: 2", "f:2:1: several documents in one file"),
        ("a: &a [1, *a]", "f:1:11: a[1]: '*a' is inside of what it stands for"),
        ("a: *b", "f:1:4: a: '*b' stands for nothing (no such anchor above)"),
        ("? {a: b}\n: c", "f:1:3: a key must be text"),
        ("[1]: 2", "f:1:1: a key must be text"),
        ("a: \x07", "f:1:4: the character U+0007 is not allowed"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(text, "f")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "start", "hint"),
    [
        ("a:\n\tb: 1", "f:2:1: not YAML: ", "(indent with spaces, not with tabs)"),
        (
            "a: b: c",
            "f:1:5: not YAML: mapping values are not allowed",
            "(put a text with a colon into quotes)",
        ),
        ('a: "\\d"', "f:1:", "backslash)"),
        ("a: {b: ${user}}", "f:1:", "(put a text with ${...} into quotes)"),
        ("a:\n  b: [1,\n  c: 2", "f:", "that begins in line 2)"),
        ("%YAML 2.0\n---\na: 1", "f:1:1: not YAML: found incompatible YAML document", ""),
        ('a: "\\q"', "f:1:", ""),
    ],
)
def test_broken_yaml_is_told(text: str, start: str, hint: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(text, "f")
    (problem,) = caught.value.problems
    assert str(problem).startswith(start)
    assert str(problem).endswith(hint)


def test_half_of_a_surrogate_pair_is_refused() -> None:
    try:
        problems: Any = read('a: "\\ud83d"', "f").problems
    except ScenarioError as error:
        problems = error.problems
    assert len(problems) == 1


def test_expansion_is_bounded() -> None:
    """A billion laughs stop at once."""
    laughs = "".join(f"b{i}: &a{i + 1} [*a{i}, *a{i}]\n" for i in range(40))
    with pytest.raises(ScenarioError, match="more than 500000 values, aliases expanded"):
        read(f"a: &a0 [x, x]\n{laughs}")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "a: " + "[" * 200 + "]" * 200,
        "\n".join("  " * i + "a:" for i in range(300)),
        "a: &a0 [x]\n" + "".join(f"b{i}: &a{i + 1} [*a{i}]\n" for i in range(300)),
    ],
    ids=["open", "flow", "block", "aliases"],
)
def test_depth_is_bounded(text: str) -> None:
    with pytest.raises(ScenarioError, match="nested deeper than 100 levels"):
        read(text)


def test_yaml_error_without_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise yaml.YAMLError("odd")

    monkeypatch.setattr(yaml, "parse", fail)
    with pytest.raises(ScenarioError, match=r"^f: not YAML: odd$"):
        read("a", "f")
