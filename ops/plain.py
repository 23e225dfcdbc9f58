"""The running node as plain lines: one for each event that matters, and a heartbeat."""

from __future__ import annotations

from rich.console import Console

from actors.notices import Notice
from actors.snapshot import Snapshot
from ops.events import EventLog, Line
from ops.words import clock_time, health_words, position_words, use_words

HEARTBEAT_NS = 30_000_000_000


class PlainLines:
    """
    Write lines that a log collector can keep.

    A denial is written when it is the first of its reason within a minute; how many more came is
    written when the minute is over.

    Parameters
    ----------
    console : Console
        Where to.

    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._log = EventLog()
        self._next_beat_ns = 0

    def show(self, snapshot: Snapshot | None, notices: list[Notice]) -> None:
        """Write what is new."""
        for notice in notices:
            self._close(notice.ts_ns)
            if self._log.add(notice).count == 1:
                self._write(notice.ts_ns, notice.kind, notice.text)
        if snapshot is None:
            return
        self._close(snapshot.ts_ns)
        if snapshot.ts_ns >= self._next_beat_ns:
            self._next_beat_ns = snapshot.ts_ns + HEARTBEAT_NS
            self._write(snapshot.ts_ns, "BEAT", heartbeat(snapshot))

    def finish(self, snapshot: Snapshot | None, notices: list[Notice]) -> None:
        """Write what is left, with the counts that are still open, and a last heartbeat."""
        self._next_beat_ns = 0
        self.show(snapshot, notices)
        if snapshot is not None:
            self._close(2**63)

    def _close(self, now_ns: int) -> None:
        for line in self._log.close(now_ns):
            if line.count > 1:
                self._write(line.notice.ts_ns, line.notice.kind, _again(line))

    def _write(self, ts_ns: int, kind: str, text: str) -> None:
        line = f"{clock_time(ts_ns)} {kind:<8} {text}"
        self._console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)


def _again(line: Line) -> str:
    more = line.count - 1
    return f"{line.notice.group}: {more} more within the minute; last: {line.notice.text}"


def heartbeat(snapshot: Snapshot) -> str:
    """Return the node's state in one line."""
    positions = ", ".join(position_words(position) for position in snapshot.positions) or "flat"
    equity = "unknown" if snapshot.equity_usdt is None else f"{snapshot.equity_usdt:,.2f}"
    known = [use for use in snapshot.exposure if use.share is not None]
    most = max(known, key=lambda use: use.share or 0.0, default=None)
    used = "caps unknown" if most is None else use_words(most)
    parts = [
        snapshot.state,
        f"equity {equity} USDT",
        positions,
        used,
        f"{len(snapshot.orders)} orders",
        f"{snapshot.denials_total} denied",
        health_words(snapshot),
    ]
    if snapshot.hold is not None:
        parts.insert(1, f"new risk waits: {snapshot.hold}")
    if snapshot.error is not None:
        parts.append(f"STATUS FAILED: {snapshot.error}")
    return "; ".join(parts)
