"""A kill from outside against a venue that misbehaves: every answer that is no plain success."""

import asyncio
import time
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from actors.redis_link import RedisLink
from ops.direct.options import Patience
from ops.direct.where import NothingHereError
from risk.kills import DIRECT_ORDER_PREFIX, KillLevel, Scope
from risk.latch import Latch
from tests.direct_kit import TEN, Account, forty_positions, full_account, run
from tests.venue_kit import account, client, local_venue, until

DOUBT = ("unknown_error", "request_timeout", "backend_timeout", "internal_error", "reply_lost")


def closes(full):
    """Return the closing orders that reached the venue."""
    return [
        row["params"]
        for row in full.requests("POST", "/fapi/v1/order")
        if row["params"].get("newClientOrderId", "").startswith(DIRECT_ORDER_PREFIX)
    ]


@pytest.mark.parametrize("is_executed", [True, False])
@pytest.mark.parametrize("name", DOUBT)
def test_a_close_in_doubt_is_looked_for_before_another_is_sent(name, is_executed):
    async def scene():
        async with full_account() as full:
            full.venue.fault(name, {"count": 1, "args": {"is_executed": is_executed}})

            report = await full.kill()

            assert report.is_true
            assert full.left == (0, 0, 0)
            assert len(closes(full)) == (1 if is_executed else 2)
            assert full.said("could not close") == 1

    run(scene)


@pytest.mark.parametrize("where", ["cancel", "cancel_all", "lists", "account"])
@pytest.mark.parametrize("name", [*DOUBT, "service_unavailable"])
def test_cancels_and_looks_in_doubt_are_done_again(name, where):
    async def scene():
        async with full_account() as full:
            args = {} if name == "service_unavailable" else {"args": {"is_executed": False}}
            full.venue.fault(name, {"on": where, "count": 2, **args})

            report = await full.kill()

            assert report.is_true
            assert full.left == (0, 0, 0)

    run(scene)


def test_reducing_orders_pass_an_overload():
    async def scene():
        async with full_account() as full:
            full.venue.fault("overload", {})

            assert (await full.kill()).is_true
            assert len(closes(full)) == 1

    run(scene)


@pytest.mark.parametrize(
    ("code", "status"),
    [(-1008, 503), (-1006, 500), (-4118, 400), (-2022, 400), (-4131, 400), (-4088, 400)],
)
def test_a_refused_close_is_tried_again_after_a_new_look(code, status):
    async def scene():
        async with full_account() as full:
            args = {"code": code, "text": "no", "status": status}
            full.venue.fault("refused", {"on": "order:MARKET", "count": 2, "args": args})

            report = await full.kill()

            assert report.is_true
            assert len(closes(full)) == 3
            assert full.said(f"{code}: no") == 2

    run(scene)


@pytest.mark.parametrize("code", [-2011, -2013])
def test_an_order_that_is_gone_already_is_no_trouble(code):
    async def scene():
        async with full_account() as full:
            args = {"code": code, "text": "Unknown order sent."}
            full.venue.fault("refused", {"on": "cancel", "count": 1, "args": args})

            report = await full.kill()

            assert report.is_true
            assert full.said("could not") == 0

    run(scene)


def test_what_a_cancel_of_all_leaves_is_canceled_one_by_one():
    async def scene():
        async with full_account(entries=5) as full:
            full.venue.fault("partial_cancel_all", {"args": {"left": 2}})

            report = await full.kill()

            assert report.is_true
            assert full.left == (0, 0, 0)
            assert len(full.requests("DELETE", "/fapi/v1/allOpenOrders")) == 1
            assert len(full.requests("DELETE", "/fapi/v1/order")) == 2

    run(scene)


def test_an_order_that_cannot_be_found_yet_is_found_in_the_quiet_time():
    async def scene():
        async with full_account() as full:
            full.venue.fault("not_found_yet", {"args": {"within_ms": "300ms"}})
            await until(lambda: full.venue.fault_names()["armed"])
            await full.rest_entries(2)  # They exist, and no list shows them.

            report = await full.kill(patience=Patience(20, 0.4))

            assert report.is_true
            assert full.left == (0, 0, 0)

    run(scene)


def told(full, name):
    """Return whether the venue has begun a fault."""
    return any(row["kind"] == "fault" and row["name"] == name for row in full.venue.log.tail(50))


@asynccontextmanager
async def late_in_the_minute(seconds_left: float, **settings):
    """Yield a full account at a venue whose minute of rate limits ends within so many seconds."""
    async with local_venue(**settings) as venue, client(venue) as rest:
        full = Account(venue, rest)
        await full.hold()
        await full.rest_entries(2)
        into_minute = time.time() % 60
        venue.wire.clock.skew_ms = int((60 - seconds_left - into_minute) * 1_000)
        yield full


