"""What is counted of exchanges, whether they are still kept or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from mockdock.observe.kept import Kept

__all__ = ["Tally", "Use"]


class Use(NamedTuple):
    """How often a rule was chosen, and its first and last place among all that were."""

    times: int
    first: int
    last: int


class Tally(Struct, frozen=True):
    """Counts of a session, or of all together. Tokens are those in ``usage``.

    ``missed`` were answered by no rule, ``failed`` by an error of the API
    (``missed`` among them); of ``broken`` something was broken on purpose. ``uses``
    goes by the rules' keys, and counts what was chosen also before its answer has ended.
    """

    requests: int = 0
    missed: int = 0
    failed: int = 0
    broken: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    uses: Mapping[str, Use] = {}
    raised: tuple[Kept, ...] = ()
    """Where functions of rules raised, at most ten."""
