"""Settings of docks under pytest: ini file, command line, project fixture, marker.

Plain dictionaries, merged key by key: what a marker says wins over the command
line, that over the project's ``mockdock_settings``, that over the ini file.
Whether a value makes sense is checked where it was given, so that a message
can name the place.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import pytest

__all__ = [
    "OF_SERVER",
    "OF_TEST",
    "checked",
    "declare",
    "from_call",
    "from_command_line",
    "from_ini",
    "from_markers",
    "located",
    "make_folder",
]

_KINDS = ("auto", "fail", "echo", "lorem")
_INI = {
    "scenario": "scenarios of every test: names and paths, one a line, from the root folder",
    "strict": "whether a test fails for misses and unused rules (default: true)",
    "seed": "seed of every random choice",
    "otherwise": "the answer where no rule matches: auto, fail (default), echo or lorem",
    "time_scale": 'real seconds for one scenario second (default: 0), or "manual"',
    "url": "a mockdock server that runs already",
    "token": "its control token",
    "journal": "folder for the exchanges of failed tests, from the root folder",
}


def declare(parser: pytest.Parser) -> None:
    """Declare options and ini settings."""
    group = parser.getgroup("mockdock", "mockdock: a mock server for LLM APIs")
    group.addoption(
        "--mockdock-url",
        metavar="URL",
        help="use the mockdock server that runs at this URL, instead of one in this process",
    )
    group.addoption(
        "--mockdock-token", metavar="TOKEN", help="the control token of the server at that URL"
    )
    group.addoption(
        "--mockdock-journal",
        metavar="DIR",
        help="keep the exchanges of each failed test in this folder, as a scenario that replays",
    )
    group.addoption(
        "--mockdock-seed", metavar="N", type=int, help="seed of every random choice of mockdock"
    )
    types: dict[str, Any] = {"scenario": "linelist", "strict": "bool"}
    for name, help_text in _INI.items():
        parser.addini(f"mockdock_{name}", help_text, type=types.get(name, "string"), default=None)


def from_command_line(config: pytest.Config) -> dict[str, Any]:
    """Give what the command line says; its paths are relative to the working directory."""
    names = ("url", "token", "seed", "journal")
    given = {name: config.getoption(f"mockdock_{name}", default=None) for name in names}
    given = {name: value for name, value in given.items() if value is not None}
    if "journal" in given:
        given["journal"] = config.invocation_params.dir / given["journal"]
    return checked(given, "the command line", (*OF_TEST, *OF_SERVER, "journal"))


def from_ini(config: pytest.Config) -> dict[str, Any]:
    """Give what the ini file says. Raises UsageError."""
    given = {}
    for name in _INI:
        try:
            value = config.getini(f"mockdock_{name}")
        except (ValueError, pytest.UsageError) as error:  # the former before pytest 9.2
            raise pytest.UsageError(f"mockdock_{name} of the ini file: {error}") from None
        if value not in (None, "", []):
            given[name] = _READ.get(name, _as_it_is)(value)
    where = "the ini file"
    if "scenario" in given:
        given["scenario"] = located(given["scenario"], [config.rootpath], where)
    if "journal" in given:
        given["journal"] = config.rootpath / given["journal"]
    return checked(given, where, (*OF_TEST, *OF_SERVER, "journal"))


def from_markers(item: pytest.Item) -> dict[str, Any]:
    """Merge the markers of a test: for each setting the nearest that gives it. Raises UsageError.

    Paths of scenarios are relative to the test's folder, else to the root folder.
    """
    merged: dict[str, Any] = {}
    folders = [item.path.parent, item.config.rootpath]
    for mark in item.iter_markers("mockdock"):
        merged = {**from_call(mark.kwargs, mark.args, "the marker", folders), **merged}
    return merged


def from_call(
    given: Mapping[str, Any], scenarios: Sequence[Any], where: str, folders: Sequence[Path]
) -> dict[str, Any]:
    """Read settings given as arguments; scenarios come by position too. Raises UsageError."""
    if scenarios:
        if "scenario" in given:
            raise pytest.UsageError(f"{where}: scenario is given twice")
        given = {**given, "scenario": list(scenarios)}
    settings = checked(given, where, OF_TEST)
    if "scenario" in settings:
        settings["scenario"] = located(settings["scenario"], folders, where)
    return settings


def make_folder(folder: Path) -> None:
    """Make the folder of the journal, and try whether it takes files. Raises UsageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise pytest.UsageError(
            f"mockdock keeps exchanges of failed tests in {folder}, and cannot write there: "
            f"{error.strerror}"
        ) from None


