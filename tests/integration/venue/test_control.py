"""The control address, and the player behind it."""

import asyncio
import json
from decimal import Decimal

import aiohttp

from tests.venue_kit import client, listening, local_venue, until, user_stream
from venue.engine.symbols import builtin
from venue.market.events import Quote
from venue.market.market import Market
from venue.market.shape import Bend
from venue.wire.clock import VenueClock, wall_ms
from venue.wire.limits import LimitOptions
from venue.wire.reel import Reel

MINUTE = 60_000
BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}


def run(scene):
    return asyncio.run(scene())


async def ask(venue, method: str, name: str, **options):
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{venue.control_url}/{name}", **options) as reply,
    ):
        return reply.status, await reply.json()


def test_state_truth_and_log_can_be_read():
    async def scene():
        async with local_venue() as venue:
            _, state = await ask(venue, "GET", "state")
            _, truth = await ask(venue, "GET", "truth", params={"account": "main"})
            _, tail = await ask(venue, "GET", "log", params={"tail": "3"})

            assert state["prices"]["BTCUSDT"]["ask"] == "64000.00"
            assert state["accounts"] == ["main"]
            assert truth["main"] | {"ts": 0} == venue.exchange.truth("main") | {"ts": 0}
            last = tail[-1]["n"]
            assert [line["n"] for line in tail] == [last - 2, last - 1, last]
            assert last <= venue.log.lines

    run(scene)


def test_the_market_can_be_moved_and_stays_there():
    async def scene():
        async with (
            local_venue() as venue,
            listening(f"{venue.ws_url}/public/ws/btcusdt@bookTicker") as ear,
        ):
            await until(lambda: venue.wire.market_streams.wanted)
            status, _ = await ask(
                venue, "POST", "market", json={"symbol": "BTCUSDT", "price": "50000"}
            )
            played = venue.player.played
            await until(lambda: venue.player.played >= played + 12)

            assert status == 200
            assert {m["a"] for m in ear.messages[-2:]} == {"50000.00"}

    run(scene)


def test_what_cannot_be_done_is_said():
    async def scene():
        async with local_venue() as venue:
            bad = [
                ("market", {"symbol": "NOPE", "price": "1"}),
                ("market", {"symbol": "BTCUSDT", "price": "much"}),
                ("market", {"symbol": "BTCUSDT", "price": "-1"}),
                ("market", {"symbol": "BTCUSDT", "price": "1"}),
                ("speed", {"speed": 0}),
                ("step", {"n": 1}),
                ("step", {"n": "one"}),
                ("play_until", {}),
                ("fault", {"name": "no such fault"}),
                ("fault", {}),
            ]
            for name, body in bad:
                status, told = await ask(venue, "POST", name, json=body)
                assert status == 400, (name, body)
                assert told["error"].startswith(name)
            assert (await ask(venue, "GET", "nothing"))[0] == 404
            assert (await ask(venue, "GET", "truth", params={"account": "x"}))[0] == 400
            assert (await ask(venue, "POST", "shutdown", data="{}"))[0] == 400  # not JSON by type
            assert not venue.stopping.is_set()

    run(scene)


def test_it_can_be_told_to_end():
    async def scene():
        async with local_venue() as venue:
            assert (await ask(venue, "POST", "shutdown", json={}))[0] == 200
            assert venue.stopping.is_set()

    run(scene)


def test_a_fault_can_be_armed_while_the_venue_runs():
    async def scene():
        async with local_venue() as venue, client(venue) as rest, user_stream(venue, rest) as ear:
            _, listed = await ask(venue, "GET", "faults")
            assert "listen_key_expired" in listed["known"]
            await ask(venue, "POST", "fault", json={"name": "listen_key_expired"})
            await until(lambda: ear.of("listenKeyExpired"))

            _, listed = await ask(venue, "GET", "faults")
            assert [fault["name"] for fault in listed["armed"]] == ["listen_key_expired"]

    run(scene)


