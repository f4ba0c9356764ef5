"""Encodings and counting, offline."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import tiktoken.model
import tiktoken_ext.openai_public  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from mockdock.content import encodings, tokens
from mockdock.content.encodings import ENCODINGS, build, read
from mockdock.content.ranks import BETWEEN, Ranks
from mockdock.content.tokens import Tokenizer, encoding_for, plain_name, tokenizer
from mockdock.errors import MockdockError
from mockdock.memo import Memo
from mockdock.reply import Piece

SHIPPED = ["o200k_base", "cl100k_base", "o200k_harmony"]
ROOT = Path(__file__).resolve().parents[2]
RANKS = encodings._RANKS


@pytest.fixture(params=["o200k_base", "cl100k_base"])
def tok(request: pytest.FixtureRequest) -> Tokenizer:
    return tokenizer(request.param)


@pytest.fixture
def other_ranks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder in place of the shipped ranks."""
    monkeypatch.setattr(encodings, "_RANKS", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", SHIPPED)
def test_recipe_is_the_one_tiktoken_has(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pattern, special tokens and checksum agree with tiktoken's own.

    The checksum is that of tiktoken's file: lines of a token in Base64 and its rank.
    """
    hashes: list[str] = []

    def load(url: str, expected_hash: str) -> dict[bytes, int]:
        hashes.append(expected_hash)
        return {}

    monkeypatch.setattr(tiktoken_ext.openai_public, "load_tiktoken_bpe", load)
    theirs = tiktoken_ext.openai_public.ENCODING_CONSTRUCTORS[name]()
    ours = ENCODINGS[name]
    assert ours.pattern == theirs["pat_str"]
    assert dict(ours.special) == theirs["special_tokens"]
    listed = (encodings._RANKS / f"{ours.ranks}.bin").read_bytes().split(BETWEEN)
    assert len(listed) == ours.tokens
    lines = (b"%b %d\n" % (b64encode(token), rank) for rank, token in enumerate(listed))
    assert [sha256(b"".join(lines)).hexdigest()] == hashes


@pytest.mark.parametrize("name", SHIPPED)
def test_known_tokens(name: str) -> None:
    """A text has the token ids OpenAI's tokenizer shows for it."""
    ids = {"o200k_base": [13225, 2375], "cl100k_base": [9906, 1917]}
    loaded = tokenizer(name)
    assert loaded.name == name
    assert loaded.encode("Hello world") == ids.get(name, ids["o200k_base"])
    assert loaded._encoding.decode_single_token_bytes(loaded.encode(" world")[0]) == b" world"


def test_harmony_knows_its_own_special_tokens() -> None:
    assert tokenizer("o200k_harmony")._encoding.decode_single_token_bytes(200012) == b"<|call|>"
    with pytest.raises(KeyError):
        tokenizer("o200k_base")._encoding.decode_single_token_bytes(200012)


def test_special_tokens_in_a_text_are_ordinary_text(tok: Tokenizer) -> None:
    assert tok.count("<|endoftext|>") > 1
    assert "".join(p.text for p in tok.pieces("a<|endofprompt|>b")) == "a<|endofprompt|>b"


def test_unknown_encoding_is_an_error_that_names_the_shipped_ones() -> None:
    with pytest.raises(MockdockError, match=r"'p50k_base'.*cl100k_base, o200k_base"):
        tokenizer("p50k_base")


@pytest.mark.parametrize("part", [-1, None], ids=["cut short", "other"])
def test_damaged_ranks_are_refused(other_ranks: Path, part: int | None) -> None:
    shipped = (RANKS / "o200k_base.bin").read_bytes()
    (other_ranks / "o200k_base.bin").write_bytes(shipped[:part] if part else b"?" + shipped[1:])
    with pytest.raises(MockdockError, match="damaged"):
        build("o200k_base")


@pytest.mark.usefixtures("other_ranks")
def test_absent_ranks_are_a_clear_error() -> None:
    with pytest.raises(MockdockError, match=r"cannot read .*o200k_base\.bin"):
        build("o200k_base")


def test_tokenizer_is_built_once_by_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    read_once = read("cl100k_base")

    def slow(name: str) -> Ranks:
        built.append(name)
        return read_once

    monkeypatch.setattr(tokens, "read", slow)
    monkeypatch.setattr(tokens, "_loaded", {})
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(tokenizer, ["cl100k_base"] * 32))
    assert built == ["cl100k_base"]
    assert len(set(map(id, found))) == 1


def test_tokenizer_found_while_waiting_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that waited for another one's load does not load again."""

    class LateDict(dict[str, Tokenizer]):
        asked = 0

        def get(self, key: str, _: object = None) -> object:  # type: ignore[override]
            self.asked += 1
            return None if self.asked == 1 else self[key]

    loaded = tokenizer("cl100k_base")
    monkeypatch.setattr(tokens, "_loaded", LateDict(cl100k_base=loaded))
    assert tokenizer("cl100k_base") is loaded


@given(st.text(max_size=3000))
def test_pieces_join_to_the_text(text: str) -> None:
    """Pieces lose nothing, and their tokens add up to the count."""
    for name in ("o200k_base", "cl100k_base"):
        loaded = tokenizer(name)
        pieces = loaded.pieces(text)
        assert "".join(piece.text for piece in pieces) == text
        assert sum(piece.tokens for piece in pieces) == loaded.count(text)
        assert all(piece.text and piece.tokens > 0 for piece in pieces)


def test_tokens_inside_a_character_are_merged() -> None:
    loaded = tokenizer("cl100k_base")
    assert loaded.pieces("a 🫠!") == (Piece("a", 1), Piece(" 🫠", 3), Piece("!", 1))


def test_lone_surrogate_counts_as_the_replacement_character(tok: Tokenizer) -> None:
    assert "".join(p.text for p in tok.pieces("a\ud800b")) == "a\ufffdb"
    assert tok.count("x" * 600 + "\ud800") == tok.count("x" * 600 + "\ufffd")


@given(st.lists(st.sampled_from(["word", " it's", "\n\n", ". ", "好。", "x1,", " ", "(a)"])))
def test_words_count_the_same_apart_and_together(parts: list[str]) -> None:
    """A count is additive where a blank follows a word."""
    loaded = tokenizer("o200k_base")
    text = "".join(parts) + "end"
    assert loaded.count(f"{text} and more") == loaded.count(text) + loaded.count(" and more")


def test_long_text_is_counted_exactly_in_segments(
    tok: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cutting ordinary text into segments changes no token."""
    text = 'It\'s 42 "words", e.g. l\'été\t(v1.2)\n\n  - 好\uff0c世界。 {"a":[1,2]} we\'ve ' * 400
    whole = tok.encode(text)
    monkeypatch.setattr(tokens, "_SEGMENT", 100)
    assert tok.encode(text) == whole


@given(st.text(alphabet="aB1é好_'\u2019.,/ \n\t-\u0301\u00a0\x1c", min_size=1, max_size=120))
def test_safe_cuts_change_no_token(text: str) -> None:
    """Every place that counts as safe is one where tokens end anyway."""
    for name in ("o200k_base", "cl100k_base"):
        loaded = tokenizer(name)
        for found in tokens._SAFE_CUT.finditer(text):
            head, tail = text[: found.end()], text[found.end() :]
            assert loaded.encode(head) + loaded.encode(tail) == loaded.encode(text)


@pytest.mark.parametrize("run", [" ", "\t", "\u00a0", "a", "A", "\n", "1", "好", " \n"])
def test_million_characters_of_one_kind_are_counted(tok: Tokenizer, run: str) -> None:
    """The splitting pattern's worst cases neither panic nor lose text."""
    text = run * (1_000_000 // len(run))
    counted = tok.encode(text)
    assert 0 < len(counted) <= len(text)
    assert b"".join(map(tok._encoding.decode_single_token_bytes, counted)).decode() == text


def test_place_for_a_cut_is_looked_for_in_the_whole_segment(tok: Tokenizer) -> None:
    """A cut far from the end of a segment beats one in the middle of a run."""
    text = "word" + " " * 60_000 + "word " + "x" * 40_000
    assert list(tokens._segments(text)) == [
        text[: text.rindex("word ") + 4],
        text[text.rindex("word ") + 4 :],
    ]
    assert tok.count(text) == len(tok._encoding.encode_ordinary(text))


@pytest.mark.parametrize("text", ["a long text, ü and 文. " * 300, "\ud800 " * 300, "ab " * 40_000])
def test_long_texts_count_the_same_where_tiktoken_gives_lists_alone(text: str) -> None:
    class Lists:
        """An encoding as it was before tiktoken could write ids into a buffer."""

        name, _core_bpe = "cl100k_base", None

        def __init__(self, encoding: Any) -> None:
            self.encode_ordinary = encoding.encode_ordinary

    encoding, vocabulary = build("cl100k_base")
    quick = Tokenizer(encoding, vocabulary)
    listed: Any = Lists(encoding)
    slow = Tokenizer(listed, vocabulary)
    assert quick.count(text) == slow.count(text) == len(quick.encode(text))
    assert list(quick.blocks(text)) == list(slow.blocks(text))


def test_counts_are_remembered_and_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repeated text is encoded once, however long; old ones are forgotten."""
    monkeypatch.setattr(tokens, "_LONG_ENTRIES", 4)
    loaded = Tokenizer(*build("cl100k_base"))
    encoded: list[str] = []

    packed = loaded._packed

    def spy(text: str) -> bytes:
        encoded.append(text)
        return packed(text)

    monkeypatch.setattr(loaded, "_packed", spy)
    history = "a long history. " * 1000
    assert len({loaded.count(history) for _ in range(3)}) == 1
    assert len(list(loaded.blocks(history))) == loaded.count(history) // 128
    assert encoded == [history]
    for number in range(10):
        loaded.count(f"{number} {history}")
    assert len(loaded._long) == 4


def test_pieces_of_short_texts_are_remembered(tok: Tokenizer) -> None:
    assert tok.pieces("the same answer") is tok.pieces("the same answer")
    assert tok.pieces("long " * 4000) is not tok.pieces("long " * 4000)


def test_memo_forgets_the_least_recently_used() -> None:
    memo: Memo[int] = Memo(2)
    made: list[bytes] = []

    def make(key: bytes) -> int:
        made.append(key)
        return len(made)

    for key in (b"a", b"b", b"a", b"c", b"a", b"b"):
        memo.get(key, lambda key=key: make(key))  # type: ignore[misc]
    assert made == [b"a", b"b", b"c", b"b"]
    assert len(memo) == 2


def _rows() -> list[tuple[str, str]]:
    theirs = [*tiktoken.model.MODEL_TO_ENCODING.items()]
    theirs += tiktoken.model.MODEL_PREFIX_TO_ENCODING.items()
    for prefix, encoding in tiktoken.model.MODEL_PREFIX_TO_ENCODING.items():
        theirs.append((f"{prefix}:org::id" if prefix.startswith("ft:") else f"{prefix}x", encoding))
    return [(model, encoding) for model, encoding in theirs if encoding in ENCODINGS]


@pytest.mark.parametrize(("model", "encoding"), _rows())
def test_model_table_is_the_one_tiktoken_has(model: str, encoding: str) -> None:
    assert encoding_for(model) == encoding


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("openai/gpt-4o", "o200k_base"),
        ("langdb/openai/gpt-4", "cl100k_base"),
        ("ft:gpt-4o-mini:org::id", "o200k_base"),
        ("openai/ft:gpt-3.5-turbo-0125:org:name:id", "cl100k_base"),
        ("ft:gpt-4.1-mini-2025-04-14:org::id", "o200k_base"),
        ("gpt-35-turbo", "cl100k_base"),
        ("gpt-35-turbo-16k", "cl100k_base"),
        ("gpt-oss-120b", "o200k_harmony"),
        ("gpt-4.1 nano", "o200k_base"),
        ("text-davinci-003", "o200k_base"),
        ("my-model", "o200k_base"),
        ("", "o200k_base"),
    ],
)
def test_other_spellings_resolve(model: str, encoding: str) -> None:
    assert encoding_for(model) == encoding


def test_plain_name_is_openais_spelling() -> None:
    assert plain_name("azure/gpt-35-turbo-0613") == "gpt-3.5-turbo-0613"
    assert plain_name("ft:gpt-4o-mini:org::id") == "gpt-4o-mini"


OFFLINE = """
import socket, sys

def forbidden(*args, **kwargs):
    raise AssertionError("the network was asked for")

socket.socket = socket.create_connection = socket.getaddrinfo = forbidden

from mockdock.content import counting, tokens
from mockdock.request import Message, Request, TextPart

assert "tiktoken" not in sys.modules
request = Request("openai", "chat", messages=(Message("user", (TextPart("hello"),)),))
for name in ("o200k_base", "cl100k_base", "o200k_harmony"):
    assert counting.count_prompt(request, tokens.tokenizer(name), "gpt-4o").tokens == 8
assert "requests" not in sys.modules
print("counted")
"""


def test_counting_needs_no_network_and_no_environment() -> None:
    """A process without sockets and environment loads every encoding and counts."""
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("counted\n", "")
