"""Laws that hold whatever is scripted and whatever is asked.

Each example asks the application in-process, so that every answer and chunk
passes the shared assertion on the types of the openai package as well.
"""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import jsonschema
import pytest
import tiktoken
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from mockdock.app import App
from mockdock.content.encodings import build
from mockdock.delivery import ManualClock
from tests.conformance.asgi import Answer, app_of, post
from tests.conformance.joining import joined, plain
from tests.content.schemas import SCHEMAS
from tests.effort import examples

CHAT = "/v1/chat/completions"
FIRST = {"x-stainless-retry-count": "0"}
ENCODINGS = {"gpt-4o": "o200k_base", "gpt-4": "cl100k_base", "gpt-5-mini": "o200k_base"}
REASONING = "gpt-5-mini"
MODERN = ("gpt-4o", "gpt-5-mini")

# Without the phase that explains a failure: it traces every line and takes minutes.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
usual = settings(max_examples=examples(40), deadline=None, phases=PHASES)
thorough = settings(max_examples=examples(80), deadline=None, phases=PHASES)


@cache
def encoding(model: str) -> tiktoken.Encoding:
    """Give the tokenizer of a model, as tiktoken itself splits."""
    return build(ENCODINGS[model])[0]


# --- scripts ----------------------------------------------------------------------------------

WORDS = (
    *(
        "the",
        " quick",
        "-witted",
        " Fox",
        " naïve",
        ".",
        "\n",
        "\n\n",
        "  ",
        " 12345",
        "'s",
        "{",
        '"',
    ),
    *("日本語", "東京は", "데이터", " 北", "你好。世界", "مرحبا", "नमस्ते", "Łódź"),
    *(
        "😀",
        "👩‍👩‍👧‍👦",
        "👍🏽",
        "🇩🇪",
        "🫨",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "e\u0301",
        "a\u0300\u0323",
        "\u200d",
        "ﷺ",
        "\U0001f9ff",
    ),
)
letters = st.characters(exclude_categories=["Cs"], exclude_characters="$")
texts = st.lists(st.sampled_from(WORDS) | st.text(letters, max_size=4), max_size=12).map("".join)
calls = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["find", "look_up"])},
        optional={
            "arguments": texts
            | st.dictionaries(texts, texts | st.integers(-(2**63), 2**63), max_size=2)
        },
    ),
    min_size=1,
    max_size=3,
)
generates = st.fixed_dictionaries(
    {"kind": st.sampled_from(["lorem", "echo", "schema", "faker"])},
    optional={"tokens": st.integers(1, 60)},
)
bodies = st.one_of(
    st.fixed_dictionaries({"text": texts}),
    st.fixed_dictionaries({"text": texts}),
    st.fixed_dictionaries({"refusal": texts}),
    st.fixed_dictionaries({"json": st.dictionaries(texts, texts, max_size=3)}),
    st.fixed_dictionaries({"generate": generates}),
    st.fixed_dictionaries({"tool_calls": calls}),
    st.fixed_dictionaries({"text": texts, "tool_calls": calls}),
)
extras = st.fixed_dictionaries(
    {},
    optional={
        "reasoning": st.integers(0, 90),
        "finish": st.sampled_from(["stop", "length", "content_filter"]),
        "logprobs": st.fixed_dictionaries(
            {}, optional={"mean": st.floats(-30, 0), "spread": st.floats(0, 9)}
        ),
    },
)
parts = st.tuples(bodies, extras).map(lambda both: {**both[0], **both[1]})
replies = parts | st.fixed_dictionaries({"choices": st.lists(parts, min_size=1, max_size=3)})
scripts = st.tuples(
    st.fixed_dictionaries({"reply": replies})
    | st.fixed_dictionaries({"otherwise": st.sampled_from(["auto", "echo", "lorem"])}),
    st.sampled_from(["token", "word", 1, 3, 40]).map(lambda size: {"pacing": {"chunk": size}}),
).map(lambda both: {**both[0], **both[1]})


# --- requests ---------------------------------------------------------------------------------

