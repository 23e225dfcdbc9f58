"""What the venue says about orders, trades and positions, read element by element."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from nautilus_trader.adapters.binance.common.enums import BinanceOrderType, BinanceTimeInForce
from nautilus_trader.adapters.binance.futures.enums import BinanceFuturesEnumParser
from nautilus_trader.model.enums import OrderSide, OrderType, TimeInForce, TriggerType

Row = Mapping[str, Any]

OPEN_STATUSES = frozenset({"NEW", "PARTIALLY_FILLED"})
CLOSED_STATUSES = frozenset({"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"})
WAITING_STATUSES = frozenset({"NEW", "TRIGGERING"})
"""States of a conditional order that rests with the Algo Service and has no order of its own yet."""

_SIDES = {"BUY": OrderSide.BUY, "SELL": OrderSide.SELL}
_TRIGGERS = {"CONTRACT_PRICE": TriggerType.LAST_PRICE, "MARK_PRICE": TriggerType.MARK_PRICE}
_PARSER = BinanceFuturesEnumParser()
_TYPES = {t.value: _PARSER.futures_ext_to_int_order_type.get(t) for t in BinanceOrderType}
_TYPES["LIQUIDATION"] = OrderType.LIMIT
_TIFS = {t.value: _PARSER.ext_to_int_time_in_force.get(t) for t in BinanceTimeInForce}


class UnreadableFactError(ValueError):
    """One element of an answer or event that this version does not understand."""


class OrderFact(NamedTuple):
    """
    One order as the venue shows it.

    ``venue_id`` is the algo id while a conditional order waits and the order id from then on;
    ``child_id`` is the order id that a waiting order has turned into. ``quantity`` is None for an
    order that closes whatever position there is. Times are Unix milliseconds.

    """

    symbol: str
    client_id: str
    venue_id: str
    side: OrderSide
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal | None
    executed: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    trigger_type: TriggerType
    status: str
    is_reduce_only: bool
    is_post_only: bool
    is_waiting: bool
    child_id: str | None
    updated_ms: int
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the order can still fill."""
        return self.is_waiting or self.status in OPEN_STATUSES


class TradeFact(NamedTuple):
    """One fill of the account; quantity and price > 0, fee as charged, time in Unix milliseconds."""

    symbol: str
    order_id: str
    trade_id: str
    side: OrderSide
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str | None
    is_maker: bool
    ts_ms: int


class PositionFact(NamedTuple):
    """
    One position: amount signed, in base units; None where the venue names no such figure.

    A position that cannot be liquidated has a liquidation price of 0 at the venue, None here. The
    maintenance margin is in the quote currency.

    """

    symbol: str
    amount: Decimal
    entry_price: Decimal
    liquidation_price: Decimal | None = None
    mark_price: Decimal | None = None
    maintenance_margin: Decimal | None = None


def read_all[T](
    rows: Iterable[Row], read: Callable[[Row], T], on_unreadable: Callable[[str], None]
) -> list[T]:
    """Read what can be read; tell of each element that cannot, and go on."""
    facts = []
    for row in rows:
        try:
            facts.append(read(row))
        except UnreadableFactError as e:
            on_unreadable(str(e))
    return facts


def order_from_rest(row: Row) -> OrderFact:
    """Read an element of ``GET order``, ``openOrders`` or ``allOrders``."""
    return _order(
        row,
        ("symbol", "clientOrderId", "orderId", "side", "origType", "timeInForce", "origQty",
         "executedQty", "price", "stopPrice", "workingType", "status", "reduceOnly", "updateTime"),
    )  # fmt: skip


def order_from_event(row: Row) -> OrderFact:
    """Read the ``o`` of an ORDER_TRADE_UPDATE."""
    keys = ("s", "c", "i", "S", "ot", "f", "q", "z", "p", "sp", "wt", "X", "R", "T")
    return _order(row, keys)


def algo_from_rest(row: Row) -> OrderFact:
    """Read an element of ``GET algoOrder``, ``openAlgoOrders`` or ``allAlgoOrders``."""
    keys = ("symbol", "clientAlgoId", "algoId", "side", "orderType", "timeInForce", "quantity",
            "actualQty", "price", "triggerPrice", "workingType", "algoStatus", "reduceOnly",
            "updateTime")  # fmt: skip
    return _algo(row, keys, row.get("actualOrderId"), row.get("closePosition"), "")


def algo_from_event(row: Row, ts_ms: int) -> OrderFact:
    """Read the ``o`` of an ALGO_UPDATE that happened at *ts_ms*."""
    keys = ("s", "caid", "aid", "S", "o", "f", "q", "aq", "p", "tp", "wt", "X", "R", "T")
    row = {**row, "T": ts_ms}
    return _algo(row, keys, row.get("ai"), row.get("cp"), str(row.get("rm") or ""))


