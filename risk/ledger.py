"""Order, fill, account and funding events into the judge's books."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import Clock, Logger, MessageBus
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import (
    AccountState,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderModifyRejected,
    OrderRejected,
    OrderSubmitted,
    OrderUpdated,
)
from nautilus_trader.model.orders import Order

from risk.approvals import Approvals
from risk.decision import is_denial, is_told_by_us
from risk.events import FUNDING_TOPIC, VENUE_TOPIC, FundingPayment, VenueEvent
from risk.intent import BUY, SELL
from risk.judge import Judge
from risk.record import FillRow, Record
from risk.trading_state import TradingState
from risk.translate import intent_of

PRIORITY = 100
"""Above every other subscriber: a strategy must meet books that know what it is told."""

MONEY = "USDT"


class Ledger:
    """
    Keeps the judge's books in step with what the venue reports.

    Parameters
    ----------
    judge : Judge
        Whose books these are.
    record : Record
        Where fills are written down.
    approvals : Approvals
        What is forgotten when an order closes.
    msgbus, cache, clock
        Those of the kernel.

    """

    def __init__(
        self,
        judge: Judge,
        record: Record,
        approvals: Approvals,
        *,
        msgbus: MessageBus,
        cache: Cache,
        clock: Clock,
    ) -> None:
        self._judge = judge
        self._approvals = approvals
        self._record = record
        self._cache = cache
        self._clock = clock
        self._log = Logger("RiskLedger")
        self._handlers: dict[type, Callable[[Any], None]] = {
            OrderFilled: self._on_filled,
            OrderRejected: self._on_rejected,
            OrderCanceled: self._on_closed,
            OrderExpired: self._on_closed,
            OrderDenied: self._on_closed,
            OrderUpdated: self._on_terms,
            OrderModifyRejected: self._on_modify_rejected,
            OrderSubmitted: self._on_submitted,
            OrderAccepted: self._on_accepted,
            OrderCancelRejected: self._on_cancel_rejected,
        }
        msgbus.subscribe("events.order.*", self.on_order_event, priority=PRIORITY)
        msgbus.subscribe("events.account.*", self.on_account, priority=PRIORITY)
        msgbus.subscribe(FUNDING_TOPIC, self.on_funding, priority=PRIORITY)
        msgbus.subscribe(VENUE_TOPIC, self.on_venue_event, priority=PRIORITY)
        self._adopt()

    def _adopt(self) -> None:
        """Take over positions, orders and balances that were there before the gate."""
        for account in self._cache.accounts():
            self.on_account(account.last_event)
        for position in self._cache.positions_open():
            book = self._judge.account.symbol(position.instrument_id.value)
            book.position_qty += Decimal(str(position.signed_qty))
            book.avg_px = Decimal(str(position.avg_px_open))
            if position.instrument_id.value in self._judge.limits.symbols:
                # Until its first price comes: else the first one of another symbol trips for want
                # of it. A symbol that has no price feed stays unknown, and denies new risk.
                book.ref_px = book.avg_px
        for order in self._cache.orders_open() + self._cache.orders_inflight():
            self._adopt_order(order)

    def _adopt_order(self, order: Order) -> None:
        intent = intent_of(order)
        intent = intent._replace(qty=order.leaves_qty.as_decimal())
        price = intent.price or intent.trigger_price or Decimal(0)
        self._judge.on_adopted(intent, price=price, is_accepted=order.is_open)

    # -- events -------------------------------------------------------------------------------------

    def on_order_event(self, event: Any) -> None:
        """Take one order event; one that cannot be taken makes the books unfit for new risk."""
        handler = self._handlers.get(type(event))
        if handler is None:
            return
        try:
            handler(event)
        except Exception as e:  # noqa: BLE001 - books that miss an event must not approve risk
            self._log.exception(f"Could not take {event!r}", e)
            cause = f"LEDGER_BROKEN: observed={e!r}, limit=every event taken"
            self._judge.trip(TradingState.HALTED, cause, self._clock.timestamp_ns())

    def _on_filled(self, fill: OrderFilled) -> None:
        side = BUY if fill.order_side == OrderSide.BUY else SELL
        qty, px = fill.last_qty.as_decimal(), fill.last_px.as_decimal()
        order = self._cache.order(fill.client_order_id)
        if order is not None and order.last_trade_id != fill.trade_id:
            raise ValueError(f"{fill.client_order_id} has no fill {fill.trade_id}")
        fee = fill.commission
        is_money = fee.currency.code == MONEY
        fee_usdt = fee.as_decimal() if is_money else Decimal(0)
        instrument_id, order_id = fill.instrument_id.value, fill.client_order_id.value
        self._judge.on_fill(
            instrument_id, order_id, side=side, qty=qty, px=px, fee_usdt=fee_usdt,
            now_ns=self._seen_ns(fill.ts_event),
        )  # fmt: skip
        order = self._cache.order(fill.client_order_id)
        if order is not None and order.is_closed:
            # An amendment upward that came too late must not stay reserved.
            self._judge.on_closed(instrument_id, order_id)
            self._approvals.revoke(order_id)
        if not fill.reconciliation:  # Else made up for a position that was found at the venue.
            row = FillRow(
                order_id, fill.trade_id.value, fill.strategy_id.value, instrument_id,
                "BUY" if side > 0 else "SELL", qty, px, fee_usdt,
            )  # fmt: skip
            self._record.fill(self._judge, fill.ts_event, row)
        if not is_money:  # The position is true, so that exits still fit it; the money is not.
            raise ValueError(f"fee in {fee.currency.code}: the books are kept in {MONEY}")

    def _on_accepted(self, event: OrderAccepted) -> None:
        order_id = event.client_order_id.value
        if not self._judge.knows(order_id):
            self._adopt_order(self._cache.order(event.client_order_id))  # found at the venue
        self._judge.on_accepted(event.instrument_id.value, order_id)

    def _on_rejected(self, event: OrderRejected) -> None:
        self._on_closed(event)
        self._count_rejected(event)

    def _count_rejected(
        self, event: OrderRejected | OrderModifyRejected | OrderCancelRejected
    ) -> None:
        """Count what the venue has refused, and not we in its stead, nor what a start only repeats."""
        if not event.reconciliation and not is_told_by_us(event.reason):
            now_ns = self._clock.timestamp_ns()
            self._judge.on_rejected(event.instrument_id.value, event.ts_event, now_ns)

    def _on_cancel_rejected(self, event: OrderCancelRejected) -> None:
        if is_denial(event.reason):
            return  # Another cancel may be on its way, and has no answer yet.
        self._judge.on_cancel_rejected(event.instrument_id.value, event.client_order_id.value)
        self._count_rejected(event)

    def _on_closed(self, event: Any) -> None:
        order = self._cache.order(event.client_order_id)
        if order is not None and not order.is_closed:
            raise ValueError(f"{event.client_order_id} is told closed and is {order.status.name}")
        order_id = event.client_order_id.value
        self._judge.on_closed(event.instrument_id.value, order_id)
        self._approvals.revoke(order_id)
        self._record.ended(self._judge, order_id, event.ts_event)

    def _on_terms(self, event: Any) -> None:
        order = self._cache.order(event.client_order_id)
        if order is None:
            return
        intent = intent_of(order)
        self._judge.on_updated(
            intent.instrument_id,
            intent.client_order_id,
            leaves_qty=order.leaves_qty.as_decimal(),
            price=intent.price,
            trigger_price=intent.trigger_price,
        )

    def _on_modify_rejected(self, event: OrderModifyRejected) -> None:
        if not is_denial(event.reason):  # else another amendment may be on its way
            self._on_terms(event)
            self._count_rejected(event)

    def _on_submitted(self, event: OrderSubmitted) -> None:
        """Halt on an order that is on its way without approval: somebody went round the gate."""
        order_id = event.client_order_id.value
        if self._judge.knows(order_id):
            return
        cause = f"UNAPPROVED_ORDER: observed={order_id}, limit=orders approved by the gate"
        self._judge.trip(TradingState.HALTED, cause, self._clock.timestamp_ns())
        order = self._cache.order(event.client_order_id)
        if order is not None:
            self._adopt_order(order)

    def on_account(self, state: AccountState) -> None:
        """Take the wallet balance; an account without the limits' currency stays unknown."""
        for balance in state.balances:
            if balance.currency.code == MONEY:
                self._judge.account.balance = balance.total.as_decimal()

    def on_funding(self, payment: FundingPayment) -> None:
        """Take a funding payment into the day's result."""
        self._judge.on_funding(payment.amount_usdt, self._seen_ns(payment.ts_event))

    def _seen_ns(self, ts_ns: int) -> int:
        """Return a venue's stamp, but never one ahead of the clock: it would begin a day too early."""
        return min(ts_ns, int(self._clock.timestamp_ns()))

    def on_venue_event(self, event: VenueEvent) -> None:
        """Write a venue event down and let it trip what it trips."""
        self._record.venue(self._judge, event)
        self._judge.on_venue_event(event)
