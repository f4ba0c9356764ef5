"""A decision: who answers a request, and with what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from mockdock.content.catalogue import Model
from mockdock.content.counting import Prompt
from mockdock.content.prefix import Prefix
from mockdock.engine.admission import Admission
from mockdock.engine.compose import Context
from mockdock.engine.draft import Answer
from mockdock.engine.match import Compiled, Function, Verdict
from mockdock.engine.store import Scalar, Skip, Step
from mockdock.engine.trouble import Encounter, Encountered
from mockdock.fault import Fault
from mockdock.reply import Failure, StoredReply
from mockdock.request import Request
from mockdock.scenario import ErrorSpec, ReplySpec

__all__ = ["Asked", "Chosen", "Decision", "Explained", "scripted"]

Chosen = Answer | ErrorSpec | StoredReply | Failure | Function | None
"""What answers: None for the models API, and for a stored completion to be invented."""


class Asked(Struct, frozen=True):
    """A request, and all of a decision that does not depend on what happened before.

    ``fitting`` are the rules the step chooses among, ``encounter`` the trouble it may meet.
    """

    request: Request
    model: Model
    prompt: Prompt
    refusal: Failure | None
    fitting: Sequence[Compiled]
    encounter: Encounter | None
    step: Step


class Decision(Struct, frozen=True):
    """Who answers a request, and with what.

    ``skipped`` tells, by rule index, why a rule that fits did
    not answer. ``identity`` is that of the logical request, ``admission`` what
    limits made of it, ``encounter`` what else it meets. ``position`` is the place
    of the answer in its rule, and ``faults`` are what breaks of it, once that is
    settled. ``trouble`` names what else than the rule had a hand in it, as
    "limits[0]", "timeline[1].chaos" or "request". ``begins`` are the beginnings of the
    prompt that the session's cache is still to be asked for, ``state`` the session's named
    states before it, where an answer may depend on them.
    """

    context: Context
    answer: Chosen
    skipped: Mapping[int, Skip] = {}
    identity: str = ""
    admission: Admission | None = None
    encounter: Encountered | None = None
    position: int = 0
    trouble: str = ""
    begins: tuple[Prefix, ...] = ()
    state: Mapping[str, Scalar] = {}
    faults: tuple[Fault, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether a function is to be asked for the answer."""
        return callable(self.answer)

    @property
    def settled(self) -> bool:
        """Whether nobody is to be asked, and nothing can break of the answer."""
        answer = self.answer
        if self.begins or callable(answer):
            return False
        return self.encounter is None and not (isinstance(answer, ReplySpec) and answer.faults)

    @property
    def rule(self) -> str | None:
        """Name the rule that answers, None when none does."""
        compiled = self.context.compiled
        return None if compiled is None else compiled.label

    @property
    def rule_key(self) -> str | None:
        """Give the key that rule is counted by."""
        compiled = self.context.compiled
        return None if compiled is None else compiled.candidate.key


class Explained(Struct, frozen=True):
    """The rule that would answer, None when none does, and of each rule why it would not.

    What is ``refused`` never gets to the rules.
    """

    chosen: Compiled | None
    verdicts: tuple[Verdict, ...]
    refused: Failure | None = None


def scripted(compiled: Compiled, position: int | None) -> Chosen:
    """Give the answer at a position, None where the rule has run out and is to fail."""
    if position is not None:
        return compiled.answers[position]
    return Failure(
        "exhausted",
        message=f"mockdock: {compiled.label} has no reply left: it has "
        f"{compiled.candidate.length} and 'after_last: fail'.",
        should_retry=False,
    )
