"""What happened: fills, prices and money into the books, and what that trips."""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any

from risk.book import AccountBook, is_looser
from risk.breakers import ALARM, LOSSES_OF_BEFORE, Breaker, LossBreakers, Reading, ShockBreaker
from risk.decision import Denial
from risk.events import Reaction, VenueEvent, VenueEventKind
from risk.figures import Figures
from risk.holds import Holds
from risk.kills import Kill, Scope
from risk.limits import RiskLimits
from risk.rulebook import Rulebook
from risk.state_machine import StateMachine
from risk.storms import Storms
from risk.trading_state import TradingState, Transition


class Watch:
    """
    The books of one account, its trading state, and the breakers that tighten it.

    ``on_transition`` and ``on_alarm`` are told every change of state and every alarm; ``unfinished``
    returns the kills that have still something to do: no resume takes them back. While
    ``is_measuring`` is false, as when a starting node is told what happened before, losses are not
    looked at.

    Parameters
    ----------
    limits : RiskLimits
        The limits of the run.

    """

    def __init__(self, limits: RiskLimits) -> None:
        self.limits = limits
        self.account = AccountBook()
        self.state = StateMachine()
        self.is_measuring = True
        self.holds = Holds()
        self.rulebook = Rulebook(has_storms=limits.storms is not None)
        self.alarms: list[tuple[int, str]] = []
        self.on_transition: Callable[[Transition], None] = lambda _: None
        self.on_alarm: Callable[[int, str], None] = lambda _ts, _text: None
        self.unfinished: Callable[[], Collection[Kill]] = tuple
        self._losses = LossBreakers(limits.losses)
        self._shock = ShockBreaker(limits.shock)
        self._storms = None if limits.storms is None else Storms(limits.storms)
        self.journal_error: str | None = None

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
        book = self.account.symbol(instrument_id)
        ended = book.remove(client_order_id)
        stop = book.stop_of(client_order_id)
        if ended is not None and ended.filled_qty == 0 and stop is not None:
            # It goes with its entry, which has opened nothing; its own end is told in a moment.
            stop.is_canceling = True
            book.settle_cover(stop)

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
        self._roll(now_ns)
        book = self.account.symbol(instrument_id)
        if book.ref_px is None or not self.is_measuring:
            book.ref_px = px
        self.account.realized += book.fill(client_order_id, side=side, qty=qty, px=px)
        self.account.fees += fee_usdt
        self.look_at_losses(now_ns)

    def on_funding(self, amount_usdt: Decimal, now_ns: int) -> None:
        """Take a funding payment (plus was received) into the day's result."""
        self._roll(now_ns)
        self.account.funding += amount_usdt
        self.look_at_losses(now_ns)

    def on_price(
        self, instrument_id: str, ts_ns: int, *, low: int, high: int, last: Decimal
    ) -> None:
        """
        Take a price range and its last price: mark the books and look at the breakers.

        *low* and *high* are whole numbers of one unit (see `PriceWindow.move`).

        """
        if low <= 0:
            return  # No price: what is known grows old, and old prices deny new risk.
        book = self.account.symbol(instrument_id)
        book.ref_px = last
        self.rulebook.tallies["price_shock"].evaluated += 1
        reading = self._shock.look(instrument_id, ts_ns, low, high)
        if reading is not None:
            self._read(reading, ts_ns)
        if book.position_qty:
            self.look_at_losses(ts_ns)

    def _roll(self, now_ns: int) -> None:
        if self.is_measuring:
            self._losses.roll(self.account, now_ns)

    def look_at_losses(self, now_ns: int) -> None:
        """Compare losses with their limits; equity that cannot be known trips like a loss."""
        if not self.is_measuring:
            return
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
                self.alarm(reading.text, now_ns)
            else:
                self._read(reading, now_ns)

    def losses(self) -> list[Reading] | None:
        """Return every loss against its limit as it stands; None when equity is unknown."""
        return self._losses.readings(self.account)

    def breakers(self, now_ns: int) -> list[Breaker]:
        """Return every breaker with a limit as it stands; nothing is remembered and nothing trips."""
        losses = self._losses.limits
        known = {reading.key: reading for reading in self.losses() or ()}
        found = [
            self._breaker(key, known[key].observed if key in known else None, limit)
            for key, limit in losses.items()
        ]
        shock = self._shock.reading(now_ns)
        most_bps = self.limits.shock.price_move_bps_max
        found.append(self._breaker("price_shock", shock and shock.observed, most_bps))
        storms = [] if self._storms is None else self._storms.readings(now_ns)
        return found + [self._breaker(r.key, r.observed, r.limit) for r in storms]

    def _breaker(
        self, key: str, observed: Decimal | None, limit: Decimal, condition: str = ""
    ) -> Breaker:
        closest = self.rulebook.tallies[key].closest
        condition = condition or key.upper()
        is_open = any(cause.split(":", 1)[0] == condition for cause in self.state.causes)
        return Breaker(key, observed, limit, closest and Decimal(closest[0]), is_open)

    def alarm(self, text: str, now_ns: int) -> None:
        """Raise an alarm: nothing is tripped, somebody should look."""
        self.alarms.append((now_ns, text))
        self.on_alarm(now_ns, text)

    def on_denied(self, denial: Denial, instrument_id: str, now_ns: int) -> None:
        """Count a denial: too many of them say that a strategy has gone wrong."""
        if self._storms is not None:
            self._read_storm(self._storms.deny(denial, instrument_id, now_ns), now_ns)

    def on_rejected(self, instrument_id: str, ts_ns: int, now_ns: int) -> None:
        """Count what the venue rejected at *ts_ns*; what it tells late of a time before does not count."""
        if self._storms is not None:
            self._read_storm(self._storms.reject(instrument_id, ts_ns, now_ns), now_ns)

    def _read_storm(self, reading: Reading | None, now_ns: int) -> None:
        if reading is not None:
            self.rulebook.tallies[reading.key].evaluated += 1
            self._read(reading, now_ns)

    def on_journal_failure(self, error: str, now_ns: int) -> None:
        """Take no new risk any more: what is decided can no longer be written down."""
        is_known, self.journal_error = self.journal_error is not None, error
        if not is_known:
            cause = f"JOURNAL_FAILED: observed={error}, limit=every decision written down"
            self.trip(TradingState.REDUCING, cause, now_ns, key="journal")

    def _read(self, reading: Reading, now_ns: int) -> None:
        tally = self.rulebook.tallies[reading.key]
        tally.approach(reading.observed, reading.limit, reading.instrument_id, now_ns)
        if reading.is_tripped:
            self.trip(TradingState.REDUCING, reading.text, now_ns, key=reading.key)

    def on_venue_event(self, event: VenueEvent) -> None:
        """Do what the policy says (see `VenueEventKind`)."""
        reaction = event.kind.reaction
        if event.kind is VenueEventKind.ORDER_UNRESOLVED:
            self.account.symbol(event.instrument_id).doubt(event.client_order_id)
        if reaction in {Reaction.HOLD, Reaction.LIFT}:
            self.holds.take(event)
        elif reaction is Reaction.ALARM:
            self.alarms.append((event.ts_event, event.text))
        elif reaction.trips is not None:
            self.trip(reaction.trips, event.text, event.ts_event, by="venue")

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

    def kill(self, kill: Kill) -> None:
        """Take a pull of the kill switch; told to ``on_transition`` when it is news."""
        transition = self.state.kill(kill)
        if transition is not None:
            self.on_transition(transition)

    def resume(
        self, *, by: str, reason: str, now_ns: int, scopes: Collection[Scope] | None = None
    ) -> None:
        """
        Loosen to ACTIVE on a person's word.

        If a loss of the day or from the peak was among the causes, it is taken as given, and both are
        measured anew from here; a resume from something else gives no new allowance.

        With *scopes*, only what is of these is taken back; of the account, whatever has tripped it.

        Raises
        ------
        ValueError
            If *by* or *reason* is empty, or nothing of it is tripped.

        """
        is_for_a_loss = self._is_tripped_by_a_loss()
        transition = self.state.resume(by=by, reason=reason, ts_ns=now_ns, scopes=scopes)
        pnl = self.account.pnl()
        if pnl is not None and is_for_a_loss and not self.state.causes:
            self._losses.rebase(pnl)
        if self._storms is not None:
            self._storms.clear()
        self.on_transition(transition)

    def _is_tripped_by_a_loss(self) -> bool:
        return any(cause.split(":", 1)[0] in LOSSES_OF_BEFORE for cause in self.state.causes)

    def figures(self) -> Figures | None:
        """Return what must outlive this run; None while it is not known."""
        marks, pnl, equity = self._losses.marks, self.account.pnl(), self.account.equity()
        if not self.is_measuring or marks is None or pnl is None or equity is None:
            return None
        return Figures(marks, pnl, equity, self._is_tripped_by_a_loss(), {})

    def measure_from(self, figures: Figures | None, *, is_same_account: bool) -> bool:
        """
        Begin to measure losses, from where an earlier run did; return whether equity was known.

        What the account has lost since then counts, whoever lost it; what it has gained does not: a
        deposit is no profit. An account that was opened anew (paper) has only the result so far. If
        trading was tripped and is not any more, a person has taken that loss as given.

        """
        equity, pnl = self.account.equity(), self.account.pnl()
        if equity is None or pnl is None:
            return False
        was_resumed = (
            figures is not None and figures.is_tripped and self.state.state is TradingState.ACTIVE
        )
        if figures is not None and not was_resumed:
            lost = max(figures.equity - equity, Decimal(0)) if is_same_account else Decimal(0)
            self.account.carried += figures.pnl - lost - pnl
            self._losses.restore(figures.marks)
        self.is_measuring = True
        return True

    def report(self) -> list[dict[str, Any]]:
        """Return every control's tally."""
        return self.rulebook.report()
