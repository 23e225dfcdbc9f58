"""Carries out what `risk.mending` decides: through the gate, and each with an alarm that says why."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from nautilus_trader.cache.base import CacheFacade
from nautilus_trader.model.enums import OrderStatus, TriggerType
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.instruments import Instrument

from actors.cover_clock import CoverClock
from actors.guarded_symbol import NS_PER_MS, GuardedSymbol, Tries
from actors.position_facts import RESTING, owners_of
from risk.desk import Desk
from risk.exits import is_needed
from risk.judge import Judge
from risk.limits import ProtectionLimits
from risk.mending import Bare, Close, Place, cover, force, retry_ms, to_cancel
from risk.protection import ZERO, Fault, Finding, Position, Prices, Stop, through, trigger_for
from risk.translate import filters_of

CANCEL_AGAIN_MS = 2_000
ON_ITS_WAY_NS = 200 * NS_PER_MS
"""So long after a stop was sent a question may overtake it: that the venue has it not, proves nothing."""
BARE = frozenset({Fault.MISSING, Fault.TOO_SMALL})
UNANSWERED = frozenset({OrderStatus.INITIALIZED, OrderStatus.SUBMITTED})


class Mender:
    """
    Places stops, closes and cancels for the monitor.

    Parameters
    ----------
    desk : Desk
        The gate's.
    judge : Judge
        Whose books tell what is on its way.
    cache : CacheFacade
        Of the kernel.
    limits : ProtectionLimits
        The times.
    is_held : Callable
        Whether the gate keeps an order back until its entry fills.
    tell : Callable
        Takes the words of an alarm.

    """

    def __init__(
        self,
        desk: Desk,
        judge: Judge,
        cache: CacheFacade,
        *,
        limits: ProtectionLimits,
        is_held: Callable[[ClientOrderId], bool],
        tell: Callable[[str], None],
    ) -> None:
        self._desk = desk
        self._judge = judge
        self._cache = cache
        self._limits = limits
        self._is_held = is_held
        self._tell = tell

    def clock_of(self, position: Position, instrument_id: InstrumentId, now_ns: int) -> CoverClock:
        """Return a clock for a position that has begun."""
        owner = owners_of(self._cache, instrument_id, position.side)[0]
        return CoverClock(position.instrument_id, owner.strategy_id.value, position.side, now_ns)

    def terms_of(self, stop: Stop) -> tuple[Decimal, TriggerType]:
        """Return where a stop lies, to place another one there."""
        order = self._cache.order(ClientOrderId(stop.client_order_id))
        return stop.trigger_price, order.trigger_type

    # -- a position without its stop ----------------------------------------------------------------

    def cover(
        self,
        symbol: GuardedSymbol,
        position: Position,
        findings: list[Finding],
        *,
        prices: Prices,
        is_heard: bool,
        verified_ns: int,
        now_ns: int,
    ) -> None:
        """Do what is due about a part that no stop protects."""
        missing = next((f for f in findings if f.fault in BARE), None)
        piece = None if symbol.clock is None else symbol.clock.oldest
        if missing is None or piece is None:
            return
        if symbol.covering_ns != piece.known_ns:  # What was sent before has done its work.
            symbol.covering, symbol.covering_ns = Tries(), piece.known_ns
        trigger = self._trigger(symbol, position)
        kind = TriggerType(trigger[1]).name
        asked = Stop("", "", -position.side, missing.qty, trigger[0], kind)
        bare = Bare(
            bare_ms=(now_ns - piece.since_ns) // NS_PER_MS,
            known_ms=(now_ns - piece.known_ns) // NS_PER_MS,
            exits_qty=self._exits_qty(position),
            is_asked=self._is_asked(position, verified_ns),
            is_through=through(asked, prices, self._judge.limits.market_data.price_age_ms_max)
            .is_through,
            is_heard=is_heard,
            turn=symbol.covering.count,
            turn_ms=symbol.covering.ago_ms(now_ns),
        )  # fmt: skip
        action = cover(
            position, missing.qty, bare, unprotected_ms_max=self._limits.unprotected_ms_max
        )
        if action is None:
            return
        symbol.covering.add(now_ns)
        # What was found is what the alarm says; a close here says why no stop was placed.
        why = "; a stop would act at once" if bare.is_through else ""
        cause = (
            f"STOP_{missing.fault.value}: observed={missing.evidence} for {bare.bare_ms} ms{why}"
        )
        self._send(symbol, position, action, cause, trigger)

    def _is_asked(self, position: Position, verified_ns: int) -> bool:
        """Return whether a stop was sent, and the venue has neither answered nor shown to lack it."""
        book = self._judge.account.symbol(position.instrument_id)
        keys = [
            ClientOrderId(p.client_order_id)
            for p in book.pending.values()
            if p.is_stop and p.side == -position.side and not p.is_accepted
        ]
        sent = [self._cache.order(key) for key in keys if not self._is_held(key)]
        return any(
            order.status in UNANSWERED and order.last_event.ts_init + ON_ITS_WAY_NS >= verified_ns
            for order in sent
            if order is not None
        )

    def _trigger(self, symbol: GuardedSymbol, position: Position) -> tuple[Decimal, TriggerType]:
        """Return where a new stop goes, on the venue's ticks, never further away than allowed."""
        last, kind = symbol.last_good or (None, TriggerType.DEFAULT)
        distance = self._judge.limits.orders.stop_distance_bps_max
        price = trigger_for(position, last, distance)
        instrument = self._instrument(symbol.instrument_id)
        tick = instrument.price_increment.as_decimal()
        rounding = ROUND_CEILING if position.side > 0 else ROUND_FLOOR
        return (price / tick).to_integral_value(rounding) * tick, kind

    # -- a position that must go --------------------------------------------------------------------

    def close_through(
        self, symbol: GuardedSymbol, position: Position, qty: Decimal, evidence: str, now_ns: int
    ) -> None:
        """Close what the venue's stop should have closed."""
        self._force(symbol, position, Finding(Fault.THROUGH, qty, evidence), now_ns)

    def force(self, symbol: GuardedSymbol, position: Position, now_ns: int) -> None:
        """Close a position that must go, whatever its stops."""
        if symbol.forced is not None:
            everything = symbol.forced._replace(qty=abs(position.signed_qty))
            self._force(symbol, position, everything, now_ns)

    def _force(
        self, symbol: GuardedSymbol, position: Position, finding: Finding, now_ns: int
    ) -> None:
        tries = symbol.closing
        action = force(position, finding, self._exits_qty(position))
        if action is None or tries.ago_ms(now_ns) < retry_ms(tries.count):
            return
        tries.add(now_ns)
        prefix = "STOP_" if finding.fault is Fault.THROUGH else ""
        self._send(
            symbol, position, action, f"{prefix}{finding.fault.value}: observed={finding.evidence}"
        )

    def _exits_qty(self, position: Position) -> Decimal:
        """Return what market exits on their way will close; one in doubt is not counted."""
        return (
            self._judge.account.symbol(position.instrument_id).side(-position.side).market_exit_qty
        )

    def _exits_of(self, strategy_id: str, position: Position) -> Decimal:
        book = self._judge.account.symbol(position.instrument_id)
        exits = (
            pending.leaves_qty
            for pending in book.pending.values()
            if pending.strategy_id == strategy_id
            and pending.is_exit
            and pending.order_type == "MARKET"
            and pending.side == -position.side
            and not pending.is_in_doubt
        )
        return sum(exits, ZERO)

    # -- stops that do no good ----------------------------------------------------------------------

    def clear_away(self, symbol: GuardedSymbol, findings: list[Finding], now_ns: int) -> None:
        """Cancel stops that have stood for too long without any use."""
        standing = symbol.stand(findings, now_ns)
        book = self._judge.account.symbol(symbol.instrument_id.value)
        by_stop = {key: finding for finding in findings for key in finding.stops}
        for key in to_cancel(findings, standing):
            order = self._cache.order(ClientOrderId(key))
            tries = symbol.cancels.setdefault(key, Tries())
            is_due = not tries.count or tries.ago_ms(now_ns) >= CANCEL_AGAIN_MS
            # Whatever the gate would not let go is needed: an entry that works may count on it.
            if order is None or order.status not in RESTING or not is_due or is_needed(key, book):
                continue
            if self._judge.state.is_flattening(order.instrument_id.value, order.strategy_id.value):
                continue  # The kill switch takes stops away, when the venue has shown all is closed.
            tries.add(now_ns)
            found = by_stop[key]
            self._note(
                symbol, f"STOP_{found.fault.value}: observed={found.evidence}", "canceling it"
            )
            self._desk.cancel(order)

    # -- sending --------------------------------------------------------------------------------------

    def _send(
        self,
        symbol: GuardedSymbol,
        position: Position,
        action: Place | Close,
        cause: str,
        trigger: tuple[Decimal, TriggerType] | None = None,
    ) -> None:
        """Send an action for whom it is due, the largest position first, as large as the venue takes."""
        is_stop = isinstance(action, Place)
        word = f"placing a stop at {trigger[0]}" if is_stop and trigger else "closing at market"
        self._note(symbol, cause, f"{word} for {action.qty}")
        instrument = self._instrument(symbol.instrument_id)
        filters = filters_of(instrument)
        most = [filters.max_qty, None if is_stop else filters.market_max_qty]
        most_qty = min((qty for qty in most if qty), default=action.qty)
        left_qty = action.qty
        for held in owners_of(self._cache, symbol.instrument_id, position.side):
            held_qty = abs(held.signed_decimal_qty())
            if not is_stop:  # What closes it already is its own, not that of another strategy.
                held_qty -= self._exits_of(held.strategy_id.value, position)
            owed_qty = max(min(left_qty, held_qty), ZERO)
            left_qty -= owed_qty
            while owed_qty > 0:
                qty = min(owed_qty, most_qty)
                owed_qty -= qty
                if is_stop and trigger is not None:
                    price = instrument.make_price(trigger[0])
                    self._desk.protect(held, qty, price, trigger[1])
                else:
                    self._desk.close_position(held, qty)

    def _note(self, symbol: GuardedSymbol, cause: str, action: str) -> None:
        if symbol.clock is not None:
            symbol.clock.note(cause.partition(":")[0])
        self._tell(f"{cause}, limit=a stop that protects all of {symbol.instrument_id}; {action}")

    def _instrument(self, instrument_id: InstrumentId) -> Instrument:
        instrument = self._cache.instrument(instrument_id)
        if instrument is None:
            raise LookupError(f"{instrument_id} is not loaded")
        return instrument
