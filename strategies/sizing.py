"""Turn a risk budget and a stop distance into a quantity the instrument accepts."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Self

from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.instruments import Instrument


@dataclass(frozen=True, slots=True)
class LotRules:
    """What an instrument accepts as a quantity, in base units (notional in quote currency)."""

    step: Decimal
    quantity_min: Decimal | None
    quantity_max: Decimal | None
    notional_min: Decimal | None

    @classmethod
    def of(cls, instrument: Instrument) -> Self:
        """Read the rules off a Nautilus instrument; an absent filter is ``None``."""

        def decimal_or_none(value: object) -> Decimal | None:
            return None if value is None else value.as_decimal()

        return cls(
            step=instrument.size_increment.as_decimal(),
            quantity_min=decimal_or_none(instrument.min_quantity),
            quantity_max=decimal_or_none(instrument.max_quantity),
            notional_min=decimal_or_none(instrument.min_notional),
        )


def to_decimal(value: float) -> Decimal:
    """
    Convert an indicator value to the Decimal that prints the same.

    This is the only way from signals (floats) to prices and money (Decimals).

    Raises
    ------
    ValueError
        If *value* is NaN or infinite.

    """
    decimal = Decimal(str(value))
    if not decimal.is_finite():
        raise ValueError(f"value: was {value}, must be a finite number")
    return decimal


def round_down(value: Decimal, increment: Decimal) -> Decimal:
    """Return the largest multiple of *increment* that is not above *value*."""
    return (value / increment).to_integral_value(ROUND_FLOOR) * increment


def round_up(value: Decimal, increment: Decimal) -> Decimal:
    """Return the smallest multiple of *increment* that is not below *value*."""
    return (value / increment).to_integral_value(ROUND_CEILING) * increment


def stop_price(side: OrderSide, price: Decimal, distance: Decimal, tick: Decimal) -> Decimal:
    """
    Return the stop for an entry on *side* at *price*: at least *distance* away, on the tick grid.

    Rounded away from the market, so a stop is never nearer than asked for.
    """
    if side == OrderSide.BUY:
        return round_down(price - distance, tick)
    return round_up(price + distance, tick)


def target_price(side: OrderSide, price: Decimal, distance: Decimal, tick: Decimal) -> Decimal:
    """Return the profit target of an entry: at most *distance* away, on the tick grid."""
    if side == OrderSide.BUY:
        return round_down(price + distance, tick)
    return round_up(price - distance, tick)


def is_tighter(entry_side: OrderSide, current: Decimal, new: Decimal) -> bool:
    """Return whether stop *new* risks less than *current* in a trade entered on *entry_side*."""
    return new > current if entry_side == OrderSide.BUY else new < current


def risk_quantity(
    risk_usdt: Decimal,
    stop_distance: Decimal,
    notional_usdt_max: Decimal,
    price: Decimal,
    rules: LotRules,
) -> Decimal:
    """
    Return the quantity that loses *risk_usdt* when the price moves by *stop_distance*.

    Never more than *notional_usdt_max* buys at *price*, nor than the instrument takes in one
    order; rounded down to its step, so the result may be zero (see `size_refusal`).

    Parameters
    ----------
    risk_usdt : Decimal
        The loss at the stop before fees and slippage, in USDT (> 0).
    stop_distance : Decimal
        The distance from entry to stop, in quote currency (> 0).
    notional_usdt_max : Decimal
        The largest notional to ask for, in USDT (> 0).
    price : Decimal
        The expected entry price (> 0).
    rules : LotRules
        The instrument's lot filters.

    Raises
    ------
    ValueError
        If *stop_distance* or *price* is not positive.

    """
    if stop_distance <= 0:
        raise ValueError(f"stop_distance: was {stop_distance}, must be > 0")
    if price <= 0:
        raise ValueError(f"price: was {price}, must be > 0")
    quantity = min(risk_usdt / stop_distance, notional_usdt_max / price)
    if rules.quantity_max is not None:
        quantity = min(quantity, rules.quantity_max)
    return round_down(quantity, rules.step)


def price_refusal(stop: Decimal, target: Decimal | None) -> str | None:
    """Return why stop and target are no prices an order could have, or ``None`` if they are."""
    if stop <= 0:
        return f"STOP_NOT_POSITIVE: observed={stop}, limit=0"
    if target is not None and target <= 0:
        return f"TARGET_NOT_POSITIVE: observed={target}, limit=0"
    return None


def size_refusal(quantity: Decimal, price: Decimal, rules: LotRules) -> str | None:
    """Return why the instrument would not take *quantity* at *price*, or ``None`` if it would."""
    if quantity <= 0:
        return f"QUANTITY_BELOW_STEP: observed={quantity}, limit={rules.step}"
    if rules.quantity_min is not None and quantity < rules.quantity_min:
        return f"QUANTITY_BELOW_MIN: observed={quantity}, limit={rules.quantity_min}"
    if rules.notional_min is not None and quantity * price < rules.notional_min:
        return f"NOTIONAL_BELOW_MIN: observed={quantity * price}, limit={rules.notional_min}"
    return None
