"""A bug in a strategy ends a guarded backtest: nothing is contained there."""

import pytest
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from tests.attacks.backtest_scene import BacktestScene
from tests.attacks.scene import BTC


class Buggy(Strategy):
    """A strategy that raises at a quote, once the test says so."""

    def __init__(self) -> None:
        super().__init__(StrategyConfig(strategy_id="BUGGY", order_id_tag="009"))
        self.is_due = False

    def on_start(self) -> None:
        self.subscribe_quote_ticks(BTC.id)

    def on_quote_tick(self, _tick: object) -> None:
        if self.is_due:
            raise ZeroDivisionError("a bug")


def test_an_exception_in_a_strategy_ends_the_run(tmp_path):
    buggy = Buggy()

    class Scene(BacktestScene):
        def _start(self) -> None:
            self.kernel.trader.add_strategy(buggy)

    scene = Scene(tmp_path, guarded=True)
    buggy.is_due = True

    with pytest.raises(ZeroDivisionError, match="a bug"):
        scene.settle()

    buggy.is_due = False
    scene.close()
