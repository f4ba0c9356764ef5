"""What counting tokens costs, in this process: beside tiktoken, and the second time."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.bench.asked import prose
from tests.bench.bench import Bench
from tests.bench.rows import Row, at_most

__all__ = ["tokens"]

_LONG = 100_000
_SYSTEM = 20_000
_MESSAGE = 1000
_TURNS = 20
_ENCODING = "o200k_base"


def tokens(bench: Bench) -> Iterator[Row]:
    """Count texts of 100 KB, then the prompts of conversations that go on."""
    from mockdock.content.counting import count_prompt
    from mockdock.content.encodings import build
    from mockdock.content.tokens import tokenizer

    runs = bench.amounts.runs
    ours, theirs = tokenizer(_ENCODING), build(_ENCODING)[0]
    texts = [prose(_LONG, seed) for seed in range(runs + 1)]
    pairs = [(_took(ours.count, text), _took(theirs.encode_ordinary, text)) for text in texts][1:]
    yield _row("100 KB; tiktoken {:.3g}", pairs, 1.1)

    def counted(request: Any) -> int:
        return count_prompt(request, ours, "gpt-4o").tokens

    pairs = []
    for seed in range(1, runs + 1):
        first, second = (_conversation(seed * 1000, last) for last in ("hello", "and then?"))
        once = _took(counted, first)
        pairs.append((_took(counted, second), once))
    yield _row("conversation; once {:.3g}", pairs, 0.1)


def _row(what: str, pairs: Sequence[tuple[float, float]], most: float) -> Row:
    mine, other = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
    ratios = [ours / theirs for ours, theirs in pairs]
    return Row(
        "tokens",
        what.format(other),
        "ms",
        mine,
        ratio=statistics.median(ratios),
        target=at_most(most, "ratio"),
        ratios=ratios,
    )


def _took(work: Callable[[Any], Any], on: Any) -> float:
    began = time.thread_time()
    work(on)
    return time.thread_time() - began


def _conversation(seed: int, last: str) -> Any:
    """Make a request with a system prompt of 20 KB and 20 messages of 1 KB before the last."""
    from mockdock.dialects import Call
    from mockdock.dialects.openai import openai
    from mockdock.request import Request

    system = {"role": "system", "content": prose(_SYSTEM, seed)}
    history = [
        {"role": ("user", "assistant")[turn % 2], "content": prose(_MESSAGE, seed + turn + 1)}
        for turn in range(_TURNS)
    ]
    said = {"model": "gpt-4o", "messages": [system, *history, {"role": "user", "content": last}]}
    request = openai.parse(Call("chat", "POST", "", {}, {}, json.dumps(said).encode(), ""))
    assert isinstance(request, Request)
    return request
