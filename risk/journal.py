"""An append-only journal: numbered JSON lines, each holding the hash of the one before."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from risk.journal_end import End, EndError, EndMark, end_path, read_end

GENESIS = "0" * 64
Sync = Literal["none", "flush", "fsync"]
_BROKEN_ADVICE = (
    "a crash or a full disk tears a last line; keep the file, and move it away together with its "
    ".end: the next start begins a new one, and the latch still holds the trading state"
)
_LOST_ADVICE = (
    "lines are lost: put them back; or keep the .end, move it away and look at the venue first: the "
    "next start then trusts what is left"
)
TOLD = frozenset({"denied", "fill", "ended", "alarm", "venue", "opened", "protection"})
"""The kinds of records that tell what has happened, and that nothing waits for."""


class JournalError(RuntimeError):
    """A journal that is broken or cannot be written; the text names the file, line and rule."""


class Journal:
    """
    Writes decisions down before they take effect.

    Each line is ``{"seq", "prev", "ts", "type", "data", "hash"}``; ``hash`` is the SHA-256 of the
    line up to it, so that an edited, deleted or reordered line breaks the chain. What is cut off its
    end is missed by the file beside it that says how far it reached (not with ``sync`` "none").

    Parameters
    ----------
    path : Path
        The file; an existing one is verified and continued.
    sync : {"none", "flush", "fsync"}
        How hard each record is pushed to the disk: left in this process's buffer (backtests),
        handed to the operating system, or forced onto the disk.

    Raises
    ------
    JournalError
        If the existing file is broken, in use by another kernel, or cannot be opened. A broken one
        is kept for whoever looks into it: move it away, and the next start begins a new one under
        the state that the latch holds.

    """

    def __init__(self, path: Path, *, sync: Sync) -> None:
        self.path = path
        self._sync = sync
        self._failure: str | None = None
        self._end: EndMark | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=1 << 16)
        except OSError as e:
            raise JournalError(f"{path}: cannot be written: {e.strerror}") from e
        try:
            self._claim()
            self._seq, self._prev = verify(path)
            self._mark()
        except JournalError:
            self._file.close()
            raise

    def _mark(self) -> None:
        """Open the file that says how far it reached, and say so."""
        if self._sync == "none":
            return
        try:
            self._end = EndMark(self.path)
            self._end.write(End(self._seq, self._prev))
        except OSError as e:
            raise JournalError(f"{end_path(self.path)}: cannot be written: {e.strerror}") from e

    def _claim(self) -> None:
        """Keep other kernels out, also of this process: two writers would break the chain."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            raise JournalError(
                f"{self.path}: is in use: one state folder serves one kernel at a time "
                "(close the guard of the other, or give each a state_dir)"
            ) from e

    @property
    def is_new(self) -> bool:
        """Return whether nothing was ever written."""
        return self._seq == 0

    def append(self, kind: str, ts_ns: int, data: dict[str, Any] | msgspec.Struct) -> None:
        """
        Write one record.

        With ``fsync`` only a record that something is about to rest on is forced onto the disk, and
        all before it with it. One that tells what has happened (`TOLD`) outlives the process at once
        and the machine's power a moment later; forcing each would hold up who acts on it.

        Raises
        ------
        JournalError
            If it cannot be written, or could not once: what is left of that record may reach the
            disk later, and only a restart, which verifies the file, can tell.

        """
        if self._failure is not None:
            raise JournalError(self._failure)
        head = {"seq": self._seq, "prev": self._prev, "ts": ts_ns, "type": kind, "data": data}
        try:
            line, digest = _seal(msgspec.json.encode(head))
        except (TypeError, ValueError) as e:
            raise JournalError(f"{self.path}: a record of {kind} is no JSON: {e}") from e
        try:
            self._file.write(line)
            if self._sync != "none":
                self._file.flush()
            if self._sync == "fsync" and kind not in TOLD:
                os.fsync(self._file.fileno())
            if self._end is not None:
                self._end.write(End(self._seq + 1, digest))
        except (OSError, ValueError) as e:
            self._failure = f"{self.path}: cannot be written: {e}"
            raise JournalError(self._failure) from e
        self._seq += 1
        self._prev = digest

    @property
    def count(self) -> int:
        """Return the number of records."""
        return self._seq

    @property
    def last_hash(self) -> str:
        """Return the hash of the last record: whoever keeps it can prove that none was cut off."""
        return self._prev

    def close(self) -> None:
        """Write out and close the file."""
        if self._end is not None:
            self._end.close()
            self._end = None
        self._file.close()


def _seal(head: bytes) -> tuple[bytes, str]:
    digest = hashlib.sha256(head).hexdigest()
    return head[:-1] + b',"hash":"' + digest.encode() + b'"}\n', digest


def read(path: Path) -> Iterator[dict[str, Any]]:
    """
    Yield the records of a journal in order, without judging the chain (see `verify`).

    Raises
    ------
    JournalError
        If the file cannot be read, or a line is no record; the text names the line.

    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield _decoded(line, f"{path}: line {number}")
    except OSError as e:
        raise JournalError(f"{path}: cannot be read: {e.strerror}") from e


def _decoded(line: bytes, where: str) -> dict[str, Any]:
    try:
        record: dict[str, Any] = msgspec.json.decode(line, type=dict)
        _ = record["type"], record["ts"], record["data"]
    except (msgspec.DecodeError, KeyError) as e:
        raise JournalError(f"{where}: is torn or is no record") from e
    return record


def verify(path: Path) -> tuple[int, str]:
    """
    Check every line of a journal.

    Returns
    -------
    tuple[int, str]
        The next number and the last hash.

    Raises
    ------
    JournalError
        If a line is torn, edited, missing or out of order; the text names the line. Also if it ends
        before the record that was its last one.

    """
    seq, prev = 0, GENESIS
    try:
        end = read_end(path)
    except EndError as e:
        raise JournalError(f"{e} ({_LOST_ADVICE})") from e
    if end is not None and not path.exists():
        raise JournalError(
            f"{path}: is gone, it had {end.records} records by {end_path(path)} ({_LOST_ADVICE})"
        )
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            where = f"{path}: line {number}"
            try:
                record = msgspec.json.decode(line)
                digest = str(record.pop("hash"))
                chained = (record["seq"], record["prev"])
            except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as e:
                raise JournalError(f"{where}: is torn or is no record ({_BROKEN_ADVICE})") from e
            if not line.endswith(b"\n") or _seal(msgspec.json.encode(record))[0] != line:
                raise JournalError(
                    f"{where}: was changed: its hash does not fit ({_BROKEN_ADVICE})"
                )
            if chained != (seq, prev):
                raise JournalError(
                    f"{where}: breaks the chain: number {chained[0]}, {seq} expected "
                    f"({_BROKEN_ADVICE})"
                )
            seq, prev = seq + 1, digest
            if end is not None and seq == end.records and prev != end.last_hash:
                raise JournalError(f"{where}: is not the record that was there ({_BROKEN_ADVICE})")
    if end is not None and seq < end.records:
        raise JournalError(
            f"{path}: ends with record {seq}, the last one was {end.records} by {end_path(path)} "
            f"({_LOST_ADVICE})"
        )
    return seq, prev
