"""What the venue really holds, as it tells over its control address."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple


class Truth(NamedTuple):
    """
    The account at one moment.

    ``positions`` are signed quantities by symbol, base units, none of them zero; ``orders`` and
    ``stops`` are the open orders and the waiting conditional orders, as the venue shows them.

    """

    positions: Mapping[str, Decimal]
    orders: tuple[Mapping[str, Any], ...]
    stops: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Truth:
        """Return the truth from the control address's answer about an account."""
        return cls(
            {row["symbol"]: Decimal(row["amt"]) for row in told["positions"]},
            tuple(told["open_orders"]),
            tuple(row for row in told["open_algos"] if row["status"] == "NEW"),
        )

    def only(self, *symbols: str) -> Truth:
        """Return what concerns some symbols; without one, all."""
        if not symbols:
            return self
        return Truth(
            {symbol: amt for symbol, amt in self.positions.items() if symbol in symbols},
            tuple(row for row in self.orders if row["symbol"] in symbols),
            tuple(row for row in self.stops if row["symbol"] in symbols),
        )

    @property
    def is_empty(self) -> bool:
        """Return whether there is no position and no order of any kind."""
        return not (self.positions or self.orders or self.stops)

    def cover(self, symbol: str) -> Decimal:
        """Return what reduce-only stops on the right side protect of a position, base units."""
        side = "SELL" if self.positions[symbol] > 0 else "BUY"
        return sum(
            (Decimal(row["qty"]) for row in self.stops
             if row["symbol"] == symbol and row["side"] == side and row["reduce_only"]),
            Decimal(0),
        )  # fmt: skip

    @property
    def naked(self) -> tuple[str, ...]:
        """Return the symbols whose position is not wholly protected."""
        return tuple(s for s, amt in self.positions.items() if self.cover(s) < abs(amt))

    @property
    def doubled(self) -> tuple[str, ...]:
        """Return the symbols that have more stops than one, or stops without a position."""
        symbols = [row["symbol"] for row in self.stops]
        return tuple(s for s in sorted(set(symbols)) if symbols.count(s) > (s in self.positions))

    def __str__(self) -> str:
        held = ", ".join(f"{symbol} {amt:+}" for symbol, amt in sorted(self.positions.items()))
        naked = f"; without a full stop: {', '.join(self.naked)}" if self.naked else ""
        return f"{held or 'flat'}; {len(self.orders)} orders, {len(self.stops)} stops{naked}"
