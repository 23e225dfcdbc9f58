"""The judge: one decision for every submit, amend and cancel. Pure: no engine, no clock, no file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal

from risk.book import ZERO, Pending, SymbolBook
from risk.breakers import NS_PER_SEC, Breaker
from risk.decision import Denial, DenyReason
from risk.exits import exit_amend_denial, exit_denial, is_needed, stop_cancel_denial
from risk.figures import Figures
from risk.intent import AmendIntent, Market, OrderIntent, VenueFilters
from risk.kills import ACCOUNT, Scope
from risk.limits import RiskLimits
from risk.lists import intent_of, parents_first, pending_entry, pending_exit, stop_for
from risk.rules import Case, other_symbols, worst_after, worst_price
from risk.trading_state import TradingState
from risk.watch import Watch
from risk.windows import EventWindow


class Judge(Watch):
    """
    Approve or deny, on top of the books that make the next decision right.

    Parameters
    ----------
    limits : RiskLimits
        The limits of the run.
    filters : Callable
        Gives the venue filters of an instrument id, or None when the instrument is unknown.
    is_grown_by_venue : bool
        Whether the venue itself makes a stop as large as its entry has filled (a simulated one does);
        it may then be larger than was told.

    """

    def __init__(
        self,
        limits: RiskLimits,
        filters: Callable[[str], VenueFilters | None],
        *,
        is_grown_by_venue: bool = True,
    ) -> None:
        super().__init__(limits)
        self.is_grown_by_venue = is_grown_by_venue
        self._filters = filters
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
        for order in parents_first(orders):
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
                pending = pending_exit(order if hangs else order._replace(parent_id=None))
            else:
                stop = stop_for(order, orders)
                market = markets[order.instrument_id]
                px = worst[order.client_order_id]
                denial = self._judge_entry(
                    order, stop, book, market, px, total, len(orders), now_ns
                )
                pending = pending_entry(order, px)
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
        denial = (
            rules.judged("state", self._state_denial(order), now_ns)
            or rules.judged("journal", self._journal_denial(), now_ns)
            or rules.judged("venue", self.holds.denial(now_ns), now_ns)
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
            return rules.judged("symbol", denial, now_ns)
        case = Case(  # in the order of its fields: names cost a microsecond here
            order,
            stop,
            list_notional,
            now_ns,
            market,
            filters,
            symbol,
            self.limits,
            book,
            other_symbols(self.account, order.instrument_id),
            self.account.equity(),
            worst_px,
            worst_after(book, order, worst_px),
            self._messages_sec.count(now_ns) + messages,
            self._messages_min.count(now_ns) + messages,
            is_amend,
        )
        return rules.judge_entry(case) or (None if is_amend else self._judge_repeat(order, now_ns))

    def _state_denial(self, order: OrderIntent) -> Denial | None:
        if self.state.state is TradingState.ACTIVE and not self.state.kills:
            return None
        state, why = self.state.governing(order.instrument_id, order.strategy_id)
        match state:
            case TradingState.REDUCING:
                return Denial(DenyReason.TRADING_REDUCING, why, "ACTIVE")
            case TradingState.HALTED:
                return Denial(DenyReason.TRADING_HALTED, why, "ACTIVE")
            case TradingState.ACTIVE:
                return None

    def _journal_denial(self) -> Denial | None:
        if self.journal_error is None:
            return None
        return Denial(
            DenyReason.JOURNAL_UNAVAILABLE, self.journal_error, "a journal that can be written"
        )

    def _entry_window(self, order: OrderIntent) -> EventWindow:
        return self._window(order.strategy_id, order.instrument_id, order.side)

    def breakers(self, now_ns: int) -> list[Breaker]:
        """Return every breaker with a limit as it stands, repeated execution included."""
        most = Decimal(self.limits.rates.repeated_entries_max)
        seen = max((window.count(now_ns) for window in self._entries.values()), default=0)
        repeated = self._breaker("repeated", Decimal(seen), most, "REPEATED_EXECUTION")
        return [*super().breakers(now_ns), repeated]

    def _window(self, strategy_id: str, instrument_id: str, side: int) -> EventWindow:
        key = (strategy_id, instrument_id, side)
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
        denial = exit_denial(
            order,
            book,
            self._filters(order.instrument_id),
            messages_sec=self._messages_sec.count(now_ns) + 1,
            messages_per_sec_max=self.limits.rates.messages_per_sec_max,
        )
        return self.rulebook.judged("exit_qty", denial, now_ns)

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
        if amend.qty is not None and any(is_needed(key, book) for key in linked):
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
        filters = self._filters(amend.instrument_id)
        held = pending.leaves_qty
        if self.is_grown_by_venue and pending.parent_id in book.pending:
            held = max(held, pending.cover_qty)  # its entry may have filled, untold
        grows = pending.is_stop and leaves > held
        denial = exit_amend_denial(amend, pending, leaves, book, filters, held=held) or (
            # What protects more never waits, unless it already does for an answer.
            None if grows and not pending.amends else self._flood_denial(now_ns)
        )
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
        if pending.is_stop and amend.qty is not None and not grows:
            book.set_cover(pending, min(pending.cover_qty, leaves))
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
            # Less of the same lowers the worst case in every state.
            return self.rulebook.judged("exit_qty", self._flood_denial(now_ns), now_ns)
        stop = book.stop_of(pending.client_order_id)
        order = OrderIntent(
            client_order_id=pending.client_order_id, strategy_id=pending.strategy_id,
            instrument_id=amend.instrument_id, side=pending.side, qty=leaves,
            order_type=pending.order_type,
            price=amend.price or pending.limit_price,
            trigger_price=amend.trigger_price or pending.trigger_price,
        )  # fmt: skip
        px = worst_price(order, market, self.limits)
        stop_terms = None if stop is None else intent_of(stop, amend.instrument_id)
        book.remove(pending.client_order_id)
        if stop is not None and stop_terms is not None:
            # The entry comes back at once: its promise holds.
            book.set_cover(stop, max(stop.cover_qty, stop_terms.qty))
        try:
            denial = self._judge_entry(
                order, stop_terms, book, market, px, leaves * px, 1, now_ns, is_amend=True
            )
        finally:
            book.add(pending)
            if stop is not None:
                book.settle_cover(stop)
        if denial is None:
            book.amend(
                pending, leaves_qty=max(leaves, pending.leaves_qty), price=max(px, pending.price),
                limit_price=order.price, trigger_price=order.trigger_price,
            )  # fmt: skip
        return denial

    def _flood_denial(self, now_ns: int) -> Denial | None:
        """Throttle amendments that lower risk at the whole rate: a loop must not get one banned."""
        seen, most = self._messages_sec.count(now_ns) + 1, self.limits.rates.messages_per_sec_max
        return Denial(DenyReason.MESSAGE_RATE_EXCEEDS_MAX, seen, most) if seen > most else None

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
            denial = stop_cancel_denial(pending, book)
            self.rulebook.judged("stop_kept", denial, now_ns)
            if denial is None:
                # Gone for whoever counts on it, from now on: two stops must not vouch for each other.
                pending.is_canceling = True
                book.settle_cover(pending)
        elif book is not None and any(is_needed(key, book) for key in linked):
            shown = f"{client_order_id} is linked to a stop"
            denial = Denial(DenyReason.STOP_LOSS_REQUIRED, shown, "a stop that stays")
            self.rulebook.judged("stop_kept", denial, now_ns)
        if denial is None:
            self._count_message(now_ns)
        return denial

    def _count_message(self, now_ns: int) -> None:
        self._messages_sec.add(now_ns)
        self._messages_min.add(now_ns)

    def messages(self, now_ns: int) -> tuple[int, int]:
        """Return the messages of the last second and of the last 60 seconds."""
        return self._messages_sec.count(now_ns), self._messages_min.count(now_ns)

    # -- orders known -----------------------------------------------------------------------------

    def knows(self, client_order_id: str) -> bool:
        """Return whether an order was approved here, or adopted."""
        return client_order_id in self._seen_ids

    def on_adopted(self, order: OrderIntent, *, price: Decimal, is_accepted: bool) -> None:
        """Reserve an order that is already on its way or at the venue and did not come through here."""
        self._seen_ids.add(order.client_order_id)
        book = self.account.symbol(order.instrument_id)
        if order.client_order_id not in book.pending:
            pending = pending_exit(order) if order.is_reduce_only else pending_entry(order, price)
            pending.is_accepted = is_accepted
            pending.is_adopted = True
            book.add(pending)

    # -- figures that outlive the run ---------------------------------------------------------------

    def figures(self) -> Figures | None:
        """Return what must outlive this run, the times of entries included."""
        figures = super().figures()
        if figures is None:
            return None
        times = {key: window.times for key, window in self._entries.items()}
        return figures._replace(entries={key: ns for key, ns in times.items() if ns})

    def count_from(self, figures: Figures) -> None:
        """Count repeated entries on from an earlier run."""
        for (strategy_id, instrument_id, side), times in figures.entries.items():
            window = self._window(strategy_id, instrument_id, side)
            for ts_ns in times:
                window.add(ts_ns)

    def resume(
        self, *, by: str, reason: str, now_ns: int, scopes: Collection[Scope] | None = None
    ) -> None:
        """Loosen to ACTIVE on a person's word, and count repeated entries anew."""
        super().resume(by=by, reason=reason, now_ns=now_ns, scopes=scopes)
        if scopes is None or ACCOUNT in scopes:
            self._entries.clear()
