"""The monitor goes on while streams, strategies or the venue do not, and panics at none of it."""

from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.events import OrderInitialized
from nautilus_trader.model.objects import Price

from actors.kill_switch import KillSwitch
from risk.kills import KillLevel
from risk.state_dir import StateDir
from tests.guarded_kit import Trader
from tests.hop_kit import BTC
from tests.monitor_kit import QTY, Monitored, play, worst_ms
from tests.venue_kit import account
from venue.wire.hooks import Reaction


def sells(m: Monitored) -> list[Any]:
    return m.sent("/fapi/v1/order", side="SELL", type="MARKET")


async def another_stop(m: Monitored, first: str) -> None:
    await m.until(lambda: m.stops() and first not in m.stops(), "another stop")


class Raising(Trader):
    """A strategy that fails at whatever it is told of its orders."""

    def on_order_event(self, event: Any) -> None:
        super().on_order_event(event)
        if type(event) is not OrderInitialized:  # else it could not even send
            raise RuntimeError("the strategy is broken")


def test_a_stop_that_goes_while_the_user_stream_is_away_is_placed_anew(tmp_path):
    async def scene(m: Monitored) -> None:
        _, stop = await m.enter()
        m.fault("user_stream_dropped", **{"for": "60s"})
        await m.until(lambda: not m.node.exec_client.is_user_stream_up, "the stream to be away")

        m.fault("stop_expired")
        await another_stop(m, stop.client_order_id.value)

        assert m.amt() == QTY
        assert worst_ms(m) < 1_000
        await m.looks()
        assert (len(m.stops()), sells(m)) == (1, [])

    play(scene, tmp_path)


def test_a_position_that_is_opened_while_the_user_stream_is_away_gets_its_stop(tmp_path):
    async def scene(m: Monitored) -> None:
        m.fault("user_stream_dropped", **{"for": "60s"})
        await m.until(lambda: not m.node.exec_client.is_user_stream_up, "the stream to be away")

        await m.enter()

        await m.looks()
        assert (m.amt(), len(m.stops()), sells(m)) == (QTY, 1, [])
        assert worst_ms(m) < 1_000

    play(scene, tmp_path)


def test_a_position_of_others_that_no_event_told_is_found_and_protected(tmp_path):
    async def scene(m: Monitored) -> None:
        m.fault("event_dropped", on="event")
        m.fault("foreign_order", args={"quantity": "0.020"})
        await m.until(lambda: m.amt() == Decimal("0.020"), "the position")

        await m.until(m.stops, "a stop")

        assert m.stop_qty() == Decimal("0.020")

    play(scene, tmp_path, trader=Trader(claims=()))


def test_a_strategy_that_raises_keeps_nothing_from_being_protected(tmp_path):
    async def scene(m: Monitored) -> None:
        _, stop = await m.enter()

        m.fault("stop_expired")
        await another_stop(m, stop.client_order_id.value)

        assert m.amt() == QTY
        assert worst_ms(m) < 1_000

    play(scene, tmp_path, trader=Raising())


def test_without_market_data_stops_are_kept_and_it_is_said_that_prices_are_old(tmp_path):
    async def scene(m: Monitored) -> None:
        _, stop = await m.enter()
        m.fault("market_streams_dropped", **{"for": "60s"})
        await m.until(lambda: m.alarms("STOP_PRICES_STALE"), "the alarm")

        m.fault("stop_expired")
        await another_stop(m, stop.client_order_id.value)

        assert m.amt() == QTY
        assert worst_ms(m) < 1_000
        assert (sells(m), len(m.alarms("STOP_PRICES_STALE"))) == ([], 1)

    play(scene, tmp_path, limits={"price_age_ms_max": 1_500})


@pytest.mark.parametrize("fault", ["freeze", "outage"])
def test_while_nobody_answers_nothing_is_done_and_nothing_after_it_either(tmp_path, fault):
    async def scene(m: Monitored) -> None:
        await m.enter()
        before = m.stops()
        m.fault(fault, **{"for": "2500ms"})
        await m.until(lambda: m.struck(fault), "the fault")
        seen = len(m.seen)

        await m.until(lambda: not any(r["lasting"] for r in m.venue.faults.listing()), "its end")
        await m.until(lambda: len(m.seen) > seen, "the venue to be asked again")
        await m.looks()

        assert (m.stops(), m.amt(), sells(m)) == (before, QTY, [])
        assert "STOP_INVARIANT_BROKEN" not in str(m.node.guard.gate.judge.state.causes)

    play(scene, tmp_path)


def test_what_became_bare_while_nobody_answered_is_mended_when_the_venue_is_back(tmp_path):
    async def scene(m: Monitored) -> None:
        _, stop = await m.enter()
        m.fault("freeze", **{"for": "2500ms"})
        await m.until(lambda: m.struck("freeze"), "the fault")

        m.venue.exchange.actions.cancel_algo_silently("main", stop.client_order_id.value)
        await another_stop(m, stop.client_order_id.value)

        await m.looks()
        assert (m.amt(), len(m.stops()), sells(m)) == (QTY, 1, [])

    play(scene, tmp_path)


