"""The catalog's data drive the run: what was asked for, in time order, the finest first."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.core.data import Data
from nautilus_trader.model.data import (
    Bar,
    BarType,
    FundingRateUpdate,
    MarkPriceUpdate,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import AggressorSide, OrderSide, OrderStatus
from nautilus_trader.model.identifiers import TradeId
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Price
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.trading.strategy import Strategy

from backtest.engine import build_engine
from backtest.feed import FeedError, add_data
from catalog.store import Store
from configs.profile import Profile

SECOND_NS = 1_000_000_000
BASE = datetime(2025, 1, 1, tzinfo=UTC)
BASE_NS = int(BASE.timestamp()) * SECOND_NS
BAR_TYPE = BarType.from_str("BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL")
MakeStore = Callable[..., Store]


class Watch(Strategy):
    """Notes what arrives; calls *act* with itself at the first quote after *act_ns*."""

    def __init__(self, btc: CryptoPerpetual, act_ns: int = 0, act: Callable | None = None) -> None:
        super().__init__()
        self.btc, self.act_ns, self.act, self.seen, self.order = btc, act_ns, act, [], None

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self.btc.id)
        self.subscribe_trade_ticks(self.btc.id)
        self.subscribe_bars(BAR_TYPE)
        self.subscribe_mark_prices(self.btc.id)
        self.subscribe_funding_rates(self.btc.id)

    def on_quote_tick(self, quote: QuoteTick) -> None:
        self.seen.append(quote)
        if self.act and self.order is None and quote.ts_event >= self.act_ns:
            self.order = self.act(self)
            self.submit_order(self.order)

    def on_bar(self, bar: Bar) -> None:
        self.seen.append(bar)

    def on_trade_tick(self, trade: TradeTick) -> None:
        self.seen.append(trade)

    def on_mark_price(self, update: MarkPriceUpdate) -> None:
        self.seen.append(update)

    def on_funding_rate(self, update: FundingRateUpdate) -> None:
        self.seen.append(update)


@pytest.fixture
def make_store(tmp_path: Path, btc: CryptoPerpetual) -> MakeStore:
    def make(*batches: Sequence[Data]) -> Store:
        catalog = ParquetDataCatalog(str(tmp_path))
        catalog.write_data([btc])
        for batch in batches:
            catalog.write_data(list(batch))
        return Store(tmp_path)

    return make


@pytest.fixture
def profile(make_profile: Callable[..., Profile], btc: CryptoPerpetual) -> Callable[..., Profile]:
    limits = make_profile().limits
    symbols = {btc.id.value: limits.symbols[btc.id.value]}

    def make(types: tuple[str, ...], **data: object) -> Profile:
        sure = {"slippage_probability": Decimal(0), "limit_fill_probability": Decimal(1)}
        return make_profile(
            data={"types": types, **data}, limits={"symbols": symbols}, simulation=sure
        )

    return make


def _bar(btc: CryptoPerpetual, minute: int, low: int = 50_000, high: int = 50_000) -> Bar:
    ts = BASE_NS + minute * 60 * SECOND_NS
    prices = [btc.make_price(price) for price in (50_000, high, low, 50_000)]
    return Bar(BAR_TYPE, *prices, btc.make_qty(400), ts, ts)


def _quote(btc: CryptoPerpetual, second: float, bid: int = 50_000) -> QuoteTick:
    ts, size = BASE_NS + int(second * SECOND_NS), btc.make_qty(10)
    return QuoteTick(btc.id, btc.make_price(bid), btc.make_price(bid + 10), size, size, ts, ts)


def _trade(btc: CryptoPerpetual, second: float, price: int) -> TradeTick:
    ts = BASE_NS + int(second * SECOND_NS)
    side, name = AggressorSide.SELLER, TradeId(str(second))
    return TradeTick(btc.id, btc.make_price(price), btc.make_qty(1), side, name, ts, ts)


def _run(profile: Profile, btc: CryptoPerpetual, store: Store, **watch) -> Watch:
    engine = build_engine(profile, [btc])
    add_data(engine, profile, store)
    strategy = Watch(btc, **watch)
    engine.add_strategy(strategy)
    engine.run()
    return strategy


def test_the_window_and_the_types_of_the_profile_are_read_in_time_order(
    make_store, profile, btc
) -> None:
    ts = BASE_NS + 120 * SECOND_NS
    mark = MarkPriceUpdate(btc.id, Price(50_000, 8), ts, ts)
    rate = FundingRateUpdate(btc.id, Decimal("0.0001"), ts, ts)
    bars, trades = [_bar(btc, minute) for minute in range(1, 6)], [_trade(btc, 130, 50_000)]
    store = make_store(bars, trades, [mark], [rate])
    window = {"start": BASE + timedelta(minutes=2), "end": BASE + timedelta(minutes=4)}
    chosen = profile(("bars", "mark_prices", "funding"), **window)

    summary = add_data(build_engine(chosen, [btc]), chosen, store)
    seen = _run(chosen, btc, store).seen

    assert [(c.kind, c.rows) for c in summary.counts] == [
        ("mark_prices", 1), ("funding", 1), ("bars", 3),
    ]  # fmt: skip
    assert (summary.rows, summary.first_ns, summary.last_ns) == (5, ts, ts + 120 * SECOND_NS)
    assert [repr(row) for row in seen] == [repr(row) for row in (mark, rate, *bars[1:4])]


@pytest.mark.parametrize(
    ("types", "message"),
    [
        (("bars", "quotes"), r"data.types has 'quotes', but .* holds none for any symbol"),
        (("funding",), r"limits.symbols has 'BTCUSDT-PERP.BINANCE', but .* holds no prices"),
    ],
)
def test_a_run_without_the_data_it_asks_for_is_refused(
    make_store, profile, btc, types, message
) -> None:
    rate = FundingRateUpdate(btc.id, Decimal("0.0001"), BASE_NS, BASE_NS)
    store = make_store([_bar(btc, 1)], [rate])
    chosen = profile(types)

    with pytest.raises(FeedError, match=message):
        add_data(build_engine(chosen, [btc]), chosen, store)


def _bid_below(strategy: Watch):
    btc = strategy.btc
    qty, price = btc.make_qty(1), btc.make_price(49_500)
    return strategy.order_factory.limit(btc.id, OrderSide.BUY, qty, price)


def test_a_bar_does_not_fill_an_order_at_a_price_from_before_the_order(
    make_store, profile, btc
) -> None:
    quotes = [_quote(btc, second) for second in range(0, 125, 5)]
    bars = [_bar(btc, 1, low=49_000), _bar(btc, 2)]
    chosen = profile(("bars", "quotes"))

    strategy = _run(
        chosen, btc, make_store(quotes, bars), act_ns=BASE_NS + 30 * SECOND_NS, act=_bid_below
    )

    assert strategy.order.status == OrderStatus.ACCEPTED
    assert [row for row in strategy.seen if isinstance(row, Bar)] == bars


def test_where_quotes_are_missing_bars_move_the_venue(make_store, profile, btc) -> None:
    quotes = [_quote(btc, second) for second in range(0, 60, 5)]
    bars = [_bar(btc, 1), _bar(btc, 2), _bar(btc, 3, low=49_000)]
    chosen = profile(("bars", "quotes"))

    strategy = _run(
        chosen, btc, make_store(quotes, bars), act_ns=BASE_NS + 30 * SECOND_NS, act=_bid_below
    )

    assert strategy.order.status == OrderStatus.FILLED
    assert strategy.order.last_event.ts_event == bars[2].ts_event


def test_a_trade_does_not_take_the_spread_of_the_quotes_away(make_store, profile, btc) -> None:
    quotes, trades = [_quote(btc, s) for s in (0, 10, 30)], [_trade(btc, 10.01, 50_000)]
    chosen = profile(("quotes", "trades"))

    def buy(strategy: Watch):
        return strategy.order_factory.market(btc.id, OrderSide.BUY, btc.make_qty(1))

    store = make_store(quotes, trades)
    strategy = _run(chosen, btc, store, act_ns=BASE_NS + 10 * SECOND_NS, act=buy)

    assert strategy.order.avg_px == 50_010
    assert [row.price for row in strategy.seen if isinstance(row, TradeTick)] == [trades[0].price]