OBJECTS = {
    name: schema
    for name, schema in SCHEMAS.items()
    if isinstance(schema, dict) and schema.get("type") == "object" and "properties" in schema
}
# Numbers beyond what JSON libraries read cannot be asked for over the wire.
SENT = [each for name, each in SCHEMAS.items() if isinstance(each, dict) and "huge" not in name]
formats = st.sampled_from(SENT).map(
    lambda schema: {"type": "json_schema", "json_schema": {"name": "made", "schema": schema}}
)
tools = st.lists(st.sampled_from(list(OBJECTS.values())), min_size=1, max_size=2).map(
    lambda several: [
        {"type": "function", "function": {"name": f"tool_{place}", "parameters": schema}}
        for place, schema in enumerate(several)
    ]
)
stops = st.lists(
    st.sampled_from([" ", ".", "e", "the", "'s\n", "wit", "本", "👧", "\u0301", "k-w", '"', "lo"]),
    min_size=1,
    max_size=4,
)


@st.composite
def requests(draw: st.DrawFn, models: tuple[str, ...] = tuple(ENCODINGS)) -> dict[str, Any]:
    """Draw a valid request; a reasoning model takes no log probabilities and no sampling."""
    model = draw(st.sampled_from(models))
    asked: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": draw(texts)}],
        "n": draw(st.integers(1, 3)),
    }
    common: dict[str, st.SearchStrategy[Any]] = {
        "max_completion_tokens": st.integers(1, 50),
        "seed": st.integers(-9, 9),
        "response_format": st.just({"type": "text"})
        | (formats if model in MODERN else st.nothing()),
        "tools": tools,
        "user": st.just("someone"),
        "service_tier": st.sampled_from(["auto", "flex", "priority", "fast"]),
    }
    sampled: dict[str, st.SearchStrategy[Any]] = {
        "stop": stops,
        "temperature": st.sampled_from([0, 0.7, 2]),
        "top_p": st.sampled_from([0.5, 1]),
        "logit_bias": st.dictionaries(
            st.integers(0, 99_999).map(str), st.integers(-100, 99), max_size=3
        ),
    }
    more = {**common, **({"verbosity": st.just("low")} if model == REASONING else sampled)}
    asked |= draw(st.fixed_dictionaries({}, optional=more))
    if model != REASONING and draw(st.booleans()):
        asked |= {"logprobs": True, "top_logprobs": draw(st.integers(0, 20))}
    return asked


def fresh(script: dict[str, Any]) -> App:
    """Make a server of a script that nobody has asked yet, at a fixed time."""
    given_ = dict(script)
    rules = [{"reply": given_.pop("reply")}] if "reply" in given_ else []
    return app_of(*rules, clock=ManualClock(), **given_)


def asked_of(app: App, body: dict[str, Any], **headers: str) -> Answer:
    answer = post(app, CHAT, body, {**FIRST, **headers})
    assert answer.status == 200, answer.body
    return answer


