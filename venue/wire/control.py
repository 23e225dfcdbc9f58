"""The control address: what a person or a script may ask of the venue itself, in JSON."""

from __future__ import annotations

import asyncio
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from venue.wire.player import PlayerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from venue.server import Venue

LOOPBACK = "127.0.0.1"
LOG_LINES_DEFAULT = 100


class ControlError(Exception):
    """A request to the control address that cannot be carried out."""


class Control:
    """
    Serves /control on the loopback interface alone, on a port of its own.

    POST bodies must be JSON by content type, which a foreign web page cannot send unasked.

    Parameters
    ----------
    venue : Venue
        What is controlled.

    """

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._web = web.Server(self._serve, access_log=None)
        self._server: asyncio.Server | None = None
        self._gets: dict[str, Callable[[dict[str, str]], Any]] = {
            "state": self._state, "truth": self._truth, "log": self._log, "faults": self._faults,
        }  # fmt: skip
        self._posts: dict[str, Callable[[dict[str, Any]], Awaitable[Any]]] = {
            "step": self._step, "play_until": self._play_until, "speed": self._speed,
            "fault": self._fault, "end_fault": self._end_fault, "market": self._market,
            "forget_uses": self._forget_uses, "shutdown": self._shutdown,
        }  # fmt: skip

    async def start(self) -> int:
        """Listen on a port of the system's choice, and return it."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._web, LOOPBACK, 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port."""
        if self._server is not None:
            self._server.close()
            await self._web.shutdown(1.0)

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        prefix, _, name = request.path.strip("/").partition("/")
        try:
            if prefix == "control" and request.method == "GET" and name in self._gets:
                return _json(200, self._gets[name](dict(request.query)))
            if prefix == "control" and request.method == "POST" and name in self._posts:
                return _json(200, await self._posts[name](await _arguments(request)))
        except (ControlError, PlayerError, ValueError, KeyError) as error:
            return _json(400, {"error": f"{name}: {error}"})
        known = f"GET {', '.join(self._gets)}; POST {', '.join(self._posts)}"
        return _json(404, {"error": f"/control knows {known}"})

    # -- GET -----------------------------------------------------------------------------------

    def _state(self, _: dict[str, str]) -> Any:
        return self._venue.state()

    def _truth(self, query: dict[str, str]) -> Any:
        names = [query["account"]] if "account" in query else self._venue.account_names
        unknown = [name for name in names if name not in self._venue.account_names]
        if unknown:
            raise ControlError(f"account={unknown[0]!r}: there is none of that name")
        return {name: self._venue.exchange.truth(name) for name in names}

    def _log(self, query: dict[str, str]) -> Any:
        self._venue.log.flush()
        return self._venue.log.tail(int(query.get("tail", LOG_LINES_DEFAULT)))

    def _faults(self, _: dict[str, str]) -> Any:
        return self._venue.fault_names()

    # -- POST ----------------------------------------------------------------------------------

    async def _step(self, body: dict[str, Any]) -> Any:
        return {"played": await self._venue.step(_whole(body, "n", 1))}

    async def _play_until(self, body: dict[str, Any]) -> Any:
        return {"played": await self._venue.play_until(_whole(body, "ts", None))}

    async def _speed(self, body: dict[str, Any]) -> Any:
        speed = body.get("speed")
        if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0 < speed <= 10_000:
            raise ControlError(f"speed={speed!r} is not above 0 and at most 10000")
        self._venue.player.set_speed(float(speed))
        return {"speed": speed}

    async def _fault(self, body: dict[str, Any]) -> Any:
        name = body.pop("name", None)
        if not isinstance(name, str):
            raise ControlError(f"name={name!r} is not the name of a fault")
        return {"done": self._venue.fault(name, body)}

    async def _end_fault(self, body: dict[str, Any]) -> Any:
        return {"over": self._venue.end_fault(_whole(body, "number", None))}

    async def _market(self, body: dict[str, Any]) -> Any:
        symbol, price = body.get("symbol"), body.get("price")
        if symbol not in self._venue.symbol_names:
            raise ControlError(f"symbol={symbol!r}: there is none of that name")
        try:
            value = Decimal(str(price))
        except InvalidOperation:
            raise ControlError(f"price={price!r} is not a number") from None
        if not (value.is_finite() and value > 0):
            raise ControlError(f"price={price!r} is not above 0")
        self._venue.move(str(symbol), value)
        return {"symbol": symbol, "price": format(value, "f")}

    async def _forget_uses(self, _: dict[str, Any]) -> Any:
        self._venue.wire.forget_uses()
        return {"forgotten": True}

    async def _shutdown(self, _: dict[str, Any]) -> Any:
        self._venue.stopping.set()
        return {"stopping": True}


async def _arguments(request: web.BaseRequest) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise ControlError(f"content type {request.content_type!r} is not application/json")
    raw = await request.read()
    try:
        body = msgspec.json.decode(raw or b"{}")
    except msgspec.DecodeError as error:
        raise ControlError(f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise ControlError("the body is not a JSON object")
    return body


def _whole(body: dict[str, Any], name: str, default: int | None) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ControlError(f"{name}={value!r} is not a whole number from 0")
    return value


def _json(status: int, body: Any) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json"
    )
