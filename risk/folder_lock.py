"""One state folder serves one node at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = "node.lock"


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
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            raise LockError(
                f"{path}: is held by process {_holder(number)}: one state folder serves one node at "
                "a time (end that one, or give this one another --state and another account)"
            ) from e
        with suppress(OSError):  # A full disk: the lock holds, only its holder is not named.
            os.truncate(number, 0)
            os.pwrite(number, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(number)


def _holder(number: int) -> str:
    return os.pread(number, 32, 0).decode("ascii", "replace").strip() or "(unknown)"
