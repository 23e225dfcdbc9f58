"""WebSockets: which route, which streams, whose user data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec
from aiohttp import web

from venue.wire.commands import reply
from venue.wire.connection import Connection
from venue.wire.market_streams import Subscriber
from venue.wire.routes import PRIVATE, UNROUTED
from venue.wire.signing import parameters
from venue.wire.user_streams import UserStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from venue.wire.commands import Board
    from venue.wire.wire import Wire

_PATH = re.compile(r"(?:/(public|market|private))?/(ws|stream)(?:/(.*))?")
_LISTEN_KEY = re.compile(r"[A-Za-z0-9]{64}")


class SocketServer:
    """
    Takes WebSocket connections on /public, /market, /private and without a route.

    Parameters
    ----------
    wire : Wire
        The state of the transport.

    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one connection until it ends."""
        await self._wire.gate.passed()
        path, _, query = request.raw_path.partition("?")
        match = _PATH.fullmatch(unquote(path))
        if match is None:
            return web.Response(status=404, text="Not Found")
        route, mode = match[1] or UNROUTED, match[2]
        names = [name for name in (match[3] or "").split("/") if name]
        params = parameters(query, "")
        keys = _listen_keys(route, names, params)
        refusal = self._wire.hooks.on_connect(PRIVATE if keys else route or "public")
        if refusal is not None:
            body = msgspec.json.encode({"code": refusal.code, "msg": refusal.msg})
            return web.Response(
                status=refusal.http_status, body=body, content_type="application/json"
            )
        connection = Connection(request, self._wire.config.sockets, self._wire.gate)
        wrapped = mode == "stream"
        if keys or route == PRIVATE:
            return await self._private(connection, route, keys, params, wrapped=wrapped)
        if wrapped:
            names += [name for name in params.get("streams", "").split("/") if name]
        return await self._market(connection, route, names, wrapped=wrapped)

    async def _market(
        self, connection: Connection, route: str, names: list[str], *, wrapped: bool
    ) -> web.StreamResponse:
        hub = self._wire.market_streams
        subscriber = Subscriber(hub, connection, route, wrapped=wrapped)

        def on_open() -> None:
            hub.subscribers.add(subscriber)
            if not subscriber.subscribe(names):
                connection.drop("too many streams")

        try:
            return await self._run(connection, subscriber, f"/{route}", None, on_open)
        finally:
            subscriber.leave()

    async def _private(
        self,
        connection: Connection,
        route: str,
        keys: list[str],
        params: dict[str, str],
        *,
        wrapped: bool,
    ) -> web.StreamResponse:
        """
        Serve user data.

        A key that is unknown, or no route at all on a venue of today, is not refused: nothing
        ever comes, as the documents promise no refusal.

        """
        carries = route == PRIVATE or self._wire.config.unrouted == "all"
        events = frozenset(name for name in params.get("events", "").split("/") if name)
        stream = UserStream(
            connection, self._owner if carries else lambda _: None, events, wrapped=wrapped
        )
        stream.subscribe(keys)
        account = next(iter(stream.keys.values()), None)
        hub = self._wire.user_streams.streams
        try:
            return await self._run(
                connection, stream, f"/{route or PRIVATE}", account, lambda: hub.add(stream)
            )
        finally:
            hub.discard(stream)

    def _owner(self, key: str) -> str | None:
        return self._wire.listen_keys.account(key, self._wire.clock.wire_ms())

    async def _run(
        self,
        connection: Connection,
        board: Board,
        stream: str,
        account: str | None,
        on_open: Callable[[], None],
    ) -> web.StreamResponse:
        log = self._wire.log

        def opened() -> None:
            log.write("connect", stream=stream, account=account)
            on_open()

        try:
            return await connection.run(lambda text: connection.send(reply(board, text)), opened)
        finally:
            log.write("disconnect", stream=stream, account=account, why=connection.why_closed)


def _listen_keys(route: str, names: list[str], params: dict[str, str]) -> list[str]:
    """Return the listen keys in the path or the query; several are joined by a slash."""
    asked = [key for key in params.get("listenKey", "").split("/") if key]
    if route == PRIVATE:
        return asked + names
    return asked + [name for name in names if _LISTEN_KEY.fullmatch(name)] if not route else []
