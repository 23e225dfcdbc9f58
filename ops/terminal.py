"""The console of a process whose output goes through outlets."""

from __future__ import annotations

import os
from contextlib import suppress

from rich.console import Console, ConsoleDimensions

from ops.output import Output


def console_of(output: Output) -> Console:
    """Return the console: a terminal where standard output is one, with its size and colors."""
    return Console() if output.terminal is None else _Terminal(output.terminal)


class _Terminal(Console):
    """Knows the terminal behind the outlet: to rich standard output looks like a pipe."""

    def __init__(self, number: int) -> None:
        super().__init__(force_terminal=True)
        self._number = number

    @property  # type: ignore[misc]  # rich's own can be set, which nobody does
    def size(self) -> ConsoleDimensions:
        """Return what the terminal says; where it is gone or cannot tell, what rich makes of it."""
        with suppress(OSError):
            width, height = os.get_terminal_size(self._number)
            if width and height and not self.is_dumb_terminal:
                return ConsoleDimensions(width, height)
        return super().size
