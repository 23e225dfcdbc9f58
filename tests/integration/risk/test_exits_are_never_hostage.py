"""A gate that cannot judge denies entries, and lets go out what can only reduce."""

from pathlib import Path

from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.trading.strategy import Strategy

from backtest.engine import build_engine
from catalog.instruments import builtin_instruments
from configs.profile import load_profile
from risk.install import install_guard

PROFILE = Path(__file__).parents[3] / "configs" / "profiles" / "backtest.toml"
BTC = builtin_instruments()["BTCUSDT-PERP.BINANCE"]
QTY = BTC.make_qty("0.010")
SECOND = 1_000_000_000
START_NS = 1_767_225_600 * SECOND


class BreaksTheJudge(Strategy):
    """Enters, breaks the gate's judge, then tries to add and to close."""

    def __init__(self) -> None:
        super().__init__(StrategyConfig(oms_type="NETTING"))
        self.guard = None
        self.quotes = 0
        self.added = self.closing = None

    def on_start(self) -> None:
        self.subscribe_quote_ticks(BTC.id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        self.quotes += 1
        if self.quotes == 1:
            self.submit_order_list(self.bracket())
        elif self.quotes == 3:
            judge = self.guard.gate.judge
            judge.submit = lambda *_: 1 / 0
            self.added = self.bracket()
            self.submit_order_list(self.added)
            self.closing = self.order_factory.market(BTC.id, OrderSide.SELL, QTY, reduce_only=True)
            self.submit_order(self.closing)

    def bracket(self):
        return self.order_factory.bracket(
            BTC.id, OrderSide.BUY, QTY,
            sl_trigger_price=BTC.make_price(59_000), tp_price=BTC.make_price(70_000),
        )  # fmt: skip


def test_a_judge_that_raises_denies_entries_and_lets_exits_pass(tmp_path):
    profile = load_profile(PROFILE)
    engine = build_engine(profile, [BTC])
    guard = install_guard(engine.kernel, profile.limits, state_dir=tmp_path)
    strategy = BreaksTheJudge()
    strategy.guard = guard
    engine.add_strategy(strategy)
    engine.add_data(
        [
            QuoteTick(
                BTC.id,
                BTC.make_price(60_000),
                BTC.make_price("60000.1"),
                BTC.make_qty(5),
                BTC.make_qty(5),
                START_NS + n * SECOND,
                START_NS + n * SECOND,
            )
            for n in range(6)
        ]
    )

    engine.run()

    assert {order.status for order in strategy.added.orders} == {OrderStatus.DENIED}
    assert strategy.closing.status == OrderStatus.FILLED
    assert engine.kernel.cache.positions_open() == []
    guard.close()
    engine.dispose()
