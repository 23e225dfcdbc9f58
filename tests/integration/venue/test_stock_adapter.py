"""NautilusTrader's own Binance adapter connects to the venue, sees its market and trades on it."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

from nautilus_trader.adapters.binance import (
    BINANCE,
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
    StrategyConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import OrderSide, OrderStatus, TriggerType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

from tests.venue_kit import local_venue, until

BTC = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")


class Watcher(Strategy):
    """Subscribes to everything the venue streams and keeps what comes."""

    def __init__(self) -> None:
        super().__init__(StrategyConfig(oms_type="NETTING", external_order_claims=[BTC]))
        self.seen: dict[str, list] = {
            name: [] for name in ("quote", "trade", "bar", "mark", "book")
        }
        self.events: list = []

    def on_start(self) -> None:
        self.subscribe_quote_ticks(BTC)
        self.subscribe_trade_ticks(BTC)
        self.subscribe_bars(BarType.from_str(f"{BTC}-1-MINUTE-LAST-EXTERNAL"))
        self.subscribe_mark_prices(BTC)
        self.subscribe_order_book_deltas(BTC)

    def on_quote_tick(self, tick) -> None:
        self.seen["quote"].append(tick)

    def on_trade_tick(self, tick) -> None:
        self.seen["trade"].append(tick)

    def on_bar(self, bar) -> None:
        self.seen["bar"].append(bar)

    def on_mark_price(self, mark_price) -> None:
        self.seen["mark"].append(mark_price)

    def on_order_book_deltas(self, deltas) -> None:
        self.seen["book"].append(deltas)

    def on_event(self, event) -> None:
        self.events.append(event)


@asynccontextmanager
async def stock_node(venue):
    """Run a node with the stock adapter against *venue*; yield its strategy."""
    own = venue.keys.of("main")
    shared = {
        "api_key": own.key,
        "api_secret": own.secret,
        "account_type": BinanceAccountType.USDT_FUTURES,
        "environment": BinanceEnvironment.LIVE,
        "base_url_http": venue.rest_url,
        "instrument_provider": InstrumentProviderConfig(load_all=True),
    }
    config = TradingNodeConfig(
        trader_id="TESTER-001",
        logging=LoggingConfig(log_level="WARNING"),
        exec_engine=LiveExecEngineConfig(reconciliation_startup_delay_secs=0.1),
        data_clients={BINANCE: BinanceDataClientConfig(base_url_ws=venue.ws_url, **shared)},
        exec_clients={
            BINANCE: BinanceExecClientConfig(
                base_url_ws_stream=f"{venue.ws_url}/private",
                use_position_ids=False,
                **shared,
            )
        },
        timeout_connection=20.0,
        timeout_disconnection=5.0,
        timeout_post_stop=0.1,
    )
    node = TradingNode(config=config, loop=asyncio.get_running_loop())
    strategy = Watcher()
    node.trader.add_strategy(strategy)
    node.add_data_client_factory(BINANCE, BinanceLiveDataClientFactory)
    node.add_exec_client_factory(BINANCE, BinanceLiveExecClientFactory)
    node.build()
    task = asyncio.create_task(node.run_async())
    try:
        await until(lambda: strategy.is_running, 40, "the node to run")
        yield strategy
    finally:
        await node.stop_async()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        node.kernel.dispose()  # TradingNode.dispose stops the loop, which is the test's own
        if node.kernel.executor:
            node.kernel.executor.shutdown(wait=True, cancel_futures=True)


def test_the_stock_adapter_sees_every_stream_and_its_orders_fill():
    async def scene():
        async with local_venue(market="generated", unrouted="all") as venue:
            async with stock_node(venue) as strategy:
                await until(
                    lambda: all(strategy.seen[n] for n in ("quote", "trade", "mark", "book"))
                )
                await enter_and_protect(strategy)
                stop = strategy.cache.orders_open()[0]
                venue.move("BTCUSDT", stop.trigger_price.as_decimal() - 100)
                await until(lambda: stop.status == OrderStatus.FILLED, what="the stop to fill")
                await until(lambda: strategy.portfolio.is_flat(BTC))
            truth = venue.exchange.truth("main")
            log = venue.log.tail(2_000)
        assert truth["positions"] == truth["open_orders"] == []
        requests = {(line["method"], line["path"]) for line in log if line["kind"] == "request"}
        assert ("POST", "/fapi/v1/order") in requests
        assert ("POST", "/fapi/v1/algoOrder") in requests

    asyncio.run(scene())


async def enter_and_protect(strategy) -> None:
    """Buy at the market and rest a stop below; wait until both are where they belong."""
    instrument = strategy.cache.instrument(BTC)
    buy = strategy.order_factory.market(BTC, OrderSide.BUY, instrument.make_qty(Decimal("0.05")))
    strategy.submit_order(buy)
    await until(lambda: buy.status == OrderStatus.FILLED, what="the entry to fill")
    await until(lambda: strategy.portfolio.is_net_long(BTC))
    trigger = instrument.make_price(buy.avg_px * 0.99)
    stop = strategy.order_factory.stop_market(
        BTC, OrderSide.SELL, buy.quantity, trigger, trigger_type=TriggerType.MARK_PRICE,
        reduce_only=True,
    )  # fmt: skip
    strategy.submit_order(stop)
    await until(lambda: stop.status == OrderStatus.ACCEPTED, what="the stop to be accepted")
