"""Play a recorded log again, from its fills alone, into the rows of the run folder's tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from nautilus_trader.model.enums import liquidity_side_to_str
from nautilus_trader.model.events import OrderEvent, OrderFilled, OrderInitialized

from actors.recorder import BalanceSample, Entry, OpeningOrder, OpeningPosition, PriceSample
from report.cycles import ZERO, CycleBook, Fill, exit_reason
from report.ledger import OrderState, event_row
from risk.events import FundingPayment, Liquidation

Row = dict[str, Any]


class Replay:
    """
    Everything that follows from a recorded log.

    Equity is ``account balance + sum(signed_qty * (price - average open price))`` at every sample
    and every fill (of one instant, the last value), with the mark price, else the newest price;
    between a fill and the next sample the fill's own price is the newest. Worst-case exposure is
    the position plus what may still fill on that side (orders at the venue or on their way,
    reduce-only ones left out), at the same price. Neither looks at the gate's books.

    """

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = defaultdict(list)
        self.orders: dict[str, OrderState] = {}
        self.book = CycleBook()
        self.liquidations: list[Liquidation] = []
        self.decision_px: dict[str, float | None] = {}
        """The newest price that had been recorded when an order was made, by client order id."""
        self._position_qty: dict[str, Decimal] = defaultdict(Decimal)
        self._working: dict[str, dict[str, Decimal]] = defaultdict(dict)
        self._price: dict[str, float] = {}
        self._newest: dict[str, float] = {}
        self._price_ns: dict[str, int] = defaultdict(int)
        self._exposed: set[str] = set()

    @classmethod
    def of(cls, log: Iterable[Entry]) -> Replay:
        """Return the replay of *log*."""
        replay = cls()
        for entry in log:
            replay._apply(entry)
        replay.rows["orders"] = [_order_row(order) for order in replay.orders.values()]
        return replay

    def _apply(self, entry: Entry) -> None:
        match entry:
            case OrderEvent():
                self._apply_order_event(entry)
            case PriceSample():
                self._apply_price(entry)
            case BalanceSample():
                self._apply_balance(entry)
            case FundingPayment():
                self.rows["funding"].append(entry._asdict())
                self.book.add_funding(entry.instrument_id, entry.amount_usdt)
            case Liquidation():
                self.liquidations.append(entry)
            case OpeningPosition():
                self._open_position(entry)
            case OpeningOrder():
                self._open_order(entry)

    def _open_position(self, opening: OpeningPosition) -> None:
        self.rows["opening"].append(opening._asdict())
        self.book.adopt(opening)
        self._position_qty[opening.instrument_id] += opening.signed_qty
        # Until a sample comes it is worth what it cost: the run has made nothing of it yet.
        self._price.setdefault(opening.instrument_id, float(opening.avg_px))
        self._exposed.add(opening.instrument_id)

    def _open_order(self, opening: OpeningOrder) -> None:
        order = self.orders[opening.client_order_id]
        order.adopt(opening.filled_qty)
        self._reserve(order)
        self.rows["order_events"].append({
            "ts_event": opening.ts_event,
            "client_order_id": order.client_order_id,
            "event": "OpeningOrder",
            "quantity": opening.filled_qty,
            "price": order.price,
            "trigger_price": order.trigger_price,
            "reason": None,
        })  # fmt: skip

    def _apply_order_event(self, event: OrderEvent) -> None:
        if isinstance(event, OrderInitialized):
            order = OrderState.from_event(event)
            self.decision_px[order.client_order_id] = self._newest.get(order.instrument_id)
            self.orders[order.client_order_id] = order
        else:
            order = self.orders[event.client_order_id.value]
            order.apply(event)
        self.rows["order_events"].append(event_row(event, order))
        if isinstance(event, OrderFilled):
            self._apply_fill(event, order)
        if self._reserve(order) or isinstance(event, OrderFilled):
            self._add_exposure(event.ts_event, order.instrument_id)

    def _apply_fill(self, event: OrderFilled, order: OrderState) -> None:
        qty, instrument_id = event.last_qty.as_decimal(), order.instrument_id
        fill = Fill(
            ts_event=event.ts_event,
            client_order_id=order.client_order_id,
            strategy_id=order.strategy_id,
            instrument_id=instrument_id,
            position_id=str(event.position_id or f"{instrument_id}-{order.strategy_id}"),
            signed_qty=qty if order.side == "BUY" else -qty,
            last_px=event.last_px.as_decimal(),
            commission=event.commission.as_decimal(),
            exit_reason=exit_reason(
                order.order_type, order.tags, is_reduce_only=order.is_reduce_only
            ),
        )
        self.book.apply(fill)
        self._position_qty[instrument_id] += fill.signed_qty
        self._price[instrument_id] = float(fill.last_px)
        self._price_ns[instrument_id] = fill.ts_event
        self.rows["fills"].append(_fill_row(fill, event, order))

    def _reserve(self, order: OrderState) -> bool:
        """Keep what an opening order may still fill; True when that has changed."""
        if order.is_reduce_only:
            return False
        working = self._working[order.instrument_id]
        leaves = order.leaves_signed_qty
        if leaves == working.get(order.client_order_id, ZERO):
            return False
        working[order.client_order_id] = leaves
        if not leaves:
            del working[order.client_order_id]
        return True

    def _apply_price(self, sample: PriceSample) -> None:
        self.rows["prices"].append(sample._asdict())
        self._newest[sample.instrument_id] = sample.price
        if sample.ts_event >= self._price_ns[sample.instrument_id]:
            self._price_ns[sample.instrument_id] = sample.ts_event
            mark = sample.mark_price
            self._price[sample.instrument_id] = sample.price if mark is None else mark

    def _apply_balance(self, sample: BalanceSample) -> None:
        unrealized = sum(
            cycle.unrealized_usdt(self._price[cycle.instrument_id])
            for cycle in self.book.open.values()
        )
        balance = float(sample.total)
        equity = self.rows["equity"]
        if equity and equity[-1]["ts_event"] == sample.ts_event:
            equity.pop()  # a step within one instant, such as a liquidation's, is nobody's equity
        equity.append({
            "ts_event": sample.ts_event,
            "balance_usdt": balance,
            "unrealized_usdt": unrealized,
            "equity_usdt": balance + unrealized,
        })  # fmt: skip
        for instrument_id in sorted(self._exposed):
            self._add_exposure(sample.ts_event, instrument_id)

    def _add_exposure(self, ts_event: int, instrument_id: str) -> None:
        price = self._price.get(instrument_id)
        if price is None:
            return
        position = self._position_qty[instrument_id]
        leaves = self._working[instrument_id].values()
        longest = position + sum((qty for qty in leaves if qty > 0), ZERO)
        shortest = position + sum((qty for qty in leaves if qty < 0), ZERO)
        self.rows["exposure"].append({
            "ts_event": ts_event,
            "instrument_id": instrument_id,
            "position_qty": float(position),
            "position_usdt": float(position) * price,
            "long_worst_usdt": max(0.0, float(longest)) * price,
            "short_worst_usdt": max(0.0, -float(shortest)) * price,
        })  # fmt: skip
        if longest or shortest:
            self._exposed.add(instrument_id)
        else:
            self._exposed.discard(instrument_id)


def _fill_row(fill: Fill, event: OrderFilled, order: OrderState) -> Row:
    return {
        "ts_event": fill.ts_event,
        "client_order_id": fill.client_order_id,
        "strategy_id": fill.strategy_id,
        "instrument_id": fill.instrument_id,
        "position_id": fill.position_id,
        "side": order.side,
        "order_type": order.order_type,
        "last_qty": abs(fill.signed_qty),
        "last_px": fill.last_px,
        "commission": fill.commission,
        "liquidity_side": liquidity_side_to_str(event.liquidity_side),
    }


def _order_row(order: OrderState) -> Row:
    names = (
        "client_order_id", "order_list_id", "parent_order_id", "strategy_id", "instrument_id",
        "side", "order_type", "quantity", "price", "trigger_price", "is_reduce_only", "tags",
        "status", "filled_qty", "reason", "ts_init", "ts_accepted", "ts_closed",
    )  # fmt: skip
    return {name: getattr(order, name) for name in names}
