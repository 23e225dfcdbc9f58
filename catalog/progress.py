"""Progress on the terminal, and nothing anywhere else."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

_SHOWN_AFTER_SEC = 1.0


class Bar:
    """One line of progress; it shows itself once the work has taken a second."""

    def __init__(self, title: str, total: float | None) -> None:
        self._started = time.monotonic()
        self._title = title
        self._total = total
        self._done = 0.0
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def advance(self, amount: float = 1.0) -> None:
        """Count more of the total as done."""
        self._done += amount
        if self._progress is None and time.monotonic() - self._started >= _SHOWN_AFTER_SEC:
            self._show()
        if self._progress is not None:
            self._progress.update(self._task, completed=self._done)

    def close(self) -> None:
        """Take the line off the terminal."""
        if self._progress is not None:
            self._progress.stop()

    def _show(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._progress.start()
        self._task = self._progress.add_task(self._title, total=self._total)


@contextmanager
def bar(title: str, total: float | None = None) -> Iterator[Bar]:
    """
    Show progress on stderr while the block runs.

    Nothing is drawn when stderr is not a terminal, or in the first second.

    Parameters
    ----------
    title : str
        What is going on.
    total : float, optional
        How much there is to do, in whatever ``advance`` is given.

    """
    line = Bar(title, total)
    try:
        yield line
    finally:
        line.close()
