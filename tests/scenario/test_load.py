"""Sources: files, folders, names, mappings, and how they merge."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mockdock import resources
from mockdock.errors import ScenarioError
from mockdock.scenario import ErrorSpec, ReplySpec, Rule, Scenario, load
from tests.effort import bounded


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a working directory with one shipped scenario, ``quickstart``."""
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "quickstart.yaml").write_text("mockdock: 1\nname: quick\nrules: [{reply: q}]\n")
    monkeypatch.setattr(resources, "scenarios", lambda: shipped)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def write(folder: Path) -> Callable[[str, str], Path]:
    """Write a file of the working directory; the version is put in front of YAML."""

    def put(name: str, text: str) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"mockdock: 1\n{text}\n" if path.suffix in (".yaml", ".yml") else text)
        return path

    return put


Write = Callable[[str, str], Path]


def replies(scenario: Scenario) -> list[str | None]:
    """Give the texts of all rules."""
    texts = []
    for rule in scenario.rules:
        assert isinstance(rule.reply, ReplySpec)
        texts.append(rule.reply.text)
    return texts


def test_no_source_is_an_empty_scenario() -> None:
    loaded = load()
    assert loaded.scenario == Scenario(mockdock=1)
    assert loaded.files == ()


def test_mapping_is_a_source() -> None:
    rule = Rule(reply="a")
    loaded = load({"mockdock": 1, "rules": [rule, {"reply": "b"}]})
    assert replies(loaded.scenario) == ["a", "b"]
    assert loaded.scenario.rules[1].location == ""
    assert loaded.files == ()


def test_file_is_a_source(write: Write) -> None:
    path = write("agent.yaml", "rules:\n- reply: a\n\n- reply: {error: 429}")
    for source in ("agent.yaml", path, Path("agent.yaml"), str(path)):
        loaded = load(source)
        assert loaded.files == (path.resolve(),)
        assert [rule.location for rule in loaded.scenario.rules] == [f"{source}:3", f"{source}:5"]
        assert loaded.scenario.rules[1].reply == ErrorSpec(error=429)


def test_json_file_is_a_source(write: Write) -> None:
    data = {"mockdock": 1, "rules": [{"reply": "\U0001f600"}]}
    write("agent.json", json.dumps(data, indent="\t"))
    assert replies(load("agent.json").scenario) == ["\U0001f600"]


def test_byte_order_mark_is_no_part_of_the_text(folder: Path) -> None:
    (folder / "a.yaml").write_bytes(b"\xef\xbb\xbfmockdock: 1\nrules: [{reply: \xc3\xa9}]")
    assert replies(load("a.yaml").scenario) == ["\xe9"]


def test_folder_is_read_by_name(write: Write) -> None:
    write("many/b.yaml", "rules: [{reply: b}]\nseed: 2")
    write("many/a.yml", "rules: [{reply: a}]\nseed: 1")
    write("many/c.json", "not read")
    write("many/deeper/d.yaml", "not: [read")
    loaded = load("many")
    assert replies(loaded.scenario) == ["a", "b"]
    assert loaded.scenario.seed == 1
    assert [path.name for path in loaded.files] == ["a.yml", "b.yaml"]
    assert loaded.scenario.rules[0].location == "many/a.yml:2"


def test_bare_name_is_shipped_first(write: Write) -> None:
    write("quickstart/a.yaml", "name: mine")
    write("other/a.yaml", "name: other")
    assert load("quickstart").scenario.name == "quick"
    assert load("quickstart").scenario.rules[0].location == "quickstart.yaml:3"
    assert load("quickstart", search=False).scenario.name == "mine"
    assert load("other").scenario.name == "other"
    assert load(Path("quickstart")).scenario.name == "mine"


def test_what_comes_first_wins(write: Write) -> None:
    write("a.yaml", "rules: [{reply: a}]\nseed: 0")
    write("b.yaml", "rules: [{reply: b}]\nseed: 7\nname: b\nvalidation: lenient")
    write("c.yaml", "rules: [{reply: c}]\nname: c\nauth: required")
    scenario = load(
        "a.yaml", "b.yaml", {"mockdock": 1, "rules": [{"reply": "m"}]}, "c.yaml"
    ).scenario
    assert replies(scenario) == ["a", "b", "m", "c"]
    assert (scenario.seed, scenario.name) == (0, "b")
    assert (scenario.validation, scenario.auth) == ("lenient", "required")
    assert scenario.model_fields_set == {
        "mockdock", "rules", "seed", "name", "validation", "auth",
    }  # fmt: skip


