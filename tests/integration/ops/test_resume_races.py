"""`python -m ops resume` against a real node that is pulled, or has to close, at the same time."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from configs.profile import load_profile
from ops.__main__ import main
from ops.drills import kills, looks
from ops.drills.report import DrillLog
from ops.drills.run import PROFILE
from ops.drills.stage import Stage, staged
from risk.latch import Latch
from risk.trading_state import TradingState
from tests.venue_kit import until

REFUSED = {"code": -4131, "text": "PERCENT_PRICE"}
SECS_MAX = 150


def play(tmp_path: Path, scene: Callable[[Stage], Awaitable[None]]) -> None:
    """Play a scene before a node that holds three positions."""

    async def run() -> None:
        log = DrillLog(lambda _line: None)
        (tmp_path / "profile.toml").write_text(PROFILE.read_text())
        profile = load_profile(tmp_path / "profile.toml")
        async with asyncio.timeout(SECS_MAX), staged(tmp_path, profile, log, None) as stage:
            await kills.begin(stage)
            await scene(stage)

    asyncio.run(run())


async def resume(stage: Stage, *options: str) -> int:
    said = ["--state", str(stage.state.path), "--by", "ann", "--reason", "all is well"]
    return await asyncio.to_thread(main, ["resume", *said, *options])


def levels(stage: Stage) -> list[str]:
    view = stage.latch()
    return [] if view is None else [kill.level.name for kill in view.kills]


async def a_new_status(stage: Stage) -> None:
    """Wait for the node's next status: there is none for a second then."""
    before = stage.status().get("ts_ns")
    await until(lambda: stage.status().get("ts_ns") not in (None, before))


def test_a_flatten_that_is_under_way_is_taken_back_by_no_resume(tmp_path, capsys):
    async def scene(stage: Stage) -> None:
        fault = await stage.fault("refused", on="order:MARKET", args=REFUSED)
        stage.state.kill.write_text("HALT news")
        await until(lambda: levels(stage) == ["HALT"])
        await a_new_status(stage)
        await a_new_status(stage)  # It knows of a HALT, and of nothing that is open.
        stage.state.kill.write_text("FLATTEN the market crashes")
        await until(lambda: levels(stage) == ["FLATTEN"])

        assert await resume(stage, "--yes") == 70

        assert "FLATTEN_UNFINISHED" in capsys.readouterr().err
        assert (levels(stage), len((await stage.truth()).positions)) == (["FLATTEN"], 3)
        # Whoever writes it all the same meets the node, which knows.
        Latch(stage.state.latch).write(
            TradingState.ACTIVE, (), by="ann", reason="in a hurry", ts_ns=1,
            resumed=("account",), was="HALTED",
        )  # fmt: skip
        await until(lambda: levels(stage) == ["FLATTEN"])
        view = stage.latch()
        assert view is not None
        assert (view.state, view.resumed) == (TradingState.HALTED, ())
        told = [row["data"]["text"] for row in stage.records("alarm")]
        assert [text for text in told if text.startswith("RESUME_REFUSED: observed=FLATTEN of acc")]

        await stage.end_fault(fault)
        await stage.expect("flat", looks.done(stage, "FLATTEN", "account"), 30)
        assert await resume(stage, "--yes") == 0
        assert "resumed: everything; the node is ACTIVE" in capsys.readouterr().out

    play(tmp_path, scene)


def test_who_reads_for_long_may_say_yes_and_who_is_overtaken_may_not(tmp_path, capsys, monkeypatch):
    async def scene(stage: Stage) -> None:
        stage.signal(signal.SIGUSR1)
        await until(lambda: levels(stage) == ["HALT"])
        first = stage.latch()
        assert first is not None
        loop, silent_ms = asyncio.get_running_loop(), stage.profile.watchdog.heartbeat_ms_max

        def read(while_reading: Callable[[], Awaitable[None]]) -> None:
            def agree(_said: str) -> str:
                asyncio.run_coroutine_threadsafe(while_reading(), loop).result()
                return "yes"

            monkeypatch.setattr("builtins.input", agree)

        async def second_pull() -> None:
            stage.signal(signal.SIGUSR1)
            await until(lambda: stage.latch() != first)

        async def longer_than_a_heartbeat_may_last() -> None:
            seen = stage.files()
            await until(lambda: (seen.heartbeat_age_ms or 0) > silent_ms)

        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        read(second_pull)
        assert await resume(stage) == 70
        told = capsys.readouterr().err
        assert "refused: meanwhile:\n  pulled: HALT of account by " in told, told
        assert levels(stage) == ["HALT"]

        read(longer_than_a_heartbeat_may_last)
        assert await resume(stage) == 0
        assert "resumed: everything; the node is ACTIVE" in capsys.readouterr().out

    play(tmp_path, scene)
