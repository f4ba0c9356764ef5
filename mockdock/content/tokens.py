"""Tokens of a text, offline: counting, splitting and naming the encoding."""

from __future__ import annotations

import re
from array import array
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING

from msgspec import Struct

from mockdock.content.encodings import read
from mockdock.content.ranks import Ranks
from mockdock.memo import Memo
from mockdock.reply import Piece

if TYPE_CHECKING:
    import tiktoken

__all__ = ["BLOCK", "Tokenizer", "encoding_for", "plain_name", "tokenizer"]

_DEFAULT = "o200k_base"
_OF_EMBEDDINGS = "cl100k_base"
_BY_NAME = {
    "o1": "o200k_base",
    "o3": "o200k_base",
    "o4-mini": "o200k_base",
    "gpt-4.1": "o200k_base",
    "gpt-4o": "o200k_base",
    "gpt-4": "cl100k_base",
    "gpt-3.5": "cl100k_base",
    "gpt-3.5-turbo": "cl100k_base",
    "davinci-002": "cl100k_base",
    "babbage-002": "cl100k_base",
    "text-embedding-ada-002": "cl100k_base",
    "text-embedding-3-small": "cl100k_base",
    "text-embedding-3-large": "cl100k_base",
}
_BY_PREFIX = (
    ("o1-", "o200k_base"),
    ("o3-", "o200k_base"),
    ("o4-mini-", "o200k_base"),
    ("gpt-5", "o200k_base"),
    ("gpt-4.5-", "o200k_base"),
    ("gpt-4.1-", "o200k_base"),
    ("gpt-4o-", "o200k_base"),
    ("chatgpt-4o-", "o200k_base"),
    ("gpt-4-", "cl100k_base"),
    ("gpt-3.5-turbo-", "cl100k_base"),
    ("gpt-oss-", "o200k_harmony"),
)

_LONGEST_NAME = 200
_SHORT = 512
_SHORT_ENTRIES = 4096
_LONG_ENTRIES = 8192
_SPLIT = 16_384
_SPLIT_ENTRIES = 64  # of some 16,384 characters: 30 MB at the very most

BLOCK = 128
"""Prompts are cached in blocks of so many tokens."""
_DIGEST = 8
_ID_SIZE = 4
_NO_SPECIALS: frozenset[str] = frozenset()

_SEGMENT = 65_536
_NEAR = 256
"""Letters before the end of a segment where a place to end it is looked for first."""
# Both patterns always split between a letter or digit and one of these. The
# apostrophe is missing on purpose: o200k keeps "it's" together.
_SAFE_CUT = re.compile(r"[^\W_](?=[\s!-&(-/:-@\[-`{-~\u3001\u3002\uff01\uff0c\uff1f])")


class _Measured(Struct, frozen=True):
    """A long text's tokens, and a digest of the text up to each whole block of them."""

    count: int
    blocks: bytes


