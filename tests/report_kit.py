"""Builders for the tests of the recorder and the report: a market, a strategy, a guard report."""

from __future__ import annotations

import math
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.events import TimeEvent
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig, StrategyConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, TradingState
from nautilus_trader.model.identifiers import InstrumentId, TraderId, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money, Price
from nautilus_trader.model.orders import Order
from nautilus_trader.risk.engine import RiskEngine
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

from actors.recorder import Recorder, RecorderConfig, sample_interval_ns
from configs.profile import Profile, parse_profile
from report.artifacts import Run, collect, write

PROFILE_FILE = Path(__file__).parents[1] / "configs" / "profiles" / "backtest.toml"
MINUTE_NS = 60_000_000_000
START_NS = 1_735_689_600_000_000_000  # 2025-01-01T00:00:00Z
BTC = TestInstrumentProvider.btcusdt_perp_binance()
ETH = TestInstrumentProvider.ethusdt_perp_binance()


def profile() -> Profile:
    """Return the demo profile; tests need a real one, not a special one."""
    table = tomllib.loads(PROFILE_FILE.read_text(encoding="utf-8"), parse_float=Decimal)
    return parse_profile(table, source=PROFILE_FILE.name)


def minute_bars(
    instrument: CryptoPerpetual, count: int, *, base: float, swing: float = 0.01
) -> list[Bar]:
    """Return one-minute bars on a wave of relative height *swing* with a period of two hours."""
    bar_type = BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL")

    def price_at(minute: float) -> float:
        slow = math.sin(minute * 2 * math.pi / 120)
        fast = math.sin(minute * 2 * math.pi / 7.3)
        return base * (1 + swing * slow + swing * 0.2 * fast)

    bars = []
    for minute in range(count):
        path = [price_at(minute + part / 4) for part in range(5)]
        ts = START_NS + (minute + 1) * MINUTE_NS
        bars.append(
            Bar(
                bar_type,
                instrument.make_price(path[0]),
                instrument.make_price(max(path) * 1.0005),
                instrument.make_price(min(path) * 0.9995),
                instrument.make_price(path[-1]),
                instrument.make_qty(1_000),
                ts,
                ts,
            )
        )
    return bars


class BracketerConfig(StrategyConfig, frozen=True):
    """What the test strategy trades; *exit_every_bars* = 0 leaves exits to stop and target."""

    instrument_id: InstrumentId
    trade_size: Decimal
    enter_every_bars: int = 30
    exit_every_bars: int = 0
    has_stop: bool = True
    closes_at_end: bool = True
    sends_directly: bool = False


class Bracketer(Strategy):
    """Enter with stop and target (or naked), alternate the side, add nothing clever."""

    def __init__(self, config: BracketerConfig) -> None:
        super().__init__(config)
        self._bars = 0
        self._side = OrderSide.SELL

    def on_start(self) -> None:
        self.instrument = self.cache.instrument(self.config.instrument_id)
        self.subscribe_bars(BarType.from_str(f"{self.instrument.id}-1-MINUTE-LAST-EXTERNAL"))

    def on_bar(self, bar: Bar) -> None:
        self._bars += 1
        if self.config.exit_every_bars and self._bars % self.config.exit_every_bars == 0:
            self.close_all_positions(self.instrument.id)
        elif self._bars % self.config.enter_every_bars == 0:
            self._enter(float(bar.close))

    def on_stop(self) -> None:
        if self.config.closes_at_end:
            self.cancel_all_orders(self.instrument.id)
            self.close_all_positions(self.instrument.id)

    def _enter(self, price: float) -> None:
        if self.config.has_stop and not self.portfolio.is_flat(self.instrument.id):
            return
        self._side = OrderSide.BUY if self._side == OrderSide.SELL else OrderSide.SELL
        quantity = self.instrument.make_qty(self.config.trade_size)
        if not self.config.has_stop:
            self._send(self.order_factory.market(self.instrument.id, self._side, quantity))
            return
        sign = 1 if self._side == OrderSide.BUY else -1
        self.submit_order_list(
            self.order_factory.bracket(
                self.instrument.id,
                self._side,
                quantity,
                sl_trigger_price=self._price(price * (1 - sign * 0.004)),
                tp_price=self._price(price * (1 + sign * 0.006)),
            )
        )

    def _send(self, order: Order) -> None:
        if not self.config.sends_directly:
            self.submit_order(order)
            return
        command = SubmitOrder(
            self.trader_id, self.id, order, UUID4(), self.clock.timestamp_ns(), None
        )
        self.msgbus.send("ExecEngine.execute", command)

    def _price(self, value: float) -> Price:
        return self.instrument.make_price(value)


class Operator(Actor):
    """Lift the stock engine's HALTED state at a given time, so that a run has real denials."""

    def __init__(self, risk_engine: RiskEngine, resume_ns: int) -> None:
        super().__init__()
        self._risk_engine = risk_engine
        self._resume_ns = resume_ns

    def on_start(self) -> None:
        self._risk_engine.set_trading_state(TradingState.HALTED)
        self.clock.set_time_alert_ns("RESUME", self._resume_ns, self._resume)

    def _resume(self, event: TimeEvent) -> None:
        self._risk_engine.set_trading_state(TradingState.ACTIVE)


