"""Brings local orders to what the venue says, with the fills as they were charged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Any

from nautilus_trader.adapters.binance.common.constants import BINANCE_FUTURES_ALGO_ORDER_TYPES
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, VenueOrderId
from nautilus_trader.model.orders import Order

from adapters.facts import OrderFact
from adapters.order_ids import OrderIds, base_of
from adapters.queries import Queries
from adapters.reports import adoption_report
from adapters.teller import OrderTeller

SETTLE_TURNS_MAX = 1_000


class Found(Enum):
    """What a look at the venue showed."""

    SETTLED = "SETTLED"
    """The order is there, and what it says has been told."""
    BEHIND = "BEHIND"
    """The order is there, but its fills or its child are not shown yet."""
    ABSENT = "ABSENT"


class OrderSync:
    """
    Asks the venue about orders and tells what is new.

    Parameters
    ----------
    client : LiveExecutionClient
        Whose orders these are.
    queries : Queries
        Asks.
    teller : OrderTeller
        Tells.
    ids : OrderIds
        Knows which id an order goes by.
    on_foreign : Callable
        Told of each order that nobody here has sent.

    """

    def __init__(
        self,
        client: Any,
        queries: Queries,
        teller: OrderTeller,
        ids: OrderIds,
        on_foreign: Callable[[OrderFact], None],
    ) -> None:
        self._client = client
        self._cache = client._cache
        self._queries = queries
        self._teller = teller
        self._ids = ids
        self._on_foreign = on_foreign

    # -- one order ----------------------------------------------------------------------------------

    async def order(self, order: Order) -> Found:
        """Look an order up by its client id and tell what is new about it."""
        fact = await self.look_up(order)
        if fact is None:
            return Found.ABSENT
        return await self.apply(order, fact)

    async def look_up(self, order: Order, client_id: str | None = None) -> OrderFact | None:
        """Return what the venue says about an order, None when it says that there is none."""
        symbol = symbol_of(order.instrument_id)
        client_id = client_id or self._ids.current(order.client_order_id.value)
        fact = None
        if order.order_type in BINANCE_FUTURES_ALGO_ORDER_TYPES:
            fact = await self._queries.algo_order(client_id)
            if fact is not None and fact.child_id is not None:
                child = await self._queries.order(symbol, order_id=fact.child_id)
                return child or fact
        if fact is None:
            fact = await self._queries.order(symbol, client_id=client_id)
        return fact

    async def look_up_algo(self, client_id: str) -> OrderFact | None:
        """Return what the Algo Service says about a conditional order."""
        return await self._queries.algo_order(client_id)

    async def apply(self, order: Order, fact: OrderFact) -> Found:
        """Tell what *fact* says that was not told yet, the fills with it."""
        if fact.child_id is not None:  # triggered, and the order that it became is not shown yet
            return Found.BEHIND
        if fact.status != "REJECTED":
            self._teller.stand(order, fact)
        if fact.executed > self._teller.filled(order):
            for trade in await self._queries.trades_of(fact.symbol, fact.venue_id):
                self._teller.fill(order, trade)
            self._client.refresh_balance()  # the event of its money was not told, either
            if fact.executed > self._teller.filled(order):
                return Found.BEHIND
        if not fact.is_open and fact.status != "FILLED":
            self._teller.close(order, fact.status, fact.updated_ms, fact.reason)
        return Found.SETTLED

    async def settle(self) -> None:
        """Wait until the cache shows what was told; a few turns of the loop do."""
        for _ in range(SETTLE_TURNS_MAX):
            if self._teller.is_settled():
                return
            await asyncio.sleep(0)

    # -- orders that are not known ------------------------------------------------------------------

    def own(self, fact: OrderFact) -> Order | None:
        """Return the order that *fact* speaks of, if the cache has it."""
        order = self._cache.order(ClientOrderId(base_of(fact.client_id)))
        if order is not None and not (order.is_closed and self._teller.venue_id(order) is None):
            return order
        # Unknown, or one that was given up before it came to life.
        for venue_id in (fact.venue_id, fact.child_id):
            client_order_id = venue_id and self._cache.client_order_id(VenueOrderId(venue_id))
            if client_order_id:
                return self._cache.order(client_order_id)
        return None

    def adopt(self, fact: OrderFact, *, is_foreign: bool = True) -> Order | None:
        """
        Bring an unknown order into the cache, as accepted and unfilled.

        It goes to the strategy that claims the instrument, else to EXTERNAL. None when the
        instrument is not loaded, or when the order has no quantity that could be shown.

        """
        if is_foreign:
            self._on_foreign(fact)
        instrument_id = self._client._get_cached_instrument_id(fact.symbol)
        instrument = self._cache.instrument(instrument_id)
        quantity = fact.quantity or abs(self.position(instrument_id))
        if instrument is None or quantity == 0:
            return None
        base = ClientOrderId(base_of(fact.client_id))
        is_taken = self._cache.order(base) is not None
        report = adoption_report(
            fact, quantity, account_id=self._client.account_id, instrument=instrument,
            client_order_id=None if is_taken else base, ts_init=self._client._clock.timestamp_ns(),
        )  # fmt: skip
        self._client._send_order_status_report(report)
        order = self._cache.order(report.client_order_id)
        if order is not None and not is_taken:
            self._ids.adopt(fact.client_id)
        return order

    async def adopt_order(self, symbol: str, venue_id: str, *, is_foreign: bool = True) -> None:
        """Take an order that no event told, with its fills."""
        fact = await self._queries.order(symbol, order_id=venue_id)
        if fact is None:
            return
        order = self.own(fact) or self.adopt(fact, is_foreign=is_foreign)
        if order is not None:
            await self.apply(order, fact)

    def position(self, instrument_id: InstrumentId) -> Decimal:
        """Return the local net position, signed, in base units."""
        positions = self._cache.positions_open(instrument_id=instrument_id)
        return sum((p.signed_decimal_qty() for p in positions), Decimal(0))


def symbol_of(instrument_id: InstrumentId) -> str:
    """Return the venue's name of an instrument: without the suffix that NautilusTrader adds."""
    return str(instrument_id.symbol.value).removesuffix("-PERP")
