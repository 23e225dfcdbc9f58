"""Outlets: what waits for a reader is bounded, whole lines are lost, and losses are counted."""

import fcntl
import os
import struct
import termios
import threading
from collections.abc import Iterator

import pytest

from ops.output import WAITING_BYTES_MAX, Outlet, Output
from ops.terminal import console_of

LINE = b"%09d\n"
COUNT = 400_000
"""Lines of ten bytes: more than pipes and waiting room hold."""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for number in (reader, writer):
        os.close(number)


def written(number: int, count: int) -> None:
    for start in range(0, count, 100):
        os.write(number, b"".join(LINE % i for i in range(start, start + 100)))


def read_all(number: int) -> list[int]:
    text = b""
    while chunk := os.read(number, 1 << 20):
        text += chunk
    return [int(line) for line in text.splitlines()]


def test_a_reader_that_does_not_read_costs_whole_lines_which_are_counted():
    reader, writer = os.pipe()
    own = os.dup(writer)
    os.close(writer)
    outlet = Outlet([own])

    written(own, COUNT)  # Returns, though nobody reads.

    assert outlet.lost_lines > 0
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.extend(read_all(reader)))
    thread.start()
    outlet.close()
    os.close(own)
    thread.join(20)
    os.close(reader)
    assert len(seen) + outlet.lost_lines == COUNT
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert len(seen) * 10 >= WAITING_BYTES_MAX // 2


def test_a_reader_that_has_gone_costs_every_line_and_no_error():
    reader, own = os.pipe()
    outlet = Outlet([own])
    os.close(reader)

    written(own, 1_000)
    outlet.close()

    assert outlet.lost_lines == 1_000
    os.write(own, b"still none\n")
    os.close(own)


def test_an_outlet_that_is_closed_leaves_the_descriptor_as_it_was(pipe):
    reader, own = pipe
    before = os.fstat(own).st_ino
    outlet = Outlet([own])
    assert os.fstat(own).st_ino != before

    outlet.close()

    assert os.fstat(own).st_ino == before
    os.write(own, b"direct\n")
    assert os.read(reader, 100) == b"direct\n"


def test_the_console_of_a_terminal_has_its_size_and_colors(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("COLUMNS", "LINES", "NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    master, own = os.openpty()
    outlet = Outlet([own])
    try:
        console = console_of(Output([outlet]))
        for columns in (130, 91):
            fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 45, columns, 0, 0))
            assert console.size == (columns, 45)
        assert console.is_terminal
        assert console.color_system == "256"
    finally:
        outlet.close()
        os.close(own)
        os.close(master)


def test_the_console_of_a_pipe_is_no_terminal(pipe):
    outlet = Outlet([pipe[1]])
    try:
        assert Output([outlet]).terminal is None
    finally:
        outlet.close()
