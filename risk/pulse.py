"""The gate's own second hand on live kernels: takes over at the start, looks when nobody asks."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.config import ActorConfig
from nautilus_trader.common.events import TimeEvent

from risk.breakers import NS_PER_SEC
from risk.gate import RiskGate
from risk.loop import on_loop
from risk.record import PositionRow
from risk.restore import Restorer
from risk.rounds import Rounds
from risk.trading_state import TradingState

TIMER = "RISK-PULSE"


class Pulse(Actor):  # type: ignore[misc]
    """
    Started after the venue has said what is there and before any strategy.

    It gives brackets their children back, measures losses on from where the last run did, and once
    a second obeys the latch, looks at prices, losses and brackets, and writes the figures down.

    Parameters
    ----------
    gate : RiskGate
        Of this kernel, which is no backtest's.
    rounds : Rounds
        What the journal knew when this run began.
    is_same_account : bool
        Whether the account is that of the last run; a sandbox opens a new one.

    """

    def __init__(self, gate: RiskGate, rounds: Rounds, *, is_same_account: bool) -> None:
        super().__init__(ActorConfig(component_id="RiskPulse"))
        self._gate = gate
        self._rounds = rounds
        self._is_same_account = is_same_account

    def on_start(self) -> None:
        """Take over, then look once a second."""
        gate = self._gate
        assert gate.brackets is not None, "Invariant: only a live kernel has a pulse"
        if gate.record.figures is not None:
            gate.judge.count_from(gate.record.figures)
        Restorer(
            gate.brackets, gate.desk, gate.judge,
            cache=self.cache, clock=self.clock, trader_id=self.trader_id,
        ).restore(self._rounds)  # fmt: skip
        gate.record.opened(gate.judge, self.clock.timestamp_ns(), self._positions())
        self.look()
        self.clock.set_timer_ns(TIMER, NS_PER_SEC, 0, 0, on_loop(self.clock, self._on_timer))

    def _positions(self) -> list[PositionRow]:
        return [
            PositionRow(
                p.strategy_id.value, p.instrument_id.value,
                p.signed_decimal_qty(), Decimal(str(p.avg_px_open)),
            )
            for p in self.cache.positions_open()
        ]  # fmt: skip

    def _on_timer(self, _event: TimeEvent) -> None:
        self.look()

    def look(self) -> None:
        """Do what is due once a second; what fails keeps nothing else from being done."""
        gate = self._gate
        assert gate.brackets is not None, "Invariant: only a live kernel has a pulse"
        for step in (self._obey, self._measure, gate.look, gate.brackets.on_tick, self._keep):
            try:
                step()
            except Exception as e:  # noqa: BLE001 - whoever is blind must not let in more
                self.log.error(f"The pulse failed: {e!r}")  # noqa: TRY400 - not Python's logger
                cause = f"PULSE_BROKEN: observed={e!r}, limit=a look at everything each second"
                gate.judge.trip(TradingState.HALTED, cause, self.clock.timestamp_ns())

    def _obey(self) -> None:
        self._gate.record.sync(self._gate.judge, self.clock.timestamp_ns())

    def _measure(self) -> None:
        judge = self._gate.judge
        if not judge.is_measuring:
            figures = self._gate.record.figures
            judge.measure_from(figures, is_same_account=self._is_same_account)

    def _keep(self) -> None:
        self._gate.record.keep_figures(self._gate.judge, self.clock.timestamp_ns())

    def on_stop(self) -> None:
        """Write the figures down for the next run."""
        self.clock.cancel_timer(TIMER)
        self._gate.record.keep_figures(self._gate.judge, self.clock.timestamp_ns())
