"""The records of a journal file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from mockdock.errors import UsageError

__all__ = ["records"]


def records(lines: Iterable[str], name: str) -> Iterator[Mapping[str, Any]]:
    """Read JSON Lines as ``--journal`` writes them. Raises UsageError with the place.

    Blank lines are skipped. A record that was cut off, as by a machine that
    stopped while it was written, becomes {"dropped": 1}.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            if line.startswith('{"number":'):
                yield {"dropped": 1}
                continue
            message = f"{name}:{number}: not JSON: {error}; a journal is a file of JSON Lines"
            raise UsageError(message) from error
        if not isinstance(record, dict):
            raise UsageError(f"{name}:{number}: a record is a mapping, and this is none")
        yield record
