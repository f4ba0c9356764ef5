"""What is imported when it is first needed."""

from __future__ import annotations

import sys

import pytest

from mockdock import content, ledger, testing
from mockdock.content import ogg
from mockdock.later import attributes, later
from mockdock.ledger.ledger import Ledger
from mockdock.memo import Memo


def test_a_function_is_imported_by_its_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "ogg", ogg)  # and put back afterwards
    monkeypatch.delitem(sys.modules, "mockdock.content.ogg")
    silence = later("content.ogg:opus_silence")
    assert "mockdock.content.ogg" not in sys.modules
    assert silence(960, 48_000) == ogg.opus_silence(960, 48_000)
    assert "mockdock.content.ogg" in sys.modules


def test_arguments_and_exceptions_pass() -> None:
    memo = later("memo:Memo")(3)
    assert isinstance(memo, Memo)
    with pytest.raises(TypeError, match="3 were given"):
        later("memo:Memo")(1, 2)


def test_a_name_of_a_package_is_imported_when_it_is_asked_for() -> None:
    assert ledger.Ledger is Ledger
    found = attributes("some.package", {"Ledger": "ledger.ledger"})
    assert found("Ledger") is Ledger
    with pytest.raises(AttributeError, match=r"module 'some\.package' has no attribute 'Leger'"):
        found("Leger")


def test_every_name_of_a_package_is_there() -> None:
    for package in (ledger, testing):
        for name in package.__all__:
            assert getattr(package, name) is not None
