"""Embeddings: what is parsed, in which words it is refused, and the bytes of replies."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mockdock.dialects.base import Envelope
from mockdock.dialects.openai.failures import tell
from mockdock.dialects.openai.head import head
from mockdock.dialects.openai.parse import parse
from mockdock.dialects.openai.render import frames
from mockdock.embedding import Embeddings, ToEmbed, pack, unpack
from mockdock.reply import Failure, Usage
from mockdock.request import Request, Traits
from tests.dialects.openai.calls import call, told

GOLDEN = Path(__file__).parents[3] / "fixtures" / "openai"
SMALL = "text-embedding-3-small"
TRAITS = {
    SMALL: Traits(family=SMALL, kind="embedding"),
    "text-embedding-3-large": Traits(
        family="text-embedding-3-large", kind="embedding", dimensions=3072
    ),
    "text-embedding-ada-002": Traits(family="text-embedding-ada-002", kind="embedding"),
    "gpt-4o": Traits(family="gpt-4o", kind="chat"),
    "mine": Traits(),
}


def ask(body: Any, *, lenient: bool = False) -> Request | Failure:
    """Parse a body, or one of the small model with this input."""
    body = body if isinstance(body, dict) and body else {"model": SMALL, "input": body}
    return parse(
        call(
            body,
            operation="embeddings",
            path="/v1/embeddings",
            lenient=lenient,
            traits=TRAITS.get,
        )
    )


def wanted(body: Any, *, lenient: bool = False) -> ToEmbed:
    """Parse a body that is taken."""
    request = ask(body, lenient=lenient)
    assert isinstance(request, Request), request
    assert request.api == "embeddings"
    assert request.embedding is not None
    return request.embedding


def refused(**fields: Any) -> dict[str, Any]:
    """Give the error object of a body that is not taken, with its status."""
    failure = ask({"model": SMALL, "input": "x", **fields})
    assert isinstance(failure, Failure), failure
    words = tell(failure)
    return {"status": words.status, **words.body()["error"]}


# -- what is taken ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ("a", ("a",)),
        (" ", (" ",)),
        (["a", "b"], ("a", "b")),
        ([9906, 1917], ((9906, 1917),)),
        ([[9906], [1917, 0]], ((9906,), (1917, 0))),
        (["a"] * 2048, ("a",) * 2048),
    ],
)
def test_texts_and_tokens_are_taken_alone_and_in_arrays(given: Any, inputs: Any) -> None:
    assert wanted(given).inputs == inputs


def test_texts_are_what_they_say_and_tokens_are_yet_to_be_read() -> None:
    assert wanted(["a", "b"]).texts == ("a", "b")
    assert wanted([[1], [2]]).texts == ()


def test_length_and_form_are_taken() -> None:
    body = {"model": SMALL, "input": "x", "dimensions": 256, "encoding_format": "base64"}
    assert wanted(body) == ToEmbed(("x",), 256, "base64", ("x",))
    assert wanted("x") == ToEmbed(("x",), None, "float", ("x",))


def test_the_request_keeps_what_was_sent() -> None:
    body = {"model": SMALL, "input": "x", "user": "me"}
    request = ask(body)
    assert isinstance(request, Request)
    assert (request.model, request.body, request.user_text) == (SMALL, body, "x")
    assert json.loads(request.raw) == body


@pytest.mark.parametrize("model", ["text-embedding-3-large", "text-embedding-ada-002", "mine"])
def test_a_model_that_may_make_embeddings_is_taken(model: str) -> None:
    assert wanted({"model": model, "input": "x"}).inputs == ("x",)


# -- what is refused ----------------------------------------------------------------------------

INVALID_INPUT = told(
    "'$.input' is invalid. Please check the API reference: "
    "https://platform.openai.com/docs/api-reference."
)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"model": ""}, told("you must provide a model parameter")),
        ({"model": None}, told("you must provide a model parameter")),
        (
            {"model": 7},
            told(
                "Invalid type for 'model': expected a string, but got an integer instead.",
                "model",
                "invalid_type",
            ),
        ),
        (
            {"model": "nope"},
            told(
                "The model `nope` does not exist or you do not have access to it.",
                code="model_not_found",
                status=404,
            ),
        ),
        (
            {"model": "gpt-4o"},
            told("You are not allowed to generate embeddings from this model", status=403),
        ),
        ({"input": ""}, told("Invalid 'input': input cannot be an empty string.")),
        ({"input": ["a", ""]}, told("Invalid 'input[1]': input cannot be an empty string.")),
        ({"input": []}, INVALID_INPUT),
        ({"input": [[]]}, INVALID_INPUT),
        ({"input": ["a", 1]}, INVALID_INPUT),
        ({"input": [1, "a"]}, INVALID_INPUT),
        ({"input": [1, [1]]}, INVALID_INPUT),
        ({"input": [[1], ["a"]]}, INVALID_INPUT),
        ({"input": [-1]}, INVALID_INPUT),
        ({"input": [True]}, INVALID_INPUT),
        ({"input": [1.5]}, INVALID_INPUT),
        ({"input": [None]}, INVALID_INPUT),
        ({"input": ["a"] * 2049}, told("Invalid 'input': array length must be 2048 or less.")),
        ({"input": [[1]] * 2049}, told("Invalid 'input': array length must be 2048 or less.")),
        (
            {"input": None},
            told(
                "Invalid type for 'input': expected one of a string, array of strings, array of "
                "integers, or array of integer arrays, but got null instead.",
                "input",
                "invalid_type",
            ),
        ),
        (
            {"encoding_format": "hex"},
            told(
                "Invalid value: 'hex'. Supported values are: 'float' and 'base64'.",
                "encoding_format",
                "invalid_value",
            ),
        ),
        (
            {"dimensions": 0},
            told(
                "Invalid 'dimensions': integer below minimum value. Expected a value >= 1, but "
                "got 0 instead.",
                "dimensions",
                "integer_below_min_value",
            ),
        ),
        (
            {"dimensions": None},
            told(
                "Invalid type for 'dimensions': expected an integer, but got null instead.",
                "dimensions",
                "invalid_type",
            ),
        ),
        (
            {"dimensions": 1537},
            told("Invalid value for 'dimensions' = 1537. Must be less than or equal to 1536."),
        ),
        (
            {"model": "text-embedding-3-large", "dimensions": 3073},
            told("Invalid value for 'dimensions' = 3073. Must be less than or equal to 3072."),
        ),
        (
            {"model": "text-embedding-ada-002", "dimensions": 1536},
            told("This model does not support specifying dimensions."),
        ),
        ({"input_type": "query"}, told("Unrecognized request argument supplied: input_type")),
    ],
)
def test_what_is_wrong_is_refused_in_openais_words(
    fields: dict[str, Any], error: dict[str, Any]
) -> None:
    assert refused(**fields) == error


def test_what_is_missing_is_named() -> None:
    failure = ask({"model": SMALL})
    assert isinstance(failure, Failure)
    assert tell(failure).message == "Missing required parameter: 'input'."
    assert failure.model == SMALL


def test_a_body_that_is_no_object_is_refused() -> None:
    failure = parse(call(b"[]", operation="embeddings"))
    assert isinstance(failure, Failure)
    assert tell(failure).message.startswith("We could not parse the JSON body")


def test_an_embedding_model_does_not_chat() -> None:
    body = {"model": SMALL, "messages": [{"role": "user", "content": "Hello"}]}
    failure = parse(call(body, traits=TRAITS.get))
    assert isinstance(failure, Failure)
    words = tell(failure)
    assert (words.status, words.message, words.code) == (
        403,
        "You are not allowed to sample from this model",
        None,
    )


# -- lenient ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"odd": 1}, ToEmbed(("",), None, "float", ("",))),
        ({"model": 7, "input": "x"}, ToEmbed(("x",), None, "float", ("x",))),
        ({"model": SMALL, "input": ""}, ToEmbed(("",), None, "float", ("",))),
        ({"model": SMALL, "input": 5}, ToEmbed(("5",), None, "float", ("5",))),
        ({"model": SMALL, "input": []}, ToEmbed(("",), None, "float", ("",))),
        (
            {"model": SMALL, "input": ["a", [1], None]},
            ToEmbed(("a", (1,), "None"), None, "float", ()),
        ),
        (
            {"model": SMALL, "input": "x", "dimensions": 9999, "encoding_format": "hex"},
            ToEmbed(("x",), None, "float", ("x",)),
        ),
        (
            {"model": "gpt-4o", "input": "x", "dimensions": 3, "encoding_format": "base64"},
            ToEmbed(("x",), 3, "base64", ("x",)),
        ),
        ({"model": "nope", "input": "x"}, ToEmbed(("x",), None, "float", ("x",))),
    ],
)
def test_lenient_validation_takes_what_can_be_read(body: Any, expected: ToEmbed) -> None:
    assert wanted(body, lenient=True) == expected


def test_lenient_validation_has_a_model_for_every_request() -> None:
    request = ask({"input": "x"}, lenient=True)
    assert isinstance(request, Request)
    assert request.model == SMALL


def test_no_request_makes_more_vectors_than_there_can_be() -> None:
    assert len(wanted(["a"] * 3000, lenient=True).inputs) == 2048


# -- bytes --------------------------------------------------------------------------------------

REQUEST = Request("openai", "embeddings", SMALL, embedding=ToEmbed(("a", "b"), 4))
VECTORS = (pack([0.5, -0.5, 0.5, -0.5]), pack([0.0069292834, 0.25, 0.0, -1.0]))
REPLY = Embeddings(VECTORS, SMALL, Usage(8, 0, 8))


def rendered(request: Request | None) -> bytes:
    """Render the reply, which is one frame without tokens."""
    (frame,) = frames(request, REPLY)
    assert frame.tokens == 0
    return frame.data


def test_numbers_are_written_as_recorded() -> None:
    assert rendered(REQUEST) == (GOLDEN / "embedding-float.json").read_bytes()
    assert rendered(None) == rendered(REQUEST)


def test_base64_is_written_as_recorded() -> None:
    asked = replace(REQUEST, embedding=ToEmbed(("a", "b"), 4, "base64"))
    assert rendered(asked) == (GOLDEN / "embedding-base64.json").read_bytes()


def test_a_vector_is_little_endian_floats() -> None:
    assert pack([1.0, -2.0]) == b"\x00\x00\x80\x3f\x00\x00\x00\xc0"
    assert unpack(b"\x00\x00\x80\x3f\x00\x00\x00\xc0") == [1.0, -2.0]


def test_the_golden_files_hold_the_same_vectors() -> None:
    numbers = json.loads((GOLDEN / "embedding-float.json").read_bytes())["data"]
    encoded = json.loads((GOLDEN / "embedding-base64.json").read_bytes())["data"]
    for one, other in zip(numbers, encoded, strict=True):
        data = base64.b64decode(other["embedding"])
        assert list(struct.unpack("<4f", data)) == one["embedding"]


@pytest.mark.parametrize(("name", "told"), [(SMALL, SMALL), ("a\r\nb", None), ("ü", None)])
def test_the_model_is_named_in_a_header_where_it_fits(name: str, told: str | None) -> None:
    sent = head(REQUEST, replace(REPLY, model=name), Envelope("0" * 32, 1, 42, {}))
    headers = {key.decode(): value.decode() for key, value in sent.headers}
    assert headers.get("openai-model") == told
    assert headers["content-type"] == "application/json"
    assert sent.status == 200


def test_scripted_headers_are_sent() -> None:
    reply = replace(REPLY, headers={"x-mine": "yes"})
    sent = head(REQUEST, reply, Envelope("0" * 32, 1, 42, {}))
    assert (b"x-mine", b"yes") in sent.headers


def test_a_reply_knows_the_length_of_its_vectors() -> None:
    assert REPLY.dimensions == 4
    assert Embeddings((), SMALL, Usage(0, 0, 0)).dimensions == 0
