"""Decimals as the venue writes and rounds them."""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

ZERO = Decimal(0)
ONE = Decimal(1)
SATOSHI = Decimal("0.00000001")


def money(value: Decimal) -> Decimal:
    """Return an amount rounded to the 8 decimals in which balances are kept."""
    return value.quantize(SATOSHI, ROUND_HALF_UP)


def floor_to(value: Decimal, increment: Decimal) -> Decimal:
    """Return the greatest multiple of ``increment`` at or below ``value`` (both positive)."""
    return (value / increment).to_integral_value(ROUND_DOWN) * increment


def decimals_of(increment: Decimal) -> int:
    """Return how many decimals the increment is written with, trailing zeros included."""
    return max(-int(increment.as_tuple().exponent), 0)


def fixed(value: Decimal, decimals: int) -> str:
    """Return the value with exactly so many decimals."""
    return f"{value:.{decimals}f}"


def plain(value: Decimal) -> str:
    """Return the value with 8 decimals at the most, without trailing zeros or an exponent."""
    text = f"{value:.8f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def sign(value: Decimal) -> int:
    """Return 1, 0 or -1."""
    return (value > 0) - (value < 0)
