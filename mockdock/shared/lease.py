"""What a process holds in Redis, and holds no longer where it dies."""

from __future__ import annotations

import secrets
import threading

from mockdock.errors import StoreError
from mockdock.shared.link import Link
from mockdock.shared.packing import pack

__all__ = ["Lease"]

_RENEW, _AWAY = 5.0, 2.0
"""Seconds between two renewals, and between tries while Redis is away."""


class Lease:
    """Tells Redis every five seconds that this process lives, from when it first held something.

    What it held is given back 10 to 15 seconds after it was killed, all at once, whoever looks.
    A process that was cut off for so long holds nothing of that any more: what it gives back
    later has been given back. A thread tells it, so that no loop that is busy is taken for
    dead. Not to be forked.
    """

    def __init__(self, link: Link, renew: float = _RENEW) -> None:
        self.holder = secrets.token_hex(8)
        self._link = link
        self._renew = renew
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def kept(self) -> str:
        """Give the name of who holds, which is kept alive from now on."""
        if self._thread is None:
            with self._lock:
                if self._thread is None and not self._over.is_set():
                    self._thread = threading.Thread(
                        target=self._run, name="mockdock lease", daemon=True
                    )
                    self._thread.start()
        return self.holder

    def close(self) -> None:
        """Hold nothing any more."""
        with self._lock:
            self._over.set()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
            self._tell(b"leave")

    def _run(self) -> None:
        pause = self._renew
        while not self._over.wait(pause):
            pause = self._renew if self._tell(b"renew") else min(self._renew, _AWAY)

    def _tell(self, verb: bytes) -> bool:
        """Tell something of the lease, and whether Redis was there."""
        try:
            asked = pack({"holder": self.holder})
            self._link.at_once(_nothing, verb, asked, counts=False)
        except StoreError:
            return False
        return True


def _nothing(_: bytes) -> None:
    """Read that it is done."""
