"""
Market data under load: from the venue's socket to the strategy of a guarded node.

A venue in a process of its own sends numbered quotes at an even rate; the node runs the book
imbalance strategy behind the gate on the hardened adapter. Reported: latency of each quote from
the send call to the strategy's handler, quotes that never came, and the processor time of the node.
First 1,000 a second, then more until one of the limits of the risk analysis is passed: p99 10 ms,
60 % of a core, nothing lost.

    python -m benchmarks.feed_load [--secs N] [--rates R ...] [--out FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._node import guarded_node, load_profile_for, until
from benchmarks._timed import quotes_ns as seen
from benchmarks._venue import VenueChild, venue_child

RATES = (1_000, 2_000, 4_000, 6_000, 8_000, 12_000, 16_000, 24_000)
P99_MS_MAX, CPU_MAX = 10.0, 0.60


async def load(venue: VenueChild, rate: int, secs: float) -> dict[str, Any]:
    """Send *rate* quotes a second for *secs* and measure."""
    count = int(rate * secs)
    before = len(seen)
    cpu, wall = time.process_time(), time.monotonic()
    venue.play(rate, count)
    with contextlib.suppress(TimeoutError):  # what is missing then is lost
        await until_within(lambda: len(seen) - before >= count, secs * 1.5 + 10)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    sent, _ = venue.stamps()
    keys = list(sent)[-(len(sent) - before) :] if len(sent) > before else []
    lags = np.array([(seen[key] - sent[key]) / 1e6 for key in keys if key in seen])
    # The last few may still be on their way when the stamps are fetched.
    lost = max(0, sum(key not in seen for key in keys[:-50]))
    return {
        "rate": rate, "sent": len(keys), "lost": lost, "cpu": cpu / wall,
        "achieved": count / wall, "p50_ms": float(np.percentile(lags, 50)),
        "p99_ms": float(np.percentile(lags, 99)), "worst_ms": float(lags.max()),
    }  # fmt: skip


async def until_within(condition: Any, secs: float) -> None:
    async with asyncio.timeout(secs):
        while not condition():
            await asyncio.sleep(0.01)


async def measure(rates: tuple[int, ...], secs: float) -> list[dict[str, Any]]:
    profile = load_profile_for("benchmarks._timed:TimedImbalance", {"threshold": 0.99})
    rows = []
    with venue_child() as venue:
        async with guarded_node(profile, venue):
            await until(lambda: len(seen) > 20)
            for rate in rates:
                rows.append(await load(venue, rate, secs))
                row = rows[-1]
                print(
                    f"{rate:>7,}/s  p50 {row['p50_ms']:6.2f} ms  p99 {row['p99_ms']:6.2f} ms  "
                    f"worst {row['worst_ms']:7.2f} ms  lost {row['lost']}  "
                    f"node {row['cpu']:.0%} of a core  (came at {row['achieved']:,.0f}/s)",
                    flush=True,
                )
                if row["p99_ms"] > P99_MS_MAX or row["cpu"] > CPU_MAX or row["lost"]:
                    break
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Load the market-data path of a guarded node.")
    parser.add_argument("--secs", type=float, default=60.0, help="length of each load")
    parser.add_argument("--rates", type=int, nargs="+", default=list(RATES))
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    rows = asyncio.run(measure(tuple(args.rates), args.secs))
    held = [
        r["rate"]
        for r in rows
        if r["p99_ms"] <= P99_MS_MAX and r["cpu"] <= CPU_MAX and not r["lost"]
    ]
    print(f"held up to {max(held, default=0):,} a second")
    if args.out:
        args.out.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
