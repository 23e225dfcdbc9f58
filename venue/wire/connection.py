"""One WebSocket: its own outgoing queue, its own pace, and the venue's rules of conduct."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import ClientError, WSCloseCode, WSMsgType, web

if TYPE_CHECKING:
    from collections.abc import Callable

    from venue.wire.gate import Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketOptions:
    """
    The venue's habits with a WebSocket.

    Attributes
    ----------
    ping_secs : float
        Interval of the venue's own pings (Binance: three minutes).
    pong_secs : float
        A connection that has not answered a ping for so long is dropped (Binance: ten minutes).
    life_secs : float
        A connection ends after so long (Binance: 24 hours).
    inbound_per_sec_max : int
        Messages a client may send in one second, pings and pongs counted (Binance: 10).
    streams_max : int
        Streams of one connection (Binance: 1024).
    queue_max : int
        Messages that may wait for a slow client; one more and the connection is dropped.

    """

    ping_secs: float = 180.0
    pong_secs: float = 600.0
    life_secs: float = 86_400.0
    inbound_per_sec_max: int = 10
    streams_max: int = 1_024
    queue_max: int = 20_000


class Connection:
    """
    A client's WebSocket.

    ``send`` never waits: a message joins the queue of this connection, which one task empties, so
    that a client who does not read delays nobody but himself, until his queue is full and he is
    dropped.

    """

    def __init__(self, request: web.BaseRequest, options: SocketOptions, gate: Gate) -> None:
        self._request = request
        self._options = options
        self._gate = gate
        self._queue: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._socket = web.WebSocketResponse(autoping=False, compress=False)
        self._inbound: deque[float] = deque()
        self._heard = 0.0
        self.why_closed = ""

    @property
    def waiting(self) -> int:
        """How many messages the client has not taken yet."""
        return len(self._queue)

    def send(self, message: bytes) -> bool:
        """Queue a text message; return False when the connection is over."""
        if self.why_closed:
            return False
        if len(self._queue) >= self._options.queue_max:
            self.drop("slow consumer")
            return False
        self._queue.append(message)
        self._wake.set()
        return True

    def drop(self, why: str) -> None:
        """End the connection without a farewell, as a broken line does."""
        if not self.why_closed:
            self.why_closed = why
        self._queue.clear()
        if self._request.transport is not None:
            self._request.transport.abort()

    async def run(
        self, on_text: Callable[[str], object], on_open: Callable[[], object]
    ) -> web.WebSocketResponse:
        """Shake hands, call *on_open*, and pass each text to *on_text* until the end."""
        loop = asyncio.get_running_loop()
        await self._socket.prepare(self._request)
        self._heard = loop.time()
        on_open()
        tasks = [asyncio.create_task(job()) for job in (self._write, self._ping, self._end_of_life)]
        try:
            await self._read(on_text)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.why_closed = self.why_closed or "the line ended"
        return self._socket

    async def _read(self, on_text: Callable[[str], object]) -> None:
        loop = asyncio.get_running_loop()
        async for message in self._socket:
            self._heard = loop.time()
            await self._gate.passed()
            if not self._count_inbound(self._heard):
                self.why_closed = "too many messages"
                await self._socket.close(
                    code=WSCloseCode.POLICY_VIOLATION, message=b"Too many requests"
                )
                return
            if message.type is WSMsgType.TEXT:
                on_text(message.data)
            elif message.type is WSMsgType.PING:
                await self._socket.pong(message.data)

    def _count_inbound(self, now: float) -> bool:
        while self._inbound and now - self._inbound[0] >= 1.0:
            self._inbound.popleft()
        self._inbound.append(now)
        return len(self._inbound) <= self._options.inbound_per_sec_max

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError, ClientError):
            while True:
                await self._wake.wait()
                await self._gate.passed()
                while self._queue:
                    await self._socket.send_frame(self._queue.popleft(), WSMsgType.TEXT)
                self._wake.clear()

    async def _ping(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError, ClientError):
            while True:
                await asyncio.sleep(self._options.ping_secs)
                if loop.time() - self._heard > self._options.pong_secs:
                    self.drop("no pong")
                    return
                await self._gate.passed()
                await self._socket.ping(b"%d" % int(loop.time()))

    async def _end_of_life(self) -> None:
        await asyncio.sleep(self._options.life_secs)
        self.why_closed = "24 hours are over"
        await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"24 hours")
