"""Short plain texts, split before tiktoken has read its ranks: the same tokens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from mockdock.content import ranks as module
from mockdock.content.encodings import read
from mockdock.content.ranks import Ranks
from mockdock.content.tokens import Tokenizer, tokenizer

NAMES = ("o200k_base", "cl100k_base", "o200k_harmony")
TEXTS = (
    "",
    "Hello world",
    "0: hello, how will the weather be in Lisbon tomorrow, and what do I wear?",
    "It's 12345 o'clock, WE'LL see; I'D say HTTPServer2 is down!!!\r\n\r\n  \t x\n",
    '{"city": "Lisbon", "celsius": 21.5}\n',
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
    "<|endoftext|> a/b\\c__d \x1c\x1f\x00\x7f",
    "   \n   \n",
    "qzxv wrfbtzk " * 3,
)


@cache
def unread(name: str) -> Ranks:
    return read(name)


@pytest.fixture(autouse=True)
def tireless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test depend on how much those before it have looked for."""
    for name in NAMES:
        monkeypatch.setattr(unread(name), "_work", 10**12)


def theirs(name: str, text: str) -> list[bytes]:
    """Give the tokens that tiktoken makes."""
    whole: tiktoken.Encoding = tokenizer(name).load()
    return whole.decode_tokens_bytes(whole.encode_ordinary(text))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", TEXTS)
def test_a_short_plain_text_has_the_tokens_that_tiktoken_makes(name: str, text: str) -> None:
    assert unread(name).spell(text) == theirs(name, text)


@given(
    st.sampled_from(NAMES[:2]),
    st.text(st.characters(max_codepoint=127), max_size=40)
    | st.text("aAsStTlLvVdDmMrReE '1\n\r\t.,/_", max_size=40),
)
def test_so_has_any_text_in_ascii(name: str, text: str) -> None:
    assert unread(name).spell(text) == theirs(name, text)


@pytest.mark.parametrize("text", ["é", "a" * 513, "x" + "zq" * 30, "\x85"])
def test_what_is_long_or_no_ascii_is_left_to_tiktoken(text: str) -> None:
    """A long piece that is no token would take long to put together."""
    assert unread("o200k_base").spell(text) is None


def test_after_much_work_all_is_left_to_tiktoken_but_what_is_known() -> None:
    ranks = read("o200k_base")
    assert ranks.spell("hello") == [b"hello"]
    ranks._work = 1
    assert ranks.spell("hello qzxvwrfbtzk") is None
    assert ranks._work <= 0
    assert ranks.spell("xylophone") is None
    assert ranks.spell("hello") == [b"hello"]


def test_the_work_is_bounded() -> None:
    ranks = read("o200k_base")
    count = sum(ranks.spell(f"qz{number}xv wr{number}fb") is not None for number in range(2000))
    assert 0 < count < 2000
    assert ranks._work > -48 * len(ranks._data), "one more piece at the most"
    assert len(ranks._known) < 4000


def test_short_plain_texts_need_no_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Ranks) -> None:
        pytest.fail("nobody needs it")

    monkeypatch.setattr(Ranks, "encoding", fail)
    ranks = read("o200k_base")
    early = Tokenizer(ranks, ranks.vocabulary)
    assert early.vocabulary == 199_998
    assert early.count("Hello world") == 2
    assert [piece.text for piece in early.pieces("Hello world")] == ["Hello", " world"]
    assert early.spell("Hello world") == [b"Hello", b" world"]


@pytest.mark.parametrize("text", ["naïve", "word " * 200, "a" * 60])
def test_any_other_text_makes_the_encoding_once_and_for_all(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    whole = tokenizer("cl100k_base").load()

    def make(ranks: Ranks) -> tiktoken.Encoding:
        made.append(ranks.name)
        return whole

    monkeypatch.setattr(Ranks, "encoding", make)
    ranks = read("cl100k_base")
    late = Tokenizer(ranks, ranks.vocabulary)
    before = late.count("Hello world"), late.pieces("How are you?")
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(late.count, [text] * 32)) == {len(whole.encode_ordinary(text))}
    assert late.load() is whole
    assert made == ["cl100k_base"]
    monkeypatch.setattr(module.Ranks, "spell", lambda *_: pytest.fail("there is an encoding"))
    assert (late.count("Hello world"), late.pieces("How are you?")) == before
    assert late.count("Hello worlds") == 2