def test_included_rules_come_after_own_rules(write: Write) -> None:
    write("top.yaml", "include: [sub/one.yaml, two.yaml]\nrules: [{reply: top}]\nname: top")
    write("sub/one.yaml", "include: ../three.yaml\nrules: [{reply: one}]\nname: one\nseed: 1")
    write("two.yaml", "include: three.yaml\nrules: [{reply: two}]\nseed: 2")
    write("three.yaml", "rules: [{reply: three}]\nauth: required")
    loaded = load("top.yaml")
    assert replies(loaded.scenario) == ["top", "one", "three", "two"]
    assert (loaded.scenario.name, loaded.scenario.seed) == ("top", 1)
    assert loaded.scenario.auth == "required"
    assert loaded.scenario.include == ()
    assert [path.name for path in loaded.files] == [
        "top.yaml", "one.yaml", "three.yaml", "two.yaml",
    ]  # fmt: skip
    assert loaded.scenario.rules[1].location == "sub/one.yaml:3"


def test_file_given_twice_counts_once(write: Write) -> None:
    path = write("a.yaml", "rules: [{reply: a}]")
    assert replies(load("a.yaml", path).scenario) == ["a"]


def test_mapping_includes_from_the_working_directory(write: Write) -> None:
    write("a.yaml", "rules: [{reply: a}]")
    assert replies(load({"mockdock": 1, "include": "a.yaml"}).scenario) == ["a"]


def test_without_files_a_mapping_includes_nothing(write: Write) -> None:
    write("a.yaml", "rules: [{reply: a}]")
    for include in ("a.yaml", ["a.yaml"]):
        with pytest.raises(ScenarioError) as caught:
            load({"mockdock": 1, "include": include}, files=False)
        (one,) = caught.value.problems
        assert (one.path, one.message) == ("include", "nothing can be included here")
        assert one.hint == "put the rules into the scenario itself"
    assert load({"mockdock": 1, "include": []}, files=False).scenario.rules == ()


def test_without_files_only_the_canned_ones_that_are_shipped_are_read(
    write: Write, folder: Path
) -> None:
    write("own.txt", "secret")
    write("fixtures/own.txt", "secret")
    shipped = next(
        str(path.relative_to(resources.fixtures()))
        for path in sorted(resources.fixtures().rglob("*.json"))
        if json.loads(path.read_text()).get("object") == "chat.completion"
    )
    loaded = load({"mockdock": 1, "rules": [{"reply": {"file": shipped}}]}, files=False)
    assert [path.name for path in loaded.files] == [Path(shipped).name]
    for name in ("own.txt", str(folder / "own.txt"), "../../pyproject.toml"):
        for scenario in ({"rules": [{"reply": {"file": name}}]}, {"otherwise": {"file": name}}):
            with pytest.raises(ScenarioError) as caught:
                load({"mockdock": 1, **scenario}, files=False)
            (one,) = caught.value.problems
            assert one.path.endswith("file")
            assert "secret" not in str(one)


