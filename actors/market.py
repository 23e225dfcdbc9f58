"""Ask for the market data that the gate judges by, whatever the strategies ask for."""

from __future__ import annotations

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.config import ActorConfig
from nautilus_trader.model.identifiers import InstrumentId


class MarketDataConfig(ActorConfig, frozen=True):
    """
    Configure a `MarketData`.

    Parameters
    ----------
    instrument_ids : tuple[InstrumentId, ...]
        Every instrument that has limits.

    """

    instrument_ids: tuple[InstrumentId, ...]


class MarketData(Actor):
    """
    Subscribe to quotes and mark prices, and do nothing with them.

    A symbol without a price denies new risk: that must not hang on what a strategy happens to
    subscribe to.

    """

    def on_start(self) -> None:
        """Subscribe."""
        for instrument_id in self.config.instrument_ids:
            self.subscribe_quote_ticks(instrument_id)
            self.subscribe_mark_prices(instrument_id)

    def on_stop(self) -> None:
        """Unsubscribe."""
        for instrument_id in self.config.instrument_ids:
            self.unsubscribe_quote_ticks(instrument_id)
            self.unsubscribe_mark_prices(instrument_id)
