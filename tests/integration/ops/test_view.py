"""The view beside a live kernel: on a terminal, in a pipe, and when nobody reads it any more."""

import asyncio
import contextlib
import io
import os
import pty
import re
import select
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from nautilus_trader.model.enums import TradingState
from rich.console import Console

from ops.view import run_view
from tests.watched_kit import WatchedScene

ROOT = Path(__file__).parents[3]
SEC_MAX = 60
SCRIPT = """
import asyncio, os, pathlib, sys
from rich.console import Console
from ops.view import run_view
from tests.watched_kit import WatchedScene

scene = WatchedScene(pathlib.Path(sys.argv[1]))
scene.submit(scene.bracket())
scene.status.take()
scene.loop.call_later(0.5, lambda: os.write(2, b"TORN\\n"))

async def main():
    pulled = lambda level: (scene.run_dir / "pulled").write_text(level.name)
    view = asyncio.create_task(run_view(scene.status, Console(), scene.run_dir, pulled))
    await asyncio.wait([view], timeout=float(sys.argv[2]))
    (pathlib.Path(sys.argv[1]) / "returned").write_text(str(view.done()))
    view.cancel()
    await asyncio.gather(view, return_exceptions=True)

scene.loop.run_until_complete(main())
scene.close()
"""


def read_until(fd: int, text: bytes, seen: bytes = b"") -> bytes:
    """Read a terminal until *text* was written."""
    while text not in seen:
        ready, _, _ = select.select([fd], [], [], SEC_MAX)
        assert ready, f"{text!r} was never written: {seen!r}"
        seen += os.read(fd, 65_536)
    return seen


def drained(fd: int, path: Path, seen: bytes) -> bytes:
    """Read a terminal until a file is there."""
    while not path.exists():
        ready, _, _ = select.select([fd], [], [], SEC_MAX)
        assert ready, f"{path} was never written: {seen!r}"
        seen += os.read(fd, 65_536)
    return seen


def drain(fd: int) -> bytes:
    seen = b""
    with contextlib.suppress(OSError):  # a terminal whose other end is gone
        while chunk := os.read(fd, 65_536):
            seen += chunk
    return seen


@pytest.mark.parametrize("colors", [True, False])
def test_a_terminal_gets_a_screen_and_q_ends_it(tmp_path, colors):
    outer, inner = pty.openpty()
    termios.tcsetwinsize(inner, (24, 80))
    before = termios.tcgetattr(inner)
    environment = os.environ | {"TERM": "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path), str(SEC_MAX)],
        cwd=ROOT, stdin=inner, stdout=inner, stderr=inner,
        env=environment if colors else environment | {"NO_COLOR": "1"},
    )  # fmt: skip

    # Two frames, so that what was written to standard error in between would be seen.
    output = read_until(outer, b"covered")
    while not (tmp_path / "run" / "stderr.log").read_bytes():
        output = read_until(outer, b"covered", output) + os.read(outer, 65_536)
    os.write(outer, b"h")
    output = read_until(outer, b"HALT? press h once more", output)
    os.write(outer, b"h")
    output = read_until(outer, b"r/h/f twice", drained(outer, tmp_path / "run" / "pulled", output))
    os.write(outer, b"q")
    code = process.wait(SEC_MAX)
    after = termios.tcgetattr(inner)
    os.close(inner)
    output += drain(outer)
    os.close(outer)

    assert code == 0
    assert (tmp_path / "returned").read_text() == "True"
    assert (tmp_path / "run" / "pulled").read_text() == "HALT"
    assert after == before
    assert b"\x1b[?1049h" in output  # a screen of its own ...
    assert b"\x1b[?1049l" in output  # ... that is left again
    assert b"TORN" not in output
    assert (tmp_path / "run" / "stderr.log").read_bytes() == b"TORN\n"
    assert bool(re.search(rb"\x1b\[[0-9;]*3[0-9]m", output)) is colors


def test_an_output_that_nobody_reads_any_more_ends_neither_view_nor_node(tmp_path):
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path), "3"],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    os.close(reading)

    code = process.wait(SEC_MAX)

    assert code == 0
    assert (tmp_path / "returned").read_text() == "False"


def test_anything_else_gets_lines_up_to_the_last_event(tmp_path):
    scene = WatchedScene(tmp_path)
    out = io.StringIO()

    async def watch() -> None:
        view = asyncio.create_task(run_view(scene.status, Console(file=out), scene.run_dir))
        while "BEAT" not in out.getvalue():
            await asyncio.sleep(0.005)
        scene.kernel.risk_engine.set_trading_state(TradingState.HALTED)
        view.cancel()
        await asyncio.gather(view, return_exceptions=True)

    scene.submit(scene.bracket())
    scene.status.take()
    scene.loop.run_until_complete(watch())
    scene.close()

    kinds = [line.split()[1] for line in out.getvalue().splitlines()]
    assert kinds == ["ENTRY", "FILL", "STOP", "BEAT", "STATE", "BEAT"]
    assert not (scene.run_dir / "stderr.log").exists()
