"""Liquidation price."""

from decimal import Decimal
from typing import TYPE_CHECKING

from venue.engine.accounts import Account, Position
from venue.engine.numbers import ZERO

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange


def check(ex: "Exchange", symbol: str) -> None:
    """Check."""


def liquidation_price(ex: "Exchange", account: Account, position: Position) -> Decimal:
    """Return."""
    return ZERO


def adl_quantile(ex: "Exchange", position: Position) -> int:
    """Return."""
    return 0
