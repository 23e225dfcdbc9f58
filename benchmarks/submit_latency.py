"""
From a strategy's request to the venue's socket: the gate and the hardened adapter against stock.

The same venue, in a process of its own, takes market entries from a guarded node (each judged,
journalled and with its stop held) and from a stock node (stock risk engine and adapter), turn and
turn about. Reported: the time from the call in the strategy until the request has reached the venue.

    python -m benchmarks.submit_latency [--orders N] [--rounds N] [--out FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import numpy as np
from nautilus_trader.adapters.binance import (
    BinanceAccountType,
    BinanceDataClientConfig,
    BinanceExecClientConfig,
    BinanceLiveDataClientFactory,
    BinanceLiveExecClientFactory,
)
from nautilus_trader.adapters.binance.common.enums import BinanceEnvironment
from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveExecEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.identifiers import InstrumentId, TraderId

from benchmarks._node import KEY, guarded_node, load_profile_for, until
from benchmarks._timed import BareRoundTrips, requests_ns
from benchmarks._venue import VenueChild, venue_child

KINDS = ("stock", "guarded")


@asynccontextmanager
async def stock_node(venue: VenueChild) -> AsyncIterator[None]:
    """Run a node as NautilusTrader's documentation builds it."""
    instrument_id = InstrumentId.from_str(KEY)
    shared = {
        "account_type": BinanceAccountType.USDT_FUTURES, "environment": BinanceEnvironment.DEMO,
        "base_url_http": venue.rest_url,
        "api_key": venue.credentials.api_key, "api_secret": venue.credentials.api_secret,
        "instrument_provider": InstrumentProviderConfig(load_ids=frozenset({instrument_id})),
    }  # fmt: skip
    config = TradingNodeConfig(
        trader_id=TraderId("STOCK-001"),
        logging=LoggingConfig(log_level="OFF"),
        exec_engine=LiveExecEngineConfig(reconciliation=True),
        data_clients={
            "BINANCE": BinanceDataClientConfig(base_url_ws=f"{venue.ws_url}/public", **shared)
        },
        exec_clients={
            "BINANCE": BinanceExecClientConfig(
                base_url_ws_stream=f"{venue.ws_url}/private", use_position_ids=False, **shared
            )
        },
    )
    node = TradingNode(config, loop=asyncio.get_running_loop())
    node.add_data_client_factory("BINANCE", BinanceLiveDataClientFactory)
    node.add_exec_client_factory("BINANCE", BinanceLiveExecClientFactory)
    node.build()
    node.trader.add_strategy(BareRoundTrips(instrument_id, Decimal("0.002")))
    try:
        await node.kernel.start_async()
        yield
    finally:
        await node.kernel.stop_async()
        node.kernel.dispose()


async def round_of(kind: str, venue: VenueChild, orders: int) -> list[float]:
    """Run one node until it has sent *orders* entries; return their latencies in milliseconds."""
    requests_ns.clear()
    profile = load_profile_for("benchmarks._timed:RoundTrips", {})
    async with guarded_node(profile, venue) if kind == "guarded" else stock_node(venue):
        await until(lambda: len(requests_ns) > orders)
    _, arrived = venue.stamps()
    # An order that a rate limit has kept back has no latency.
    sent = [(arrived[key] - ns) / 1e6 for key, ns in requests_ns.items() if key in arrived]
    return sent[:orders]


async def measure(orders: int, rounds: int) -> dict[str, list[float]]:
    lags: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind in KINDS:
            with venue_child() as venue:  # of its own: a node finds nothing that another has left
                venue.play(100, 10**9)  # A round trip takes its quotes a hundred times a second.
                lags[kind] += await round_of(kind, venue, orders)
    return lags


def main() -> None:
    parser = argparse.ArgumentParser(description="Time from submit to the venue's socket.")
    parser.add_argument(
        "--orders", type=int, default=40, help="entries of a round; more meet the rate limits"
    )
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    lags = asyncio.run(measure(args.orders, args.rounds))
    figures = {
        kind: {"orders": len(ms), "p50_ms": np.percentile(ms, 50), "p99_ms": np.percentile(ms, 99)}
        for kind, ms in lags.items()
    }
    for kind, row in figures.items():
        print(
            f"{kind:>8}  {row['orders']:,} orders  p50 {row['p50_ms']:.2f} ms  p99 {row['p99_ms']:.2f} ms"
        )
    for name in ("p50_ms", "p99_ms"):
        print(
            f"guarded / stock  {name[:3]}  {figures['guarded'][name] / figures['stock'][name]:.2f}"
        )
    if args.out:
        args.out.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
