"""A kill signal during a start that comes to nothing: the next start is killed, no supervisor makes it."""

import asyncio
import signal
import socket
from pathlib import Path

import pytest

from risk.kills import KillLevel
from risk.latch import Latch
from tests.live_kit import PROFILES, finish, start
from tests.venue_kit import until

KEYS = "BINANCE_API_KEY=a\nBINANCE_API_SECRET=b\n"


def hears(process_id: int, number: signal.Signals) -> bool:
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    caught = next(line for line in lines if line.startswith("SigCgt:")).split()[1]
    return bool(int(caught, 16) >> (number - 1) & 1)


@pytest.mark.parametrize("is_folder_known", [True, False])
def test_a_kill_during_a_start_that_fails_is_latched_and_ends_with_70(tmp_path, is_folder_known):
    keys = tmp_path / "main.env"
    keys.write_text(KEYS)
    keys.chmod(0o600)
    profile = PROFILES / "rehearsal.toml" if is_folder_known else tmp_path / "missing.toml"
    latch = tmp_path / "state" / "REHEARSAL-001" / "latch.json"

    async def main() -> None:
        with socket.socket() as deaf:  # Nobody answers there: the start would end with 75.
            deaf.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
            process = start(tmp_path, "--profile", profile, "--venue", url, "--keys", keys)
            await until(lambda: hears(process.pid, signal.SIGUSR2), 60, "its ears")
            process.send_signal(signal.SIGUSR2)
            run = await asyncio.to_thread(finish, process, tmp_path)

        assert run.code == 70, run.stderr
        assert "SIGUSR2 came while it started" in run.stderr
        if is_folder_known:
            (kill,) = Latch(latch).read().kills
            assert (kill.level, kill.by, kill.source) == (KillLevel.FLATTEN, "SIGUSR2", "signal")
        else:
            assert "NOT LATCHED" in run.stderr
            assert not latch.exists()

    asyncio.run(main())
