"""A dock that is left while a test has failed already."""

from __future__ import annotations

import sys
from types import FrameType

from mockdock.errors import MockdockError, VerificationError
from mockdock.testing.session import DockSession

__all__ = ["annotate", "failed_before"]

_KINDS = ("failures", "errors", "skipped")


def annotate(error: BaseException, session: DockSession) -> None:
    """Add to an error what verifying tells; nothing when all went well, or the server is gone."""
    if not isinstance(error, Exception) or isinstance(error, VerificationError):
        return
    try:
        session.verify()
    except VerificationError as verified:
        error.add_note(str(verified))
    except (MockdockError, OSError):
        pass


def failed_before() -> bool:
    """Tell whether a unittest.TestCase, whose test failed or was skipped, is cleaning up.

    Its ``enterContext`` leaves what it entered without telling of the failure:
    it has to be looked for where the test keeps it.
    """
    unittest = sys.modules.get("unittest.case")
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the documented way to see one's caller
    while unittest is not None and frame is not None:
        if frame.f_code is unittest.TestCase.doCleanups.__code__:
            case = frame.f_locals["self"]
            outcome = getattr(case, "_outcome", None)
            if getattr(outcome, "expectedFailure", None):
                return True
            result = getattr(outcome, "result", None)
            told = [each for kind in _KINDS for each in getattr(result, kind, ())]
            # Under pytest the result is the test's item, and keeps its failures here.
            return bool(getattr(result, "_excinfo", None)) or any(
                getattr(each, "test_case", each) is case for each, _ in told
            )
        frame = frame.f_back
    return False
