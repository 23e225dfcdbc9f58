"""The judge: one decision for every submit, amend and cancel. Pure: no engine, no clock, no file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from risk.book import ZERO, AccountBook, Pending, SymbolBook, is_looser
from risk.breakers import ALARM, NS_PER_SEC, LossBreakers, Reading, ShockBreaker
from risk.decision import Denial, DenyReason
from risk.filters import shape_denial
from risk.intent import AmendIntent, Market, OrderIntent, VenueFilters
from risk.limits import RiskLimits
from risk.rulebook import Rulebook
from risk.rules import Case, other_symbols, worst_after, worst_price
from risk.trading_state import StateMachine, TradingState, Transition
from risk.windows import EventWindow

PROTECTIVE_TYPE = "STOP_MARKET"
"""The one order type that counts as a protective stop: it needs no counterparty's price."""


class Judge:
    """
    Approve or deny, and keep the books that make the next decision right.

    Parameters
    ----------
    limits : RiskLimits
        The limits of the run.
    filters : Callable
        Gives the venue filters of an instrument id, or None when the instrument is unknown.

    """

    def __init__(self, limits: RiskLimits, filters: Callable[[str], VenueFilters | None]) -> None:
        self.limits = limits
        self.account = AccountBook()
        self.state = StateMachine()
        self.rulebook = Rulebook()
        self.journal_error: str | None = None
        self.alarms: list[tuple[int, str]] = []
        self.on_transition: Callable[[Transition], None] = lambda _: None
        self.on_alarm: Callable[[int, str], None] = lambda _ts, _text: None
        self._filters = filters
        self._losses = LossBreakers(limits.losses)
        self._shock = ShockBreaker(limits.shock)
        self._messages_sec = EventWindow(NS_PER_SEC)
        self._messages_min = EventWindow(60 * NS_PER_SEC)
        self._entries: dict[tuple[str, str, int], EventWindow] = {}
        self._seen_ids: set[str] = set()

    # -- submit -----------------------------------------------------------------------------------

    def submit(
        self, orders: tuple[OrderIntent, ...], markets: Mapping[str, Market | None], now_ns: int
    ) -> Denial | None:
        """
        Judge one order or one list, all or nothing; what is approved is reserved at once.

        Parameters
        ----------
        orders : tuple[OrderIntent, ...]
            The order, or all orders of the list.
        markets : Mapping[str, Market | None]
            The newest prices of each instrument in *orders*.
        now_ns : int
            Unix nanoseconds.

        """
        reserved: list[OrderIntent] = []
        try:
            denial = self._submit_each(orders, markets, now_ns, reserved)
        except Exception:
            self._take_back(reserved)
            raise
        if denial is not None:
            self._take_back(reserved)
            return denial
        for _ in orders:
            self._count_message(now_ns)
        return None

    def _take_back(self, reserved: list[OrderIntent]) -> None:
        for order in reversed(reserved):
            self.account.symbol(order.instrument_id).remove(order.client_order_id)
            self._seen_ids.discard(order.client_order_id)
            if not order.is_reduce_only:
                self._entry_window(order).take_back()

    def _submit_each(
        self,
        orders: tuple[OrderIntent, ...],
        markets: Mapping[str, Market | None],
        now_ns: int,
        reserved: list[OrderIntent],
    ) -> Denial | None:
        entries = [order for order in orders if not order.is_reduce_only]
        worst = {
            o.client_order_id: worst_price(o, markets[o.instrument_id], self.limits)
            for o in entries
        }
        stops: set[str] = set()
        total = sum((o.qty * worst[o.client_order_id] for o in entries), ZERO)
        for order in _parents_first(orders):
            if order.client_order_id in self._seen_ids:
                duplicate = Denial(
                    DenyReason.ORDER_ID_DUPLICATE, order.client_order_id, "used once"
                )
                return self.rulebook.judged("order_id", duplicate, now_ns)
            self.rulebook.judged("order_id", None, now_ns)
            book = self.account.symbol(order.instrument_id)
            if order.client_order_id not in worst:
                denial = self._judge_exit(order, book, now_ns)
                # Only the stop that was judged with its entry hangs on it: anybody can name a parent.
                hangs = order.client_order_id in stops
                pending = _pending_exit(order if hangs else order._replace(parent_id=None))
            else:
                stop = _stop_for(order, orders)
                market = markets[order.instrument_id]
                px = worst[order.client_order_id]
                denial = self._judge_entry(
                    order, stop, book, market, px, total, len(orders), now_ns
                )
                pending = _pending_entry(order, px)
                if stop is not None:
                    stops.add(stop.client_order_id)
            if denial is not None:
                return denial
            book.add(pending)
            self._seen_ids.add(order.client_order_id)
            if not order.is_reduce_only:
                self._entry_window(order).add(now_ns)
            reserved.append(order)
        return None

    # -- entries ----------------------------------------------------------------------------------

    def _judge_entry(  # noqa: PLR0917 - the facts of one case
        self,
        order: OrderIntent,
        stop: OrderIntent | None,
        book: SymbolBook,
        market: Market | None,
        worst_px: Decimal,
        list_notional: Decimal,
        messages: int,
        now_ns: int,
        *,
        is_amend: bool = False,
    ) -> Denial | None:
        rules = self.rulebook
        denial = rules.judged("state", self._state_denial(), now_ns) or rules.judged(
            "journal", self._journal_denial(), now_ns
        )
        if denial is not None:
            return denial
        symbol = self.limits.symbols.get(order.instrument_id)
        if symbol is None:
            denial = Denial(
                DenyReason.SYMBOL_NOT_ALLOWED, order.instrument_id, "symbols of the profile"
            )
            return rules.judged("symbol", denial, now_ns)
        rules.judged("symbol", None, now_ns)
        filters = self._filters(order.instrument_id)
        if filters is None:
            denial = Denial(
                DenyReason.INSTRUMENT_UNKNOWN, order.instrument_id, "a loaded instrument"
            )
            return rules.judged("venue_filters", denial, now_ns)
        case = Case(
            order=order, stop=stop, list_notional=list_notional, now_ns=now_ns, market=market,
            filters=filters, symbol=symbol, limits=self.limits, book=book,
            others=other_symbols(self.account, order.instrument_id), equity=self.account.equity(),
            worst_px=worst_px, worst_after=worst_after(book, order, worst_px),
            messages_sec=self._messages_sec.count(now_ns) + messages,
            messages_min=self._messages_min.count(now_ns) + messages, is_amend=is_amend,
        )  # fmt: skip
        return rules.judge_entry(case) or (None if is_amend else self._judge_repeat(order, now_ns))

    def _state_denial(self) -> Denial | None:
        match self.state.state:
            case TradingState.REDUCING:
                return Denial(DenyReason.TRADING_REDUCING, "; ".join(self.state.causes), "ACTIVE")
            case TradingState.HALTED:
                return Denial(DenyReason.TRADING_HALTED, "; ".join(self.state.causes), "ACTIVE")
            case TradingState.ACTIVE:
                return None

    def _journal_denial(self) -> Denial | None:
        if self.journal_error is None:
            return None
        return Denial(
            DenyReason.JOURNAL_UNAVAILABLE, self.journal_error, "a journal that can be written"
        )

    def _entry_window(self, order: OrderIntent) -> EventWindow:
        key = (order.strategy_id, order.instrument_id, order.side)
        window = self._entries.get(key)
        if window is None:
            window = EventWindow(self.limits.rates.repeated_entries_window_sec * NS_PER_SEC)
            self._entries[key] = window
        return window

    def _judge_repeat(self, order: OrderIntent, now_ns: int) -> Denial | None:
        most = self.limits.rates.repeated_entries_max
        entries = self._entry_window(order).count(now_ns) + 1
        tally = self.rulebook.tallies["repeated"]
        tally.approach(entries, most, order.instrument_id, now_ns)
        if entries <= most:
            return self.rulebook.judged("repeated", None, now_ns)
        denial = Denial(DenyReason.REPEATED_EXECUTION, entries, most)
        self.trip(TradingState.HALTED, denial.text, now_ns)
        return self.rulebook.judged("repeated", denial, now_ns)

    # -- exits ------------------------------------------------------------------------------------

    def _judge_exit(self, order: OrderIntent, book: SymbolBook, now_ns: int) -> Denial | None:
        """Deny only what cannot reduce, or repeats an exit that is already on its way."""
        return self.rulebook.judged("exit_qty", self._exit_denial(order, book, now_ns), now_ns)

    def _exit_denial(self, order: OrderIntent, book: SymbolBook, now_ns: int) -> Denial | None:
        if order.is_quote_qty:
            return Denial(DenyReason.QUOTE_QUANTITY_NOT_ALLOWED, order.qty, "base units")
        filters = self._filters(order.instrument_id)
        if filters is None:
            return Denial(DenyReason.INSTRUMENT_UNKNOWN, order.instrument_id, "a loaded instrument")
        if (denial := shape_denial(order, filters)) is not None:
            return denial
        reducible = book.worst_qty(-order.side)
        if order.qty > reducible:
            return Denial(DenyReason.REDUCE_ONLY_EXCEEDS_POSITION, order.qty, reducible)
        if order.order_type == "MARKET":
            in_flight = book.side(order.side).market_exit_qty
            if in_flight + order.qty > reducible:
                seen = f"{in_flight} in flight + {order.qty}"
                return Denial(DenyReason.EXIT_ALREADY_IN_FLIGHT, seen, reducible)
            return None
        return self._exit_rate_denial(order, book, now_ns)

    def _exit_rate_denial(self, order: OrderIntent, book: SymbolBook, now_ns: int) -> Denial | None:
        """Throttle resting exits at the full rate; market exits and missing stops never wait."""
        covered = book.side(order.side).cover_qty
        if _is_protective(order) and covered < book.needed_cover(-order.side):
            return None
        most, sent = self.limits.rates.messages_per_sec_max, self._messages_sec.count(now_ns) + 1
        if sent > most:
            return Denial(DenyReason.MESSAGE_RATE_EXCEEDS_MAX, sent, most)
        return None

    # -- amend and cancel -------------------------------------------------------------------------

    def amend(
        self,
        amend: AmendIntent,
        market: Market | None,
        now_ns: int,
        linked: tuple[str, ...] = (),
    ) -> Denial | None:
        """
        Judge an amendment by its new worst case; while it is in flight both terms count.

        *linked* are the orders whose quantity the venue updates with this one.

        """
        book = self.account.symbol(amend.instrument_id)
        pending = book.pending.get(amend.client_order_id)
        if pending is None:
            return Denial(DenyReason.ORDER_UNKNOWN, amend.client_order_id, "a pending order")
        leaves = pending.leaves_qty if amend.qty is None else amend.qty - pending.filled_qty
        if amend.qty is not None and any(_is_needed(key, book) for key in linked):
            shown = f"{amend.client_order_id} is linked to a stop"
            linked_stop = Denial(DenyReason.STOP_LOSS_REQUIRED, shown, "its quantity as it is")
            return self.rulebook.judged("stop_kept", linked_stop, now_ns)
        if pending.is_exit:
            denial = self._amend_exit(amend, pending, leaves, book, now_ns)
        else:
            denial = self._amend_entry(amend, pending, leaves, book, market, now_ns)
        if denial is None:
            pending.amends += 1
            self._count_message(now_ns)
        return denial

    def _amend_exit(
        self, amend: AmendIntent, pending: Pending, leaves: Decimal, book: SymbolBook, now_ns: int
    ) -> Denial | None:
        denial = self._exit_amend_denial(amend, pending, leaves, book)
        if denial is not None:
            key = "stop_kept" if denial.reason.control == 18 else "exit_qty"
            return self.rulebook.judged(key, denial, now_ns)
        self.rulebook.judged("stop_kept" if pending.is_stop else "exit_qty", None, now_ns)
        trigger = pending.trigger_price
        if amend.trigger_price is not None and trigger is not None:
            # Until the venue answers, the looser trigger and the smaller quantity are the truth.
            looser = min if pending.side < 0 else max
            trigger = looser(trigger, amend.trigger_price)
        book.amend(
            pending, leaves_qty=min(leaves, pending.leaves_qty), price=pending.price,
            limit_price=amend.price or pending.limit_price, trigger_price=trigger,
        )  # fmt: skip
        if pending.is_stop and amend.qty is not None:
            book.set_cover(pending, min(pending.cover_qty, leaves))
        return None

    def _exit_amend_denial(
        self, amend: AmendIntent, pending: Pending, leaves: Decimal, book: SymbolBook
    ) -> Denial | None:
        filters = self._filters(amend.instrument_id)
        if filters is None:
            return Denial(DenyReason.INSTRUMENT_UNKNOWN, amend.instrument_id, "a loaded instrument")
        for price in (amend.price, amend.trigger_price):
            if price is not None and (price <= 0 or price % filters.tick != 0):
                return Denial(DenyReason.PRICE_OFF_TICK, price, f"multiple of {filters.tick}")
        if leaves > pending.leaves_qty and leaves > book.worst_qty(-pending.side):
            return Denial(
                DenyReason.REDUCE_ONLY_EXCEEDS_POSITION, leaves, book.worst_qty(-pending.side)
            )
        if not pending.is_stop:
            return None
        needed = book.needed_cover(-pending.side)
        if leaves < pending.cover_qty and amend.qty is not None:
            left = book.cover_without(pending) + leaves
            if left < needed:
                return Denial(DenyReason.STOP_LOSS_REQUIRED, f"stops for {left}", needed)
        new, old = amend.trigger_price, pending.trigger_price
        if new is not None and old is not None and (new - old) * pending.side > 0 and needed > 0:
            return Denial(DenyReason.STOP_LOSS_LOOSENED, new, old)
        return None

    def _amend_entry(
        self,
        amend: AmendIntent,
        pending: Pending,
        leaves: Decimal,
        book: SymbolBook,
        market: Market | None,
        now_ns: int,
    ) -> Denial | None:
        if leaves <= 0:
            return None  # The venue cancels an order that is amended to what it has filled.
        if leaves <= pending.leaves_qty and amend.price is None and amend.trigger_price is None:
            return None  # Less of the same lowers the worst case in every state.
        stop = book.stop_of(pending.client_order_id)
        order = OrderIntent(
            client_order_id=pending.client_order_id, strategy_id=pending.strategy_id,
            instrument_id=amend.instrument_id, side=pending.side, qty=leaves,
            order_type=pending.order_type,
            price=amend.price or pending.limit_price,
            trigger_price=amend.trigger_price or pending.trigger_price,
        )  # fmt: skip
        px = worst_price(order, market, self.limits)
        stop_terms = None if stop is None else _intent_of(stop, amend.instrument_id)
        book.remove(pending.client_order_id)
        if stop is not None and stop_terms is not None:
            book.set_cover(stop, stop_terms.qty)  # The entry comes back at once: its promise holds.
        try:
            denial = self._judge_entry(
                order, stop_terms, book, market, px, leaves * px, 1, now_ns, is_amend=True
            )
        finally:
            book.add(pending)
        if denial is None:
            book.amend(
                pending, leaves_qty=max(leaves, pending.leaves_qty), price=max(px, pending.price),
                limit_price=order.price, trigger_price=order.trigger_price,
            )  # fmt: skip
        return denial

    def cancel(
        self, instrument_id: str, client_order_id: str, now_ns: int, linked: tuple[str, ...] = ()
    ) -> Denial | None:
        """
        Deny only to take away a stop that a position, or an entry that still works, needs.

        *linked* are the orders that the venue cancels with this one.

        """
        denial = None
        book = self.account.symbols.get(instrument_id)
        pending = book.pending.get(client_order_id) if book else None
        if book is not None and pending is not None and pending.is_stop:
            denial = _stop_cancel_denial(pending, book)
            self.rulebook.judged("stop_kept", denial, now_ns)
            if denial is None:
                # Gone for whoever counts on it, from now on: two stops must not vouch for each other.
                pending.is_canceling = True
                book.settle_cover(pending)
        elif book is not None and any(_is_needed(key, book) for key in linked):
            shown = f"{client_order_id} is linked to a stop"
            denial = Denial(DenyReason.STOP_LOSS_REQUIRED, shown, "a stop that stays")
            self.rulebook.judged("stop_kept", denial, now_ns)
        if denial is None:
            self._count_message(now_ns)
        return denial

    def _count_message(self, now_ns: int) -> None:
        self._messages_sec.add(now_ns)
        self._messages_min.add(now_ns)

    # -- what happened ----------------------------------------------------------------------------

    def on_accepted(self, instrument_id: str, client_order_id: str) -> None:
        """Take note that the venue holds an order: from now on a stop can stand in for another."""
        pending = self.account.symbol(instrument_id).pending.get(client_order_id)
        if pending is not None:
            pending.is_accepted = True

    def on_cancel_rejected(self, instrument_id: str, client_order_id: str) -> None:
        """Count on a stop again that the venue did not cancel."""
        book = self.account.symbol(instrument_id)
        pending = book.pending.get(client_order_id)
        if pending is not None and pending.is_canceling:
            pending.is_canceling = False
            book.settle_cover(pending)

    def on_closed(self, instrument_id: str, client_order_id: str) -> None:
        """Release an order that was rejected, canceled, expired or denied: it can no longer fill."""
        self.account.symbol(instrument_id).remove(client_order_id)

    def on_updated(
        self,
        instrument_id: str,
        client_order_id: str,
        *,
        leaves_qty: Decimal,
        price: Decimal | None,
        trigger_price: Decimal | None,
    ) -> None:
        """
        Take the terms that the venue confirmed (or kept, when it rejected an amendment).

        While a further amendment is on its way, the worse of both terms counts.

        """
        book = self.account.symbol(instrument_id)
        pending = book.pending.get(client_order_id)
        if pending is None:
            return
        value_px = pending.price if price is None else max(price, book.ref_px or price)
        pending.amends = max(pending.amends - 1, 0)
        if pending.amends:
            worse = min if pending.is_exit else max
            leaves_qty = worse(leaves_qty, pending.leaves_qty)
            value_px = max(value_px, pending.price)
            if is_looser(pending, trigger_price):
                trigger_price = pending.trigger_price
        book.amend(
            pending, leaves_qty=leaves_qty, price=value_px,
            limit_price=price, trigger_price=trigger_price,
        )  # fmt: skip

    def knows(self, client_order_id: str) -> bool:
        """Return whether an order was approved here, or adopted."""
        return client_order_id in self._seen_ids

    def on_adopted(self, order: OrderIntent, *, price: Decimal, is_accepted: bool) -> None:
        """Reserve an order that is already on its way or at the venue and did not come through here."""
        self._seen_ids.add(order.client_order_id)
        book = self.account.symbol(order.instrument_id)
        if order.client_order_id not in book.pending:
            pending = _pending_exit(order) if order.is_reduce_only else _pending_entry(order, price)
            pending.is_accepted = is_accepted
            book.add(pending)

    def on_fill(
        self,
        instrument_id: str,
        client_order_id: str,
        *,
        side: int,
        qty: Decimal,
        px: Decimal,
        fee_usdt: Decimal,
        now_ns: int,
    ) -> None:
        """Apply a fill and look at the losses; *fee_usdt* is positive when it was paid."""
        self._losses.roll(self.account, now_ns)
        book = self.account.symbol(instrument_id)
        if book.ref_px is None:
            book.ref_px = px
        self.account.realized += book.fill(client_order_id, side=side, qty=qty, px=px)
        self.account.fees += fee_usdt
        self.look_at_losses(now_ns)

    def on_funding(self, amount_usdt: Decimal, now_ns: int) -> None:
        """Take a funding payment (plus was received) into the day's result."""
        self._losses.roll(self.account, now_ns)
        self.account.funding += amount_usdt
        self.look_at_losses(now_ns)

    def on_price(
        self, instrument_id: str, ts_ns: int, *, low: int, high: int, last: Decimal
    ) -> None:
        """
        Take a price range and its last price: mark the books and look at the breakers.

        *low* and *high* are whole numbers of one unit (see `PriceWindow.move`).

        """
        book = self.account.symbol(instrument_id)
        book.ref_px = last
        self.rulebook.tallies["price_shock"].evaluated += 1
        reading = self._shock.look(instrument_id, ts_ns, low, high)
        if reading is not None:
            self._read(reading, ts_ns)
        if book.position_qty:
            self.look_at_losses(ts_ns)

    def look_at_losses(self, now_ns: int) -> None:
        """Compare losses with their limits; equity that cannot be known trips like a loss."""
        readings = self._losses.look(self.account, now_ns)
        if readings is None:
            if self.account.balance is not None:
                self.trip(
                    TradingState.REDUCING, "EQUITY_MISSING: observed=unknown, limit=known", now_ns
                )
            return
        for key in ("unrealized_loss", "daily_loss", "drawdown"):
            self.rulebook.tallies[key].evaluated += 1
        for reading in readings:
            if reading.key == ALARM:
                self.alarms.append((now_ns, reading.text))
                self.on_alarm(now_ns, reading.text)
            else:
                self._read(reading, now_ns)

    def _read(self, reading: Reading, now_ns: int) -> None:
        tally = self.rulebook.tallies[reading.key]
        tally.approach(reading.observed, reading.limit, reading.instrument_id, now_ns)
        if reading.is_tripped:
            self.trip(TradingState.REDUCING, reading.text, now_ns, key=reading.key)

    def trip(
        self,
        state: TradingState,
        cause: str,
        now_ns: int,
        *,
        key: str | None = None,
        by: str = "breaker",
    ) -> None:
        """Tighten the trading state; told to ``on_transition`` when it is news."""
        transition = self.state.trip(state, cause=cause, by=by, ts_ns=now_ns)
        if transition is not None:
            if key is not None:
                self.rulebook.tallies[key].deny(now_ns)
            self.on_transition(transition)

    def resume(self, *, by: str, reason: str, now_ns: int) -> None:
        """
        Loosen to ACTIVE on a person's word; losses are measured anew from here.

        Raises
        ------
        ValueError
            If *by* or *reason* is empty, or nothing is tripped.

        """
        transition = self.state.resume(by=by, reason=reason, ts_ns=now_ns)
        pnl = self.account.pnl()
        if pnl is not None:
            self._losses.rebase(pnl)
        self._entries.clear()
        self.on_transition(transition)

    def report(self) -> list[dict[str, Any]]:
        """Return every control's tally."""
        return [tally.row() for tally in self.rulebook.tallies.values()]


