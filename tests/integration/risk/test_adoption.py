"""A guard that is put into a kernel that already holds positions takes them over."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import PositionId, StrategyId, Venue
from nautilus_trader.model.objects import Money, Quantity
from nautilus_trader.model.position import Position
from nautilus_trader.test_kit.stubs.events import TestEventStubs

from risk import GuardError, install_guard
from risk.trading_state import TradingState
from risk.translate import intent_of
from tests.attacks.live_scene import LiveScene
from tests.attacks.scene import BTC, BUY, ETH, LIMITS, MID, SELL, START_NS


class Unstarted(LiveScene):
    """A node that is built, and waits."""

    def _start(self) -> None:
        """Stay as it is."""

    def settle(self, *_: float) -> None:
        """Nothing is on its way."""


class Restarted(Unstarted):
    """A node that knows from its last life that it is long in both symbols."""

    def _build(self) -> None:
        super()._build()
        factory = OrderFactory(self.kernel.trader_id, StrategyId("Attacker-009"), self.kernel.clock)
        for instrument, qty in ((BTC, "0.100"), (ETH, "1.000")):
            order = factory.market(instrument.id, BUY, Quantity.from_str(qty))
            fill = TestEventStubs.order_filled(
                order, instrument, last_px=instrument.make_price(MID[instrument.id]),
                position_id=PositionId(f"{instrument.id}-Attacker-009"),
            )  # fmt: skip
            self.kernel.cache.add_position(Position(instrument, fill), OmsType.NETTING)


@pytest.fixture
def restarted(tmp_path: Path) -> Iterator[Restarted]:
    scene = Restarted(tmp_path, guarded=True)
    yield scene
    scene.close()


def test_the_first_price_of_one_symbol_does_not_trip_for_want_of_the_other(
    restarted: Restarted,
) -> None:
    bus, judge = restarted.kernel.msgbus, restarted.guard.gate.judge
    judge.account.balance = Decimal(100_000)
    px, size = BTC.make_price(50_000), BTC.make_qty(10)

    bus.publish("data.quotes.BINANCE.BTCUSDT-PERP", QuoteTick(BTC.id, px, px, size, size, 1, 1))

    assert judge.account.symbol(str(ETH.id)).position_qty == Decimal("1.000")
    assert judge.account.equity() == 100_000
    assert judge.state.state is TradingState.ACTIVE


def test_an_adopted_position_can_be_closed(restarted: Restarted) -> None:
    out = intent_of(restarted.market(SELL, "0.100", reduce_only=True))

    assert restarted.guard.gate.judge.submit((out,), {}, START_NS) is None


def test_a_kernel_that_runs_already_is_refused(tmp_path: Path) -> None:
    scene = LiveScene(tmp_path, guarded=False)

    with pytest.raises(GuardError, match="runs already"):
        install_guard(scene.kernel, LIMITS, state_dir=tmp_path)

    scene.close()


def test_a_kernel_with_two_accounts_is_refused(tmp_path: Path) -> None:
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    for name in ("BINANCE", "BYBIT"):
        engine.add_venue(
            venue=Venue(name), oms_type=OmsType.NETTING, account_type=AccountType.MARGIN,
            base_currency=USDT, starting_balances=[Money(100_000, USDT)],
        )  # fmt: skip

    with pytest.raises(GuardError, match=r"2 execution clients \(BINANCE, BYBIT\): limits are"):
        install_guard(engine.kernel, LIMITS, state_dir=tmp_path)

    engine.dispose()


def test_a_live_kernel_without_a_client_is_refused(tmp_path: Path) -> None:
    scene = Unstarted(tmp_path, guarded=False)
    scene.kernel.exec_engine.deregister_client(scene.client)

    with pytest.raises(GuardError, match="no execution client yet"):
        install_guard(scene.kernel, LIMITS, state_dir=tmp_path)

    scene.close()
