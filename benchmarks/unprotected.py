"""
Seconds without a full stop, fault by fault, by the venue's own truth.

A guarded node with its monitor and a local venue in one process; for each fault a node, and for each
seed a position, at another phase of the node's rounds and of another size. What is counted is read
from the wire: from the fill, or from the moment a stop was gone at the venue, until stops rested for
all of it or it was closed. `stop_frozen` counts from the price being through the stop to the close.

Limits of protection are those of the shipped live profile.

    python -m benchmarks.unprotected [--seeds N] [--fault NAME ...] [--out FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks._spread import spread
from configs.profile import load_profile
from tests.guarded_kit import Trader
from tests.hop_kit import BTC
from tests.monitor_kit import Monitored, monitored
from venue.wire.limits import LimitOptions

PROFILE = Path(__file__).parents[1] / "configs" / "profiles" / "live.toml"
PRICE, THROUGH = Decimal(64_000), Decimal(59_000)
SETTLE_SEC = 0.3
Scene = Callable[[Monitored, "Round"], Awaitable[int | None]]
"""Plays a fault; what it returns counts instead of what the wire says, milliseconds."""


class Round(NamedTuple):
    """One position: its size, and how long it is left alone before the fault."""

    qty: str
    wait_sec: float


class Case(NamedTuple):
    """A fault: what is done, and whether the position must be gone after it, or stay."""

    scene: Scene
    is_closed: bool = False
    claims: bool = True


async def _enter(m: Monitored, each: Round) -> set[str]:
    """Open a position, let its stop rest, and return the ids of what rests."""
    m.node.trader.enter(each.qty)
    await m.until(lambda: m.amt() != 0 and m.stops(), "a position with its stop")
    await asyncio.sleep(each.wait_sec)
    return set(m.stops())


def _is_whole(m: Monitored) -> bool:
    return m.stop_qty() >= m.amt() > 0


async def _whole(m: Monitored, gone: set[str]) -> None:
    """Wait until other stops than those that went protect all of it."""
    await m.until(lambda: _is_whole(m) and not gone & set(m.stops()), "stops for all of it")


def after(fault: str, **keys: Any) -> Scene:
    """Let a fault strike a position whose stop rests."""

    async def scene(m: Monitored, each: Round) -> None:
        gone = await _enter(m, each)
        m.fault(fault, **keys)
        await _whole(m, gone)

    return scene


def before(fault: str, **keys: Any) -> Scene:
    """Arm a fault that the stop of a new position meets."""

    async def scene(m: Monitored, each: Round) -> None:
        m.fault(fault, count=1, on="algo", **keys)
        m.node.trader.enter(each.qty)
        await m.until(lambda: _is_whole(m), "a stop for all of it")

    return scene


async def no_fault(m: Monitored, each: Round) -> None:
    await _enter(m, each)


async def refused(m: Monitored, each: Round) -> None:
    m.fault("refused", on="algo", **{"for": "1500ms"}, args={"code": -4130})
    m.node.trader.enter(each.qty)
    await m.until(lambda: m.sent("/fapi/v1/algoOrder", symbol="BTCUSDT") and m.amt() == 0, "flat")
    await m.until(lambda: not _open(m, "refused"), "the end of the fault")


async def grown(m: Monitored, each: Round) -> None:
    await _enter(m, each)
    held = m.amt()
    m.fault("foreign_order", args={"quantity": each.qty})
    await m.until(lambda: m.amt() > held and _is_whole(m), "stops for all of it")


async def untold(m: Monitored, each: Round) -> None:
    gone = await _enter(m, each)
    m.fault("event_dropped", on="event:ALGO_UPDATE", count=1)
    m.fault("stop_expired")
    await _whole(m, gone)


async def without_stream(m: Monitored, each: Round) -> None:
    gone = await _enter(m, each)
    m.fault("user_stream_dropped", **{"for": "1500ms"})
    await m.until(lambda: not m.node.exec_client.is_user_stream_up, "the stream to be away")
    m.fault("stop_expired")
    await _whole(m, gone)
    await m.until(lambda: m.node.exec_client.is_user_stream_up, "the stream to be back")


async def frozen_venue(m: Monitored, each: Round) -> None:
    gone = await _enter(m, each)
    m.fault("freeze", **{"for": "800ms"})
    await m.until(lambda: m.venue.faults.listing()[-1]["hits"], "the freeze")
    m.venue.exchange.actions.cancel_algo_silently("main", next(iter(gone)))
    m.venue.wire.tell_truth()
    await _whole(m, gone)


async def frozen_stop(m: Monitored, each: Round) -> int:
    await _enter(m, each)
    m.fault("stop_frozen")
    await m.until(lambda: m.venue.faults.listing()[-1]["hits"], "the fault")
    begun = time.monotonic()
    m.venue.move("BTCUSDT", THROUGH)
    await m.until(lambda: m.amt() == 0, "the close")
    return round((time.monotonic() - begun) * 1000)


CASES: dict[str, Case] = {
    "none": Case(no_fault),
    "stop_refused_once": Case(before("refused", args={"code": -4130})),
    "stop_refused": Case(refused, is_closed=True),
    "stop_overload": Case(before("refused", args={"code": -1008, "status": 503})),
    "stop_reply_lost": Case(before("reply_lost")),
    "stop_never_arrived": Case(before("reply_lost", args={"is_executed": False})),
    "stop_expired": Case(after("stop_expired")),
    "stop_expired_untold": Case(untold),
    "stop_canceled_silently": Case(after("stop_canceled_silently")),
    "foreign_cancel": Case(after("foreign_cancel")),
    "foreign_order_adds": Case(grown, claims=False),
    "user_stream_away": Case(without_stream),
    "frozen_then_gone": Case(frozen_venue),
    "stop_frozen": Case(frozen_stop, is_closed=True),
}


def _open(m: Monitored, name: str) -> bool:
    return any(row["name"] == name and row["open"] for row in m.venue.faults.listing())


async def _flatten(m: Monitored) -> None:
    """Close whatever is there through the gate, and wait until both sides agree that it is gone."""
    m.venue.move("BTCUSDT", PRICE)
    for position in m.node.cache.positions_open(instrument_id=BTC):
        m.node.guard.gate.desk.close_position(position, abs(position.signed_decimal_qty()))
    await m.until(lambda: m.amt() == 0 and not m.node.cache.positions_open(), "flat on both sides")
    await m.until(lambda: not m.stops() and not m.node.cache.orders_open(), "no order left", 30)
    await asyncio.sleep(SETTLE_SEC)
    judge, now_ns = m.node.guard.gate.judge, time.time_ns()
    await m.until(lambda: judge.holds.denial(time.time_ns()) is None, "new risk to be let in")
    if judge.state.state.name != "ACTIVE":
        judge.resume(by="benchmark", reason="the next seed", now_ns=now_ns)


async def measure(name: str, seeds: int) -> dict[str, Any]:
    """Return the figures of one fault, milliseconds."""
    case, trips = CASES[name], 0
    free = LimitOptions(weight_1m_max=10**9, orders_10s_max=10**9, orders_1m_max=10**9)
    trader = Trader() if case.claims else Trader(claims=())
    wide = {"repeated_entries_max": 10**6, "price_move_bps_max": Decimal(9_000)}
    protection = load_profile(PROFILE).limits.protection
    assert protection is not None, "Invariant: live is protected"
    with tempfile.TemporaryDirectory() as folder:
        async with monitored(
            Path(folder), trader=trader, protection=protection.model_dump(), limits=wide,
            venue_settings={"limits": free},
        ) as m:  # fmt: skip
            wrong, timed = 0, list[int]()
            for seed in range(seeds):
                rng = random.Random(f"{name} {seed}")
                each = Round(f"{rng.randint(4, 30) / 1000:.3f}", rng.uniform(0, 0.6))
                timed_ms = await case.scene(m, each)
                timed += [] if timed_ms is None else [timed_ms]
                wrong += (m.amt() == 0) is not case.is_closed
                causes = m.node.guard.gate.judge.state.causes
                trips += any(cause.startswith("STOP_INVARIANT_BROKEN") for cause in causes)
                await _flatten(m)
            spells = timed or [episode.bare_ms_max for episode in m.episodes()]
            monitor_ms = [row.longest_ms for row in m.closed()]
    return {
        "fault": name, "seeds": seeds, "ms": spread(spells, 0), "spells_ms": spells,
        "by_monitor_worst_ms": max(monitor_ms, default=0), "wrong": wrong, "trips": trips,
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--fault", nargs="*", choices=sorted(CASES), default=list(CASES))
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    print("Milliseconds without a full stop.")
    print(f"{'fault':24} seeds    p50    p99  worst   outcome")
    lines = []
    for name in args.fault:
        line = asyncio.run(measure(name, args.seeds))
        lines.append(line)
        ms, outcome = line["ms"], "closed" if CASES[name].is_closed else "kept"
        note = f"{line['wrong']} wrong" if line["wrong"] else outcome
        print(
            f"{name:24} {line['seeds']:5} {ms['p50']:6.0f} {ms['p99']:6.0f} {ms['worst']:6}"
            f"   {note}{', INVARIANT BROKEN' if line['trips'] else ''}",
            flush=True,
        )
    if args.out is not None:
        args.out.write_text(json.dumps(lines, indent=1))
    return int(any(line["wrong"] or line["trips"] for line in lines))


if __name__ == "__main__":
    sys.exit(main())
