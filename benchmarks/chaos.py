"""
Rehearsals in which everything goes wrong, and what the checkers say of each.

Each seed is one run of ``run_live.py`` with the profile ``chaos`` on a clock that runs *rate* times
as fast (the whole machine seems that much slower to the node, so choose a rate at which an honest
node keeps up), against a local venue that plays all faults, mixed by the seed; the checkers then judge
the run from the wire log.

    python -m benchmarks.chaos [--seeds N] [--first-seed N] [--minutes M] [--rate R] [--out FILE]

Exit code 0: every checker was silent.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks._chaos_mix import mixed, toml_of
from venue.checkers.checks import judge
from venue.checkers.log import Line, read_journal, read_limits, read_log, read_state
from venue.checkers.run import Run
from venue.faults.registry import FAULTS

ROOT = Path(__file__).resolve().parents[1]
PROFILE = ROOT / "configs" / "profiles" / "chaos.toml"
CLOCK_START = "@2026-11-02 00:00:00"
REAL_SEC_SPARE = 300
"""How much longer than its duration a run may take, seconds of the wall clock."""
EXIT_CODES_MEANT = (0, 70)
"""70: HALTED, or left REDUCING with something that the venue did not let go; the checkers judge."""


class ChaosError(RuntimeError):
    """A run that left nothing to judge; the text holds its last words."""


def run_seed(folder: Path, seed: int, minutes: float, rate: float) -> dict[str, Any]:
    """
    Run one seed in *folder* and return its row.

    Raises
    ------
    ChaosError
        If the node did not come up or left no papers.

    """
    folder.mkdir(parents=True, exist_ok=True)
    seconds = round(minutes * 60)
    entries = mixed(seed, seconds)
    scenario = folder / "scenario.toml"
    scenario.write_text(toml_of(entries, seed))
    profile = folder / "profile.toml"
    profile.write_text(_profile_text(seed, scenario))
    began = time.monotonic()
    code, words = _run(folder, profile, seconds, rate)
    found = sorted((folder / "runs").glob("*-chaos*/final_state.json"))
    if not found:
        raise ChaosError(f"seed {seed}: exit code {code}: {words}")
    run_dir = found[-1].parent
    row = {"seed": seed, "exit_code": code, "real_sec": round(time.monotonic() - began)}
    return row | {"words": words} | judged(run_dir, profile) | {"run": str(run_dir)}


def judged(run_dir: Path, profile: Path) -> dict[str, Any]:
    """Return what a run did and what every checker says of it."""
    run = Run(
        log=read_log(run_dir / "wire.jsonl"),
        journal=read_journal(run_dir / "journal.jsonl"),
        state=read_state(run_dir / "final_state.json"),
        limits=read_limits(profile),
        reconcile_ms=_reconcile_sec(profile) * 1_000,
    )
    verdicts = {name: verdict for name, verdict in judge(run).items() if verdict is not None}
    faults = Counter(line["name"] for line in run.log.of("fault") if _struck(line))
    assert run.state is not None, "Invariant: read above"
    protection = verdicts["protection"].figures
    found = {
        name: [f"line {breach.line}: {breach.text}" for breach in verdict.breaches]
        for name, verdict in verdicts.items()
    }
    found["venue"] = [line["detail"] for line in run.log.of("fault") if line["name"] == "defect"]
    return {
        "faults": dict(sorted(faults.items())),
        "orders": int(verdicts["approved"].figures["orders sent"]),
        "fills": int(verdicts["fills"].figures["venue"]),
        "positions": int(protection["positions"]),
        "unprotected_sec_max": float(protection["unprotected longest"].split()[0]),
        "state": run.state["trading_state"],
        "breaches": {name: texts for name, texts in found.items() if texts},
    }


def _reconcile_sec(profile: Path) -> int:
    return int(tomllib.loads(profile.read_text())["venue"]["reconcile_sec"])


def _struck(line: Line) -> bool:
    """Return whether a line tells of a fault, not of its end, its means or a fault that failed."""
    if line["detail"].startswith("the exchange refused"):
        return False
    return line["name"] in FAULTS and line["detail"] not in ("over", "True", "False", "0 ms")


def _profile_text(seed: int, scenario: Path) -> str:
    text = re.sub(r"(?m)^seed = \d+$", f"seed = {seed}", PROFILE.read_text(), count=1)
    return text.replace("[rehearsal]\n", f"[rehearsal]\nscenario = {json.dumps(str(scenario))}\n")


def _run(folder: Path, profile: Path, seconds: int, rate: float) -> tuple[int, str]:
    places = ("--out", str(folder / "runs"), "--state", str(folder / "state"))
    command = [
        "faketime", "-f", f"{CLOCK_START} x{rate:g}", sys.executable, str(ROOT / "run_live.py"),
        "--profile", str(profile), "--duration", str(seconds), *places,
    ]  # fmt: skip
    with (folder / "output.txt").open("w+") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, text=True,
            # Without a reset the processes that the node starts share its clock.
            env={**os.environ, "TZ": "UTC", "FAKETIME_DONT_RESET": "1"},
            start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(timeout=seconds / rate + REAL_SEC_SPARE)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # faketime does not take its child along
        output.seek(0)
        words = [line for line in output.read().splitlines() if line.strip()]
    return code, next((w for w in reversed(words) if "HALTED" in w), words[-1])


COLUMNS = (
    ("seed", 4), ("faults", 6), ("kinds", 5), ("orders", 6), ("fills", 5), ("positions", 9),
    ("bare s", 6), ("state", 8), ("exit", 4), ("real s", 6),
)  # fmt: skip


def _head() -> str:
    return " ".join(f"{name:>{width}}" for name, width in COLUMNS) + "  checkers"


def _shown(row: dict[str, Any]) -> str:
    hits, breaches = row["faults"], row["breaches"]
    values = (
        row["seed"], sum(hits.values()), len(hits), row["orders"], row["fills"], row["positions"],
        f"{row['unprotected_sec_max']:.2f}", row["state"], row["exit_code"], row["real_sec"],
    )  # fmt: skip
    said = ", ".join(f"{name}: {len(found)}" for name, found in breaches.items()) or "silent"
    cells = (f"{value:>{width}}" for value, (_, width) in zip(values, COLUMNS, strict=True))
    return f"{' '.join(cells)}  {said}"


def _breaches(row: dict[str, Any]) -> Iterator[str]:
    for name, found in row["breaches"].items():
        yield from (f"     {name}: {text}" for text in found[:10])


def main(argv: list[str] | None = None) -> int:
    """Run the seeds one after the other, and return the exit code."""
    args = _parse(argv)
    if shutil.which("faketime") is None:
        print("faketime is missing: apt-get install faketime (or --rate 1)", file=sys.stderr)
        return 2
    rows = []
    print(_head(), flush=True)
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        row = run_seed(args.folder / f"seed-{seed:03}", seed, args.minutes, args.rate)
        rows.append(row)
        print("\n".join([_shown(row), *_breaches(row)]), flush=True)
        if args.out:
            args.out.write_text(json.dumps(rows, indent=1))
    met = {name for row in rows for name in row["faults"]}
    missed = ", ".join(sorted(FAULTS.keys() - met)) or "none"
    print(f"{len(met)} of {len(FAULTS)} kinds of faults struck; missed: {missed}")
    is_clean = all(row["exit_code"] in EXIT_CODES_MEANT and not row["breaches"] for row in rows)
    return 0 if is_clean else 1


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Rehearsals with all faults of the local venue.")
    add = parser.add_argument
    add("--seeds", type=int, default=10, help="how many runs (default %(default)s)")
    add("--first-seed", type=int, default=1)
    add("--minutes", type=float, default=10, help="of one run, on the fast clock (default 10)")
    add("--rate", type=float, default=5, help="how fast the clock runs (default %(default)s)")
    add("--folder", type=Path, default=Path("runs/chaos"), help="where the runs go")
    add("--out", type=Path, help="write the rows as JSON")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
