"""How many replies are under way, what that slows down, and who has to queue."""

from __future__ import annotations

import math
from collections import deque

from mockdock.delivery.deliver import Client

__all__ = ["Traffic"]


class _Turn:
    """A place in the queue."""

    def __init__(self, most: int, client: Client) -> None:
        self.most = most
        self.client = client
        self.come = False


class Traffic:
    """The replies under way in a session. For one event loop."""

    def __init__(self) -> None:
        self.open = 0
        self._queue: deque[_Turn] = deque()

    def admits(self, most: int | None) -> bool:
        """Begin a reply, as one of so many at once; False when it has to queue."""
        if most is None or (self.open < most and not self._queue):
            self.open += 1
            return True
        return False

    async def queue(self, most: int, client: Client) -> bool:
        """Wait for the turn of a reply, and begin it; who came first goes first.

        False when the client left the queue: nothing has begun then.
        """
        turn = _Turn(most, client)
        self._queue.append(turn)
        try:
            while not turn.come and not client.left:
                await client.wait_until(math.inf)
        except BaseException:
            self._withdraw(turn)
            raise
        if not turn.come:
            self._withdraw(turn)
        return turn.come

    def _withdraw(self, turn: _Turn) -> None:
        """Give up a place in the queue, or the turn that has come meanwhile."""
        if turn.come:
            self.leave()
            return
        self._queue.remove(turn)
        self._next()

    def leave(self) -> None:
        """End a reply."""
        self.open -= 1
        if self._queue:
            self._next()

    def slowness(self, capacity: int | None) -> float:
        """Give the factor by which all is slower with so many under way."""
        return 1.0 if capacity is None else max(1.0, self.open / capacity)

    def _next(self) -> None:
        while self._queue and self.open < self._queue[0].most:
            turn = self._queue.popleft()
            turn.come = True
            self.open += 1
            turn.client.wake()
