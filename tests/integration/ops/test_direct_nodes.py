"""Kills from outside and the watchdog on real nodes: stopped, killed, blind, alive and willing."""

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from ops.direct.command import find_keys
from ops.direct.options import Patience
from ops.direct.run import run_direct
from ops.direct.where import from_node
from ops.node_files import read_table
from risk.kills import KillLevel
from risk.latch import Latch
from risk.state_dir import StateDir
from tests.live_kit import finish, quick_profile, start
from tests.venue_kit import ROOT, VenueProcess, until, venue_process

NODE_SECS_MAX = 90
PATIENCE = Patience(deadline_sec=20, quiet_sec=1.5)


@dataclass
class Scene:
    """A node that trades at a venue which outlives it."""

    folder: Path
    venue: VenueProcess
    node: subprocess.Popen[str]

    @property
    def state(self) -> StateDir:
        return StateDir(self.folder / "state" / "REHEARSAL-001")

    @property
    def left(self) -> tuple[int, int, int]:
        with urlopen(f"{self.venue.control_url}/truth") as answer:
            truth = json.load(answer)["main"]
        return tuple(len(truth[key]) for key in ("positions", "open_orders", "open_algos"))

    @property
    def journal(self) -> str:
        with suppress(FileNotFoundError):
            return self.state.journal.read_text()
        return ""

    def fault(self, name: str, **entry) -> None:
        body = json.dumps({"name": name, **entry}).encode()
        kind = {"Content-Type": "application/json"}
        with urlopen(Request(f"{self.venue.control_url}/fault", body, kind)) as answer:
            assert json.load(answer)["done"]

    async def kill(self, level=KillLevel.FLATTEN):
        where = from_node(self.state.path)
        keys = find_keys(where, None)
        return await run_direct(where, keys, level, by="ann", reason="test", patience=PATIENCE)

    async def is_trading(self) -> None:
        def has_position() -> bool:
            assert self.node.poll() is None, self.node.communicate()
            return bool(self.left[0] and self.left[2])

        await until(has_position, NODE_SECS_MAX, "a protected position")

    async def end(self) -> int:
        self.node.send_signal(signal.SIGTERM)
        return (await asyncio.to_thread(finish, self.node, self.folder)).code


@asynccontextmanager
async def trading_node(folder: Path, *changes: tuple[str, str]):
    """Yield a node with a protected position, on a venue of its own process."""
    own = (
        ("holding_secs = 3", "holding_secs = 3600"),  # It shall have a position when it is killed.
        ("heartbeat_ms_max = 3_000", "heartbeat_ms_max = 1_500"),
        ("grace_sec = 5", "grace_sec = 1"),
    )
    profile = quick_profile("rehearsal", folder, *own, *changes)
    rich = ("--seed", "7", "--account", "main:usdt=100000:leverage=5:margin=CROSSED")
    async with venue_process(*rich, keys_dir=folder) as venue:
        node = start(
            folder, "--profile", profile, "--venue", venue.rest_url, "--keys", folder / "main.env"
        )
        scene = Scene(folder, venue, node)
        try:
            await scene.is_trading()
            yield scene
        finally:
            if node.poll() is None:
                node.send_signal(signal.SIGCONT)
                node.kill()
            if not node.stdout.closed:
                node.communicate()


@asynccontextmanager
async def watchdog_of(scene: Scene):
    """Run the watchdog's command on a node until the block ends; yield its journal."""
    command = [sys.executable, "-m", "ops", "watchdog", "--state", str(scene.state.path)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    path = scene.state.path / "watchdog.jsonl"

    def kinds() -> list[str]:
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line)["kind"] for line in lines]

    try:
        await until(lambda: read_table(scene.state.watchdog).get("verdict") == "WELL", 60)
        yield kinds
    finally:
        process.kill()
        process.wait()


def test_a_stopped_node_is_flattened_and_stays_killed_when_it_wakes(tmp_path):
    async def main():
        async with trading_node(tmp_path) as scene:
            scene.node.send_signal(signal.SIGSTOP)

            report = await scene.kill()
            assert report.is_true
            assert scene.left == (0, 0, 0)

            scene.node.send_signal(signal.SIGCONT)
            await until(lambda: "KILLED_FLATTEN" in scene.journal, 30, "the node to obey")
            assert await scene.end() == 70
            assert scene.left == (0, 0, 0)

    asyncio.run(main())


def test_a_killed_node_is_flattened_and_its_restart_stays_killed(tmp_path):
    async def main():
        async with trading_node(tmp_path) as scene:
            scene.node.kill()
            scene.node.communicate()

            report = await scene.kill()

            assert report.is_true
            assert scene.left == (0, 0, 0)
            again = start(
                tmp_path, "--profile", tmp_path / "rehearsal.toml", "--venue",
                scene.venue.rest_url, "--keys", tmp_path / "main.env", "--duration", "5",
            )  # fmt: skip
            run = await asyncio.to_thread(finish, again, tmp_path)
            assert run.code == 70, run.stdout
            assert "KILLED_FLATTEN" in run.stdout
            assert scene.left == (0, 0, 0)

    asyncio.run(main())


def test_a_node_that_is_alive_and_willing_is_halted_by_its_latch(tmp_path):
    async def main():
        async with trading_node(tmp_path) as scene:
            report = await scene.kill()

            assert report.is_true
            await until(lambda: "TRADING_HALTED" in scene.journal, 60, "an entry to be denied")
            assert scene.left == (0, 0, 0)
            assert [k.level for k in Latch(scene.state.latch).read().kills] == [KillLevel.FLATTEN]
            assert await scene.end() == 70

    asyncio.run(main())


@pytest.mark.parametrize(
    ("number", "verdict"), [(signal.SIGSTOP, "HUNG"), (signal.SIGKILL, "DEAD")]
)
def test_the_watchdog_flattens_for_a_node_that_cannot(tmp_path, number, verdict):
    async def main():
        async with trading_node(tmp_path) as scene, watchdog_of(scene) as kinds:
            scene.node.send_signal(number)

            await until(lambda: "KILLED" in kinds(), 60, "the watchdog to kill")

            assert scene.left == (0, 0, 0)
            lines = (scene.state.path / "watchdog.jsonl").read_text()
            assert f'"verdict": "{verdict}"' in lines

    asyncio.run(main())


def test_the_watchdog_flattens_for_a_node_that_sees_nothing(tmp_path):
    async def main():
        silence = ("data_silence_sec_max = 10", "data_silence_sec_max = 5")
        hands_off = ("reconcile_sec = 10", "reconcile_sec = 3600")
        async with trading_node(tmp_path, silence, hands_off) as scene, watchdog_of(scene) as kinds:
            scene.fault("market_streams_dropped", **{"for": "600s"})
            scene.fault("user_stream_dropped", **{"for": "600s"})

            await until(lambda: "KILLED" in kinds(), 60, "the watchdog to kill")

            assert scene.left == (0, 0, 0)
            assert '"verdict": "BLIND"' in (scene.state.path / "watchdog.jsonl").read_text()

    asyncio.run(main())


def test_the_watchdog_is_quiet_about_a_node_that_trades_and_one_that_ends(tmp_path):
    async def main():
        async with trading_node(tmp_path) as scene, watchdog_of(scene) as kinds:
            assert await scene.end() == 0
            await until(lambda: read_table(scene.state.watchdog)["verdict"] == "ENDED", 20)

            assert set(kinds()) == {"STARTED", "NODE"}

    asyncio.run(main())
