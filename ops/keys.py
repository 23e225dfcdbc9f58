"""Hear single keys on a terminal without stopping the event loop."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def pressed(on_key: Callable[[str], None]) -> Iterator[None]:
    """
    Tell *on_key* of every key that is pressed, in lower case; call it on the running loop.

    The terminal is put back as it was on the way out. Where standard input is no terminal nothing
    is heard.

    """
    if not sys.stdin.isatty():
        yield
        return
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            typed = os.read(fd, 64)
        except OSError:
            typed = b""
        for key in typed.decode(errors="replace").lower():
            on_key(key)
        if not typed:  # the terminal is gone: else the loop would spin on it
            loop.remove_reader(fd)

    termios.tcflush(fd, termios.TCIFLUSH)
    # Keys at once and without echo; Ctrl-C still is a signal. After Ctrl-S nothing waits for Ctrl-Q.
    tty.setcbreak(fd, termios.TCSANOW)
    loop.add_reader(fd, read)
    try:
        yield
    finally:
        loop.remove_reader(fd)
        with suppress(termios.error):  # The terminal is gone.
            termios.tcsetattr(fd, termios.TCSANOW, before)
