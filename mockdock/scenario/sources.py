"""What a source names: a file, a folder, a scenario that ships with mockdock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from mockdock import resources
from mockdock.errors import Problem, ScenarioError
from mockdock.scenario.base import nearest
from mockdock.scenario.files import real, reason

__all__ = ["SUFFIXES", "Entry", "entries", "included"]

SUFFIXES = (".yaml", ".yml", ".json")


class Entry(Struct, frozen=True):
    """A scenario file: where it is, its name in messages, the folder it may not leave."""

    path: Path
    label: str
    root: Path


def entries(source: str | Path, *, search: bool) -> tuple[Entry, ...]:
    """Find the files of a source. Raises ScenarioError when there are none.

    A bare name is a shipped scenario first (with ``search``), else a folder.
    """
    path, label = Path(source), str(source)
    bare = isinstance(source, str) and path.name == source and not path.suffix
    if bare and search and (shipped := _shipped().get(label)):
        return (Entry(shipped, shipped.name, shipped.parent),)
    found = real(path)
    if found is not None and found.is_dir():
        return _folder(found, label)
    if found is None or not found.exists():
        raise ScenarioError([_missing(path, label, bare=bare and search)])
    if path.suffix.lower() not in SUFFIXES:
        raise ScenarioError([Problem("not a scenario", label, hint=f"one of: {_listed(SUFFIXES)}")])
    return (Entry(found, label, found.parent),)


def included(name: str, by: Entry) -> Entry:
    """Find a file that another one includes. Raises ScenarioError."""
    if Path(name).is_absolute():
        raise ScenarioError([Problem(f"{name!r} is absolute", hint="relative to this file")])
    target = by.path.parent / name
    found = real(target)
    if found is None or not found.is_relative_to(by.root):
        message = f"{name!r} is outside of the scenario's folder"
        raise ScenarioError([Problem(message, hint="include only what lies below it")])
    if not found.is_file():
        message = f"{name!r} is not a file" if found.exists() else f"no file {name!r}"
        hint = nearest(found.name, _scenarios(found.parent)) if found.parent.is_dir() else ""
        raise ScenarioError([Problem(message, hint=hint)])
    if found.suffix.lower() not in SUFFIXES:
        raise ScenarioError([Problem(f"{name!r} is not a scenario", hint=_listed(SUFFIXES))])
    return Entry(found, str(Path(by.label).parent / name), by.root)


def _shipped() -> dict[str, Path]:
    folder = resources.scenarios()
    return {Path(name).stem: (folder / name).resolve() for name in _scenarios(folder)}


def _scenarios(folder: Path) -> list[str]:
    try:
        names = [path.name for path in folder.iterdir() if path.suffix.lower() in SUFFIXES]
    except OSError:
        return []
    return sorted(names)


def _folder(folder: Path, label: str) -> tuple[Entry, ...]:
    try:
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise ScenarioError([Problem(f"cannot be read: {reason(error)}", label)]) from None
    names = [name for name in names if Path(name).suffix.lower() in SUFFIXES[:2]]
    if not names:
        raise ScenarioError([Problem("the folder has no .yaml file", label)])
    return tuple(_inside(folder, name, label) for name in names)


def _inside(folder: Path, name: str, label: str) -> Entry:
    found = real(folder / name)
    if found is None or not found.is_relative_to(folder):
        message = "the file is a link to the outside of its folder"
        raise ScenarioError([Problem(message, str(Path(label) / name))])
    return Entry(found, str(Path(label) / name), folder)


def _missing(path: Path, label: str, *, bare: bool) -> Problem:
    if bare:
        shipped = sorted(_shipped())
        hint = nearest(label, [*shipped, *_folders()])
        if not hint and shipped:
            hint = f"shipped: {_listed(shipped)}; or a path to a .yaml file"
        return Problem("no scenario of this name", label, hint=hint)
    hint = nearest(path.name, _scenarios(path.parent))
    return Problem("no such file or folder", label, hint=hint)


def _folders() -> list[str]:
    try:
        return [path.name for path in Path().iterdir() if path.is_dir()]
    except OSError:
        return []


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)
