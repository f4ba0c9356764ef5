"""Questions of one event loop: those that are asked at once go out together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from redis import asyncio as client
from redis.asyncio.connection import UnixDomainSocketConnection
from redis.exceptions import RedisError, ResponseError

from mockdock.errors import StoreError
from mockdock.shared.address import Address
from mockdock.shared.asking import GRACE, Asker, Question, after, verdict
from mockdock.shared.health import Health
from mockdock.shared.scripts import Script

__all__ = ["Lane"]

_KINDS: dict[str, Any] = {
    "redis": client.Connection,
    "rediss": client.SSLConnection,
    "unix": UnixDomainSocketConnection,
}


@dataclass(slots=True, eq=False)
class _Waiting(Question):
    """A question, and who awaits the answer."""

    future: asyncio.Future[bytes] = field(kw_only=True)


class Lane:
    """One connection, and what waits for it: a round trip takes along all that came meanwhile.

    Redis works on one thing after another, so more connections would not be quicker.
    """

    def __init__(self, address: Address, script: Script, health: Health, patience: float) -> None:
        self._address = address
        self._health = health
        self._patience = patience
        self._asker = Asker(address.prefix, script)
        self._waiting: deque[_Waiting] = deque()
        self._work: asyncio.Task[None] | None = None
        self._connection: Any = None

    async def ask(self, verb: bytes, *payload: bytes, counts: bool = True) -> bytes:
        """Ask, and await the answer; raises StoreError."""
        self._health.admit()
        loop = asyncio.get_running_loop()
        question = _Waiting(verb, payload, counts, future=loop.create_future())
        self._waiting.append(question)
        if self._work is None:
            self._work = loop.create_task(self._drain())
        return await question.future

    async def close(self) -> None:
        """End the connection, after what is being asked."""
        if self._work is not None:
            await asyncio.wait([self._work])
        await self._drop()

    async def _drain(self) -> None:
        batch: Sequence[_Waiting] = ()
        try:
            while self._waiting:
                count = min(len(self._waiting), self._asker.most)
                batch = [self._waiting.popleft() for _ in range(count)]
                await self._settle([each for each in batch if not each.future.done()])
        finally:
            self._work = None
            self._fail((*batch, *self._waiting), self._health.error("it is no longer asked"))
            self._waiting.clear()

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        """See that every question gets an answer or an error, in a time that is bounded."""
        due = asyncio.get_running_loop().time() + self._patience
        for each in batch:
            each.due = due
        error: BaseException | None = None
        for _ in range(2):
            if not batch:
                return
            try:
                async with asyncio.timeout_at(due + GRACE):
                    if self._connection is None:
                        await self._connect()
                    batch = await self._exchange(batch)
                error = None
            except (RedisError, OSError) as raised:
                error = raised
                await self._drop()
                batch = [each for each in batch if not each.future.done()]
                if isinstance(raised, TimeoutError):
                    break
        if error is None:
            self._fail(batch, self._health.error("it took too long"))
            return
        self._fail((*batch, *self._waiting), self._health.ill(after(error)))
        self._waiting.clear()

    async def _connect(self) -> None:
        made: Any = _KINDS[self._address.scheme](**self._address.options, socket_timeout=None)
        try:
            await made.connect()
        except BaseException:
            await made.disconnect(nowait=True)
            raise
        self._connection = made
        await self._greet()

    async def _greet(self) -> None:
        made = self._connection
        await made.send_packed_command(made.pack_command(*self._asker.time))
        self._asker.meet(await made.read_response(), asyncio.get_running_loop().time())
        loading = self._asker.loading()
        await made.send_packed_command(made.pack_commands(loading))
        for _ in loading:
            await made.read_response()

    async def _exchange(self, batch: Sequence[_Waiting]) -> list[_Waiting]:
        """Make one round trip, and give what is to be asked again."""
        made, again = self._connection, []
        commands = [self._asker.command(each) for each in batch]
        await made.send_packed_command(made.pack_commands(commands))
        for each in batch:
            try:
                answer = await made.read_response()
            except ResponseError as error:
                match verdict(error):
                    case "again":
                        again.append(each)
                    case "elsewhere":
                        raise
                    case "no":
                        self._fail([each], self._health.error(after(error)))
            else:
                if not each.future.done():
                    each.future.set_result(answer)
        self._health.well()
        if again:
            await self._greet()
        return again

    def _fail(self, batch: Sequence[_Waiting], error: StoreError) -> None:
        for each in batch:
            if not each.future.done():
                each.future.set_exception(StoreError(*error.args))

    async def _drop(self) -> None:
        made, self._connection = self._connection, None
        if made is not None:
            await made.disconnect(nowait=True)
