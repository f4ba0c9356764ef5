"""Faults in the words of the language: what was injected can be injected again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.fault import OPTIONS, After, Fault
from mockdock.observe.broken import fault_words
from mockdock.scenario.faults import FaultSpec

SPECS: list[Any] = [
    "slicer",
    {"type": "truncate", "after": {"tokens": 5}, "end": "rst", "inside": "string"},
    {"type": "stall", "for": "1500ms", "after": {"time": "250ms"}},
    {"type": "bandwidth", "rate": "10KB/s"},
    {"type": "slicer", "size": 3, "delay": "0.1ms"},
    {"type": "html_error", "status": 504},
    {"type": "redirect", "status": 307, "location": "http://x/y"},
    {"type": "wrong_content_length", "by": -3},
    {"type": "wrong_content_type", "content_type": "text/plain"},
    {"type": "connection_refused", "for": "2s"},
]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_words_read_back_are_the_same_fault(spec: Any) -> None:
    fault = FaultSpec.model_validate(spec).fault()
    assert FaultSpec.model_validate(fault_words(fault)).fault() == fault


@given(st.sampled_from(sorted(OPTIONS)))
def test_a_fault_without_options_is_its_type(name: Any) -> None:
    assert fault_words(Fault(name)) == {"type": name}


def test_the_place_is_told_with_its_unit() -> None:
    assert fault_words(Fault("truncate", After(time=0.25))) == {
        "type": "truncate",
        "after": {"time": "250ms"},
    }
