"""What an image costs in prompt tokens.

Two formulas, by the family of the model, as OpenAI's vision guide states them:
older models pay for tiles of 512 pixels, the small newer ones for patches of
32 pixels. The size is read from the first bytes of a data URL; a remote image
is never fetched.
"""

from __future__ import annotations

import math

from msgspec import Struct

from mockdock.content.image_size import image_size
from mockdock.content.tokens import plain_name
from mockdock.request import ImagePart

__all__ = ["UNKNOWN_SIZE", "count_image"]

UNKNOWN_SIZE = (800, 400)
"""The size, in pixels, taken for an image that cannot be read: two tiles.

A fit: the one recorded request with a remote image has an address that names
this size, and cost what this size costs.
"""

_SQUARE = 2048
_SHORT_SIDE = 768
_TILE = 512
_PATCH = 32
_MOST_PATCHES = 1536


class _Tiles(Struct, frozen=True):
    base: int
    each: int


class _Patches(Struct, frozen=True):
    factor: float


# First prefix that fits wins. gpt-4o's price also stands for models not named.
_COSTS: tuple[tuple[str, _Tiles | _Patches], ...] = (
    ("gpt-5-mini", _Patches(1.62)),
    ("gpt-4.1-mini", _Patches(1.62)),
    ("gpt-5-nano", _Patches(2.46)),
    ("gpt-4.1-nano", _Patches(2.46)),
    ("o4-mini", _Patches(1.72)),
    ("gpt-4o-mini", _Tiles(2833, 5667)),
    ("gpt-5", _Tiles(70, 140)),
    ("o1", _Tiles(75, 150)),
    ("o3", _Tiles(75, 150)),
    ("", _Tiles(85, 170)),
)


def count_image(image: ImagePart, model: str) -> int:
    """Count the prompt tokens of an image; detail "auto" behaves as "high".

    Patch models have no published price for low detail: it is taken as the
    price of the image shrunk to 512 pixels, which is what low detail means.
    """
    cost = _cost(model)
    low = image.detail == "low"
    if isinstance(cost, _Tiles) and low:
        return cost.base
    width, height = image_size(image.url) or UNKNOWN_SIZE
    if isinstance(cost, _Tiles):
        return cost.base + cost.each * _tiles(width, height)
    if low:
        width, height = _shrunk(width, height, _TILE, max(width, height))
    return math.ceil(_patches(width, height) * cost.factor)


def _cost(model: str) -> _Tiles | _Patches:
    name = plain_name(model)
    return next(cost for prefix, cost in _COSTS if name.startswith(prefix))


def _tiles(width: int, height: int) -> int:
    """Count tiles: shrink into 2048 square, then the short side to 768; never enlarge."""
    width, height = _shrunk(width, height, _SQUARE, max(width, height))
    width, height = _shrunk(width, height, _SHORT_SIDE, min(width, height))
    return math.ceil(width / _TILE) * math.ceil(height / _TILE)


def _patches(width: int, height: int) -> int:
    """Count patches; a larger image shrinks until whole patches within the cap cover it."""
    patches = math.ceil(width / _PATCH) * math.ceil(height / _PATCH)
    if patches <= _MOST_PATCHES:
        return patches
    scale = math.sqrt(_PATCH * _PATCH * _MOST_PATCHES / (width * height))
    across, down = width * scale / _PATCH, height * scale / _PATCH
    fit = min(math.floor(across) / across, math.floor(down) / down)
    if not fit:
        # Thinner than one patch: the long side alone meets the cap.
        return _MOST_PATCHES
    # Rounding keeps 33.000000001 from costing a row of patches.
    across, down = round(across * fit, 6), round(down * fit, 6)
    return min(math.ceil(across) * math.ceil(down), _MOST_PATCHES)


def _shrunk(width: int, height: int, target: int, side: int) -> tuple[int, int]:
    """Scale a size so that ``side`` becomes ``target``, unless it is smaller."""
    if side <= target:
        return width, height
    return max(1, width * target // side), max(1, height * target // side)
