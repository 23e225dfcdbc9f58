"""Market data: a venue that falls silent is noticed, and what comes back is whole."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from nautilus_trader.adapters.binance.futures.data import BinanceFuturesDataClient
from nautilus_trader.adapters.binance.futures.providers import BinanceFuturesInstrumentProvider
from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.live.factories import LiveDataClientFactory

from adapters.config import ACCOUNT_TYPE
from tests.guarded_kit import GuardedNode, guarded_node
from tests.hop_kit import BTC

FAST = {"data_silence_sec_max": 1}
Scene = Callable[[GuardedNode], Awaitable[None]]


class StockDataFactory(LiveDataClientFactory):  # type: ignore[misc]
    """NautilusTrader's own market-data client."""

    @staticmethod
    def create(loop: Any, name: str, config: Any, msgbus: Any, cache: Any, clock: Any) -> Any:
        http = BinanceHttpClient(clock, None, None, config.base_url_http)
        provider = BinanceFuturesInstrumentProvider(
            http, clock, ACCOUNT_TYPE, config.instrument_provider
        )
        return BinanceFuturesDataClient(
            loop=loop, client=http, msgbus=msgbus, cache=cache, clock=clock, config=config,
            name=name, instrument_provider=provider, account_type=ACCOUNT_TYPE,
            base_url_ws=config.base_url_ws,
            base_url_ws_public=config.base_url_ws.replace("/market", "/public"),
        )  # fmt: skip


def play(scene: Scene, tmp_path: Path, **options: Any) -> None:
    async def main() -> None:
        async with guarded_node(tmp_path, **options) as node:
            await scene(node)

    asyncio.run(main())


def observed(node: GuardedNode, kind: str) -> list[str]:
    return [e.observed.split()[0] for e in node.events if e.kind.name == kind]


def test_a_frozen_venue_is_told_ends_new_risk_and_is_heard_again_when_it_thaws(tmp_path):
    async def scene(node: GuardedNode) -> None:
        node.venue.wire.freeze(True)
        await node.until(lambda: "FEED_SILENT" in node.kinds(), "the alarm")
        assert node.state == "ACTIVE"

        await node.until(lambda: "FEED_LOST" in node.kinds(), "the end of patience")
        assert node.state == "REDUCING"

        node.venue.wire.freeze(False)
        await node.until(lambda: "btcusdt@bookTicker" in observed(node, "FEED_BACK"), "quotes")
        quotes = node.trader.quotes
        await node.until(lambda: node.trader.quotes > quotes + 1, "quotes that go on")
        assert node.state == "REDUCING", "a person resumes"

    play(scene, tmp_path, settings=FAST)


def test_the_stock_client_does_not_notice_a_frozen_venue(tmp_path):
    """Kept as proof: when this fails, NautilusTrader has mended it."""

    async def scene(node: GuardedNode) -> None:
        said: list[Any] = []
        node.node.kernel.msgbus.subscribe("*", said.append)
        node.venue.wire.freeze(True)
        sockets = [*node.data_client._ws_public_client._clients.values()]
        end = asyncio.get_running_loop().time() + 4
        await node.until(lambda: asyncio.get_running_loop().time() > end, "four silent seconds")

        assert all(socket.is_active() for socket in sockets)
        assert [*node.data_client._ws_public_client._clients.values()] == sockets
        assert node.data_client.is_connected
        assert [e for e in said if "FEED" in repr(e)] == []
        node.venue.wire.freeze(False)

    play(scene, tmp_path, settings=FAST, data_factory=StockDataFactory)


def test_one_stream_that_stops_among_others_is_named_and_comes_back_on_a_new_connection(tmp_path):
    async def scene(node: GuardedNode) -> None:
        node.requests.is_dropped = lambda stream, _: stream.endswith("@bookTicker")
        await node.until(lambda: "FEED_SILENT" in node.kinds(), "the alarm")
        assert set(observed(node, "FEED_SILENT")) == {"btcusdt@bookTicker"}
        before = node.data_client._ws_public_client._clients[0]

        await node.until(
            lambda: node.data_client._ws_public_client._clients[0] not in {before, None},
            "a new connection",
        )
        node.requests.is_dropped = lambda _stream, _payload: False
        await node.until(lambda: "FEED_BACK" in node.kinds(), "quotes")

    play(scene, tmp_path, settings=FAST, market="generated")


def test_a_dropped_connection_comes_back_with_every_subscription(tmp_path):
    async def scene(node: GuardedNode) -> None:
        node.venue.wire.drop_market_streams()
        quotes = node.trader.quotes

        await node.until(lambda: node.trader.quotes > quotes + 2, "quotes")
        await book_is_true(node)

    play(scene, tmp_path, settings={"data_silence_sec_max": 5}, market="generated")


def test_a_book_that_missed_a_change_is_taken_from_a_new_snapshot(tmp_path):
    async def scene(node: GuardedNode) -> None:
        await book_is_true(node)
        dropped: list[Any] = []

        def drop_one(stream: str, payload: Any) -> bool:
            if "@depth" not in stream or dropped:
                return False
            dropped.append(payload)
            return True

        node.requests.is_dropped = drop_one

        await node.until(lambda: "BOOK_RESYNCED" in node.kinds(), "the gap to be noticed")
        await book_is_true(node)
        assert node.kinds() == ["BOOK_RESYNCED"]

    play(scene, tmp_path, market="generated")


async def book_is_true(node: GuardedNode) -> None:
    """Wait until the local book is, level by level, the one that the venue shows."""
    end = asyncio.get_running_loop().time() + 20
    while True:
        rest = await node.rest.get("/fapi/v1/depth", symbol="BTCUSDT", limit=1000)
        book = node.cache.order_book(BTC)
        if book is not None and all(
            levels(shown) == {(Decimal(p), Decimal(q)) for p, q in rest[side]}
            for side, shown in (("bids", book.bids()), ("asks", book.asks()))
        ):
            return
        assert asyncio.get_running_loop().time() < end, "the books differ"


def levels(shown: list[Any]) -> set[tuple[Decimal, Decimal]]:
    return {(level.price.as_decimal(), Decimal(str(level.size()))) for level in shown}
