"""How far a journal reached: beside it, so that lines which are cut off its end are missed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class EndError(ValueError):
    """A file that does not tell where a journal ended; the text names it."""


class End(NamedTuple):
    """The number of records, and the hash of the last one."""

    records: int
    last_hash: str


def end_path(journal: Path) -> Path:
    """Return where the end of a journal is kept."""
    return journal.with_suffix(".end")


def read_end(journal: Path) -> End | None:
    """
    Return how far *journal* reached, or None where nobody has written that down.

    Raises
    ------
    EndError
        If it cannot be read.

    """
    path = end_path(journal)
    try:
        count, last_hash = path.read_text(encoding="ascii").split()
        return End(int(count), last_hash)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as e:
        raise EndError(f"{path}: does not tell where the journal ended: {e}") from e


class EndMark:
    """
    Writes the end down after each record, in place and of one length: a full disk has room for it.

    It is written after the record, so that a process which dies between the two leaves it one
    behind, and never ahead.

    Parameters
    ----------
    journal : Path
        Whose end it is.

    Raises
    ------
    OSError
        If it cannot be written.

    """

    def __init__(self, journal: Path) -> None:
        self._file = os.open(end_path(journal), os.O_WRONLY | os.O_CREAT, 0o644)

    def write(self, end: End) -> None:
        """
        Write it.

        Raises
        ------
        OSError
            If that fails.

        """
        os.pwrite(self._file, b"%020d %s\n" % (end.records, end.last_hash.encode()), 0)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
