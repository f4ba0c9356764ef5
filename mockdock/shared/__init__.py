"""State that several processes and machines share, in Redis.

Raises UsageError where the client of Redis is not installed.
"""

from __future__ import annotations

from mockdock.errors import UsageError

try:
    from mockdock.shared.accounts import SharedAccounts
    from mockdock.shared.cells import RedisCells
    from mockdock.shared.journal import RedisJournal
    from mockdock.shared.link import Link
    from mockdock.shared.store import RedisStore
    from mockdock.shared.time import SharedTime
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "redis":
        raise
    raise UsageError(
        "a store that is shared needs the package redis: pip install 'mockdock[redis]'"
    ) from None

__all__ = [
    "Link",
    "RedisCells",
    "RedisJournal",
    "RedisStore",
    "SharedAccounts",
    "SharedTime",
]
