"""Telling what is new in a conversation from what a thread holds already.

Requests repeat their history. So each message of a thread is kept with the
conversation before it: its link is a digest of the link before and of itself,
and a thread is a tree of links, in which an answer made anew, or a question put
otherwise, is a branch. A message is history when a message with the same link is
in the thread. For the usual conversation that is the longest common prefix with
what the thread holds.

System messages are no links, since many clients write the time into them: each
different one is kept once, and what follows goes on as if it were not there.

Some clients leave out the oldest messages once there are many. Where nothing of
a conversation is held from its beginning, the longest part of it that is held
anywhere in the thread counts as history, if it has two messages or more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b

from mockdock.accounts import Said
from mockdock.ledger.entry import encoded

__all__ = ["MOST_STARTS", "ROOT", "digest", "link", "placed", "system_link"]

MOST_STARTS = 50
"""So many messages are tried as the first one of what is left of a conversation."""

ROOT = b""
"""The link that a conversation begins after."""

_SIZE = 16
_FEWEST = 2


def digest(said: Said) -> bytes:
    """Give 16 bytes that are the same for the same message."""
    return blake2b(encoded(said[:-1]).encode(), digest_size=_SIZE).digest()


def link(before: bytes, own: bytes) -> bytes:
    """Give the link of a message by the link before it and its own digest."""
    return blake2b(before + own, digest_size=_SIZE).digest()


def system_link(own: bytes) -> bytes:
    """Give the link of a system message, wherever it stands."""
    return blake2b(own, digest_size=_SIZE, person=b"system").digest()


def placed(
    digests: Sequence[bytes],
    is_held: Callable[[bytes], bool],
    starts: Callable[[bytes], Sequence[bytes]],
) -> tuple[int, bytes]:
    """Tell how many messages, from the first on, are history in a thread, and the last one's link.

    ``digests`` are those of all but the system messages. ``is_held`` tells of a link
    whether the thread holds it, ``starts`` gives the links of some messages of a digest that
    it holds, the newest first.
    """
    links = [ROOT]
    for own in digests:
        links.append(link(links[-1], own))
    for count in range(len(digests), 0, -1):
        if is_held(links[count]):
            return count, links[count]
    if len(digests) < _FEWEST:
        return 0, ROOT
    return _window(digests, is_held, starts(digests[0]))


def _window(
    digests: Sequence[bytes], is_held: Callable[[bytes], bool], starts: Sequence[bytes]
) -> tuple[int, bytes]:
    """Find the longest part held, the newest of the longest ones."""
    best = (0, ROOT)
    for start in starts:
        count, end = 1, start
        while count < len(digests):
            further = link(end, digests[count])
            if not is_held(further):
                break
            count, end = count + 1, further
        if count > max(best[0], _FEWEST - 1):
            best = (count, end)
    return best
