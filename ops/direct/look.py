"""What is there: orders, conditional orders and positions, straight from the venue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from ops.direct.client import DirectClient, VenueError

ORDERS_PATH = "/fapi/v1/openOrders"
ALGOS_PATH = "/fapi/v1/openAlgoOrders"
POSITIONS_PATH = "/fapi/v3/positionRisk"
POSITIONS_WEIGHT, SYMBOL_WEIGHT = 5, 2
"""What positions cost, and both kinds of orders of one symbol; those of all cost 40 each."""
STOP_TYPES = frozenset({"STOP_MARKET", "STOP", "TRAILING_STOP_MARKET"})
CLOSING = frozenset({("LONG", "SELL"), ("SHORT", "BUY")})
"""In hedge mode the side makes an order reduce, and ``reduceOnly`` is refused (Binance: New Order)."""


class Resting(NamedTuple):
    """One open order; *quantity* is zero for one that closes whatever position there is."""

    symbol: str
    venue_id: str
    client_id: str
    side: str
    position_side: str
    order_type: str
    quantity: Decimal
    is_algo: bool
    is_reducing: bool

    @property
    def is_protecting(self) -> bool:
        """Whether it is a stop that can only reduce, or the order that such a stop turned into."""
        return self.is_reducing and self.order_type in STOP_TYPES

    @property
    def is_stop(self) -> bool:
        """Whether it is a stop that can only reduce and waits for its trigger."""
        return self.is_algo and self.is_protecting

    def __str__(self) -> str:
        kind = f"{self.order_type} {'reduce-only ' if self.is_reducing else ''}".lower()
        return f"{kind}order {self.client_id}: {self.side} {self.quantity:f} {self.symbol}"


class Held(NamedTuple):
    """One position; *amount* is signed, in base units, and never zero."""

    symbol: str
    position_side: str
    amount: Decimal

    def __str__(self) -> str:
        side = "" if self.position_side == "BOTH" else f" ({self.position_side})"
        return f"position {self.amount:+f} {self.symbol}{side}"


class Look(NamedTuple):
    """
    What a look showed.

    ``unseen`` names what the venue did not tell or what could not be read: as long as there is any,
    nothing is proved.

    """

    orders: tuple[Resting, ...] = ()
    positions: tuple[Held, ...] = ()
    unseen: tuple[str, ...] = ()
    is_flat_known: bool = True
    """Whether the positions were told, and all of them could be read."""


async def take_look(client: DirectClient, symbol: str | None = None) -> Look:
    """
    Ask for everything at once; what cannot be had is named and hinders nothing else.

    It costs 85 of the venue's weight, 7 for one *symbol*.

    """
    only = {} if symbol is None else {"symbol": symbol}
    parts = await asyncio.gather(
        _rows(client, ORDERS_PATH, _order, **only),
        _rows(client, ALGOS_PATH, _algo, **only),
        _rows(client, POSITIONS_PATH, _position, **only),
    )
    (orders, unseen_orders), (algos, unseen_algos), (positions, unseen_positions) = parts
    return Look(
        (*orders, *algos),
        tuple(p for p in positions if p.amount),
        (*unseen_orders, *unseen_algos, *unseen_positions),
        is_flat_known=not unseen_positions,
    )


async def look_at_positions(client: DirectClient) -> Look:
    """Ask for positions and the orders of their symbols alone, a fraction of a whole look's weight."""
    positions, unseen = await _rows(client, POSITIONS_PATH, _position)
    held = tuple(p for p in positions if p.amount)
    parts = await asyncio.gather(
        *(_rows(client, path, read, symbol=symbol)
          for symbol in sorted({p.symbol for p in held})
          for path, read in ((ORDERS_PATH, _order), (ALGOS_PATH, _algo)))
    )  # fmt: skip
    orders = tuple(order for found, _ in parts for order in found)
    missed = (text for _, texts in parts for text in texts)
    return Look(orders, held, (*unseen, *missed), is_flat_known=not unseen)


def weight_of(look: Look) -> int:
    """Return what `look_at_positions` has cost."""
    return POSITIONS_WEIGHT + SYMBOL_WEIGHT * len({held.symbol for held in look.positions})


async def _rows[T](
    client: DirectClient, path: str, read: Callable[[dict[str, Any]], T], **params: str
) -> tuple[list[T], list[str]]:
    try:
        rows = await client.signed("GET", path, **params)
    except VenueError as e:
        return [], [f"{path} was not told: {e}"]
    if not isinstance(rows, list):
        return [], [f"{path} cannot be read: {type(rows).__name__} is no list"]
    return _read_all(rows, path, read)


def _read_all[T](
    rows: Iterable[dict[str, Any]], path: str, read: Callable[[dict[str, Any]], T]
) -> tuple[list[T], list[str]]:
    found, unseen = [], []
    for row in rows:
        try:
            found.append(read(row))
        except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as e:
            unseen.append(f"{path} has a row that cannot be read: {e!r}")
    return found, unseen


def _order(row: dict[str, Any]) -> Resting:
    position_side = row.get("positionSide", "BOTH")
    left = _amount(row["origQty"]) - _amount(row.get("executedQty") or 0)
    return Resting(
        row["symbol"], str(row["orderId"]), str(row["clientOrderId"]), row["side"], position_side,
        str(row.get("origType") or row["type"]), left, is_algo=False,
        is_reducing=_reduces(row, position_side),
    )  # fmt: skip


def _algo(row: dict[str, Any]) -> Resting:
    position_side = row.get("positionSide", "BOTH")
    return Resting(
        row["symbol"], str(row["algoId"]), str(row["clientAlgoId"]), row["side"], position_side,
        str(row["orderType"]), _amount(row.get("quantity") or 0), is_algo=True,
        is_reducing=_reduces(row, position_side),
    )  # fmt: skip


def _position(row: dict[str, Any]) -> Held:
    return Held(row["symbol"], row.get("positionSide", "BOTH"), _amount(row["positionAmt"]))


def _amount(told: Any) -> Decimal:
    """Return a quantity; what is none (NaN) cannot be read, rather than compared with later."""
    amount = Decimal(told)
    if not amount.is_finite():
        raise InvalidOperation(f"{told} is no quantity")
    return amount


def _reduces(row: dict[str, Any], position_side: str) -> bool:
    said = row.get("reduceOnly") is True or row.get("closePosition") is True
    return said or (position_side, row["side"]) in CLOSING
