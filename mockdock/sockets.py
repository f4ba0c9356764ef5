"""Sockets that listen before anybody serves them."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

from mockdock.errors import StartError

__all__ = ["BACKLOG", "bind", "bind_unix"]

BACKLOG = 2048
"""Connections that may wait to be accepted."""


def bind(host: str, port: int) -> socket.socket:
    """Listen on a TCP port, 0 for any free one. Raises StartError with the reason."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if not host:
        raise StartError("the host is empty; write 127.0.0.1, or 0.0.0.0 to listen everywhere")
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise StartError(_why(error, f"{host}:{port}")) from error
    return listener


def _why(error: Exception, where: str, option: str = "--port") -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"{where} is in use; stop what listens there, or choose another with {option}"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"cannot listen on {where}: {reason}"


def bind_unix(path: Path) -> socket.socket:
    """Listen on a Unix socket; one left behind by a dead server is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear_stale(path)
        listener.bind(str(path))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise StartError(_why(error, str(path), "--uds")) from error
    except StartError:
        listener.close()
        raise
    return listener


def _clear_stale(path: Path) -> None:
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise StartError(f"{path} is there already, and is no socket; choose another with --uds")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
