"""The judge of killed nodes sees what is wrong, blames the right life, and is silent otherwise."""

import pytest

from benchmarks._recovery_judge import (
    Bare,
    bare_spans,
    doubled,
    sent_while_killed,
    shared_out,
    told_of,
)
from benchmarks._recovery_scene import Life, bare, held
from tests.wire_log_kit import START_MS, Script
from venue.checkers.log import read_log

T0 = START_MS / 1e3


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def log(script, tmp_path):
    return lambda: read_log(script.write(tmp_path)[0])


def life(number, started, up, dead):
    return Life(number, None, started, must_be_killed=False, up=up, dead=dead)


LIVES = [life(1, 0, 10, 20), life(2, 21, None, 25), life(3, 26, 30, 40)]


@pytest.mark.parametrize(
    ("start", "end", "dead", "alive", "number"),
    [
        (12, 12.5, 0, 0.5, 1),  # while the first one lived
        (19, 31, 10, 1, 1),  # killed between fill and stop; the third one placed it
        (22, 33, 8, 3, 3),  # filled while nobody lived
        (21, 29, 8, 0, None),
        (5, 10, 5, 0, None),  # no node is up before its first heartbeat
    ],
)
def test_time_without_a_stop_is_shared_out_between_the_dead_and_the_living(
    start, end, dead, alive, number
):
    found = shared_out(Bare("BTCUSDT", start, end), LIVES)

    assert (found.dead, found.alive) == (dead, alive)
    assert (found.life and found.life.number) == number


def test_what_happened_is_told_of_the_life_in_which_it_did():
    assert [told_of(LIVES, at).number for at in (0, 20.9, 21, 26, 99)] == [1, 1, 2, 3, 3]


def test_a_position_is_bare_from_its_fill_to_a_stop_for_all_of_it(script, log):
    script.order("a", "BUY", "1", "TRADE")
    script.ms = 100
    script.stop("s", "SELL", "0.4")
    script.ms = 250
    script.stop("t", "SELL", "0.6")
    script.ms = 900
    script.market(10_000)

    (span,) = bare_spans(log())

    assert (span.symbol, round(span.start - T0, 3), round(span.end - T0, 3)) == ("BTCUSDT", 0, 0.25)


def test_a_position_that_never_had_a_stop_is_bare_to_the_end(script, log):
    script.order("a", "BUY", "1", "TRADE")
    script.ms = 900
    script.market(10_000)

    assert [round(span.end - span.start, 3) for span in bare_spans(log())] == [0.9]


def test_an_id_that_the_venue_took_twice_is_doubled_and_one_that_it_refused_is_not(script, log):
    script.send("a", "BUY", "1")
    script.send("b", "BUY", "1", status=400)
    script.send("b", "BUY", "1")
    assert list(doubled(log())) == []

    script.send("a", "BUY", "1")

    assert [text for _, text in doubled(log())] == ["a was taken 2 times"]


@pytest.mark.parametrize(("told", "texts"), [({}, []), ({"algoId": 1}, ["s:1 was taken 2 times"])])
def test_an_id_whose_first_request_never_arrived_is_free_to_be_sent_again(script, log, told, texts):
    params = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "quantity": "1",
              "clientAlgoId": "s:1", "reduceOnly": "true"}  # fmt: skip
    number = script.line("request", id=0, account="main", method="POST",
                         path="/fapi/v1/algoOrder", params=params)  # fmt: skip
    script.line("answer", to=number, status=200, body=told, sent=False)
    script.send("s:1", "SELL", "2", path="algoOrder", type="STOP_MARKET", reduceOnly="true")

    assert [text for _, text in doubled(log())] == texts


def test_an_entry_while_killed_is_seen_and_an_exit_is_none(script, log):
    script.ms = 1_000
    script.send("x", "SELL", "1", reduceOnly="true")
    script.send("s", "SELL", "1", path="algoOrder", type="STOP_MARKET", triggerPrice="9000",
                reduceOnly="true")  # fmt: skip
    script.send("a", "BUY", "1")

    killed = [text for _, text in sent_while_killed(log(), [(T0 + 0.5, T0 + 1.5)])]

    assert killed == ["a BTCUSDT BUY MARKET 1 was sent while killed"]
    assert list(sent_while_killed(log(), [(T0 + 1.001, T0 + 2)])) == []


def truth(amt, *stops):
    algos = [
        {"symbol": "BTCUSDT", "side": side, "qty": qty, "reduce_only": reduces, "order_id": None}
        for side, qty, reduces in stops
    ]
    return {
        "positions": [{"symbol": "BTCUSDT", "amt": amt}], "open_algos": algos, "open_orders": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("amt", "stops", "expected"),
    [
        ("1", [("SELL", "1", True)], []),
        ("1", [("SELL", "0.4", True), ("SELL", "0.6", True)], []),
        ("-1", [("BUY", "1", True)], []),
        ("0", [], []),
        ("1", [], ["BTCUSDT"]),
        ("1", [("SELL", "0.9", True)], ["BTCUSDT"]),
        ("1", [("BUY", "1", True)], ["BTCUSDT"]),
        ("1", [("SELL", "1", False)], ["BTCUSDT"]),
    ],
)
def test_the_venues_truth_tells_what_is_bare(amt, stops, expected):
    assert bare(truth(amt, *stops)) == expected
    assert bool(held(truth(amt))) is (amt != "0")
