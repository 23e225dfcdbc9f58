"""The wire log: one numbered JSON line for everything that crossed the wire, and the truth behind."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from venue.wire.signing import SECRETS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TAIL_LINES = 2_000
FLUSH_BYTES = 1 << 16


class WireLog:
    """
    Numbered lines of JSON, kept in memory (the last 2,000) and in a file when one is given.

    Parameters
    ----------
    path : Path, optional
        The file; created anew, readable by its owner alone.
    now_ms : callable
        The venue's time in milliseconds, written into each line.

    """

    def __init__(self, path: Path | None, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._encoder = msgspec.json.Encoder()
        self._tail: deque[dict[str, Any]] = deque(maxlen=TAIL_LINES)
        self._pending = bytearray()
        self._file = _create(path) if path else None
        self.lines = 0

    def write(self, kind: str, **fields: Any) -> int:
        """Append a line and return its number, counted from 1."""
        self.lines += 1
        line = {"n": self.lines, "ts": self._now_ms(), "kind": kind, **fields}
        self._tail.append(line)
        if self._file is not None:
            self._encoder.encode_into(line, self._pending, -1)
            self._pending += b"\n"
            if len(self._pending) >= FLUSH_BYTES:
                self.flush()
        return self.lines

    def request(
        self, account: str | None, method: str, path: str, params: Mapping[str, str]
    ) -> int:
        """Write a request, without its signature, and return the line's number."""
        shown = {name: value for name, value in params.items() if name not in SECRETS}
        return self.write(
            "request", id=self.lines + 1, account=account, method=method, path=path, params=shown
        )

    def answer(self, to: int, status: int, body: Any, *, sent: bool) -> None:
        """Write the answer to the request of line *to*; not *sent* when the reply was lost."""
        self.write("answer", to=to, status=status, body=body, sent=sent)

    def tail(self, count: int) -> list[dict[str, Any]]:
        """Return the last *count* lines, at most 2,000."""
        return list(self._tail)[-count:] if count > 0 else []

    def flush(self) -> None:
        """Hand what was written to the file."""
        if self._file is not None and self._pending:
            os.write(self._file, self._pending)
            self._pending.clear()

    def close(self) -> None:
        """Flush and close the file; later lines stay in memory."""
        self.flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
