"""LangDB's own client: threads, their cost, figures by tag and models, in data frames as well.

Of its 0.2.5; later releases cannot be imported, for want of a module of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pylangdb.client import LangDb

from mockdock.observe import Exchange
from tests.clients.conftest import Serve

HELLO = "Hello there!"
ASK = [{"role": "user", "content": "Hi"}]
SCENARIO = {"rules": [{"reply": HELLO}], "models": ["gpt-4o", "gpt-4o-mini"]}
COST = (8 * 2.5 + 3 * 10) / 1e6
"""Of 8 tokens and 3, by the catalogue's prices of gpt-4o."""


@pytest.fixture
def client(serve: Serve) -> Iterator[LangDb]:
    """Make a client of a project, at a server that ends with the test."""
    made = LangDb("test", "p", serve(SCENARIO).removesuffix("/v1"))
    yield made
    made.client.close()


def test_a_thread_is_read_with_its_cost(client: LangDb) -> None:
    told = client.completion("gpt-4o", ASK)
    assert told["content"] == HELLO
    messages = client.get_messages(told["thread_id"])
    assert [(each.type, each.content) for each in messages] == [("human", "Hi"), ("ai", HELLO)]
    assert {each.model_name for each in messages} == {"gpt-4o"}
    usage = client.get_usage(told["thread_id"])
    assert usage.total_cost == pytest.approx(COST)
    assert (usage.total_input_tokens, usage.total_output_tokens) == (8, 3)


def test_a_thread_goes_on_where_it_is_named(client: LangDb, exchanges: list[Exchange]) -> None:
    first = client.completion("gpt-4o", ASK, headers={"x-label": "greeting"})
    said = [*ASK, {"role": "assistant", "content": HELLO}, {"role": "user", "content": "Bye"}]
    client.completion("gpt-4o", said, thread_id=first["thread_id"], temperature=0)
    assert len(client.get_messages(first["thread_id"])) == 4
    frame = client.create_evaluation_df([first["thread_id"]])
    assert list(frame["type"]) == ["human", "ai", "human", "ai"]
    assert set(frame["thread_total_cost"]) == {client.get_usage(first["thread_id"]).total_cost}
    assert exchanges[0].headers["x-label"] == "greeting"


def test_figures_come_by_tag(client: LangDb) -> None:
    for tag in ("env=prod", "env=prod", "env=test", "other=1"):
        client.completion("gpt-4o", ASK, headers={"x-tags": tag})
    frame = client.get_analytics_dataframe("env")
    assert [*map(list, frame["tag_tuple"])] == [["prod"], ["test"]]
    assert list(frame["total_requests"]) == [2, 1]
    assert list(frame["total_cost"]) == pytest.approx([2 * COST, COST])
    assert client.get_analytics_dataframe("nothing").empty


def test_models_are_listed_with_their_providers(client: LangDb) -> None:
    assert client.list_models() == ["openai/gpt-4o", "openai/gpt-4o-mini"]
