"""An audit as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from mockdock.observe.audit.call import Call
from mockdock.observe.audit.line import Line
from mockdock.observe.audit.text import clock_words, examples, figure_words, gap_words, record_words
from mockdock.observe.audit.timeline import COLORS, timeline
from mockdock.observe.audit.verdict import Audit
from mockdock.policy import Clock

__all__ = ["page"]

_MOST = 200
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem;
  padding: 0 1rem; color: #1b1b1b; background: #fff }
table { border-collapse: collapse; width: 100%; margin: 0 0 1.5rem }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem;
  border-bottom: 1px solid #ddd }
.ok { color: #2e7d32 } .failed { color: #c62828; font-weight: 600 } .none { color: #616161 }
ul { margin: .2rem 0; padding-left: 1.1rem }
svg { width: 100%; height: auto } svg text { font: 10px system-ui, sans-serif; fill: #444 }
svg .name { text-anchor: end } svg .axis { text-anchor: middle }
.tick { stroke: #e4e4e4 } .demand { stroke: #999; stroke-dasharray: 3 2 }
.key span { display: inline-block; margin-right: 1rem }
.key i { display: inline-block; width: .8rem; height: .8rem; margin-right: .3rem }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(audit: Audit) -> str:
    """Write verdict, figures, a picture of the attempts of each call, and a table of calls.

    Of many calls the 200 that were tried most are shown, those that broke a line
    before others. There is no script, and nothing is loaded.
    """
    return "\n".join(_page(audit)) + "\n"


def _page(audit: Audit) -> Iterator[str]:
    name, shown = escape(audit.policy.name), _shown(audit)
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>mockdock audit: {name}</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    yield f"<h1>Audit: {name}</h1>\n<p>{escape(audit.policy.source)}</p>"
    verdict = ("ok", "The policy was kept.") if audit.ok else ("failed", "The policy was broken.")
    yield f'<p class="{verdict[0]}">{verdict[1]}</p>'
    yield "<h2>Lines</h2>\n<table>\n<tr><th>line</th><th>asked</th><th>verdict</th></tr>"
    yield from map(_line, audit.lines)
    yield "</table>\n<h2>Figures</h2>\n<table>"
    for label, value in figure_words(audit):
        yield f"<tr><th>{escape(label)}</th><td>{escape(value)}</td></tr>"
    yield f"</table>\n<p>{escape(clock_words(audit))}</p>\n<h2>Attempts per call</h2>"
    if len(shown) < len(audit.calls):
        yield f"<p>{len(shown)} of {len(audit.calls)} calls are shown.</p>"
    yield '<p class="key">' + "".join(
        f'<span><i style="background: {color}"></i>{kind}</span>' for kind, color in COLORS.items()
    )
    yield f"<span>- - - demanded wait</span></p>\n{timeline(shown)}"
    yield "<h2>Calls</h2>\n<table>\n<tr><th>call</th><th>session</th><th>model</th>"
    yield "<th>records</th><th>gaps demanded / taken</th><th>outcome</th><th>wasted</th></tr>"
    yield from (_call(call, audit.policy.clock) for call in shown)
    yield "</table>\n</body>\n</html>"


def _shown(audit: Audit) -> Sequence[Call]:
    """Choose the calls to show, in their order."""
    broken = {each.call for line in audit.lines for each in line.examples}
    first = sorted(
        audit.calls, key=lambda call: (call.number not in broken, -len(call.attempts), call.number)
    )
    return sorted(first[:_MOST], key=lambda call: call.number)


def _line(line: Line) -> str:
    style = "none" if line.verdict == "not seen" else line.verdict
    count = f" ({line.failed} of {line.seen})" if line.failed else ""
    told = "".join(f"<li>{escape(text)}</li>" for text in examples(line))
    return (
        f"<tr><td>{line.name}</td><td>{escape(line.asked)}</td>"
        f'<td><span class="{style}">{line.verdict}{count}</span>'
        f"{f'<ul>{told}</ul>' if told else ''}</td></tr>"
    )


def _call(call: Call, clock: Clock) -> str:
    first = call.attempts[0]
    cells = (
        str(call.number),
        first.session or "-",
        " ".join(dict.fromkeys(each.model for each in call.attempts)) or "-",
        record_words(call),
        gap_words(call, clock),
        call.outcome,
        f"{call.wasted_tokens} tokens" if call.wasted_tokens else "-",
    )
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
