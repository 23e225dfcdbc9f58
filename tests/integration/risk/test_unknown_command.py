"""What the gate does not know does not pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from nautilus_trader.core.message import Command
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import QueryOrder
from nautilus_trader.model.identifiers import ClientOrderId, StrategyId

from backtest.engine import build_engine
from catalog.instruments import builtin_instruments
from configs.profile import load_profile
from risk.install import install_guard

PROFILE = Path(__file__).parents[3] / "configs" / "profiles" / "backtest.toml"
BTC = builtin_instruments()["BTCUSDT-PERP.BINANCE"]


class OwnQuery(QueryOrder):
    """A class that pretends to be a harmless query."""


@pytest.mark.parametrize("kind", [Command, OwnQuery])
def test_a_command_that_the_gate_does_not_know_is_dropped_and_counted(
    tmp_path: Path, kind: type[Command]
) -> None:
    # DenyReason.COMMAND_UNSUPPORTED: it has no order to answer with, so it is logged and counted.
    engine = build_engine(load_profile(PROFILE), [BTC])
    guard = install_guard(engine.kernel, load_profile(PROFILE).limits, state_dir=tmp_path)
    received = engine.kernel.exec_engine.command_count
    if kind is Command:
        command = Command(UUID4(), 0)
    else:
        command = OwnQuery(
            engine.kernel.trader_id, StrategyId("S-1"), BTC.id, ClientOrderId("O-1"), None,
            UUID4(), 0,
        )  # fmt: skip

    engine.kernel.msgbus.send("ExecEngine.execute", command)

    choke = next(r for r in guard.gate.judge.report() if r["key"] == "choke_point")
    assert (choke["evaluated"], choke["denied"]) == (1, 1)
    assert engine.kernel.exec_engine.command_count == received
    guard.close()
    engine.dispose()
