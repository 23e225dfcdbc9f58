"""A small JSON file that is written in place: a full disk has room for it."""

from __future__ import annotations

import errno
import json
import os
import zlib
from pathlib import Path
from typing import Any

from risk.state_dir import replace_file

PAGE_BYTES = 4_096
READS_MAX = 5
MARK = b'{"crc32":"'
"""How each object begins: at the same place in all of them, so that a mixture has it, too."""
SUM_CHARS = 8


class InPlaceFile:
    """
    Writes JSON objects, none of them empty, over one another, in a file that is larger than they are.

    Once it is there it needs no room on the disk. Who reads while it is written may see parts of two
    objects; the checksum in each tells (`read_in_place`).

    """

    def __init__(self) -> None:
        self._file: int | None = None
        self._size = 0

    def write(self, path: Path, table: bytes) -> None:
        """
        Write *table*, an encoded object; the file is made anew where it is gone or too small.

        Raises
        ------
        OSError
            If it cannot be written.

        """
        text = MARK + b'%08x",' % zlib.crc32(table) + table[1:]
        if self._file is None or len(text) > self._size or not self._is_there(path):
            self._renew(path, text)
            return
        if os.pwrite(self._file, text.ljust(self._size), 0) != self._size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _is_there(self, path: Path) -> bool:
        assert self._file is not None, "Invariant: opened"
        try:
            return os.path.samestat(path.stat(), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def _renew(self, path: Path, text: bytes) -> None:
        """Put a new file there as a whole, twice as large as needed."""
        self.close()
        self._size = -(-2 * len(text) // PAGE_BYTES) * PAGE_BYTES
        replace_file(path, text.ljust(self._size))
        self._file = os.open(path, os.O_WRONLY)


def read_in_place(path: Path) -> dict[str, Any]:
    """Return the object of such a file, or of any JSON file; an empty one when there is none."""
    for _ in range(READS_MAX):  # Between two reads a writer has long finished.
        try:
            text = path.read_bytes()
        except OSError:
            return {}
        table = _whole(text.rstrip())
        if table is not None:
            return table
    return {}


def _whole(text: bytes) -> dict[str, Any] | None:
    """Return the object in a text, None when it is torn or none."""
    if text.startswith(MARK):
        sum_, text = text[len(MARK) :][:SUM_CHARS], b"{" + text[len(MARK) + SUM_CHARS + 2 :]
        if sum_ != b"%08x" % zlib.crc32(text):
            return None
    try:
        table = json.loads(text)
    except ValueError:
        return None
    return table if isinstance(table, dict) else None
