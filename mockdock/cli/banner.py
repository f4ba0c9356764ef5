"""What ``mockdock serve`` says when it begins: where it is, and what it answers by."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from mockdock.cli.columns import columns
from mockdock.dialects import Dialect
from mockdock.environ import PROJECT
from mockdock.names import CONTROL_PATH
from mockdock.scenario import Rule, Scenario, lint

__all__ = ["banner", "exported"]

_RULES_SHOWN = 50
_RULES_LINTED = 300
_BOLD, _GREEN = "1", "32"


def banner(
    scenario: Scenario,
    url: str,
    dialects: Sequence[Dialect],
    *,
    only: bool = False,
    control: str = "",
    uds: Path | None = None,
    data: Path | None = None,
    workers: int = 1,
    store: str = "",
    terminal: bool = False,
) -> str:
    """Tell of a server at ``url`` and its scenario, in lines.

    ``only`` says that no other dialects are spoken, ``control`` who may use the control
    API, ``uds`` the Unix socket and ``data`` the file of its accounts, where it has such;
    ``workers`` how many processes serve, and ``store`` what they share. A ``terminal`` gets
    colours, unless NO_COLOR is in the environment.
    """
    plain = not terminal or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"

    def styled(text: str, style: str) -> str:
        return text if plain else f"\x1b[{style}m{text}\x1b[0m"

    def lines() -> Iterator[str]:
        base_url = f"{url}{dialects[0].base_path}"
        name = f" · {scenario.name}" if scenario.name else ""
        yield styled(f"mockdock{name} · {base_url}", _BOLD)
        if uds is not None:
            yield (
                f"on the Unix socket {uds}: tell your HTTP client, such as "
                f"curl --unix-socket {uds} {base_url}/models"
            )
        key = shlex.quote(scenario.usual_key)
        project = shlex.quote(scenario.usual_project or PROJECT)
        for dialect in dialects:
            if only or dialect is dialects[0] or dialect.name in scenario.spoken_of:
                yield styled(exported(dialect, url, key, project), _GREEN)
        if workers > 1 or store:
            kept = f"one truth with all who share the store at {store}" if store else "no store"
            yield f"{workers} worker{'s' * (workers > 1)}, {kept}"
        if data is not None:
            yield f"accounts are kept in {data}"
        yield f"control API: {url}{CONTROL_PATH}{control}"
        if scenario.rules:
            title, *rows = columns(_rules(scenario.rules), shutil.get_terminal_size().columns)
            yield styled(title, _BOLD)
            yield from rows
        yield f"otherwise: {_otherwise(scenario)}"
        yield from _doubts(scenario)

    return "".join(f"{line}\n" for line in lines())


def exported(dialect: Dialect, url: str, key: str, project: str = PROJECT) -> str:
    """Tell the clients of a dialect where the server at ``url`` is, in words of a shell."""
    there = {"url": url, "base_url": f"{url}{dialect.base_path}", "key": key, "project": project}
    return dialect.variables.format_map(there)


def _otherwise(scenario: Scenario) -> str:
    other = scenario.otherwise
    return "auto" if other is None else other if isinstance(other, str) else "a fixed answer"


def _rules(rules: Sequence[Rule]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("#", "rule", "when", "answers")]
    for number, rule in enumerate(rules[:_RULES_SHOWN], start=1):
        told = ", ".join(_conditions(rule)) or "always"
        rows.append((str(number), rule.name or rule.location, told, str(len(rule.answers))))
    if len(rules) > _RULES_SHOWN:
        rows.append(("", f"... and {len(rules) - _RULES_SHOWN} more", "", ""))
    return rows


def _conditions(rule: Rule) -> Iterator[str]:
    """Name the conditions of a rule."""
    return (name for name in type(rule.when).model_fields if getattr(rule.when, name) is not None)


def _doubts(scenario: Scenario) -> Iterator[str]:
    if len(scenario.rules) > _RULES_LINTED:
        yield f"more than {_RULES_LINTED} rules: mockdock check looks for doubts"
        return
    for finding in lint(scenario):
        where = f"{finding.location}: " if finding.location else ""
        yield f"{finding.severity}: {where}{finding.message}"
