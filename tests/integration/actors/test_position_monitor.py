"""A stop that is not what it should be is found and mended in time, and nothing else is touched."""

from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.identifiers import ClientOrderId

from tests.guarded_kit import Trader
from tests.hop_kit import BTC
from tests.monitor_kit import QTY, Monitored, play, worst_ms

# -- stops that go ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["stop_expired", "stop_canceled_silently", "foreign_cancel"])
def test_a_stop_that_goes_is_placed_anew_where_it_was(tmp_path, fault):
    async def scene(m: Monitored) -> None:
        _, stop = await m.enter()
        first = stop.client_order_id.value

        m.fault(fault)
        await m.until(lambda: m.stops() and first not in m.stops(), "another stop")

        assert list(m.stops().values()) == [Decimal("60000")]
        assert m.amt() == QTY
        assert worst_ms(m) < 1_000
        assert "STOP_INVARIANT_BROKEN" not in str(m.node.guard.gate.judge.state.causes)

    play(scene, tmp_path)


def test_a_stop_that_stands_is_left_alone(tmp_path):
    async def scene(m: Monitored) -> None:
        await m.enter()
        before = m.stops()

        await m.looks(10)

        assert (m.stops(), m.amt(), m.alarms(), m.node.state) == (before, QTY, [], "ACTIVE")
        (watched,) = m.monitor.symbols.values()
        assert watched.clock.mends == 0
        assert watched.clock.oldest is None

    play(scene, tmp_path)


def test_a_stop_that_is_refused_again_and_again_closes_the_position(tmp_path):
    async def scene(m: Monitored) -> None:
        m.fault("refused", on="algo", args={"code": -4130})
        m.node.trader.enter()
        await m.until(lambda: m.amt() == QTY, "the entry")

        await m.until(lambda: m.amt() == 0, "the close")
        await m.until(m.closed, "what was measured of it")

        assert worst_ms(m) < 1_000
        assert m.closed()[0].unprotected_ms < 1_000

    play(scene, tmp_path)


def test_a_stop_that_is_refused_once_is_placed_again_and_the_position_stays(tmp_path):
    async def scene(m: Monitored) -> None:
        m.fault("refused", on="algo", count=1, args={"code": -1008, "status": 503})
        m.node.trader.enter()
        await m.until(m.stops, "a stop")

        await m.looks()

        assert m.amt() == QTY
        assert len(m.stops()) == 1
        assert worst_ms(m) < 1_000

    play(scene, tmp_path)


@pytest.mark.parametrize("is_executed", [True, False])
def test_a_stop_whose_reply_is_lost_is_found_or_placed_beside(tmp_path, is_executed):
    async def scene(m: Monitored) -> None:
        m.fault("reply_lost", on="algo", count=1, args={"is_executed": is_executed})
        m.node.trader.enter()
        await m.until(lambda: m.amt() == QTY, "the entry")
        await m.until(m.stops, "a stop")

        await m.looks(3)

        assert m.amt() == QTY
        assert m.stops()
        assert worst_ms(m) < 1_000
        assert bool(m.alarms("STOP_MISSING")) is not is_executed

    play(scene, tmp_path)


# -- stops that do no good -------------------------------------------------------------------------


async def foreign_stop(m: Monitored, client_id: str = "web_1", **terms: Any) -> None:
    """Place a stop as another session of the account does."""
    chosen = {
        "symbol": "BTCUSDT", "algoType": "CONDITIONAL", "side": "SELL", "type": "STOP_MARKET",
        "quantity": "0.010", "triggerPrice": "61000", "reduceOnly": "true",
    } | terms  # fmt: skip
    await m.node.rest.ok("POST", "/fapi/v1/algoOrder", clientAlgoId=client_id, **chosen)


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("STOP_DUPLICATE", {}),
        ("STOP_WRONG_SIDE", {"side": "BUY", "triggerPrice": "67000"}),
        ("STOP_NOT_REDUCE_ONLY", {"reduceOnly": "false"}),
        ("STOP_TOO_FAR", {"triggerPrice": "50000"}),
    ],
)
def test_a_stop_of_another_session_that_does_no_good_is_canceled_and_ours_stays(
    tmp_path, name, terms
):
    async def scene(m: Monitored) -> None:
        await m.enter()
        ours = m.stops()
        await foreign_stop(m, **terms)
        await m.until(lambda: "web_1" in m.stops())

        await m.until(lambda: m.stops() == ours, "only our own stop")

        assert m.amt() == QTY
        assert [a for a in m.alarms("STOP_") if not a.startswith(name)] == []
        assert m.alarms(name)

    play(scene, tmp_path)


def test_a_stop_without_a_position_is_canceled(tmp_path):
    async def scene(m: Monitored) -> None:
        await m.enter()
        await foreign_stop(m)
        await m.until(
            lambda: m.node.cache.order(ClientOrderId("web_1")), "the stop to be known here"
        )
        m.node.trader.close_all_positions(BTC)
        await m.until(lambda: m.amt() == 0, "flat")

        await m.until(lambda: m.stops() == {}, "no stop")

        assert m.amt() == 0

    play(scene, tmp_path)


