"""What the tests of the language share."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

__all__ = ["refusal"]


def refusal(kind: Any, value: object) -> str:
    """Validate a value that is wrong in one way, and give the message."""
    with pytest.raises(ValidationError) as caught:
        kind.model_validate(value)
    (error,) = caught.value.errors()
    return str(error["msg"])
