"""A disk that is full: nothing new is risked, exits go on, and what was decided is not lost."""

import asyncio
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest

from risk.journal import verify
from risk.latch import Latch
from risk.state_dir import StateDir
from risk.trading_state import TradingState
from tests.live_kit import ONE_TRADE, PROFILES, ROOT, finish, start, stop_when
from tests.venue_kit import VenueProcess, venue_process

FREE = resource.RLIM_INFINITY


def fill_up(process: subprocess.Popen[str], file_bytes_max: int) -> None:
    """Let no file of a process grow beyond a size: what a write then gets is what a full disk gives."""
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (file_bytes_max, FREE))


class Disk:
    """A node that holds a protected position, and what anybody sees of it."""

    def __init__(self, folder: Path, venue: VenueProcess) -> None:
        self.folder, self.venue = folder, venue
        self.state = StateDir(folder / "state" / "REHEARSAL-001")
        text = (PROFILES / "rehearsal.toml").read_text()
        (folder / "own.toml").write_text(text.split("[[strategies]]")[0] + ONE_TRADE)
        self.process = self.start()

    def start(self) -> subprocess.Popen[str]:
        return start(
            self.folder, "--profile", self.folder / "own.toml", "--venue", self.venue.rest_url,
            "--keys", self.folder / "main.env",
        )  # fmt: skip

    def truth(self) -> dict:
        with urlopen(f"{self.venue.control_url}/truth") as answer:
            return json.load(answer)["main"]

    def beat(self) -> dict:
        try:
            return json.loads(self.state.heartbeat.read_text())
        except (OSError, ValueError):
            return {}

    def until(self, condition: Callable[[], object]) -> None:
        stop_when(self.process, condition, 0)


def play(folder: Path, scene: Callable[[Disk], None]) -> None:
    async def main() -> None:
        account = ("--account", "main:usdt=100000:leverage=5:margin=CROSSED", "--seed", "7")
        async with venue_process(*account, keys_dir=folder) as venue:
            disk = Disk(folder, venue)
            try:
                await asyncio.to_thread(scene, disk)
            finally:
                if disk.process.poll() is None:
                    disk.process.kill()
                    disk.process.communicate()

    asyncio.run(main())


@pytest.mark.parametrize("is_all", [True, False])
def test_a_disk_that_fills_up_takes_no_halt_and_no_stop_away(
    tmp_path: Path, *, is_all: bool
) -> None:
    """With *is_all* no file can be written; otherwise small ones can, and the journal cannot."""

    def scene(disk: Disk) -> None:
        disk.until(lambda: disk.truth()["open_algos"] and disk.beat().get("positions"))
        stops = disk.truth()["open_algos"]
        fill_up(disk.process, 0 if is_all else disk.state.journal.stat().st_size)

        disk.process.send_signal(signal.SIGUSR1)  # HALT

        if is_all:
            tried = disk.state.latch.with_suffix(f".{disk.process.pid}.part")
            disk.until(lambda: tried.exists() and tried.stat().st_size == 0)
            seq = disk.beat()["seq"]
            assert disk.beat()["state"] == "ACTIVE"  # nobody can write that it is not
            fill_up(disk.process, FREE)
            disk.until(lambda: disk.beat()["seq"] > seq + 1)
        disk.until(lambda: disk.beat()["state"] == "HALTED")
        disk.until(lambda: Latch(disk.state.latch).read().state is TradingState.HALTED)
        view = Latch(disk.state.latch).read()
        assert {cause.split(":")[0] for cause in view.causes} == {"KILLED_HALT", "JOURNAL_FAILED"}
        assert disk.truth()["open_algos"] == stops

        fill_up(disk.process, FREE)
        disk.process.send_signal(signal.SIGTERM)
        run = finish(disk.process, disk.folder)
        assert run.code == 70, (run.stdout, run.stderr)
        assert "trading is HALTED: " in run.stdout
        assert disk.truth()["positions"] == []  # exits go on
        assert verify(disk.state.journal)[0] > 0

    play(tmp_path, scene)


def test_a_node_with_a_full_disk_is_told_of_and_not_flattened(tmp_path: Path) -> None:
    def scene(disk: Disk) -> None:
        disk.until(lambda: disk.truth()["open_algos"] and disk.beat().get("positions"))
        table = json.loads(disk.state.node.read_text())
        table["profile"]["watchdog"] |= {"heartbeat_ms_max": 1_000, "grace_sec": 1}
        disk.state.node.write_text(json.dumps(table))
        told = disk.folder / "watchdog.txt"
        with told.open("w") as stderr:
            command = [sys.executable, "-m", "ops", "watchdog", "--state", disk.state.path]
            watchdog = subprocess.Popen(command, cwd=ROOT, stderr=stderr)
        try:
            disk.until(lambda: "NODE: process" in told.read_text())
            fill_up(disk.process, disk.state.journal.stat().st_size)
            disk.process.send_signal(signal.SIGUSR1)  # HALT, which cannot be journalled

            disk.until(lambda: "JOURNAL_FAILED" in told.read_text())

            until = disk.beat()["seq"] + 4 * 4  # beats: twice what silence and grace come to
            disk.until(lambda: disk.beat().get("seq", 0) > until)
            assert "ALARM" not in told.read_text()
            assert "PULL" not in told.read_text()
            assert disk.truth()["positions"]
            assert disk.truth()["open_algos"]
        finally:
            watchdog.send_signal(signal.SIGTERM)
            watchdog.wait()

    play(tmp_path, scene)


def test_a_start_on_a_full_disk_is_refused_and_one_with_room_is_not(tmp_path: Path) -> None:
    def scene(disk: Disk) -> None:
        disk.until(lambda: disk.truth()["open_algos"] and disk.beat().get("positions"))
        disk.process.kill()
        disk.process.communicate()
        truth, state = disk.truth(), disk.state
        before = {path.name: path.read_bytes() for path in state.path.iterdir()}

        disk.process = disk.start()
        fill_up(disk.process, 0)
        refused = finish(disk.process, disk.folder)

        assert refused.code == 78, refused.stderr
        assert f"journal: {state.journal}: cannot be written: File too large" in refused.stderr
        assert f"kill: {state.latch}: cannot be written: File too large" in refused.stderr
        after = {path.name: path.read_bytes() for path in state.path.iterdir()}
        assert {k: v for k, v in after.items() if k != "node.lock"} == {
            k: v for k, v in before.items() if k != "node.lock"
        }
        assert disk.truth()["open_algos"] == truth["open_algos"]

        disk.process = disk.start()
        disk.until(lambda: disk.beat().get("pid") == disk.process.pid)
        disk.process.send_signal(signal.SIGTERM)
        run = finish(disk.process, disk.folder)
        assert (run.code, run.stderr) == (0, ""), run.stdout

    play(tmp_path, scene)