def _stop_cancel_denial(stop: Pending, book: SymbolBook) -> Denial | None:
    """Deny to cancel a stop that is needed; one that is being canceled counts no longer."""
    if stop.is_canceling:
        return None
    needed = book.needed_cover(-stop.side)
    left = ZERO if needed == 0 else book.cover_without(stop)
    if left < needed:
        return Denial(DenyReason.STOP_LOSS_REQUIRED, f"stops left for {left}", needed)
    return None


def _is_needed(client_order_id: str, book: SymbolBook) -> bool:
    stop = book.pending.get(client_order_id)
    return stop is not None and stop.is_stop and _stop_cancel_denial(stop, book) is not None


def _parents_first(orders: tuple[OrderIntent, ...]) -> list[OrderIntent]:
    """Put each entry before its children: what a stop may close is reserved with its entry."""
    ids = {o.client_order_id for o in orders if not o.is_reduce_only}
    ordered = [o for o in orders if o.is_reduce_only and o.parent_id not in ids]
    for entry in orders:
        if not entry.is_reduce_only:
            ordered.append(entry)
            ordered += [
                o for o in orders if o.is_reduce_only and o.parent_id == entry.client_order_id
            ]
    return ordered


def _stop_for(entry: OrderIntent, orders: tuple[OrderIntent, ...]) -> OrderIntent | None:
    """Return the child that protects *entry*: reduce-only, opposite, at the venue, in base units."""
    for order in orders:
        if (
            order.parent_id == entry.client_order_id
            and order.side == -entry.side
            and order.instrument_id == entry.instrument_id
            and _is_protective(order)
        ):
            return order
    return None


