"""Runs of `run_live.py` as a user makes them: a process, its output, and the folder that it left."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PROFILES = ROOT / "configs" / "profiles"
RUN_SECS_MAX = 120
PIPES = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}

ONE_TRADE = """
[[strategies]]
path = "tests.one_trade:OneTrade"
[strategies.params]
instrument_id = "BTCUSDT-PERP.BINANCE"
trade_risk_usdt = 50
trade_notional_usdt_max = 9_000
"""
"""A strategy that enters once, for a profile."""

QUICK = (
    ('bars = "5-SECOND-LAST-INTERNAL"', 'bars = "1-SECOND-LAST-INTERNAL"'),
    ("threshold = 0.2", "threshold = 0.05"),
    ("smoothing_updates = 10", "smoothing_updates = 3"),
    ("holding_secs = 15", "holding_secs = 3"),
    ("cooldown_secs = 10", "cooldown_secs = 2"),
)
"""What makes the shipped strategies trade within seconds instead of minutes."""


class LiveRun(NamedTuple):
    """What one run left: exit code, what it printed, and its folder (None: it never began)."""

    code: int
    stdout: str
    stderr: str
    run_dir: Path | None

    @property
    def result(self) -> dict[str, Any]:
        return json.loads((self.run_dir / "result.json").read_text())

    @property
    def final_state(self) -> dict[str, Any]:
        return json.loads((self.run_dir / "final_state.json").read_text())

    def wire(self, kind: str) -> Iterator[dict[str, Any]]:
        yield from wire_log(self.run_dir / "wire.jsonl", kind)


def quick_profile(mode: str, folder: Path, *changes: tuple[str, str]) -> Path:
    """Write the shipped profile of *mode* with strategies that trade at once, and *changes*."""
    text = (PROFILES / f"{mode}.toml").read_text()
    for before, after in (*QUICK, *changes):
        assert before in text, before
        text = text.replace(before, after)
    tomllib.loads(text)
    path = folder / f"{mode}.toml"
    path.write_text(text)
    return path


def start(
    folder: Path, *arguments: Any, env: Mapping[str, str] | None = None, **streams: Any
) -> subprocess.Popen[str]:
    """
    Start ``run_live.py``; its runs and state lie in *folder*, which is where it runs, too.

    *streams* are for ``Popen``; by default the caller reads both standard streams.

    """
    places = ("--out", folder / "runs", "--state", folder / "state")
    return subprocess.Popen(
        [sys.executable, str(ROOT / "run_live.py"), *map(str, (*arguments, *places))],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        text=True,
        **(PIPES | streams),
    )


def finish(process: subprocess.Popen[str], folder: Path) -> LiveRun:
    """Wait for the end of a run."""
    try:
        stdout, stderr = process.communicate(timeout=RUN_SECS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    runs = sorted((folder / "runs").glob("*")) if (folder / "runs").is_dir() else []
    return LiveRun(process.returncode, stdout, stderr, runs[-1] if runs else None)


def run_live(folder: Path, *arguments: Any, env: Mapping[str, str] | None = None) -> LiveRun:
    return finish(start(folder, *arguments, env=env), folder)


def stop_when(
    process: subprocess.Popen[str], condition: Callable[[], Any], number: int = signal.SIGTERM
) -> None:
    """Signal the process once *condition* holds; fail when it ends before."""
    end = time.monotonic() + RUN_SECS_MAX
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"waited in vain for {condition}"
        time.sleep(0.02)
    process.send_signal(number)


def wire_log(path: Path, kind: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of one kind; the last may still be being written."""
    if not path.exists():
        return
    with path.open() as file:
        for line in file:
            if line.endswith("\n") and (row := json.loads(line))["kind"] == kind:
                yield row


def orders_sent(path: Path) -> list[dict[str, Any]]:
    """Return every request of a wire log that could create, change or cancel an order."""
    words = ("order", "Order", "leverage", "marginType", "positionSide")
    return [
        row
        for row in wire_log(path, "request")
        if row["method"] != "GET" and any(word in row["path"] for word in words)
    ]
