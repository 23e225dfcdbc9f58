"""Where a node's own log goes: into a file that cannot fill the disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nautilus_trader.config import LoggingConfig

LOG_BYTES_MAX = 50_000_000
LOG_FILES_MAX = 9
"""Older files kept beside the one being written: half a gigabyte at most, all together."""


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


@contextmanager
def stderr_to(path: Path) -> Iterator[None]:
    """
    Send the process's standard error to a file: what anybody writes there would tear a screen.

    NautilusTrader writes each error there too, whatever its log level, past Python's ``sys.stderr``.

    """
    sys.stderr.flush()
    before = os.dup(sys.stderr.fileno())
    try:
        with path.open("ab") as file:
            os.dup2(file.fileno(), sys.stderr.fileno())
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, sys.stderr.fileno())
        os.close(before)
