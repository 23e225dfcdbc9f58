"""What the commands share."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from typing import NoReturn

OK = 0
BROKEN_INVARIANT = 70
NOT_WRITTEN = 74
TEMPORARY = 75
BAD_CONFIGURATION = 78
INTERRUPTED = 130
"""Exit codes: those of sysexits.h, and the shell's for a signal."""


class Parser(argparse.ArgumentParser):
    """An argument parser that answers bad usage with the documented exit code."""

    def error(self, message: str) -> NoReturn:
        """Print usage and *message*, and exit with 78."""
        self.print_usage()
        self.exit(BAD_CONFIGURATION, f"{self.prog}: {message}\n")


def say(text: str, *, is_error: bool = False) -> None:
    """Print a line; a terminal or a pipe that is gone hinders nothing."""
    stream = sys.stderr if is_error else sys.stdout
    if stream is None:  # Closed before we began: print would take standard output instead.
        return
    with suppress(OSError, ValueError):
        try:
            print(text, file=stream, flush=True)
        except OSError:
            # What is kept for the next try would be tried at the end, too, and change the exit code.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)


def user_name() -> str:
    """Return who runs this; ``uid 1000`` where the user has no name, as in a container."""
    import getpass  # Only who is not told a name asks for one.

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        return f"uid {os.getuid()}"
