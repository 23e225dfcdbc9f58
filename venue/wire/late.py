"""What is sent later: nothing overtakes what waits on the same line."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Late:
    """
    A queue by due time.

    A line is what the venue keeps in order: the events of one type of one account, or one market
    stream. Lines overtake each other.

    Parameters
    ----------
    now_ms : callable
        The market's time in milliseconds.

    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._waiting: list[tuple[int, int, str, Callable[[], None]]] = []
        self._on_line: Counter[str] = Counter()
        self._last_due_ms: dict[str, int] = {}
        self._count = 0

    def is_free(self, line: str) -> bool:
        """Return whether nothing waits on a line."""
        return not self._on_line[line]

    def put(self, line: str, delay_ms: int, action: Callable[[], None]) -> None:
        """Do something after a delay and after all that waits on its line, perhaps at once."""
        if delay_ms <= 0 and self.is_free(line):
            action()
            return
        due_ms = self._now_ms() + max(delay_ms, 0)
        if not self.is_free(line):
            due_ms = max(due_ms, self._last_due_ms[line])
        self._count += 1
        self._on_line[line] += 1
        self._last_due_ms[line] = due_ms
        heapq.heappush(self._waiting, (due_ms, self._count, line, action))

    def run(self) -> None:
        """Do what is due."""
        now_ms = self._now_ms()
        while self._waiting and self._waiting[0][0] <= now_ms:
            _, _, line, action = heapq.heappop(self._waiting)
            self._on_line[line] -= 1
            action()
