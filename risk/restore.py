"""Brackets after a restart: from the journal, and from what the venue says is there."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import Clock, Logger
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import OrderSide, OrderType, TriggerType
from nautilus_trader.model.events import OrderCanceled
from nautilus_trader.model.identifiers import (
    ClientOrderId,
    InstrumentId,
    StrategyId,
    TraderId,
)
from nautilus_trader.model.orders import LimitOrder, Order, StopMarketOrder

from risk.bracket import ZERO, Bracket
from risk.brackets import Brackets
from risk.desk import Desk
from risk.judge import Judge
from risk.record import OrderRow
from risk.rounds import Round, Rounds, open_rounds
from risk.translate import intent_of


class Restorer:
    """
    Gives brackets their children back, once the venue has said what is there.

    What was never sent is held again under its own id; what was sent and is gone is sent anew under
    another one. Stops beyond the position, and children of nothing, are canceled.

    Parameters
    ----------
    brackets, desk, judge
        Those of the gate.
    cache, clock
        Those of the kernel.
    trader_id : TraderId
        The kernel's.

    """

    def __init__(
        self,
        brackets: Brackets,
        desk: Desk,
        judge: Judge,
        *,
        cache: Cache,
        clock: Clock,
        trader_id: TraderId,
    ) -> None:
        self._brackets = brackets
        self._desk = desk
        self._judge = judge
        self._cache = cache
        self._clock = clock
        self._trader_id = trader_id
        self._log = Logger("RiskRestorer")

    def restore(self, rounds: Rounds) -> None:
        """Take over every position and entry that the journal knows; tell of those it does not."""
        self._desk.used |= rounds.ids
        positions = {
            (p.strategy_id.value, p.instrument_id.value): p.signed_decimal_qty()
            for p in self._cache.positions_open()
        }
        for key, known in rounds.of.items():
            self._take_over(known, positions.pop(key, ZERO))
            self._cancel_spare(key, rounds.ids)
        for (strategy_id, instrument_id), qty in positions.items():
            self._judge.alarm(
                f"POSITION_UNKNOWN: observed={qty} {instrument_id} of {strategy_id}, "
                "limit=positions whose entry is in the journal; its stop is not looked after",
                self._clock.timestamp_ns(),
            )
        self._brackets.on_tick()

    def _take_over(self, known: list[Round], position_qty: Decimal) -> None:
        shares = dict.fromkeys(range(len(known)), ZERO)
        if position_qty:
            shares |= {known.index(r): share for r, share in open_rounds(known, position_qty)}
        for index, each in enumerate(known):
            entry = self._cache.order(ClientOrderId(each.entry.client_order_id))
            if shares[index] or (entry is not None and not entry.is_closed):
                self._bring_back(each, entry, shares[index])

    def _bring_back(self, each: Round, entry: Order | None, filled_qty: Decimal) -> None:
        children: list[Order] = []
        held: set[ClientOrderId] = set()
        for row in each.children:
            if row.order_type not in {"STOP_MARKET", "LIMIT"}:
                self._log.error(f"Cannot bring back {row.client_order_id}: a {row.order_type}")
                continue
            key = ClientOrderId(row.client_order_id)
            order = self._cache.order(key)
            if order is None:
                order = self._order(row)
                if row.client_order_id in each.sent:
                    order.apply(self._gone(order))
                else:
                    self._cache.add_order(order, None, None)
                    self._judge.on_adopted(intent_of(order), price=ZERO, is_accepted=False)
                    held.add(key)
            children.append(order)
        if not children:
            return
        bracket = Bracket(entry, children, held, filled_before=filled_qty)
        self._brackets.add(bracket, children[0])
        self._log.info(
            f"Restored {each.entry.client_order_id}: {filled_qty} open, {len(held)} held"
        )

    def _order(self, row: OrderRow) -> Order:
        instrument = self._cache.instrument(InstrumentId.from_str(row.instrument_id))
        terms = {
            "trader_id": self._trader_id,
            "strategy_id": StrategyId(row.strategy_id),
            "instrument_id": instrument.id,
            "client_order_id": ClientOrderId(row.client_order_id),
            "order_side": OrderSide[row.side],
            "quantity": instrument.make_qty(row.quantity),
            "init_id": UUID4(),
            "ts_init": self._clock.timestamp_ns(),
            "reduce_only": True,
            "parent_order_id": ClientOrderId(row.parent_id) if row.parent_id else None,
        }
        if row.order_type == "STOP_MARKET":
            return StopMarketOrder(
                trigger_price=instrument.make_price(row.trigger_price),
                trigger_type=TriggerType[row.trigger_type or "DEFAULT"], tags=["STOP_LOSS"], **terms,
            )  # fmt: skip
        return LimitOrder(price=instrument.make_price(row.price), tags=["TAKE_PROFIT"], **terms)

    def _gone(self, order: Order) -> OrderCanceled:
        now_ns = self._clock.timestamp_ns()
        return OrderCanceled(
            order.trader_id, order.strategy_id, order.instrument_id, order.client_order_id,
            None, None, UUID4(), now_ns, now_ns,
        )  # fmt: skip

    def _cancel_spare(self, key: tuple[str, str], ids: set[str]) -> None:
        """Cancel what closes nothing, and the loosest stops beyond what is open."""
        strategy_id, instrument_id = StrategyId(key[0]), InstrumentId.from_str(key[1])
        scope = {"instrument_id": instrument_id, "strategy_id": strategy_id}
        orders = self._cache.orders_open(**scope)
        open_qty = abs(
            sum((p.signed_decimal_qty() for p in self._cache.positions_open(**scope)), ZERO)
        )
        entry_qty = sum((o.leaves_qty.as_decimal() for o in orders if not o.is_reduce_only), ZERO)
        ours = [o for o in orders if o.is_reduce_only and o.client_order_id.value in ids]
        if open_qty + entry_qty == 0:
            for order in ours:
                self._desk.cancel(order)
            return
        stops = [o for o in ours if o.order_type == OrderType.STOP_MARKET]
        stops.sort(key=lambda o: o.trigger_price, reverse=bool(stops) and stops[0].is_buy)
        spare_qty = sum((o.leaves_qty.as_decimal() for o in stops), ZERO) - open_qty - entry_qty
        for stop in stops:  # the loosest first
            if stop.leaves_qty.as_decimal() <= spare_qty:
                spare_qty -= stop.leaves_qty.as_decimal()
                self._desk.cancel(stop)
