"""Instruments as the gate needs them: with the venue's filters under the names it knows."""

from __future__ import annotations

from nautilus_trader.adapters.binance.futures.providers import BinanceFuturesInstrumentProvider


class FilteredInstrumentProvider(BinanceFuturesInstrumentProvider):  # type: ignore[misc]
    """NautilusTrader's provider."""
