"""Where a node's own log goes: into a file that cannot fill the disk."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nautilus_trader.common.component import Logger
from nautilus_trader.config import LoggingConfig

from ops.output import Outlet

LOG_BYTES_MAX = 50_000_000
LOG_FILES_MAX = 9
"""Older files kept beside the one being written: half a gigabyte at most, all together."""
TELL_SEC = 60.0


def log_config(run_dir: Path, *, level: str = "INFO") -> LoggingConfig:
    """
    Return the logging of a node that a person watches: files in *run_dir*, nothing on the screen.

    Parameters
    ----------
    run_dir : Path
        The run's folder; files are named ``node_<time>.log``.
    level : str
        Least level that is written.

    """
    return LoggingConfig(
        log_level="OFF",
        log_level_file=level,
        log_directory=str(run_dir),
        log_file_name="node",
        log_file_max_size=LOG_BYTES_MAX,
        log_file_max_backup_count=LOG_FILES_MAX,
        log_colors=False,
    )


class LostLines:
    """
    Says in the node's log that output is lost, at once and then once a minute while more is.

    Parameters
    ----------
    count : Callable
        Tells how many lines of output nobody has read so far.

    """

    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count
        self._told, self._next_at = 0, float("-inf")
        self._log = Logger("Output")

    def look(self, now_sec: float) -> None:
        """Look at *now_sec*, seconds of any clock that goes on; infinity is the end."""
        lost = self._count()
        if lost > self._told and now_sec >= self._next_at:
            self._told, self._next_at = lost, now_sec + TELL_SEC
            self._log.warning(f"Nobody reads the output: {lost} lines of it are lost by now")


@contextmanager
def stderr_to(path: Path) -> Iterator[None]:
    """
    Send the process's standard error to a file: what anybody writes there would tear a screen.

    NautilusTrader writes each error there too, whatever its log level, past Python's ``sys.stderr``.
    A disk that is full loses lines.

    """
    sys.stderr.flush()
    with path.open("ab") as file:
        outlet = Outlet([sys.stderr.fileno()], file.fileno())
        try:
            yield
        finally:
            sys.stderr.flush()
            outlet.close()