def test_a_fault_can_be_ended_while_the_venue_runs():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            _, armed = await ask(venue, "POST", "fault", json={"name": "overload"})
            assert (await rest.call("POST", "/fapi/v1/order", **BUY)).status == 503

            status, told = await ask(venue, "POST", "end_fault", json={"number": armed["done"]})

            assert (status, told) == (200, {"over": "overload"})
            await rest.ok("POST", "/fapi/v1/order", **BUY)
            assert (await ask(venue, "POST", "end_fault", json={"number": 2}))[0] == 400
            assert (await ask(venue, "POST", "end_fault", json={}))[0] == 400

    run(scene)


def test_the_request_weight_of_a_minute_can_be_forgotten():
    async def scene():
        limits = LimitOptions(weight_1m_max=40, refusals_before_ban=1)
        async with local_venue(limits=limits) as venue, client(venue) as rest:
            while (await rest.call("GET", "/fapi/v1/openOrders")).status != 418:
                pass  # until it is banned, whenever the minute began

            assert (await ask(venue, "POST", "forget_uses", json={}))[0] == 200

            assert (await rest.call("GET", "/fapi/v1/openOrders")).status == 200

    run(scene)


def test_the_control_address_listens_on_the_loopback_alone():
    async def scene():
        async with local_venue(host="0.0.0.0") as venue:
            assert venue.control_url.startswith("http://127.0.0.1:")

    run(scene)


def test_a_faster_market_plays_ahead_and_stamps_what_it_tells_with_now():
    async def scene():
        async with local_venue(speed=1.0, market="generated", intervals=("1m",)) as venue:
            before = venue.clock.market_ms()
            url = f"{venue.ws_url}/stream?streams=btcusdt@kline_1m/btcusdt@bookTicker"
            async with (
                listening(url.replace("/stream", "/market/stream")) as bars,
                listening(url.replace("/stream", "/public/stream")) as quotes,
            ):
                await ask(venue, "POST", "speed", json={"speed": 100})
                await until(lambda: venue.clock.reel_ms() - before > 3 * MINUTE)
                closed = await until(lambda: [m for m in bars.of("kline") if m["k"]["x"]])
                assert closed[-1]["k"]["T"] > venue.clock.wire_ms() - MINUTE
                now = venue.clock.wire_ms()
                assert all(before <= quote["T"] <= now for quote in quotes.of("bookTicker")[:100])
                assert venue.exchange.now_ms - before < MINUTE
                assert venue.clock.reel_ms() > venue.exchange.now_ms + MINUTE

    run(scene)


def test_a_stepped_venue_moves_only_when_it_is_told_to():
    async def scene():
        async with local_venue(speed=0) as venue:
            start = venue.exchange.now_ms
            _, told = await ask(venue, "POST", "step", json={"n": 7})
            assert (told["played"], venue.player.played) == (7, 7)
            await ask(venue, "POST", "play_until", json={"ts": start + MINUTE})
            assert venue.exchange.now_ms == venue.clock.market_ms() == start + MINUTE
            state = venue.state()
            await asyncio.sleep(0.05)  # nothing to wait for: nothing may happen
            assert venue.state() | {"wire_ms": 0} == state | {"wire_ms": 0}

    run(scene)


def test_the_same_seed_and_script_give_the_same_events_byte_for_byte():
    async def told() -> list[str]:
        async with (
            local_venue(market="generated", speed=0, seed=5) as venue,
            client(venue) as rest,
            user_stream(venue, rest) as ear,
            listening(f"{venue.ws_url}/public/ws/btcusdt@bookTicker/btcusdt@depth") as public,
            listening(f"{venue.ws_url}/market/ws/btcusdt@aggTrade/btcusdt@kline_1m") as market,
        ):
            await until(lambda: len(venue.wire.market_streams.wanted) == 4)
            start = venue.clock.market_ms()
            for second in range(1, 90):
                await venue.play_until(start + second * 1_000)
                if second % 20 == 0:
                    await rest.ok("POST", "/fapi/v1/order", **BUY)
                if second == 50:
                    venue.move("BTCUSDT", Decimal(60_000))
            lines = [line for line in venue.log.tail(2_000) if line["kind"] == "event"]
            await until(lambda: len(ear.messages) == len(lines))
            await venue.step(1)
            last = {"e": "bookTicker", "u": -1}
            venue.wire.publish("btcusdt@bookTicker", last)
            venue.wire.publish("btcusdt@aggTrade", last)
            await until(lambda: all(e.messages[-1:] == [last] for e in (public, market)))
            return [json.dumps(e.messages) for e in (ear, public, market)]

    first, second = run(told), run(told)

    assert first == second
    assert "ORDER_TRADE_UPDATE" in first[0]
    assert '"x": true' in first[2]  # a closed bar


