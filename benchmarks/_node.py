"""A guarded node on the benchmark's venue, with limits out of the way of its load."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from configs.nodes import LiveNode, build_node, load_instruments, venue_settings
from configs.profile import Profile, StrategySection, load_profile
from ops.logs import log_config

ROOT = Path(__file__).parents[1]
KEY = "BTCUSDT-PERP.BINANCE"
WAIT_SECS = 60


def load_profile_for(path: str, params: dict[str, Any]) -> Profile:
    """Return the rehearsal profile with one strategy on BTC and rates that no load reaches."""
    profile = load_profile(ROOT / "configs" / "profiles" / "rehearsal.toml")
    limits = profile.limits
    free = dict.fromkeys(
        ("messages_per_sec_max", "messages_per_min_max", "repeated_entries_max"), 10**9
    )
    strategy = StrategySection(
        path=path,
        params={
            "instrument_id": KEY, "trade_risk_usdt": Decimal(50),
            "trade_notional_usdt_max": Decimal(500), **params,
        },
    )  # fmt: skip
    return profile.model_copy(
        update={
            "strategies": (strategy,),
            "limits": limits.model_copy(
                update={
                    "symbols": {KEY: limits.symbols[KEY]},
                    "rates": limits.rates.model_copy(update=free),
                }
            ),
        }
    )


@asynccontextmanager
async def guarded_node(profile: Profile, venue: Any, **options: Any) -> AsyncIterator[LiveNode]:
    """Run the node of *profile* against *venue*; *options* as for `build_node`."""
    settings = venue_settings(profile, rest_url=venue.rest_url, ws_url=venue.ws_url)
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder)
        live = build_node(
            profile, settings, venue.credentials,
            state_dir=run_dir, logging=log_config(run_dir), **options,
        )  # fmt: skip
        await load_instruments(live)
        kernel = live.node.kernel
        try:
            await kernel.start_async()
            assert kernel.trader.is_running, "the node did not come up"
            yield live
        finally:
            await kernel.stop_async()
            live.guard.close()
            kernel.dispose()


async def until(condition: Any) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(WAIT_SECS):
        while not condition():
            await asyncio.sleep(0.002)
