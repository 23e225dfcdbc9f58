"""No position without a living stop: looked at by event, by tick, on a timer and at the venue."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.config import ActorConfig
from nautilus_trader.common.events import TimeEvent
from nautilus_trader.model.data import MarkPriceUpdate, QuoteTick, TradeTick
from nautilus_trader.model.events import OrderCanceled, OrderEvent, OrderExpired, PositionEvent
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.system.kernel import NautilusKernel

from actors.cover_clock import CoverClock
from actors.guarded_symbol import GuardedSymbol
from actors.mender import BARE, Mender
from actors.position_facts import position_of, prices_of, stop_of, stop_orders
from actors.venue_floors import VenueFloors
from actors.venue_watch import VenueWatch
from risk.events import VENUE_TOPIC, VenueEvent, VenueEventKind
from risk.install import Guard
from risk.ledger import PRIORITY
from risk.limits import ProtectionLimits
from risk.loop import on_loop
from risk.protection import ZERO, Fault, Position, Stop, look, protective, through
from risk.record import ProtectionRow
from risk.trading_state import TradingState

NS_PER_MS = 1_000_000
LOOK_NS = 100 * NS_PER_MS
POSITIONS_NS = 2_000 * NS_PER_MS
"""How often the venue is asked for positions and liquidation prices: weight 5, 150 of 2,400 a minute."""
URGENT_NS = 200 * NS_PER_MS
"""How often it is asked while something is wrong."""


class PositionMonitor(Actor):  # type: ignore[misc]
    """
    Look after the protection of every position, whoever holds it, in every trading state.

    The gate's brackets are the first line and act at once; this one acts on what still stands after
    them. It sends nothing but reduce-only orders and cancels, all through the gate.

    Parameters
    ----------
    guard : Guard
        Of the kernel.
    protection : ProtectionLimits
        The times and floors.
    client : ExecutionClient
        Whose account it is.

    Attributes
    ----------
    symbols : dict[InstrumentId, GuardedSymbol]
        What is known of each symbol that had a position or a stop.
    closed : list[ProtectionRow]
        What was measured of the positions that are closed.

    """

    def __init__(self, guard: Guard, protection: ProtectionLimits, client: Any) -> None:
        super().__init__(ActorConfig(component_id="PositionMonitor"))
        self.symbols: dict[InstrumentId, GuardedSymbol] = {}
        self.closed: list[ProtectionRow] = []
        self._guard = guard
        self._judge = guard.gate.judge
        self._limits = protection
        self._client = client
        self._is_looking = False
        self._unwatched: set[str] = set()
        self._age_ms_max = self._judge.limits.market_data.price_age_ms_max
        self._distance_bps_max = self._judge.limits.orders.stop_distance_bps_max
        self._ids = tuple(InstrumentId.from_str(key) for key in self._judge.limits.symbols)

    def on_start(self) -> None:
        """Take over what is open, and begin to look."""
        self._venue = VenueWatch(
            self._client, self.clock, tell=self._alarm, on_verified=self._look_safely, on_positions=self._on_positions,
        )  # fmt: skip
        brackets = self._guard.gate.brackets
        assert brackets is not None, "Invariant: only a live kernel has a monitor"
        self._mender = Mender(
            self._guard.gate.desk, self._judge, self.cache,
            limits=self._limits, is_held=brackets.is_held, tell=self._alarm,
        )  # fmt: skip
        self._floors = VenueFloors(self._limits)
        # After the ledger, and before the brackets, so that it is seen what they find; what they do
        # about it makes events of its own. Strategies, which may raise, come after both.
        self.msgbus.subscribe("events.order.*", self._on_order, priority=PRIORITY - 5)
        self.msgbus.subscribe("events.position.*", self._on_position, priority=PRIORITY - 5)
        self.msgbus.subscribe(VENUE_TOPIC, self._on_venue_event)
        for instrument_id in self._ids:
            self.subscribe_quote_ticks(instrument_id)
            self.subscribe_mark_prices(instrument_id)
            self.subscribe_trade_ticks(instrument_id)
        self._look_at_everything()
        self.clock.set_timer_ns(
            f"{self.id}-LOOK", LOOK_NS, 0, 0, callback=on_loop(self.clock, self._on_timer)
        )

    def on_stop(self) -> None:
        """Ask and look no more."""
        self.clock.cancel_timer(f"{self.id}-LOOK")
        self._venue.stop()

    def clocks(self) -> dict[str, CoverClock]:
        """Return the clock of every position that is open, by instrument."""
        return {s.clock.instrument_id: s.clock for s in self.symbols.values() if s.clock}

    # -- what happens -------------------------------------------------------------------------------

    def _on_order(self, event: OrderEvent) -> None:
        since_ns = None
        if isinstance(event, OrderCanceled | OrderExpired):
            # It was gone from then on, whenever it was told; but it stood at the last comparison.
            since_ns = max(event.ts_event, self._venue.verified_ns(event.instrument_id))
        self._look_safely(event.instrument_id, since_ns)

    def _on_position(self, event: PositionEvent) -> None:
        self._look_safely(event.instrument_id)

    def _on_venue_event(self, event: VenueEvent) -> None:
        # After a gap in what was told, and when the venue's countdown may have taken stops as well.
        if event.kind in {VenueEventKind.USER_STREAM_BACK, VenueEventKind.COUNTDOWN_FIRED}:
            self._look_at_everything()

    def _on_timer(self, _event: TimeEvent) -> None:
        if not self.is_running:
            return
        self._venue.look_at_positions(URGENT_NS if self._floors.is_suspicious else POSITIONS_NS)
        for instrument_id in self._watched():
            self._look_safely(instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """Watch the price against the stops."""
        self._watch_price(tick.instrument_id)

    def on_trade_tick(self, tick: TradeTick) -> None:
        """Watch the price against the stops."""
        self._watch_price(tick.instrument_id)

    def on_mark_price(self, mark_price: MarkPriceUpdate) -> None:
        """Watch the price against the stops."""
        self._watch_price(mark_price.instrument_id)

    def _look_at_everything(self) -> None:
        self._venue.look_at_positions(0)
        for instrument_id in self._watched():
            self._venue.verify(instrument_id, 0)
            self._look_safely(instrument_id)

    def _watched(self) -> list[InstrumentId]:
        """Return every symbol with a position or a stop, and those that had one at the last look."""
        found = {p.instrument_id for p in self.cache.positions_open()}
        orders = self.cache.orders_open() + self.cache.orders_inflight()
        found |= {order.instrument_id for order in orders if order.is_reduce_only}
        found |= {key for key, symbol in self.symbols.items() if symbol.clock is not None}
        return sorted(found)

    # -- looking ------------------------------------------------------------------------------------

    def _look_safely(self, instrument_id: InstrumentId, since_ns: int | None = None) -> None:
        """Look; a monitor that cannot must not let in more, and raises nothing into the node."""
        self._safely(instrument_id, lambda: self._look(instrument_id, since_ns))

    def _safely(self, instrument_id: InstrumentId, work: Callable[[], object]) -> None:
        if self._is_looking:
            return  # Told by what is being sent right now; its answer comes later.
        self._is_looking = True
        try:
            work()
        except Exception as e:  # noqa: BLE001 - whoever cannot protect must not let in more
            self._broken(instrument_id, e)
        finally:
            self._is_looking = False

    def _broken(self, instrument_id: InstrumentId, error: Exception) -> None:
        cause = f"MONITOR_BROKEN: observed={instrument_id}: {error!r}, limit=every position watched"
        if not any(known.startswith("MONITOR_BROKEN") for known in self._judge.state.causes):
            self.log.exception(f"Could not look after {instrument_id}", error)
        self._judge.trip(TradingState.HALTED, cause, self.clock.timestamp_ns())

    def _look(self, instrument_id: InstrumentId, since_ns: int | None) -> None:
        now_ns = self.clock.timestamp_ns()
        symbol = self.symbols.get(instrument_id)
        if symbol is None:
            symbol = self.symbols[instrument_id] = GuardedSymbol(instrument_id)
        position = position_of(self.cache, instrument_id)
        stops = self._stops(instrument_id)
        self._open_or_close(symbol, position, now_ns)
        findings = look(position, stops, stop_distance_bps_max=self._distance_bps_max)
        missing_qty = sum((f.qty for f in findings if f.fault in BARE), ZERO)
        is_urgent = missing_qty > 0
        if symbol.clock is not None:
            is_heard = self._venue.is_heard()
            symbol.clock.tick(now_ns, missing_qty, is_heard=is_heard, since_ns=since_ns)
            self._remember(symbol, position, stops)
            is_urgent |= self._look_at_price(symbol, position, now_ns)
            self._mender.cover(
                symbol, position, findings,
                prices=prices_of(self.cache, instrument_id, now_ns),
                is_heard=is_heard,
                verified_ns=self._venue.verified_ns(instrument_id), now_ns=now_ns,
            )  # fmt: skip
            self._mender.force(symbol, position, now_ns)
            self._judge_invariant(symbol, now_ns)
        if position.signed_qty or stops:
            self._venue.verify(
                instrument_id, URGENT_NS if is_urgent else self._limits.verify_ms * NS_PER_MS
            )
        self._mender.clear_away(symbol, findings, now_ns)

    def _stops(self, instrument_id: InstrumentId) -> list[Stop]:
        book = self._judge.account.symbol(instrument_id.value)
        used = self._guard.gate.desk.used
        lost = self._venue.lost.get(instrument_id, frozenset())
        orders = stop_orders(self.cache, instrument_id)
        return [stop_of(order, book, used=used, lost=lost) for order in orders]

    def _open_or_close(self, symbol: GuardedSymbol, position: Position, now_ns: int) -> None:
        clock = symbol.clock
        if clock is not None and clock.side != position.side:
            clock.tick(now_ns, ZERO, is_heard=self._venue.is_heard())
            row = clock.row(now_ns)
            self.closed.append(row)
            self._guard.record.protection(self._judge, now_ns, row)
            symbol.reset()
        if symbol.clock is None and position.side:
            symbol.clock = self._mender.clock_of(position, symbol.instrument_id, now_ns)

    def _remember(self, symbol: GuardedSymbol, position: Position, stops: list[Stop]) -> None:
        symbol.good = protective(position, stops, self._distance_bps_max)
        if symbol.good:
            symbol.last_good = self._mender.terms_of(symbol.good[-1])

    def _judge_invariant(self, symbol: GuardedSymbol, now_ns: int) -> None:
        """Trip when a position was bare for longer than allowed although the venue answered."""
        heard_ms = 0 if symbol.clock is None else symbol.clock.heard_ms()
        if heard_ms <= self._limits.unprotected_ms_max:
            return
        seen = f"{heard_ms} ms without a full stop on {symbol.instrument_id}"
        limit = f"{self._limits.unprotected_ms_max} ms"
        self._judge.trip(
            TradingState.REDUCING, f"STOP_INVARIANT_BROKEN: observed={seen}, limit={limit}", now_ns
        )

    # -- the second line ----------------------------------------------------------------------------

    def _watch_price(self, instrument_id: InstrumentId) -> None:
        symbol = self.symbols.get(instrument_id)
        if symbol is None or symbol.clock is None or not symbol.good:
            return
        position = position_of(self.cache, instrument_id)
        now_ns = self.clock.timestamp_ns()
        self._safely(instrument_id, lambda: self._look_at_price(symbol, position, now_ns))

    def _look_at_price(self, symbol: GuardedSymbol, position: Position, now_ns: int) -> bool:
        """Compare the price with the stops; return whether it is through one."""
        prices = prices_of(self.cache, symbol.instrument_id, now_ns)
        seen = {s.client_order_id: through(s, prices, self._age_ms_max) for s in symbol.good}
        stale = [result.stale for result in seen.values() if not result.used]
        self._note_blindness(symbol, stale, now_ns)
        since = symbol.pass_through({key: r.is_through for key, r in seen.items()}, now_ns)
        overdue = [
            stop
            for stop in symbol.good
            if stop.client_order_id in since
            and now_ns - since[stop.client_order_id] >= self._limits.stop_grace_ms_max * NS_PER_MS
            and self._venue.has_compared_since(symbol.instrument_id, since[stop.client_order_id])
        ]
        if overdue and self._venue.is_heard():
            evidence = "; ".join(
                f"{s.client_order_id} at {s.trigger_price}, {seen[s.client_order_id].used}"
                for s in overdue
            )
            qty = sum((stop.leaves_qty for stop in overdue), Decimal(0))
            self._mender.close_through(symbol, position, qty, evidence, now_ns)
        return bool(since)

    def _note_blindness(self, symbol: GuardedSymbol, stale: list[str], now_ns: int) -> None:
        """Tell once that no price of a symbol has been fresh for a while, and once that one is."""
        if not stale:
            if symbol.is_blind:
                seen = f"a fresh price of {symbol.instrument_id}"
                self._alarm(f"STOP_PRICES_BACK: observed={seen}, limit={self._age_ms_max} ms old")
            symbol.is_blind, symbol.blind_ns = False, None
            return
        symbol.blind_ns = now_ns if symbol.blind_ns is None else symbol.blind_ns
        if not symbol.is_blind and now_ns - symbol.blind_ns >= self._age_ms_max * NS_PER_MS:
            symbol.is_blind = True
            seen = f"{stale[0]} of {symbol.instrument_id}"
            self._alarm(f"STOP_PRICES_STALE: observed={seen}, limit={self._age_ms_max} ms old")

    # -- what the venue says of positions -----------------------------------------------------------

    def _on_positions(self, facts: tuple[Any, ...]) -> None:
        now_ns = self.clock.timestamp_ns()
        by_id = self._known(facts)
        here = {
            key: position_of(self.cache, key).signed_qty
            for key in {*by_id, *(p.instrument_id for p in self.cache.positions_open())}
        }
        if self._floors.differ(by_id, here):
            self._venue.bring_in_positions()
        for instrument_id, finding in self._floors.look(by_id, self._judge.account.balance):
            symbol = self.symbols.get(instrument_id)
            if symbol is None or symbol.clock is None or symbol.forced is not None:
                continue
            symbol.forced = finding
            cause = f"{finding.fault.value}: observed={finding.evidence}, limit={self._floor(finding.fault)}"
            self._judge.trip(TradingState.REDUCING, cause, now_ns)
            self._look_safely(instrument_id)

    def _known(self, facts: tuple[Any, ...]) -> dict[InstrumentId, Any]:
        """Return the facts by instrument; tell once of a position whose instrument is not loaded."""
        known = {}
        for fact in facts:
            instrument_id = self._client._get_cached_instrument_id(fact.symbol)
            if self.cache.instrument(instrument_id) is not None:
                known[instrument_id] = fact
            elif fact.symbol not in self._unwatched:
                self._unwatched.add(fact.symbol)
                seen = f"{fact.amount} {fact.symbol}"
                self._alarm(f"POSITION_UNWATCHED: observed={seen}, limit=symbols of the profile")
        return known

    def _floor(self, fault: Fault) -> str:
        if fault is Fault.MARGIN_RATIO:
            return f"{self._limits.margin_ratio_max}"
        return f"{self._limits.liquidation_distance_bps_min} bps"

    def _alarm(self, text: str) -> None:
        self._judge.alarm(text, self.clock.timestamp_ns())


def attach_monitor(kernel: NautilusKernel, guard: Guard) -> PositionMonitor:
    """
    Add a position monitor to a kernel that is built and guarded, before it runs.

    Raises
    ------
    ValueError
        If the limits say nothing of protection.

    """
    protection = guard.gate.judge.limits.protection
    if protection is None:
        raise ValueError("limits.protection is missing: a position monitor needs its times")
    client = next(iter(kernel.exec_engine._clients.values()))
    monitor = PositionMonitor(guard, protection, client)
    kernel.trader.add_actor(monitor)
    return monitor
