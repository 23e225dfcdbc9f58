"""The scene of the attacks on a backtest kernel."""

from decimal import Decimal

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import TraderId, Venue
from nautilus_trader.model.objects import Money

from tests.attacks.scene import BTC, ETH, SECOND_NS, START_NS, Scene


class BacktestScene(Scene):
    """A backtest kernel with the simulated exchange."""

    def _build(self) -> None:
        self.now_ns = START_NS
        self.engine = BacktestEngine(
            BacktestEngineConfig(
                trader_id=TraderId("TESTER-000"), logging=LoggingConfig(bypass_logging=True)
            )
        )
        self.kernel = self.engine.kernel
        self.engine.add_venue(
            venue=Venue("BINANCE"),
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            base_currency=USDT,
            starting_balances=[Money(100_000, USDT)],
            default_leverage=Decimal(10),
        )
        self.engine.add_instrument(BTC)
        self.engine.add_instrument(ETH)

    def _start(self) -> None:
        """Start with the first quote."""

    def _next_ns(self) -> int:
        self.now_ns += SECOND_NS // 10
        return self.now_ns

    def _publish(self, quote: QuoteTick) -> None:
        self.engine.clear_data()
        self.engine.add_data([quote])
        self.engine.run(streaming=True)

    def _close(self) -> None:
        self.engine.end()
        self.engine.dispose()
