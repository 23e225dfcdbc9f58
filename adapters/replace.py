"""Amends a resting stop, which the venue cannot: the new one first, then the old one goes."""

from __future__ import annotations

import asyncio
from typing import Any

from nautilus_trader.adapters.binance.common.enums import BinanceFuturesPositionSide
from nautilus_trader.adapters.binance.futures.http.account import BinanceFuturesAccountHttpAPI
from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.core.datetime import secs_to_nanos
from nautilus_trader.execution.messages import ModifyOrder
from nautilus_trader.model.enums import TriggerType
from nautilus_trader.model.orders import StopMarketOrder

from adapters.facts import OrderFact
from adapters.order_ids import OrderIds, base_of, serial_of
from adapters.outcomes import error_text, is_absent, is_unknown
from adapters.sync import Found, OrderSync
from adapters.teller import OrderTeller
from adapters.unresolved import LOOKUP_SECS_FIRST, LOOKUP_SECS_MAX, Patience

OVER = frozenset({"CANCELED", "EXPIRED", "REJECTED"})


class StopReplacer:
    """
    Moves a stop by a second one under the id ``base:n``; towards NautilusTrader it stays one order.

    At no moment the position is without a stop, and at the end there is one. Binance has no amend
    for conditional orders (Algo Service, 2025-12-09).

    Parameters
    ----------
    client : LiveExecutionClient
        Whose orders these are.
    http : BinanceFuturesAccountHttpAPI
        Sends.
    sync, teller, ids
        Those of the client.
    clock : LiveClock
        Of the node.
    patience : Patience
        When the venue's denial of an order is believed.

    """

    def __init__(
        self,
        client: Any,
        http: BinanceFuturesAccountHttpAPI,
        *,
        sync: OrderSync,
        teller: OrderTeller,
        ids: OrderIds,
        clock: LiveClock,
        patience: Patience,
    ) -> None:
        self._client = client
        self._http = http
        self._sync = sync
        self._teller = teller
        self._ids = ids
        self._clock = clock
        self._patience = patience
        self._log = Logger("StopReplacer")
        self._coming: set[str] = set()
        self._going: set[str] = set()

    def is_beside(self, fact: OrderFact) -> bool:
        """Return whether *fact* tells of a stop that comes or goes, and not of the one in force."""
        is_acting = not fact.is_waiting and fact.status not in OVER
        if is_acting:
            return False
        return fact.client_id in self._going or not self._ids.is_current(fact.client_id)

    def is_going(self, fact: OrderFact) -> bool:
        """Return whether a stop is being canceled because another one took its place."""
        return fact.client_id in self._going

    def take_over(self, order: StopMarketOrder, fact: OrderFact) -> None:
        """Put a replacement in force because it acts already, accepted or even triggered."""
        if fact.client_id in self._coming:
            self._coming.discard(fact.client_id)
            self._going.add(self._ids.current(base_of(fact.client_id)))
            self._ids.adopt(fact.client_id)
            self._teller.stand(order, fact)

    async def replace(self, order: StopMarketOrder, command: ModifyOrder) -> str | None:
        """
        Place the new stop, then cancel the old one.

        Returns
        -------
        str or None
            Why the order was not amended; None when it was.

        """
        base = order.client_order_id.value
        old_id = self._ids.current(base)
        try:
            new_id = self._ids.new(base)
        except ValueError as e:
            return str(e)
        self._coming.add(new_id)
        try:
            refusal = await self._place(order, command, new_id)
            if refusal is not None:
                return refusal
            self._going.add(old_id)
            if not await self._remove(old_id):
                self._going.discard(old_id)
                await self._remove(new_id)
                return "STOP_TRIGGERED: the old stop acted before the new one had replaced it"
            await self._put_in_force(order, new_id)
        finally:
            self._coming.discard(new_id)
        return None

    async def _put_in_force(self, order: StopMarketOrder, new_id: str) -> None:
        """Tell the new terms; by now the new stop may have acted, and said so itself."""
        self._ids.adopt(new_id)
        self._coming.discard(new_id)
        delay = LOOKUP_SECS_FIRST
        while True:
            try:
                if await self._sync.order(order) is Found.SETTLED:
                    return
            except Exception as e:  # noqa: BLE001 - asked again: the stop is there
                self._log.warning(f"Cannot look up {new_id}: {e!r}")
            await asyncio.sleep(delay)
            delay = min(delay * 2, LOOKUP_SECS_MAX)

    # -- the two steps ------------------------------------------------------------------------------

    async def _place(self, order: StopMarketOrder, command: ModifyOrder, new_id: str) -> str | None:
        """Send the new stop once; return why there is none, None when the venue has it."""
        enums = self._client._enum_parser
        is_mark = order.trigger_type == TriggerType.MARK_PRICE
        try:
            await self._http.new_algo_order(
                symbol=order.instrument_id.symbol.value,
                side=enums.parse_internal_order_side(order.side),
                order_type=enums.parse_internal_order_type(order),
                position_side=BinanceFuturesPositionSide.BOTH,
                quantity=str(command.quantity or order.quantity),
                trigger_price=str(command.trigger_price or order.trigger_price),
                time_in_force=self._client._determine_time_in_force(order),
                working_type="MARK_PRICE" if is_mark else "CONTRACT_PRICE",
                reduce_only=self._client._determine_reduce_only_str(order),
                client_algo_id=new_id,
                recv_window=str(self._client._recv_window),
            )
        except Exception as e:  # noqa: BLE001 - judged below: refused, or perhaps carried out
            if not is_unknown(e):
                return error_text(e)
            self._client.note_unresolved(order, f"replacement {new_id}: {error_text(e)}")
            if not await self._exists(order, new_id):
                return f"UNRESOLVED_NOT_FOUND: {error_text(e)}"
        return None

    async def _exists(self, order: StopMarketOrder, client_id: str) -> bool:
        """Return whether the venue has the order; a denial is believed when it is repeated."""
        delay, answers = LOOKUP_SECS_FIRST, 0
        first_ns: int | None = None
        while True:
            await asyncio.sleep(delay)
            delay = min(delay * 2, LOOKUP_SECS_MAX)
            try:
                fact = await self._sync.look_up(order, client_id)
            except Exception as e:  # noqa: BLE001 - no answer is no news: it is asked again
                self._log.warning(f"Cannot look up {client_id}: {e!r}")
                continue
            if fact is not None:
                return fact.status not in OVER
            now_ns = self._clock.timestamp_ns()
            first_ns = now_ns if first_ns is None else first_ns
            answers += 1
            waited_ns = now_ns - first_ns
            if answers >= self._patience.answers_min and waited_ns >= secs_to_nanos(
                self._patience.secs
            ):
                return False

    async def _remove(self, client_id: str) -> bool:
        """
        Cancel one stop, as often as it takes.

        Returns
        -------
        bool
            False if it acted instead: it has triggered, and what it became fills or has filled.

        """
        delay = LOOKUP_SECS_FIRST
        while True:
            try:
                await self._http.cancel_algo_order(client_algo_id=client_id)
            except Exception as e:  # noqa: BLE001 - what became of it is looked up
                self._log.warning(f"Cancel of {client_id} did not succeed: {e!r}")
                if not is_absent(e) and not is_unknown(e):
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, LOOKUP_SECS_MAX)
            else:
                return True
            try:
                fact = await self._sync.look_up_algo(client_id)
            except Exception as e:  # noqa: BLE001 - asked again
                self._log.warning(f"Cannot look up {client_id}: {e!r}")
                fact = None
            if fact is not None and fact.status in OVER:
                return True
            if fact is not None and not fact.is_waiting:
                return False
            await asyncio.sleep(delay)
            delay = min(delay * 2, LOOKUP_SECS_MAX)

    # -- what an earlier run left -------------------------------------------------------------------

    def leftovers(self, facts: list[OrderFact]) -> list[OrderFact]:
        """Return the resting stops that a newer one has replaced and that should be gone."""
        newest: dict[str, int] = {}
        waiting = [fact for fact in facts if fact.is_waiting]
        for fact in waiting:
            base = base_of(fact.client_id)
            newest[base] = max(newest.get(base, 0), serial_of(fact.client_id))
        return [
            fact
            for fact in waiting
            if serial_of(fact.client_id) < newest[base_of(fact.client_id)]
            and not self.is_in_hand(fact.client_id)
        ]

    def is_in_hand(self, client_id: str) -> bool:
        """Return whether the order that *client_id* stands for is being replaced."""
        return base_of(client_id) in {base_of(coming) for coming in self._coming}

    async def remove_leftover(self, fact: OrderFact) -> None:
        """Cancel a stop that was replaced before."""
        self._log.warning(f"Canceling {fact.client_id}: a newer stop replaced it")
        self._going.add(fact.client_id)
        await self._remove(fact.client_id)