def _is_protective(order: OrderIntent) -> bool:
    """Tell whether an order is a stop that the venue holds and that can only reduce."""
    return (
        order.is_reduce_only
        and order.order_type == PROTECTIVE_TYPE
        and order.trigger_price is not None
        and not order.is_emulated
        and not order.may_expire
        and not order.is_quote_qty
    )


def _pending_entry(order: OrderIntent, worst_px: Decimal) -> Pending:
    return Pending(
        order.client_order_id, strategy_id=order.strategy_id, side=order.side,
        leaves_qty=order.qty, price=worst_px, limit_price=order.price,
        trigger_price=order.trigger_price, parent_id=order.parent_id, order_type=order.order_type,
    )  # fmt: skip


def _pending_exit(order: OrderIntent) -> Pending:
    return Pending(
        order.client_order_id, strategy_id=order.strategy_id, side=order.side,
        leaves_qty=order.qty, price=order.price or ZERO, limit_price=order.price,
        trigger_price=order.trigger_price, parent_id=order.parent_id, is_exit=True,
        is_stop=_is_protective(order), order_type=order.order_type,
    )  # fmt: skip


def _intent_of(stop: Pending, instrument_id: str) -> OrderIntent:
    return OrderIntent(
        client_order_id=stop.client_order_id, strategy_id=stop.strategy_id,
        instrument_id=instrument_id, side=stop.side, qty=stop.cover_qty,
        order_type=PROTECTIVE_TYPE, trigger_price=stop.trigger_price, is_reduce_only=True,
        parent_id=stop.parent_id,
    )  # fmt: skip
