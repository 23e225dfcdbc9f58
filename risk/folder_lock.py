"""One state folder serves one node at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = "node.lock"
TRIES_MAX, TRY_SEC = 20, 0.01


class LockError(RuntimeError):
    """A state folder that cannot be had; the text names the file, who holds it, and the rule."""


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """
    Keep every other node out of *folder* until the block is left, or the process dies.

    The lock is the system's (flock): nothing is left behind that somebody would have to remove. It
    holds also when the journal is moved away under a running node.

    Raises
    ------
    LockError
        If another node holds it, or the file cannot be opened.

    """
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as e:
        raise LockError(f"{path}: cannot be opened: {e.strerror}") from e
    try:
        try:
            _take(number)
        except OSError as e:
            raise LockError(
                f"{path}: is held by process {_holder(number)}: one state folder serves one node at "
                "a time (end that one, or give this one another --state and another account)"
            ) from e
        with suppress(OSError):  # A full disk: the lock holds, only its holder is not named.
            line = f"{os.getpid()}\n".encode()
            os.pwrite(number, line, 0)  # In place first: that needs no room.
            os.truncate(number, len(line))
        yield
    finally:
        os.close(number)


def is_held_by(folder: Path, pid: int) -> bool | None:
    """
    Return whether process *pid* holds *folder*; None where that cannot be told.

    It tells a node from another process that was given the number of a dead one. To ask, the file
    must be readable, and no more.

    """
    try:
        number = os.open(folder / NAME, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        named = _holder(number)
        return named == str(pid) if named.isdecimal() else None
    except OSError:
        return None
    else:
        return False
    finally:
        os.close(number)


def _take(number: int) -> None:
    """Take the lock; who merely asks (`is_held_by`) has it for a moment, and is waited for."""
    for _ in range(TRIES_MAX - 1):
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(TRY_SEC)  # noqa: TID251 - before any loop turns
        else:
            return
    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _holder(number: int) -> str:
    return os.pread(number, 32, 0).decode("ascii", "replace").strip() or "(unknown)"
