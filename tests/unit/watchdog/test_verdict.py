"""Dead, hung, blind or well: each verdict at its limit and one step over."""

from decimal import Decimal

import pytest

from ops.direct.look import Held, Look, Resting
from ops.watchdog.verdict import START_SEC_MAX, Facts, Limits, Verdict, judge, naked

MS = 1_000_000
LIMITS = Limits(heartbeat_ms_max=3_000, silence_ms_max=10_000)
BTC, ETH = "BTCUSDT-PERP.BINANCE", "ETHUSDT-PERP.BINANCE"


def beat(**more):
    table = {
        "pid": 7, "seq": 400, "mono_ns": 50_000 * MS, "gate_mono_ns": 50_000 * MS,
        "feeds": {BTC: 100, ETH: 100}, "is_user_stream_up": True, "positions": {},
    }  # fmt: skip
    return table | more


def facts(**more):
    table = {"pid": 7, "is_alive": True, "is_ended": False, "beat": beat(), "silent_ns": 0}
    return Facts(**(table | more))


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (facts(), Verdict.WELL),
        (facts(pid=None, is_alive=False, beat=None), Verdict.WAITING),
        (facts(is_alive=False), Verdict.DEAD),
        (facts(is_alive=False, is_ended=True), Verdict.ENDED),
        (facts(beat=None, silent_ns=START_SEC_MAX * 1_000 * MS), Verdict.STARTING),
        (facts(beat=None, silent_ns=START_SEC_MAX * 1_000 * MS + 1), Verdict.HUNG),
        (facts(silent_ns=3_000 * MS), Verdict.WELL),
        (facts(silent_ns=3_001 * MS), Verdict.HUNG),
        (facts(beat=beat(gate_mono_ns=47_000 * MS)), Verdict.WELL),
        (facts(beat=beat(gate_mono_ns=46_999 * MS)), Verdict.HUNG),
        (facts(beat=beat(gate_mono_ns=None)), Verdict.WELL),
        (facts(beat=beat(is_user_stream_up=False)), Verdict.BLIND),
        (facts(beat=beat(is_user_stream_up=None)), Verdict.WELL),
        (facts(beat=beat(feeds={BTC: 10_000, ETH: 10_000})), Verdict.WELL),
        (facts(beat=beat(feeds={BTC: 10_001, ETH: 10_001})), Verdict.BLIND),
        (facts(beat=beat(feeds={BTC: 10_001, ETH: 10_000})), Verdict.WELL),
        (facts(beat=beat(feeds={BTC: 10_001, ETH: 0}, positions={BTC: "1"})), Verdict.BLIND),
        (facts(beat=beat(feeds={BTC: 10_001, ETH: 0}, positions={ETH: "1"})), Verdict.WELL),
        (facts(beat=beat(feeds={BTC: None, ETH: None}, seq=40)), Verdict.WELL),
        (facts(beat=beat(feeds={BTC: None, ETH: None}, seq=41)), Verdict.BLIND),
        (facts(beat=beat(feeds={})), Verdict.WELL),
    ],
)
def test_a_node_is_judged(seen, verdict):
    told, reason = judge(seen, LIMITS)

    assert told is verdict
    assert told.is_alarm == ("limit=" in reason)


def stop(quantity="1", **more):
    table = {
        "symbol": "BTCUSDT", "venue_id": "1", "client_id": "s", "side": "SELL",
        "position_side": "BOTH", "order_type": "STOP_MARKET", "quantity": Decimal(quantity),
        "is_algo": True, "is_reducing": True,
    }  # fmt: skip
    return Resting(**(table | more))


LONG = Held("BTCUSDT", "BOTH", Decimal(1))


@pytest.mark.parametrize(
    ("orders", "is_naked"),
    [
        ((), True),
        ((stop(),), False),
        ((stop("0.999"),), True),
        ((stop("0.5"), stop("0.5")), False),
        ((stop("0"),), False),
        ((stop(side="BUY"),), True),
        ((stop(symbol="ETHUSDT"),), True),
        ((stop(is_reducing=False),), True),
        ((stop(order_type="TAKE_PROFIT_MARKET"),), True),
        ((stop(is_algo=False),), False),
        ((stop(position_side="LONG"),), True),
    ],
)
def test_a_position_is_naked_without_stops_for_all_of_it(orders, is_naked):
    assert naked(Look(orders, (LONG,))) == ([LONG] if is_naked else [])


def test_a_short_is_covered_by_stops_that_buy():
    short = Held("BTCUSDT", "SHORT", Decimal(-1))
    cover = stop(side="BUY", position_side="SHORT")

    assert naked(Look((cover,), (short,))) == []
    assert naked(Look((stop(position_side="SHORT"),), (short,))) == [short]
