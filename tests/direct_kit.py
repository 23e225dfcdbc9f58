"""An account full of orders at a local venue, and a kill from outside that is let loose on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from configs.secrets import Credentials
from ops.direct.options import Patience
from ops.direct.report import DirectReport
from ops.direct.run import run_direct
from ops.direct.where import Where
from risk.kills import ACCOUNT, KillLevel, Scope
from tests.venue_kit import RestClient, account, client, local_venue
from venue.engine.symbols import builtin
from venue.server import Venue
from venue.still import StillMarket

TEN = (
    "BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "AVAXUSDT", "FILUSDT",
    "LINKUSDT", "LTCUSDT",
)  # fmt: skip
PRICES = {"BTCUSDT": Decimal(64_000), "ETHUSDT": Decimal(3_400), "SOLUSDT": Decimal(150)}
SIZES = {"BTCUSDT": "0.01", "ETHUSDT": "0.2", "SOLUSDT": "4"}
"""Some 640 USDT of each at the still market's prices; all others stand at 100."""
QUICK = Patience(deadline_sec=20, quiet_sec=0.05)


@dataclass
class Account:
    """A client of the account, and what a kill of it says."""

    venue: Venue
    rest: RestClient
    name: str = "main"
    lines: list[str] = field(default_factory=list)

    @property
    def keys(self) -> Credentials:
        own = self.venue.keys.of(self.name)
        return Credentials(own.key, own.secret, "test")

    @property
    def truth(self) -> dict[str, Any]:
        return self.venue.exchange.truth(self.name)

    @property
    def left(self) -> tuple[int, int, int]:
        """Return how many positions, orders and conditional orders there are."""
        truth = self.truth
        return tuple(len(truth[key]) for key in ("positions", "open_orders", "open_algos"))

    async def hold(self, symbol: str = "BTCUSDT", side: str = "BUY", **more: str) -> None:
        """Take a position of about 640 USDT with a stop three percent away."""
        price = PRICES.get(symbol, Decimal(100))
        quantity = more.pop("quantity", SIZES.get(symbol, "6"))
        away = Decimal("0.97") if side == "BUY" else Decimal("1.03")
        exit_side = "SELL" if side == "BUY" else "BUY"
        reduces = {} if "positionSide" in more else {"reduceOnly": "true"}
        await self.order(symbol=symbol, side=side, type="MARKET", quantity=quantity, **more)
        await self.rest.ok(
            "POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol=symbol, side=exit_side,
            type="STOP_MARKET", quantity=quantity,
            triggerPrice=f"{(price * away).normalize():f}", **reduces, **more,
        )  # fmt: skip

    async def rest_entries(self, count: int, symbol: str = "BTCUSDT", **more: str) -> None:
        """Let so many buy orders rest below the market."""
        price = PRICES.get(symbol, Decimal(100)) * Decimal("0.98")
        for _ in range(count):
            await self.order(
                symbol=symbol, side="BUY", type="LIMIT", timeInForce="GTC",
                quantity=SIZES.get(symbol, "6"), price=f"{price.normalize():f}", **more,
            )  # fmt: skip

    async def conditional_entry(self, symbol: str = "BTCUSDT") -> None:
        await self.rest.ok(
            "POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol=symbol, side="BUY",
            type="STOP_MARKET", quantity="0.01", triggerPrice="66000",
        )  # fmt: skip

    async def target(self, symbol: str = "BTCUSDT") -> None:
        await self.order(
            symbol=symbol, side="SELL", type="LIMIT", timeInForce="GTC", quantity="0.01",
            price="66000", reduceOnly="true",
        )  # fmt: skip

    async def order(self, **params: str) -> None:
        await self.rest.ok("POST", "/fapi/v1/order", **params)

    async def kill(
        self,
        level: KillLevel = KillLevel.FLATTEN,
        scope: Scope = ACCOUNT,
        *,
        state: Path | None = None,
        patience: Patience = QUICK,
        **where: Any,
    ) -> DirectReport:
        return await run_direct(
            Where("local", self.venue.rest_url, state, **where), self.keys, level, scope,
            by="ann", reason="a test", patience=patience, say=self.lines.append,
        )  # fmt: skip

    def said(self, text: str) -> int:
        """Return how many lines hold *text*."""
        return sum(text in line for line in self.lines)

    def requests(self, method: str, path: str) -> list[dict[str, Any]]:
        """Return the requests that reached the venue, in their order."""
        rows = self.venue.log.tail(5_000)
        return [
            row for row in rows
            if row["kind"] == "request" and (row["method"], row["path"]) == (method, path)
        ]  # fmt: skip


@asynccontextmanager
async def full_account(*, entries: int = 3, **settings: Any) -> AsyncIterator[Account]:
    """Yield an account with a BTC position, its stop, and *entries* resting orders."""
    async with local_venue(**settings) as venue, client(venue) as rest:
        full = Account(venue, rest)
        await full.hold()
        await full.rest_entries(entries)
        yield full


@asynccontextmanager
async def hedged_account() -> AsyncIterator[Account]:
    """Yield an account in hedge mode, long and short at once."""
    async with local_venue(accounts=(account(dual_side=True),)) as venue, client(venue) as rest:
        full = Account(venue, rest)
        await full.hold(side="BUY", positionSide="LONG")
        await full.hold(side="SELL", positionSide="SHORT", quantity="0.02")
        await full.rest_entries(2, positionSide="LONG")
        yield full


@asynccontextmanager
async def forty_positions() -> AsyncIterator[Account]:
    """Yield an account that holds forty symbols, each with its stop, at a venue with Binance's limits."""
    like = builtin("FILUSDT")[0]
    names = [f"S{number:02d}USDT" for number in range(40)]
    specs = [replace(like, symbol=name, base_asset=name[:3]) for name in names]
    source = StillMarket(specs, start_ms=time.time_ns() // 1_000_000)
    rich = account(usdt=1_000_000)
    async with (
        local_venue(source, symbols=tuple(names), accounts=(rich,)) as venue,
        client(venue) as rest,
    ):
        full = Account(venue, rest)
        for name in names:
            await full.hold(name)
        yield full


def run(scene: Any) -> None:
    """Run an asynchronous scene."""
    asyncio.run(scene())
