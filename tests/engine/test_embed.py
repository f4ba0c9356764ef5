"""Embeddings: what is decided, made up, scripted and counted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from mockdock.content.catalogue import load
from mockdock.content.embedding import embed as vector
from mockdock.content.tokens import tokenizer
from mockdock.embedding import Embeddings, ToEmbed, unpack
from mockdock.engine import Engine
from mockdock.errors import UsageError
from mockdock.reply import Failure, Reply, Usage
from mockdock.request import Request
from mockdock.scenario import ReplySpec
from tests.engine.helpers import CREATED, ask, engine, failure

SMALL = "text-embedding-3-small"
EMBEDS = {"api": "embeddings"}


def to_embed(*inputs: Any, model: str = SMALL, **fields: Any) -> Request:
    """Make a request to embed texts, or lists of tokens."""
    texts = tuple(each for each in inputs if isinstance(each, str))
    wanted = ToEmbed(inputs, texts=texts if len(texts) == len(inputs) else (), **fields)
    return Request("openai", "embeddings", model, embedding=wanted)


def answer(asked: Engine, request: Request) -> Reply:
    """Read, decide and compose, as a server does."""
    request = asked.read(request)
    return asked.compose(request, asked.decide(request), CREATED)


def embeddings(asked: Engine, request: Request) -> Embeddings:
    """Give an answer that must be vectors."""
    made = answer(asked, request)
    assert isinstance(made, Embeddings), made
    return made


def rule(reply: Any, **when: Any) -> dict[str, Any]:
    """Make a rule for embeddings."""
    return {"when": {**EMBEDS, **when}, "reply": reply}


# -- made up ------------------------------------------------------------------------------------


def test_every_input_gets_the_vector_of_its_text() -> None:
    made = embeddings(engine(), to_embed("a cat", "a dog"))
    assert made.vectors == (vector("a cat", SMALL, 1536), vector("a dog", SMALL, 1536))
    assert made.model == SMALL


@pytest.mark.parametrize(
    ("model", "length"),
    [
        (SMALL, 1536),
        ("text-embedding-3-large", 3072),
        ("text-embedding-ada-002", 1536),
        ("openai/text-embedding-3-large", 3072),
        ("bge-m3", 1536),
        ("nomic-embed-text", 1536),
    ],
)
def test_a_model_has_vectors_of_its_own_length(model: str, length: int) -> None:
    assert embeddings(engine(), to_embed("x", model=model)).dimensions == length


def test_dimensions_shorten() -> None:
    made = embeddings(engine(), to_embed("x", dimensions=8))
    assert made.vectors == (vector("x", SMALL, 8),)


def test_a_listed_model_has_the_length_the_scenario_says() -> None:
    mine = engine(models=[{"id": "mine", "dimensions": 24}])
    assert embeddings(mine, to_embed("x", model="mine")).dimensions == 24
    traits = mine.traits("mine")
    assert traits is not None
    assert (traits.kind, traits.dimensions) == ("embedding", 24)


@pytest.mark.parametrize(
    ("model", "kind"),
    [(SMALL, "embedding"), ("gpt-4o", "chat"), ("bge-m3", None), ("nomic-embed-text", None)],
)
def test_traits_tell_what_a_model_is_for_where_it_is_known(model: str, kind: str | None) -> None:
    assert load().resolve(model).traits.kind == kind


def test_a_model_that_sounds_like_it_counts_as_the_embedding_models_do() -> None:
    model = load().resolve("nomic-embed-text")
    assert (model.kind, model.encoding, model.width) == ("embedding", "cl100k_base", 1536)


def test_neither_seed_nor_session_nor_rule_changes_a_made_up_vector() -> None:
    mine = engine(rule({"embedding": "auto"}), seed=7)
    assert embeddings(mine, to_embed("x")).vectors == embeddings(engine(), to_embed("x")).vectors


def test_tokens_are_embedded_as_what_they_say() -> None:
    tokens = tuple(tokenizer("cl100k_base").encode("the quick brown fox"))
    made = embeddings(engine(), to_embed(tokens, "the quick brown fox"))
    assert made.vectors[0] == made.vectors[1]


def test_what_tokens_say_meets_conditions() -> None:
    tokens = tuple(tokenizer("cl100k_base").encode("the quick brown fox"))
    mine = engine(rule({"embedding": [1, 0]}, user="brown fox"), otherwise="fail")
    assert unpack(embeddings(mine, to_embed(tokens)).vectors[0]) == [1, 0]


def test_a_request_without_tokens_is_read_already() -> None:
    asked = to_embed("x")
    assert engine().read(asked) is asked
    chat = ask("Hello")
    assert engine().read(chat) is chat


# -- usage --------------------------------------------------------------------------------------


def test_usage_counts_the_tokens_of_all_inputs() -> None:
    made = embeddings(engine(), to_embed("Tell me a joke about opentelemetry", (1, 2, 3)))
    assert made.usage == Usage(11, 0, 11)


def test_scripted_usage_takes_its_place() -> None:
    mine = engine(rule({"embedding": [1], "usage": {"prompt_tokens": 99}}))
    assert embeddings(mine, to_embed("x")).usage == Usage(99, 0, 99)


# -- limits of the request ----------------------------------------------------------------------


def test_an_input_beyond_the_window_is_refused_by_its_place() -> None:
    long = (100,) * 8193
    assert failure(engine(), to_embed("ok", long)) == Failure(
        "input_too_long", SMALL, what="1", limit=8192, used=8193
    )
    assert embeddings(engine(), to_embed(long[:-1])).usage.prompt_tokens == 8192


def test_too_many_tokens_in_all_are_refused() -> None:
    inputs = ((100,) * 8000,) * 38
    assert failure(engine(), to_embed(*inputs)) == Failure(
        "inputs_too_long", SMALL, limit=300_000, used=304_000
    )


def test_tokens_there_are_not_are_refused() -> None:
    assert failure(engine(), to_embed((100_256,))) == Failure("bad_input", SMALL)
    assert isinstance(answer(engine(), to_embed((100_255,))), Embeddings)


def test_lenient_validation_lets_it_all_pass() -> None:
    mine = engine(validation="lenient")
    made = embeddings(mine, to_embed((100_256,), (100,) * 9000))
    assert made.vectors[0] == vector("", SMALL, 1536)
    assert made.usage.prompt_tokens == 9001


def test_a_window_that_is_only_assumed_refuses_nothing() -> None:
    assert isinstance(answer(engine(), to_embed((100,) * 9000, model="bge-m3")), Embeddings)


# -- rules --------------------------------------------------------------------------------------


def test_a_scripted_vector_answers_every_input() -> None:
    made = embeddings(engine(rule({"embedding": [0.6, 0.8]})), to_embed("a", "b"))
    assert [unpack(each) for each in made.vectors] == [pytest.approx([0.6, 0.8])] * 2


def test_scripted_vectors_answer_inputs_in_their_order() -> None:
    made = embeddings(engine(rule({"embeddings": [[1, 0], [0, 1]]})), to_embed("a", "b"))
    assert [unpack(each) for each in made.vectors] == [[1, 0], [0, 1]]


def test_headers_and_pace_of_a_reply_are_kept() -> None:
    reply = {"embedding": "auto", "headers": {"x-of": "${user}"}, "pacing": {"ttft": "2s"}}
    made = embeddings(engine(rule(reply)), to_embed("a", "b"))
    assert made.headers == {"x-of": "a b"}
    assert made.pacing is not None
    assert made.pacing.ttft.low == 2


def test_conditions_look_at_the_joined_inputs() -> None:
    mine = engine(rule({"embedding": [1]}, user={"equals": "a\nb"}), otherwise="fail")
    assert isinstance(answer(mine, to_embed("a", "b")), Embeddings)
    assert isinstance(answer(mine, to_embed("a")), Failure)


def test_rules_without_api_are_for_chat() -> None:
    mine = engine("Hello!", otherwise="fail")
    missed = failure(mine, to_embed("x"))
    assert missed.kind == "no_match"
    assert "wanted a chat request, was embeddings" in (missed.message or "")


@pytest.mark.parametrize("otherwise", ["auto", "echo", "lorem", {"text": "Hello!"}])
def test_otherwise_is_a_made_up_vector(otherwise: Any) -> None:
    made = embeddings(engine(otherwise=otherwise), to_embed("x"))
    assert made.vectors == (vector("x", SMALL, 1536),)


def test_otherwise_fail_refuses_what_no_rule_answers() -> None:
    assert failure(engine(otherwise="fail"), to_embed("x")).kind == "no_match"


def test_otherwise_an_error_is_one_for_embeddings_too() -> None:
    assert failure(engine(otherwise={"error": "overloaded"}), to_embed("x")).kind == "overloaded"


def test_errors_are_scripted_as_for_chat() -> None:
    mine = engine({"when": EMBEDS, "replies": [{"error": "rate_limit"}, {"embedding": [1]}]})
    assert failure(mine, to_embed("x")).kind == "rate_limit"
    assert isinstance(answer(mine, to_embed("x")), Embeddings)


def test_other_inputs_are_another_request() -> None:
    mine = engine(
        {"when": EMBEDS, "per": "request", "replies": [{"error": 500}, {"embedding": [1]}]}
    )
    assert isinstance(answer(mine, to_embed("a")), Failure)
    assert isinstance(answer(mine, to_embed("b")), Failure)
    assert isinstance(answer(mine, to_embed("a")), Embeddings)


# -- replies that do not fit --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "request_", "wrong"),
    [
        (
            {"embeddings": [[1], [2]]},
            to_embed("a"),
            "rule 1: 1 input(s) to embed, but 2 vector(s) in 'embeddings'",
        ),
        (
            {"embedding": [1, 0]},
            to_embed("a", dimensions=3),
            "rule 1: dimensions is 3, but the scripted vector has 2 numbers",
        ),
        (
            {"embeddings": [[1, 0]]},
            to_embed("a", dimensions=3),
            "rule 1: dimensions is 3, but the scripted vector has 2 numbers",
        ),
    ],
)
def test_vectors_that_do_not_fit_the_request_are_a_clear_error(
    reply: Any, request_: Request, wrong: str
) -> None:
    made = failure(engine(rule(reply)), request_)
    assert (made.kind, made.message, made.should_retry) == (
        "server_error",
        f"mockdock: {wrong}",
        False,
    )
    assert isinstance(made.cause, UsageError)


def test_vectors_of_the_length_asked_for_fit() -> None:
    made = embeddings(engine(rule({"embedding": [1, 0]})), to_embed("a", dimensions=2))
    assert made.dimensions == 2


@pytest.mark.parametrize(
    ("spec", "request_", "wrong"),
    [
        ({"text": "Hello!"}, to_embed("x"), "answered by embedding, embeddings or an error"),
        ({"embedding": [1]}, ask("Hello"), "a chat request is not answered by embeddings"),
    ],
)
def test_a_function_may_not_mix_up_the_apis(spec: Any, request_: Request, wrong: str) -> None:
    mine = engine()
    decision = replace(mine.decide(request_), answer=ReplySpec.model_validate(spec))
    made = mine.compose(request_, decision, CREATED)
    assert isinstance(made, Failure)
    assert (made.message or "").startswith("mockdock: otherwise: ")
    assert wrong in (made.message or "")


# -- limits and trouble -------------------------------------------------------------------------


def test_limits_count_requests_and_tokens() -> None:
    mine = engine(limits=[{"rpm": 2, "tpm": 100}])
    request = to_embed((1,) * 40)
    decision = mine.decide(request)
    made = mine.compose(request, decision, CREATED)
    assert decision.admission is not None
    standings = decision.admission.standings(made, streamed=False)
    assert standings.requests is not None
    assert standings.tokens is not None
    assert (standings.requests.remaining, standings.tokens.remaining) == (1, 60)
    mine.settle(request, decision, made, said=0, age=0)
    assert isinstance(answer(mine, request), Embeddings)
    assert failure(mine, request).kind == "rate_limit"


def test_what_embeddings_cost_is_taken_from_a_budget() -> None:
    mine = engine(limits=[{"token_budget": 50}])
    request = to_embed((1,) * 60)
    decision = mine.decide(request)
    mine.settle(request, decision, mine.compose(request, decision, CREATED), said=0, age=0)
    assert failure(mine, request).kind == "quota"


def test_faults_of_what_is_said_leave_embeddings_alone() -> None:
    mine = engine(faults=["missing_usage", "truncate"])
    request = to_embed("x")
    decision = asyncio.run(mine.consult(request, mine.decide(request)))
    assert [fault.name for fault in decision.faults] == ["truncate"]
