"""Generated prose: deterministic under the caller's seeded generator."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import orjson

from mockdock.content.prose import english, latin
from mockdock.request import Verbosity

__all__ = ["KINDS", "Kind", "closing", "generate"]

Kind = Literal["faker", "lorem", "echo"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# Average o200k tokens of one sentence: the first guess, corrected by counting.
_TOKENS_PER_SENTENCE = {"faker": 6.5, "lorem": 9.5}
_DEFAULT_TOKENS: Mapping[Verbosity, tuple[int, int]] = {
    "low": (8, 18),
    "medium": (24, 40),
    "high": (90, 140),
}
_ONE_PARAGRAPH = 40
_PARAGRAPH = (3, 6)
# Each round extends by the counted shortfall, so two are usual; the bound is
# for a counter that does not grow with the text.
_ROUNDS = 12
_SHORT = 120
_SHOWN = 3
_SPACE = re.compile(r"\s+")


def generate(
    kind: Kind,
    rng: random.Random,
    *,
    tokens: int | None,
    count: Callable[[str], int],
    echo: str,
    verbosity: Verbosity = "medium",
) -> str:
    """Make a text of whole sentences.

    ``tokens`` is how many it must hold at least by ``count``, so that the
    caller can cut at an exact border; None makes some 20 to 60 tokens, more or
    less by ``verbosity`` (for "echo": the text as it is). "echo" repeats
    ``echo``; an empty one stays empty, whatever was asked.
    """
    if tokens is not None and tokens <= 0:
        return ""
    if kind == "echo":
        return echo if tokens is None else _repeat(echo, tokens, count)
    target = rng.randint(*_DEFAULT_TOKENS[verbosity]) if tokens is None else tokens
    return _sentences(kind, rng, target, count)


def closing(rng: random.Random, results: Sequence[tuple[str, str]]) -> str:
    """Make the sentence that ends an agent loop from (tool name, result text) pairs."""
    if not results:
        return rng.choice(("Done.", "All done.", "That is finished."))
    parts = [_said(rng, name, text) for name, text in results[:_SHOWN]]
    if len(results) > _SHOWN:
        more = len(results) - _SHOWN
        parts.append(f"There {'is 1 more result' if more == 1 else f'are {more} more results'}.")
    return " ".join(parts)


def _sentences(kind: str, rng: random.Random, target: int, count: Callable[[str], int]) -> str:
    source = latin(rng) if kind == "lorem" else english(rng)
    per = _TOKENS_PER_SENTENCE[kind]
    pieces: list[str] = []
    left = rng.randint(*_PARAGRAPH)
    wanted = int(target / per)
    text = ""
    for _ in range(_ROUNDS):
        for _ in range(max(wanted, 1)):
            if left == 0 and target > _ONE_PARAGRAPH:
                pieces.append("\n\n")
                left = rng.randint(*_PARAGRAPH)
            elif pieces:
                pieces.append(" ")
            pieces.append(source.sentence())
            left = max(left - 1, 0)
        text = "".join(pieces)
        counted = count(text)
        if counted >= target:
            break
        made = (len(pieces) + 1) // 2
        # Nothing counted yet: double, and learn the rate from what comes.
        wanted = math.ceil((target - counted) * made / counted) if counted > 0 else made
    return text


def _repeat(text: str, tokens: int, count: Callable[[str], int]) -> str:
    once = count(text)
    if once >= tokens or not text.strip():
        return text
    times = 1
    grown = text
    for _ in range(_ROUNDS):
        times = max(times * tokens // max(count(grown), 1), times) + 1
        grown = "\n".join([text] * times)
        if count(grown) >= tokens:
            break
    return grown


def _said(rng: random.Random, name: str, text: str) -> str:
    source = name or "the tool"
    result = _readable(text)
    if not result:
        return f"The call of {source} gave no output."
    form = rng.choice(
        (
            "Here is what {source} returned: {result}",
            "According to {source}: {result}",
            "The answer from {source} is: {result}",
        )
    ).format(source=source, result=result)
    return form if form.endswith((".", "!", "?", "…")) else f"{form}."


def _readable(text: str) -> str:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = text
    plain = _SPACE.sub(" ", _plain(value)).strip()
    if len(plain) <= _SHORT:
        return plain
    return plain[:_SHORT].rsplit(" ", 1)[0].rstrip(",;:. ") + "…"


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and not any(isinstance(v, (dict, list)) for v in value.values()):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    return orjson.dumps(value).decode()
