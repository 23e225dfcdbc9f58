"""Build the simulated venue that a profile describes, around a Nautilus backtest kernel."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from decimal import Decimal

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import LatencyModel
from nautilus_trader.common.config import LoggingConfig
from nautilus_trader.config import BacktestEngineConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.enums import AccountType, BookType, OmsType, OtoTriggerMode
from nautilus_trader.model.identifiers import TraderId, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money

from backtest.fills import SeededFillModel
from backtest.kernel import linear_kernel, linear_venue
from backtest.margin import BracketMarginModel, LiquidationFeeModel
from backtest.venue import MS_NS, VenueModule
from configs.profile import Profile, SimulationSection

BINANCE = Venue("BINANCE")
BPS = Decimal(10_000)


def build_engine(
    profile: Profile,
    instruments: Iterable[CryptoPerpetual],
    *,
    log_level: str | None = "ERROR",
    stock_kernel: bool = False,
) -> BacktestEngine:
    """
    Return a backtest engine with the venue, account and instruments of *profile*.

    Parameters
    ----------
    profile : Profile
        A profile with a ``simulation`` section.
    instruments : Iterable[CryptoPerpetual]
        What the venue lists; their fees are replaced by those of the profile.
    log_level : str, optional
        Lowest level that Nautilus writes to stdout; None: it logs nothing at all, which saves
        the text of messages that no level shows (a fifth of a run over bars).
    stock_kernel : bool
        True leaves Nautilus's own cache and analyzer in place, to compare with; costs then grow
        with the square of the trades.

    Raises
    ------
    ValueError
        If the profile has no simulation.

    """
    simulation = profile.simulation
    if simulation is None:
        raise ValueError(f"simulation is missing: profile {profile.name!r} has no simulated venue")
    is_silent = log_level is None
    logging = LoggingConfig(log_level=log_level or "OFF", bypass_logging=is_silent)
    config = BacktestEngineConfig(trader_id=TraderId(profile.trader_id), logging=logging)
    with nullcontext() if stock_kernel else linear_kernel():
        engine = BacktestEngine(config)
    listed = [with_fees(instrument, simulation) for instrument in instruments]
    with nullcontext() if stock_kernel else linear_venue(engine.kernel):
        _add_venue(engine, profile, simulation, listed)
    for instrument in listed:
        engine.add_instrument(instrument)
    return engine


def _add_venue(
    engine: BacktestEngine,
    profile: Profile,
    simulation: SimulationSection,
    listed: list[CryptoPerpetual],
) -> None:
    leverage = profile.account.leverage
    margins = BracketMarginModel()
    engine.add_venue(
        venue=BINANCE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USDT,
        starting_balances=[Money(profile.account.starting_balance_usdt, USDT)],
        default_leverage=leverage,
        leverages={instrument.id: leverage for instrument in listed},
        margin_model=margins,
        modules=[VenueModule(simulation, margins)],
        fee_model=LiquidationFeeModel(),
        fill_model=SeededFillModel(
            float(simulation.limit_fill_probability),
            float(simulation.slippage_probability),
            profile.seed,
        ),
        latency_model=_latency(simulation),
        book_type=BookType.L2_MBP if "book" in profile.data.types else BookType.L1_MBP,
        bar_adaptive_high_low_ordering=True,
        oto_trigger_mode=OtoTriggerMode.PARTIAL,
    )


def _latency(simulation: SimulationSection) -> LatencyModel | None:
    if simulation.latency_ms == 0:
        return None
    return LatencyModel(base_latency_nanos=simulation.latency_ms * MS_NS)


def with_fees(instrument: CryptoPerpetual, simulation: SimulationSection) -> CryptoPerpetual:
    """Return *instrument* with the fees of the profile; what strategies see is what is charged."""
    values = CryptoPerpetual.to_dict(instrument)
    values["maker_fee"] = str(simulation.maker_fee_bps / BPS)
    values["taker_fee"] = str(simulation.taker_fee_bps / BPS)
    return CryptoPerpetual.from_dict(values)