def trade_from_rest(row: Row) -> TradeFact:
    """Read an element of ``GET userTrades``."""
    return _guard(
        row,
        lambda: TradeFact(
            symbol=row["symbol"], order_id=str(row["orderId"]), trade_id=str(row["id"]),
            side=OrderSide.BUY if row["buyer"] else OrderSide.SELL, quantity=Decimal(row["qty"]),
            price=Decimal(row["price"]), fee=Decimal(row["commission"]),
            fee_asset=row["commissionAsset"] or None, is_maker=bool(row["maker"]),
            ts_ms=int(row["time"]),
        ),
    )  # fmt: skip


def trade_from_event(row: Row) -> TradeFact:
    """Read the fill in the ``o`` of an ORDER_TRADE_UPDATE; a fee that is not told is none."""
    return _guard(
        row,
        lambda: TradeFact(
            symbol=row["s"], order_id=str(row["i"]), trade_id=str(row["t"]), side=_SIDES[row["S"]],
            quantity=Decimal(row["l"]), price=Decimal(row["L"]), fee=Decimal(row.get("n") or 0),
            fee_asset=row.get("N") or None, is_maker=bool(row["m"]), ts_ms=int(row["T"]),
        ),
    )  # fmt: skip


def position_from_rest(row: Row) -> PositionFact:
    """Read an element of ``GET positionRisk``; hedge mode is refused, nothing here can show it."""
    if row.get("positionSide", "BOTH") != "BOTH":
        raise UnreadableFactError(f"positionSide = {row['positionSide']!r} must be 'BOTH': {row}")
    return _guard(
        row,
        lambda: PositionFact(
            row["symbol"], Decimal(row["positionAmt"]), Decimal(row.get("entryPrice") or 0),
            _positive(row.get("liquidationPrice")), _positive(row.get("markPrice")),
            _positive(row.get("maintMargin")),
        ),
    )  # fmt: skip


def _guard[T](row: Row, read: Callable[[], T]) -> T:
    try:
        return read()
    except (KeyError, TypeError, ValueError, InvalidOperation) as e:
        raise UnreadableFactError(f"{e!r} in {dict(row)}") from e


def _order(row: Row, keys: tuple[str, ...]) -> OrderFact:
    def read() -> OrderFact:
        (symbol, client, venue, side, kind, tif, qty, done, price, trigger, working, status,
         reduce_only, ts) = _values(row, keys)  # fmt: skip
        if status not in OPEN_STATUSES | CLOSED_STATUSES:
            raise ValueError(f"status {status!r} is unknown")
        return OrderFact(
            symbol=str(symbol), client_id=str(client), venue_id=str(int(venue)),
            side=_SIDES[str(side)], order_type=_known(_TYPES, kind), time_in_force=_known(_TIFS, tif),
            quantity=Decimal(qty), executed=Decimal(done), price=_positive(price),
            trigger_price=_positive(trigger), trigger_type=_TRIGGERS[str(working)],
            status=str(status), is_reduce_only=bool(reduce_only), is_post_only=tif == "GTX",
            is_waiting=False, child_id=None, updated_ms=int(ts),
        )  # fmt: skip

    return _guard(row, read)


def _algo(
    row: Row, keys: tuple[str, ...], child: Any, is_close_position: Any, reason: str
) -> OrderFact:
    def read() -> OrderFact:
        (symbol, client, venue, side, kind, tif, qty, done, price, trigger, working, status,
         reduce_only, ts) = _values(row, keys)  # fmt: skip
        if status not in ALGO_STATUSES:
            raise ValueError(f"algo status {status!r} is unknown")
        quantity = _positive(qty)
        if quantity is None and not is_close_position:
            raise ValueError(f"quantity {qty!r} of an order that does not close the position")
        return OrderFact(
            symbol=str(symbol), client_id=str(client), venue_id=str(int(venue)),
            side=_SIDES[str(side)], order_type=_known(_TYPES, kind),
            time_in_force=_known(_TIFS, tif or "GTC"), quantity=quantity,
            executed=_positive(done) or Decimal(0), price=_positive(price),
            trigger_price=_positive(trigger), trigger_type=_TRIGGERS[str(working)],
            # An order that ended without ever reaching the book was canceled there.
            status="CANCELED" if status == "FINISHED" and not child else str(status),
            is_reduce_only=bool(reduce_only or is_close_position), is_post_only=False,
            is_waiting=status in WAITING_STATUSES, child_id=str(child) if child else None,
            updated_ms=int(ts), reason=reason,
        )  # fmt: skip

    return _guard(row, read)


ALGO_STATUSES = WAITING_STATUSES | {"TRIGGERED", "FINISHED", "CANCELED", "EXPIRED", "REJECTED"}


def _values(row: Row, keys: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(row.get(key) for key in keys)


def _known[T](table: Mapping[str, T | None], value: Any) -> T:
    known = table.get(str(value))
    if known is None:
        raise ValueError(f"{value!r} is unknown")
    return known


def _positive(value: Any) -> Decimal | None:
    """Return a price or quantity, None for what stands for none of it."""
    number = Decimal(value) if value else Decimal(0)
    return number if number > 0 else None