def checked(given: Mapping[str, Any], where: str, known: Iterable[str]) -> dict[str, Any]:
    """Check names and values of settings; ``where`` begins the message. Raises UsageError."""
    names = tuple(known)
    for name, value in given.items():
        if name not in names:
            raise pytest.UsageError(f"{where}: {_unknown(name, names)}")
        test, wanted = _CHECKS[name]
        if not test(value):
            raise pytest.UsageError(f"{where}: {name} is {wanted}, not {value!r}")
    return dict(given)


def located(given: Any, folders: Sequence[Path], where: str) -> list[Any]:
    """Give scenarios as a list, with paths found in the first folder that has them.

    A bare name that no folder has is left as it is: it is that of a shipped one.
    Raises UsageError for a path that is nowhere.
    """
    return [_found(each, folders, where) for each in _listed(given)]


def _found(source: Any, folders: Sequence[Path], where: str) -> Any:
    if not isinstance(source, str | PathLike):
        return source
    path = Path(source)
    bare = isinstance(source, str) and path.name == source and not path.suffix
    if bare and _shipped(path.name):
        return source
    for folder in folders:
        if (folder / path).exists():
            return folder / path
    if bare:
        return source
    tried = " nor ".join(dict.fromkeys(str(folder / path) for folder in folders))
    raise pytest.UsageError(f"{where}: there is no scenario {tried}")


def _shipped(name: str) -> bool:
    from mockdock.resources import scenarios  # noqa: PLC0415 - a run without scenarios needs none

    return any((scenarios() / f"{name}{suffix}").exists() for suffix in (".yaml", ".yml", ".json"))


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else [given]


def _unknown(name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - for a message only

    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
    return f"there is no setting {name!r}; {hint}"


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_scenario(value: Any) -> bool:
    # One that was loaded is known by its name: its class is heavy to import.
    return all(
        isinstance(each, str | PathLike | Mapping) or type(each).__name__ == "Scenario"
        for each in _listed(value)
    )


def _is_scale(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value) and value >= 0
    return value == "manual" or (_number(value) and value >= 0)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


_Check = tuple[Callable[[Any], bool], str]
_URL: _Check = (_is_url, "an address such as http://127.0.0.1:8080")

OF_TEST: Mapping[str, _Check] = {
    "scenario": (
        _is_scenario,
        "a name, a path, a mapping, a Scenario, or a list of those",
    ),
    "strict": (lambda value: isinstance(value, bool), "True or False"),
    "seed": (_number, "a whole number"),
    "time_scale": (_is_scale, 'a number from 0 on, or "manual"'),
    "otherwise": (lambda value: value in _KINDS, "one of auto, fail, echo, lorem"),
}
"""Settings of one dock, and what is right for each."""

OF_SERVER: Mapping[str, _Check] = {
    "host": (_is_text, "a name or address to listen on"),
    "port": (lambda value: _number(value) and value >= 0, "a port, or 0 for any free one"),
    "max_body": (lambda value: _number(value) and value > 0, "a number of bytes"),
    "journal_size": (lambda value: _number(value) and value > 0, "a number of exchanges"),
    "journal_bytes": (lambda value: _number(value) and value > 0, "a number of bytes"),
    "url": _URL,
    "token": (_is_text, "a text"),
}
"""Settings of the server that docks share, and what is right for each."""

_CHECKS: Mapping[str, _Check] = {
    **OF_TEST,
    **OF_SERVER,
    "journal": (lambda value: isinstance(value, PathLike), "a folder"),
}


def _as_it_is(value: Any) -> Any:
    return value


def _whole(value: str) -> Any:
    try:
        return int(value)
    except ValueError:
        return value


def _scale(value: str) -> Any:
    try:
        return float(value)
    except ValueError:
        return value


_READ: Mapping[str, Callable[[Any], Any]] = {"seed": _whole, "time_scale": _scale}
"""How a text of the ini file becomes a value; one that does not is refused as it stands."""