def run_backtest(
    strategies: list[BracketerConfig],
    bars: list[Bar],
    *,
    instruments: tuple[CryptoPerpetual, ...] = (BTC,),
    balance: int = 100_000,
    halted_minutes: int = 0,
    sample_ns: int | None = None,
) -> tuple[BacktestEngine, Recorder]:
    """Run *strategies* over *bars* with a recorder; the caller disposes of the engine."""
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("QUANTMIND-001"), logging=LoggingConfig(bypass_logging=True)
        )
    )
    engine.add_venue(
        Venue("BINANCE"),
        OmsType.NETTING,
        AccountType.MARGIN,
        [Money(balance, USDT)],
        base_currency=USDT,
        default_leverage=Decimal(5),
    )
    for instrument in instruments:
        engine.add_instrument(instrument)
    if bars:
        engine.add_data(bars)
    recorder = Recorder(
        RecorderConfig(
            instrument_ids=tuple(instrument.id for instrument in instruments),
            sample_interval_ns=sample_ns
            or sample_interval_ns(START_NS, START_NS + len(bars) * MINUTE_NS),
        )
    )
    engine.add_actor(recorder)
    if halted_minutes:
        resume_ns = START_NS + halted_minutes * MINUTE_NS
        engine.add_actor(Operator(engine.kernel.risk_engine, resume_ns))
    for number, config in enumerate(strategies):
        engine.add_strategy(Bracketer(_with_tag(config, number)))
    engine.run()
    return engine, recorder


def _with_tag(config: BracketerConfig, number: int) -> BracketerConfig:
    fields = {name: getattr(config, name) for name in BracketerConfig.__struct_fields__}
    if fields["order_id_tag"] is None:
        fields["order_id_tag"] = f"{number:03d}"
    return BracketerConfig(**fields)


def collected(
    engine: BacktestEngine, recorder: Recorder, guard: dict[str, Any] | None = None
) -> Run:
    """Collect a finished run under the demo profile."""
    return collect(engine, recorder, profile(), guard, data={"counts": []}, run_sec=1.25)


def bracket_run(
    run_dir: Path,
    *,
    guard: dict[str, Any] | None = None,
    minutes: int = 600,
    halted_minutes: int = 0,
    sample_ns: int | None = None,
    **config: Any,
) -> Run:
    """Run one bracket strategy for *minutes* and write its folder."""
    settings = {"instrument_id": BTC.id, "trade_size": Decimal("0.1"), **config}
    engine, recorder = run_backtest(
        [BracketerConfig(**settings)],
        minute_bars(BTC, minutes, base=50_000),
        halted_minutes=halted_minutes,
        sample_ns=sample_ns,
    )
    run = collected(engine, recorder, guard)
    engine.dispose()
    write(run, run_dir)
    return run


def guard_report(
    run: Run | None = None, *, text: str = "observed=10400, limit=10000"
) -> dict[str, Any]:
    """Return a guard report of the contract's form; *run* gives its denials a denied order."""
    denied = (
        []
        if run is None
        else [row for row in run.tables["orders"].to_pylist() if row["status"] == "DENIED"]
    )
    return {
        "controls": [
            {
                "control": 8, "name": "Maximum position including working orders",
                "limit": "10000 USDT a symbol", "evaluated": 1234, "denied": 4,
                "closest": {
                    "ratio": 0.98, "observed": "9800", "limit": "10000",
                    "instrument_id": str(BTC.id), "ts": START_NS + 90 * MINUTE_NS,
                },
                "first_denied_ns": START_NS + 30 * MINUTE_NS,
                "last_denied_ns": START_NS + 300 * MINUTE_NS,
            },
            {
                "control": 22, "name": "Price shock", "limit": "500 bps", "evaluated": 1234,
                "denied": 2, "closest": None, "first_denied_ns": START_NS + 200 * MINUTE_NS,
                "last_denied_ns": START_NS + 210 * MINUTE_NS,
            },
            {
                "control": 12, "name": "Message rate", "limit": "10 a second", "evaluated": 1234,
                "denied": 0, "closest": None, "first_denied_ns": None, "last_denied_ns": None,
            },
            {
                "control": 9, "name": "Gross exposure", "limit": "25000 USDT", "evaluated": 1230,
                "denied": 0, "first_denied_ns": None, "last_denied_ns": None,
                "closest": {
                    "ratio": 0.41, "observed": "10250", "limit": "25000",
                    "instrument_id": None, "ts": START_NS + 90 * MINUTE_NS,
                },
            },
        ],
        "states": [
            {
                "ts": START_NS + 200 * MINUTE_NS, "previous": "ACTIVE", "state": "REDUCING",
                "cause": "PRICE_SHOCK: observed=612, limit=500", "by": "breaker",
            },
            {
                "ts": START_NS + 320 * MINUTE_NS, "previous": "REDUCING", "state": "ACTIVE",
                "cause": "simulated operator", "by": "operator",
            },
        ],
        "alarms": [{"ts": START_NS + 210 * MINUTE_NS, "text": "unrealized loss at 5.2 % of equity"}],
        "denials": [
            {
                "ts": (START_NS + 30 * MINUTE_NS) if not denied else order["ts_closed"],
                "control": 8, "reason": "POSITION_EXCEEDS_MAX", "observed": "10400",
                "limit": "10000", "text": f"POSITION_EXCEEDS_MAX: {text}",
                "command": "SubmitOrderList",
                "client_order_id": "O-1" if order is None else order["client_order_id"],
                "strategy_id": "Bracketer-000", "instrument_id": str(BTC.id), "side": "BUY",
                "quantity": "0.1", "order_type": "MARKET", "price": None,
            }
            for order in (denied or [None] * 4)
        ],
        "caps": {str(BTC.id): "10000"},
    }  # fmt: skip
