"""The kill switch of a node, put together from its profile."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nautilus_trader.live.node import TradingNode
from nautilus_trader.trading.strategy import Strategy

from actors.kill_redis import RedisSwitch
from actors.kill_switch import KillSwitch
from configs.profile import Profile
from configs.redis_link import redis_link
from configs.secrets import Password
from risk.install import Guard
from risk.kills import KillLevel
from risk.state_dir import StateDir


def attach_kill_switch(
    node: TradingNode,
    guard: Guard,
    profile: Profile,
    state_dir: Path,
    *,
    password: Password | None = None,
) -> KillSwitch:
    """
    Add the kill switch to a node that is guarded and has its strategies, before it runs.

    *password* is that of the profile's Redis.

    """
    assert profile.kill is not None, "Invariant: every mode but a backtest can be killed"
    client = next(iter(node.kernel.exec_engine._clients.values()))
    level, link = (
        KillLevel[profile.kill.level],
        redis_link(profile.kill.redis_url, profile.kill.redis_loss, password),
    )
    redis = link and RedisSwitch(
        link, level, trader_id=profile.trader_id, judge=guard.gate.judge,
        msgbus=node.kernel.msgbus, clock=node.kernel.clock,
    )  # fmt: skip
    switch = KillSwitch(
        guard.gate,
        StateDir(state_dir),
        level,
        look=getattr(client, "look_at_venue", None),
        strategies=traded(node.trader.strategies()),
        redis=redis,
    )
    node.trader.add_actor(switch)
    return switch


def traded(strategies: Iterable[Strategy]) -> dict[str, str]:
    """Return the instrument id that each strategy trades, by strategy id."""
    return {
        strategy.id.value: str(strategy.config.instrument_id)
        for strategy in strategies
        if getattr(strategy.config, "instrument_id", None) is not None
    }
