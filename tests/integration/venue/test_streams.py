"""The venue's WebSockets: routes, subscriptions, limits, user data, and a client that is slow."""

import asyncio
import socket as sockets
from decimal import Decimal

import aiohttp

from tests.venue_kit import account, client, listening, local_venue, until, user_stream
from venue.wire.connection import SocketOptions

MARKET_ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}


def run(scene):
    asyncio.run(scene())


async def moved(venue, ear):
    """Move the market until something arrives."""
    price = Decimal(64_000)
    while not ear.messages:
        price += 1
        venue.move("BTCUSDT", price)
        await asyncio.sleep(0.005)


def test_a_stream_comes_raw_on_ws_and_wrapped_on_stream():
    async def scene():
        async with (
            local_venue() as venue,
            listening(f"{venue.ws_url}/public/ws/btcusdt@bookTicker") as raw,
            listening(f"{venue.ws_url}/public/stream?streams=btcusdt@bookTicker") as wrapped,
        ):
            await until(lambda: len(venue.wire.market_streams.wanted["btcusdt@bookTicker"]) == 2)
            venue.move("BTCUSDT", Decimal(61_000))
            await until(lambda: raw.messages and wrapped.messages)

            assert raw.messages[0]["a"] == "61000.00"
            assert wrapped.messages[0] == {
                "stream": "btcusdt@bookTicker",
                "data": raw.messages[0],
            }

    run(scene)


def test_a_stream_of_another_route_is_listed_and_stays_silent():
    async def scene():
        names = "btcusdt@bookTicker/btcusdt@aggTrade"
        async with (
            local_venue() as venue,
            listening(f"{venue.ws_url}/public/ws/{names}") as public,
            listening(f"{venue.ws_url}/market/ws/{names}") as market,
            listening(f"{venue.ws_url}/ws/{names}") as unrouted,
        ):
            ears = (public, market, unrouted)
            await until(lambda: len(venue.wire.market_streams.subscribers) == 3)
            for step in range(3):
                venue.move("BTCUSDT", Decimal(61_000 + step))
            await until(lambda: all(len(ear.messages) >= 3 for ear in ears))
            await public.socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            await until(lambda: {"result": names.split("/"), "id": 1} in public.messages)

            kinds = [{m.get("e") for m in ear.messages} - {None} for ear in ears]
            assert kinds == [{"bookTicker"}, {"aggTrade"}, {"bookTicker"}]

    run(scene)


def test_an_old_venue_sends_everything_without_a_route():
    async def scene():
        async with (
            local_venue(unrouted="all") as venue,
            listening(f"{venue.ws_url}/ws/btcusdt@aggTrade") as ear,
        ):
            await until(lambda: venue.wire.market_streams.wanted)
            await moved(venue, ear)

            assert ear.messages[0]["e"] == "aggTrade"

    run(scene)


def test_subscriptions_come_and_go_by_message():
    async def scene():
        async with local_venue() as venue, listening(f"{venue.ws_url}/public/ws") as ear:
            stream = ["btcusdt@bookTicker"]
            for number, method in enumerate(("SUBSCRIBE", "LIST_SUBSCRIPTIONS", "UNSUBSCRIBE")):
                await ear.socket.send_json({"method": method, "params": stream, "id": number})
            await until(lambda: len([m for m in ear.messages if "id" in m]) == 3)

            assert {"result": None, "id": 0} in ear.messages
            assert {"result": stream, "id": 1} in ear.messages
            assert {"result": None, "id": 2} in ear.messages
            assert venue.wire.market_streams.wanted == {}

    run(scene)


def test_what_is_no_command_is_answered_and_harms_nobody():
    async def scene():
        bad = (
            "{", "[]", '{"method":"SUBSCRIBE","id":-1}', '{"method":"BUY","params":[],"id":1}',
            '{"method":"SUBSCRIBE","params":"x","id":2}', '{"method":"SUBSCRIBE","params":[1],"id":3}',
        )  # fmt: skip
        async with local_venue() as venue, listening(f"{venue.ws_url}/public/ws") as ear:
            for text in bad:
                await ear.socket.send_str(text)
            await until(lambda: len(ear.messages) == len(bad))

            assert [m["error"]["code"] for m in ear.messages] == [3, 2, 2, 2, 2, 2]
            assert not ear.closed

    run(scene)


def test_the_last_stream_fits_and_one_more_does_not():
    async def scene():
        options = SocketOptions(streams_max=3)
        async with (
            local_venue(sockets=options) as venue,
            listening(f"{venue.ws_url}/public/ws/a@depth/b@depth") as ear,
        ):
            for number, names in enumerate((["c@depth"], ["d@depth"], ["a@depth"])):
                await ear.socket.send_json({"method": "SUBSCRIBE", "params": names, "id": number})
            await until(lambda: len(ear.messages) == 3)

            assert ear.messages[0] == {"result": None, "id": 0}
            assert "error" in ear.messages[1]
            assert ear.messages[2] == {"result": None, "id": 2}

    run(scene)


