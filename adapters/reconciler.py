"""Compares the node with the venue: at the start, again and again, and after every outage."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from nautilus_trader.adapters.binance.common.constants import BINANCE_FUTURES_ALGO_ORDER_TYPES
from nautilus_trader.core.datetime import millis_to_nanos, secs_to_nanos
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import ExecutionMassStatus, PositionStatusReport
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.orders import Order

from adapters.facts import OrderFact, PositionFact
from adapters.order_ids import OrderIds, base_of
from adapters.queries import Queries
from adapters.replace import StopReplacer
from adapters.reports import position_report
from adapters.sync import Found, OrderSync, symbol_of
from adapters.unresolved import Doubt, Patience, Resolver
from risk.events import VenueEventKind

LATE_SECS = 5.0
"""How long an event may take before it counts as missed."""
RECHECK_SECS = 1.0
SAME_LOOK_SECS = 1.0
"""A look that began so long ago answers the engine's next check as well."""


class Reconciler:
    """
    Brings the node to the venue's state by events, with true fills.

    NautilusTrader would infer what it lacks from reports: fills without fee and trade id, counted
    again when the real one comes.

    Parameters
    ----------
    client : LiveExecutionClient
        Whose account it is.
    queries, sync, ids, replacer, resolver
        Those of the client.
    patience : Patience
        When a difference in a position is believed.

    """

    def __init__(
        self,
        client: Any,
        *,
        queries: Queries,
        sync: OrderSync,
        ids: OrderIds,
        replacer: StopReplacer,
        resolver: Resolver,
        patience: Patience,
    ) -> None:
        self._client = client
        self._cache = client._cache
        self._clock = client._clock
        self._queries = queries
        self._sync = sync
        self._ids = ids
        self._replacer = replacer
        self._resolver = resolver
        self._patience = patience
        self._lock = asyncio.Lock()
        self.is_started = False
        """Whether what an earlier run left at the venue was taken over."""
        self._looked_ns = 0
        self._trade_id_agreed: dict[str, int] = {}
        self._told_alive: set[str] = set()

    # -- orders -------------------------------------------------------------------------------------

    async def reconcile(self, *, is_start: bool = False, within_secs: float = 0.0) -> None:
        """
        Bring every order up to date, adopt unknown ones, cancel stops that were replaced.

        A look that began up to *within_secs* before this one was asked for does as well: the engine
        asks for orders and for positions at the same time, and one look weighs 80.

        """
        wanted_ns = self._clock.timestamp_ns() - secs_to_nanos(within_secs)
        async with self._lock:
            if self._looked_ns > wanted_ns:
                return
            asked_ns = self._clock.timestamp_ns()
            facts = await self._queries.open_orders()
            await self._take_all(facts, asked_ns, is_foreign=not is_start)
            shown = {base_of(fact.client_id) for fact in facts}
            for order in self._working_orders():
                if order.client_order_id.value not in shown:
                    await self._look_for(order)
            await self._sync.settle()
            self.is_started = True
            self._looked_ns = asked_ns

    async def verify_stops(self, instrument_id: InstrumentId) -> frozenset[ClientOrderId]:
        """
        Compare the conditional orders of one instrument with those that wait at the venue.

        Returns
        -------
        frozenset[ClientOrderId]
            Orders that work here and that the venue neither shows nor can find.

        """
        async with self._lock:
            asked_ns = self._clock.timestamp_ns()
            facts = await self._queries.waiting_orders(symbol_of(instrument_id))
            await self._take_all(facts, asked_ns, is_foreign=True)
            shown = {base_of(fact.client_id) for fact in facts}
            lost = []
            for order in self._working_orders(instrument_id):
                is_asked = order.client_order_id.value in shown
                if is_asked or order.order_type not in BINANCE_FUTURES_ALGO_ORDER_TYPES:
                    continue
                if await self._look_for(order) is None:
                    lost.append(order)
            await self._sync.settle()
            return frozenset(o.client_order_id for o in lost if not o.is_closed)

    async def _take_all(self, facts: list[OrderFact], asked_ns: int, *, is_foreign: bool) -> None:
        leftovers = self._replacer.leftovers(facts)
        for fact in facts:
            if fact not in leftovers and not self._replacer.is_in_hand(fact.client_id):
                self._note_alive(fact, asked_ns)
                await self._take(fact, is_foreign=is_foreign)
        for fact in leftovers:
            self._client.create_task(self._replacer.remove_leftover(fact))

    def _note_alive(self, fact: OrderFact, asked_ns: int) -> None:
        """Tell of an order that works at the venue long after it has ended here."""
        order = self._sync.own(fact)
        if order is None or not order.is_closed or fact.client_id in self._told_alive:
            return
        if asked_ns - order.last_event.ts_init > secs_to_nanos(self._patience.secs):
            self._told_alive.add(fact.client_id)
            seen = f"{fact.client_id} works on {fact.symbol}, and is {order.status_string()} here"
            self._client.alarm(VenueEventKind.FOREIGN_ORDER, seen, "no order after its end")

    async def _take(self, fact: OrderFact, *, is_foreign: bool) -> None:
        order = self._sync.own(fact)
        if order is None:
            order = self._sync.adopt(fact, is_foreign=is_foreign)
        elif fact.is_waiting and not order.is_closed and not self._replacer.is_going(fact):
            # The newest stop that stands there is in force, also one that the venue denied before.
            self._ids.adopt(fact.client_id)
        elif self._replacer.is_beside(fact):
            return
        if order is not None:
            self._doubt_if_behind(order, await self._sync.apply(order, fact))

    def _working_orders(self, instrument_id: InstrumentId | None = None) -> list[Order]:
        scope = {"venue": self._client.venue, "instrument_id": instrument_id}
        orders = self._cache.orders_open(**scope) + self._cache.orders_inflight(**scope)
        return [o for o in dict.fromkeys(orders) if not self._client.is_in_hand(o)]

    async def _look_for(self, order: Order) -> OrderFact | None:
        """Ask about an order that the venue does not show among the open ones."""
        silent_ns = self._clock.timestamp_ns() - order.last_event.ts_init
        fact = await self._sync.look_up(order)
        is_late = silent_ns > secs_to_nanos(LATE_SECS)
        if fact is None:
            if is_late or order.venue_order_id is not None:
                self._resolver.begin(order, Doubt.SILENCE, "the venue does not show it")
            return None
        self._doubt_if_behind(order, await self._sync.apply(order, fact))
        await self._sync.settle()
        age_ns = self._clock.timestamp_ns() - millis_to_nanos(fact.updated_ms)
        if order.is_closed and age_ns > secs_to_nanos(LATE_SECS) and self._client.is_user_stream_up:
            self._client.renew_user_stream(f"the end of {order.client_order_id} was not told")
        return fact

    def _doubt_if_behind(self, order: Order, found: Found) -> None:
        if found is Found.BEHIND:
            self._resolver.begin(order, Doubt.SILENCE, "its fills are not shown yet")

    # -- positions ----------------------------------------------------------------------------------

    async def position_reports(
        self, instrument_id: InstrumentId | None = None
    ) -> list[PositionStatusReport]:
        """
        Return the positions of the account, or that of one instrument, flat included.

        A difference from the local ones is believed when every fill was asked for and it was seen
        again and again; then it is told as an alarm.

        """
        facts, moving = await self._compared(within_secs=SAME_LOOK_SECS)
        for _ in range(1, self._patience.answers_min):
            if not self._differing(facts):
                break
            await asyncio.sleep(RECHECK_SECS)
            facts, moving = await self._compared()
        self._note_differing(facts, moving)
        wanted = facts if instrument_id is None else {symbol_of(instrument_id)}
        flat = PositionFact("", Decimal(0), Decimal(0))
        reports = [
            self._report(facts.get(symbol, flat._replace(symbol=symbol))) for symbol in wanted
        ]
        return [report for report in reports if report is not None]

    async def _compared(self, within_secs: float = 0.0) -> tuple[dict[str, PositionFact], set[str]]:
        """
        Return the positions, after all that could explain a difference was asked for.

        With them the symbols that filled while the venue was asked: its answer was older than what
        is known here, and proves nothing.

        """
        await self.reconcile(within_secs=within_secs)
        facts, moving = await self._positions()
        differing = self._differing(facts)
        if not differing:
            return facts, moving
        for symbol in differing:
            await self._take_trades(symbol)
        await self._sync.settle()
        return await self._positions()

    async def _positions(self) -> tuple[dict[str, PositionFact], set[str]]:
        instruments = self._instruments().items()
        before = {symbol: self._sync.position(key) for symbol, key in instruments}
        facts = {fact.symbol: fact for fact in await self._queries.positions()}
        return facts, {s for s, key in instruments if self._sync.position(key) != before[s]}

    def _differing(self, facts: dict[str, PositionFact]) -> list[str]:
        return [
            symbol
            for symbol, instrument_id in self._instruments().items()
            if self._sync.position(instrument_id)
            != (facts[symbol].amount if symbol in facts else Decimal(0))
        ]

    def _note_differing(self, facts: dict[str, PositionFact], moving: set[str]) -> None:
        differing = self._differing(facts)
        for symbol, instrument_id in self._instruments().items():
            if symbol in differing and symbol in moving:
                continue  # The next look will tell.
            if symbol not in differing:
                known = self._known_trades(instrument_id)
                self._trade_id_agreed[symbol] = max(known, default=0) or self._trade_id_agreed.get(
                    symbol, 0
                )
                continue
            here = self._sync.position(instrument_id)
            there = facts[symbol].amount if symbol in facts else Decimal(0)
            self._client.alarm(
                VenueEventKind.POSITION_MISMATCH, f"{symbol} {here} here", f"{there} at the venue"
            )

    async def _take_trades(self, symbol: str) -> None:
        """Take every fill since the last agreement that no event told, foreign ones too."""
        known = self._known_trades(self._instruments()[symbol])
        start = self._trade_id_agreed.get(symbol, 0) + 1
        trades = await self._queries.trades_from(symbol, start)
        missing = {t.order_id for t in trades if int(t.trade_id) not in known}
        for order_id in sorted(missing, key=int):
            await self._sync.adopt_order(symbol, order_id)

    def _known_trades(self, instrument_id: InstrumentId) -> set[int]:
        orders = self._cache.orders(instrument_id=instrument_id)
        trade_ids = (t.value for order in orders for t in order.trade_ids)
        return {int(trade_id) for trade_id in trade_ids if trade_id.isdecimal()}

    def _instruments(self) -> dict[str, InstrumentId]:
        instruments = self._cache.instruments(venue=self._client.venue)
        return {symbol_of(i.id): i.id for i in instruments}

    def _report(self, fact: PositionFact) -> PositionStatusReport | None:
        instrument_id = self._client._get_cached_instrument_id(fact.symbol)
        instrument = self._cache.instrument(instrument_id)
        if instrument is None:
            return None
        return position_report(
            fact, account_id=self._client.account_id, instrument=instrument,
            ts_init=self._clock.timestamp_ns(),
        )  # fmt: skip

    # -- start --------------------------------------------------------------------------------------

    async def mass_status(self) -> ExecutionMassStatus:
        """
        Adopt the open orders with their fills, and report the positions.

        What was filled and closed before is history: replayed, it would be counted into today's
        result again. The engine opens what is missing of a position at its entry price.

        """
        for symbol in self._instruments():
            trades = await self._queries.trades_of_late(symbol)
            self._trade_id_agreed[symbol] = max((int(t.trade_id) for t in trades), default=0)
        await self.reconcile(is_start=True)
        status = ExecutionMassStatus(
            client_id=self._client.id, account_id=self._client.account_id,
            venue=self._client.venue, report_id=UUID4(), ts_init=self._clock.timestamp_ns(),
        )  # fmt: skip
        reports = [self._report(fact) for fact in await self._queries.positions()]
        status.add_position_reports([report for report in reports if report is not None])
        return status
