"""Chance at the simulated venue, drawn from the profile's seed and from nothing else."""

from __future__ import annotations

import random

from nautilus_trader.backtest.models import FillModel
from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import BookOrder
from nautilus_trader.model.enums import BookType, OrderSide, OrderType
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

TAKERS = frozenset(
    {
        OrderType.MARKET, OrderType.MARKET_IF_TOUCHED, OrderType.STOP_MARKET,
        OrderType.TRAILING_STOP_MARKET,
    }
)  # fmt: skip
DEEP = 1_000_000
"""More than any order asks for, in base units."""


class SeededFillModel(FillModel):
    """
    Nautilus's fill model with a random generator of its own.

    The stock one (1.231) seeds and draws from Python's global generator, so that a strategy or
    a library that draws from it too changes which orders fill.

    Parameters
    ----------
    limit_fill_probability : float
        That a limit order is filled when the market only touches its price, 0 to 1.
    slippage_probability : float
        That a fill of an order that takes liquidity is one tick worse, 0 to 1.
    seed : int
        Of the generator.

    """

    def __init__(
        self, limit_fill_probability: float, slippage_probability: float, seed: int
    ) -> None:
        global_state = random.getstate()
        super().__init__(limit_fill_probability, slippage_probability, seed)
        random.setstate(global_state)
        self._random = random.Random(seed)  # noqa: S311 - a simulation, not a secret

    def is_limit_filled(self) -> bool:
        """Draw whether a touched limit order is filled."""
        return self._random.random() < self.prob_fill_on_limit

    def is_slipped(self) -> bool:
        """Draw whether a fill is one tick worse."""
        return self._random.random() < self.prob_slippage


class TopOfBookFillModel(SeededFillModel):
    """
    Fills of a node's simulated venue: the best level's size, and the rest one tick behind it.

    So it is in a backtest on quotes too. There the matching engine slips the rest itself, which
    it does by the state of the order; in a node (1.231) that state is updated only later, and the
    rest of every market order larger than the best level would be lost.

    Parameters
    ----------
    cache : Cache
        Holds the quotes.
    limit_fill_probability, slippage_probability, seed
        Those of `SeededFillModel`.

    """

    def __init__(
        self, cache: Cache, limit_fill_probability: float, slippage_probability: float, seed: int
    ) -> None:
        super().__init__(limit_fill_probability, slippage_probability, seed)
        self._cache = cache

    def get_orderbook_for_fill_simulation(
        self, instrument: Instrument, order: Order, best_bid: Price, best_ask: Price
    ) -> OrderBook | None:
        """Return what an order that takes liquidity meets; None for every other order."""
        quote = self._cache.quote_tick(instrument.id)
        if order.order_type not in TAKERS or quote is None:
            return None
        is_buy = order.side == OrderSide.BUY
        best, size = (best_ask, quote.ask_size) if is_buy else (best_bid, quote.bid_size)
        book = OrderBook(instrument.id, BookType.L2_MBP)
        tick = instrument.price_increment.as_decimal() * (1 if is_buy else -1)
        first = best.as_decimal() + (tick if self.is_slipped() else 0)
        side = OrderSide.SELL if is_buy else OrderSide.BUY
        levels: tuple[tuple[Price, Quantity], ...] = (
            (instrument.make_price(first), size),
            (instrument.make_price(first + tick), instrument.make_qty(DEEP)),
        )
        for number, (price, level_size) in enumerate(levels, start=1):
            if level_size > 0:
                book.add(BookOrder(side, price, level_size, number), 0, 0)
        return book
