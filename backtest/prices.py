"""The price at which the simulated venue values a position."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.backtest.engine import SimulatedExchange
from nautilus_trader.model.identifiers import InstrumentId

MARK_AGE_NS_MAX = 5 * 60 * 1_000_000_000


def mark_price(
    exchange: SimulatedExchange, instrument_id: InstrumentId, ts_now: int
) -> Decimal | None:
    """
    Return the mark price, or what comes nearest to it.

    The last mark price of the data if it is not older than five minutes, else the middle of
    the venue's book (after a bar or a trade: its last price), else None.
    """
    update = exchange.cache.mark_price(instrument_id)
    if update is not None and ts_now - update.ts_event <= MARK_AGE_NS_MAX:
        return update.value.as_decimal()
    sides = exchange.best_bid_price(instrument_id), exchange.best_ask_price(instrument_id)
    prices = [price.as_decimal() for price in sides if price is not None]
    return sum(prices, Decimal(0)) / len(prices) if prices else None
