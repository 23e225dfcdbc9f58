"""
From pulling the kill switch outside the node to the last cancel, and to verified flat.

A venue in a process of its own holds positions with their stops and a hundred resting entries, on one
symbol and on ten; `run_direct` flattens it, again and again, and once in a while the command does,
start of Python included. "flat" is the look that shows no position and no order of any kind.

    python -m benchmarks.kill_direct [--runs N] [--orders N] [--out FILE]
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from multiprocessing.connection import Connection
from typing import Any

from benchmarks import _kill_table
from benchmarks._spread import spread
from configs.secrets import KEY_NAMES, Credentials
from ops.direct.client import DirectClient
from ops.direct.options import Patience
from ops.direct.run import run_direct
from ops.direct.where import Where
from risk.kills import KillLevel
from venue.config import AccountConfig, VenueConfig
from venue.server import Venue
from venue.still import START_PRICES
from venue.wire.limits import LimitOptions

SYMBOLS = (
    "BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "AVAXUSDT", "FILUSDT",
    "LINKUSDT", "LTCUSDT",
)  # fmt: skip
SIZES = {"BTCUSDT": "0.01", "ETHUSDT": "0.2", "SOLUSDT": "4"}
FIGURES = ("last_cancel_ms", "verified_ms")
QUICK = Patience(deadline_sec=60, quiet_sec=0.0)


@contextmanager
def venue() -> Iterator[tuple[str, Credentials]]:
    """Run a still venue whose rate limits stay out of the way; yield its address and keys."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs,), daemon=True)
    process.start()
    url, key, secret = ours.recv()
    try:
        yield url, Credentials(key, secret, "the benchmark's venue")
    finally:
        ours.send("end")
        process.join(10)


def _main(pipe: Connection) -> None:
    asyncio.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    free = LimitOptions(weight_1m_max=10**9, orders_10s_max=10**9, orders_1m_max=10**9)
    rich = AccountConfig(name="main", wallet={"USDT": Decimal(1_000_000)})
    config = VenueConfig(market="still", symbols=SYMBOLS, seed=1, limits=free, accounts=(rich,))
    served = Venue(config)
    await served.start()
    keys = served.keys.of("main")
    pipe.send((served.rest_url, keys.key, keys.secret))
    await asyncio.to_thread(pipe.recv)
    await served.stop()


async def fill(client: DirectClient, symbols: tuple[str, ...], orders: int) -> None:
    """Take a position with a stop on each symbol, and let *orders* entries rest on all of them."""
    for number, symbol in enumerate(symbols):
        price, size = START_PRICES.get(symbol, Decimal(100)), SIZES.get(symbol, "6")
        own = {"symbol": symbol, "quantity": size}
        await client.signed("POST", "/fapi/v1/order", **own, side="BUY", type="MARKET")
        await client.signed(
            "POST", "/fapi/v1/algoOrder", **own, algoType="CONDITIONAL", side="SELL",
            type="STOP_MARKET", triggerPrice=_at(price, "0.97"), reduceOnly="true",
        )  # fmt: skip
        for _ in range(orders // len(symbols) + (number < orders % len(symbols))):
            await client.signed(
                "POST", "/fapi/v1/order", **own, side="BUY", type="LIMIT", timeInForce="GTC",
                price=_at(price, "0.98"),
            )  # fmt: skip


def _at(price: Decimal, share: str) -> str:
    return f"{(price * Decimal(share)).normalize():f}"


async def by_call(url: str, keys: Credentials) -> dict[str, Any]:
    """Kill as the watchdog does, in a process that runs already."""
    where = Where("local", url)
    report = await run_direct(
        where,
        keys,
        KillLevel.FLATTEN,
        by="bench",
        reason="a measurement",
        patience=QUICK,
        say=_quiet,
    )
    return report.row()


async def by_command(url: str, keys: Credentials) -> dict[str, Any]:
    """Kill as a person does; times count from the start of the process."""
    names = KEY_NAMES["local"]
    began_ns = time.time_ns()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ops", "kill", "--direct", "FLATTEN", "--venue", url, "--json",
        "--quiet-time", "0",
        env={**os.environ, names[0]: keys.api_key, names[1]: keys.api_secret},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    row: dict[str, Any] = json.loads((await process.communicate())[0])
    started_ms = (row["ts_ns"] - began_ns) / 1e6
    return row | {name: row[name] + started_ms for name in FIGURES}


def _quiet(_: str) -> None:
    """Say nothing: printing is not what is measured."""


async def measure(runs: int, orders: int) -> list[dict[str, Any]]:
    """Return a line for each way and number of symbols."""
    ways = {"call": (by_call, runs), "command": (by_command, max(3, runs // 5))}
    lines = []
    with venue() as (url, keys):
        for count in (1, len(SYMBOLS)):
            for way, (kill, times) in ways.items():
                rows = []
                for _ in range(times):
                    async with DirectClient(url, keys, _quiet) as client:
                        await fill(client, SYMBOLS[:count], orders)
                    rows.append(await kill(url, keys))
                lines.append({"way": way, "symbols": count, "orders": orders, **_line(rows)})
    return lines


def _line(rows: list[dict[str, Any]]) -> dict[str, Any]:
    figures: dict[str, Any] = {"runs": len(rows), "not_true": sum(not r["is_true"] for r in rows)}
    return figures | {name: spread([row[name] for row in rows]) for name in FIGURES}


def main() -> int:
    args = _kill_table.parse(__doc__, runs=50)
    lines = asyncio.run(measure(args.runs, args.orders))
    _kill_table.show(lines, *FIGURES, args.out)
    not_true = sum(line["not_true"] for line in lines)
    print(f"{not_true} of {sum(line['runs'] for line in lines)} kills were not true at their end")
    return int(not_true > 0)


if __name__ == "__main__":
    sys.exit(main())
