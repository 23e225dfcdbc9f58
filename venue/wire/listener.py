"""The address clients connect to: HTTP and WebSockets on one port, and its outages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from venue.wire.rest import RestServer
from venue.wire.sockets import SocketServer

if TYPE_CHECKING:
    from venue.wire.wire import Wire

SHUTDOWN_SECS = 1.0


class _Reset(asyncio.Protocol):
    """Ends a connection the moment it is made."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class Listener:
    """
    Listens on one port, which it keeps through an outage: connections are then reset.

    Parameters
    ----------
    wire : Wire
        The state of the transport.

    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._rest = RestServer(wire)
        self._sockets = SocketServer(wire)
        self._web = web.Server(self._serve, access_log=None)
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, host, port, reuse_address=True)
        self._wire.on_outage(self.break_connections)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
            self.break_connections()
            await self._web.shutdown(SHUTDOWN_SECS)

    def break_connections(self) -> None:
        """Reset every connection."""
        for handler in list(self._web.connections):
            if handler.transport is not None:
                handler.transport.abort()

    def _protocol(self) -> asyncio.Protocol:
        return _Reset() if self._wire.is_out else self._web()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._sockets.serve(request)
        return await self._rest.answer(request)
