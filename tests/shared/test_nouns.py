"""What is written of nouns is read again as it was: equal, and of the very same kinds."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.errors import UsageError
from mockdock.frames import Delay, Pacing
from mockdock.ledger import PastPrices, PastThread, Said, Seeds
from mockdock.question import Account, CreateModel, NewModel, Price, SetPrices
from mockdock.reply import (
    Alternative,
    Call,
    Choice,
    Completion,
    Piece,
    Spoken,
    StoredCompletion,
    TokenLogprob,
    Usage,
)
from mockdock.request import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    Request,
    TextPart,
    ToolCall,
)
from mockdock.shared.nouns import read, write
from tests.effort import examples
from tests.ledger.helpers import NOON, ai, exchange, human

texts = st.text(st.characters(codec=None)) | st.just("\ud83d half")
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | texts
    | st.binary()
    | st.decimals(allow_nan=False)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(texts | st.integers(), inner, max_size=4)
        | st.frozensets(scalars, max_size=3)
    ),
    max_leaves=12,
)


def kinds(value: Any) -> Any:
    """Give a value with the kinds of all that is in it, in any order that makes no difference."""
    if isinstance(value, dict):
        return dict, [(kinds(key), kinds(each)) for key, each in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [kinds(each) for each in value]
    return type(value), value


@settings(max_examples=examples(200), deadline=None)
@given(value=values)
def test_any_value_comes_back_as_it_was(value: Any) -> None:
    assert kinds(read(write(value))) == kinds(value)


PARTS = (
    TextPart("\ud83d"),
    ImagePart("https://example.com/a.png", "low"),
    AudioPart("UklGRg==", "wav"),
    FilePart(filename="a.pdf", data="JVBERg=="),
)
LIKELY = TokenLogprob(b"\xf0\x9f", -0.1, (Alternative(b"\xff", -2.0),))
CHOICES = (
    Choice(0, (Piece("Hi", 1, (LIKELY,)),), None, (), "stop"),
    Choice(1, None, None, (Call("c", "f", (Piece("{}", 1),)),), "tool_calls"),
    Choice(2, None, None, (), "stop", Spoken("audio_1", bytes(range(256)), 5, (Piece("x", 1),))),
)
ASKED = Request(
    "langdb",
    "chat",
    "gpt-4o",
    (Message("user", PARTS), Message("assistant", (), None, (ToolCall("1", "f", "{}"),))),
    logit_bias={50256: -100},
    metadata={"k": "1"},
    recurs=object(),
    body={"messages": [{"role": "user", "content": [1.0, 1, None, True]}], "big": 2**70},
    account=Account("p", "t", tags=(("a", "b"),)),
)
MODEL = NewModel(
    *("mine", "", "e2e9129b-6661-4eeb-80a2-0c86964974c9", "p", "completions", "acme", 0),
    input_token_price=Decimal("0.00001"),
    output_token_price=0.25,
    capabilities=("tools",),
    parameters={"top_k": {"min": 0, "tags": ["a"]}},
)
PACED = Completion(
    "a", 1, "m", CHOICES, Usage(1, 2, 3), pacing=Pacing(Delay("lognormal", 0.3, math.inf, 0.4))
)


@pytest.mark.parametrize(
    "noun",
    [
        StoredCompletion(PACED, ASKED, "0" * 32, {"k": "2"}),
        CreateModel(MODEL),
        SetPrices({"gpt-4o": Price(1, 2.5), "x/y": Price(0.0, 1.0, NOON)}),
        Seeds(
            threads=(PastThread("p", "t", "gpt-4o", NOON, messages=(human("Hi"), ai("\ud83d"))),),
            models=((MODEL, NOON),),
            prices=(PastPrices("p", {"m": Price(1, 2)}, NOON),),
            entries=(exchange(thread="t", messages=(human("Hi"),), tags=(("a", "b"),)),),
        ),
        Said("ai", tool_calls=(ToolCall("1", "f", "{}", "custom"),)),
    ],
    ids=lambda noun: type(noun).__name__,
)
def test_nouns_come_back_as_they_were(noun: Any) -> None:
    found = read(write(noun))
    assert found == noun
    assert repr(found) == repr(noun)


def test_what_is_no_noun_is_not_written() -> None:
    class Price:
        """Not that one."""

    for value in (Price(), object(), {1, 2}):
        with pytest.raises(TypeError, match="is no noun"):
            write(value)


def test_what_is_nested_too_deep_is_refused() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(UsageError, match="levels deep cannot be kept"):
        write(deep)
