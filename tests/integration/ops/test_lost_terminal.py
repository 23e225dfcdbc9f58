"""Who kills or watches from a terminal that dies, or into a pipe that nobody reads, goes on."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from risk.latch import Latch
from risk.state_dir import StateDir
from tests.direct_kit import full_account, run
from tests.venue_kit import ROOT, until
from tests.watchdog_kit import beating, write_node

STREAMS = ("stdin", "stdout", "stderr")
BUFFERED = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
"""Output that waits in a buffer is tried once more at the end of a process."""


def adopt_terminal() -> None:
    """Make standard input the terminal of this session: only then does its end say SIGHUP."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))


@contextmanager
def terminal() -> Iterator[tuple[int, dict[str, object]]]:
    """Yield a terminal's own end, and how a process is started in it."""
    master, slave = os.openpty()
    streams = dict.fromkeys(STREAMS, slave)
    try:
        yield master, {**streams, "start_new_session": True, "preexec_fn": adopt_terminal}
    finally:
        os.close(slave)


@contextmanager
def unread_pipe() -> Iterator[dict[str, object]]:
    """Yield output that goes into a pipe whose reader is gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield {"stdout": writer, "stderr": writer}
    finally:
        os.close(writer)


@asynccontextmanager
async def ops(*words: object, **streams: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command of ours; one that has not ended with the block is killed."""
    command = [sys.executable, "-m", "ops", *map(str, words)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=BUFFERED, **streams)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ended(process: asyncio.subprocess.Process) -> int:
    return await asyncio.wait_for(process.wait(), 60)


async def read_until(master: int, text: str) -> None:
    """Read what is printed on a terminal until *text* is there."""
    seen = b""
    while text.encode() not in seen:
        seen += await asyncio.wait_for(asyncio.to_thread(os.read, master, 4096), 60)


def test_a_direct_kill_whose_terminal_dies_goes_on_until_it_is_flat(tmp_path):
    async def scene():
        async with full_account() as full:
            write_node(StateDir(tmp_path), full, pid=1)
            full.venue.fault("refused", {"on": "order:MARKET", "count": 6})
            asked = ("kill", "--direct", "FLATTEN", "--state", tmp_path, "--quiet-time", "0.1")
            with terminal() as (master, streams):
                async with ops(*asked, **streams) as process:
                    await read_until(master, "could not close")
                    assert full.left[0] == 1  # It is in the midst of it.

                    os.close(master)

                    assert await ended(process) == 0
                    assert full.left == (0, 0, 0)

    run(scene)


def test_a_kill_is_not_hindered_by_a_terminal_that_dies_while_it_starts(tmp_path):
    """Its packages take half a second to load, and whoever pulls it may be gone by then."""

    async def scene():
        async with full_account() as full:
            write_node(StateDir(tmp_path), full, pid=1)
            heard = tmp_path / "heard"
            code = (
                "import signal, sys\n"
                "from ops.__main__ import main\n"
                "class Late:\n"
                "    def find_spec(self, name, *_):\n"
                "        if name == 'ops.direct.command':\n"
                f"            open({str(heard)!r}, 'w').close()\n"
                "            signal.raise_signal(signal.SIGHUP)\n"
                "sys.meta_path.insert(0, Late())\n"
                "sys.exit(main(sys.argv[1:]))\n"
            )
            words = ("kill", "--direct", "HALT", "--state", tmp_path, "--quiet-time", "0.1")
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", code, *map(str, words), cwd=ROOT, stdout=subprocess.DEVNULL
            )

            assert await ended(process) == 0  # and not -SIGHUP
            assert heard.exists()
            assert full.left == (1, 0, 1)

    run(scene)


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["lines", "json"])
def test_a_direct_kill_into_a_pipe_that_nobody_reads_is_flat_and_says_so_by_its_exit_code(
    tmp_path, words
):
    async def scene():
        async with full_account() as full:
            write_node(StateDir(tmp_path), full, pid=1)
            asked = ("kill", "--direct", "FLATTEN", "--state", tmp_path, "--quiet-time", "0.1")
            with unread_pipe() as streams:
                async with ops(*asked, *words, **streams) as process:
                    assert await ended(process) == 0
            assert full.left == (0, 0, 0)

    run(scene)


def test_a_direct_kill_into_a_pipe_that_nobody_reads_ends_with_70_when_something_is_left(tmp_path):
    async def scene():
        async with full_account() as full:
            write_node(StateDir(tmp_path), full, pid=1)
            full.venue.fault("refused", {"on": "order:MARKET"})
            asked = ("kill", "--direct", "FLATTEN", "--state", tmp_path, "--deadline", "1")
            with unread_pipe() as streams:
                async with ops(*asked, **streams) as process:
                    assert await ended(process) == 70
            assert full.left == (1, 0, 1)

    run(scene)


@pytest.mark.parametrize(
    "words", [("kill", "--direct"), ("watchdog",)], ids=["direct kill", "watchdog"]
)
def test_what_is_refused_ends_with_78_where_nobody_reads_why(tmp_path, words):
    async def scene():
        asked = (*words, "--state", tmp_path / "missing")
        with unread_pipe() as streams:
            async with ops(*asked, **streams) as process:
                assert await ended(process) == 78

    run(scene)


def test_a_closed_standard_error_does_not_mix_its_lines_into_the_json(tmp_path):
    async def scene():
        async with full_account() as full:
            write_node(StateDir(tmp_path), full, pid=1)
            asked = f"-m ops kill --direct HALT --state {tmp_path} --quiet-time 0.1 --json"
            process = await asyncio.create_subprocess_shell(
                f"exec {sys.executable} {asked} 2>&-", cwd=ROOT, stdout=subprocess.PIPE
            )

            out, _ = await asyncio.wait_for(process.communicate(), 60)

            assert process.returncode == 0
            assert json.loads(out)["level"] == "HALT"

    run(scene)


def test_a_watchdog_whose_terminal_has_died_still_kills_and_ends_when_told_to(tmp_path):
    async def scene():
        async with full_account() as full:
            state = StateDir(tmp_path)
            with beating(state) as node, terminal() as (master, streams):
                write_node(state, full, node.pid)
                async with ops("watchdog", "--state", tmp_path, **streams) as process:
                    await read_until(master, "NODE: process")
                    os.close(master)

                    node.kill()
                    lines = tmp_path / "watchdog.jsonl"
                    await until(lambda: '"KILLED"' in lines.read_text(), 60, "the kill")

                    assert full.left == (0, 0, 0)
                    assert Latch(state.latch).read().kills[0].by == "watchdog"
                    process.send_signal(signal.SIGTERM)
                    assert await ended(process) == 0

    run(scene)
