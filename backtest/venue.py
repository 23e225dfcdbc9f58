"""What the simulated venue does beside matching orders."""

from __future__ import annotations

from nautilus_trader.backtest.config import SimulationModuleConfig
from nautilus_trader.backtest.engine import SimulatedExchange
from nautilus_trader.backtest.modules import SimulationModule
from nautilus_trader.common.component import Logger

from backtest.coverage import Relay
from backtest.funding import FundingSettlement
from backtest.latency import Arrivals
from backtest.liquidation import LiquidationEngine
from backtest.margin import BracketMarginModel
from configs.profile import SimulationSection

MS_NS = 1_000_000


class VenueModule(SimulationModule):
    """
    Carries funding, liquidation and latency into the venue, as the profile asks for.

    One module for all of them, because Nautilus calls every module at every data point; none of
    them needs that call.
    """

    def __init__(self, simulation: SimulationSection, margins: BracketMarginModel) -> None:
        super().__init__(SimulationModuleConfig())
        self._funding = FundingSettlement() if simulation.funding else None
        self._liquidation = LiquidationEngine(margins) if simulation.liquidation else None
        self._relay = Relay()
        latency_ns = simulation.latency_ms * MS_NS
        self._arrivals = Arrivals(latency_ns) if latency_ns else None

    def register_venue(self, exchange: SimulatedExchange) -> None:
        """Attach every part to the venue."""
        super().register_venue(exchange)
        self._relay.attach(self.msgbus)
        if self._funding is not None:
            self._funding.attach(exchange, self.msgbus)
        if self._liquidation is not None:
            self._liquidation.attach(exchange, self.msgbus)
        if self._arrivals is not None:
            self._arrivals.attach(self.msgbus, self.clock)

    def process(self, ts_now: int) -> None:
        """Do nothing: the parts listen to what concerns them."""

    def log_diagnostics(self, logger: Logger) -> None:
        """Log nothing: the report tells of funding and liquidations."""

    def reset(self) -> None:
        """Forget the last run."""
        for part in (self._funding, self._liquidation, self._arrivals):
            if part is not None:
                part.reset()
