"""The one way from the venue's settings to NautilusTrader's client configs; never with a key."""

from __future__ import annotations

from collections.abc import Iterable

from nautilus_trader.adapters.binance.common.enums import BinanceAccountType, BinanceEnvironment
from nautilus_trader.adapters.binance.config import (
    BinanceDataClientConfig,
    BinanceExecClientConfig,
    BinanceInstrumentProviderConfig,
)
from nautilus_trader.model.identifiers import InstrumentId

from adapters.settings import VenueSettings

ACCOUNT_TYPE = BinanceAccountType.USDT_FUTURES


def environment_of(settings: VenueSettings) -> BinanceEnvironment:
    """
    Return NautilusTrader's name for the environment.

    A local venue counts as the demo one: should an address ever be missing, the default that takes
    its place does not lead to real money.

    """
    return BinanceEnvironment.LIVE if settings.environment == "live" else BinanceEnvironment.DEMO


def data_client_config(
    settings: VenueSettings, instrument_ids: Iterable[InstrumentId]
) -> BinanceDataClientConfig:
    """Return the config of the market-data client for these instruments."""
    return BinanceDataClientConfig(
        account_type=ACCOUNT_TYPE,
        environment=environment_of(settings),
        base_url_http=settings.rest_url,
        base_url_ws=f"{settings.ws_url}/market",
        use_agg_trade_ticks=True,
        instrument_provider=_provider(instrument_ids),
    )


def exec_client_config(
    settings: VenueSettings, instrument_ids: Iterable[InstrumentId]
) -> BinanceExecClientConfig:
    """
    Return the config of the execution client for these instruments.

    Nothing is ever retried blindly (a repeated -1007 executes twice), reduce-only is always sent,
    and position ids stay off: they open a second position when a stop fills in one-way mode.

    """
    return BinanceExecClientConfig(
        account_type=ACCOUNT_TYPE,
        environment=environment_of(settings),
        base_url_http=settings.rest_url,
        base_url_ws=f"{settings.ws_url}/ws-fapi/v1",
        base_url_ws_stream=f"{settings.ws_url}/private",
        use_reduce_only=True,
        use_position_ids=False,
        recv_window_ms=settings.recv_window_ms,
        max_retries=None,
        instrument_provider=_provider(instrument_ids),
    )


def _provider(instrument_ids: Iterable[InstrumentId]) -> BinanceInstrumentProviderConfig:
    return BinanceInstrumentProviderConfig(
        load_ids=frozenset(instrument_ids), query_commission_rates=True
    )
