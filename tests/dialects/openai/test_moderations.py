"""Moderations: what is parsed, in which words it is refused, and the bytes of replies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mockdock.dialects.openai.failures import tell
from mockdock.dialects.openai.parse import parse
from mockdock.dialects.openai.render import frames
from mockdock.moderation import Judged, Moderations, Verdict
from mockdock.reply import Failure
from mockdock.request import Request, Traits
from tests.dialects.openai.calls import call, told

GOLDEN = Path(__file__).parents[3] / "fixtures" / "openai"
OMNI = "omni-moderation-latest"
OLDER = "text-moderation-latest"
TRAITS = {
    OMNI: Traits(family=OMNI, kind="moderation"),
    OLDER: Traits(family=OLDER),
    "gpt-4o": Traits(family="gpt-4o", kind="chat"),
    "text-embedding-3-small": Traits(kind="embedding"),
}
TEXT = {"type": "text", "text": "a"}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def ask(body: Any, *, lenient: bool = False) -> Request | Failure:
    """Parse a body."""
    made = call(
        body, operation="moderations", path="/v1/moderations", lenient=lenient, traits=TRAITS.get
    )
    return parse(made)


def judged(body: Any, *, lenient: bool = False) -> tuple[Judged, ...]:
    """Parse a body that is taken."""
    request = ask(body, lenient=lenient)
    assert isinstance(request, Request), request
    assert request.api == "moderations"
    assert request.moderation is not None
    return request.moderation.inputs


# -- what is taken ------------------------------------------------------------------------------

SEEN = "https://example.com/a.png"


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ("a", (Judged("a"),)),
        ("", (Judged(""),)),
        (["a", "b"], (Judged("a"), Judged("b"))),
        ([TEXT, IMAGE], (Judged("a", (SEEN,)),)),
        ([IMAGE, IMAGE], (Judged(None, (SEEN, SEEN)),)),
        ([TEXT, TEXT], (Judged("a\na"),)),
        (["a"] * 2048, (Judged("a"),) * 2048),
    ],
)
def test_texts_get_a_verdict_each_and_parts_one_together(given: Any, inputs: Any) -> None:
    assert judged({"input": given}) == inputs


def test_a_model_may_be_left_out_and_unknown_fields_are_ignored() -> None:
    """As recorded in August 2026."""
    body = {"input": "x", "odd": 1}
    request = ask(body)
    assert isinstance(request, Request)
    assert (request.model, request.body, request.user_text) == (OMNI, body, "x")
    assert json.loads(request.raw) == body
    assert judged({"input": "x", "model": None}) == (Judged("x"),)


def test_what_is_judged_is_what_the_user_says() -> None:
    request = ask({"input": ["a", "b"]})
    assert isinstance(request, Request)
    assert request.user_text == "a\nb"


# -- what is refused ----------------------------------------------------------------------------

INVALID_INPUT = told(
    "'$.input' is invalid. Please check the API reference: "
    "https://platform.openai.com/docs/api-reference."
)


def not_a_model(name: str) -> dict[str, Any]:
    """Give the refusal that was recorded in August 2026."""
    return told(
        f"Invalid value for 'model' = {name}. Please check the OpenAI documentation and try again.",
        "model",
    )


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"model": "gpt-4o"}, not_a_model("gpt-4o")),
        ({"model": "text-embedding-3-small"}, not_a_model("text-embedding-3-small")),
        ({"model": "nope"}, not_a_model("nope")),
        (
            {"model": 7},
            told(
                "Invalid type for 'model': expected a string, but got an integer instead.",
                "model",
                "invalid_type",
            ),
        ),
        (
            {"input": 5},
            told(
                "Invalid type for 'input': expected one of a string, array of strings, or array "
                "of objects, but got an integer instead.",
                "input",
                "invalid_type",
            ),
        ),
        ({"input": []}, INVALID_INPUT),
        ({"input": [1]}, INVALID_INPUT),
        ({"input": ["a", TEXT]}, INVALID_INPUT),
        ({"input": [{"type": "text"}]}, INVALID_INPUT),
        ({"input": [{"type": "image_url", "image_url": SEEN}]}, INVALID_INPUT),
        ({"model": OLDER, "input": [TEXT, IMAGE]}, INVALID_INPUT),
        ({"input": ["a"] * 2049}, told("Invalid 'input': array length must be 2048 or less.")),
    ],
)
def test_what_is_wrong_is_refused_in_openais_words(
    fields: dict[str, Any], error: dict[str, Any]
) -> None:
    failure = ask({"input": "x", **fields})
    assert isinstance(failure, Failure), failure
    words = tell(failure)
    assert {"status": words.status, **words.body()["error"]} == error


def test_what_is_missing_is_named() -> None:
    failure = ask({})
    assert isinstance(failure, Failure)
    assert tell(failure).message == "Missing required parameter: 'input'."
    assert failure.model == OMNI


def test_a_body_that_is_no_object_is_refused() -> None:
    failure = ask(b"[]")
    assert isinstance(failure, Failure)
    assert tell(failure).message.startswith("We could not parse the JSON body")


def test_a_model_that_judges_does_not_chat_or_embed() -> None:
    chat = {"model": OMNI, "messages": [{"role": "user", "content": "Hello"}]}
    for body, operation in ((chat, "chat"), ({"model": OMNI, "input": "x"}, "embeddings")):
        failure = parse(call(body, operation=operation, traits=TRAITS.get))
        assert isinstance(failure, Failure)
        assert failure.kind == "wrong_model"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (Judged(""),)),
        ({"input": 5}, (Judged("5"),)),
        ({"input": []}, (Judged(""),)),
        ({"input": ["a", 1]}, (Judged("a"), Judged("1"))),
        ({"model": 7, "input": "x"}, (Judged("x"),)),
        ({"model": "gpt-4o", "input": [TEXT, IMAGE]}, (Judged("a", (SEEN,)),)),
        ({"input": ["a"] * 3000}, (Judged("a"),) * 2048),
    ],
)
def test_lenient_validation_takes_what_can_be_read(body: Any, expected: Any) -> None:
    assert judged(body, lenient=True) == expected


# -- bytes --------------------------------------------------------------------------------------


def of_golden(name: str, *, image: bool) -> Moderations:
    """Make the reply that an example of OpenAI's reference shows."""
    body = json.loads((GOLDEN / name).read_bytes())
    (result,) = body["results"]
    flagged = frozenset(key for key, so in result["categories"].items() if so)
    verdict = Verdict(flagged, result["category_scores"], text=True, image=image)
    return Moderations(body["id"].removeprefix("modr-"), body["model"], (verdict,))


@pytest.mark.parametrize(
    ("name", "image"), [("moderation-omni.json", True), ("moderation-text.json", False)]
)
def test_verdicts_are_written_as_the_reference_shows_them(name: str, image: bool) -> None:
    (frame,) = frames(None, of_golden(name, image=image))
    assert frame.tokens == 0
    assert frame.data == (GOLDEN / name).read_bytes()


def test_types_of_input_are_what_there_was_to_look_at() -> None:
    """As recorded in August 2026 for texts; as the guide shows it for an image alone."""
    scores = of_golden("moderation-omni.json", image=False).results[0].scores
    both = [Verdict(frozenset(), scores), Verdict(frozenset(), scores, text=False, image=True)]
    (frame,) = frames(None, Moderations("1", OMNI, tuple(both)))
    text, image = (
        each["category_applied_input_types"] for each in json.loads(frame.data)["results"]
    )
    assert set(map(tuple, text.values())) == {("text",)}
    assert (image["violence"], image["hate"], image["sexual/minors"]) == (["image"], [], [])
