"""A venue that refuses, loses or does not answer what a kill asks: it is asked again until it is true."""

from decimal import Decimal

import pytest

from risk.kills import KillLevel
from tests.kill_kit import play, pull, until_done
from venue.wire.hooks import Reaction

ORDER, ALGO, POSITIONS = "/fapi/v1/order", "/fapi/v1/algoOrder", "/fapi/v3/positionRisk"
BUSY = (503, {"code": -1008, "msg": "Server is currently overloaded with other requests."})
UNKNOWN = (503, {"code": -1000, "msg": "Unknown error, please check your request."})
REFUSED = (400, {"code": -2022, "msg": "ReduceOnly Order is rejected."})
ABSENT = (400, {"code": -2011, "msg": "Unknown order sent."})


@pytest.mark.parametrize("answer", [BUSY, UNKNOWN, REFUSED], ids=["-1008", "503", "-2022"])
def test_a_close_that_is_refused_or_lost_is_sent_again_until_it_is_flat(tmp_path, answer):
    async def scene(node):
        await node.protected()
        for _ in range(3):
            node.requests.next_time("POST", ORDER, Reaction(engine_acts=False, answer=answer))

        pull(node, KillLevel.FLATTEN)

        await until_done(node)
        assert (node.position(), node.working()) == (0, set())
        assert not node.requests.reactions

    play(scene, tmp_path)


def test_a_close_whose_reply_is_lost_closes_once(tmp_path):
    async def scene(node):
        await node.protected()
        node.requests.next_time("POST", ORDER, Reaction(drop_reply=True))

        pull(node, KillLevel.FLATTEN)

        await until_done(node)
        assert (node.position(), node.working()) == (0, set())

    play(scene, tmp_path)


@pytest.mark.parametrize("answer", [BUSY, UNKNOWN, ABSENT], ids=["-1008", "503", "-2011"])
def test_a_cancel_that_leads_to_nothing_is_sent_again(tmp_path, answer):
    async def scene(node):
        first, second = await node.resting(), await node.resting()
        node.requests.next_time("DELETE", ORDER, Reaction(engine_acts=False, answer=answer))

        pull(node, KillLevel.HALT)

        await node.until(lambda: not node.working(), "both entries to be gone")
        await until_done(node)
        assert {node.cache.order(o.client_order_id).status_string() for o in (first, second)} == {
            "CANCELED"
        }

    play(scene, tmp_path)


def test_what_a_strategy_is_canceling_itself_is_not_canceled_a_second_time(tmp_path):
    async def scene(node):
        entries = [await node.resting() for _ in range(4)]

        def cancel_all(event):
            node.trader.told.append(event)
            for entry in entries:
                if not entry.is_closed and not entry.is_pending_cancel:
                    node.trader.cancel_order(entry)

        node.trader.on_order_event = cancel_all
        pull(node, KillLevel.HALT)

        await until_done(node)
        assert len([w for w in node.requests.writes() if w[0] == "DELETE"]) == len(entries)
        assert not node.working()

    play(scene, tmp_path)


def test_a_venue_that_cannot_be_asked_is_never_called_flat(tmp_path):
    async def scene(node):
        await node.protected()
        down = Reaction(engine_acts=False, answer=UNKNOWN)
        stop = node.stops()
        for _ in range(3):
            node.requests.next_time("GET", POSITIONS, down)

        pull(node, KillLevel.FLATTEN)

        await node.until(lambda: node.position() == 0, "the close")
        await node.until(lambda: any("does not answer" in w for w in node.lines[0].left), "a word")
        assert node.lines[0].flat_ns is None
        assert node.stops() == stop
        assert any("does not answer" in word for word in node.switch.unrest())
        await until_done(node)
        assert not node.working()
        assert node.switch.unrest() == []

    play(scene, tmp_path)


def test_what_cannot_be_brought_to_rest_is_an_alarm_again_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr("actors.kill_switch.ALARM_NS", 200_000_000)

    async def scene(node):
        await node.protected()
        for _ in range(500):
            node.requests.next_time("POST", ORDER, Reaction(engine_acts=False, answer=REFUSED))

        pull(node, KillLevel.FLATTEN)

        await node.until(lambda: len(node.alarms("KILL_UNFINISHED")) > 2, "the alarms")
        assert "position BTCUSDT-PERP.BINANCE of 0.010" in node.alarms("KILL_UNFINISHED")[-1]
        assert node.stops()  # and its stop stays
        node.requests.reactions.clear()
        await until_done(node)

    play(scene, tmp_path)


def test_a_position_beyond_the_largest_market_order_is_closed_in_parts(tmp_path, monkeypatch):
    async def scene(node):
        await node.protected("0.010")
        from actors import clearing

        whole = clearing.filters_of
        monkeypatch.setattr(
            clearing, "filters_of", lambda i: whole(i)._replace(market_max_qty=Decimal("0.004"))
        )
        node.requests.seen.clear()

        pull(node, KillLevel.FLATTEN)

        await until_done(node)
        sells = [r.params["quantity"] for r in node.requests.seen if r.params.get("side") == "SELL"]
        assert sorted(sells) == ["0.002", "0.004", "0.004"]

    play(scene, tmp_path)