def test_a_429_is_obeyed_for_as_long_as_retry_after_says():
    async def scene():
        async with late_in_the_minute(1.5) as full:
            full.venue.fault("rate_limited", {"count": 1})
            began = time.monotonic()

            report = await full.kill()

            assert report.is_true
            assert time.monotonic() - began >= 1
            assert full.said("s of silence: Too many requests") == 1

    run(scene)


def test_a_silence_for_orders_is_told_once_for_all_that_are_refused():
    async def scene():
        async with full_account(symbols=TEN) as full:
            for symbol in TEN[1:]:
                await full.hold(symbol)
            refused = {"code": -1015, "text": "Too many new orders", "status": 429}
            full.venue.fault("refused", {"on": "order:MARKET", "count": 10, "args": refused})

            report = await full.kill()

            assert report.is_true
            assert full.said("could not close") == 10
            assert full.said("s of silence: Too many new orders") == 1

    run(scene)


def test_a_ban_is_sat_out_until_its_end():
    async def scene():
        async with late_in_the_minute(1.0) as full:
            full.venue.fault("banned", {"count": 1, "args": {"ban_ms": 1_500}})
            began = time.monotonic()

            report = await full.kill()

            assert report.is_true
            assert time.monotonic() - began >= 1.4

    run(scene)


@pytest.mark.parametrize("skew_ms", [-30_000, 30_000])
def test_a_clock_that_is_off_is_measured(skew_ms):
    async def scene():
        async with full_account() as full:
            full.venue.wire.clock.skew_ms = skew_ms

            report = await full.kill()

            assert report.is_true
            assert full.said("our clock is") >= 1

    run(scene)


def test_a_price_move_between_look_and_close_leaves_no_remainder():
    async def scene():
        async with full_account() as full:
            full.venue.move("BTCUSDT", Decimal(62_700))  # The entries fill as the kill begins.

            report = await full.kill()

            assert report.is_true
            assert full.left == (0, 0, 0)

    run(scene)


def test_a_halted_symbol_keeps_its_stop_and_is_said_to_be_left():
    async def scene():
        async with full_account() as full:
            await full.hold("ETHUSDT")
            full.venue.fault("trading_halt", {"args": {"symbol": "ETHUSDT"}})
            await until(lambda: full.venue.exchange.spec("ETHUSDT").status != "TRADING")

            report = await full.kill(patience=Patience(1.0, 0.05))

            assert (report.is_true, report.exit_code) == (False, 70)
            assert len(report.left) == 2
            assert all("ETHUSDT" in item for item in report.left)
            assert [row["symbol"] for row in full.truth["open_algos"]] == ["ETHUSDT"]
            assert full.said("NOT DONE after 1 s") == 1

    run(scene)


def test_a_symbol_of_the_node_that_the_venue_no_longer_trades_is_flat(tmp_path):
    async def scene():
        async with full_account() as full:
            gone = "GONEUSDT-PERP.BINANCE"

            report = await full.kill(scope=Scope("symbol", gone), state=tmp_path, symbols=(gone,))

            assert report.is_true
            assert full.left == (1, 3, 1)

    run(scene)


def test_an_outage_is_waited_out():
    async def scene():
        async with full_account() as full:
            full.venue.fault("outage", {"for": "600ms"})
            await until(lambda: told(full, "outage"))

            report = await full.kill()

            assert report.is_true
            assert full.said("was not told") >= 1

    run(scene)


def test_lists_that_are_refused_hinder_neither_closing_nor_the_truth():
    async def scene():
        async with full_account() as full:
            full.venue.fault("service_unavailable", {"on": "lists"})

            report = await full.kill(patience=Patience(1.0, 0.05))

            assert not report.is_true
            assert full.left[0] == 0
            assert full.left[2] == 1  # No look has shown that the stop is all that is left.

    run(scene)


def test_a_symbol_that_nobody_knows_is_refused_also_while_redis_is_away():
    async def scene():
        async with full_account() as full:
            away = RedisLink("redis://127.0.0.1:1/0", True)

            with pytest.raises(NothingHereError, match="names nothing here, NOTHING IS STOPPED"):
                await full.kill(scope=Scope("symbol", "BTCUSTD"), redis=away)

            assert full.left == (1, 3, 1)

    run(scene)


