"""Reading the account: what the venue's answers say, without giving up a list for one element."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.common.component import LiveClock
from nautilus_trader.core.nautilus_pyo3 import HttpMethod

from adapters.facts import (
    OrderFact,
    PositionFact,
    TradeFact,
    algo_from_rest,
    order_from_rest,
    position_from_rest,
    read_all,
    trade_from_rest,
)
from adapters.outcomes import is_absent

TRADES_MAX = 1_000
"""The most trades the venue returns at once (Binance: Account Trade List)."""


class Queries:
    """
    Signed GET requests, answered as facts.

    NautilusTrader's own endpoints decode a list into closed enums, so that one value that Binance
    has added since makes the whole answer unreadable.

    Parameters
    ----------
    http : BinanceHttpClient
        Signs and sends.
    clock : LiveClock
        For the timestamp of each request.
    recv_window_ms : int
        Age at which the venue refuses a request, milliseconds.
    on_unreadable : Callable
        Told of each element that is left out.

    """

    def __init__(
        self,
        http: BinanceHttpClient,
        clock: LiveClock,
        *,
        recv_window_ms: int,
        on_unreadable: Callable[[str], None],
    ) -> None:
        self._http = http
        self._clock = clock
        self._recv_window = str(recv_window_ms)
        self._on_unreadable = on_unreadable

    async def order(
        self, symbol: str, *, client_id: str | None = None, order_id: str | None = None
    ) -> OrderFact | None:
        """Return an order, None when the venue says that there is none."""
        params = {"symbol": symbol, "origClientOrderId": client_id, "orderId": order_id}
        row = await self._one("/fapi/v1/order", params)
        return None if row is None else order_from_rest(row)

    async def algo_order(self, client_id: str) -> OrderFact | None:
        """Return a conditional order, None when the venue says that there is none."""
        row = await self._one("/fapi/v1/algoOrder", {"clientAlgoId": client_id})
        return None if row is None else algo_from_rest(row)

    async def is_hedge_mode(self) -> bool:
        """Return whether the account is in hedge mode; weight 5, where ``positionSide/dual`` costs 30."""
        is_hedge = (await self._get("/fapi/v1/accountConfig", {}))["dualSidePosition"]
        if not isinstance(is_hedge, bool):
            raise TypeError(f"accountConfig: dualSidePosition = {is_hedge!r} must be true or false")
        return is_hedge

    async def open_orders(self) -> list[OrderFact]:
        """Return every open order of the account, conditional ones that wait included."""
        orders = await self._get("/fapi/v1/openOrders", {})
        waiting = await self._get("/fapi/v1/openAlgoOrders", {})
        facts = read_all(orders, order_from_rest, self._on_unreadable)
        facts += read_all(waiting, algo_from_rest, self._on_unreadable)
        return [fact for fact in facts if fact.is_open]

    async def waiting_orders(self, symbol: str) -> list[OrderFact]:
        """Return the conditional orders of one symbol that wait; a fortieth of the weight of all."""
        rows = await self._get("/fapi/v1/openAlgoOrders", {"symbol": symbol})
        facts = read_all(rows, algo_from_rest, self._on_unreadable)
        return [fact for fact in facts if fact.is_open]

    async def trades_of(self, symbol: str, order_id: str) -> list[TradeFact]:
        """Return the fills of one order."""
        params = {"symbol": symbol, "orderId": order_id, "limit": str(TRADES_MAX)}
        rows = await self._get("/fapi/v1/userTrades", params)
        return read_all(rows, trade_from_rest, self._on_unreadable)

    async def trades_from(self, symbol: str, trade_id: int) -> list[TradeFact]:
        """Return the fills of one symbol from a trade id on, the oldest first."""
        params = {"symbol": symbol, "fromId": str(trade_id), "limit": str(TRADES_MAX)}
        rows = await self._get("/fapi/v1/userTrades", params)
        return read_all(rows, trade_from_rest, self._on_unreadable)

    async def trades_of_late(self, symbol: str) -> list[TradeFact]:
        """Return the latest fill of one symbol."""
        rows = await self._get("/fapi/v1/userTrades", {"symbol": symbol, "limit": "1"})
        return read_all(rows, trade_from_rest, self._on_unreadable)

    async def positions(self) -> list[PositionFact]:
        """Return the account's positions that are not flat."""
        rows = await self._get("/fapi/v3/positionRisk", {})
        facts = read_all(rows, position_from_rest, self._on_unreadable)
        return [fact for fact in facts if fact.amount != 0]

    async def _one(self, path: str, params: Mapping[str, str | None]) -> dict[str, Any] | None:
        try:
            return dict(await self._get(path, params))
        except Exception as e:
            if is_absent(e):
                return None
            raise

    async def _get(self, path: str, params: Mapping[str, str | None]) -> Any:
        payload = {key: value for key, value in params.items() if value is not None}
        payload["recvWindow"] = self._recv_window
        payload["timestamp"] = str(self._clock.timestamp_ms())
        raw = await self._http.sign_request(HttpMethod.GET, path, payload=payload)
        return msgspec.json.decode(raw)
