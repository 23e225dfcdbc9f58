"""A run's recording on disk: written line by line as it happens, so that a kill loses seconds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from nautilus_trader.common.component import Logger
from nautilus_trader.model.events import OrderEvent
from nautilus_trader.serialization.serializer import MsgSpecSerializer

from actors.recorder import (
    BalanceSample,
    Entry,
    OpeningOrder,
    OpeningPosition,
    PriceSample,
)
from risk.events import FundingPayment, Liquidation

RECORDING_FILE = "recording.jsonl"
CONTROLS_FILE = "controls.json"
_RUN, _END, _EVENT = "run", "end", "event"
_ROWS: dict[str, Any] = {
    row.__name__: row
    for row in (
        PriceSample, BalanceSample, FundingPayment, Liquidation, OpeningPosition, OpeningOrder,
    )
}  # fmt: skip


class RecordingError(ValueError):
    """A recording that cannot be read; the text names the file, the line and the rule."""


class Header(msgspec.Struct, frozen=True):
    """
    What a recording begins with: which run it is, and where its journal lies.

    ``profile`` is the resolved profile as JSON text; ``journal_records`` is how many records the
    journal held when the run began: the last profile among them is this run's.

    """

    started_ns: int
    profile: str
    profile_hash: str
    strategy_ids: list[str]
    venue: str
    account_id: str
    journal: str
    journal_records: int


class Recording(NamedTuple):
    """A recording that was read; *ended_ns* is None when the process did not live to end it."""

    header: Header
    entries: list[Entry]
    ended_ns: int | None


class RecordingFile:
    """
    Writes a recording, every entry to the operating system at once.

    A disk that fails ends the recording and not the run: whoever must not trade without a record
    is the gate, and has the journal for it.

    Parameters
    ----------
    path : Path
        A file that is not there yet.

    Raises
    ------
    OSError
        If the file is there already, or cannot be made.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failure: str | None = None
        self._log = Logger("Recording")
        self._serializer = MsgSpecSerializer(msgspec.json)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)

    def begin(self, header: Header) -> None:
        """Write the header; call it once, before anything else."""
        self._write(_RUN, msgspec.json.encode(header))

    def append(self, entry: Entry) -> None:
        """Write an entry."""
        if isinstance(entry, OrderEvent):
            self._write(_EVENT, self._serializer.serialize(entry))
        else:
            self._write(type(entry).__name__, msgspec.json.encode(list(entry)))

    def end(self, ts_ns: int) -> None:
        """Say that the run ended in good order, and close the file; a second call does nothing."""
        if self._fd < 0:
            return
        self._write(_END, msgspec.json.encode(ts_ns))
        os.close(self._fd)
        self._fd = -1

    def _write(self, kind: str, data: bytes) -> None:
        if self.failure is not None or self._fd < 0:
            return
        line = b'["%s",%s]\n' % (kind.encode(), data)
        try:
            written = os.write(self._fd, line)
        except OSError as e:
            self._fail(str(e))
            return
        if written != len(line):
            self._fail(f"{written} of {len(line)} bytes written")

    def _fail(self, why: str) -> None:
        self.failure = f"{self.path}: cannot be written: {why}"
        self._log.error(f"The recording ends here: {self.failure}")


def read_recording(path: Path) -> Recording:
    """
    Read a recording; a torn last line, which a kill leaves, is left out.

    Raises
    ------
    RecordingError
        If there is no such file, it has no header, or another line is no entry.

    """
    header: Header | None = None
    entries: list[Entry] = []
    ended_ns: int | None = None
    serializer = MsgSpecSerializer(msgspec.json)
    for where, kind, data in _lines(path):
        try:
            if kind == _RUN:
                header = msgspec.json.decode(data, type=Header)
            elif kind == _END:
                ended_ns = msgspec.json.decode(data, type=int)
            elif kind == _EVENT:
                entries.append(_order_event(serializer.deserialize(data)))
            else:
                entries.append(msgspec.json.decode(data, type=_ROWS[kind]))
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError, RuntimeError) as e:
            raise RecordingError(f"{where}: is no entry: {e}") from e
    if header is None:
        raise RecordingError(f"{path}: has no header: the node did not come to start")
    return Recording(header, entries, ended_ns)


def _order_event(value: object) -> OrderEvent:
    if not isinstance(value, OrderEvent):
        raise TypeError("an order event was expected")
    return value


def _lines(path: Path) -> Iterator[tuple[str, str, bytes]]:
    try:
        file = path.open("rb")
    except OSError as e:
        raise RecordingError(f"{path}: cannot be read: {e.strerror}") from e
    with file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            where = f"{path}: line {number}"
            try:
                kind, data = msgspec.json.decode(line, type=tuple[str, msgspec.Raw])
            except msgspec.MsgspecError as e:
                raise RecordingError(f"{where}: is no entry: {e}") from e
            yield where, kind, bytes(data)
