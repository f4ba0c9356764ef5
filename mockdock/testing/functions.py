"""Functions of a test that take part in answering: on the server's side of the wire."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from mockdock.errors import UsageError, VerificationError
from mockdock.request import Request
from mockdock.scenario import placeholders
from mockdock.testing.call import asked
from mockdock.testing.checks import plain, short

if TYPE_CHECKING:
    from mockdock.testing.call import CallRequest

__all__ = ["answering", "judging"]


def judging(
    where: Callable[[CallRequest], object], raised: Callable[[Exception], None]
) -> tuple[str, Callable[[Request], bool]]:
    """Make a condition of a predicate, with its name; ``raised`` is told what it raises."""

    def holds(request: Request) -> bool:
        with _telling(raised):
            return bool(where(asked(request, request.caller.attempt or 1)))

    return f"where {_named(where)}", holds


def answering(
    function: Callable[[CallRequest], Any], raised: Callable[[Exception], None]
) -> Callable[[Request, int], Awaitable[Any]]:
    """Let a plain or async function answer; ``raised`` is told what it raises."""

    async def answer(request: Request, attempt: int) -> Any:
        with _telling(raised):
            given = await _asked(function, asked(request, attempt))
            if isinstance(given, str):
                return {"text": placeholders.escape(plain(given, f"what {_named(function)} gave"))}
            if isinstance(given, Mapping):
                return plain(given)
            raise UsageError(
                f"{_named(function)} returned {short(given)}; an answer is a text, "
                "or a reply or an error as a mapping"
            )

    return answer


async def _asked(function: Callable[[CallRequest], Any], request: CallRequest) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(request)
    given, error = await asyncio.wrap_future(_in_a_thread(function, request))
    if isinstance(error, GeneratorExit | asyncio.CancelledError):
        raise VerificationError(_words(error)) from error
    if error is not None:
        raise error
    return await given if inspect.isawaitable(given) else given


def _in_a_thread(
    function: Callable[[CallRequest], Any], request: CallRequest
) -> Future[tuple[Any, BaseException | None]]:
    """Call a function in a thread of its own: it may wait for another of its kind.

    A daemon, as the server's own: one that never returns holds up no exit. What
    it raises is handed over as a value, since no future takes a StopIteration.
    """
    done: Future[tuple[Any, BaseException | None]] = Future()
    done.set_running_or_notify_cancel()  # it cannot be called off any more

    def run() -> None:
        try:
            outcome = function(request), None
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
            done.set_result((None, error))
        else:
            done.set_result(outcome)

    context = copy_context()
    threading.Thread(
        target=context.run, args=(run,), name="mockdock respond_with", daemon=True
    ).start()
    return done


@contextmanager
def _telling(raised: Callable[[Exception], None]) -> Iterator[None]:
    """Tell of an error. What pytest raises to fail or skip, or an exit, must not end the server."""
    try:
        yield
    except GeneratorExit:
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():  # the server stops
            raise
        raise _as_error(error, raised) from error
    except Exception as error:
        if not _speaks(error):
            raise _as_error(error, raised) from error
        raised(error)
        raise
    except BaseException as error:
        raise _as_error(error, raised) from error


def _speaks(error: Exception) -> bool:
    """Tell whether an error can be written: journal and report will."""
    try:
        repr(error), str(error)
    except Exception:  # noqa: BLE001 - of whatever kind it is
        return False
    return True


def _as_error(error: BaseException, raised: Callable[[Exception], None]) -> VerificationError:
    told = VerificationError(_words(error))
    raised(told)
    return told


def _words(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception as another:  # noqa: BLE001 - of whatever kind it is
        return f"{type(error).__name__}: its str raises {type(another).__name__}"


def _named(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
