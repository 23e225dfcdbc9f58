"""A second run in the same engine would be judged on the books of the first."""

from pathlib import Path

from backtest.engine import build_engine
from catalog.instruments import builtin_instruments
from configs.profile import load_profile
from risk.install import install_guard
from risk.trading_state import TradingState

PROFILE = Path(__file__).parents[3] / "configs" / "profiles" / "backtest.toml"


def test_resetting_the_engine_halts_trading_and_says_why(tmp_path):
    profile = load_profile(PROFILE)
    engine = build_engine(profile, [builtin_instruments()["BTCUSDT-PERP.BINANCE"]])
    guard = install_guard(engine.kernel, profile.limits, state_dir=tmp_path)

    engine.reset()

    state = guard.gate.judge.state
    assert state.state is TradingState.HALTED
    assert state.causes == ["ENGINE_RESET: observed=a second run, limit=one run an engine"]
    guard.close()
    engine.dispose()
