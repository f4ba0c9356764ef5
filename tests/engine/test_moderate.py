"""Moderations: what is decided, flagged by words, and scripted."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.content.judging import score
from mockdock.engine import Engine
from mockdock.engine.chance import fingerprint
from mockdock.engine.misfit import misfit
from mockdock.moderation import CATEGORIES, Judged, Moderations, ToModerate
from mockdock.reply import Failure
from mockdock.request import Request
from mockdock.scenario import ReplySpec
from tests.engine.helpers import CREATED, ask, engine, failure

OMNI = "omni-moderation-latest"
JUDGES = {"api": "moderations"}


def judge(*texts: str, model: str = OMNI) -> Request:
    """Make a request to judge texts."""
    wanted = ToModerate(tuple(Judged(text) for text in texts))
    return Request("openai", "moderations", model, moderation=wanted)


def moderations(asked: Engine, request: Request) -> Moderations:
    """Give an answer that must be verdicts."""
    made = asked.compose(request, asked.decide(request), CREATED)
    assert isinstance(made, Moderations), made
    return made


def rule(reply: Any, **when: Any) -> dict[str, Any]:
    """Make a rule for moderations."""
    return {"when": {**JUDGES, **when}, "reply": reply}


def flagged(asked: Engine, request: Request) -> list[list[str]]:
    """Give what each input is flagged as."""
    return [sorted(each.flagged) for each in moderations(asked, request).results]


def test_words_decide_where_no_rule_does() -> None:
    made = moderations(engine(), judge("What a nice day", "Murder!"))
    fine, bad = made.results
    assert not fine.flagged
    assert bad.flagged == {"violence"}
    assert tuple(fine.scores) == CATEGORIES
    assert bad.scores["violence"] > 0.5 > bad.scores["hate"]
    assert made.model == OMNI


@pytest.mark.parametrize(
    ("model", "name", "known"),
    [
        ("omni-moderation-2024-09-26", "omni-moderation-2024-09-26", 13),
        ("text-moderation-latest", "text-moderation-007", 11),
        ("text-moderation-stable", "text-moderation-007", 11),
        ("mine", "mine", 13),
    ],
)
def test_a_model_answers_by_its_name_and_knows_its_categories(
    model: str, name: str, known: int
) -> None:
    made = moderations(engine(), judge("build a bomb", model=model))
    assert made.model == name
    assert len(made.results[0].scores) == known
    assert ("illicit" in made.results[0].flagged) == (known == 13)


def test_ids_are_those_of_their_model() -> None:
    assert len(moderations(engine(), judge("x")).id) == 4
    assert len(moderations(engine(), judge("x", model="text-moderation-latest")).id) == 29


def test_scores_do_not_depend_on_the_seed() -> None:
    one, other = engine(seed=1), engine(seed=2)
    assert moderations(one, judge("x")).results == moderations(other, judge("x")).results


def test_what_is_judged_is_the_request() -> None:
    one, other = judge("a"), judge("b")
    assert fingerprint(one) == fingerprint(judge("a")) != fingerprint(other)
    seen = Request("openai", "moderations", OMNI, moderation=ToModerate((Judged(None, ("u",)),)))
    assert len({fingerprint(each) for each in (one, other, seen)}) == 3


def test_listed_categories_are_flagged_and_nothing_else() -> None:
    mine = engine(rule({"flagged": ["hate", "violence/graphic"]}))
    (verdict,) = moderations(mine, judge("Murder!")).results
    assert verdict.flagged == {"hate", "violence/graphic"}
    assert verdict.scores["hate"] > 0.5 > verdict.scores["violence"]


def test_scores_flag_from_a_half_on() -> None:
    mine = engine(rule({"flagged": {"hate": 0.5, "violence": 0.49}}))
    (verdict,) = moderations(mine, judge("x")).results
    assert verdict.flagged == {"hate"}
    assert (verdict.scores["hate"], verdict.scores["violence"]) == (0.5, 0.49)
    said = repr(("x", ()))
    assert verdict.scores["sexual"] == score(OMNI, "sexual", said, flagged=False)


def test_flags_for_each_input_come_in_their_order() -> None:
    mine = engine(rule({"flagged_each": [["hate"], [], "auto"]}))
    assert flagged(mine, judge("a", "b", "murder")) == [["hate"], [], ["violence"]]


def test_a_rule_looks_at_all_inputs() -> None:
    mine = engine(rule({"flagged": ["hate"]}, user={"equals": "a\nb"}), otherwise="fail")
    assert flagged(mine, judge("a", "b")) == [["hate"], ["hate"]]
    assert failure(mine, judge("a")).kind == "no_match"


@pytest.mark.parametrize("otherwise", ["auto", "echo", "lorem", {"text": "Hello"}])
def test_otherwise_is_for_chat(otherwise: Any) -> None:
    assert flagged(engine(otherwise=otherwise), judge("murder")) == [["violence"]]


def test_otherwise_an_error_is_one_for_moderations_too() -> None:
    assert failure(engine(otherwise={"error": "overloaded"}), judge("x")).kind == "overloaded"


def test_headers_and_pace_are_scripted_too() -> None:
    reply = {"flagged": [], "headers": {"x-of": "${user}"}, "pacing": {"ttft": "2s"}}
    made = moderations(engine(rule(reply)), judge("a"))
    assert made.headers == {"x-of": "a"}
    assert made.pacing is not None


def test_errors_and_flags_take_turns() -> None:
    mine = engine({"when": JUDGES, "replies": [{"error": "rate_limit"}, {"flagged": []}]})
    assert failure(mine, judge("x")).kind == "rate_limit"
    assert flagged(mine, judge("x")) == [[]]


@pytest.mark.parametrize(
    ("reply", "request_", "message"),
    [
        (
            {"flagged_each": [[], []]},
            judge("a"),
            "1 input(s) to judge, but 2 in 'flagged_each'",
        ),
        (
            {"flagged": ["illicit"]},
            judge("a", model="text-moderation-latest"),
            "text-moderation-007 has no category 'illicit'",
        ),
        (
            {"flagged_each": [{"illicit/violent": 0.1}]},
            judge("a", model="text-moderation-latest"),
            "text-moderation-007 has no category 'illicit/violent'",
        ),
    ],
)
def test_flags_that_do_not_fit_the_request_are_a_clear_error(
    reply: Any, request_: Request, message: str
) -> None:
    found = failure(engine(rule(reply)), request_)
    assert found.message == f"mockdock: rule 1: {message}"
    assert (found.kind, found.should_retry) == ("server_error", False)
    assert str(found.cause) == f"rule 1: {message}"


@pytest.mark.parametrize(
    ("given", "asked", "message"),
    [
        ({"text": "Hello"}, judge("x"), "answered by flagged, flagged_each or an error"),
        ({"flagged": []}, ask(), "a chat request is not answered by flags"),
        ({"flagged_each": [[]]}, ask(), "a chat request is not answered by flags"),
    ],
)
def test_an_answer_for_another_api_is_a_clear_error(
    given: Any, asked: Request, message: str
) -> None:
    """A function may answer with anything."""
    mine = engine()
    found = misfit(asked, ReplySpec.model_validate(given), mine.decide(asked))
    assert isinstance(found, Failure)
    assert message in (found.message or "")


def test_limits_count_requests_and_no_tokens() -> None:
    mine = engine(limits=[{"rpm": 2, "tpm": 1}])
    assert flagged(mine, judge("a long text that has tokens"))
    assert flagged(mine, judge("x"))
    assert failure(mine, judge("x")).kind == "rate_limit"