class Tokenizer:
    """Counts and splits texts in one encoding; safe to share between threads.

    Text that looks like a special token is ordinary text, as it is for the API.
    A lone surrogate, which no wire can carry, counts as U+FFFD.

    The splitting pattern overflows its stack on runs of some hundred thousand
    blanks, so texts above 65,536 characters are encoded in segments of at most
    that size. A segment ends between a word and the blank or punctuation after
    it, where tokens always end, so the result is exact; only a run of 65,536
    characters without any such place is cut anywhere, which may add a token.

    ``vocabulary`` is how many ordinary tokens there are; their ids count from 0. Made of
    ``Ranks``, it makes the encoding of them when it first needs that.
    """

    def __init__(self, encoding: tiktoken.Encoding | Ranks, vocabulary: int) -> None:
        self.name: str = encoding.name
        self._ranks = encoding if isinstance(encoding, Ranks) else None
        self._whole = None if isinstance(encoding, Ranks) else encoding
        self._loading = Lock()
        self.vocabulary = vocabulary
        self._short: Callable[[str], int] = lru_cache(_SHORT_ENTRIES)(self._length)
        self._long: Memo[_Measured] = Memo(_LONG_ENTRIES)
        self._known_pieces: Callable[[str], tuple[Piece, ...]] = lru_cache(_SPLIT_ENTRIES)(
            self._split
        )

    def load(self) -> tiktoken.Encoding:
        """Make the encoding now, unless it is made; it takes a few hundred milliseconds."""
        with self._loading:
            if self._ranks is not None:
                self._whole, self._ranks = self._ranks.encoding(), None
            assert self._whole is not None
            return self._whole

    @property
    def _encoding(self) -> tiktoken.Encoding:
        return self._whole or self.load()

    def count(self, text: str) -> int:
        """Count the tokens of a text.

        Counts are remembered: short texts by themselves, long ones by their
        digest, thousands of each: some 15 MB, more only for very long texts
        (6 KB for one of 100,000 tokens).
        """
        return self._short(text) if len(text) <= _SHORT else self._measured(text).count

    def blocks(self, text: str) -> Iterator[bytes]:
        """Give a digest of the text up to each whole block of 128 tokens.

        Texts that start alike have the same digests for as long as they do.
        Texts of up to 512 characters have none.
        """
        if len(text) > _SHORT:
            digests = self._measured(text).blocks
            for start in range(0, len(digests), _DIGEST):
                yield digests[start : start + _DIGEST]

    def pieces(self, text: str) -> tuple[Piece, ...]:
        """Split a text into pieces of one token each, which join to the text.

        Tokens that end inside a character are merged until the character is
        whole, so every piece is valid UTF-8 and says how many tokens it holds.
        """
        return self._known_pieces(text) if len(text) <= _SPLIT else self._split(text)

    def encode(self, text: str) -> list[int]:
        """Encode a text into token ids."""
        if len(text) <= _SEGMENT:
            return self._encoding.encode_ordinary(text)
        return [t for part in _segments(text) for t in self._encoding.encode_ordinary(part)]

    def spell(self, text: str) -> list[bytes]:
        """Give the bytes of each token of a text."""
        early = self._early(text)
        return self.spelled(self.encode(text)) if early is None else early

    def spelled(self, ids: Sequence[int]) -> list[bytes]:
        """Give the bytes of each token; ids are below ``vocabulary``."""
        return self._encoding.decode_tokens_bytes(ids)

    def join(self, spelled: Iterable[bytes]) -> tuple[Piece, ...]:
        """Make pieces of the bytes of tokens; bytes that end in no character become U+FFFD."""
        pieces: list[Piece] = []
        decoder = getincrementaldecoder("utf-8")("replace")
        held, tokens = "", 0
        for data in spelled:
            if not tokens and data.isascii():
                pieces.append(Piece(data.decode("ascii"), 1))
                continue
            held += decoder.decode(data)
            tokens += 1
            if not decoder.getstate()[0]:
                pieces.append(Piece(held, tokens))
                held, tokens = "", 0
        if tokens:
            pieces.append(Piece(held + decoder.decode(b"", final=True), tokens))
        return tuple(pieces)

    def _length(self, text: str) -> int:
        early = self._early(text)
        return len(self.encode(text) if early is None else early)

    def _early(self, text: str) -> list[bytes] | None:
        """Spell a short plain text as long as there is no encoding."""
        ranks = self._ranks
        return None if ranks is None else ranks.spell(text)

    def _measured(self, text: str) -> _Measured:
        return self._long.get(text.encode("utf-8", "surrogatepass"), lambda: self._measure(text))

    def _measure(self, text: str) -> _Measured:
        data, size = memoryview(self._packed(text)), BLOCK * _ID_SIZE
        digest, digests = b"", []
        for start in range(0, len(data) - size + 1, size):
            digest = blake2b(data[start : start + size], key=digest, digest_size=_DIGEST).digest()
            digests.append(digest)
        return _Measured(len(data) // _ID_SIZE, b"".join(digests))

    def _packed(self, text: str) -> bytes:
        """Encode a text into token ids of four bytes each, of which none becomes an object.

        As tiktoken does for its ``encode_to_numpy``, where it has that.
        """
        encode = getattr(self._encoding._core_bpe, "encode_to_tiktoken_buffer", None)  # noqa: SLF001
        parts = (text,) if len(text) <= _SEGMENT else _segments(text)
        if encode is not None:
            with suppress(UnicodeEncodeError):  # a lone surrogate
                return b"".join([bytes(encode(part, _NO_SPECIALS)) for part in parts])
        return array("I", self.encode(text)).tobytes()

    def _split(self, text: str) -> tuple[Piece, ...]:
        return self.join(self.spell(text))


def _segments(text: str) -> Iterator[str]:
    """Cut a very long text into segments, at safe places where there are any."""
    start = 0
    while len(text) - start > _SEGMENT:
        stop = start + _SEGMENT
        # The last word or two are enough to find a place in any ordinary text.
        for window in (stop - _NEAR, stop - _SEGMENT // 4, start + 1):
            places = [found.end() for found in _SAFE_CUT.finditer(text, window, stop)]
            if places:
                stop = places[-1]
                break
        yield text[start:stop]
        start = stop
    yield text[start:]


_loaded: dict[str, Tokenizer] = {}
_loading = Lock()


def tokenizer(encoding: str) -> Tokenizer:
    """Give the tokenizer of an encoding, the same one every time.

    The first call for an encoding reads its ranks, without the network. What it takes
    beyond short plain texts is loaded when it is needed, in a few hundred milliseconds.
    Raises MockdockError when there is no such encoding or its file is damaged.
    """
    known = _loaded.get(encoding)
    if known is None:
        with _loading:
            known = _loaded.get(encoding)
            if known is None:
                ranks = read(encoding)
                known = _loaded[encoding] = Tokenizer(ranks, ranks.vocabulary)
    return known


def plain_name(model: str) -> str:
    """Reduce a model name to OpenAI's own spelling of its base model.

    Drops a provider's prefix (``openai/gpt-4o``) and the frame of a fine-tuned
    model (``ft:gpt-4o-mini:org::id``), and writes Azure's gpt-35 as gpt-3.5.
    """
    name = model.rsplit("/", 1)[-1]
    if name.startswith("ft:"):
        name = name[3:].split(":", 1)[0]
    if name.startswith("gpt-35"):
        name = f"gpt-3.5{name[6:]}"
    return name


def encoding_for(model: str) -> str:
    """Name the encoding of a model, o200k_base where the model is not known.

    But that of one with "embed" in its name is cl100k_base, as for all embedding models.

    The rows are those of tiktoken's own model table, without the encodings that
    are not shipped: the completion models before gpt-3.5 count as unknown. A
    fine-tuned model has the encoding of its base model. Names of at most 200
    characters are remembered.
    """
    return _encoding(model) if len(model) <= _LONGEST_NAME else _encoding.__wrapped__(model)


@lru_cache(1024)
def _encoding(model: str) -> str:
    name = plain_name(model)
    exact = _BY_NAME.get(name)
    if exact is not None:
        return exact
    usual = _OF_EMBEDDINGS if "embed" in name else _DEFAULT
    return next((found for prefix, found in _BY_PREFIX if name.startswith(prefix)), usual)
