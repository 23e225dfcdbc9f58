"""Progress on the terminal, and nothing anywhere else."""

import sys
import time
from typing import Self

from rich import progress
from rich.console import Console

_SHOWN_AFTER_SEC = 1.0


class Progress:
    """
    One line of progress on stderr, while the ``with`` block runs.

    Nothing is drawn when stderr is not a terminal, or in the first second.

    Parameters
    ----------
    title : str
        What is going on.
    total : float
        How much there is to do, in whatever ``advance`` is given.

    """

    def __init__(self, title: str, total: float) -> None:
        self._title = title
        self._total = total
        self._done = 0.0
        self._shown_at = time.monotonic() + _SHOWN_AFTER_SEC
        self._bar: progress.Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, amount: float) -> None:
        """Count more of the total as done."""
        self._done += amount
        if self._bar is None and sys.stderr.isatty() and time.monotonic() >= self._shown_at:
            self._bar = progress.Progress(console=Console(stderr=True), transient=True)
            self._bar.add_task(self._title, total=self._total)
            self._bar.start()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done)