def test_recorded_times_are_moved_to_now_by_whole_minutes():
    async def scene():
        recorded = 1_700_000_012_345  # 20 s and 345 ms into a minute
        async with (
            local_venue(start_ms=recorded) as venue,
            listening(f"{venue.ws_url}/public/ws/btcusdt@bookTicker") as ear,
        ):
            await until(lambda: ear.messages)
            told_ms = ear.messages[0]["T"]

            assert (told_ms - recorded) % 1_000 == 0  # the still market's own beat
            assert abs(told_ms - wall_ms()) < 2_000

    run(scene)


class OneQuote:
    """A recording of a single quote."""

    symbols = builtin("BTCUSDT")

    def __init__(self, ts_ms: int) -> None:
        self.ts_ms = ts_ms

    def events(self):
        prices = (Decimal(text) for text in ("1.0", "1", "1.1", "1"))
        return iter([Quote("BTCUSDT", self.ts_ms, 1, *prices)])


def told_ms(recorded_ms: int, clock: VenueClock) -> int:
    return Reel(Market(OneQuote(recorded_ms), ()), clock).next.ts_ms


def test_the_first_minute_of_a_recording_is_the_running_one():
    recorded = 1_700_000_012_345
    told = told_ms(recorded, VenueClock())

    assert (told - recorded) % MINUTE == 0
    assert wall_ms() - MINUTE < told <= wall_ms()


def test_times_stay_as_they_are_where_the_clock_stands_at_them_already():
    for apart_ms in (-590_000, 300_000, 599_000):
        recorded = wall_ms() + apart_ms
        assert told_ms(recorded, VenueClock()) == recorded
    before = wall_ms() + 86_000_000  # an accelerated clock comes to the recording's time later
    assert told_ms(before, VenueClock()) == before
    for apart_ms in (-601_000, 86_401_000):
        assert abs(told_ms(wall_ms() + apart_ms, VenueClock()) - wall_ms()) < MINUTE


def test_a_stepped_clock_goes_to_the_first_event():
    clock = VenueClock(speed=0)

    assert told_ms(1_700_000_012_345, clock) == clock.market_ms() == 1_700_000_012_345


def test_what_was_looked_at_before_a_jump_is_moved_with_it():
    reel = Reel(Market(OneQuote(1_700_000_000_000), ()), VenueClock(speed=0))
    assert reel.next.ask == Decimal("1.1")

    reel.bend("BTCUSDT", Bend(factor=Decimal(2)))

    assert (reel.take().bid, reel.next) == (Decimal(2), None)


def test_a_stepped_venue_that_is_let_go_plays_on_at_the_recordings_own_pace():
    async def scene():
        async with local_venue(speed=0, market="generated", seed=5) as venue:
            await venue.step(50)
            stands = venue.clock.reel_ms()
            before = venue.player.next_ms
            await ask(venue, "POST", "speed", json={"speed": 1})
            moved = venue.player.next_ms - before
            assert moved % MINUTE == 0
            assert 0 <= venue.clock.wire_ms() - moved - stands + MINUTE <= MINUTE + 1_000
            assert venue.exchange.now_ms <= venue.clock.wire_ms()
            await ask(venue, "POST", "speed", json={"speed": 1_000})
            await until(lambda: venue.player.played > 500)

    run(scene)
