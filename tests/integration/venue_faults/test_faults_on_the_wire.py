"""What a client on the wire meets when a fault strikes, and what the venue then holds."""

import asyncio
import json

import aiohttp
import pytest

from tests.venue_kit import client, listening, local_venue, until, user_stream
from venue.checkers.log import read_log
from venue.checkers.protection import episodes_of
from venue.checkers.run import Run
from venue.config import ConfigError

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
STOP = {
    "algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET",
    "quantity": "0.01", "triggerPrice": "60000", "reduceOnly": "true", "clientAlgoId": "sl-1",
}  # fmt: skip


def held(venue):
    return [row["amt"] for row in venue.exchange.truth("main")["positions"]]


@pytest.mark.parametrize(("is_executed", "then"), [(True, ["0.01"]), (False, [])])
def test_an_unknown_error_leaves_open_what_the_user_stream_tells(is_executed, then):
    async def scene():
        async with local_venue() as venue, client(venue) as rest, user_stream(venue, rest) as ear:
            venue.fault("unknown_error", {"count": 1, "args": {"is_executed": is_executed}})

            answer = await rest.call("POST", "/fapi/v1/order", **ORDER)

            assert (answer.status, answer.body["code"]) == (503, -1000)
            assert held(venue) == then
            if is_executed:
                await until(lambda: ear.of("ORDER_TRADE_UPDATE"))

    asyncio.run(scene())


def test_a_lost_reply_is_a_broken_connection_and_an_order_that_was_executed():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            venue.fault("reply_lost", {"count": 1})

            with pytest.raises(aiohttp.ClientError):
                await rest.call("POST", "/fapi/v1/order", **ORDER)

            assert held(venue) == ["0.01"]
            lost = [line for line in venue.log.tail(50) if line["kind"] == "answer"][-1]
            assert (lost["sent"], lost["status"]) == (False, 200)

    asyncio.run(scene())


def test_an_order_cannot_be_found_for_a_while_by_query_or_list():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            venue.fault("not_found_yet", {"for": "300ms", "args": {"within_ms": "1h"}})
            await rest.ok("POST", "/fapi/v1/algoOrder", **STOP)
            query = {"symbol": "BTCUSDT", "clientAlgoId": "sl-1"}

            answer = await rest.call("GET", "/fapi/v1/algoOrder", **query)
            assert answer.body["code"] == -2013
            assert await rest.ok("GET", "/fapi/v1/openAlgoOrders", symbol="BTCUSDT") == []

            await until(lambda: not venue.faults.listing()[0]["open"])
            await rest.ok("GET", "/fapi/v1/algoOrder", **query)
            assert len(await rest.ok("GET", "/fapi/v1/openAlgoOrders", symbol="BTCUSDT")) == 1

    asyncio.run(scene())


def test_events_of_a_gap_are_never_sent():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            async with user_stream(venue, rest) as ear:
                venue.fault("user_stream_dropped", {"for": "400ms"})
                await until(lambda: ear.closed)
                with pytest.raises(aiohttp.WSServerHandshakeError):
                    async with user_stream(venue, rest):
                        pass
                await rest.ok("POST", "/fapi/v1/order", **ORDER)
            await until(lambda: not venue.faults.listing()[0]["lasting"])
            async with user_stream(venue, rest) as ear:
                await rest.ok("POST", "/fapi/v1/order", **ORDER)
                await until(lambda: ear.of("TRADE_LITE"))
                assert len(ear.of("TRADE_LITE")) == 1
            assert held(venue) == ["0.02"]

    asyncio.run(scene())


def test_a_frozen_venue_answers_when_it_thaws():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            venue.fault("freeze", {"for": "300ms"})
            await until(lambda: venue.wire.gate.is_shut)

            asked = asyncio.create_task(rest.get("/fapi/v1/ping"))
            assert not asked.done()

            assert await asked == {}
            assert not venue.wire.gate.is_shut

    asyncio.run(scene())


def test_an_outage_ends():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            async with listening(f"{venue.ws_url}/public/ws/btcusdt@bookTicker") as ear:
                venue.fault("outage", {"for": "300ms"})
                await until(lambda: ear.closed)
                with pytest.raises(aiohttp.ClientError):
                    await rest.get("/fapi/v1/ping")
            await until(lambda: not venue.wire.is_out)
            assert await rest.get("/fapi/v1/ping") == {}

    asyncio.run(scene())


def test_a_storm_of_429_tells_when_to_come_back():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            venue.fault("rate_limited", {"count": 1})

            answer = await rest.call("GET", "/fapi/v3/account")

            assert (answer.status, answer.body["code"]) == (429, -1003)
            assert int(answer.headers["Retry-After"]) >= 0

    asyncio.run(scene())


def test_a_clock_that_runs_ahead_refuses_what_was_just_signed():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            venue.fault("clock_skew", {"args": {"skew_ms": "10s"}})
            await until(lambda: venue.wire.clock_skew_ms == 10_000)

            answer = await rest.call("GET", "/fapi/v3/account")

            assert answer.body["code"] == -1021

    asyncio.run(scene())


def test_a_silent_cancel_shows_in_the_log_as_a_position_without_its_stop(tmp_path):
    path = tmp_path / "wire.jsonl"

    async def scene():
        async with local_venue(wire_log=path) as venue, client(venue) as rest:
            await rest.ok("POST", "/fapi/v1/algoOrder", **STOP)
            await rest.ok("POST", "/fapi/v1/order", **ORDER)
            venue.fault("stop_canceled_silently", {})
            await until(lambda: not venue.exchange.truth("main")["open_algos"])
            start_ms = venue.clock.market_ms()
            await until(lambda: venue.clock.market_ms() > start_ms + 100)

    asyncio.run(scene())
    [episode] = episodes_of(Run(log=read_log(path)))
    assert episode.bare_ms >= 100


def test_the_control_address_arms_and_lists_faults():
    async def scene():
        async with local_venue() as venue, aiohttp.ClientSession() as session:
            entry = {"name": "overload", "for": "1h", "on": "order:BUY"}
            async with session.post(f"{venue.control_url}/fault", json=entry) as reply:
                assert await reply.json() == {"done": 1}
            async with session.get(f"{venue.control_url}/faults") as reply:
                told = await reply.json()
            assert told["armed"] == [
                {"name": "overload", "hits": 0, "open": True, "lasting": False}
            ]
            assert "reply_lost" in told["known"]
            wrong = {"name": "overload", "for": "soon"}
            async with session.post(f"{venue.control_url}/fault", json=wrong) as reply:
                assert reply.status == 400
                assert "for is 'soon', not a duration" in json.dumps(await reply.json())

    asyncio.run(scene())


def test_a_scenario_of_a_symbol_that_is_not_there_stops_the_start(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('[[fault]]\nname = "gap"\nat = "1h"\nargs = { symbol = "XUSDT" }\n')

    async def scene():
        async with local_venue(scenario=path):
            pass

    with pytest.raises(ConfigError, match="symbol is 'XUSDT', this venue has BTCUSDT, ETHUSDT"):
        asyncio.run(scene())
