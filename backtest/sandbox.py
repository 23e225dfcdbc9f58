"""The simulated venue of a paper node: live prices, the profile's fees, latency and fills."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from typing import Any

from nautilus_trader.adapters.binance.futures.types import BinanceFuturesMarkPriceUpdate
from nautilus_trader.adapters.sandbox.config import SandboxExecutionClientConfig
from nautilus_trader.adapters.sandbox.execution import SandboxExecutionClient
from nautilus_trader.backtest.config import SimulationModuleConfig
from nautilus_trader.backtest.engine import SimulatedExchange
from nautilus_trader.backtest.execution_client import BacktestExecClient
from nautilus_trader.backtest.models import LatencyModel
from nautilus_trader.backtest.modules import SimulationModule
from nautilus_trader.common.component import LiveClock, Logger, MessageBus
from nautilus_trader.core.data import Data
from nautilus_trader.execution.messages import TradingCommand
from nautilus_trader.live.factories import LiveExecClientFactory
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import FundingRateUpdate, QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import InstrumentId, Venue
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Money

from backtest.engine import BINANCE, with_fees
from backtest.fills import TopOfBookFillModel
from backtest.funding import PRIORITY, FundingSettlement
from backtest.liquidation import LiquidationEngine
from backtest.margin import BracketMarginModel, LiquidationFeeModel
from backtest.venue import MS_NS
from configs.profile import Profile, SimulationSection

MS_PER_SEC = 1_000


def paper_client_config(profile: Profile) -> SandboxExecutionClientConfig:
    """Return the config of a paper node's execution client."""
    return SandboxExecutionClientConfig(
        venue=BINANCE.value,
        oms_type="NETTING",
        account_type="MARGIN",
        base_currency=USDT.code,
        starting_balances=[f"{profile.account.starting_balance_usdt} {USDT.code}"],
        default_leverage=profile.account.leverage,
        use_position_ids=False,
    )


def make_paper_factory(profile: Profile) -> type[LiveExecClientFactory]:
    """
    Return the execution client factory of a paper node.

    Its name is fixed: by it NautilusTrader 1.231 knows that the client wants a portfolio.

    """

    class SandboxLiveExecClientFactory(LiveExecClientFactory):
        @staticmethod
        def create(name: str, **parts: Any) -> PaperExecutionClient:  # noqa: ARG004 - stock signature
            return PaperExecutionClient(profile, **parts)

    return SandboxLiveExecClientFactory


class PaperExecutionClient(SandboxExecutionClient):
    """
    NautilusTrader's sandbox with the simulated venue of the backtests inside.

    Orders fill at the best bid and ask: a trade would move a top-of-book venue to one price and
    take its spread away.

    Parameters
    ----------
    profile : Profile
        A profile with a ``simulation``.
    parts
        What NautilusTrader hands to its sandbox client.

    """

    def __init__(self, profile: Profile, **parts: Any) -> None:
        super().__init__(**parts)
        assert profile.simulation is not None, "Invariant: a paper profile has a simulation"
        self._simulation: SimulationSection = profile.simulation
        self.exchange = LiveExchange(
            profile, profile.simulation, self._loop, self._clock, clock=self.test_clock,
            portfolio=parts["portfolio"], msgbus=self._msgbus, cache=self._cache,
        )  # fmt: skip
        self._client = BacktestExecClient(
            exchange=self.exchange, msgbus=self._msgbus, cache=self._cache, clock=self.test_clock
        )
        self.exchange.register_client(self._client)
        self.exchange.initialize_account()

    def on_data(self, data: Data) -> None:
        """Let instruments and quotes reach the venue."""
        if isinstance(data, Instrument):
            self.exchange.update_instrument(data)
        elif isinstance(data, QuoteTick):
            self.exchange.process_quote_tick(data)
            self.exchange.process(self._clock.timestamp_ns())


