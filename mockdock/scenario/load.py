"""Scenarios from files, folders, names and mappings, as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec import Struct
from pydantic import ValidationError

from mockdock import resources
from mockdock.errors import Problem, ScenarioError
from mockdock.later import later
from mockdock.scenario.base import Path as Place
from mockdock.scenario.base import shown
from mockdock.scenario.canned import Cans
from mockdock.scenario.documents import Document, Mark, written
from mockdock.scenario.files import content
from mockdock.scenario.models import Rule, Scenario
from mockdock.scenario.problems import problems
from mockdock.scenario.sources import Entry, entries, included

__all__ = ["Loaded", "Text", "load"]

_read: Callable[..., Document] = later("scenario.reading:read")
"""YAML is for those who have a file."""

LARGEST = 20_000_000


class Loaded(Struct, frozen=True):
    """A scenario, and every file it was read from (included and canned ones too)."""

    scenario: Scenario
    files: tuple[Path, ...]


class Text(Struct, frozen=True):
    """A scenario as YAML, and what its file is called in messages."""

    yaml: str
    file: str


def load(
    *sources: str | Path | Mapping[str, Any] | Text, search: bool = True, files: bool = True
) -> Loaded:
    """Load sources and merge them: what comes first wins.

    A source is a mapping, a text, a path to a .yaml, .yml or .json file, a folder of
    .yaml files, or the bare name of a shipped scenario (unless ``search`` is
    off) or folder. Rules are tried in the order of the sources, a file's own
    before those it includes. With ``files`` off a mapping or a text reads no
    files but the canned ones that are shipped. Raises ScenarioError with every problem
    found.
    """
    loader = _Loader()
    for source in sources:
        try:
            if isinstance(source, Mapping):
                loader.take_data(Document(dict(source), Mark(0, 0)), "", files=files)
                continue
            if isinstance(source, Text):
                loader.take_data(_read(source.yaml, source.file), source.file, files=files)
                continue
            loader.take_all(entries(source, search=search))
        except ScenarioError as error:
            loader.problems += error.problems
    if loader.problems:
        raise ScenarioError(loader.problems)
    return Loaded(_merged(loader.scenarios), tuple(dict.fromkeys(loader.files)))


class _Loader:
    """Reads files with all they include; each file once."""

    def __init__(self) -> None:
        self.scenarios: list[Scenario] = []
        self.files: list[Path] = []
        self.problems: list[Problem] = []
        self._seen: set[Path] = set()
        self._open: list[Entry] = []

    def take_data(self, document: Document, label: str, *, files: bool) -> None:
        """Take a scenario that is no file; its files are relative to the working directory."""
        here = Path.cwd().resolve() if files else resources.fixtures()
        entry = Entry(here / "scenario", label, here)
        if not files and isinstance(document.data, dict) and document.data.get("include"):
            hint = "put the rules into the scenario itself"
            problem = Problem("nothing can be included here", hint=hint)
            self.problems.append(_placed(problem, document, entry, ("include",)))
            return
        self._validate(document, entry)

    def take_all(self, found: Sequence[Entry]) -> None:
        """Take files, and note what is wrong with each."""
        for entry in found:
            try:
                self.take(entry)
            except ScenarioError as error:
                self.problems += error.problems

    def take(self, entry: Entry) -> None:
        """Take a file and what it includes. Raises ScenarioError when it cannot be read."""
        if entry.path in self._seen:
            return
        self._seen.add(entry.path)
        self.files.append(entry.path)
        self._open.append(entry)
        try:
            self._validate(_document(entry), entry)
        finally:
            self._open.pop()

    def _validate(self, document: Document, entry: Entry) -> None:
        scenario, found = _scenario(document, entry)
        self.problems += found
        if scenario is None:
            return
        cans = Cans(entry.path.parent)
        self.scenarios.append(cans.open(scenario))
        self.files += cans.files
        self.problems += [_placed(problem, document, entry, at) for at, problem in cans.problems]
        for index, name in enumerate(scenario.include):
            self._include(name, entry, document, ("include", index))

    def _include(self, name: str, by: Entry, document: Document, at: Place) -> None:
        try:
            entry = included(name, by)
            self._check_circle(entry)
            self.take(entry)
        except ScenarioError as error:
            self.problems += [
                problem if problem.file else _placed(problem, document, by, at)
                for problem in error.problems
            ]

    def _check_circle(self, entry: Entry) -> None:
        opened = [one.path for one in self._open]
        if entry.path in opened:
            circle = [one.label for one in self._open[opened.index(entry.path) :]]
            message = f"a circle of includes: {' -> '.join([*circle, circle[0]])}"
            raise ScenarioError([Problem(message)])


def _document(entry: Entry) -> Document:
    try:
        raw = content(entry.path, LARGEST, entry.path.name)
    except ScenarioError as error:
        raise ScenarioError([one._replace(file=entry.label) for one in error.problems]) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        message = f"not UTF-8 text: the byte 0x{raw[error.start]:02x} is wrong"
        raise ScenarioError([Problem(message, entry.label, line, column)]) from None
    return _read(text, entry.label, json=entry.path.suffix.lower() == ".json")


def _scenario(document: Document, entry: Entry) -> tuple[Scenario | None, list[Problem]]:
    found = list(document.problems)
    if not isinstance(document.data, dict):
        message = f"a scenario is a mapping, not {shown(document.data)}"
        hint = "begin with mockdock: 1"
        found.append(
            Problem(message, entry.label, document.mark.line, document.mark.column, "", hint)
        )
        return None, found
    try:
        scenario = Scenario.model_validate(document.data, by_alias=True, by_name=False)
    except ValidationError as error:
        known = {(problem.line, problem.column) for problem in found if problem.line}
        found += [
            problem
            for problem in problems(error, document, entry.label)
            if (problem.line, problem.column) not in known
        ]
    if found:
        return None, sorted(found, key=lambda problem: (problem.line, problem.column))
    if not entry.label:
        return scenario, []
    rules = tuple(_located(scenario.rules, document, entry.label))
    return scenario.model_copy(update={"rules": rules}) if rules else scenario, []


def _located(rules: Sequence[Rule], document: Document, label: str) -> Iterator[Rule]:
    for index, rule in enumerate(rules):
        line, _ = document.spot(("rules", index))
        yield rule.located(f"{label}:{line}")


def _placed(problem: Problem, document: Document, entry: Entry, at: Place) -> Problem:
    line, column = document.spot(at)
    return problem._replace(file=entry.label, line=line, column=column, path=written(at))


def _merged(scenarios: Sequence[Scenario]) -> Scenario:
    if not scenarios:
        return Scenario.model_construct(mockdock=1)  # there is nothing to check
    first, *rest = scenarios
    settings: dict[str, Any] = {}
    for other in rest:
        for name in other.model_fields_set - first.model_fields_set - settings.keys():
            settings[name] = getattr(other, name)
    if rest:
        settings["rules"] = tuple(chain.from_iterable(one.rules for one in scenarios))
    if first.include:
        settings["include"] = ()
    return first.model_copy(update=settings) if settings else first