def test_ten_messages_in_a_second_pass_and_the_eleventh_ends_the_connection():
    async def scene():
        async with local_venue() as venue, listening(f"{venue.ws_url}/public/ws") as ear:
            for number in range(10):
                await ear.socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
            await until(lambda: len(ear.messages) == 10)
            await ear.socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 10})
            await until(lambda: ear.closed)

            assert ear.socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION

    run(scene)


def test_the_venue_pings_and_drops_who_does_not_answer():
    async def scene():
        options = SocketOptions(ping_secs=0.02, pong_secs=0.05)
        async with (
            local_venue(sockets=options) as venue,
            listening(f"{venue.ws_url}/public/ws", autoping=False) as ear,
        ):
            await until(lambda: ear.closed)

            (end,) = [line for line in venue.log.tail(99) if line["kind"] == "disconnect"]
            assert end["why"] == "no pong"

    run(scene)


def test_a_connection_ends_when_its_day_is_over():
    async def scene():
        options = SocketOptions(life_secs=0.05)
        async with (
            local_venue(sockets=options) as venue,
            listening(f"{venue.ws_url}/public/ws") as ear,
        ):
            await until(lambda: ear.closed)

            assert ear.socket.close_code == aiohttp.WSCloseCode.GOING_AWAY

    run(scene)


def test_user_events_arrive_in_the_order_in_which_they_happened():
    async def scene():
        async with local_venue() as venue, client(venue) as rest, user_stream(venue, rest) as ear:
            for number in range(5):
                await rest.ok(
                    "POST", "/fapi/v1/order", **MARKET_ORDER, newClientOrderId=f"c{number}"
                )
            await until(lambda: len(ear.of("ORDER_TRADE_UPDATE")) == 10)

            logged = [line["payload"] for line in venue.log.tail(999) if line["kind"] == "event"]
            assert ear.messages == logged
            updates = ear.of("ORDER_TRADE_UPDATE")
            assert [u["E"] for u in updates] == sorted(u["E"] for u in updates)
            assert [u["o"]["c"] for u in updates] == [f"c{n}" for n in range(5) for _ in "NT"]

    run(scene)


def test_user_events_go_to_their_owner_alone():
    async def scene():
        accounts = (account("main"), account("second"))
        async with (
            local_venue(accounts=accounts) as venue,
            client(venue) as main,
            client(venue, "second") as second,
            user_stream(venue, main) as ours,
            user_stream(venue, second) as theirs,
        ):
            await second.ok("POST", "/fapi/v1/order", **MARKET_ORDER, newClientOrderId="theirs")
            await main.ok("POST", "/fapi/v1/order", **MARKET_ORDER, newClientOrderId="ours")
            for name, ear in (("ours", ours), ("theirs", theirs)):
                await until(lambda ear=ear: len(ear.of("ORDER_TRADE_UPDATE")) == 2)
                assert {u["o"]["c"] for u in ear.of("ORDER_TRADE_UPDATE")} == {name}

    run(scene)


def test_a_skewed_venue_stamps_its_events_with_the_wrong_time():
    async def scene():
        async with local_venue() as venue, client(venue) as rest, user_stream(venue, rest) as ear:
            venue.wire.clock_skew_ms = 900_000
            told = (await rest.get("/fapi/v1/time"))["serverTime"]
            await rest.ok("POST", "/fapi/v1/order", timestamp=told, **MARKET_ORDER)
            await until(lambda: ear.of("ORDER_TRADE_UPDATE"))

            assert abs(ear.of("ORDER_TRADE_UPDATE")[0]["E"] - told) < 10_000

    run(scene)


def test_a_listen_key_works_in_each_documented_form():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            key = (await rest.send("POST", "/fapi/v1/listenKey")).body["listenKey"]
            base = f"{venue.ws_url}/private"
            async with (
                listening(f"{base}/ws/{key}") as path,
                listening(f"{base}/ws?listenKey={key}") as query,
                listening(f"{base}/ws?listenKey={key}&events=ACCOUNT_UPDATE") as some,
                listening(f"{base}/stream?listenKey={key}") as wrapped,
                listening(f"{base}/stream") as later,
                listening(f"{venue.ws_url}/ws?listenKey={key}") as unrouted,
            ):
                await later.socket.send_json({"method": "SUBSCRIBE", "params": [key], "id": 1})
                await until(lambda: later.messages == [{"result": None, "id": 1}])
                await until(lambda: len(venue.wire.user_streams.streams) == 6)
                await rest.ok("POST", "/fapi/v1/order", **MARKET_ORDER)
                ears = (path, query, some, wrapped, later)
                await until(lambda: all(ear.of("ACCOUNT_UPDATE") for ear in ears))
                await until(lambda: path.of("ORDER_TRADE_UPDATE"))

                assert not some.of("ORDER_TRADE_UPDATE")
                assert wrapped.messages[0]["stream"] == key
                assert unrouted.messages == []

    run(scene)


