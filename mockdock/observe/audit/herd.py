"""The herd index: how synchronised retries are.

Retries are counted in bins of equal width, from the first moment at which one
of them could have come to the last one that came. S is the share of them in the
fullest tenth of the bins, or in as many as a tenth of the retries where these are
fewer. U is the share that would be there by mere chance, were they spread evenly.
The index is (S - U) / (1 - U): 0 for retries that come evenly, or each in a bin of
its own, 1 where all of them come in those bins. One wave among many that are spread
well does not show.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from mockdock.observe.audit.call import Call, Gap

__all__ = ["LEAST_CALLS", "LEAST_RETRIES", "herd_index"]

LEAST_RETRIES = 20
LEAST_CALLS = 10
"""With fewer retries, or of fewer calls, there is no herd to speak of."""

_FULLEST = 0.1
_NOTHING = 1e-9


def herd_index(calls: Sequence[Call], width: float) -> float | None:
    """Give the index of all retries that had to wait, in bins of ``width`` seconds.

    None where there are too few of them, or all come within one bin. Nobody has to
    wait at time scale 0, or when less than a bin was demanded: who comes at once then
    does as he is told.
    """
    found = [[gap for gap in call.gaps if _waits(gap, width)] for call in calls]
    retried = [each for each in found if each]
    gaps: list[Gap] = [gap for each in retried for gap in each]
    if len(gaps) < LEAST_RETRIES or len(retried) < LEAST_CALLS:
        return None
    first = min(gap.before.end for gap in gaps)
    places = [max(0, math.floor((gap.after.start - first) / width + 1e-6)) for gap in gaps]
    bins = max(places) + 1
    if bins == 1:
        return None
    fullest = math.ceil(_FULLEST * min(bins, len(places)))
    counts = Counter(places)
    share = sum(count for _, count in counts.most_common(fullest)) / len(places)
    chance = _by_chance(len(places), bins, fullest)
    return max(0.0, (share - chance) / (1 - chance))


def _waits(gap: Gap, width: float) -> bool:
    demanded = gap.demanded
    return not gap.instant and (demanded is None or demanded.seconds >= width)


def _by_chance(count: int, bins: int, fullest: int) -> float:
    """Give the share of ``count`` that the ``fullest`` of ``bins`` hold when spread by chance.

    So many bins hold n or more as Poisson's law says, each of those adds one for
    each n.
    """
    mean = count / bins
    held, below = 0.0, 0.0
    for level in range(count):
        below += math.exp(level * math.log(mean) - mean - math.lgamma(level + 1))
        more = bins * max(0.0, 1 - below)
        if more < _NOTHING:
            break
        held += min(fullest, more)
    return held / count
