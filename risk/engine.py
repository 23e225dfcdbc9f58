"""Our RiskEngine and LiveRiskEngine: no bypass, no un-halt, one judge behind them."""

from __future__ import annotations

from typing import Any

from nautilus_trader.core.message import Command
from nautilus_trader.live.risk_engine import LiveRiskEngine
from nautilus_trader.model.enums import TradingState as StockState
from nautilus_trader.risk.engine import RiskEngine

from risk.gate import ENDPOINT, RiskGate
from risk.trading_state import TradingState

_STOCK = {
    TradingState.ACTIVE: StockState.ACTIVE,
    TradingState.REDUCING: StockState.REDUCING,
    TradingState.HALTED: StockState.HALTED,
}


class _Guarded:
    """
    What both engines share.

    The stock checks are not run: they pass margin accounts unseen, deny exits in HALTED and let a
    flip through in REDUCING. Every command goes on to the gate, which is the only judge.

    """

    gate: RiskGate

    def _execute_command(self, command: Command) -> None:
        self._msgbus.send(ENDPOINT, command)  # type: ignore[attr-defined]

    def set_trading_state(self, state: Any) -> None:
        """
        Tighten the trading state; loosening is refused.

        Any code in the process can call this, so it can never un-halt: that takes a person, a
        reason and the command ``python -m ops resume``.

        """
        ours = next(o for o, stock in _STOCK.items() if stock == state)
        judge = self.gate.judge
        now_ns = self._clock.timestamp_ns()  # type: ignore[attr-defined]
        if ours >= judge.state.state and ours is not TradingState.ACTIVE:
            cause = f"SET_BY_CODE: observed={ours.name}, limit=ACTIVE"
            judge.trip(ours, cause, now_ns, by="code")
            return
        if ours < judge.state.state:
            self._log.error(  # type: ignore[attr-defined]
                f"set_trading_state({ours.name}) refused: trading is {judge.state.state.name} for "
                f"{'; '.join(judge.state.causes)}; only a person can resume (python -m ops resume)"
            )

    def _reset(self) -> None:
        """Halt: the books of a run that ended must not judge another; build a new engine for it."""
        super()._reset()  # type: ignore[misc]
        now_ns = self._clock.timestamp_ns()  # type: ignore[attr-defined]
        cause = "ENGINE_RESET: observed=a second run, limit=one run an engine"
        self.gate.judge.trip(TradingState.HALTED, cause, now_ns, by="code")

    def show_state(self, state: TradingState) -> None:
        """Show the gate's state where NautilusTrader looks for it."""
        if self.trading_state != _STOCK[state]:  # type: ignore[attr-defined]
            super().set_trading_state(_STOCK[state])  # type: ignore[misc]


class GuardedRiskEngine(_Guarded, RiskEngine):  # type: ignore[misc]
    """The RiskEngine of backtests."""


class GuardedLiveRiskEngine(_Guarded, LiveRiskEngine):  # type: ignore[misc]
    """The RiskEngine of paper and live nodes."""
