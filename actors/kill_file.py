"""The kill switch as a file in the state folder: looked at many times a second."""

from __future__ import annotations

from pathlib import Path

from risk.kills import TEXT_LENGTH_MAX, Kill, KillLevel, parse_kill

PULLED = "1"


class KillFile:
    """
    Tells when the file has been pulled, once for each writing.

    A file that cannot be read is pulled, too; an empty one is so at the second look, because whoever
    redirects a text into a file makes it empty first.

    Parameters
    ----------
    path : Path
        The file.
    default : KillLevel
        What it means when it names no level.

    """

    def __init__(self, path: Path, default: KillLevel) -> None:
        self.path = path
        self._default = default
        self._seen: tuple[int, int, int] | None = None
        self._was_empty = False

    def look(self, now_ns: int) -> Kill | None:
        """Return the kill that has been written since the last look, if any."""
        stamp = self._stamp()
        if stamp is None or stamp == self._seen:
            self._seen = stamp
            return None
        text = self._text()
        if not text.strip() and not self._was_empty:
            self._was_empty = True
            return None
        self._was_empty = False
        self._seen = stamp
        return parse_kill(
            text.strip() or PULLED,
            default=self._default, source="file", by=f"file {self.path.name}", ts_ns=now_ns,
        )  # fmt: skip

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError:
            return (0, 0, 0)  # There is something that cannot be looked at.
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _text(self) -> str:
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                return file.read(TEXT_LENGTH_MAX)
        except OSError as e:
            return f"{self.path.name} cannot be read: {e.strerror}"
