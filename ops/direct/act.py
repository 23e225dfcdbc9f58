"""One round of a plan: cancel, close, and the stops last."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Iterable
from decimal import Decimal
from itertools import count

from ops.direct.client import DirectClient, VenueError
from ops.direct.look import Held, Resting
from ops.direct.plan import Lot, Plan
from ops.direct.report import Steps
from risk.kills import DIRECT_ORDER_PREFIX

ALL_ORDERS_PATH = "/fapi/v1/allOpenOrders"
ALL_ALGOS_PATH = "/fapi/v1/algoOpenOrders"
ORDER_PATH = "/fapi/v1/order"
ALGO_PATH = "/fapi/v1/algoOrder"
INFO_PATH = "/fapi/v1/exchangeInfo"
GONE_CODES = frozenset({-2011, -2013})
"""No such order any more: filled or canceled already, which the next look shows."""
INFO_SEC_MAX = 3.0
"""So long a position waits for the venue's lot sizes; a large one is then refused (-4005), not lost."""


class Hands:
    """
    Carries plans out; what fails is told and done again after the next look.

    No request is ever repeated blindly: every round begins with what the venue says is there.

    Parameters
    ----------
    client : DirectClient
        Sends.
    steps : Steps
        Where each step is told.

    """

    def __init__(self, client: DirectClient, steps: Steps) -> None:
        self._client = client
        self._steps = steps
        self._tag = f"{DIRECT_ORDER_PREFIX}{secrets.token_hex(4)}-"
        self._serial = count(1)
        self._info = asyncio.create_task(self._lot_maxima())
        self.tried: Counter[Lot] = Counter()

    async def carry_out(self, plan: Plan) -> None:
        """Cancel what may open or trade, then close, then cancel the stops of what was flat before."""
        orders = [o for o in plan.cancels if not o.is_algo]
        cancels = [*map(self._cancel_lot, plan.lots), *map(self._cancel, plan.cancels)]
        if cancels:
            done = await self._all(cancels)
            self._steps.last_cancel()
            algos = len(plan.cancels) - len(orders)
            self._steps.say(
                f"canceled {done} of {len(cancels)}: all orders of {len(plan.lots)} symbols, "
                f"{len(orders)} single orders, {algos} conditional orders"
            )
        if plan.closes:
            sizes = await self.sizes()
            sent = [self._close(held, qty) for held in plan.closes for qty in split(held, sizes)]
            done = await self._all(sent)
            self._steps.say(f"sent {len(sent)} closing orders, {done} accepted")
        if plan.stops:
            done = await self._all(map(self._cancel, plan.stops))
            self._steps.stops_canceled()
            self._steps.say(f"canceled {done} of {len(plan.stops)} stops, their symbols being flat")

    def stop(self) -> None:
        """End what still waits for the venue."""
        self._info.cancel()

    async def _all(self, requests: Iterable[Awaitable[bool]]) -> int:
        return sum(await asyncio.gather(*requests))

    async def _cancel_lot(self, lot: Lot) -> bool:
        self.tried[lot] += 1
        path = ALL_ALGOS_PATH if lot.is_algo else ALL_ORDERS_PATH
        return await self._try(
            f"cancel all orders of {lot.symbol}", "DELETE", path, symbol=lot.symbol
        )

    async def _cancel(self, order: Resting) -> bool:
        what = f"cancel the {order}"
        if order.is_algo:
            return await self._try(what, "DELETE", ALGO_PATH, algoId=order.venue_id)
        return await self._try(
            what, "DELETE", ORDER_PATH, symbol=order.symbol, orderId=order.venue_id
        )

    async def _close(self, held: Held, quantity: Decimal) -> bool:
        # Only an order that says that it reduces passes an overload (-1008), and none can flip.
        is_hedged = held.position_side != "BOTH"
        how = {"positionSide": held.position_side} if is_hedged else {"reduceOnly": "true"}
        side = "SELL" if held.amount > 0 else "BUY"
        return await self._try(
            f"close {quantity:f} of the {held}", "POST", ORDER_PATH, symbol=held.symbol, side=side,
            type="MARKET", quantity=f"{quantity:f}", newOrderRespType="RESULT",
            newClientOrderId=f"{self._tag}{next(self._serial)}", **how,
        )  # fmt: skip

    async def _try(self, what: str, method: str, path: str, **params: str) -> bool:
        try:
            await self._client.signed(method, path, **params)
        except VenueError as e:
            if method == "DELETE" and e.code in GONE_CODES:
                return True
            self._steps.say(f"could not {what}: {e}")
            return False
        return True

    async def sizes(self) -> dict[str, Decimal]:
        """Return the largest market order of each symbol traded; empty while nobody tells."""
        await asyncio.wait({self._info}, timeout=INFO_SEC_MAX)
        if not self._info.done():
            return {}
        sizes = self._info.result()
        if not sizes:
            self._info = asyncio.create_task(self._lot_maxima())
        return sizes

    async def _lot_maxima(self) -> dict[str, Decimal]:
        try:
            info = await self._client.public(INFO_PATH)
            return {
                row["symbol"]: Decimal(rule["maxQty"])
                for row in info["symbols"]
                for rule in row["filters"]
                if rule["filterType"] == "MARKET_LOT_SIZE"
            }
        except (VenueError, KeyError, TypeError, ArithmeticError) as e:
            self._steps.say(f"no lot sizes from the venue, orders are not split: {e!r}")
            return {}


def split(held: Held, sizes: dict[str, Decimal]) -> list[Decimal]:
    """Return the quantities, each > 0 and none above its symbol's MARKET_LOT_SIZE, that close it."""
    left, most = abs(held.amount), sizes.get(held.symbol, Decimal(0))
    parts = []
    while most > 0 and left > most:
        parts.append(most)
        left -= most
    return [*parts, left]
