"""How figures and times are written for a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

NONE = "–"  # noqa: RUF001 - an en dash stands for what has no value


def money(value: Any) -> str:
    """Write USDT with two decimals, a separator and a sign only when negative."""
    return NONE if value is None else f"{value:z,.2f}".replace("-", "\u2212")


def signed(value: Any) -> str:
    """Write USDT like `money`, with a plus before a gain."""
    return NONE if value is None else ("+" if value > 0 else "") + money(value)


def percent(value: Any) -> str:
    """Write a ratio as a percentage with two decimals."""
    return NONE if value is None else f"{value * 100:z,.2f} %".replace("-", "\u2212")


def signed_percent(value: Any) -> str:
    """Write a ratio like `percent`, with a plus before a gain."""
    return NONE if value is None else ("+" if value > 0 else "") + percent(value)


def ratio(value: Any) -> str:
    """Write a plain ratio with two decimals."""
    return NONE if value is None else f"{value:z,.2f}".replace("-", "\u2212")


def whole(value: Any) -> str:
    """Write a number without decimals."""
    return NONE if value is None else f"{value:z,.0f}".replace("-", "\u2212")


def count(value: Any) -> str:
    """Write a whole number with separators."""
    return NONE if value is None else f"{value:,}"


def exact(value: Any) -> str:
    """Write a decimal as it is, without trailing zeros."""
    if value is None:
        return NONE
    return format(Decimal(str(value)).normalize(), "f")


def grouped(value: Any) -> str:
    """Write a decimal like `exact`, with separators."""
    return NONE if value is None else format(Decimal(str(value)).normalize(), ",f")


def rounded(value: Any) -> str:
    """Write a measured decimal with separators and four significant digits, or two decimals."""
    if value is None:
        return NONE
    number = Decimal(str(value))
    return grouped(f"{number:.2f}" if abs(number) >= 100 else f"{number:.4g}")


def price(value: Any) -> str:
    """Write a price with at most 8 significant digits; averages have more than they mean."""
    return NONE if value is None else exact(Decimal(f"{value:.8g}"))


def symbol(instrument_id: str | None) -> str:
    """Return the symbol of an instrument, without its venue."""
    return NONE if instrument_id is None else instrument_id.rsplit(".", 1)[0]


def moment(ts_ns: int | None) -> str:
    """Write Unix nanoseconds as UTC to the second."""
    if ts_ns is None:
        return NONE
    return datetime.fromtimestamp(ts_ns // 1_000_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")


def duration(ns: int | None) -> str:
    """Write a span of nanoseconds in its two largest units."""
    if ns is None:
        return NONE
    seconds = ns // 1_000_000_000
    if seconds < 1:
        return f"{ns / 1e6:.0f} ms"
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        amount, seconds = divmod(seconds, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return " ".join(parts[:2])


_LABELS = {
    "final_equity_usdt": "Final equity (USDT)",
    "return_ratio": "Return",
    "max_drawdown_ratio": "Maximum drawdown",
    "sharpe_ratio": "Sharpe (365 days)",
    "trades": "Trades",
    "win_ratio": "Win rate",
    "profit_factor": "Profit factor",
    "fees_usdt": "Fees (USDT)",
    "funding_usdt": "Funding (USDT)",
    "turnover_usdt": "Turnover (USDT)",
    "exposure_time_ratio": "Time in the market",
    "liquidations": "Liquidations",
}


def label(name: str) -> str:
    """Return what a person calls the statistic *name*."""
    return _LABELS[name]


def figure(value: Any, name: str) -> str:
    """Write a statistic by the unit that its name carries."""
    if name.endswith("_usdt"):
        return money(value)
    if name in ("sharpe_ratio", "sortino_ratio", "profit_factor"):
        return ratio(value)
    return percent(value) if name.endswith("_ratio") else count(value)


FILTERS: dict[str, Callable[..., str]] = {
    function.__name__: function
    for function in (
        money, signed, percent, signed_percent, ratio, whole, count, exact, grouped, rounded, price, symbol,
        moment, duration, label, figure,
    )
}  # fmt: skip
