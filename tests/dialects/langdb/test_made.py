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
