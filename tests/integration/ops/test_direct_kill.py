"""A kill from outside against a venue that behaves: levels, scopes, sizes, the latch."""

import asyncio
from decimal import Decimal

from ops.direct.options import Patience
from risk.kills import DIRECT_ORDER_PREFIX, KillLevel, Scope
from risk.latch import Latch
from risk.trading_state import TradingState
from tests.direct_kit import TEN, Account, full_account, hedged_account, run
from tests.venue_kit import client, local_venue


def test_flatten_leaves_nothing_at_the_venue():
    async def scene():
        async with full_account() as full:
            await full.conditional_entry()
            await full.target()

            report = await full.kill()

            assert full.left == (0, 0, 0)
            assert (report.is_true, report.left, report.exit_code) == (True, (), 0)
            assert report.last_cancel_ms <= report.stops_canceled_ms <= report.verified_ms
            assert report.verified_ms < report.confirmed_ms

    run(scene)


def test_stops_are_canceled_only_after_a_look_has_shown_their_symbol_flat():
    async def scene():
        async with full_account() as full:
            refused = {"code": -4131, "text": "bound"}
            full.venue.fault("refused", {"on": "order:MARKET", "count": 2, "args": refused})

            report = await full.kill()

            closes = full.requests("POST", "/fapi/v1/order")[-1]
            stops = full.requests("DELETE", "/fapi/v1/algoOrder")
            looks = full.requests("GET", "/fapi/v3/positionRisk")
            assert report.is_true
            assert len(stops) == 1
            assert any(closes["n"] < look["n"] < stops[0]["n"] for look in looks)

    run(scene)


def test_halt_and_reduce_cancel_entries_and_leave_what_only_reduces():
    async def scene(level):
        async with full_account() as full:
            await full.conditional_entry()
            await full.target()

            report = await full.kill(level)

            truth = full.truth
            assert full.left == (1, 1, 1)
            assert truth["open_orders"][0]["side"] == truth["open_algos"][0]["side"] == "SELL"
            assert report.is_true

    for level in (KillLevel.HALT, KillLevel.REDUCE):
        asyncio.run(scene(level))


def test_a_symbol_alone_is_flattened_and_others_are_left():
    async def scene():
        async with full_account() as full:
            await full.hold("ETHUSDT")
            await full.rest_entries(2, "ETHUSDT")

            report = await full.kill(scope=Scope("symbol", "ETHUSDT-PERP.BINANCE"))

            assert full.left == (1, 3, 1)
            assert {row["symbol"] for row in full.truth["open_orders"]} == {"BTCUSDT"}
            assert report.is_true

    run(scene)


def test_a_strategy_comes_down_to_its_symbol():
    async def scene():
        async with full_account() as full:
            await full.hold("ETHUSDT")
            known = {"Ema-001": "ETHUSDT-PERP.BINANCE"}

            await full.kill(scope=Scope("strategy", "Ema-001"), strategies=known)

            assert [row["symbol"] for row in full.truth["positions"]] == ["BTCUSDT"]

    run(scene)


def test_hedged_positions_are_closed_side_by_side_without_the_reduce_only_flag():
    async def scene():
        async with hedged_account() as full:
            report = await full.kill()

            closes = full.requests("POST", "/fapi/v1/order")[-2:]
            assert full.left == (0, 0, 0)
            assert report.is_true
            assert {row["params"]["positionSide"] for row in closes} == {"LONG", "SHORT"}
            assert not any("reduceOnly" in row["params"] for row in closes)

    run(scene)


def test_halt_in_hedge_mode_tells_entries_from_exits_by_their_sides():
    async def scene():
        async with hedged_account() as full:
            report = await full.kill(KillLevel.HALT)

            assert full.left == (2, 0, 2)
            assert report.is_true

    run(scene)


def test_a_position_above_the_largest_market_order_is_closed_in_parts():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            full = Account(venue, rest)
            args = {"symbol": "ETHUSDT", "filter_name": "market_max_qty", "value": "0.25"}
            venue.fault("filter_changed", {"args": args})
            for _ in range(3):
                await full.order(symbol="ETHUSDT", side="BUY", type="MARKET", quantity="0.2")

            report = await full.kill()

            closes = [
                Decimal(row["params"]["quantity"])
                for row in full.requests("POST", "/fapi/v1/order")
                if row["params"].get("newClientOrderId", "").startswith(DIRECT_ORDER_PREFIX)
            ]
            assert report.is_true
            assert closes == [Decimal("0.25"), Decimal("0.25"), Decimal("0.1")]

    run(scene)


def test_ten_symbols_with_a_hundred_orders_are_flat_in_a_few_rounds():
    async def scene():
        async with local_venue(symbols=TEN) as venue, client(venue) as rest:
            full = Account(venue, rest)
            for symbol in TEN:
                await full.hold(symbol)
                await full.rest_entries(10, symbol)
            assert full.left == (10, 100, 10)

            report = await full.kill()

            assert full.left == (0, 0, 0)
            assert report.is_true
            assert report.rounds <= 7
            assert len(full.requests("DELETE", "/fapi/v1/allOpenOrders")) == 10

    run(scene)


def test_nothing_to_do_is_done_and_pulling_twice_does_no_harm():
    async def scene():
        async with full_account() as full:
            first, second = await full.kill(), await full.kill()

            assert first.is_true
            assert second.is_true
            assert (second.last_cancel_ms, second.stops_canceled_ms) == (None, None)

    run(scene)


def test_the_latch_holds_the_kill_before_the_venue_is_asked(tmp_path):
    async def scene():
        async with full_account() as full:
            await full.venue.stop()  # Nobody answers.

            report = await full.kill(state=tmp_path, patience=Patience(2.0, 0.1))

            view = Latch(tmp_path / "latch.json").read()
            assert view.state is TradingState.HALTED
            assert [(k.level, k.source) for k in view.kills] == [(KillLevel.FLATTEN, "direct")]
            assert (report.is_true, report.exit_code) == (False, 70)
            assert any("openOrders was not told" in item for item in report.left)

    run(scene)


def test_a_state_folder_that_is_missing_is_said_and_stops_nothing_else(tmp_path):
    async def scene():
        async with full_account() as full:
            report = await full.kill(state=tmp_path / "no")

            assert full.left == (0, 0, 0)
            assert (report.is_true, len(report.left)) == (False, 1)
            assert "not latched" in report.left[0]
            assert not (tmp_path / "no").exists()

    run(scene)


def test_a_latch_that_cannot_be_read_is_replaced_by_one_that_kills(tmp_path):
    async def scene():
        (tmp_path / "latch.json").write_text("{broken")
        async with full_account() as full:
            report = await full.kill(state=tmp_path)

            view = Latch(tmp_path / "latch.json").read()
            assert report.is_true
            assert view.state is TradingState.HALTED
            assert [kill.level for kill in view.kills] == [KillLevel.FLATTEN]

    run(scene)


def test_closing_orders_carry_the_prefix_of_a_kill():
    async def scene():
        async with full_account() as full:
            await full.kill()

            sent = full.requests("POST", "/fapi/v1/order")[-1]["params"]
            assert sent["newClientOrderId"].startswith(DIRECT_ORDER_PREFIX)
            assert len(sent["newClientOrderId"]) <= 36
            assert sent["reduceOnly"] == "true"

    run(scene)
