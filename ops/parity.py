"""
The same recorded hours three times: as backtest, on paper, and as rehearsal through the adapter.

One command runs all three from one backtest profile and compares what each strategy asked for.
A local venue plays the catalog to a paper node and a rehearsal node at once: ticks at their own
pace, bars faster, with a rest after each so that it can be acted on at the price it closed at.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
import warnings
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import ValidationError

from configs.cli import BAD_CONFIGURATION, BROKEN_INVARIANT, OK, TEMPORARY, Parser
from configs.local_venue import local_venue
from configs.profile import Profile, ProfileError, load_profile
from configs.runner import new_run_dir
from ops.live_run import Options, run_live
from report.parity import Parity, compare, show
from strategies.bars import HISTORY_SECS_MAX

ROOT = Path(__file__).parents[1]
NODES = ("paper", "rehearsal")
TAIL_SEC = 10
"""Seconds that the nodes run on after the last event, for what is still on its way."""
FIRST_EVENTS = 10
"""So many are played before the nodes start: a book to ask for, and prices."""
BAR_REST_MS = 80
"""Real time for nodes to act on a bar at the price that it closed at, as a backtest does."""
BARS_SPEED = 6_000
"""Recorded seconds a second of bars, beside that rest."""
UP = "BEAT"
"""The first line of a node's view."""
LOOK_SEC = 0.2

type Nodes = Mapping[str, subprocess.Popen[bytes]]


class ParityError(RuntimeError):
    """A run that did not come to its end; the text holds its own last words."""


LIVE_SECTIONS: Mapping[str, Any] = {
    "kill": {"level": "FLATTEN"},
    "dead_man": {"countdown_sec": 120, "rearm_sec": 30},
    "watchdog": {"heartbeat_ms_max": 60_000, "grace_sec": 60, "level": "FLATTEN"},
}
LIVE_LIMITS: Mapping[str, Any] = {
    "protection": {
        "unprotected_ms_max": 5_000, "stop_grace_ms_max": 5_000, "verify_ms": 1_000,
        "liquidation_distance_bps_min": Decimal(100), "margin_ratio_max": Decimal("0.8"),
    },
    "storms": {"denials_max": 1_000_000, "rejects_max": 1_000, "window_sec": 60},
}  # fmt: skip
"""What a backtest does without. Nothing of it may decide what a strategy asks for: the market runs many
times as fast as the clock, and minutes of it pass within the time that a stop is given."""


def is_of_bars(profile: Profile) -> bool:
    """Return whether the profile's strategies see nothing finer than bars."""
    return profile.limits.market_data.price_source == "bar"


def live_profile(profile: Profile, mode: str) -> Profile:
    """
    Return the backtest *profile* for *mode* against a local venue that plays the same catalog.

    Strategies, limits and account are the same; orders are judged by the best bid and ask.

    Raises
    ------
    ProfileError
        If the profile has no window, or is no backtest.

    """
    data = profile.data
    if profile.mode != "backtest" or data is None or data.start is None or data.end is None:
        raise ProfileError(f"{profile.name}: parity needs a backtest with data.start and data.end")
    limits = profile.limits.model_dump() | LIVE_LIMITS
    limits["market_data"]["price_source"] = "quote"
    table: dict[str, Any] = dict(profile) | {
        "name": f"{profile.name}-{mode}",
        "mode": mode,
        "data": None,
        "simulation": profile.simulation if mode == "paper" else None,
        "venue": {
            "environment": "local", "margin_type": "CROSSED", "recv_window_ms": 10_000,
            "http_timeout_sec": 10, "clock_offset_ms_max": 1_000, "data_silence_sec_max": 60,
            "reconcile_sec": 60,
        },
        "rehearsal": {
            "market": f"catalog:{data.catalog}", "start": data.start, "end": data.end,
            "speed": Decimal(0), "bar_rest_ms": BAR_REST_MS if is_of_bars(profile) else 0,
        },
        "journal": {"sync": "flush"},
        "limits": limits,
    }  # fmt: skip
    table |= LIVE_SECTIONS
    try:
        return Profile.model_validate(table)
    except ValidationError as e:
        raise ProfileError(f"{profile.name} as {mode}: {e}") from e


def run_parity(path: Path, *, out: Path, data: Mapping[str, Any]) -> Parity:
    """
    Run a profile in all three modes and compare.

    Parameters
    ----------
    path : Path
        A backtest profile with a window.
    out : Path
        Where the folder of this comparison is made: ``<out>/<time>-<profile name>``.
    data : Mapping[str, Any]
        Keys of ``[data]`` set from outside.

    Raises
    ------
    ProfileError
        If the profile does not fit.
    ParityError
        If a run failed.

    """
    profile = load_profile(path, data=dict(data))
    for mode in NODES:
        live_profile(profile, mode)  # Refused before anything runs.
    out = new_run_dir(out, profile)
    shared = ["--profile", str(path), *_options(data)]
    backtest = [str(ROOT / "run_backtest.py"), *shared, "--out", str(out / "backtest")]
    live = ["-m", "ops.parity", *shared, "--out", str(out), "--live"]
    runs = {
        name: _spawn([sys.executable, "-W", "ignore", *command], out / f"{name}.log")
        for name, command in (("backtest", backtest), ("live", live))
    }
    failed = {name: code for name, run in runs.items() if (code := run.wait()) != OK}
    if failed:
        raise ParityError("\n".join(_last_words(name, code, out) for name, code in failed.items()))
    return compare({name: _journal(out / name) for name in ("backtest", *NODES)})


