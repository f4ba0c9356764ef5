"""Threads: the list, their messages, their cost."""

from __future__ import annotations

from uuid import UUID

import pytest

from mockdock.ledger import ContentPart, Ledger, Said, StoredMessage, Thread, ThreadCost
from mockdock.request import ToolCall
from tests.ledger.helpers import HOUR, NOON, exchange, talk


def test_the_list_begins_with_the_thread_created_last() -> None:
    with Ledger() as ledger:
        for hour, thread in enumerate("abcd"):
            talk(ledger, thread=thread, started_us=NOON + hour * HOUR)
        talk(ledger, thread="a", started_us=NOON + 9 * HOUR)
        talk(ledger, thread="x", project="q")
        page = ledger.threads("p", limit=2, offset=1)
        assert [thread.id for thread in page.threads] == ["c", "b"]
        assert (page.limit, page.offset, page.total) == (2, 1, 4)
        assert [thread.id for thread in ledger.threads("p", limit=9).threads] == list("dcba")
        assert ledger.threads("p", limit=2, offset=4).threads == ()
        assert ledger.threads("nobody", limit=2).total == 0


def test_of_threads_created_at_once_the_one_added_last_is_first() -> None:
    with Ledger() as ledger:
        for thread in "abc":
            talk(ledger, thread=thread)
        assert [thread.id for thread in ledger.threads("p", limit=9).threads] == list("cba")


def test_a_thread_tells_what_was_said_of_it_last() -> None:
    with Ledger() as ledger:
        talk(ledger, started_us=NOON, duration_ms=1500, title="One", user_id="u", user_name="Ann")
        talk(ledger, started_us=NOON + HOUR, duration_ms=2.5, model="o3", public=True)
        assert ledger.thread("p", "t") == Thread(
            id="t",
            project="p",
            title="One",
            user_id="u",
            user_name="Ann",
            model_name="o3",
            score=None,
            public=True,
            created_us=NOON,
            updated_us=NOON + HOUR + 2500,
        )
        talk(ledger, started_us=NOON - HOUR, title="Two", user_id="v", public=False)
        thread = ledger.thread("p", "t")
        assert thread is not None
        assert (thread.title, thread.user_id, thread.user_name) == ("Two", "v", "Ann")
        assert (thread.created_us, thread.updated_us) == (NOON - HOUR, NOON + HOUR + 2500)
        assert not thread.public
        assert thread.model_name == "gpt-4o"


def test_a_message_is_given_whole() -> None:
    call = ToolCall("call_1", "weather", '{"city": "Köln"}')
    with Ledger() as ledger:
        ledger.add(
            exchange(
                thread="t",
                duration_ms=250,
                user_id="u",
                messages=(Said("human", "", (ContentPart("ImageUrl", "https://x", "low"),)),),
                replies=(Said("ai", "ß", tool_calls=(call,)),),
            )
        )
        talk(ledger, Said("tool", "12 °C", tool_call_id="call_1"), model="o3")
        found = ledger.messages("p", "t")
        assert found is not None
        first, second, third = found
    assert first == StoredMessage(
        id=first.id,
        thread="t",
        type="human",
        content_type="Text",
        content="",
        content_array=(ContentPart("ImageUrl", "https://x", "low"),),
        tool_call_id=None,
        tool_calls=(),
        model_name="gpt-4o",
        user_id="u",
        created_us=NOON,
    )
    assert (second.type, second.content, second.tool_calls) == ("ai", "ß", (call,))
    assert second.created_us == NOON + 250_000
    assert (third.type, third.tool_call_id, third.model_name) == ("tool", "call_1", "o3")
    assert len({UUID(message.id) for message in found}) == 3


def test_the_cost_of_a_thread_is_that_of_its_exchanges() -> None:
    with Ledger() as ledger:
        talk(ledger, cost=0.25, input_tokens=10, output_tokens=4)
        talk(ledger, cost=0.5, input_tokens=30, output_tokens=3, error=True)
        talk(ledger, cost=9, input_tokens=99, output_tokens=9, thread="other")
        talk(ledger, cost=9, input_tokens=99, output_tokens=9, project="q")
        assert ledger.cost("p", "t") == ThreadCost(0.75, 7, 40)


def test_a_thread_that_is_not_there_has_nothing() -> None:
    with Ledger() as ledger:
        talk(ledger, project="q")
        assert ledger.thread("p", "t") is None
        assert ledger.messages("p", "t") is None
        assert ledger.cost("p", "t") is None


def test_an_exchange_without_a_thread_makes_none() -> None:
    with Ledger() as ledger:
        ledger.add(exchange(api="embeddings", messages=(Said("human", "a"),)))
        assert ledger.threads("p", limit=9).total == 0


def test_text_that_utf8_cannot_hold_is_kept_as_far_as_it_can() -> None:
    call = ToolCall("1", "f", "\ud800")
    with Ledger() as ledger:
        talk(ledger, Said("human", "a\ud800b", tool_calls=(call,)), title="\udfff")
        thread, found = ledger.thread("p", "t"), ledger.messages("p", "t")
    assert thread is not None
    assert thread.title == "?"
    assert found is not None
    assert found[0].content == "a?b"
    assert found[0].tool_calls[0].arguments == "?"


@pytest.mark.parametrize("text", ["", "\x00a", "'; DROP TABLE thread; --", "🙂\n\r\u2028"])
def test_any_text_comes_back_as_it_was(text: str) -> None:
    with Ledger() as ledger:
        talk(ledger, Said("human", text), thread=text, title=text, tags=((text, text),))
        thread, found = ledger.thread("p", text), ledger.messages("p", text)
    assert thread is not None
    assert thread.title == text
    assert found is not None
    assert found[0].content == text