class LiveExchange(SimulatedExchange):
    """
    A simulated exchange whose time is the node's: what is on the way arrives by the event loop.

    Parameters
    ----------
    profile, simulation
        What the venue is like.
    loop, node_clock
        Those of the node.
    parts
        What every simulated exchange gets from its kernel.

    """

    def __init__(
        self,
        profile: Profile,
        simulation: SimulationSection,
        loop: AbstractEventLoop,
        node_clock: LiveClock,
        **parts: Any,
    ) -> None:
        margins, leverage = BracketMarginModel(), profile.account.leverage
        super().__init__(
            venue=Venue(BINANCE.value),
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            starting_balances=[Money(profile.account.starting_balance_usdt, USDT)],
            base_currency=USDT,
            default_leverage=leverage,
            leverages={InstrumentId.from_str(key): leverage for key in profile.limits.symbols},
            modules=[PaperModule(simulation, margins)],
            fill_model=TopOfBookFillModel(
                parts["cache"],
                float(simulation.limit_fill_probability),
                float(simulation.slippage_probability),
                profile.seed,
            ),
            fee_model=LiquidationFeeModel(),
            latency_model=LatencyModel(base_latency_nanos=simulation.latency_ms * MS_NS),
            margin_model=margins,
            use_position_ids=False,
            **parts,
        )
        self._simulation = simulation
        self._loop = loop
        self._node_clock = node_clock

    def add_instrument(self, instrument: Instrument) -> None:
        """List an instrument with the fees of the profile."""
        super().add_instrument(with_fees(instrument, self._simulation))

    def update_instrument(self, instrument: Instrument) -> None:
        """Take a newer description, with the fees of the profile."""
        super().update_instrument(with_fees(instrument, self._simulation))

    def send(self, command: TradingCommand) -> None:
        """Send a command on its way, and look for it when its latency is over."""
        super().send(command)
        self._loop.call_later(self._simulation.latency_ms / MS_PER_SEC, self._arrive)

    def _arrive(self) -> None:
        self.process(self._node_clock.timestamp_ns())


class PaperModule(SimulationModule):
    """Funding and liquidation on live prices, as the profile asks for."""

    def __init__(self, simulation: SimulationSection, margins: BracketMarginModel) -> None:
        super().__init__(SimulationModuleConfig())
        self._funding = LiveFunding() if simulation.funding else None
        self._liquidation = LiquidationEngine(margins) if simulation.liquidation else None

    def register_venue(self, exchange: SimulatedExchange) -> None:
        """Attach both to the venue."""
        super().register_venue(exchange)
        for part in (self._funding, self._liquidation):
            if part is not None:
                part.attach(exchange, self.msgbus)

    def process(self, ts_now: int) -> None:
        """Do nothing: the parts listen to what concerns them."""

    def log_diagnostics(self, logger: Logger) -> None:
        """Log nothing: the report tells of funding and liquidations."""


class LiveFunding(FundingSettlement):
    """
    Settles the last rate that was told for an instant when that instant has passed.

    A catalog tells each rate when it is settled; a live venue tells the rate to come every few
    seconds, and moves on to the next instant once it has settled one.

    """

    def __init__(self) -> None:
        super().__init__()
        self._coming: dict[InstrumentId, BinanceFuturesMarkPriceUpdate] = {}

    def attach(self, exchange: SimulatedExchange, msgbus: MessageBus) -> None:
        """Listen to the mark price stream, which tells the rate and when it will be settled."""
        self._exchange, self._msgbus = exchange, msgbus
        topic = f"data.{BinanceFuturesMarkPriceUpdate.__name__}*"
        msgbus.subscribe(topic, self.on_mark_price, priority=PRIORITY)

    def on_mark_price(self, update: BinanceFuturesMarkPriceUpdate) -> None:
        """Settle the rate of before if *update* is about a later settlement."""
        before = self._coming.get(update.instrument_id)
        self._coming[update.instrument_id] = update
        if before is not None and update.next_funding_ns > before.next_funding_ns:
            rate, due_ns = before.funding_rate, before.next_funding_ns
            self.settle(FundingRateUpdate(update.instrument_id, rate, due_ns, update.ts_init))