def test_a_stop_that_is_moved_is_no_reason_to_act(tmp_path):
    async def scene(m: Monitored) -> None:
        _, stop = await m.enter()
        order = m.node.cache.order(stop.client_order_id)
        m.fault("slow_reply", on="algo", count=1, args={"min_ms": 700, "max_ms": 700})

        m.node.trader.modify_order(order, trigger_price=Price.from_str("61000.0"))
        await m.until(lambda: list(m.stops().values()) == [Decimal(61_000)], "the new stop alone")
        await m.looks()

        assert (m.alarms("STOP_"), m.amt(), m.stop_qty()) == ([], QTY, QTY)

    play(scene, tmp_path)


def test_what_the_venue_deleverages_makes_the_monitor_do_nothing(tmp_path):
    async def scene(m: Monitored) -> None:
        await m.enter()
        m.fault("deleveraged", args={"quantity": "0.004"})
        await m.until(lambda: m.amt() == Decimal("0.006"), "a part to be gone")
        await m.looks()

        assert (m.amt(), sells(m), m.alarms("STOP_")) == (Decimal("0.006"), [], [])

    play(scene, tmp_path)


def test_a_position_that_is_liquidated_makes_the_monitor_do_nothing(tmp_path):
    async def scene(m: Monitored) -> None:
        await m.enter()
        m.fault("liquidated")
        await m.until(lambda: m.amt() == 0, "the liquidation")
        await m.until(m.closed, "its end here")

        assert (sells(m), m.alarms("STOP_")) == ([], [])

    play(scene, tmp_path)


def test_a_flatten_under_way_is_not_disturbed(tmp_path):
    switches: list[KillSwitch] = []

    def attach(node: Any, guard: Any) -> None:
        look = next(iter(node.kernel.exec_engine._clients.values())).look_at_venue
        strategies = {"TRADER-001": BTC.value}
        folder = StateDir(tmp_path / "state")
        switch = KillSwitch(guard.gate, folder, KillLevel.FLATTEN, look=look, strategies=strategies)
        switches.append(switch)
        node.trader.add_actor(switch)

    async def scene(m: Monitored) -> None:
        await m.enter()

        switches[0].pull(KillLevel.FLATTEN, by="ann", reason="news", source="command")
        await m.until(lambda: m.amt() == 0 and not m.stops(), "flat and no stop")
        await m.until(m.closed, "the end of the position here")

        assert m.alarms("STOP_") == []
        assert (len(sells(m)), m.stops()) == (1, {})

    play(scene, tmp_path, attach=attach)


# -- liquidation and margin ------------------------------------------------------------------------

SMALL = {"accounts": (account("main", 700, leverage=20), account("other"))}


def test_a_position_near_its_liquidation_is_closed_and_new_risk_ends(tmp_path):
    async def scene(m: Monitored) -> None:
        await m.enter("0.100", stop="58000.0")
        (position,) = await m.node.rest.ok("GET", "/fapi/v3/positionRisk", symbol="BTCUSDT")
        near = Decimal(position["liquidationPrice"]) * Decimal("1.02")

        m.venue.move("BTCUSDT", near.quantize(Decimal("0.1")))
        await m.until(lambda: m.amt() == 0, "the close")

        assert m.alarms("NEAR_LIQUIDATION")
        assert "NEAR_LIQUIDATION" in str(m.node.guard.gate.judge.state.causes)
        assert m.truth()["positions"] == []

    play(scene, tmp_path, venue_settings=SMALL, limits={"leverage_max": Decimal(50)})


def answer(m: Monitored, body: Any, times: int) -> None:
    """Let the venue answer the next questions for positions with *body*."""
    faults, before, left = m.venue.wire.hooks, m.venue.wire.hooks.on_request, [times]

    def on_request(request: Any) -> Any:
        reaction = before(request)
        if request.path == "/fapi/v3/positionRisk" and left[0]:
            left[0] -= 1
            return Reaction(answer=(200, body))
        return reaction

    faults.on_request = on_request


ODD = {"liquidationPrice": "63990", "maintMargin": "90000"}


@pytest.mark.parametrize("name", ["liquidationPrice", "maintMargin"])
def test_one_odd_answer_about_a_position_closes_nothing_and_two_do(tmp_path, name):
    async def scene(m: Monitored) -> None:
        await m.enter()
        (row,) = await m.node.rest.ok("GET", "/fapi/v3/positionRisk", symbol="BTCUSDT")
        path = "/fapi/v3/positionRisk"
        answer(m, [row | {name: ODD[name]}], times=1)
        seen = len(m.sent(path))
        await m.until(lambda: len(m.sent(path)) >= seen + 4, "several looks")
        assert (m.amt(), m.node.state, m.alarms()) == (QTY, "ACTIVE", [])

        answer(m, [row | {name: ODD[name]}], times=2)
        await m.until(lambda: m.amt() == 0, "the close")

        cause = {"liquidationPrice": "NEAR_LIQUIDATION", "maintMargin": "MARGIN_RATIO"}[name]
        assert m.node.state == "REDUCING"
        assert [c.partition(":")[0] for c in m.node.guard.gate.judge.state.causes] == [cause]

    play(scene, tmp_path)
