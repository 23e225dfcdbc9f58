"""Decide a side from numbers: pure functions, floats in, an OrderSide out."""

from nautilus_trader.model.enums import OrderSide


def cross_side(previous_gap: float, gap: float) -> OrderSide:
    """
    Return the side of a cross of two averages, from fast minus slow before and now.

    Pass the last gap that was not zero as *previous_gap*: touching is not crossing.
    """
    if previous_gap < 0 < gap:
        return OrderSide.BUY
    if gap < 0 < previous_gap:
        return OrderSide.SELL
    return OrderSide.NO_ORDER_SIDE


def breakout_side(close: float, upper: float, lower: float) -> OrderSide:
    """Return the side on which *close* left the channel; on its edge is still inside."""
    if close > upper:
        return OrderSide.BUY
    if close < lower:
        return OrderSide.SELL
    return OrderSide.NO_ORDER_SIDE


def imbalance(bid_size: float, ask_size: float) -> float:
    """
    Return the share of waiting size on the bid minus that on the ask, in [-1, 1].

    Source: Cont, Kukanov, Stoikov, "The Price Impact of Order Book Events" (2014), who relate
    price moves to the imbalance of the queues. Two empty queues are in balance: 0.
    """
    total = bid_size + ask_size
    return (bid_size - ask_size) / total if total > 0 else 0.0


def imbalance_side(value: float, threshold: float) -> OrderSide:
    """Return the heavier side when the imbalance reaches *threshold* (0 to 1, inclusive)."""
    if value >= threshold:
        return OrderSide.BUY
    if value <= -threshold:
        return OrderSide.SELL
    return OrderSide.NO_ORDER_SIDE


def has_gap(last_ns: int, now_ns: int, interval_ns: int, bars_max: int) -> bool:
    """Return whether more than *bars_max* whole bars are missing between two bars' times."""
    return now_ns - last_ns > (bars_max + 1) * interval_ns
