"""The market-data client: NautilusTrader's own, with a watch over every stream and every book."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from nautilus_trader.adapters.binance.futures.data import BinanceFuturesDataClient
from nautilus_trader.adapters.binance.websocket.client import BinanceWebSocketClient
from nautilus_trader.data.messages import UnsubscribeMarkPrices
from nautilus_trader.model.data import OrderBookDeltas
from nautilus_trader.model.identifiers import InstrumentId

from adapters.books import BookChain
from adapters.clock import VenueClock
from adapters.watchdog import StreamWatch
from risk.events import VenueEvent, VenueEventKind, publish_venue_event

CONNECT_SEC_MAX = 5
CLOSE_SEC_MAX = 2
DEPTH_MS = 100
MARK_PRICE_MS = 1_000
"""As NautilusTrader subscribes to them; it cannot unsubscribe by itself."""
LOOKS_A_SILENCE = 4
"""The watch looks this often within the longest silence."""


class RenewableSocket(BinanceWebSocketClient):  # type: ignore[misc]
    """
    NautilusTrader's streaming client, whose connections can be replaced by new ones.

    Where nobody asks for a speed of the book, the fastest documented one is meant, 100 ms;
    NautilusTrader asks for 0 ms, which Binance does not document.

    """

    async def subscribe_diff_book_depth(self, symbol: str, speed: int) -> None:
        await super().subscribe_diff_book_depth(symbol, speed or DEPTH_MS)

    async def subscribe_partial_book_depth(self, symbol: str, depth: int, speed: int) -> None:
        await super().subscribe_partial_book_depth(symbol, depth, speed or DEPTH_MS)

    async def renew(self) -> None:
        """
        Drop every connection, answered or not, and subscribe to the same streams anew.

        Raises
        ------
        Exception
            If the venue does not take the new connection; the next call tries again.

        """
        for client_id, streams in list(self._client_streams.items()):
            old, self._clients[client_id] = self._clients.get(client_id), None
            if old is not None:
                await _give_up_after(CLOSE_SEC_MAX, old.disconnect())
            if streams:
                connecting = self._connect_client(client_id, list(streams))
                await asyncio.wait_for(connecting, CONNECT_SEC_MAX)


async def _give_up_after(secs: float, ending: Any) -> None:
    """Wait for an end that a peer who says nothing may never confirm."""
    try:
        await asyncio.wait_for(ending, secs)
    except Exception:  # noqa: BLE001 - the connection is given up either way
        return


class HardenedDataClient(BinanceFuturesDataClient):  # type: ignore[misc]
    """
    Feeds a node from Binance USD-M Futures, and notices when it does not.

    Each connection and each steady stream is watched (see `StreamWatch`); what is silent is told
    and connected anew. Order books are taken from a new snapshot whenever a change is missing. The
    venue's clock is measured before the first data and every minute.

    Parameters
    ----------
    venue_clock : VenueClock
        Measures the venue's clock.
    silence_sec_max : int
        Longest silence of a subscribed stream, seconds (> 0).
    **kwargs
        Those of ``BinanceFuturesDataClient``.

    """

    def __init__(self, *, venue_clock: VenueClock, silence_sec_max: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._venue_clock = venue_clock
        self._look_sec = silence_sec_max / LOOKS_A_SILENCE
        self._chains: dict[InstrumentId, BookChain] = {}
        self._rebuilding: set[InstrumentId] = set()
        self._stale_books: set[InstrumentId] = set()
        self._handler_of: dict[str, Any] = {}
        self._ends: list[tuple[RenewableSocket, StreamWatch]] = []
        market, public = (
            self._watched("market", kwargs["base_url_ws"], silence_sec_max),
            self._watched("public", kwargs["base_url_ws_public"], silence_sec_max),
        )
        self._ws_client, self._ws_public_client = market, public
        self._tasks_of_ours: list[asyncio.Task[Any]] = []
        self._renewals: dict[str, asyncio.Task[None]] = {}

    def _watched(self, name: str, url: str, silence_sec_max: int) -> RenewableSocket:
        watch = StreamWatch(
            name, silence_sec_max=silence_sec_max, now_ns=self._clock.timestamp_ns, tell=self._tell
        )
        socket = RenewableSocket(
            clock=self._clock, handler=partial(self._hear, watch),
            handler_reconnect=self._reconnect, base_url=url, loop=self._loop,
        )  # fmt: skip
        self._ends.append((socket, watch))
        return socket

    def _tell(self, event: VenueEvent) -> None:
        self._log.warning(event.text)
        publish_venue_event(self._msgbus, event)

    @property
    def silences_sec(self) -> dict[str, float]:
        """How long each steady stream has been silent, by symbol and kind, seconds."""
        ages: dict[str, float] = {}
        for socket, watch in self._ends:
            watch.want(socket.subscriptions)
            ages |= watch.ages_sec()
        return ages

    # -- life cycle ---------------------------------------------------------------------------------

    async def _connect(self) -> None:
        await self._venue_clock.ensure()
        await super()._connect()
        self._tasks_of_ours = [
            self.create_task(self._venue_clock.run()),
            *(self.create_task(self._watch_over(*end)) for end in self._ends),
        ]

    async def _disconnect(self) -> None:
        for task in self._tasks_of_ours:
            task.cancel()
        await super()._disconnect()

    async def _watch_over(self, socket: RenewableSocket, watch: StreamWatch) -> None:
        while True:
            await asyncio.sleep(self._look_sec)
            try:
                self._look_at(socket, watch)
            except Exception as e:  # noqa: BLE001 - a watch that ends leaves a node blind
                self._log.exception(f"The watch over {watch.name} failed", e)

    def _look_at(self, socket: RenewableSocket, watch: StreamWatch) -> None:
        watch.want(socket.subscriptions)
        finding = watch.look()
        renewal = self._renewals.get(watch.name)
        if finding is not None and (renewal is None or renewal.done()):
            renewing = self._renew(socket, watch, finding.stream)
            self._renewals[watch.name] = self.create_task(renewing)
        for instrument_id in self._stale_books - self._rebuilding:
            self.create_task(self._order_book_snapshot_then_deltas(instrument_id))

    async def _renew(self, socket: RenewableSocket, watch: StreamWatch, stream: str) -> None:
        self._log.warning(f"Connecting {watch.name} anew: {stream} is silent")
        try:
            await socket.renew()
        except Exception as e:  # noqa: BLE001 - the watch finds it silent still, and tries again
            self._log.warning(f"Cannot connect {watch.name}: {e!r}")
            return
        if socket is self._ws_public_client:
            await self._reconnect()

    async def _unsubscribe_mark_prices(self, command: UnsubscribeMarkPrices) -> None:
        symbol = command.instrument_id.symbol.value
        await self._ws_client.unsubscribe_mark_price(symbol, speed=MARK_PRICE_MS)

    # -- messages -----------------------------------------------------------------------------------

    def _hear(self, watch: StreamWatch, raw: bytes) -> None:
        try:
            stream = self._decoder_data_msg_wrapper.decode(raw).stream
            if not stream:
                return  # the answer to a subscription
            watch.heard(stream)
            handler = self._handler_of.get(stream) or self._find_handler(stream)
            handler(raw)
        except Exception as e:  # noqa: BLE001 - the messages after this one must not be lost
            self._log.exception(f"Error handling websocket message {raw!r}", e)

    def _find_handler(self, stream: str) -> Any:
        for part, handler in self._ws_handlers.items():
            if part in stream:
                self._handler_of[stream] = handler
                return handler
        raise ValueError(f"unknown stream {stream}")

    # -- order books --------------------------------------------------------------------------------

    def _handle_book_diff_update(self, raw: bytes) -> None:
        diff = self._decoder_order_book_msg.decode(raw).data
        instrument_id = self._get_cached_instrument_id(diff.s)
        applied = self._chain(instrument_id).take(diff)
        if applied is None:
            observed = f"{instrument_id}: {diff.pu} before {diff.u}"
            now_ns = self._clock.timestamp_ns()
            kind = VenueEventKind.BOOK_RESYNCED
            self._tell(VenueEvent(kind, observed, "no update missing", now_ns))
            self._chain(instrument_id).begin()
            self.create_task(self._order_book_snapshot_then_deltas(instrument_id))
            return
        self._apply(instrument_id, applied)

    async def _order_book_snapshot_then_deltas(self, instrument_id: InstrumentId) -> None:
        """Build a book from a snapshot and what followed it; one that fails is tried again."""
        if instrument_id in self._rebuilding:
            return
        self._rebuilding.add(instrument_id)
        self._stale_books.add(instrument_id)
        chain = self._chain(instrument_id)
        chain.begin()
        try:
            snapshot: OrderBookDeltas = await self._http_market.request_order_book_snapshot(
                instrument_id=instrument_id, limit=self._book_depths[instrument_id],
                ts_init=self._clock.timestamp_ns(),
            )  # fmt: skip
        except Exception as e:  # noqa: BLE001 - the watch asks again
            self._log.warning(f"Cannot take a snapshot of {instrument_id}: {e!r}")
            return
        finally:
            self._rebuilding.discard(instrument_id)
        applied = chain.start(snapshot.sequence)
        if applied is None:
            return  # older than what is held: the watch asks again
        self._stale_books.discard(instrument_id)
        self._handle_data(snapshot)
        self._apply(instrument_id, applied)

    def _chain(self, instrument_id: InstrumentId) -> BookChain:
        return self._chains.setdefault(instrument_id, BookChain())

    def _apply(self, instrument_id: InstrumentId, diffs: list[Any]) -> None:
        ts_init = self._clock.timestamp_ns()
        for diff in diffs:
            self._handle_data(
                diff.parse_to_order_book_deltas(instrument_id=instrument_id, ts_init=ts_init)
            )
