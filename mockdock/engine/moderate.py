"""Moderations: what a scripted reply flags, else what the words of a text do."""

from __future__ import annotations

from collections.abc import Mapping

from mockdock.content.catalogue import Model
from mockdock.content.judging import flags, score
from mockdock.engine.compose import Context, filled, filler_of
from mockdock.engine.draft import Answer
from mockdock.moderation import CATEGORIES, Category, Judged, Moderations, ToModerate, Verdict
from mockdock.request import Request
from mockdock.scenario import ReplySpec
from mockdock.scenario.flags import Flags

__all__ = ["moderate", "unjudged"]

_OLDER = "text-moderation"
_SNAPSHOT = "text-moderation-007"
_UNKNOWN_TO_OLDER = frozenset({"illicit", "illicit/violent"})
_ENOUGH = 0.5
"""A scripted score from here on flags its category."""
_DIGITS = 9000


def moderate(request: Request, wanted: ToModerate, answer: Answer, context: Context) -> Moderations:
    """Compose the verdicts: those of a scripted reply, else made of the words."""
    reply = answer if isinstance(answer, ReplySpec) else None
    name, entropy = _named(context.model), context.entropy
    judged = zip(wanted.inputs, _scripted(wanted, reply), strict=True)
    purpose = f"id/{context.seen}"
    return Moderations(
        # As recorded in August 2026: four digits; the older models have letters too.
        id=entropy.token(purpose, 29)
        if name.startswith(_OLDER)
        else str(1000 + entropy.rng(purpose).randrange(_DIGITS)),
        model=name,
        results=tuple(_verdict(each, own, name) for each, own in judged),
        headers={} if reply is None else filled(reply.headers, filler_of(request, context)),
        pacing=context.pace.pacing,
    )


def _named(model: Model) -> str:
    """Give the name that answers: an alias of an older model tells its snapshot."""
    return _SNAPSHOT if model.traits.family.startswith(_OLDER) else model.snapshot


def _scripted(wanted: ToModerate, reply: ReplySpec | None) -> tuple[Flags, ...]:
    if reply is not None and reply.flagged_each is not None:
        return reply.flagged_each
    own: Flags = "auto" if reply is None or reply.flagged is None else reply.flagged
    return (own,) * len(wanted.inputs)


def _verdict(judged: Judged, own: Flags, model: str) -> Verdict:
    text = judged.text or ""
    known = _known(model)
    scores: Mapping[Category, float] = {}
    if own == "auto":
        flagged = flags(text)
    elif isinstance(own, tuple):
        flagged = frozenset(own)
    else:
        scores = own
        flagged = frozenset(each for each, found in own.items() if found >= _ENOUGH)
    said = repr((text, judged.images))
    return Verdict(
        flagged=flagged & frozenset(known),
        scores={
            each: scores[each]
            if each in scores
            else score(model, each, said, flagged=each in flagged)
            for each in known
        },
        text=judged.text is not None,
        image=bool(judged.images),
    )


def _known(model: str) -> tuple[Category, ...]:
    if not model.startswith(_OLDER):
        return CATEGORIES
    return tuple(each for each in CATEGORIES if each not in _UNKNOWN_TO_OLDER)


def unjudged(wanted: ToModerate, reply: ReplySpec, model: Model) -> str:
    """Say why a scripted reply cannot answer this request, nothing where it can."""
    each = reply.flagged_each
    given = [own for own in (reply.flagged, *(each or ())) if own is not None]
    if not given and each is None:
        return "a moderations request is answered by flagged, flagged_each or an error"
    if each is not None and len(each) != len(wanted.inputs):
        count = len(wanted.inputs)
        return f"{count} input(s) to judge, but {len(each)} in 'flagged_each'"
    name = _named(model)
    named = {category for own in given if own != "auto" for category in own}
    strange = sorted(named - set(_known(name)))
    return f"{name} has no category {strange[0]!r}" if strange else ""
