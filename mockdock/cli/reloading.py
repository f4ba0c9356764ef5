"""``mockdock serve --reload``: load scenarios again when their files change."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mockdock.errors import ScenarioError
from mockdock.scenario import Loaded, load

__all__ = ["reloading"]

_LOOK_AGAIN = 0.2


@contextlib.contextmanager
def reloading(
    sources: Sequence[str],
    loaded: Loaded,
    take: Callable[[Loaded], None],
    say: Callable[[str], None],
) -> Iterator[None]:
    """Watch the scenario's files in a thread; ``take`` gets what has changed."""
    stop = threading.Event()
    watcher = threading.Thread(target=_follow, args=(sources, loaded, take, say, stop), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join(timeout=2)


def _follow(
    sources: Sequence[str],
    loaded: Loaded,
    take: Callable[[Loaded], None],
    say: Callable[[str], None],
    stop: threading.Event,
) -> None:
    """Watch until something changes, load, and watch anew.

    Folders are watched, not files: editors replace a file rather than write it.
    Every watch begins with a look, since something may have changed before it.
    """
    watched: set[Path] = set()
    told = ""
    while loaded.files and not stop.is_set():
        folders = {path.parent for path in loaded.files}
        if not all(folder.is_dir() for folder in folders):
            stop.wait(_LOOK_AGAIN)  # deleted, perhaps on the way to something new
            continue
        for _ in _looks(folders, {str(path) for path in loaded.files}, stop):
            if watched != folders:
                watched = folders
                say(f"watching {', '.join(map(str, sorted(folders)))}")
            fresh, wrong = _load_again(sources)
            if wrong and wrong != told:
                sys.stderr.write(wrong)
                sys.stderr.flush()
            mended, told = told and not wrong, wrong
            if fresh is None:
                continue
            if fresh.scenario != loaded.scenario:
                loaded = fresh
                take(fresh)
                rules = len(fresh.scenario.rules)
                say(f"reloaded: {rules} rule{'' if rules == 1 else 's'}, counters start anew")
            elif mended:
                say("the scenario can be read again, and is as it was")


def _looks(folders: set[Path], files: set[str], stop: threading.Event) -> Iterator[None]:
    """Ask for a look once the watch has begun, and again when it ends with a change."""
    from watchfiles import watch

    begun = False
    for changes in watch(
        *folders,
        stop_event=stop,
        recursive=False,
        debounce=100,
        step=20,
        rust_timeout=200,
        yield_on_timeout=True,
    ):
        if not begun:
            begun = True
            yield
        if _concern(changes, files):
            yield
            return


def _concern(changes: set[tuple[Any, str]], files: set[str]) -> bool:
    """Tell whether a change can concern the scenario: its files, or new ones beside them."""
    return any(path in files or path.endswith((".yaml", ".yml")) for _, path in changes)


def _load_again(sources: Sequence[str]) -> tuple[Loaded | None, str]:
    """Load the scenario, or say what is wrong with it; the old one is kept then."""
    try:
        return load(*sources), ""
    except ScenarioError as error:
        lines = [str(problem) for problem in error.problems]
        lines.append("the scenario as it was before still serves")
        return None, "".join(f"mockdock: {line}\n" for line in lines)
