"""What stands at the venue, asked by who does not rely on what is known here."""

from __future__ import annotations

from typing import NamedTuple

from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId

from adapters.facts import OrderFact, PositionFact
from adapters.queries import Queries
from adapters.reconciler import Reconciler


class VenueLook(NamedTuple):
    """All open orders of the account, conditional ones that wait included, and its positions."""

    orders: tuple[OrderFact, ...]
    positions: tuple[PositionFact, ...]


class VenueLooks:
    """The part of an execution client that says what the venue shows."""

    _queries: Queries
    _reconciler: Reconciler

    async def look_at_venue(self) -> VenueLook:
        """Ask for everything that is open; weight 85, so not often (Binance: page of each endpoint)."""
        orders = await self._queries.open_orders()
        return VenueLook(tuple(orders), tuple(await self._queries.positions()))

    async def look_at_positions(self) -> tuple[PositionFact, ...]:
        """Ask for the positions that are not flat; weight 5."""
        return tuple(await self._queries.positions())

    async def bring_in_positions(self) -> None:
        """Take every fill that could explain why a position differs; what nothing explains is told."""
        await self._reconciler.position_reports()

    async def verify_stops(self, instrument_id: InstrumentId) -> frozenset[ClientOrderId]:
        """
        Bring the conditional orders of one instrument up to date with the venue; weight 1.

        What ended there ends here, and what nobody here has sent is told as foreign.

        Returns
        -------
        frozenset[ClientOrderId]
            Orders that work here and that the venue neither shows nor can find.

        """
        return await self._reconciler.verify_stops(instrument_id)
