"""What somebody wants to do, and what the market and the venue say, free of any engine."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

BUY = 1
SELL = -1


class OrderIntent(NamedTuple):
    """
    An order that asks to be approved.

    Parameters
    ----------
    client_order_id, strategy_id, instrument_id : str
        Who wants what where.
    side : int
        ``+1`` buys, ``-1`` sells.
    qty : Decimal
        Positive, base units.
    order_type : str
        A NautilusTrader order type name.
    price, trigger_price : Decimal, optional
        Limit and trigger price, quote units.
    is_reduce_only : bool
        Whether the venue lets it only reduce a position.
    parent_id : str, optional
        The entry that the order hangs on.
    is_quote_qty, is_emulated, may_expire : bool
        Whether *qty* is in quote units; whether the order is held in this process; whether it can
        end by itself (anything but good-till-canceled).
    expected_px : Decimal, optional
        Average price at which the book would fill the quantity now (market orders).
    trigger_type : str, optional
        The price that triggers a stop: a NautilusTrader trigger type name.

    """

    client_order_id: str
    strategy_id: str
    instrument_id: str
    side: int
    qty: Decimal
    order_type: str
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    is_reduce_only: bool = False
    parent_id: str | None = None
    is_quote_qty: bool = False
    is_emulated: bool = False
    may_expire: bool = False
    expected_px: Decimal | None = None
    trigger_type: str | None = None


class AmendIntent(NamedTuple):
    """An amendment that asks to be approved; ``None`` leaves a term as it is."""

    client_order_id: str
    instrument_id: str
    qty: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None


class Market(NamedTuple):
    """
    The newest prices of one symbol.

    Parameters
    ----------
    bid, ask : Decimal
        Best prices; equal to the last close where only bars are known.
    ts_ns : int
        When they were true, Unix nanoseconds.
    mark : Decimal, optional
        Mark price, when known.
    is_bar : bool
        Whether bid and ask stand for the close of a bar, where no quote is known.

    """

    bid: Decimal
    ask: Decimal
    ts_ns: int
    mark: Decimal | None = None
    is_bar: bool = False


class VenueFilters(NamedTuple):
    """
    What the venue itself accepts for one symbol (exchangeInfo ``filters``).

    Prices in quote units, quantities in base units, *min_notional* in quote units; the two
    percent-price factors multiply the mark price. ``None``: the venue states no such filter.

    """

    tick: Decimal
    step: Decimal
    min_qty: Decimal | None
    max_qty: Decimal | None
    market_max_qty: Decimal | None
    min_notional: Decimal | None
    percent_price_up: Decimal | None
    percent_price_down: Decimal | None
    open_orders_max: int | None
    settlement: str = "USDT"
