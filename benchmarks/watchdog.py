"""
From a node that is hung, dead or blind to the watchdog's verdict, to the first cancel, and to flat.

Each run is a stage of the drills: a venue, ``run_live.py`` with the drill's profile and ``python -m ops
watchdog``, each in a process of its own. When the node holds a position with stop and target on every
symbol, it is hung (SIGSTOP), killed (SIGKILL) or made blind (the venue sends no prices any more), at
another phase of everybody's rounds each time. The verdict's time is the watchdog's own, the others are
read from the venue's wire log; "flat" is when the last position, order or stop went.

How long the watchdog waits is the profile's to say: ``heartbeat_ms_max`` for a hung node,
``venue.data_silence_sec_max`` for a blind one, nothing for a dead one, and then ``grace_sec``. "added"
is what the watchdog needs beyond that. It can be below zero: the last heartbeat came up to 250 ms before
the trouble.

    python -m benchmarks.watchdog [--runs N] [--case NAME ...] [--out FILE]

Exit code 0: each run ended flat, after the right verdict and no other.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import time_ns
from typing import Any, NamedTuple

from benchmarks._spread import cell, spread
from configs.profile import Profile, load_profile
from ops.drills import looks
from ops.drills.kills import begin
from ops.drills.report import DrillFailed, DrillLog
from ops.drills.run import PROFILE
from ops.drills.stage import Stage, rows_of, staged
from ops.watchdog.alarm import JOURNAL_NAME

NS_PER_MS = 1_000_000
PHASE_SEC_MAX = 1.0
ACT_SEC_MAX = 20.0
"""Much more than a watchdog adds to what the profile lets it wait."""
FIGURES = ("verdict", "first_cancel", "flat")


class Case(NamedTuple):
    """How a node comes to harm, the verdict on it, and how long the profile lets that wait."""

    strike: Callable[[Stage], Awaitable[Any]]
    verdict: str
    limit_ms: Callable[[Profile], int]


async def hang(stage: Stage) -> None:
    stage.signal(signal.SIGSTOP)


async def die(stage: Stage) -> None:
    stage.signal(signal.SIGKILL)


async def go_blind(stage: Stage) -> None:
    await stage.fault("stream_stalled")


CASES = {
    "hung": Case(hang, "HUNG", lambda profile: profile.watchdog.heartbeat_ms_max),
    "dead": Case(die, "DEAD", lambda _: 0),
    "blind": Case(go_blind, "BLIND", lambda profile: profile.venue.data_silence_sec_max * 1_000),
}


async def run_once(case: Case, folder: Path, phase_sec: float) -> dict[str, float]:
    """
    Play it once; return the milliseconds from the trouble to each of `FIGURES`.

    Raises
    ------
    DrillFailed
        If it does not end flat, or another alarm came first.

    """
    shutil.copy(PROFILE, folder / "profile.toml")
    profile = load_profile(PROFILE)
    waits_sec = case.limit_ms(profile) / 1_000 + profile.watchdog.grace_sec
    async with staged(folder, profile, DrillLog(lambda _: None), None) as stage:
        await begin(stage)
        await stage.start(
            "-m", "ops", "watchdog", "--state", str(stage.state.path), output="watchdog.out"
        )
        await stage.expect("the watchdog knows the node", looks.watchdog_says(stage, "NODE"), 15)
        await asyncio.sleep(phase_sec)
        struck_ns = time_ns()
        await case.strike(stage)
        await stage.expect(
            "all is verified", looks.watchdog_says(stage, "KILLED"), waits_sec + ACT_SEC_MAX
        )
        await stage.expect("all is flat at the venue", looks.empty(stage), 1)
        journal = rows_of(stage.state.path / JOURNAL_NAME)
    # The venue has ended: its log is whole.
    return _moments(case, struck_ns, journal, rows_of(folder / "wire.jsonl"))


def _moments(
    case: Case, struck_ns: int, journal: list[dict[str, Any]], wire: list[dict[str, Any]]
) -> dict[str, float]:
    alarm = next(row for row in journal if row["kind"] == "ALARM")
    if alarm.get("verdict") != case.verdict:
        raise DrillFailed(f"the first alarm must be {case.verdict}, it is {alarm['text']}")
    report = next(row for row in journal if row["kind"] == "KILLED")["report"]
    struck_ms = struck_ns / NS_PER_MS
    verified_ms = report["ts_ns"] / NS_PER_MS + report["verified_ms"]
    of_kill = [row for row in wire if struck_ms <= row["ts"] <= verified_ms]
    cancels = (
        row["ts"] for row in of_kill
        if row["kind"] == "request" and row["method"] == "DELETE" and "listenKey" not in row["path"]
    )  # fmt: skip
    gone = max(row["ts"] for row in of_kill if row["kind"] == "event")
    at_ms = (alarm["ts_ns"] / NS_PER_MS, next(cancels), gone)
    return {name: at - struck_ms for name, at in zip(FIGURES, at_ms, strict=True)}


def measure(name: str, runs: int) -> dict[str, Any]:
    """Return the figures of a case, milliseconds, and what went wrong in which run."""
    case, profile, wrong, rows = CASES[name], load_profile(PROFILE), list[str](), list[Any]()
    for number in range(1, runs + 1):
        phase_sec = random.Random(f"{name} {number}").uniform(0, PHASE_SEC_MAX)
        with tempfile.TemporaryDirectory(prefix="watchdog-") as folder:
            try:
                rows.append(asyncio.run(run_once(case, Path(folder), phase_sec)))
            except DrillFailed as e:
                wrong.append(f"run {number}: {e}")
    limit_ms, grace_ms = case.limit_ms(profile), profile.watchdog.grace_sec * 1_000
    line = {
        "case": name, "runs": runs, "limit_ms": limit_ms, "grace_ms": grace_ms, "wrong": wrong
    }  # fmt: skip
    if not rows:
        return line
    waits_ms = dict(zip(FIGURES, (limit_ms, limit_ms + grace_ms, limit_ms + grace_ms), strict=True))
    for figure in FIGURES:
        times = [row[figure] for row in rows]
        line[f"{figure}_ms"] = spread(times)
        line[f"{figure}_added_ms"] = spread([each - waits_ms[figure] for each in times])
    return line


def head() -> str:
    """Return the head of the table, Markdown."""
    names = ("to verdict", "to first cancel", "to flat", "added to verdict", "added to flat")
    cells = " | ".join(f"{name:>17}" for name in names)
    rule = "|".join("------------------:" for _ in names)
    return (
        f"| case  | runs | limit | grace | {cells} | profile's share |\n"
        f"|-------|-----:|------:|------:|{rule}|----------------:|"
    )


def show(line: dict[str, Any]) -> None:
    """Print a case's line, and what went wrong in it."""
    if "flat_ms" in line:
        names = (*(f"{name}_ms" for name in FIGURES), "verdict_added_ms", "flat_added_ms")
        cells = " | ".join(f"{cell(line[name]):>17}" for name in names)
        share = (line["limit_ms"] + line["grace_ms"]) / line["flat_ms"]["p50"]
        print(
            f"| {line['case']:5} | {line['runs']:4} | {line['limit_ms']:5} | {line['grace_ms']:5} "
            f"| {cells} | {share:15.2f} |",
            flush=True,
        )
    for text in line["wrong"]:
        print(f"WRONG in {line['case']}, {text}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--runs", type=int, default=10, help="of each case (default %(default)s)")
    add("--case", nargs="*", choices=list(CASES), default=list(CASES))
    add("--out", type=Path, help="write the figures as JSON")
    args = parser.parse_args()
    print("Milliseconds from the trouble, p50/p99/worst. Limit and grace are what the profile lets")
    print(
        "the watchdog wait, added is what it needs beyond, the share is theirs of the p50 to flat."
    )
    print(f"\n{head()}", flush=True)
    lines = []
    for name in args.case:
        lines.append(measure(name, args.runs))
        show(lines[-1])
    if args.out is not None:
        args.out.write_text(json.dumps(lines, indent=1))
    return int(any(line["wrong"] for line in lines))


if __name__ == "__main__":
    sys.exit(main())
