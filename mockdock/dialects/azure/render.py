"""Bodies and events: OpenAI's, with Azure's order of keys and what its filters say.

Recorded in March 2026: compact JSON in alphabetical order, an event of prompt filter
results before the stream, filter results with the choices, no service tier. A reply
that ends by ``content_filter`` was filtered for hate, and has no message where it says
nothing, as in the one recording there is, of 2024. Embeddings are passed on as OpenAI
writes them. A legacy completion is pasted of 2023, in this order of keys; that it has filter
results is documented, that a stream of it opens with them is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from msgspec.structs import replace

from mockdock.dialects.azure.failures import body
from mockdock.dialects.openai.render import frames as render
from mockdock.embedding import Embeddings
from mockdock.frames import Frame
from mockdock.gateways import USUAL, Gateways
from mockdock.reply import Completion, Failure, Reply
from mockdock.request import Request

__all__ = ["frames"]

_SORTED = orjson.OPT_SORT_KEYS
_PREFIX, _END = b"data: ", b"\n\n"
_SAFE = {"filtered": False, "severity": "safe"}
_UNDETECTED = {"detected": False, "filtered": False}
_SEVERITIES = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), _SAFE)
_CHOICE = {
    **_SEVERITIES,
    "protected_material_code": _UNDETECTED,
    "protected_material_text": _UNDETECTED,
}
_FILTERED = {**_CHOICE, "hate": {"filtered": True, "severity": "high"}}
_SAYING = ("content", "refusal", "tool_calls", "function_call", "audio")
"""What a message may say; one that says nothing is left out where it was filtered."""
_LOOKED_AT = orjson.dumps({**_SEVERITIES, "jailbreak": _UNDETECTED}, option=_SORTED)
_OPENING = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}


def frames(request: Request | None, reply: Reply, gateways: Gateways = USUAL) -> Iterator[Frame]:
    """Render a reply; only a completion asked as a stream has several frames."""
    if isinstance(reply, Failure):
        yield Frame(body(request, reply))
        return
    rendered = render(request, reply, gateways)
    if isinstance(reply, Embeddings):
        yield from rendered
        return
    if not isinstance(reply, Completion):
        for frame in rendered:
            yield replace(frame, data=_line(orjson.loads(frame.data)))
        return
    filtered = {"prompt_filter_results": _prompts(request)}
    if request is None or not request.stream:
        for frame in rendered:
            yield replace(frame, data=_line({**_completion(orjson.loads(frame.data)), **filtered}))
        return
    yield Frame(_event({**_OPENING, **filtered}))
    for frame in rendered:
        told = frame.data[len(_PREFIX) :]
        if told.startswith(b"{"):
            yield replace(frame, data=_event(_chunk(orjson.loads(told))))
        else:
            yield frame


def _line(value: Any) -> bytes:
    return orjson.dumps(value, option=_SORTED | orjson.OPT_APPEND_NEWLINE)


def _event(value: Any) -> bytes:
    return _PREFIX + orjson.dumps(value, option=_SORTED) + _END


def _prompts(request: Request | None) -> orjson.Fragment:
    """Tell what was found in each prompt; a chat is one."""
    completing = None if request is None else request.completing
    count = 1 if completing is None else len(completing.inputs)
    told = (
        b'{"prompt_index":%d,"content_filter_results":%b}' % (at, _LOOKED_AT) for at in range(count)
    )
    return orjson.Fragment(b"[%b]" % b",".join(told))


def _completion(told: dict[str, Any]) -> dict[str, Any]:
    for choice in told["choices"]:
        filtered = _filtered(choice)
        choice["content_filter_results"] = _FILTERED if filtered else _CHOICE
        choice.setdefault("logprobs", None)
        message = choice.get("message")
        if filtered and message and not any(message.get(name) for name in _SAYING):
            del choice["message"]
    told.pop("service_tier", None)
    return told


def _chunk(told: dict[str, Any]) -> dict[str, Any]:
    """Give a chunk its filter results: only text has been looked at."""
    for choice in told["choices"]:
        said = choice.get("delta", choice)
        spoken = said.get("content") or said.get("refusal") or said.get("text")
        looked = _CHOICE if spoken else {}
        choice["content_filter_results"] = _FILTERED if _filtered(choice) else looked
        choice.setdefault("logprobs", None)
    told.pop("service_tier", None)
    return told


def _filtered(choice: dict[str, Any]) -> bool:
    return bool(choice.get("finish_reason") == "content_filter")
