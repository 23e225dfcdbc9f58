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


@pytest.mark.parametrize(
    ("numbers", "code", "said"),
    [
        ([signal.SIGTERM], 130, "stopped before it came up: nothing was sent"),
        ([signal.SIGHUP], 130, "stopped before it came up: nothing was sent"),
        ([signal.SIGINT], 130, "stopped before it came up: nothing was sent"),
        ([signal.SIGUSR1, signal.SIGTERM], 70, "SIGUSR1 came while it started"),
    ],
)
def test_a_start_that_is_stopped_ends_in_order_and_forgets_no_kill(tmp_path, numbers, code, said):
    keys = tmp_path / "main.env"
    keys.write_text(KEYS)
    keys.chmod(0o600)
    state = tmp_path / "state" / "REHEARSAL-001"

    async def main() -> None:
        with socket.socket() as mute:  # It takes calls and never answers: the pre-flight waits.
            mute.bind(("127.0.0.1", 0))
            mute.listen()
            url = f"http://127.0.0.1:{mute.getsockname()[1]}"
            profile = PROFILES / "rehearsal.toml"
            process = start(tmp_path, "--profile", profile, "--venue", url, "--keys", keys)
            await until((state / "node.lock").exists, 60, "the folder to be its own")
            for number in numbers:
                process.send_signal(number)
            run = await asyncio.to_thread(finish, process, tmp_path)

        assert (run.code, said in run.stderr) == (code, True), run.stderr
        assert "Traceback" not in run.stderr
        kills = Latch(state / "latch.json").read().kills if code == 70 else ()
        assert [kill.level for kill in kills] == [KillLevel.HALT] * (code == 70)
        assert not list((tmp_path / "runs").glob("*"))

    asyncio.run(main())
