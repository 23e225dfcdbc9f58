"""A real node is killed and resumed from another terminal: by command, signal, file and Redis."""

import asyncio
import json
import signal
import subprocess
import sys

from tests.live_kit import ROOT, finish, quick_profile, start, stop_when
from tests.redis_kit import PASSWORD, redis_server


class Terminal:
    """Another terminal beside a running node."""

    def __init__(self, folder, process):
        self.folder = folder
        self.process = process

    @property
    def state(self):
        return next((self.folder / "runs").glob("*"))

    def table(self, name):
        path = self.state / name
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError):
            return None

    def ops(self, *words):
        """Run one command; return its exit code and what it printed."""
        asked = subprocess.run(
            [sys.executable, "-m", "ops", *words, "--state", str(self.state)],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return asked.returncode, asked.stdout + asked.stderr

    def when(self, condition, number=0):
        """Wait for a condition while the node lives, then perhaps send it a signal."""
        stop_when(self.process, condition, number)

    def is_up(self):
        return list((self.folder / "runs").glob("*/status.json")) and self.table("status.json")

    def has_position(self):
        return (self.table("status.json") or {}).get("positions")

    def is_flat(self):
        kills = self.table("kills.json")
        return kills and all(line["flat_ns"] for line in kills)

    def transitions(self):
        lines = (self.state / "journal.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        return [row["data"]["cause"].split(":")[0] for row in rows if row["type"] == "state"]


def test_a_node_is_killed_and_resumed_from_another_terminal(tmp_path):
    process = start(tmp_path, "--profile", quick_profile("rehearsal", tmp_path))
    node = Terminal(tmp_path, process)
    said = ("--by", "ann", "--reason", "drill")
    try:
        node.when(node.is_up)
        assert node.ops("status")[0] == 0
        node.when(node.has_position)

        code, told = node.ops("kill", "FLATTEN", *said)
        assert code == 0, told
        assert "flat and without orders, verified at the venue after" in told
        assert node.ops("status")[0] == 70
        code, told = node.ops("kill", "HALT", *said)
        assert code == 0, told  # pulling twice does no harm

        code, told = node.ops("resume", *said)
        assert code == 70, told
        assert "BTCUSDT-PERP.BINANCE: BUY/SELL" in told
        code, told = node.ops("resume", *said, "--yes")
        assert code == 0, told
        assert not (node.state / "KILL").exists()

        node.when(node.has_position)  # it trades again
        node.when(lambda: True, signal.SIGUSR2)
        node.when(node.is_flat)
        assert node.table("latch.json")["kills"][0]["source"] == "signal"
        node.when(lambda: True, signal.SIGTERM)
    finally:
        run = finish(process, tmp_path)

    assert run.code == 70, run.stdout + run.stderr
    assert "trading is HALTED: KILLED_FLATTEN" in " ".join(run.stdout.split())
    assert run.final_state["positions"] == {}
    # The gentler pull has stopped nothing more, and is written down.
    assert node.transitions() == ["KILLED_FLATTEN", "KILLED_HALT", "RESUMED", "KILLED_FLATTEN"]


def test_a_real_node_hears_redis_and_shows_no_password(tmp_path):
    async def main():
        async with redis_server(tmp_path / "redis") as server:
            url = f'level = "FLATTEN"\nredis_url = "{server.url}"\nredis_loss = "HOLD"'
            profile = quick_profile(
                "rehearsal", tmp_path, ('[kill]\nlevel = "FLATTEN"', f"[kill]\n{url}")
            )
            environment = {"QUANTMIND_REDIS_PASSWORD": PASSWORD}
            process = start(tmp_path, "--profile", profile, env=environment)
            node = Terminal(tmp_path, process)
            try:
                await asyncio.to_thread(node.when, node.is_up)
                await asyncio.to_thread(node.when, node.has_position)
                server.cli("SET", "KILL_SWITCH", "1")
                await asyncio.to_thread(node.when, node.is_flat)
                assert node.table("latch.json")["kills"][0]["source"] == "redis"
                node.when(lambda: True, signal.SIGTERM)
            finally:
                run = await asyncio.to_thread(finish, process, tmp_path)
            assert run.code == 70
            files = [path for path in tmp_path.rglob("*") if path.is_file()]
            assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]
            assert PASSWORD not in run.stdout + run.stderr

    asyncio.run(main())
