"""What is no chat, replayed: vectors, verdicts and what went on from prompts."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from mockdock.embedding import pack, unpack
from mockdock.observe import redact
from mockdock.observe.asking import Asking

__all__ = ["answer_of", "known_by", "spoken_of"]

Record = Mapping[str, Any]

_DIGITS = range(6, 10)


def known_by(record: Record, asked: Asking, secrets: Sequence[str]) -> dict[str, Any] | None:
    """Give the part of the body that a request is known by whose inputs are no texts.

    None where its texts tell it; empty where a secret stands in it.
    """
    if asked.api == "chat":
        return None
    name = "prompt" if asked.api == "completions" else "input"
    given = json.loads(record["request"]["body"]).get(name)
    if given is None or isinstance(given, str):
        return None
    if isinstance(given, list) and all(isinstance(each, str) for each in given):
        return None
    text = json.dumps(given, ensure_ascii=False)
    return {name: given} if redact.text(text, secrets) == text else {}


def answer_of(record: Record, asked: Asking) -> dict[str, Any] | None:
    """Give the answer to embeddings or moderations in the language.

    None where there was none, or not all of it was sent.
    """
    try:
        if asked.api == "embeddings":
            return _vectors(record)
        return _verdicts(record) if asked.api == "moderations" else None
    except (ValueError, TypeError, KeyError, AttributeError, struct.error):
        return None


def _vectors(record: Record) -> dict[str, Any] | None:
    """Give vectors; those that were made of the texts are made again."""
    told = record["reply"].get("embeddings")
    if told is None:
        return None
    if not told.get("scripted", True):
        return {"embedding": "auto"}
    found = [_numbers(each["embedding"]) for each in _body(record)["data"]]
    same = all(each == found[0] for each in found)
    return {"embedding": found[0]} if same and found else {"embeddings": found}


def _numbers(written: str | list[float]) -> list[float]:
    """Read a vector, each number as short as the same float32 can be written."""
    vector = base64.b64decode(written) if isinstance(written, str) else pack(written)
    return [_short(number) for number in unpack(vector)]


def _short(number: float) -> float:
    exact = pack([number])
    return next(
        (each for digits in _DIGITS if pack([each := float(f"{number:.{digits}g}")]) == exact),
        number,
    )


def _verdicts(record: Record) -> dict[str, Any] | None:
    """Give verdicts by their scores, which tell what is flagged as well."""
    if record["reply"].get("flagged") is None:
        return None
    found = [dict(each["category_scores"]) for each in _body(record)["results"]]
    return {"flagged": found[0]} if len(found) == 1 else {"flagged_each": found}


def _body(record: Record) -> Any:
    return json.loads("".join(record["reply"]["chunks"]))


def spoken_of(record: Record) -> list[dict[str, Any]] | None:
    """Give the choices that went on from a prompt, without the prompt where it was echoed.

    None where several prompts were gone on from differently: a reply is one for all of them.
    """
    body, choices = json.loads(record["request"]["body"]), record["reply"]["choices"]
    given = body.get("prompt")
    prompts = given if isinstance(given, list) else [given if isinstance(given, str) else ""]
    if prompts and isinstance(prompts[0], int):
        prompts = [prompts]
    each = len(choices) // max(len(prompts), 1)
    found = []
    for at, prompt in enumerate(prompts):
        mine = choices[at * each : (at + 1) * each]
        if body.get("echo") and not isinstance(prompt, str):
            return None
        echoed = prompt if body.get("echo") else ""
        found.append([{**c, "text": (c["text"] or "").removeprefix(echoed)} for c in mine])
    return found[0] if found and all(one == found[0] for one in found) else None