# -- positions of others ---------------------------------------------------------------------------


def test_a_position_that_a_foreign_order_opens_gets_a_stop_as_near_as_a_profile_wants(tmp_path):
    async def scene(m: Monitored) -> None:
        m.fault("foreign_order", args={"quantity": "0.020"})
        await m.until(lambda: m.amt() == Decimal("0.020"), "the position")

        stops = await m.until(m.stops, "a stop")

        # 20 % is what the limits of the scene allow.
        (position,) = m.node.cache.positions_open()
        expected = Decimal(str(position.avg_px_open)) * Decimal("0.8")
        (trigger,) = stops.values()
        assert expected <= trigger < expected + Decimal("0.1")
        assert m.node.state == "REDUCING"
        assert worst_ms(m) < 1_000
        await m.looks()
        assert (len(m.stops()), m.amt()) == (1, Decimal("0.020"))

    play(scene, tmp_path, trader=Trader(claims=()))


def test_what_a_foreign_order_adds_to_a_position_is_protected_too(tmp_path):
    async def scene(m: Monitored) -> None:
        await m.enter()
        m.fault("foreign_order", args={"quantity": "0.020"})
        await m.until(lambda: m.amt() == Decimal("0.030"), "the position")

        await m.until(lambda: m.stop_qty() == Decimal("0.030"), "stops for all of it")

        assert m.amt() == Decimal("0.030")
        assert worst_ms(m) < 1_000

    play(scene, tmp_path, trader=Trader(claims=()))


# -- the second line -------------------------------------------------------------------------------


def test_a_stop_that_the_venue_does_not_act_on_is_carried_out_here(tmp_path):
    async def scene(m: Monitored) -> None:
        await m.enter()
        m.fault("stop_frozen")
        await m.until(lambda: m.struck("stop_frozen"), "the fault")

        m.venue.move("BTCUSDT", Decimal(59_000))
        await m.until(lambda: m.amt() == 0, "the close")

        assert len(m.alarms("STOP_THROUGH")) == 1
        await m.until(lambda: m.stops() == {}, "no stop left")

    play(scene, tmp_path)


def test_a_price_that_comes_back_within_the_grace_closes_nothing(tmp_path):
    async def scene(m: Monitored) -> None:
        await m.enter()
        m.fault("stop_frozen")
        await m.until(lambda: m.struck("stop_frozen"), "the fault")
        (watched,) = m.monitor.symbols.values()

        m.venue.move("BTCUSDT", Decimal(59_000))
        await m.until(lambda: watched._through, "the price to be seen through the stop")
        m.venue.move("BTCUSDT", Decimal(64_000))
        await m.until(lambda: not watched._through, "the price to be seen back")
        await m.looks()

        assert (m.amt(), m.alarms("STOP_")) == (QTY, [])

    play(scene, tmp_path, protection={"stop_grace_ms_max": 2_000})


def test_a_stop_that_acts_is_left_to_it_though_its_fill_is_told_late(tmp_path):
    async def scene(m: Monitored) -> None:
        await m.enter()
        for kind in ("ALGO_UPDATE", "ORDER_TRADE_UPDATE"):
            m.fault("event_delayed", on=f"event:{kind}", args={"by_ms": 300})

        m.venue.move("BTCUSDT", Decimal(59_000))
        await m.until(lambda: m.amt() == 0, "the stop to act")
        await m.until(m.closed, "the end of the position here")

        assert m.alarms("STOP_") == []
        assert m.sent("/fapi/v1/order", side="SELL", type="MARKET") == []

    play(scene, tmp_path)


def test_a_stop_that_triggers_and_finds_nobody_is_closed_as_soon_as_somebody_is_there(tmp_path):
    async def scene(m: Monitored) -> None:
        await m.enter()
        m.fault("market_unfilled", **{"for": "1500ms"})
        await m.until(lambda: m.struck("market_unfilled"), "the fault")
        m.venue.move("BTCUSDT", Decimal(59_000))
        await m.until(lambda: m.stops() == {}, "the stop to trigger")

        await m.until(lambda: m.amt() == 0, "the close")

        await m.until(m.closed, "the end of the position here")
        assert m.truth()["positions"] == []

    play(scene, tmp_path)


def test_what_another_session_opens_and_closes_leaves_nothing_here(tmp_path):
    async def scene(m: Monitored) -> None:
        m.fault("foreign_order", args={"quantity": "0.020"})
        await m.until(m.stops, "a stop")
        m.fault("foreign_order", args={"quantity": "0.020", "side": "SELL"})
        await m.until(lambda: m.amt() == 0, "flat")

        await m.until(lambda: not m.node.cache.positions_open(), "no position here")

        await m.until(lambda: not m.stops(), "no stop")

    play(scene, tmp_path, trader=Trader(claims=()))
