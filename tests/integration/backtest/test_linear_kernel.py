"""What the linear kernel changes is the time a run takes, and nothing else."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from nautilus_trader.analysis.analyzer import PortfolioAnalyzer
from nautilus_trader.analysis.reporter import ReportProvider
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderFilled, PositionClosed
from nautilus_trader.model.identifiers import PositionId
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.system import kernel as kernel_module
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from backtest.cache import VenueCache
from backtest.engine import build_engine
from configs.profile import Profile

RANDOM_COLUMNS = ["venue_order_id", "init_id", "event_id", "position_id", "trade_id"]


class EverySortOfOrder(Strategy):
    """Flips, partial exits, brackets whose stops and targets fill, and resting limit orders."""

    def __init__(self, btc: CryptoPerpetual, tag: str) -> None:
        super().__init__(StrategyConfig(order_id_tag=tag))
        self.btc, self.quotes, self.realized, self.orders_seen = btc, 0, [], []

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self.btc.id)

    def on_quote_tick(self, quote: QuoteTick) -> None:
        self.quotes += 1
        step = self.quotes % 60
        if step == 12 and not self._is_flat():
            self._reduce_only_stop(quote)
        elif step == 15 and not self._is_flat():
            self._market(OrderSide.SELL, "0.005")
        elif step in (10, 20, 30):
            side = OrderSide.SELL if step == 20 else OrderSide.BUY
            self._market(side, "0.020" if step != 30 else "0.013")
        elif step == 35 and not self._is_flat():
            self.close_all_positions(self.btc.id)
            self.cancel_all_orders(self.btc.id)
        elif step == 45 and self._is_flat():
            self._bracket(quote)
        elif step == 50:
            price = self.btc.make_price(quote.bid_price - Decimal(3))
            qty = self.btc.make_qty(Decimal("0.005"))
            self.submit_order(self.order_factory.limit(self.btc.id, OrderSide.BUY, qty, price))

    def on_position_closed(self, event: PositionClosed) -> None:
        self.realized.append(self.portfolio.realized_pnl(self.btc.id))

    def on_order_filled(self, event: OrderFilled) -> None:
        self.orders_seen.append(len(self.cache.orders_for_position(event.position_id)))

    def _is_flat(self) -> bool:
        return not self.cache.positions_open(strategy_id=self.id)

    def _market(self, side: OrderSide, qty: str) -> None:
        quantity = self.btc.make_qty(Decimal(qty))
        self.submit_order(self.order_factory.market(self.btc.id, side, quantity))

    def _reduce_only_stop(self, quote: QuoteTick) -> None:
        """Send a stop that the venue shrinks with the position and cancels when it closes."""
        [position] = self.cache.positions_open(strategy_id=self.id)
        is_long = position.is_long
        trigger = quote.bid_price - Decimal(30) if is_long else quote.ask_price + Decimal(30)
        order = self.order_factory.stop_market(
            self.btc.id,
            position.closing_order_side(),
            position.quantity,
            self.btc.make_price(trigger),
            reduce_only=True,
        )
        self.submit_order(order, position_id=position.id)

    def _bracket(self, quote: QuoteTick) -> None:
        self.submit_order_list(
            self.order_factory.bracket(
                self.btc.id,
                OrderSide.BUY,
                self.btc.make_qty(Decimal("0.010")),
                sl_trigger_price=self.btc.make_price(quote.bid_price - Decimal(4)),
                tp_price=self.btc.make_price(quote.ask_price + Decimal(4)),
            )
        )


@pytest.fixture
def run(
    make_profile: Callable[..., Profile],
    make_quotes: Callable[[int], list[QuoteTick]],
    btc: CryptoPerpetual,
) -> Callable[[bool], tuple[BacktestEngine, list[EverySortOfOrder]]]:
    profile = make_profile()
    quotes = make_quotes(3_000)

    def _run(stock_kernel: bool) -> tuple[BacktestEngine, list[EverySortOfOrder]]:
        engine = build_engine(profile, [btc], stock_kernel=stock_kernel)
        engine.add_data(quotes)
        strategies = [EverySortOfOrder(btc, "001"), EverySortOfOrder(btc, "002")]
        engine.add_strategies(strategies)
        engine.run()
        return engine, strategies

    return _run


def _reports(engine: BacktestEngine) -> dict[str, pd.DataFrame]:
    cache = engine.cache
    positions, snapshots = cache.positions(), cache.position_snapshots()
    reports = {
        "orders": ReportProvider.generate_orders_report(cache.orders()),
        "fills": ReportProvider.generate_fills_report(cache.orders()),
        "positions": ReportProvider.generate_positions_report(positions, snapshots),
        "account": ReportProvider.generate_account_report(
            cache.account_for_venue(engine.list_venues()[0])
        ),
    }
    return {
        name: report.reset_index(drop=name in ("positions",)).drop(
            columns=[c for c in RANDOM_COLUMNS if c in report.columns]
        )
        for name, report in reports.items()
    }


def _statistics(engine: BacktestEngine) -> dict[str, Any]:
    analyzer, result = engine.portfolio.analyzer, engine.get_result()
    return {
        "pnls": result.stats_pnls,
        "returns": result.stats_returns,
        "position_returns": analyzer.get_performance_stats_position_returns(),
        "portfolio_returns": analyzer.get_performance_stats_portfolio_returns(),
        "general": analyzer.get_performance_stats_general(),
        "orders": result.total_orders,
        "positions": result.total_positions,
        "summary": result.summary,
    }


def test_a_run_on_the_linear_kernel_equals_a_run_on_the_stock_kernel(run) -> None:
    stock, stock_strategies = run(True)
    linear, linear_strategies = run(False)

    assert stock.cache.orders_total_count() > 300
    assert len(stock.cache.position_snapshots()) > 100
    stock_reports, linear_reports = _reports(stock), _reports(linear)
    for name, report in stock_reports.items():
        pd.testing.assert_frame_equal(report, linear_reports[name], obj=name)
    assert repr(_statistics(linear)) == repr(_statistics(stock))
    pd.testing.assert_series_equal(
        linear.portfolio.analyzer.position_returns(), stock.portfolio.analyzer.position_returns()
    )
    pd.testing.assert_series_equal(
        linear.portfolio.analyzer.realized_pnls().reset_index(drop=True),
        stock.portfolio.analyzer.realized_pnls().reset_index(drop=True),
    )
    for ours, theirs in zip(linear_strategies, stock_strategies, strict=True):
        assert ours.realized == theirs.realized
        assert ours.orders_seen == theirs.orders_seen


def test_only_kernels_built_by_us_get_our_cache_and_analyzer(
    make_profile: Callable[..., Profile], btc: CryptoPerpetual
) -> None:
    engine = build_engine(make_profile(), [btc])

    assert kernel_module.Cache is Cache
    assert type(engine.cache) is not Cache
    assert type(engine.portfolio.analyzer) is not PortfolioAnalyzer
    assert type(engine.kernel.cache) is not VenueCache


def test_the_venue_asks_the_kernels_cache_for_everything() -> None:
    public = {
        name for name in vars(Cache) if not name.startswith("_") and callable(vars(Cache)[name])
    }

    assert len(public) > 100
    assert public <= set(vars(VenueCache))


def test_a_purged_position_takes_its_snapshots_along(run) -> None:
    engine, _ = run(False)
    cache = engine.cache
    [position_id, *_] = sorted(cache.position_snapshot_ids())
    assert cache.position_snapshots(position_id)
    assert cache.position(position_id).is_closed

    cache.purge_position(position_id)

    assert cache.position_snapshots(position_id) == []
    assert cache.position_snapshot_bytes(position_id) == []
    assert position_id not in cache.position_snapshot_ids()
    assert cache.position_snapshots(PositionId("NOT-THERE")) == []
