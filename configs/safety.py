"""What looks after a live node from inside: heartbeat, dead man's switch, the account's settings."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from nautilus_trader.live.node import TradingNode

from actors.config_watch import ConfigWatch
from actors.dead_man import Countdowns, DeadMan
from actors.heartbeat import Heartbeat, attach_heartbeat
from adapters.account_config import AccountConfig
from adapters.countdown import Countdown
from adapters.settings import VenueSettings
from configs.profile import Profile
from risk.install import Guard
from risk.state_dir import StateDir

MS_PER_SEC = 1_000


class Safety(NamedTuple):
    """What must know of an orderly end; a paper node, which has no orders at a venue, has no dead man."""

    heartbeat: Heartbeat
    dead_man: DeadMan | None

    async def end_in_order(self) -> None:
        """Say that nothing was left behind: what rests now is meant to rest, and nobody need act."""
        self.heartbeat.is_orderly = True
        if self.dead_man is not None:
            await self.dead_man.disarm()


def attach_safety(
    node: TradingNode, guard: Guard, profile: Profile, settings: VenueSettings, state_dir: Path
) -> Safety:
    """Add all of it to a node that is built and guarded, before it runs."""
    heartbeat = attach_heartbeat(node.kernel, guard, StateDir(state_dir).heartbeat)
    if profile.mode == "paper":
        return Safety(heartbeat, None)
    assert profile.dead_man is not None, "Invariant: every mode but a backtest has a dead man"
    assert profile.venue is not None, "Invariant: every mode but a backtest has a venue"
    http = next(iter(node.kernel.exec_engine._clients.values()))._http_client
    dead_man = DeadMan(
        profile.limits.symbols,
        Countdowns(
            countdown_sec=profile.dead_man.countdown_sec,
            rearm_sec=profile.dead_man.rearm_sec,
            feed_age_ms_max=settings.data_silence_sec_max * MS_PER_SEC,
        ),
        Countdown(http, recv_window_ms=settings.recv_window_ms).arm,
        heartbeat,
        guard.gate.judge,
    )
    node.trader.add_actor(dead_man)
    account = AccountConfig(http, profile.limits.symbols, recv_window_ms=settings.recv_window_ms)
    expected = account.expected(
        margin_type=profile.venue.margin_type, leverage=int(profile.account.leverage)
    )
    node.trader.add_actor(ConfigWatch(account.ask, expected, guard.gate.judge))
    return Safety(heartbeat, dead_man)
