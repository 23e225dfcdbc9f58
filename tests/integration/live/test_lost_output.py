"""A node whose output nobody reads any more, or too slowly: it minds its positions all the same."""

import asyncio
import fcntl
import os
import struct
import subprocess
import sys
import termios
from contextlib import contextmanager
from pathlib import Path

from tests.live_kit import PROFILES, ROOT
from tests.node_process import FILLED, PRICE, NodeProcess, node_process

LINES = 20_000


def adopt_terminal() -> None:
    """Make standard input the terminal of this session: only then does its end say SIGHUP."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))


@contextmanager
def terminal(rows: int = 45, columns: int = 130):
    """Yield a terminal's own end, and how a process is started in it."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), slave)
    try:
        yield master, {**streams, "start_new_session": True, "preexec_fn": adopt_terminal}
    finally:
        os.close(slave)


@contextmanager
def full_pipe():
    """Yield output that goes into a pipe that is full, and whose reader does not read."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4_096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    try:
        yield {"stdout": writer, "stderr": writer}
    finally:
        os.close(writer)
        os.close(reader)


async def read_until(master: int, text: bytes) -> bytes:
    seen = b""
    while text not in seen:
        seen += await asyncio.wait_for(asyncio.to_thread(os.read, master, 65_536), 90)
    return seen


def log_of(node: NodeProcess) -> str:
    return "".join(path.read_text() for path in sorted(node.folder.glob("runs/*/node*.log")))


def fill_a_part(node: NodeProcess) -> None:
    node.venue.exchange.on_trade("BTCUSDT", PRICE * 997 / 1000, FILLED, is_buyer_maker=True)
    node.venue.wire.settle()


def test_a_node_whose_reader_has_gone_closes_what_it_cannot_protect(tmp_path):
    reader, writer = os.pipe()

    async def main() -> None:
        async with node_process(tmp_path, stdout=writer, stderr=writer) as node:
            os.close(writer)
            await node.until(node.entries, "a resting entry")
            os.close(reader)  # As `2>&1 | tee log` whose tee has ended.
            refusal = {"code": -4045, "text": "Reach max stop order limit."}
            node.venue.fault("refused", {"on": "algo", "args": refusal})

            fill_a_part(node)

            await node.until(lambda: "STOP_NOT_PLACED" in str(node.records("alarm")), "the alarm")
            await node.until(lambda: node.position() == 0, "the close")
            await node.beats(4)
            run = await node.end()
            assert run.code == 0
            assert "Nobody reads the output: " in log_of(node)  # Written with some delay.

    asyncio.run(main())


def test_a_node_whose_terminal_has_gone_ends_in_order(tmp_path):
    async def main() -> None:
        with terminal() as (master, streams):
            async with node_process(tmp_path, **streams) as node:
                await read_until(master, b"\x1b[?1049h")  # The screen.
                await node.until(node.entries, "a resting entry")

                os.close(master)

                code = await asyncio.to_thread(node.process.wait, 60)
                assert code == 0
                assert node.entries() == []
                (run_dir,) = (tmp_path / "runs").iterdir()
                assert (run_dir / "report.html").is_file()

    asyncio.run(main())


def test_a_node_whose_reader_is_stuck_beats_mends_and_ends(tmp_path):
    async def main() -> None:
        with full_pipe() as streams:
            async with node_process(tmp_path, **streams) as node:
                await node.half_filled()
                await node.beats(4)

                run = await node.end()

                assert run.code == 0
                assert node.is_protected()

    asyncio.run(main())


def test_a_terminal_gets_the_screen_in_its_size_and_the_report_after_it(tmp_path):
    async def main() -> None:
        with terminal(columns=130) as (master, streams):
            async with node_process(tmp_path, **streams) as node:
                seen = await read_until(master, b"BTCUSDT")
                assert b"\x1b[?1049h" in seen
                await node.until(node.entries, "a resting entry")

                os.write(master, b"q")

                last = await read_until(master, b"report.html")
                assert b"\x1b[?1049l" in last
                assert await asyncio.to_thread(node.process.wait, 60) == 0

    asyncio.run(main())


def test_what_is_written_to_both_streams_arrives_whole_and_in_order():
    """Also past Python, with a reader that is slower than the writer, and up to the last words."""
    code = (
        "import os, sys\n"
        "from ops.output import safe_output\n"
        "with safe_output() as output:\n"
        f"    for i in range({LINES}):\n"
        "        os.write(1 + i % 2, b'%d\\n' % i)\n"
        "    print('out', flush=True)\n"
        "    print('bad configuration', file=sys.stderr)\n"
        "print('end', file=sys.stderr)\n"
        "sys.exit(78)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.stdout.splitlines() == [*map(str, range(LINES)), "out", "bad configuration", "end"]
    assert done.returncode == 78


def test_standard_error_stays_apart_from_standard_output_where_they_lead_apart(tmp_path: Path):
    words = ("--profile", PROFILES / "missing.toml", "--out", tmp_path, "--state", tmp_path)
    done = subprocess.run(
        [sys.executable, "run_live.py", *map(str, words)], cwd=ROOT, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 78
    assert done.stdout == ""
    assert done.stderr.startswith("bad configuration: ")


def test_a_closed_standard_error_is_nobody_elses_file(tmp_path: Path):
    code = (
        "import os\n"
        "from ops.output import safe_output\n"
        "with safe_output():\n"
        f"    file = open({str(tmp_path / 'journal')!r}, 'w')\n"
        "    assert file.fileno() > 2\n"
        "    os.write(2, b'an error')\n"
    )
    command = f'exec "{sys.executable}" -c "$CODE" 2>&-'
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env={**os.environ, "CODE": code}, timeout=60, check=False
    )

    assert done.returncode == 0
    assert (tmp_path / "journal").read_text() == ""
