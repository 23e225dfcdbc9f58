"""The HTTP client before a venue: headers, refusals, timeouts, clocks, and what it keeps quiet."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from nautilus_trader.adapters.binance import factories
from nautilus_trader.adapters.binance.common.enums import BinanceAccountType
from nautilus_trader.adapters.binance.futures.http.account import BinanceFuturesAccountHttpAPI
from nautilus_trader.adapters.binance.http import client as stock_http
from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.adapters.binance.http.error import BinanceClientError
from nautilus_trader.common.component import LiveClock
from nautilus_trader.core.nautilus_pyo3 import HttpClient, HttpMethod, HttpTimeoutError

from adapters.http import GuardedBinanceHttpClient
from risk.events import VenueEventKind
from tests.hop_kit import Hop, Keys, hop, settings_of
from venue.engine.errors import VenueError
from venue.wire.hooks import Reaction

TIME = "/fapi/v1/time"
POSITIONS = "/fapi/v3/positionRisk"
TOO_MANY = {"code": -1003, "msg": "Too many requests."}
Scene = Callable[[Hop], Awaitable[None]]


def play(scene: Scene, **settings: Any) -> None:
    async def main() -> None:
        async with hop(**settings) as rig:
            await scene(rig)

    asyncio.run(main())


def test_used_weight_and_order_counts_are_read_from_every_answer():
    async def scene(rig: Hop) -> None:
        await rig.http.send_request(HttpMethod.GET, TIME)
        first = rig.http.budget.snapshot().weight_1m
        await rig.send(rig.approve(rig.limit()))
        with pytest.raises(BinanceClientError):
            await rig.http.sign_request(
                HttpMethod.GET, "/fapi/v1/order", {"symbol": "BTCUSDT", "orderId": "1"}
            )

        seen = rig.http.budget.snapshot()
        assert first >= 1
        assert seen.weight_1m > first, "an error's headers count like any other's"
        assert (seen.orders_10s, seen.orders_1m) == (1, 1)

    play(scene)


def test_the_stock_client_reads_no_header_and_waits_for_ever():
    """Kept as proof: when this fails, NautilusTrader has mended it."""

    async def scene(rig: Hop) -> None:
        stock = BinanceHttpClient(LiveClock(), None, None, rig.venue.rest_url)
        raw = await stock._client.request(HttpMethod.GET, url=rig.venue.rest_url + TIME)
        rig.requests.next_time("GET", TIME, Reaction(delay_ms=60_000))
        waiting = asyncio.create_task(stock.send_request(HttpMethod.GET, TIME))

        done, _ = await asyncio.wait({waiting}, timeout=3)

        assert raw.headers == {}
        assert not done
        waiting.cancel()

    play(scene)


def test_the_stock_clients_own_limits_are_of_no_request_that_it_sends(monkeypatch):
    """Kept as proof: its quotas name paths without the slash that its requests begin with."""
    quotas: list[str] = []

    def noted(keyed_quotas, **_options):
        quotas.extend(key for key, _ in keyed_quotas)
        return HttpClient()

    monkeypatch.setattr(stock_http, "HttpClient", noted)
    client = factories.get_cached_binance_http_client.__wrapped__(
        LiveClock(), BinanceAccountType.USDT_FUTURES, "key", "secret"
    )
    account = BinanceFuturesAccountHttpAPI(client, LiveClock(), BinanceAccountType.USDT_FUTURES)
    endpoint = account._endpoint_order._ratelimiter_key

    assert endpoint == "binance:/fapi/v1/order"
    assert "binance:fapi/v1/order" in quotas
    assert endpoint not in quotas


def test_an_answer_that_does_not_come_ends_in_a_timeout():
    async def scene(rig: Hop) -> None:
        rig.requests.next_time("GET", TIME, Reaction(delay_ms=60_000))

        with pytest.raises(HttpTimeoutError):
            await rig.http.send_request(HttpMethod.GET, TIME)

        assert rig.http.budget.snapshot().weight_1m <= 1, "it is counted no more"

    play(scene, settings={"http_timeout_sec": 1})


def test_after_a_429_entries_do_not_leave_but_exits_do():
    async def scene(rig: Hop) -> None:
        await rig.send(rig.approve(rig.market()))
        entry, stop = rig.approve(rig.limit()), rig.approve(rig.stop())
        rig.requests.next_time("GET", TIME, Reaction(answer=(429, TOO_MANY)))
        with pytest.raises(BinanceClientError):
            await rig.http.send_request(HttpMethod.GET, TIME)
        before = rig.requests.writes()

        with pytest.raises(BinanceClientError, match="VENUE_RATE_LIMITED"):
            await rig.send(entry)
        await rig.send_stop(stop)

        assert rig.requests.writes() == [*before, ("POST", "/fapi/v1/algoOrder")]
        assert [e.kind for e in rig.told] == [VenueEventKind.RATE_LIMITED]

    play(scene)


def test_a_418_is_told_as_a_ban():
    async def scene(rig: Hop) -> None:
        rig.requests.next_time("GET", TIME, Reaction(answer=(418, TOO_MANY)))
        with pytest.raises(BinanceClientError):
            await rig.http.send_request(HttpMethod.GET, TIME)

        with pytest.raises(BinanceClientError, match="VENUE_RATE_LIMITED"):
            await rig.http.send_request(HttpMethod.GET, TIME)

        assert [e.kind for e in rig.told] == [VenueEventKind.BANNED]
        assert rig.http.budget.snapshot().is_banned

    play(scene)


def test_a_refused_timestamp_measures_the_clock_and_asks_again_once():
    async def scene(rig: Hop) -> None:
        await rig.api.query_futures_hedge_mode()
        refused = (400, {"code": -1021, "msg": "Timestamp for this request was ahead"})
        path = "/fapi/v1/positionSide/dual"
        rig.requests.next_time("GET", path, Reaction(answer=refused))
        rig.requests.seen.clear()

        await rig.api.query_futures_hedge_mode()

        paths = [r.path for r in rig.requests.seen]
        assert paths.count(path) == 2
        assert TIME in paths

    play(scene)


def test_a_refused_timestamp_never_sends_an_order_twice():
    async def scene(rig: Hop) -> None:
        order = rig.approve(rig.limit())
        refused = (400, {"code": -1021, "msg": "Timestamp for this request was ahead"})
        rig.requests.next_time(
            "POST", "/fapi/v1/order", Reaction(engine_acts=False, answer=refused)
        )

        with pytest.raises(BinanceClientError, match="-1021"):
            await rig.send(order)

        assert rig.requests.writes() == [("POST", "/fapi/v1/order")]

    play(scene)


@pytest.mark.parametrize("skew_ms", [-30_000, 30_000])
def test_with_a_clock_that_is_wrong_requests_still_arrive_and_the_offset_is_told(skew_ms):
    async def scene(rig: Hop) -> None:
        rig.venue.wire.clock_skew_ms = skew_ms

        await rig.send(rig.approve(rig.limit()))

        assert len(await working(rig, skew_ms)) == 1
        assert rig.http.venue_clock.offset_ms == pytest.approx(skew_ms, abs=500)
        assert [e.kind for e in rig.told] == [VenueEventKind.CLOCK_OFFSET]

    play(scene)


async def working(rig: Hop, skew_ms: int) -> list[Any]:
    now = time.time_ns() // 1_000_000 + skew_ms
    answer = await rig.rest.call("GET", "/fapi/v1/openOrders", timestamp=now)
    return list(answer.body)


def test_the_stock_client_is_locked_out_by_a_clock_that_is_wrong():
    """Kept as proof: when this fails, NautilusTrader has mended it."""

    async def scene(rig: Hop) -> None:
        rig.venue.wire.clock_skew_ms = -30_000
        keys = rig.venue.keys.of("main")
        stock = BinanceHttpClient(LiveClock(), keys.key, keys.secret, rig.venue.rest_url)
        now = str(time.time_ns() // 1_000_000)

        with pytest.raises(BinanceClientError, match="-1021"):
            await stock.sign_request(
                HttpMethod.GET, "/fapi/v1/positionSide/dual", {"timestamp": now}
            )

    play(scene)


def test_a_lost_connection_tells_no_signature_and_no_key():
    async def scene(rig: Hop) -> None:
        await rig.http.venue_clock.ensure()
        await rig.venue.stop()

        with pytest.raises(Exception) as lost:  # noqa: PT011 - whatever the transport raises
            await rig.http.sign_request(HttpMethod.GET, "/fapi/v3/balance", {})

        text = repr(lost.value) + str(lost.value) + repr(lost.value.__cause__)
        keys = rig.venue.keys.of("main")
        assert "signature=***" in text
        assert keys.key not in text
        assert keys.secret not in text

    play(scene)


def test_the_venues_own_limits_are_learned_from_exchange_info():
    async def scene(rig: Hop) -> None:
        info = {"rateLimits": [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE",
                                "intervalNum": 1, "limit": 6_000}]}  # fmt: skip
        path = "/fapi/v1/exchangeInfo"
        rig.requests.next_time("GET", path, Reaction(answer=(200, info)))

        await rig.http.send_request(HttpMethod.GET, path)

        assert rig.http.budget.snapshot().weight_1m_max == 6_000

    play(scene)


def test_one_client_knows_nothing_of_another_ones_approvals():
    async def scene(rig: Hop) -> None:
        order = rig.approve(rig.limit())
        keys = rig.venue.keys.of("main")
        other = GuardedBinanceHttpClient(
            LiveClock(), settings_of(rig.venue), Keys(keys.key, keys.secret), tell=rig.told.append
        )
        params = {"symbol": "BTCUSDT", "newClientOrderId": order.client_order_id.value}

        await rig.refused(other.sign_request(HttpMethod.POST, "/fapi/v1/order", params))

        await rig.send(order)
        assert [e.kind for e in rig.told] == [VenueEventKind.UNAPPROVED_REQUEST]

    play(scene)


def test_a_key_that_the_venue_refuses_again_and_again_is_told():
    async def scene(rig: Hop) -> None:
        refused = Reaction(refuse=VenueError(-2015, "Invalid API-key.", 401))
        for asked in (4, 2):
            for _ in range(asked):
                rig.requests.next_time("GET", POSITIONS, refused)
                with pytest.raises(BinanceClientError):
                    await rig.http.sign_request(HttpMethod.GET, POSITIONS)
            await rig.http.sign_request(HttpMethod.GET, POSITIONS)

        assert [event.kind for event in rig.told] == [VenueEventKind.KEY_REFUSED]

    play(scene)