def test_an_expired_key_is_told_once_and_then_nothing_more_comes():
    async def scene():
        async with local_venue() as venue, client(venue) as rest, user_stream(venue, rest) as ear:
            venue.wire.expire_listen_keys()
            await until(lambda: ear.of("listenKeyExpired"))
            refused = await rest.send("PUT", "/fapi/v1/listenKey")
            await rest.ok("POST", "/fapi/v1/order", **MARKET_ORDER)

            assert refused.body["code"] == -1125
            events = [line for line in venue.log.tail(99) if line["kind"] == "event"]
            assert [line["sent"] for line in events] == [True] + [False] * (len(events) - 1)
            assert len(events) > 1
            assert [m["e"] for m in ear.messages] == ["listenKeyExpired"]
            assert not ear.closed

    run(scene)


def test_a_key_dies_by_itself_when_nobody_extends_it():
    async def scene():
        async with (
            local_venue(listen_key_secs=0.05) as venue,
            client(venue) as rest,
            user_stream(venue, rest) as ear,
        ):
            await until(lambda: ear.of("listenKeyExpired"))

    run(scene)


def test_a_closed_key_ends_its_connections():
    async def scene():
        async with local_venue() as venue, client(venue) as rest, user_stream(venue, rest) as ear:
            assert (await rest.send("DELETE", "/fapi/v1/listenKey")).status == 200
            await until(lambda: ear.closed)

    run(scene)


def test_dropped_streams_end_and_what_happens_meanwhile_is_lost():
    async def scene():
        async with local_venue() as venue, client(venue) as rest, user_stream(venue, rest) as ear:
            assert venue.wire.drop_user_streams() == 1
            await until(lambda: ear.closed)
            await until(lambda: not venue.wire.user_streams.streams)
            await rest.ok("POST", "/fapi/v1/order", **MARKET_ORDER)

            events = [line for line in venue.log.tail(99) if line["kind"] == "event"]
            assert events
            assert not any(line["sent"] for line in events)

    run(scene)


def test_a_frozen_venue_answers_nothing_until_it_thaws():
    async def scene():
        async with local_venue() as venue, client(venue) as rest, user_stream(venue, rest) as ear:
            venue.wire.freeze(True)
            pending = asyncio.create_task(rest.call("POST", "/fapi/v1/order", **MARKET_ORDER))
            done, _ = await asyncio.wait({pending}, timeout=0.2)
            assert not done
            assert not ear.messages

            venue.wire.freeze(False)
            assert (await pending).status == 200
            await until(lambda: ear.of("ORDER_TRADE_UPDATE"))

    run(scene)


def test_an_outage_resets_every_connection_and_ends_on_the_same_port():
    async def scene():
        async with local_venue() as venue, client(venue) as rest, user_stream(venue, rest) as ear:
            url = venue.rest_url
            venue.wire.outage(True)
            await until(lambda: ear.closed)
            for _ in range(3):
                try:
                    await rest.get("/fapi/v1/ping")
                except aiohttp.ClientError:
                    continue
                raise AssertionError("a venue that is out has answered")

            venue.wire.outage(False)
            assert venue.rest_url == url
            await rest.get("/fapi/v1/ping")

    run(scene)


def test_a_slow_client_delays_nobody_and_is_dropped():
    async def scene():
        options = SocketOptions(queue_max=2_000)
        async with (
            local_venue(sockets=options) as venue,
            listening(f"{venue.ws_url}/public/ws/btcusdt@bookTicker") as quick,
        ):
            slow = await connect_and_never_read(venue)
            await until(lambda: len(venue.wire.market_streams.subscribers) == 2)
            sent = 0
            while len(venue.wire.market_streams.subscribers) == 2:
                for _ in range(100):
                    venue.wire.publish("btcusdt@bookTicker", {"e": "bookTicker", "u": sent})
                    sent += 1
                await asyncio.sleep(0.001)
                assert sent < 200_000
            await until(lambda: len(quick.messages) >= sent)
            taken = [m["u"] for m in quick.messages if m.get("e") and "b" not in m]
            assert taken == list(range(sent))
            slow.close()

            (end,) = [line for line in venue.log.tail(99) if line["kind"] == "disconnect"]
            assert end["why"] == "slow consumer"

    run(scene)


async def connect_and_never_read(venue) -> sockets.socket:
    host, _, port = venue.ws_url.removeprefix("ws://").partition(":")
    slow = sockets.socket()
    slow.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
    slow.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(slow, (host, int(port)))
    await loop.sock_sendall(
        slow,
        b"GET /public/ws/btcusdt@bookTicker HTTP/1.1\r\nHost: venue\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    return slow