async def _live(profile: Profile, out: Path, shared: list[str]) -> int:
    """Play the catalog to both nodes; return the worse of their exit codes."""
    folder = out / "venue"
    folder.mkdir()
    async with (
        local_venue(live_profile(profile, "rehearsal"), folder) as venue,
        aiohttp.ClientSession(f"{venue.control_url}/", raise_for_status=True) as control,
    ):
        await control.post("step", json={"n": FIRST_EVENTS})
        nodes = {
            mode: _spawn(
                [sys.executable, "-W", "ignore", "-m", "ops.parity", *shared, "--out", str(out),
                 "--node", mode, "--venue", venue.rest_url, "--keys", str(venue.keys)],
                out / f"{mode}.log",
            )
            for mode in NODES
        }  # fmt: skip
        try:
            if await _are_up(nodes, out):
                # There is no history yet, and the adapter has no answer to say so.
                await asyncio.sleep(HISTORY_SECS_MAX + LOOK_SEC)
                speed = BARS_SPEED if is_of_bars(profile) else 1
                await control.post("speed", json={"speed": speed})
                await _has_played(nodes, control)
        finally:
            for node in nodes.values():
                node.send_signal(signal.SIGTERM)
        codes = {mode: await asyncio.to_thread(node.wait) for mode, node in nodes.items()}
    for mode, code in codes.items():
        if code != OK:
            print(_last_words(mode, code, out))
    return max(codes.values())


async def _are_up(nodes: Nodes, out: Path) -> bool:
    """Wait until every node's view has begun; return False when one has ended instead."""
    while all(node.poll() is None for node in nodes.values()):
        if all(UP in (out / f"{mode}.log").read_text(errors="replace") for mode in nodes):
            return True
        await asyncio.sleep(LOOK_SEC)
    return False


async def _has_played(nodes: Nodes, control: aiohttp.ClientSession) -> None:
    """Wait until the market is over and what was on its way has arrived, or a node has ended."""
    while all(node.poll() is None for node in nodes.values()):
        async with control.get("state") as answer:
            if (await answer.json())["next_ms"] is None:
                await asyncio.sleep(TAIL_SEC)
                return
        await asyncio.sleep(LOOK_SEC)


def _node(profile: Profile, args: argparse.Namespace) -> int:
    """Be one of the nodes, as ``run_live.py`` is, with a profile that no file holds."""
    from rich.console import Console

    mode = args.node
    keys = args.keys if mode == "rehearsal" else None
    options = Options(out=args.out / mode, state=args.out / mode, venue_url=args.venue, keys=keys)
    return asyncio.run(run_live(live_profile(profile, mode), options, Console()))


def _spawn(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(  # noqa: S603 - our own commands
            command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT
        )


def _last_words(name: str, code: int, out: Path) -> str:
    lines = (out / f"{name}.log").read_text(errors="replace").splitlines()[-15:]
    return "\n".join([f"{name} ended with {code}:", *(f"  {line}" for line in lines)])


def _journal(folder: Path) -> Path:
    found = sorted(folder.glob("**/journal.jsonl"))
    if len(found) != 1:
        raise ParityError(f"{folder}: {len(found)} journals, 1 expected")
    return found[0]


def _options(data: Mapping[str, Any]) -> list[str]:
    return [word for key, value in data.items() for word in (f"--{key}", str(value))]


def main(argv: list[str] | None = None) -> int:
    """Run and return the exit code."""
    parser = Parser(prog="python -m ops.parity", description=__doc__)
    add = parser.add_argument
    add("--profile", type=Path, required=True, help="a backtest profile with a window")
    add("--catalog", help="Parquet catalog to use instead of the profile's data.catalog")
    add("--start", help="first moment instead of the profile's data.start, ISO 8601 with time zone")
    add("--end", help="last moment, likewise")
    add("--out", type=Path, default=Path("runs"), help="folder for run folders (default: runs)")
    add("--live", action="store_true", help=argparse.SUPPRESS)
    add("--node", choices=NODES, help=argparse.SUPPRESS)
    add("--venue", help=argparse.SUPPRESS)
    add("--keys", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    data = {k: getattr(args, k) for k in ("catalog", "start", "end") if getattr(args, k)}
    try:
        if args.node:
            return _node(load_profile(args.profile, data=data), args)
        if args.live:
            shared = ["--profile", str(args.profile), *_options(data)]
            return asyncio.run(_live(load_profile(args.profile, data=data), args.out, shared))
        parity = run_parity(args.profile, out=args.out, data=data)
    except ProfileError as e:
        print(f"bad configuration: {e}", file=sys.stderr)
        return BAD_CONFIGURATION
    except ParityError as e:
        print(e, file=sys.stderr)
        return TEMPORARY
    print(show(parity))
    return OK if parity.is_equal else BROKEN_INVARIANT


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message="Timestamp.utcnow is deprecated")
    sys.exit(main())