def told(script: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Ask a fresh server for a plain answer."""
    whole: dict[str, Any] = asked_of(fresh(script), body).json()
    assert len(whole["choices"]) == body.get("n", 1)
    return whole


def streamed(body: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {**body, "stream": True, "stream_options": {"include_usage": True, **options}}


def differing(one: Any, other: Any, at: str = "") -> list[str]:
    """Name the places where two values differ; pytest takes minutes to compare long ones."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [
            place for name in one for place in differing(one[name], other[name], f"{at}.{name}")
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [place for i, pair in pairs for place in differing(*pair, f"{at}[{i}]")]
    return [] if one == other else [f"{at}: {str(one)[:99]} is not {str(other)[:99]}"]


def said(choice: dict[str, Any]) -> list[str]:
    """Give the words of a choice: its content, its refusal."""
    message = choice["message"]
    return [text for text in (message["content"], message["refusal"]) if text is not None]


# --- laws -------------------------------------------------------------------------------------


@thorough
@given(scripts, requests(), st.booleans())
def test_chunks_join_to_the_plain_reply(
    script: dict[str, Any], body: dict[str, Any], obfuscated: bool
) -> None:
    """Words, calls, log probabilities, finish and usage, in whatever pieces; padding aside."""
    stream = asked_of(fresh(script), streamed(body, include_obfuscation=obfuscated))
    assert not differing(joined(stream.events()), plain(told(script, body)))
    assert len({len(line) % 16 for line in stream.body.split(b"\n\n")[:-2]}) == 1 or not obfuscated


@thorough
@given(scripts, requests(models=("gpt-4o", "gpt-4")), st.integers(0, 20))
def test_logprobs_are_those_of_what_is_said(
    script: dict[str, Any], body: dict[str, Any], top: int
) -> None:
    """Bytes join to the words; alternatives are distinct, ordered, and a distribution."""
    for choice in told(script, {**body, "logprobs": True, "top_logprobs": top})["choices"]:
        words = choice["message"]
        if choice["logprobs"] is None:
            assert words["content"] is None
            assert words["refusal"] is None
            continue
        for field in ("content", "refusal"):
            entries = choice["logprobs"][field]
            if words[field] is None:
                assert entries is None
                continue
            spelled = b"".join(bytes(entry["bytes"]) for entry in entries)
            assert spelled == words[field].encode()
            for entry in entries:
                check_entry(entry, top)


def check_entry(entry: dict[str, Any], top: int) -> None:
    """Check what is told of one place in a text."""
    first = entry["top_logprobs"]
    for each in (entry, *first):
        assert each["logprob"] <= 0
        try:
            assert each["token"] == bytes(each["bytes"]).decode()
        except UnicodeDecodeError:
            assert each["token"] == "".join(f"\\x{byte:02x}" for byte in each["bytes"])
    assert len(first) == top
    assert len({bytes(each["bytes"]) for each in first}) == len(first)
    ordered = [each["logprob"] for each in first]
    assert ordered == sorted(ordered, reverse=True)
    assert math.fsum(math.exp(logprob) for logprob in ordered) <= 1 + 1e-9
    listed = [each for each in first if each["bytes"] == entry["bytes"]]
    assert [each["logprob"] for each in listed] in ([], [entry["logprob"]])
    if first and not listed:
        assert entry["logprob"] <= ordered[-1]


@thorough
@given(scripts, requests(models=("gpt-4o", "gpt-4")))
def test_usage_is_what_was_sent(script: dict[str, Any], body: dict[str, Any]) -> None:
    """One token for each entry of the log probabilities, which change nothing else."""
    whole = told(script, {**body, "logprobs": True})
    usage = whole["usage"]
    tokens = usage["completion_tokens_details"]["reasoning_tokens"]
    for choice in whole["choices"]:
        for entries in (choice["logprobs"] or {}).values():
            tokens += len(entries or ())
        tokens += cost(choice["message"].get("tool_calls", []), body["model"])
    assert usage["completion_tokens"] == tokens
    assert usage["total_tokens"] == usage["prompt_tokens"] + tokens
    if (limit := body.get("max_completion_tokens")) is not None:
        assert tokens <= limit * body["n"]
    bare = {name: value for name, value in body.items() if "logprobs" not in name}
    without = told(script, bare)
    assert without["usage"] == usage
    for one, other in zip(without["choices"], whole["choices"], strict=True):
        assert not differing({**one, "logprobs": None}, {**other, "logprobs": None})
    assert told(script, {**bare, "n": 1})["usage"]["prompt_tokens"] == usage["prompt_tokens"]


def cost(called: list[dict[str, Any]], model: str) -> int:
    """Count what calls cost: name, arguments and 7 (4 on gpt-4), several in one wrapper."""
    if not called:
        return 0
    frame = 4 if model == "gpt-4" else 7
    functions = [each["function"] for each in called]
    if len(functions) == 1:
        return frame + count(functions[0]["name"], model) + count(functions[0]["arguments"], model)
    uses = ",".join(
        f'{{"recipient_name":"functions.{each["name"]}","parameters":{compact(each["arguments"])}}}'
        for each in functions
    )
    wrapper = f'{{"tool_uses":[{uses}]}}'
    return frame + count("multi_tool_use.parallel", model) + count(wrapper, model)


def count(text: str, model: str) -> int:
    return len(encoding(model).encode_ordinary(text))


def compact(arguments: str) -> str:
    """Write JSON without blanks, and leave what is none."""
    try:
        value = json.loads(arguments)
    except ValueError:
        return arguments
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@thorough
@given(scripts, requests(models=("gpt-4o", "gpt-4")), stops)
def test_stop_strings_never_appear(
    script: dict[str, Any], body: dict[str, Any], stop: list[str]
) -> None:
    """Not in the words, not in a chunk, not in a log probability, and not counted."""
    whole = told(script, {**body, "logprobs": True, "stop": stop})
    uncut = {name: value for name, value in body.items() if name != "max_completion_tokens"}
    full = told(script, {**uncut, "logprobs": True, "stop": None})
    for choice, unstopped in zip(whole["choices"], full["choices"], strict=True):
        for text, without in zip(said(choice), said(unstopped), strict=False):
            assert not any(each in text for each in stop)
            assert without.startswith(text)
    if whole["choices"] != full["choices"]:
        assert whole["usage"]["completion_tokens"] <= full["usage"]["completion_tokens"] + 2


@usual
@given(
    formats,
    requests(models=MODERN),
    st.sampled_from([{}, {"reply": {"generate": {"kind": "schema"}}}]),
)
def test_generated_json_fits_its_schema(
    form: dict[str, Any], body: dict[str, Any], script: dict[str, Any]
) -> None:
    """Whole unless a limit of the request cuts it, which is then said."""
    asked = {name: value for name, value in body.items() if name not in ("tools", "stop")}
    for choice in told(script, {**asked, "response_format": form})["choices"]:
        if choice["finish_reason"] == "length":
            assert "max_completion_tokens" in body
            continue
        value = json.loads(choice["message"]["content"])
        jsonschema.validate(value, form["json_schema"]["schema"])


@usual
@given(tools, requests())
def test_generated_arguments_fit_their_schema(
    offered: list[dict[str, Any]], body: dict[str, Any]
) -> None:
    schemas = {tool["function"]["name"]: tool["function"]["parameters"] for tool in offered}
    for choice in told({}, {**body, "tools": offered})["choices"]:
        if choice["finish_reason"] == "length":
            assert "max_completion_tokens" in body
            continue
        (call,) = choice["message"]["tool_calls"]
        arguments = json.loads(call["function"]["arguments"])
        jsonschema.validate(arguments, schemas[call["function"]["name"]])


@usual
@given(scripts, requests(), st.booleans())
def test_the_same_seed_gives_the_same_bytes(
    script: dict[str, Any], body: dict[str, Any], stream: bool
) -> None:
    """And the same headers, warnings included."""
    asked = streamed(body, include_obfuscation=True) if stream else body
    one, other = (asked_of(fresh(script), asked) for _ in range(2))
    assert one.headers == other.headers
    assert (one.body == other.body) is True


@usual
@given(
    scripts,
    st.lists(
        requests(), min_size=2, max_size=4, unique_by=lambda body: body["messages"][0]["content"]
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_arrival_does_not_matter(
    script: dict[str, Any], several: list[dict[str, Any]], rng: Any
) -> None:
    """Every request gets its own answer, byte for byte, whoever else asks before it."""

    def answers(order: list[int]) -> dict[int, bytes]:
        app = fresh(script)
        return {place: asked_of(app, several[place]).body for place in order}

    places = list(range(len(several)))
    mixed = list(places)
    rng.shuffle(mixed)
    ordered = answers(places)
    assert (answers(mixed) == ordered) is True
    assert (asked_of(fresh(script), several[0]).body == ordered[0]) is True


@usual
@given(
    st.sampled_from(["lorem", "faker"]),
    st.integers(12, 60),
    requests(models=("gpt-4o", "gpt-4")),
    st.integers(2, 6),
)
def test_generated_choices_are_distinct(
    kind: str, tokens: int, body: dict[str, Any], n: int
) -> None:
    script = {"reply": {"generate": {"kind": kind, "tokens": tokens}}}
    asked = {"model": body["model"], "messages": body["messages"], "n": n}
    contents = [choice["message"]["content"] for choice in told(script, asked)["choices"]]
    assert len(set(contents)) == n


@usual
@given(st.sampled_from([{}, {"otherwise": "lorem"}]), requests(models=("gpt-4o",)), st.integers())
def test_without_temperature_there_is_one_answer(
    script: dict[str, Any], body: dict[str, Any], number: int
) -> None:
    """Whatever seed, session, and which of the n; also its log probabilities are the same."""
    body = {**body, "temperature": 0, "n": 2, "logprobs": True}
    seeded = {**body, "seed": number % 1000}
    answers = [
        asked_of(fresh(script), body),
        asked_of(fresh(script), seeded),
        asked_of(fresh(script), body, **{"x-mockdock-session": "other"}),
    ]
    told_ = [nameless(choice) for answer in answers for choice in answer.json()["choices"]]
    assert not differing(told_, [told_[0]] * 6)


def nameless(choice: dict[str, Any]) -> dict[str, Any]:
    message = dict(choice["message"])
    if "tool_calls" in message:
        message["tool_calls"] = [{**call, "id": ""} for call in message["tool_calls"]]
    return {**choice, "index": 0, "message": message}


@usual
@given(
    st.sampled_from(["auto", "lorem", "faker", "echo"]),
    st.none() | st.integers(1, 40),
    requests(models=("gpt-4o", "gpt-4")),
    st.data(),
)
def test_banned_tokens_are_not_said(
    kind: str, tokens: int | None, body: dict[str, Any], data: st.DataObject
) -> None:
    """Those of the answer itself are banned, which is the hardest case."""
    generate = {"kind": kind, **({} if tokens is None else {"tokens": tokens})}
    script = {} if kind == "auto" else {"reply": {"generate": generate}}
    asked = {"model": body["model"], "messages": body["messages"], "n": 2}
    split = encoding(body["model"]).encode_ordinary
    free = [t for choice in told(script, asked)["choices"] for t in split(said(choice)[0])]
    assume(free)
    banned = data.draw(st.lists(st.sampled_from(free), min_size=1, max_size=5, unique=True))
    biased = {**asked, "logprobs": True, "logit_bias": dict.fromkeys(map(str, banned), -100)}
    spelled = [encoding(body["model"]).decode_single_token_bytes(token) for token in banned]
    for choice in told(script, biased)["choices"]:
        entries = [bytes(entry["bytes"]) for entry in choice["logprobs"]["content"]]
        assert not set(entries) & set(spelled)
        if tokens is not None and kind in ("lorem", "faker"):
            assert len(entries) == tokens


@usual
@given(requests(models=("gpt-4o", "gpt-4")), texts.filter(bool), st.integers(1, 30))
def test_a_forced_token_is_all_there_is(body: dict[str, Any], word: str, limit: int) -> None:
    token = encoding(body["model"]).encode_ordinary(word)[0]
    spelled = encoding(body["model"]).decode_single_token_bytes(token)
    asked = {
        "model": body["model"],
        "messages": body["messages"],
        "logit_bias": {str(token): 100},
        "logprobs": True,
        "max_tokens": limit,
    }
    whole = told({}, asked)
    (choice,) = whole["choices"]
    entries = [bytes(entry["bytes"]) for entry in choice["logprobs"]["content"]]
    assert set(entries) <= {spelled}
    assert whole["usage"]["completion_tokens"] == len(entries) <= limit
    assert choice["message"]["content"] == b"".join(entries).decode("utf-8", "replace")


@usual
@given(texts, texts, st.sampled_from(["gpt-4o", "gpt-4"]))
def test_a_prediction_is_accepted_or_rejected_token_by_token(
    text: str, predicted: str, model: str
) -> None:
    """And what is rejected is paid for on top of what is said."""

    def usage(**more: Any) -> dict[str, Any]:
        asked = {"model": model, "messages": [{"role": "user", "content": "Go"}], **more}
        found: dict[str, Any] = told({"reply": {"text": text}}, asked)["usage"]
        return found

    plain_tokens = usage()["completion_tokens"]
    for prediction in (text, predicted):
        told_ = usage(prediction={"type": "content", "content": prediction})
        details = told_["completion_tokens_details"]
        right, wrong = (details[f"{each}_prediction_tokens"] for each in ("accepted", "rejected"))
        assert right + wrong == count(prediction, model)
        assert right <= plain_tokens
        assert wrong == 0 or prediction != text
        assert told_["completion_tokens"] == plain_tokens + wrong


SPOKEN = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}


@settings(usual, max_examples=examples(30))
@given(texts.filter(bool), st.sampled_from(["token", "word", 2]), st.none() | st.integers(1, 9))
def test_a_spoken_answer_says_what_a_written_one_does(
    text: str, chunk: Any, limit: int | None
) -> None:
    script = {"reply": {"text": text}, "pacing": {"chunk": chunk}}
    asked = {
        "model": "gpt-4o-audio-preview",
        "messages": [{"role": "user", "content": "Go"}],
        "max_tokens": limit,
    }
    (written,) = told(script, {**asked, "model": "gpt-4o"})["choices"]
    whole = told(script, {**asked, **SPOKEN})
    (spoken,) = whole["choices"]
    assert spoken["finish_reason"] == written["finish_reason"]
    if written["message"]["content"]:
        assert spoken["message"]["content"] is None
        assert spoken["message"]["audio"]["transcript"] == written["message"]["content"]
        assert whole["usage"]["completion_tokens_details"]["audio_tokens"] > 0
    stream = asked_of(fresh(script), streamed({**asked, **SPOKEN}))
    assert not differing(joined(stream.events()), plain(whole))


@pytest.mark.parametrize("model", ENCODINGS)
def test_the_scripts_reach_every_kind_of_token(model: str) -> None:
    """Some words here are split inside a character; without them a law would prove less."""
    split = [encoding(model).decode_tokens_bytes(encoding(model).encode_ordinary(w)) for w in WORDS]
    broken = [token for tokens in split for token in tokens if not _whole(token)]
    assert broken


def _whole(token: bytes) -> bool:
    try:
        token.decode()
    except UnicodeDecodeError:
        return False
    return True
