"""Keep what happened for a person: like things within a minute are one line with a count."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from actors.notices import Notice

FOLD_NS = 60_000_000_000
LINES_KEPT = 200


@dataclass(slots=True)
class Line:
    """A notice, and how many like it came within a minute of the first; *notice* is the last."""

    notice: Notice
    first_ns: int
    count: int = 1


class EventLog:
    """The last lines, oldest first; notices of one group are folded for a minute."""

    def __init__(self) -> None:
        self.lines: deque[Line] = deque(maxlen=LINES_KEPT)
        self._open: dict[str, Line] = {}

    def add(self, notice: Notice) -> Line:
        """Take a notice; the line that it went to has a count of 1 when it is new."""
        line = self._open.get(notice.group) if notice.group else None
        if line is not None and notice.ts_ns - line.first_ns < FOLD_NS:
            line.count += 1
            line.notice = notice
            return line
        line = Line(notice, notice.ts_ns)
        self.lines.append(line)
        if notice.group:
            self._open[notice.group] = line
        return line

    def close(self, now_ns: int) -> list[Line]:
        """Return the folded lines whose minute is over and end them."""
        over = [line for line in self._open.values() if now_ns - line.first_ns >= FOLD_NS]
        for line in over:
            del self._open[line.notice.group]
        return over
