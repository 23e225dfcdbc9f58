"""Progress is for a person at a terminal who waits for more than a second."""

import io
import sys
import time

import pytest

from catalog.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO, seconds: float) -> str:
    """Return what is drawn when the work is half done after some seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        patch.setenv("TERM", "xterm")
        started = time.monotonic()
        with Progress("ingest", total=10) as progress:
            patch.setattr(time, "monotonic", lambda: started + seconds)
            progress.advance(5)
            patch.undo()
    return stream.getvalue()


def test_progress_is_drawn_at_a_terminal_once_a_second_has_passed() -> None:
    assert "ingest" in shown(Terminal(), seconds=1.1)


def test_nothing_is_drawn_within_the_first_second() -> None:
    assert shown(Terminal(), seconds=0.9) == ""


def test_nothing_is_drawn_where_no_one_looks() -> None:
    assert shown(io.StringIO(), seconds=5.0) == ""
