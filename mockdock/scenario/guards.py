"""What guards of a gateway make of a text."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from mockdock.scenario.base import Complaint, refuse, rejection, shown, unknown
from mockdock.scenario.conditions import TextCondition

__all__ = ["GuardSpec"]

_Stage = Literal["input", "output"]

_VERDICTS = ("pass", "fail")
_FORM = "pass, fail, or a condition on the text that is not let pass, such as {contains: ...}"


class GuardSpec(TextCondition):
    """A guard, which fails where its condition holds. A word stands for ``{verdict: ...}``."""

    shorthand: ClassVar[dict[str, Any]] = {
        "enum": [*_VERDICTS],
        "description": "what it makes of every text",
    }

    verdict: Literal["pass", "fail"] | None = Field(
        None, description="what it makes of every text; or give a condition on which it fails"
    )
    stage: _Stage = Field(
        "input", description="whether it reads the last user message, or the answer"
    )

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if isinstance(data, str):
            if data not in _VERDICTS:
                raise rejection(unknown(data, _VERDICTS, "a condition such as {contains: ...}"))
            return {"verdict": data}
        if isinstance(data, dict | TextCondition):
            return data
        raise rejection(Complaint(f"expected a word or a mapping, got {shown(data)}", _FORM))

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = (self.equals, self.contains, self.matches, self.not_)
        conditions = any(value is not None for value in given)
        if self.verdict is None and not conditions:
            refuse([Complaint("a guard without a verdict", _FORM)])
        if self.verdict is not None and conditions:
            message = "'verdict' and a condition exclude each other"
            refuse([Complaint(message, at=("verdict",), on_key=True)])
        self._compile()
        return self
