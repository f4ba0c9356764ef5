"""What is said of wrong scenarios: file, line, column, path, and what would be right."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mockdock.errors import ScenarioError
from mockdock.scenario import load

TABLE = [
    ("mockdock: 2", "1:11: mockdock: version 2 of the language is not known (write mockdock: 1)"),
    ("name: x", "1:1: mockdock: the key 'mockdock' is missing (write mockdock: 1)"),
    ("- a", "1:1: a scenario is a mapping, not a list (begin with mockdock: 1)"),
    ("just text", "1:1: a scenario is a mapping, not 'just text' (begin with mockdock: 1)"),
    ("", "the file is empty (begin with mockdock: 1)"),
    ("mockdock: 1\nmockdock: 1", "2:1: mockdock: key 'mockdock' twice, first in line 1"),
    ("mockdock: 1\nseed: x", "2:7: seed: expected a whole number, got 'x'"),
    ("mockdock: 1\nlimit: []", "2:1: limit: unknown key 'limit' (did you mean 'limits'?)"),
    ("mockdock: 1\nrulez: []", "2:1: rulez: unknown key 'rulez' (did you mean 'rules'?)"),
    (
        "mockdock: 1\nvalidation: strickt",
        (
            "2:13: validation: unknown value 'strickt', one of: strict, lenient "
            "(did you mean 'strict'?)"
        ),
    ),
    ("mockdock: 1\nauth: none", "2:7: auth: unknown value 'none', one of: any, required"),
    ("mockdock: 1\nauth: {}", "2:7: auth.keys: the key 'keys' is missing"),
    ("mockdock: 1\nauth: {keys: []}", "2:14: auth.keys: the list is empty"),
    (
        "mockdock: 1\nauth: {keys: [1]}",
        "2:15: auth.keys[0]: expected a text, got 1 (put it in quotes)",
    ),
    ('mockdock: 1\nname: ""', "2:7: name: the text is empty"),
    ("mockdock: 1\nname: [a]", "2:7: name: expected a text, got a list"),
    (
        "mockdock: 1\notherwise: atuo",
        (
            "2:12: otherwise: unknown value 'atuo', one of: auto, fail, echo, lorem, "
            "or a reply such as {text: ...} (did you mean 'auto'?)"
        ),
    ),
    (
        "mockdock: 1\notherwise: {txt: a}",
        "2:13: otherwise.txt: unknown key 'txt' (did you mean 'text'?)",
    ),
    (
        "mockdock: 1\npacing: {ttft: 300}",
        "2:16: pacing.ttft: a duration needs a unit (write 300ms or 300s)",
    ),
    ("mockdock: 1\npacing: {tps: fast}", "2:15: pacing.tps: expected a number, got 'fast'"),
    ("mockdock: 1\npacing: {tps: true}", "2:15: pacing.tps: expected a number, got true"),
    ("mockdock: 1\npacing: {tps: 0}", "2:15: pacing.tps: 0 is not more than 0"),
    ("mockdock: 1\npacing: {tps: .inf}", "2:15: pacing.tps: inf: input should be a finite number"),
    (
        "mockdock: 1\npacing: {itl: {median: 1s, sigma: 10.5}}",
        "2:35: pacing.itl.sigma: 10.5 is not at most 10",
    ),
    (
        "mockdock: 1\npacing: {itl: {median: 1s, sigma: -1}}",
        "2:35: pacing.itl.sigma: -1 is not at least 0",
    ),
    (
        "mockdock: 1\nrules:\n- when: {dialect: openia}\n  reply: a",
        (
            "3:19: rules[0].when.dialect: unknown value 'openia', one of: openai, *"
            " (did you mean 'openai'?)"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- when: {dialect: anthropic}\n  reply: a",
        "3:19: rules[0].when.dialect: unknown value 'anthropic', one of: openai",
    ),
    (
        "mockdock: 1\nrules:\n- reply: {error: 429, retry_after: none}",
        (
            "3:36: rules[0].reply.retry_after: 'none' is not a duration "
            "(such as 250ms, 1.5s, 2m or 1h)"
        ),
    ),
    (
        "mockdock: 1\nmodels: [{id: a, context_window: 0}]",
        "2:34: models[0].context_window: 0 is not at least 1",
    ),
    (
        "mockdock: 1\nmodels: [{id: a, encoding: p50k}]",
        "2:28: models[0].encoding: unknown value 'p50k', one of: *",
    ),
    ("mockdock: 1\nrules: {}", "2:8: rules: expected a list, got a mapping"),
    ("mockdock: 1\nrules: [x]", "2:9: rules[0]: expected a mapping, got 'x'"),
    ("mockdock: 1\nrules:\n- when: {}", "3:3: rules[0]: a rule needs 'reply' or 'replies'"),
    (
        "mockdock: 1\nrules:\n- repply: a",
        "3:3: rules[0].repply: unknown key 'repply' (did you mean 'reply'?)",
    ),
    (
        "mockdock: 1\nrules:\n- when:\n  reply: a",
        "3:8: rules[0].when: expected a mapping, got nothing",
    ),
    ("mockdock: 1\nrules:\n- replies: []", "3:12: rules[0].replies: the list is empty"),
    (
        "mockdock: 1\nrules:\n- reply: a\n  replies: [b]",
        "4:3: rules[0].replies: 'reply' and 'replies' exclude each other",
    ),
    (
        "mockdock: 1\nrules:\n- when:\n    user: {matches: 'a('}\n  reply: a",
        (
            "4:21: rules[0].when.user.matches: not a regular expression: "
            "missing ), unterminated subpattern at position 1"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- when: {headers: {x-a: {equal: b}}}\n  reply: a",
        "3:26: rules[0].when.headers.x-a.equal: unknown key 'equal' (did you mean 'equals'?)",
    ),
    (
        "mockdock: 1\nrules:\n- when: {user: {not: {foo: b}}}\n  reply: a",
        "3:23: rules[0].when.user.not.foo: unknown key 'foo' (one of: contains, equals, *)",
    ),
    (
        "mockdock: 1\nrules:\n- when: {user: {not_: b}}\n  reply: a",
        "3:17: rules[0].when.user.not_: unknown key 'not_' (did you mean 'not'?)",
    ),
    (
        "mockdock: 1\nrules:\n- when: {stream: yes}\n  reply: a",
        "3:18: rules[0].when.stream: expected true or false, got 'yes'",
    ),
    (
        "mockdock: 1\nrules:\n- when: {state: {a: [1]}}\n  reply: a",
        "3:21: rules[0].when.state.a: expected text, a number, true or false, got a list",
    ),
    (
        "mockdock: 1\nrules:\n- when: {headers: {a b: true}}\n  reply: a",
        "3:20: rules[0].when.headers['a b']: 'a b' is not the name of a header",
    ),
    (
        "mockdock: 1\nrules:\n- when: {headers: [a]}\n  reply: a",
        "3:19: rules[0].when.headers: expected a mapping, got a list",
    ),
    (
        "mockdock: 1\nrules:\n- when: {user: {}}\n  reply: a",
        "3:16: rules[0].when.user: an empty condition (a text it contains, or one of: *)",
    ),
    (
        "mockdock: 1\nrules:\n- when: {user: {equals: a, contains: [1]}}\n  reply: a",
        "3:39: rules[0].when.user.contains[0]: expected a text, got 1 (put it in quotes)",
    ),
    (
        "mockdock: 1\nrules:\n- reply: {text: '${usr}'}",
        "3:17: rules[0].reply.text: unknown name '${usr}' (did you mean '${user}'?)",
    ),
    (
        "mockdock: 1\nrules:\n- reply: {text: '${match.x}'}",
        (
            "3:17: rules[0].reply.text: '${match.x}' without a 'matches' condition "
            "(add one to user, system or headers)"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- reply: {tool_calls: [{name: a, arguments: {b: ['${c']}}]}",
        (
            "3:50: rules[0].reply.tool_calls[0].arguments.b[0]: '${c' is never closed "
            "(write ${name}, or $${ for a literal ${)"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- reply: {tool_calls: [{name: a, arguments: 3}]}",
        "3:45: rules[0].reply.tool_calls[0].arguments: expected a mapping or a text, got 3",
    ),
    (
        "mockdock: 1\nrules:\n- reply: {text: a, json: null}",
        "3:20: rules[0].reply.json: 'text' and 'json' exclude each other",
    ),
    (
        "mockdock: 1\nrules:\n- replies:\n  - error: rate_limits",
        (
            "4:12: rules[0].replies[0].error: unknown value 'rate_limits', one of: *"
            " (did you mean 'rate_limit'?)"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- reply: {eror: 500}",
        "3:11: rules[0].reply.eror: unknown key 'eror' (did you mean 'error'?)",
    ),
    (
        "mockdock: 1\nrules:\n- reply: {text: a, retry_after: 1s}",
        "3:20: rules[0].reply.retry_after: unknown key * (an error has the key 'error')",
    ),
    (
        "mockdock: 1\nrules:\n- reply: {error: 200}",
        "3:18: rules[0].reply.error: 200 is not an HTTP error (a status from 400 to 599)",
    ),
    (
        "mockdock: 1\nrules:\n- reply: {error: 500, retry_after: 1}",
        "3:36: rules[0].reply.retry_after: a duration needs a unit (write 1ms or 1s)",
    ),
    (
        "mockdock: 1\nrules:\n- reply: {error: 500, pacing: {}}",
        "3:23: rules[0].reply.pacing: unknown key 'pacing' (*)",
    ),
    (
        "mockdock: 1\nrules:\n- reply: {error: 500, headers: {Connection: close}}",
        (
            "3:33: rules[0].reply.headers.Connection: the header 'Connection' is the server's own "
            "(it follows from the body; a broken wire is a fault)"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- &r {reply: &a {txt: x}}\n- {reply: *a, name: b}",
        "3:18: rules[0].reply.txt: unknown key 'txt' (did you mean 'text'?)",
    ),
    (
        "mockdock: 1\nrules:\n- repli: Hello",
        "3:3: rules[0].repli: unknown key 'repli' (did you mean 'reply'?)",
    ),
    (
        "mockdock: 1\nrules:\n- reply: {text: hi, error: 500}",
        "3:11: rules[0].reply.text: 'text' and 'error' exclude each other",
    ),
    (
        "mockdock: 1\nrules:\n- reply: [a, b]",
        (
            "3:10: rules[0].reply: expected a text or a mapping, got a list"
            " (write replies: for several)"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- {when: hi, reply: a}",
        "3:10: rules[0].when: expected a mapping, got 'hi' (such as {user: hi})",
    ),
    (
        "mockdock: 1\nrules:\n- {when: 'a: b', reply: a}",
        "3:10: rules[0].when: expected a mapping, got 'a: b' (such as {user: hello})",
    ),
    (
        "mockdock: 1\nrules:\n- reply: 5",
        "3:10: rules[0].reply: expected a text or a mapping, got 5 (put it in quotes)",
    ),
    (
        "mockdock: 1\nrules:\n- reply: {error: '429'}",
        "3:18: rules[0].reply.error: a status is a number, got '429' (write 429 without quotes)",
    ),
    (
        "mockdock: 1\nlimits: [{rpm: '60'}]",
        "2:16: limits[0].rpm: expected a whole number, got '60' (write 60 without quotes)",
    ),
    (
        "mockdock: 1\nrules:\n- {times: '2', reply: a}",
        "3:11: rules[0].times: expected a whole number, got '2' (write 2 without quotes)",
    ),
    (
        "mockdock: 1\npacing: {tps: '0.5'}",
        "2:15: pacing.tps: expected a number, got '0.5' (write 0.5 without quotes)",
    ),
    (
        "mockdock: 1\nrules:\n- {when: {stream: 'true'}, reply: a}",
        (
            "3:19: rules[0].when.stream: expected true or false, got 'true'"
            " (write true without quotes)"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- reply: {error: {status: 429}}",
        (
            "3:18: rules[0].reply.error: expected a text or a status, got a mapping"
            " (such as error: rate_limit, or error: 429)"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- {reply: a, pacing: fast}",
        (
            "3:14: rules[0].pacing: unknown key 'pacing' ('pacing' belongs into the reply,"
            " such as reply: {text: Hello!, pacing: ...})"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- {reply: a, retry_after: 1s}",
        (
            "3:14: rules[0].retry_after: unknown key 'retry_after' ('retry_after' belongs into"
            " the reply, such as reply: {error: 429, retry_after: ...})"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- error: 429",
        (
            "3:3: rules[0].error: unknown key 'error' ('error' belongs into the reply,"
            " such as reply: {error: ...})"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- reply: {content: hi}",
        "3:11: rules[0].reply.content: unknown key 'content' (did you mean 'text'?)",
    ),
    (
        "mockdock: 1\nrules:\n- reply: {status: 429}",
        (
            "3:11: rules[0].reply.status: unknown key 'status'"
            " (an error is written with its status, such as error: 429)"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- reply: {error: 429, status: 500}",
        (
            "3:23: rules[0].reply.status: unknown key 'status'"
            " (write it as the error, such as error: 429)"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- reply: {text: a, delay: 5s}",
        "3:20: rules[0].reply.delay: unknown key 'delay' (write pacing: {ttft: 300ms})",
    ),
    (
        "mockdock: 1\nrules:\n- {delay: 5s, reply: a}",
        (
            "3:4: rules[0].delay: unknown key 'delay'"
            " (write reply: {text: Hello!, pacing: {ttft: 300ms}})"
        ),
    ),
    (
        "mockdock: 1\nrules:\n- {match: hi, reply: a}",
        "3:4: rules[0].match: unknown key 'match' (did you mean 'when'?)",
    ),
    (
        "mockdock: 1\nrules:\n- response: hi",
        "3:3: rules[0].response: unknown key 'response' (did you mean 'reply'?)",
    ),
    (
        "mockdock: 1\nrules:\n- {when: {content: hi}, reply: a}",
        "3:11: rules[0].when.content: unknown key 'content' (did you mean 'user'?)",
    ),
]


@pytest.mark.parametrize(("text", "message"), TABLE)
def test_wrong_scenario_is_told(tmp_path: Path, text: str, message: str) -> None:
    lines = told(tmp_path, text.encode())
    start, _, end = message.partition("*")
    assert lines[0].startswith(f"f.yaml:{'' if message[0].isdigit() else ' '}{start}")
    assert lines[0].endswith(end)
    assert len(lines) == (2 if "*a" in text else 1)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    assert told(tmp_path, b"mockdock: 1\nname: \xff") == [
        "f.yaml:2:7: not UTF-8 text: the byte 0xff is wrong"
    ]


def test_everything_wrong_is_told_in_order(tmp_path: Path) -> None:
    text = b"mockdock: 1\nrules:\n- {reply: a, times: 0}\n- {rply: a}\n- {reply: !x a}\nsed: 1\n"
    assert [line.split(": ")[1] for line in told(tmp_path, text)] == [
        "rules[0].times",
        "rules[1].rply",
        "rules[2].reply",
        "sed",
    ]


def test_what_is_wrong_in_every_file_of_a_folder_is_told(tmp_path: Path) -> None:
    """One that is not YAML keeps nobody from reading the others."""
    for name, text in (("a", "mockdock: ["), ("b", "mockdock: 1\nrulz: 3"), ("c", "x: y: z")):
        (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path)
    lines = [str(each).removeprefix(f"{tmp_path}/") for each in caught.value.problems]
    assert [line.split(": ")[0] for line in lines] == ["a.yaml:2:1", "b.yaml:2:1", "c.yaml:1:5"]


def test_too_large_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(sys.modules["mockdock.scenario.load"], "LARGEST", 10)
    assert told(tmp_path, b"mockdock: 1") == ["f.yaml: 'f.yaml' is larger than 0 MB"]


def test_pipe_is_not_read(tmp_path: Path) -> None:
    """Reading would wait for ever."""
    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(ScenarioError, match=r"'a\.yaml' is not a file$"):
        load(tmp_path / "a.yaml")


def test_depth_in_python_does_not_end_in_a_recursion_error() -> None:
    condition: dict[str, object] = {"contains": "x"}
    for _ in range(5000):
        condition = {"not": condition}
    with pytest.raises(ScenarioError):
        load({"mockdock": 1, "rules": [{"when": {"user": condition}, "reply": "a"}]})


def test_circles_in_python_are_refused() -> None:
    reply: dict[str, object] = {}
    reply["choices"] = [reply]
    with pytest.raises(ScenarioError):
        load({"mockdock": 1, "rules": [{"reply": reply}]})


def told(folder: Path, text: bytes) -> list[str]:
    """Load a wrong file; give its problems with nothing before the file's name."""
    path = folder / "f.yaml"
    path.write_bytes(text)
    with pytest.raises(ScenarioError) as caught:
        load(path)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]
