"""The market-data client."""

from __future__ import annotations

from nautilus_trader.adapters.binance.futures.data import BinanceFuturesDataClient


class HardenedDataClient(BinanceFuturesDataClient):  # type: ignore[misc]
    """NautilusTrader's Binance USD-M market-data client."""
