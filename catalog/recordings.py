"""
Turn recorded websocket messages into catalog tables.

Events are stamped with the exchange's clock (T, the transaction; E where there is none), in
``ts_event`` and ``ts_init`` alike. The recorder's clock is left out on purpose: where it runs
behind the exchange's, as in captures seen, a strategy would see prices before they were made.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from nautilus_trader.model.data import MarkPriceUpdate, OrderBookDelta, QuoteTick, TradeTick
from nautilus_trader.model.instruments import Instrument

from catalog import encode, messages, symbols
from catalog.books import Book
from catalog.messages import Events
from catalog.parts import Part

# Trades of the order book. Others (INSURANCE_FUND, ADL) are struck away from the market's
# price, and Binance leaves them out of its own bars.
_MARKET = "MARKET"


class Recording:
    """
    A recorded file of one instrument.

    Parameters
    ----------
    instrument : Instrument
        Whose messages the file holds; others are refused.
    skipped : Counter[str]
        Is told what is left out on purpose, by name.

    """

    def __init__(self, instrument: Instrument, skipped: Counter[str]) -> None:
        self._instrument = instrument
        self._skipped = skipped
        self._book = Book(instrument, skipped)

    def parts(self, blocks: Iterable[bytes]) -> Iterator[Part]:
        """
        Yield the rows of a file as catalog tables.

        Raises
        ------
        LineError
            Naming the first line that is corrupt, and the rule it breaks.

        """
        identifier = self._instrument.id.value
        symbol = symbols.raw_symbol(self._instrument.id)
        for events in messages.split(blocks, symbol, self._skipped):
            if "trade" in events:
                trades = self._of_market(events["trade"])
                yield Part(TradeTick, identifier, self._trades(trades))
            if "bookTicker" in events:
                yield Part(QuoteTick, identifier, self._quotes(events["bookTicker"]))
            if "markPriceUpdate" in events:
                yield Part(MarkPriceUpdate, identifier, self._marks(events["markPriceUpdate"]))
            for table in self._book.deltas(events):
                yield Part(OrderBookDelta, identifier, table)

    def _of_market(self, events: Events) -> Events:
        is_market = pc.equal(events["X"], _MARKET).to_numpy()
        others = pc.value_counts(events["X"].filter(pa.array(~is_market)))
        for other in others.to_pylist():
            self._skipped[f"trade with X={other['values']}"] += other["counts"]
        return events.filter(is_market)

    def _trades(self, events: Events) -> pa.Table:
        columns = {
            "price": events["p"],
            "size": events["q"],
            # A buyer who was the maker was hit by a seller.
            "aggressor_side": np.where(events["m"].to_numpy(), 2, 1).astype(np.uint8),
            "trade_id": events["t"],
            "ts_event": events.stamps("T", "E"),
        }
        with events.naming_lines():
            return encode.trades_table(self._instrument, columns, "trades")

    def _quotes(self, events: Events) -> pa.Table:
        columns = {
            "bid_price": events["b"],
            "ask_price": events["a"],
            "bid_size": events["B"],
            "ask_size": events["A"],
            "ts_event": events.stamps("T", "E"),
        }
        with events.naming_lines():
            return encode.quotes_table(self._instrument, columns)

    def _marks(self, events: Events) -> pa.Table:
        # Here T is the next funding, not the time of the price.
        columns = {"value": events["p"], "ts_event": events.stamps("E")}
        with events.naming_lines():
            return encode.mark_prices_table(self._instrument, columns)
