"""A simulated Binance with one instrument, and data made to measure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import LatencyModel
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import Bar, BarType, QuoteTick
from nautilus_trader.model.enums import AccountType, BookType, OmsType, OrderType
from nautilus_trader.model.events import OrderEvent, OrderFilled, OrderInitialized
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

BTC = TestInstrumentProvider.btcusdt_perp_binance()
MINUTE_NS = 60_000_000_000
SECOND_NS = 1_000_000_000


@dataclass
class Market:
    """One backtest: run strategies over data and look at every event they caused."""

    engine: BacktestEngine
    events: list[Any] = field(default_factory=list)

    def run(self, strategy: Strategy, data: Iterable[Any], *, end: bool = True) -> None:
        if strategy.id not in self.engine.trader.strategy_ids():
            self.engine.add_strategy(strategy)
            self.engine.kernel.msgbus.subscribe("events.order.*", self.events.append)
            self.engine.kernel.msgbus.subscribe("events.position.*", self.events.append)
        self.engine.clear_data()
        self.engine.add_data(list(data))
        self.engine.run(streaming=True)
        if end:
            self.engine.end()

    @property
    def cache(self) -> Any:
        return self.engine.cache

    def names(self) -> list[str]:
        """Return every event as `Type` or `Type:TAG`, oldest first."""
        result = []
        for event in self.events:
            name = type(event).__name__
            if isinstance(event, OrderEvent):
                tags = self.cache.order(event.client_order_id).tags or ["?"]
                name = f"{name}:{tags[0]}"
            result.append(name)
        return result

    def filled(self) -> list[str]:
        return [name.partition(":")[2] for name in self.names() if name.startswith("OrderFilled:")]

    def assert_settled(self) -> None:
        """Fail if a position or an order is left."""
        assert self.cache.positions_open() == []
        assert self.cache.orders_open() == []
        assert self.cache.orders_inflight() == []

    def assert_always_protected(self) -> None:
        """Fail if a fill that raised exposure came without a full reduce-only stop before it."""
        stops: dict[Any, OrderInitialized] = {
            event.parent_order_id: event
            for event in map(self._init, self.cache.orders())
            if event.order_type == OrderType.STOP_MARKET and event.reduce_only
        }
        openings = 0
        for event in self.events:
            if not isinstance(event, OrderFilled):
                continue
            order = self.cache.order(event.client_order_id)
            if order.is_reduce_only:
                continue
            openings += 1
            stop = stops[order.client_order_id]
            assert stop.quantity == order.quantity
            assert stop.side != order.side
            assert stop.ts_init <= event.ts_event
            trigger = Decimal(stop.options["trigger_price"])
            is_below = trigger < event.last_px.as_decimal()
            assert is_below == (order.side.name == "BUY")
        assert openings > 0

    @staticmethod
    def _init(order: Any) -> OrderInitialized:
        return order.init_event


@pytest.fixture
def market() -> Iterable[Market]:
    made = make_market()
    yield made
    made.engine.dispose()


@pytest.fixture
def book_market() -> Iterable[Market]:
    made = make_market(BookType.L2_MBP)
    yield made
    made.engine.dispose()


@pytest.fixture
def slow_market() -> Iterable[Market]:
    made = make_market(latency_ns=1_500_000_000)
    yield made
    made.engine.dispose()


@pytest.fixture
def untidy_market() -> Iterable[Market]:
    """A venue that does not cancel reduce-only orders when their position is closed."""
    made = make_market(use_reduce_only=False)
    yield made
    made.engine.dispose()


def make_market(
    book_type: BookType = BookType.L1_MBP,
    latency_ns: int = 0,
    *,
    use_reduce_only: bool = True,
) -> Market:
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=Venue("BINANCE"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USDT,
        starting_balances=[Money(100_000, USDT)],
        default_leverage=Decimal(10),
        book_type=book_type,
        latency_model=LatencyModel(base_latency_nanos=latency_ns),
        use_reduce_only=use_reduce_only,
    )
    engine.add_instrument(BTC)
    return Market(engine)


@pytest.fixture
def make_bars() -> Callable[..., list[Bar]]:
    """Return a maker of one-minute bars from closes; each bar opens at the close before it."""

    def make(
        closes: Iterable[float],
        *,
        first_minute: int = 1,
        wick: float = 5.0,
        volume: float = 10.0,
    ) -> list[Bar]:
        bar_type = BarType.from_str(f"{BTC.id}-1-MINUTE-LAST-EXTERNAL")
        bars, previous = [], None
        for minute, close in enumerate(closes, start=first_minute):
            opened = close if previous is None else previous
            ts = minute * MINUTE_NS
            bars.append(
                Bar(
                    bar_type,
                    BTC.make_price(opened),
                    BTC.make_price(max(opened, close) + wick),
                    BTC.make_price(min(opened, close) - wick),
                    BTC.make_price(close),
                    BTC.make_qty(volume),
                    ts,
                    ts,
                ),
            )
            previous = close
        return bars

    return make


@pytest.fixture
def make_quotes() -> Callable[..., list[QuoteTick]]:
    """Return a maker of quotes a second apart from mid prices, one tick wide on each side."""

    def make(
        mids: Iterable[float],
        *,
        first_second: int = 1,
        bid_size: float = 10.0,
        ask_size: float = 10.0,
    ) -> list[QuoteTick]:
        return [
            QuoteTick(
                BTC.id,
                BTC.make_price(mid - 0.1),
                BTC.make_price(mid + 0.1),
                BTC.make_qty(bid_size),
                BTC.make_qty(ask_size),
                second * SECOND_NS,
                second * SECOND_NS,
            )
            for second, mid in enumerate(mids, start=first_second)
        ]

    return make
