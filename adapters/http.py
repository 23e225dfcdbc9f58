"""The HTTP client: with a timeout, and with an eye on what each answer says about rate limits."""

from __future__ import annotations

from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.common.component import LiveClock
from nautilus_trader.core.nautilus_pyo3 import HttpClient

from adapters.settings import Credentials, VenueSettings

HEADER_KEYS = (
    "x-mbx-used-weight-1m", "x-mbx-order-count-10s", "x-mbx-order-count-1m", "retry-after", "date",
)  # fmt: skip


class GuardedBinanceHttpClient(BinanceHttpClient):  # type: ignore[misc]
    """
    NautilusTrader's Binance client with a timeout on every request.

    Parameters
    ----------
    clock : LiveClock
        The node's clock.
    settings : VenueSettings
        Where the venue is.
    credentials : Credentials, optional
        The account's keys; without them public data only.

    """

    def __init__(
        self, clock: LiveClock, settings: VenueSettings, credentials: Credentials | None = None
    ) -> None:
        super().__init__(
            clock=clock,
            api_key=credentials.api_key if credentials else None,
            api_secret=credentials.api_secret if credentials else None,
            base_url=settings.rest_url,
        )
        self._client = HttpClient(
            header_keys=list(HEADER_KEYS), timeout_secs=settings.http_timeout_sec
        )
