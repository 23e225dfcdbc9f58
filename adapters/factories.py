"""Builds both clients of one node around one HTTP client, which alone holds the keys."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from functools import partial

from nautilus_trader.adapters.binance.common.credentials import is_ed25519_private_key
from nautilus_trader.adapters.binance.config import BinanceDataClientConfig, BinanceExecClientConfig
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.live.factories import LiveDataClientFactory, LiveExecClientFactory

from adapters.config import (
    ACCOUNT_TYPE,
    data_client_config,
    environment_of,
    exec_client_config,
)
from adapters.data import HardenedDataClient
from adapters.execution import HardenedExecutionClient
from adapters.http import GuardedBinanceHttpClient
from adapters.providers import FilteredInstrumentProvider
from adapters.settings import Credentials, VenueSettings
from risk.events import publish_venue_event

FREE_KEYS = frozenset({"instrument_provider", "routing", "update_instruments_interval_mins"})
"""What a client config may say for itself; all else follows from the settings."""


class VenueLink:
    """
    What the clients of one node share: HTTP client, rate budget and instruments.

    NautilusTrader's own getters share them with everybody in the process, and forget them when
    anybody asks with another argument.

    Parameters
    ----------
    settings : VenueSettings
        Where the venue is.
    credentials : Credentials, optional
        The account's keys; without them there is no execution client.

    """

    def __init__(self, settings: VenueSettings, credentials: Credentials | None) -> None:
        if credentials is not None and is_ed25519_private_key(credentials.api_secret):
            # Such a key logs on to a WebSocket over which orders can be sent past the last hop.
            raise ValueError("the key must be an HMAC key, and an Ed25519 key was given")
        self.settings = settings
        self.http: GuardedBinanceHttpClient | None = None
        self._credentials = credentials
        self._provider: FilteredInstrumentProvider | None = None

    def data_client(
        self,
        loop: AbstractEventLoop,
        name: str,
        config: BinanceDataClientConfig,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
    ) -> HardenedDataClient:
        """Return a market-data client on the routed addresses of the settings."""
        http, provider = self._shared(config, msgbus, clock)
        return HardenedDataClient(
            loop=loop, client=http, msgbus=msgbus, cache=cache, clock=clock,
            instrument_provider=provider, account_type=ACCOUNT_TYPE, name=name, config=config,
            base_url_ws=f"{self.settings.ws_url}/market",
            base_url_ws_public=f"{self.settings.ws_url}/public",
            venue_clock=http.venue_clock, silence_sec_max=self.settings.data_silence_sec_max,
        )  # fmt: skip

    def exec_client(
        self,
        loop: AbstractEventLoop,
        name: str,
        config: BinanceExecClientConfig,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
    ) -> HardenedExecutionClient:
        """Return an execution client; its user stream comes from the settings' address."""
        if self._credentials is None:
            raise ValueError("an execution client needs the account's keys, and none were given")
        http, provider = self._shared(config, msgbus, clock)
        return HardenedExecutionClient(
            loop=loop, client=http, msgbus=msgbus, cache=cache, clock=clock,
            instrument_provider=provider, account_type=ACCOUNT_TYPE, name=name, config=config,
            base_url_ws=f"{self.settings.ws_url}/private",
            environment=environment_of(self.settings),
            api_key=self._credentials.api_key, api_secret=self._credentials.api_secret,
        )  # fmt: skip

    def _shared(
        self,
        config: BinanceDataClientConfig | BinanceExecClientConfig,
        msgbus: MessageBus,
        clock: LiveClock,
    ) -> tuple[GuardedBinanceHttpClient, FilteredInstrumentProvider]:
        _judge(config, self.settings)
        if self.http is None or self._provider is None:
            self.http = GuardedBinanceHttpClient(
                clock, self.settings, self._credentials,
                tell=partial(publish_venue_event, msgbus),
            )  # fmt: skip
            provider: InstrumentProviderConfig = config.instrument_provider
            self._provider = FilteredInstrumentProvider(
                client=self.http, clock=clock, account_type=ACCOUNT_TYPE, config=provider
            )
        return self.http, self._provider


def _judge(
    config: BinanceDataClientConfig | BinanceExecClientConfig, settings: VenueSettings
) -> None:
    """Refuse a config that carries a key, or that would lead anywhere else than the settings."""
    if config.api_key is not None or config.api_secret is not None:
        raise ValueError("a client config must not carry keys: its repr would print them")
    make = exec_client_config if isinstance(config, BinanceExecClientConfig) else data_client_config
    expected = make(settings, ())
    for key in expected.__struct_fields__:
        value = getattr(expected, key)
        if key not in FREE_KEYS and getattr(config, key) != value:
            raise ValueError(f"{key} = {getattr(config, key)!r} must be {value!r}")


def make_factories(
    credentials: Credentials | None, settings: VenueSettings
) -> tuple[type[LiveDataClientFactory], type[LiveExecClientFactory]]:
    """
    Return the client factories of one node, data and execution, around one HTTP client.

    Parameters
    ----------
    credentials : Credentials, optional
        The account's keys; without them only the data factory can be used.
    settings : VenueSettings
        Where the venue is.

    """
    link = VenueLink(settings, credentials)

    class GuardedBinanceDataClientFactory(LiveDataClientFactory):  # type: ignore[misc]
        create = staticmethod(link.data_client)

    class GuardedBinanceExecClientFactory(LiveExecClientFactory):  # type: ignore[misc]
        create = staticmethod(link.exec_client)

    return GuardedBinanceDataClientFactory, GuardedBinanceExecClientFactory
