"""Put a live kernel together: paper, rehearsal, demo and live from the same parts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, NamedTuple

from nautilus_trader.adapters.binance.common.enums import BinanceEnvironment
from nautilus_trader.adapters.binance.common.urls import get_http_base_url, get_ws_base_url
from nautilus_trader.common import Environment
from nautilus_trader.config import (
    LiveDataEngineConfig,
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.identifiers import ClientId, InstrumentId, TraderId
from nautilus_trader.model.instruments import Instrument
from pydantic import ValidationError

from actors.kill_switch import KillSwitch
from actors.market import MarketData, MarketDataConfig
from actors.position_monitor import attach_monitor
from adapters.config import ACCOUNT_TYPE, data_client_config, exec_client_config
from adapters.engine_config import live_exec_engine_config
from adapters.factories import make_factories
from adapters.settings import VenueSettings
from backtest.engine import BINANCE
from backtest.sandbox import make_paper_factory, paper_client_config
from configs.bootstrap import build_strategies
from configs.kill import attach_kill_switch
from configs.loop_clock import loop_clocks
from configs.profile import Profile, ProfileError
from configs.safety import Safety, attach_safety
from configs.secrets import Credentials, Password
from risk.contain import Containment
from risk.install import Guard, assert_guarded, install_guard

CLIENT = BINANCE.value
BAR_BUILD_DELAY_US = 1_000_000
"""A bar made of smaller ones waits so long for the last of them: the venue sends a closed bar up to
250 ms after its minute, and a timer that fires on the minute would leave it out."""
CONNECT_SEC_MAX = 60


class VenueAnswerError(RuntimeError):
    """The venue did not answer what a node cannot start without."""


class LiveNode(NamedTuple):
    """A node that is ready to start, its guard, its switch, and what an orderly end disarms."""

    node: TradingNode
    guard: Guard
    switch: KillSwitch
    safety: Safety


def venue_settings(
    profile: Profile, *, rest_url: str | None = None, ws_url: str | None = None
) -> VenueSettings:
    """
    Return where the profile's venue is: Binance's own addresses, or those of a local venue.

    Raises
    ------
    ProfileError
        If an address does not fit the environment.

    """
    venue = profile.venue
    assert venue is not None, "Invariant: every mode but a backtest has a venue"
    if rest_url is None or ws_url is None:
        environment = BinanceEnvironment[venue.environment.upper()]
        rest_url = get_http_base_url(ACCOUNT_TYPE, environment, is_us=False)
        ws_url = get_ws_base_url(ACCOUNT_TYPE, environment, is_us=False).removesuffix("/market")
    try:
        return VenueSettings(
            environment=venue.environment,
            rest_url=rest_url,
            ws_url=ws_url,
            recv_window_ms=venue.recv_window_ms,
            http_timeout_sec=venue.http_timeout_sec,
            clock_offset_ms_max=venue.clock_offset_ms_max,
            data_silence_sec_max=venue.data_silence_sec_max,
            exit_reserve_ratio=profile.limits.rates.exit_reserve_ratio,
        )
    except ValidationError as e:
        told = (error["msg"].removeprefix("Value error, ") for error in e.errors())
        raise ProfileError("; ".join(told)) from e


def build_node(
    profile: Profile,
    settings: VenueSettings,
    credentials: Credentials | None,
    *,
    state_dir: Path,
    logging: LoggingConfig,
    redis_password: Password | None = None,
) -> LiveNode:
    """
    Build a guarded node on the running event loop; nothing is sent, nothing is connected yet.

    Parameters
    ----------
    profile : Profile
        A profile of any mode but ``backtest``.
    settings : VenueSettings
        Where the venue is.
    credentials : Credentials, optional
        The account's keys; a paper node does without.
    state_dir : Path
        Where journal and latch are kept.
    logging : LoggingConfig
        Where the node's log goes.
    redis_password : Password, optional
        Of the Redis that can pull the kill switch.

    Raises
    ------
    ProfileError
        If a strategy cannot be built.
    GuardError
        If the gate could not be put in.
    JournalError
        If the journal cannot be written.

    """
    strategies = build_strategies(profile)
    with loop_clocks():
        node = TradingNode(_config(profile, settings, logging), loop=asyncio.get_running_loop())
    data_factory, exec_factory = make_factories(credentials, settings)
    node.add_data_client_factory(CLIENT, data_factory)
    is_paper = profile.mode == "paper"
    node.add_exec_client_factory(CLIENT, make_paper_factory(profile) if is_paper else exec_factory)
    node.build()
    guard = install_guard(
        node.kernel,
        profile.limits,
        state_dir=state_dir,
        sync=profile.journal.sync,
        profile=profile.model_dump(mode="json"),
        profile_hash=profile.hash,
    )
    assert_guarded(node.kernel, guard)
    attach_monitor(node.kernel, guard)
    safety = attach_safety(node, guard, profile, settings, state_dir)
    node.trader.add_actor(MarketData(MarketDataConfig(instrument_ids=_ids(profile))))
    containment = Containment(guard.gate.judge, node.kernel.clock)
    for strategy in strategies:
        containment.contain(strategy)
    node.trader.add_strategies(strategies)
    switch = attach_kill_switch(node, guard, profile, state_dir, password=redis_password)
    return LiveNode(node, guard, switch, safety)


async def load_instruments(live: LiveNode) -> dict[str, Instrument]:
    """
    Load the node's instruments from the venue; return them by the venue's symbol.

    Raises
    ------
    VenueAnswerError
        If the venue does not answer, or not so that they can be built.

    """
    provider = live.node.kernel.data_engine._clients[ClientId(CLIENT)]._instrument_provider
    try:
        await provider.initialize()
    except Exception as e:
        raise VenueAnswerError(f"no instruments from the venue: {e}") from e
    return {str(i.raw_symbol): i for i in provider.get_all().values()}


def _ids(profile: Profile) -> tuple[InstrumentId, ...]:
    return tuple(InstrumentId.from_str(key) for key in profile.limits.symbols)


def _config(profile: Profile, settings: VenueSettings, logging: LoggingConfig) -> TradingNodeConfig:
    is_paper = profile.mode == "paper"
    exec_config: Any = (
        paper_client_config(profile) if is_paper else exec_client_config(settings, _ids(profile))
    )
    return TradingNodeConfig(
        environment=Environment.SANDBOX if is_paper else Environment.LIVE,
        trader_id=TraderId(profile.trader_id),
        logging=logging,
        data_engine=LiveDataEngineConfig(
            time_bars_build_delay=BAR_BUILD_DELAY_US, graceful_shutdown_on_exception=True
        ),
        risk_engine=LiveRiskEngineConfig(graceful_shutdown_on_exception=True),
        exec_engine=_exec_engine(profile),
        data_clients={CLIENT: data_client_config(settings, _ids(profile))},
        exec_clients={CLIENT: exec_config},
        timeout_connection=CONNECT_SEC_MAX,
        timeout_post_stop=0,  # The runner waits for quiet, which is a condition and no time.
    )


def _exec_engine(profile: Profile) -> LiveExecEngineConfig:
    """Return how the engine keeps in step with the venue; a sandbox is the venue itself."""
    assert profile.venue is not None, "Invariant: every mode but a backtest has a venue"
    if profile.mode == "paper":
        return LiveExecEngineConfig(reconciliation=False, graceful_shutdown_on_exception=True)
    every_sec = float(profile.venue.reconcile_sec)
    return live_exec_engine_config(open_check_secs=every_sec, position_check_secs=every_sec)
