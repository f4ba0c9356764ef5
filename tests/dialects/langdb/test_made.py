"""Models that users make: there at once, beside those a scenario lists."""

from __future__ import annotations

import pytest

from tests.conformance.asgi import app_of
from tests.dialects.langdb.talk import ADMIN, Talk, model_body


@pytest.mark.parametrize("name", ["my-model", "openai/my-model"])
def test_a_model_can_be_called_once_it_is_made(name: str) -> None:
    talk = Talk(app_of({"reply": "Hi"}, models=["gpt-4o"]))
    refused = talk.chat(model=name)
    assert (refused.status, refused.json()) == (500, {"error": f"Model {name} not found"})
    assert talk.post("/admin/models", model_body(owner_name="openai"), ADMIN).status == 200
    assert talk.chat(model=name).json()["model"] == "openai/my-model"
    listed = [each["id"] for each in talk.told("/models")["data"]]
    assert listed == ["openai/gpt-4o", "openai/my-model"]
    # 8 tokens of prompt at 0.00001 dollars, 1 of the answer at 0.00003
    assert talk.chat(model=name).json()["usage"]["cost"] == pytest.approx(8e-5 + 3e-5)


def test_a_model_of_one_project_is_not_there_in_another() -> None:
    talk = Talk(app_of({"reply": "Hi"}, models=["gpt-4o"]))
    assert talk.post("/admin/models", model_body(), ADMIN).status == 200
    assert talk.chat(model="my-model").status == 200
    talk.project = "q"
    assert talk.chat(model="my-model").status == 500
    assert talk.post("/admin/models", model_body(public=True), ADMIN).status == 200
    assert talk.chat(model="my-model").status == 200


@pytest.mark.parametrize("error", ["rate_limit", "overloaded"])
def test_enterprises_are_refused_with_a_code(error: str) -> None:
    """Whatever refuses them, a scenario among it."""
    talk = Talk(app_of({"when": {"api": "account"}, "reply": {"error": error}}))
    answer = talk.post("/admin/models", model_body(), ADMIN)
    assert answer.json().keys() == {"code", "message"}
    assert answer.json()["code"] == answer.status
    assert talk.post("/threads", {"limit": 1, "offset": 0}).body != answer.body


@pytest.mark.parametrize("name", ["a/b", "o/p/a/b"])
def test_names_and_owners_may_have_slashes(name: str) -> None:
    talk = Talk(app_of({"reply": "Hi"}, models=["gpt-4o"]))
    body = model_body(model_name="a/b", owner_name="o/p", input_token_price=1)
    assert talk.post("/admin/models", body, ADMIN).status == 200
    assert "o/p/a/b" in [each["id"] for each in talk.told("/models")["data"]]
    answer = talk.chat(model=name)
    assert (answer.json()["model"], answer.headers["x-provider-name"]) == ("o/p/a/b", "o/p")
    assert answer.json()["usage"]["cost"] == pytest.approx(8 + 3e-5)
    (used,) = talk.told("/usage/total", {})["models"]
    assert (used["provider"], used["model_name"]) == ("o/p", "a/b")
    assert talk.chat(model="o/a/b").status == 500


def test_the_dearest_model_costs_what_can_be_kept() -> None:
    talk = Talk(app_of({"reply": "Hi"}))
    refused = talk.post("/admin/models", model_body(input_token_price=1000.1), ADMIN)
    assert refused.status == 400
    assert "Expected a value <= 1000" in refused.json()["message"]
    made = talk.post("/admin/models", model_body(input_token_price=1000), ADMIN)
    assert made.status == 200
    cost = talk.chat("Hi " * 100_000, model="my-model").json()["usage"]["cost"]
    assert cost > 1e8
    assert talk.told("/usage/total", {})["total"]["total_cost"] == pytest.approx(cost)


@pytest.mark.parametrize("name", ["", " ", "x" * 1001])
def test_prices_are_of_models_with_names(name: str) -> None:
    talk = Talk(app_of({"reply": "Hi"}))
    prices = {name: {"per_input_token": 1, "per_output_token": 2}}
    refused = talk.post("/projects/p/custom_prices", prices)
    message = f"Invalid model name: {name[:100]!r}. Expected 1 to 1000 characters."
    assert (refused.status, refused.json()) == (400, {"code": 400, "message": message})
    assert talk.post("/admin/models", model_body(model_name=name), ADMIN).status == 400
