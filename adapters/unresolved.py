"""Orders whose fate is unknown: looked up with patience, never sent again, never given up early."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from enum import Enum
from typing import Any

from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.core.datetime import secs_to_nanos
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.orders import Order

from adapters.sync import Found

LOOKUP_SECS_FIRST = 0.1
LOOKUP_SECS_MAX = 5.0


class Doubt(Enum):
    """What it is that nobody knows."""

    SUBMIT = "SUBMIT"
    CANCEL = "CANCEL"
    MODIFY = "MODIFY"
    SILENCE = "SILENCE"
    """The venue took it, or shows it no longer, and said nothing."""


@dataclass(frozen=True, slots=True)
class Unresolved:
    """
    An order whose fate is unknown.

    Parameters
    ----------
    order : Order
        As the cache has it.
    doubt : Doubt
        What is unknown.
    cause : str
        Why.
    ts_since : int
        Since when, Unix nanoseconds.

    """

    order: Order
    doubt: Doubt
    cause: str
    ts_since: int


@dataclass(frozen=True, slots=True)
class Patience:
    """
    When a repeated answer is believed.

    Parameters
    ----------
    secs : float
        How long the same answer must have been given, seconds (> 0). Binance has been seen to deny
        an order for seconds after it took it.
    answers_min : int
        How often it must have been given in a row (>= 1).

    """

    secs: float = 15.0
    answers_min: int = 4


class Resolver:
    """
    Looks up every order in doubt until the venue's word about it is clear.

    Parameters
    ----------
    look : Callable
        Looks an order up, tells what is new, and returns when the cache shows it.
    on_absent, on_unchanged : Callable
        Told when the venue has denied an order, or shown it as it was, for long enough.
    on_begin : Callable
        Told of each new doubt.
    run : Callable
        Starts a task of the client.
    clock : LiveClock
        Of the node.
    patience : Patience
        When an answer is believed.

    """

    def __init__(
        self,
        *,
        look: Callable[[Order], Awaitable[Found]],
        on_absent: Callable[[Unresolved], None],
        on_unchanged: Callable[[Unresolved], None],
        on_begin: Callable[[Unresolved], None],
        run: Callable[[Coroutine[Any, Any, None]], object],
        clock: LiveClock,
        patience: Patience,
    ) -> None:
        self._look = look
        self._on_absent = on_absent
        self._on_unchanged = on_unchanged
        self._on_begin = on_begin
        self._run = run
        self._clock = clock
        self._patience = patience
        self._log = Logger("Resolver")
        self._cases: dict[ClientOrderId, Unresolved] = {}

    @property
    def cases(self) -> tuple[Unresolved, ...]:
        """The orders in doubt."""
        return tuple(self._cases.values())

    def __contains__(self, client_order_id: object) -> bool:
        return client_order_id in self._cases

    def begin(self, order: Order, doubt: Doubt, cause: str) -> None:
        """Take an order in doubt; one that is in doubt already is looked up for both reasons."""
        is_running = order.client_order_id in self._cases
        if is_running and doubt is Doubt.SILENCE:
            return
        case = Unresolved(order, doubt, cause, self._clock.timestamp_ns())
        self._cases[order.client_order_id] = case
        self._on_begin(case)
        if not is_running:
            self._run(self._resolve(order.client_order_id))

    async def _resolve(self, client_order_id: ClientOrderId) -> None:
        try:
            await self._look_until_clear(client_order_id)
        finally:
            self._cases.pop(client_order_id, None)

    async def _look_until_clear(self, client_order_id: ClientOrderId) -> None:
        delay = LOOKUP_SECS_FIRST
        last: Found | None = None
        answers = since_ns = 0
        while True:
            await asyncio.sleep(delay)
            delay = min(delay * 2, LOOKUP_SECS_MAX)
            case = self._cases[client_order_id]
            try:
                found = await self._look(case.order)
            except Exception as e:  # noqa: BLE001 - no answer is no news: it is asked again
                self._log.warning(f"Cannot look up {client_order_id}: {e!r}")
                continue
            if is_clear(case, found):
                return
            if found is not last:
                last, answers, since_ns = found, 0, self._clock.timestamp_ns()
            answers += 1
            waited_ns = self._clock.timestamp_ns() - since_ns
            is_believed = answers >= self._patience.answers_min and waited_ns >= secs_to_nanos(
                self._patience.secs
            )
            if is_believed and found is Found.ABSENT:
                self._on_absent(self._cases[client_order_id])
                return
            if is_believed and found is Found.SETTLED:
                self._on_unchanged(self._cases[client_order_id])
                return


def is_clear(case: Unresolved, found: Found) -> bool:
    """Return whether nothing about the order is in doubt any more."""
    order = case.order
    if order.is_closed:
        return True
    if found is not Found.SETTLED:
        return False
    if case.doubt is Doubt.CANCEL:
        return False
    if case.doubt is Doubt.MODIFY:
        return bool(order.status != OrderStatus.PENDING_UPDATE)
    return bool(order.venue_order_id is not None)
