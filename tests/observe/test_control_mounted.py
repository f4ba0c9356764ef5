"""The control API as a server has it."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from mockdock.errors import UsageError
from mockdock.observe.control import MountedControl, mounted
from mockdock.observe.verbs import Verbs
from tests.observe.control import Control


def test_it_is_made_once_by_the_first_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[Verbs, str | None]] = []
    asked: list[object] = []

    def make(verbs: Verbs, token: str | None) -> mounted.App:
        made.append((verbs, token))

        async def app(scope: MutableMapping[str, Any], receive: object, send: object) -> None:
            asked.append(scope["number"])

        return app

    monkeypatch.setattr(mounted, "_control_app", make)
    verbs = Control().verbs
    control = MountedControl(lambda: verbs, "secret")
    assert made == []

    async def silent() -> MutableMapping[str, Any]:
        raise AssertionError

    async def mute(message: MutableMapping[str, Any]) -> None:
        raise AssertionError

    async def ask() -> None:
        await asyncio.gather(*(control({"number": number}, silent, mute) for number in range(9)))

    asyncio.run(ask())
    assert made == [(verbs, "secret")]
    assert sorted(map(str, asked)) == list("012345678")


def test_a_wrong_token_is_told_at_once() -> None:
    with pytest.raises(UsageError, match="a control token is"):
        MountedControl(lambda: pytest.fail("nobody asks"), "two words")
