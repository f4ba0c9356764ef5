"""A scenario as YAML, as a person would write it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

__all__ = ["dumped"]

_WIDTH = 100
_QUOTED = re.compile("[\r\x85\u2028\u2029\ufeff]|^[-+.]*[0-9][-+.\\w]*$")
"""Breaks that PyYAML writes as they are and reads as blanks, and numbers of YAML 1.2."""


def dumped(scenario: Mapping[str, Any]) -> str:
    """Write a scenario, its keys in their order."""
    return str(
        yaml.dump(scenario, Dumper=_Dumper, allow_unicode=True, width=_WIDTH, sort_keys=False)
    )


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, numbers side by side, and values where they stand."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - it is asked of each value
        return True


def _listed(dumper: yaml.SafeDumper, values: Sequence[Any]) -> yaml.SequenceNode:
    numbers = len(values) > 1 and all(type(each) in (int, float) for each in values)
    tag = "tag:yaml.org,2002:seq"
    return dumper.represent_sequence(tag, values, flow_style=numbers or None)


def _scalar(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _QUOTED.search(text) else "|" if "\n" in text.strip("\n") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _scalar)
_Dumper.add_representer(list, _listed)
