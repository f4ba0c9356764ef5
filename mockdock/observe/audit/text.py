"""An audit in words, for a test that failed and for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mockdock.observe.audit.call import Call, Gap
from mockdock.observe.audit.line import Line
from mockdock.observe.audit.verdict import Audit
from mockdock.policy import Clock

__all__ = ["clock_words", "examples", "failure_text", "figure_words", "gap_words", "record_words"]

_MOST = 12


def failure_text(audit: Audit) -> str:
    """Say which lines of the policy were broken, where that shows, and what the run came to."""
    return "\n".join(_lines(audit))


def _lines(audit: Audit) -> Iterator[str]:
    failed, name = audit.failed, audit.policy.name
    if not failed:
        yield f"the client kept the policy {name}"
    else:
        yield f"the client broke {len(failed)} line{'s' * (len(failed) > 1)} of the policy {name}:"
    for each in failed:
        yield f"  {each.name}: {each.asked}; broken {each.failed} of {each.seen} times"
        yield from (f"    {words}" for words in examples(each))
    count = len(audit.calls)
    yield f"  {count} call{'s' * (count != 1)}: " + ", ".join(
        f"{label} {value}" for label, value in figure_words(audit)[1:]
    )


def examples(line: Line) -> Iterator[str]:
    """Give the worst breaches of a line, each with its call, and how many more there are."""
    for each in line.examples:
        yield f"call {each.call}, {each.text}"
    if (more := line.failed - len(line.examples)) > 0:
        yield f"and {more} more"


def gap_words(call: Call, clock: Clock) -> str:
    """Give the waits of a call as demanded / taken, both by one clock.

    "-" stands for what was not demanded, and for what that clock does not tell.
    """
    return _cut([" / ".join(_gap(gap, clock)) for gap in call.gaps], ", ") or "-"


def _gap(gap: Gap, clock: Clock) -> Iterator[str]:
    demanded = None if gap.demanded is None else gap.demanded.seconds
    taken: float | None = gap.taken
    # At time scale 0 the header tells real seconds, and the session's clock has jumped.
    if gap.before.promised is not None:
        if clock == "real":
            taken = None
        elif demanded is not None:
            demanded = gap.before.promised
    for seconds in (demanded, taken):
        yield "-" if seconds is None else f"{seconds:.2f} s"


def record_words(call: Call) -> str:
    """Name the records of a call's attempts."""
    return _cut([f"#{each.number}" for each in call.attempts], " ")


def clock_words(audit: Audit) -> str:
    """Say whose seconds all times are."""
    if audit.policy.clock == "real":
        return "seconds are real ones, as the client's own clock counts them"
    return "seconds are those of the scenario, whatever its time scale"


def _cut(words: Sequence[str], sign: str) -> str:
    """Join words, the first of them where there are many."""
    more = [] if len(words) <= _MOST else [f"and {len(words) - _MOST} more"]
    return sign.join([*words[:_MOST], *more])


def figure_words(audit: Audit) -> list[tuple[str, str]]:
    """Give the figures as pairs of a name and a value."""
    figures = audit.figures
    recovered = f"{figures.recovered} of {figures.failed_first}"
    money = "" if figures.wasted_money is None else f" (${figures.wasted_money:.4f})"
    words = [
        ("calls", f"{figures.calls}"),
        ("attempts", f"{figures.attempts}"),
        ("attempts per call", f"{figures.amplification:.2f}"),
        ("recovered", recovered if figures.failed_first else "none had to"),
        ("premature retries", f"{figures.premature}"),
        ("tokens wasted", f"{figures.wasted_tokens}{money}"),
    ]
    if figures.herd_index is not None:
        words.append(("herd index", f"{figures.herd_index:.2f}"))
    if figures.outages:
        words.append(("outages", f"{len(figures.outages)}"))
    if figures.time_to_recover is not None:
        words.append(("time to recover", f"{figures.time_to_recover:.2f} s"))
    if figures.dropped:
        words.append(("not in the journal", f"{figures.dropped} exchanges"))
    return words
