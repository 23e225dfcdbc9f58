"""Standard output and error that cannot stop a node: who does not read them loses lines."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

STREAMS = (1, 2)
PIPE_BYTES = 1 << 20
"""What Linux lets anybody have (``/proc/sys/fs/pipe-max-size``)."""
READ_BYTES = 1 << 16
WAITING_BYTES_MAX = 1 << 20
"""So much is kept for a reader that does not read; half of it must be gone before more is. A line
that has begun is kept to its end."""
END_SEC_MAX = 2.0
"""How long the end of a process waits for its reader."""


class Outlet:
    """
    Stands between file descriptors of this process and where they lead.

    NautilusTrader writes each error to descriptor 2, past Python, and aborts the process when that
    fails: with a pipe or a terminal that is gone, or a full disk. It, and everybody else, waits
    there for a reader that is stuck (a stopped ``tee``, Ctrl-S). Behind an outlet they write into
    a pipe that one thread of this process always empties, and another one passes it on.

    Parameters
    ----------
    numbers : Sequence[int]
        The descriptors, which must be open.
    target : int, optional
        Where to instead of where the first of them leads; the caller keeps it open.

    """

    def __init__(self, numbers: Sequence[int], target: int | None = None) -> None:
        self._before = {number: os.dup(number) for number in numbers}
        self._target = self._before[numbers[0]] if target is None else target
        self._source, sink = os.pipe()
        with suppress(OSError):  # Then it is smaller.
            fcntl.fcntl(sink, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._turn = threading.Condition()
        self._waiting = bytearray()
        self._is_dropping = self._is_broken = self._has_ended = False
        self.lost_lines = 0
        """Lines that were not passed on so far."""
        self._threads = [
            threading.Thread(target=work, name=work.__name__, daemon=True)
            for work in (self._take, self._give)
        ]
        for thread in self._threads:
            thread.start()
        for number in numbers:
            os.dup2(sink, number)
        os.close(sink)

    @property
    def terminal(self) -> int | None:
        """Return a descriptor of the terminal where it leads, None where that is none."""
        return self._target if os.isatty(self._target) else None

    def close(self) -> None:
        """Pass on what is left, for so long as that may take, and let the descriptors be as before."""
        null = os.open(os.devnull, os.O_WRONLY)
        for number in self._before:
            os.dup2(null, number)  # The last ends of the pipe: so its reader comes to an end.
        os.close(null)
        for thread in self._threads:
            thread.join(END_SEC_MAX)
        is_well = not self._is_broken and not any(thread.is_alive() for thread in self._threads)
        for number, before in self._before.items():
            if is_well or before != self._target:
                os.dup2(before, number)
            if is_well:
                os.close(before)

    def _take(self) -> None:
        while chunk := os.read(self._source, READ_BYTES):
            with self._turn:
                self._keep(chunk)
                self._turn.notify_all()
        os.close(self._source)
        with self._turn:
            self._has_ended = True
            self._turn.notify_all()

    def _keep(self, chunk: bytes) -> None:
        """Let it wait, or as many whole lines of it as there is room for."""
        if self._is_dropping:
            if len(self._waiting) > WAITING_BYTES_MAX // 2 or b"\n" not in chunk:
                self.lost_lines += chunk.count(b"\n")
                return
            self._is_dropping = False
            self.lost_lines += 1
            chunk = chunk[chunk.index(b"\n") + 1 :]
        room = WAITING_BYTES_MAX - len(self._waiting)
        if len(chunk) > room:
            self._is_dropping = True
            end = chunk.find(b"\n", max(room, 0)) + 1 or chunk.rfind(b"\n") + 1
            self.lost_lines += chunk.count(b"\n", end)
            chunk = chunk[:end]
        self._waiting += chunk

    def _give(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._waiting or self._has_ended)
                if not self._waiting:
                    return
                chunk = bytes(self._waiting[:READ_BYTES])
                del self._waiting[:READ_BYTES]
            self._write(chunk)

    def _write(self, chunk: bytes) -> None:
        try:
            while chunk:
                chunk = chunk[os.write(self._target, chunk) :]
            self._is_broken = False
        except OSError:  # The next one is tried again: a disk may have room by then.
            self._is_broken = True
            with self._turn:
                self.lost_lines += chunk.count(b"\n")


class Output:
    """
    Both standard streams of a process behind outlets, one where both lead to the same place.

    Parameters
    ----------
    outlets : Sequence[Outlet]
        That of standard output, and perhaps that of standard error.

    """

    def __init__(self, outlets: Sequence[Outlet]) -> None:
        self._outlets = outlets
        self.terminal = outlets[0].terminal
        """A descriptor of the terminal that standard output is, None where it is none."""

    @property
    def lost_lines(self) -> int:
        """Return how many lines nobody has read so far."""
        return sum(outlet.lost_lines for outlet in self._outlets)


@contextmanager
def safe_output() -> Iterator[Output]:
    """Put outlets before both standard streams for the block, and pass on all that is left at its end."""
    for number in STREAMS:
        _open(number)
    groups = [STREAMS] if os.path.sameopenfile(*STREAMS) else [(number,) for number in STREAMS]
    _flush()
    outlets = [Outlet(group) for group in groups]
    with ExitStack() as stack:
        for outlet in outlets:
            stack.callback(outlet.close)
        stack.callback(_flush)
        yield Output(outlets)


def _open(number: int) -> None:
    """Open a descriptor that is closed: else the next file would get it, and everybody's lines."""
    try:
        os.fstat(number)
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        if null != number:
            os.dup2(null, number)
            os.close(null)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
