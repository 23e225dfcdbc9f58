"""The user-data stream: comes back after whatever ended it, and says when it is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nautilus_trader.adapters.binance.common.urls import get_futures_user_stream_url
from nautilus_trader.adapters.binance.websocket.user import BinanceUserDataWebSocketClient
from nautilus_trader.core.nautilus_pyo3 import WebSocketClient, WebSocketConfig

NANOS = 1_000_000_000
CLOSE_SECS_MAX = 5.0


@dataclass(frozen=True, slots=True)
class StreamPatience:
    """
    How long the stream may be away or silent.

    Parameters
    ----------
    lost_secs : float
        Time away after which it counts as lost, seconds (> 0).
    silence_secs : float
        Time without any frame after which it is taken as dead, seconds (> 0). Binance pings every
        three minutes (User Data Streams).
    retry_secs_first, retry_secs_max : float
        Waits between attempts: doubled from the first to the longest, seconds (> 0).
    connect_secs_max : float
        Longest wait for a connection to open, seconds (> 0).

    """

    lost_secs: float = 3.0
    silence_secs: float = 200.0
    retry_secs_first: float = 0.25
    retry_secs_max: float = 5.0
    connect_secs_max: float = 10.0


class HardenedUserStream(BinanceUserDataWebSocketClient):  # type: ignore[misc]
    """
    NautilusTrader's user stream, which never gives up.

    Whatever ends it (a refused or expired listen key, a failed keep-alive, a lost or frozen
    connection), it subscribes anew until that has succeeded and the reconciliation with it.

    Parameters
    ----------
    patience : StreamPatience
        How long it may be away or silent.
    on_lost : Callable
        Told, with the seconds away, when it counts as lost.
    on_back : Callable
        Told when it is there again, and reconciled.

    """

    _stream_client: WebSocketClient | None
    _subscription_id: str | None

    def __init__(
        self,
        *,
        patience: StreamPatience,
        on_lost: Callable[[float], None],
        on_back: Callable[[], None],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not self._use_rest_listen_key:
            raise ValueError("the user stream needs an HMAC key: others log on to a trading socket")
        self._patience = patience
        self._on_lost = on_lost
        self._on_back = on_back
        self._ts_frame = 0
        self._ts_away: int | None = None
        self._is_lost = False
        self._is_again_wanted = False
        self._watch_task: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """Whether the stream is subscribed, reconciled and connected."""
        client = self._stream_client
        return (
            client is not None
            and not self._recovery_lock.locked()
            and client.is_active()
            and not client.is_reconnecting()
        )

    def renew(self, reason: str) -> None:
        """Subscribe anew, for instance because an event did not come that should have."""
        self._log.warning(f"Renewing the user stream: {reason}")
        self._loop.create_task(self._resubscribe())

    async def connect(self) -> None:
        """Make ready to subscribe."""
        await super().connect()
        self._ts_frame = self._clock.timestamp_ns()
        self._watch_task = self._loop.create_task(self._watch())

    async def disconnect(self) -> None:
        """Close the stream for good."""
        if self._watch_task is not None:
            self._watch_task.cancel()
            self._watch_task = None
        await super().disconnect()

    # -- recovery -----------------------------------------------------------------------------------

    async def _resubscribe(self) -> None:
        if self._recovery_lock.locked():
            self._is_again_wanted = True  # What ended it now may have come after the last attempt.
            return
        async with self._recovery_lock:
            self._is_again_wanted = True
            while self._is_again_wanted:
                self._is_again_wanted = False
                await self._resubscribe_locked()

    async def _resubscribe_locked(self) -> bool:
        delay = self._patience.retry_secs_first
        while self._watch_task is not None:
            self._subscription_id = None
            self._cancel_keepalive()
            await self._disconnect_stream()
            try:
                await self._subscribe_rest(pre_dispatch_hook=self._on_resubscribe)
            except Exception as e:  # noqa: BLE001 - whatever it was, it is tried again
                self._log.warning(f"Cannot subscribe to user data, trying again: {e!r}")
                await asyncio.sleep(delay)
                delay = min(delay * 2, self._patience.retry_secs_max)
            else:
                self._log.warning("Subscribed to user data anew, and reconciled")
                return True
        await self._disconnect_stream()  # closed for good while it was subscribing
        return False

    async def _safe_pre_dispatch_hook(self, hook: Callable[[], Any]) -> None:
        await hook()  # Not reconciled is not subscribed: the error leads to another attempt.

    async def _connect_stream(self, listen_key: str) -> None:
        url = get_futures_user_stream_url(self._account_type, self._stream_base_url, listen_key)
        config = WebSocketConfig(
            url=url, headers=[], heartbeat=20, proxy_url=self._proxy_url,
            reconnect_delay_initial_ms=int(self._patience.retry_secs_first * 1_000),
            reconnect_delay_max_ms=int(self._patience.retry_secs_max * 1_000),
        )  # fmt: skip
        opening = WebSocketClient.connect(
            loop_=self._loop, config=config, handler=self._handle_stream_message,
            ping_handler=self._handle_ping, post_reconnection=self._handle_stream_reconnect,
        )  # fmt: skip
        self._stream_client = await asyncio.wait_for(opening, self._patience.connect_secs_max)
        self._ts_frame = self._clock.timestamp_ns()

    async def _disconnect_stream(self) -> None:
        client, self._stream_client = self._stream_client, None
        if client is None:
            return
        try:
            await asyncio.wait_for(client.disconnect(), CLOSE_SECS_MAX)
        except Exception as e:  # noqa: BLE001 - it is given up either way
            self._log.warning(f"Error closing the user stream: {e!r}")

    # -- watch --------------------------------------------------------------------------------------

    def _handle_stream_message(self, raw: bytes) -> None:
        self._ts_frame = self._clock.timestamp_ns()
        super()._handle_stream_message(raw)

    def _handle_ping(self, _payload: bytes) -> None:
        self._ts_frame = self._clock.timestamp_ns()

    async def _watch(self) -> None:
        """Look often enough to see a loss within a quarter of the time that is allowed."""
        period = min(self._patience.lost_secs, self._patience.silence_secs) / 4
        while True:
            await asyncio.sleep(period)
            if self._subscription_id is None and self._ts_away is None and not self._is_recovering:
                continue  # not subscribed for the first time yet
            try:
                self._judge(self._clock.timestamp_ns())
            except Exception as e:  # noqa: BLE001 - a watch that ends leaves a node deaf
                self._log.exception("The watch over the user stream failed", e)

    @property
    def _is_recovering(self) -> bool:
        return bool(self._recovery_lock.locked())

    def _judge(self, now_ns: int) -> None:
        silent_secs = (now_ns - self._ts_frame) / NANOS
        if self.is_up and silent_secs > self._patience.silence_secs:
            self.renew(f"no frame for {silent_secs:.1f} s")
            self._ts_away = self._ts_frame
            self._ts_frame = now_ns
        elif self.is_up:
            self._ts_away = None
            if self._is_lost:
                self._is_lost = False
                self._on_back()
            return
        if self._ts_away is None:
            self._ts_away = now_ns
        away_secs = (now_ns - self._ts_away) / NANOS
        if not self._is_lost and away_secs > self._patience.lost_secs:
            self._is_lost = True
            self._on_lost(away_secs)
