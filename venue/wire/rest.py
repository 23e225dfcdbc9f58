"""REST: who asks, within which limits, what the exchange answers, and what the faults make of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from venue.api import ENDPOINTS, handle
from venue.engine.errors import VenueError
from venue.wire.hooks import Reaction, RequestInfo
from venue.wire.keys import looks_like_a_key
from venue.wire.signing import check_signature, check_window, parameters

if TYPE_CHECKING:
    from venue.wire.keys import ApiKey
    from venue.wire.limits import AccountLimit, AddressLimit
    from venue.wire.wire import Wire

SIGNED = ("TRADE", "USER_DATA")
KEYED = ("MARKET_DATA", "USER_STREAM")
TRANSPORT_PARAMS = frozenset({"timestamp", "recvWindow", "signature"})
LISTEN_KEY_PATH = "/fapi/v1/listenKey"
TIME_PATH = "/fapi/v1/time"
HIDDEN = {"listenKey": "(hidden)"}


@dataclass(frozen=True, slots=True)
class _Rule:
    """What the venue asks of a request before it looks at it."""

    security: str
    weight: int
    orders_10s: int = 0
    orders_1m: int = 0


@dataclass(slots=True)
class _Call:
    """One request on its way."""

    method: str
    path: str
    query: str
    body: str
    params: dict[str, str]
    key: str
    address: str
    account: str | None = None
    orders: bool = False
    line: int = 0


class RestServer:
    """
    Answers HTTP requests that are no WebSocket.

    Parameters
    ----------
    wire : Wire
        The state of the transport.

    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer *request*; the raw query is taken as it came, for the signature."""
        path, _, query = request.raw_path.partition("?")
        body = (await request.read()).decode("utf-8", errors="replace")
        await self._wire.gate.passed()
        key = request.headers.get("X-MBX-APIKEY", "")
        address = request.remote or ""
        call = _Call(request.method, path, query, body, parameters(query, body), key, address)
        own = self._wire.keys.find(key)
        call.account = own.account if own else None
        call.line = self._wire.log.request(call.account, call.method, path, call.params)
        try:
            self._admit(call, own)
        except VenueError as error:
            return self._respond(call, error.http_status, _body(error))
        info = RequestInfo(call.account, call.method, path, call.params)
        return await self._react(call, self._wire.hooks.on_request(info) or Reaction(), request)

    def _admit(self, call: _Call, own: ApiKey | None) -> None:
        """Raise unless the request is known, within the limits, in time and signed."""
        rule = _rule(call)
        now_ms = self._wire.clock.wire_ms()
        self._wire.address_limit(call.address).take(rule.weight, now_ms)
        if rule.security in SIGNED + KEYED:
            if own is None:
                raise _unknown_key(call.key)
            if rule.security in SIGNED:
                _check_signed(call, own, now_ms)
        if rule.orders_10s and call.account is not None:
            call.orders = True
            limit = self._wire.account_limit(call.account)
            limit.take(rule.orders_10s, rule.orders_1m, now_ms)

    async def _react(
        self, call: _Call, reaction: Reaction, request: web.BaseRequest
    ) -> web.StreamResponse:
        if reaction.refuse is not None:
            status, body = reaction.refuse.http_status, _body(reaction.refuse)
        else:
            status, body = self._act(call) if reaction.engine_acts else (200, {})
            if reaction.answer is not None:
                status, body = reaction.answer
            if reaction.rewrite is not None:
                status, body = reaction.rewrite(status, body)
        if reaction.delay_ms > 0:
            await asyncio.sleep(reaction.delay_ms / 1_000)
        await self._wire.gate.passed()
        if not reaction.drop_reply:
            return self._respond(call, status, body)
        self._wire.log.answer(call.line, status, body, sent=False)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=status)

    def _act(self, call: _Call) -> tuple[int, Any]:
        """Let the exchange act, and deliver what it caused before the answer."""
        wire = self._wire
        wire.advance()
        symbol = call.params.get("symbol", "")
        if call.method != "GET":
            wire.tape.tell(symbol)
        try:
            return 200, self._carry_out(call)
        except VenueError as error:
            return error.http_status, _body(error)
        except Exception as error:  # noqa: BLE001 - a defect of ours, told to both sides
            wire.fail(error)
            return 500, _body(
                VenueError(-1000, "An unknown error occurred while processing the request.")
            )
        finally:
            wire.settle(symbol)

    def _carry_out(self, call: _Call) -> Any:
        if call.path == LISTEN_KEY_PATH and call.account is not None:
            return self._listen_key(call.method, call.account)
        if call.path == TIME_PATH:
            return {"serverTime": self._wire.clock.wire_ms()}
        params = {k: v for k, v in call.params.items() if k not in TRANSPORT_PARAMS}
        return handle(self._wire.exchange, call.account, call.method, call.path, params)

    def _listen_key(self, method: str, account: str) -> dict[str, str]:
        keys, now_ms = self._wire.listen_keys, self._wire.clock.wire_ms()
        if method == "POST":
            return {"listenKey": keys.create(account, now_ms)}
        if method == "PUT":
            return {"listenKey": keys.extend(account, now_ms)}
        closed = keys.close(account)
        if closed is not None:
            self._wire.user_streams.close_key(closed)
        return {}

    def _respond(self, call: _Call, status: int, body: Any) -> web.Response:
        now_ms = self._wire.clock.wire_ms()
        address = self._wire.address_limit(call.address)
        headers = {"X-MBX-USED-WEIGHT-1M": str(address.used(now_ms))}
        over: AddressLimit | AccountLimit = address
        if call.orders and call.account is not None:
            over = orders = self._wire.account_limit(call.account)
            used_10s, used_1m = orders.counts(now_ms)
            headers["X-MBX-ORDER-COUNT-10S"] = str(used_10s)
            headers["X-MBX-ORDER-COUNT-1M"] = str(used_1m)
        if status in (418, 429):
            headers["Retry-After"] = str(over.retry_after_secs(now_ms))
        shown = HIDDEN if isinstance(body, dict) and "listenKey" in body else body
        self._wire.log.answer(call.line, status, shown, sent=True)
        return web.Response(
            status=status,
            body=msgspec.json.encode(body),
            content_type="application/json",
            headers=headers,
        )


def _rule(call: _Call) -> _Rule:
    if call.path == LISTEN_KEY_PATH and call.method in ("POST", "PUT", "DELETE"):
        return _Rule("USER_STREAM", 1)
    endpoint = ENDPOINTS.get((call.method, call.path))
    if endpoint is None:
        raise VenueError(
            -5000, f"Path {call.path}, Method {call.method} is invalid", http_status=404
        )
    per_10s, per_1m = endpoint.order_cost
    return _Rule(endpoint.security, endpoint.weight(call.params), per_10s, per_1m)


def _unknown_key(key: str) -> VenueError:
    if not looks_like_a_key(key):
        return VenueError(-2014, "API-key format invalid.", 401)
    return VenueError(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def _check_signed(call: _Call, own: ApiKey, now_ms: int) -> None:
    check_window(call.params, now_ms)
    signature = call.params.get("signature", "")
    if not signature:
        raise VenueError(
            -1102, "Mandatory parameter 'signature' was not sent, was empty/null, or malformed."
        )
    check_signature(own.secret, call.query, call.body, signature)


def _body(error: VenueError) -> dict[str, Any]:
    return {"code": error.code, "msg": error.msg}