def test_circle_is_named(write: Write) -> None:
    write("a.yaml", "include: b.yaml")
    write("b.yaml", "include: [c.yaml]")
    write("c.yaml", "include:\n- b.yaml")
    assert problem("a.yaml") == (
        "c.yaml:3:3: include[0]: a circle of includes: b.yaml -> c.yaml -> b.yaml"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../out.yaml", "'../out.yaml' is outside of the scenario's folder"),
        ("link.yaml", "'link.yaml' is outside of the scenario's folder"),
        ("linked/out.yaml", "'linked/out.yaml' is outside of the scenario's folder"),
        ("loop.yaml", "'loop.yaml' is outside of the scenario's folder"),
        ('"a\\0b"', "'a\\x00b' is outside of the scenario's folder"),
        ("x" * 5000, f"'{'x' * 5000}' is outside of the scenario's folder"),
        ("/etc/passwd", "'/etc/passwd' is absolute (relative to this file)"),
        ("otter.yaml", "no file 'otter.yaml' (did you mean 'other.yaml'?)"),
        ("none/otter.yaml", "no file 'none/otter.yaml'"),
        ("sub", "'sub' is not a file"),
        ("text.txt", "'text.txt' is not a scenario (.yaml, .yml, .json)"),
    ],
)
def test_include_stays_in_the_folder(write: Write, folder: Path, name: str, message: str) -> None:
    write("../out.yaml", "name: out")
    write("other.yaml", "name: other")
    write("text.txt", "text")
    (folder / "sub").mkdir()
    (folder / "link.yaml").symlink_to(folder.parent / "out.yaml")
    (folder / "linked").symlink_to(folder.parent)
    (folder / "loop.yaml").symlink_to(folder / "loop.yaml")
    write("a.yaml", f"include: {name}")
    text = problem("a.yaml")
    assert text.startswith("a.yaml:2:10: include[0]: ")
    assert message in text


def test_folder_may_not_link_to_the_outside(write: Write, folder: Path) -> None:
    write("out.yaml", "name: out")
    (folder / "many").mkdir()
    (folder / "many" / "a.yaml").symlink_to(folder / "out.yaml")
    assert problem("many") == "many/a.yaml: the file is a link to the outside of its folder"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("quickstrt", "quickstrt: no scenario of this name (did you mean 'quickstart'?)"),
        (
            "zzz",
            "zzz: no scenario of this name (shipped: quickstart; or a path to a .yaml file)",
        ),
        ("agnet.yaml", "agnet.yaml: no such file or folder (did you mean 'agent.yaml'?)"),
        ("no/agent.yaml", "no/agent.yaml: no such file or folder"),
        (Path("zzz"), "zzz: no such file or folder"),
        ("zz\0z.yaml", "zz\0z.yaml: no such file or folder"),
        ("text.txt", "text.txt: not a scenario (one of: .yaml, .yml, .json)"),
        ("empty", "empty: the folder has no .yaml file"),
    ],
)
def test_unknown_source_is_told(write: Write, source: str | Path, message: str) -> None:
    write("agent.yaml", "")
    write("text.txt", "")
    write("empty/text.txt", "")
    assert problem(source) == message


def test_nothing_shipped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "scenarios", lambda: folder / "nowhere")
    assert problem("zzz") == "zzz: no scenario of this name"


def test_system_errors_are_one_line(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.yaml", "")
    write("many/a.yaml", "")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        assert problem("a.yaml") == "a.yaml: cannot read 'a.yaml': permission denied"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", refuse)
        assert problem("many") == "many: cannot be read: permission denied"
        assert problem("zzz") == "zzz: no scenario of this name"


def test_problems_of_all_files_are_told(write: Write) -> None:
    write("a.yaml", "include: [b.yaml, c.yaml]")
    write("b.yaml", "nam: x\nrules: [5]")
    write("c.yaml", "a: [")
    assert [str(one)[:12] for one in problems("a.yaml", "nothing", {"mockdock": 2})] == [
        "b.yaml:2:1: ", "b.yaml:3:9: ", "c.yaml:3:1: ", "nothing: no ", "mockdock: ve",
    ]  # fmt: skip


def test_two_hundred_rules_load_with_bounded_effort(write: Write) -> None:
    rule = (
        "- name: rule {0}\n  when: {{user: {{contains: a{0}, matches: '(?P<x>b{0})'}}, turn: 2}}\n"
        "  replies:\n  - text: ${{match.x}}\n  - {{error: rate_limit, retry_after: 2s}}\n"
    )
    write("a.yaml", "rules:\n" + "".join(rule.format(index) for index in range(200)))
    load("a.yaml")
    with bounded(200):
        assert len(load("a.yaml").scenario.rules) == 200


def problems(*sources: object) -> list[str]:
    """Load what is wrong and give all problems."""
    with pytest.raises(ScenarioError) as caught:
        load(*sources)  # type: ignore[arg-type]
    return [str(one) for one in caught.value.problems]


def problem(*sources: object) -> str:
    """Load what is wrong in one way."""
    (one,) = problems(*sources)
    return one
