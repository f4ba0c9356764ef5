"""Replies that are wrong on purpose, but well-formed: faults of what is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from msgspec import structs

from mockdock.fault import Fault, FaultName
from mockdock.reply import Call, Choice, Completion, Piece
from mockdock.request import Request

__all__ = ["spoil"]

_OTHERS = ("gpt-3.5-turbo-0125", "gpt-4-0613")
_MADE_UP = "made_up_tool"


def spoil(reply: Completion, request: Request, faults: Sequence[Fault]) -> Completion:
    """Make a completion wrong as the faults say; those of the wire change nothing here."""
    for fault in faults:
        wrong = _SPOILS.get(fault.name)
        if wrong is not None:
            reply = wrong(reply, request)
    return reply


def _each(reply: Completion, change: Callable[[Choice], Choice]) -> Completion:
    choices = tuple(change(choice) for choice in reply.choices)
    return replace(reply, choices=choices, shared=False)


def _without_content(reply: Completion, _: Request) -> Completion:
    """Finish as if something had been said; nothing was."""
    return _each(
        reply, lambda each: structs.replace(each, content=(), refusal=None, calls=(), spoken=None)
    )


def _without_choices(reply: Completion, _: Request) -> Completion:
    return replace(reply, choices=(), shared=False)


def _with_call(choice: Choice, change: Callable[[Call], Call]) -> Choice:
    """Change the last tool call that is told; in the old form only the first is."""
    calls = choice.calls
    if not calls:
        return choice
    if calls[0].kind == "legacy":
        calls = calls[:1]
    return structs.replace(choice, calls=(*calls[:-1], change(calls[-1])))


def _with_arguments(reply: Completion, change: Callable[[str], str]) -> Completion:
    def changed(call: Call) -> Call:
        return _argued(call, change(call.arguments))

    return _each(reply, lambda each: _with_call(each, changed))


def _argued(call: Call, arguments: str) -> Call:
    """Give a call other arguments, in as many chunks as they reach."""
    pieces: list[Piece] = []
    rest = arguments
    for piece in call.pieces:
        text, rest = rest[: len(piece.text)], rest[len(piece.text) :]
        if text:
            pieces.append(Piece(text, piece.tokens))
    if rest:
        pieces.append(Piece(rest, 1))
    return structs.replace(call, pieces=tuple(pieces))


def _cut_arguments(reply: Completion, _: Request) -> Completion:
    """End the arguments of the last tool call in the middle."""
    return _with_arguments(reply, lambda text: text[: len(text.rstrip()) // 2])


def _broken_call(reply: Completion, _: Request) -> Completion:
    """Write the arguments of the last tool call as JSON that is not valid."""
    return _with_arguments(reply, lambda text: f"{text[:-1]},")


def _hallucinated(reply: Completion, request: Request) -> Completion:
    """Call a tool that nobody offered; a legacy completion has no place for one."""
    if request.completing is not None:
        return reply
    offered = {tool.name for tool in request.tools}
    name = _MADE_UP
    while name in offered:
        name += "_"
    legacy = any(tool.kind == "legacy" for tool in request.tools)

    def change(choice: Choice) -> Choice:
        if choice.calls:
            return _with_call(choice, lambda call: structs.replace(call, name=name))
        return Choice(
            choice.index,
            content=None,
            refusal=None,
            calls=(
                Call(
                    f"call_{choice.index}{reply.id[:23]}",
                    name,
                    (Piece("{}", 1),),
                    "legacy" if legacy else "function",
                ),
            ),
            finish="function_call" if legacy else "tool_calls",
        )

    return _each(reply, change)


def _wrong_model(reply: Completion, _: Request) -> Completion:
    return replace(reply, model=next(name for name in _OTHERS if name != reply.model))


def _without_usage(reply: Completion, _: Request) -> Completion:
    return replace(reply, tells_usage=False)


_SPOILS: Mapping[FaultName, Callable[[Completion, Request], Completion]] = {
    "broken_tool_call": _broken_call,
    "cut_arguments": _cut_arguments,
    "empty_choices": _without_choices,
    "finish_without_content": _without_content,
    "hallucinated_tool": _hallucinated,
    "missing_usage": _without_usage,
    "wrong_model": _wrong_model,
}