def test_a_symbol_that_the_venue_trades_may_be_flat_already(tmp_path):
    async def scene():
        async with full_account() as full:
            report = await full.kill(scope=Scope("symbol", "ETHUSDT"), state=tmp_path)

            assert report.is_true
            assert full.left == (1, 3, 1)
            assert Latch(tmp_path / "latch.json").read().kills

    run(scene)


def test_a_symbol_is_not_called_flat_while_nobody_tells_whether_there_is_one(tmp_path):
    async def scene():
        async with full_account() as full:
            full.venue.fault("service_unavailable", {"on": "exchange_info"})
            known, unknown = Scope("symbol", "BTCUSDT"), Scope("symbol", "BTCUSTD")
            brief = Patience(1.0, 0.05)

            report = await full.kill(scope=unknown, state=tmp_path, patience=brief)

            assert (report.is_true, report.exit_code) == (False, 70)
            assert "whether there is a symbol BTCUSTD" in report.left[0]
            assert Latch(tmp_path / "latch.json").read().kills  # It may be one, for all we know.
            assert (await full.kill(scope=known)).is_true  # What is open there is one.
            assert full.left == (0, 0, 0)

    run(scene)


class Sender:
    """Somebody with the same key who goes on placing orders whatever happens."""

    def __init__(self, full: Account) -> None:
        self.full = full
        self.sent = 0

    async def send(self, count: int | None) -> None:
        while count is None or self.sent < count:
            self.sent += 1
            await self.full.rest_entries(1)
            await self.full.order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
            await asyncio.sleep(0.02)


def test_a_sender_that_does_not_stop_is_fought_until_it_does():
    async def scene():
        rich = account(usdt=1_000_000)
        async with full_account(accounts=(rich,)) as full:
            sender = Sender(full)
            sending = asyncio.create_task(sender.send(15))

            report = await full.kill(patience=Patience(20, 0.3))

            await sending
            assert report.is_true
            assert full.left == (0, 0, 0)
            assert len(closes(full)) >= 2

    run(scene)


def test_a_sender_that_never_stops_is_not_called_done():
    async def scene():
        rich = account(usdt=1_000_000)
        async with full_account(accounts=(rich,)) as full:
            sending = asyncio.create_task(Sender(full).send(None))

            report = await full.kill(patience=Patience(1.5, 0.3))

            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            assert (report.is_true, report.exit_code) == (False, 70)
            assert report.left

    run(scene)


def test_a_kill_that_gives_up_on_one_level_leaves_stops_where_they_are():
    async def scene():
        async with full_account() as full:
            full.venue.fault("refused", {"on": "order:MARKET"})

            report = await full.kill(KillLevel.FLATTEN, patience=Patience(0.8, 0.05))

            assert not report.is_true
            assert full.left == (1, 0, 1)

    run(scene)


def test_a_lasting_refusal_of_closes_ends_at_the_deadline_with_all_stops_in_place():
    """-4131 (PERCENT_PRICE): no market order finds anybody within the venue's bound."""

    async def scene():
        async with full_account() as full:
            await full.hold("ETHUSDT")
            refused = {"code": -4131, "text": "The counterparty's best price does not meet"}
            full.venue.fault("refused", {"on": "order:MARKET", "args": refused})
            began = time.monotonic()

            report = await full.kill(patience=Patience(2.0, 0.05))

            assert time.monotonic() - began < 4
            assert (report.is_true, report.exit_code) == (False, 70)
            assert full.left == (2, 0, 2)  # No entry works, and each position has its stop.
            assert full.requests("DELETE", "/fapi/v1/algoOrder") == []
            for symbol in ("BTCUSDT", "ETHUSDT"):
                left = [item.split()[0] for item in report.left if symbol in item]
                assert left == ["position", "stop_market"]
            assert full.said("-4131: The counterparty") >= 4
            assert full.said("NOT DONE after 2 s") == 1
            assert full.said("LEFT: ") == 4

    run(scene)


def test_forty_symbols_are_flat_within_the_venues_own_limits():
    async def scene():
        async with forty_positions() as full:
            report = await full.kill()

            assert report.is_true
            assert full.left == (0, 0, 0)
            assert full.said("of silence") == 0
            assert report.rounds <= 7

    run(scene)


def test_what_is_refused_for_one_symbol_holds_up_none_of_forty():
    async def scene():
        async with forty_positions() as full:
            full.venue.fault("trading_halt", {"args": {"symbol": "S07USDT"}})
            await until(lambda: full.venue.exchange.spec("S07USDT").status != "TRADING")

            report = await full.kill(patience=Patience(2.0, 0.05))

            assert report.exit_code == 70
            assert full.left == (1, 0, 1)
            assert all("S07USDT" in item for item in report.left)

    run(scene)
