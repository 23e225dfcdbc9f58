"""A whole node, as `run_live.py` builds it, that holds many symbols of a local venue in its own loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.enums import OrderSide, OrderType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.orders import OrderList
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from configs.nodes import LiveNode, build_node, load_instruments, venue_settings
from configs.profile import Profile, StrategySection, load_profile
from risk.kills import ACCOUNT, KillLevel, Scope
from tests.direct_kit import PRICES, SIZES, TEN
from tests.hop_kit import Keys, Requests
from tests.live_kit import PROFILES
from tests.venue_kit import RestClient, client, local_venue, until
from venue.server import Venue

SIX = TEN[:6]


def instrument_of(symbol: str) -> InstrumentId:
    return InstrumentId.from_str(f"{symbol}-PERP.BINANCE")


class SymbolDeskConfig(StrategyConfig, kw_only=True, frozen=True):
    """*price* is where the still market of the symbol stands, *quantity* some 640 USDT of it."""

    instrument_id: InstrumentId
    price: Decimal
    quantity: Decimal


class SymbolDesk(Strategy):
    """A strategy that trades one symbol when the test says so."""

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self.config.instrument_id)

    def buy(self, price_share: str | None = None) -> OrderList:
        """Buy with stop and target: at market, or at this share of the price."""
        config, instrument = self.config, self.cache.instrument(self.config.instrument_id)
        entry: dict[str, Any] = {}
        if price_share is not None:
            entry["entry_order_type"] = OrderType.LIMIT
            entry["entry_price"] = instrument.make_price(config.price * Decimal(price_share))
        orders = self.order_factory.bracket(
            instrument_id=instrument.id, order_side=OrderSide.BUY,
            quantity=instrument.make_qty(config.quantity),
            sl_trigger_price=instrument.make_price(config.price * Decimal("0.96")),
            tp_price=instrument.make_price(config.price * Decimal("1.1")), **entry,
        )  # fmt: skip
        self.submit_order_list(orders)
        return orders


@dataclass
class Whole:
    """The running node, and the venue's truth about it."""

    live: LiveNode
    venue: Venue
    rest: RestClient
    requests: Requests

    @property
    def desks(self) -> dict[str, SymbolDesk]:
        """The strategies, by symbol."""
        found = self.live.node.trader.strategies()
        return {
            desk.config.instrument_id.symbol.value.removesuffix("-PERP"): desk for desk in found
        }

    def held(self) -> dict[str, Decimal]:
        """Return the venue's positions by symbol."""
        return {p["symbol"]: Decimal(p["amt"]) for p in self._truth["positions"]}

    def stops(self) -> dict[str, Decimal]:
        """Return what waiting reduce-only stops would sell, by symbol."""
        waiting = [a for a in self._truth["open_algos"] if a["status"] == "NEW"]
        assert all(a["reduce_only"] and a["side"] == "SELL" for a in waiting)
        assert len({a["symbol"] for a in waiting}) == len(waiting)
        return {a["symbol"]: Decimal(a["qty"]) for a in waiting}

    def entries(self) -> set[str]:
        """Return the symbols with an entry that rests."""
        return {o["symbol"] for o in self._truth["open_orders"] if not o["reduce_only"]}

    def targets(self) -> set[str]:
        return {o["symbol"] for o in self._truth["open_orders"] if o["reduce_only"]}

    def working(self, *without: str) -> set[str]:
        """Return the ids of all orders that work, but for those on some symbols."""
        rows = self._truth["open_orders"] + self._truth["open_algos"]
        own = (row for row in rows if row["symbol"] not in without)
        return {row.get("client_algo_id") or row["client_order_id"] for row in own}

    @property
    def _truth(self) -> dict[str, Any]:
        return self.venue.exchange.truth("main")

    def pull(self, level: KillLevel, scope: Scope = ACCOUNT) -> None:
        self.live.switch.pull(level, by="ann", reason="news", source="command", scope=scope)

    async def until(self, condition: Any, what: str, secs: float = 30) -> Any:
        return await until(condition, secs, what)

    async def full(self) -> None:
        """Hold every symbol, with stop and target, and an entry that rests below."""
        for desk in self.desks.values():
            desk.buy()
        await self.until(
            lambda: len(self.held()) == len(self.targets()) == len(SIX), "positions and targets"
        )
        for desk in self.desks.values():
            desk.buy("0.99")
        await self.until(lambda: len(self.entries()) == len(SIX), "resting entries")
        await self.until(lambda: self.stops() == self.held(), "a full stop for each")


def profile_of(symbols: tuple[str, ...]) -> Profile:
    """Return the shipped rehearsal's profile for these symbols, at no pace that a test must keep."""
    profile = load_profile(PROFILES / "rehearsal.toml")
    limits = profile.limits
    like = limits.symbols["SOLUSDT-PERP.BINANCE"]
    free = {"messages_per_sec_max": 1_000, "messages_per_min_max": 10_000}
    return profile.model_copy(
        update={
            "strategies": tuple(map(_desk_of, symbols)),
            "limits": limits.model_copy(
                update={
                    "symbols": {instrument_of(symbol).value: like for symbol in symbols},
                    "rates": limits.rates.model_copy(update=free),
                    "market_data": limits.market_data.model_copy(
                        update={"price_age_ms_max": 60_000}
                    ),
                }
            ),
        }
    )


def _desk_of(symbol: str) -> StrategySection:
    params = {
        "instrument_id": instrument_of(symbol).value, "price": PRICES.get(symbol, Decimal(100)),
        "quantity": Decimal(SIZES.get(symbol, "6")), "oms_type": "NETTING",
    }  # fmt: skip
    return StrategySection(path="tests.whole_kit:SymbolDesk", params=params)


@asynccontextmanager
async def whole_node(folder: Path) -> AsyncIterator[Whole]:
    """Run a venue with six symbols, and a whole node on it, until the block ends."""
    async with local_venue(symbols=SIX) as venue, client(venue) as rest:
        venue.wire.hooks = requests = Requests()
        profile, own = profile_of(SIX), venue.keys.of("main")
        live = build_node(
            profile, venue_settings(profile, rest_url=venue.rest_url, ws_url=venue.ws_url),
            Keys(own.key, own.secret), state_dir=folder,
            logging=LoggingConfig(log_level="OFF"),
        )  # fmt: skip
        kernel = live.node.kernel
        try:
            await load_instruments(live)
            await kernel.start_async()
            assert kernel.trader.is_running, "the node did not come up"
            quoted = [instrument_of(symbol) for symbol in SIX]
            await until(lambda: all(map(kernel.cache.quote_tick, quoted)), 20, "quotes")
            yield Whole(live, venue, rest, requests)
        finally:
            await kernel.stop_async()
            live.guard.close()
            kernel.dispose()
