"""What is wrong with a position's protection: each fault, and the case beside it that is none."""

from decimal import Decimal

import pytest

from risk.protection import (
    MARK_PRICE,
    Fault,
    Position,
    Priced,
    Prices,
    Stop,
    liquidation_finding,
    look,
    margin_finding,
    protective,
    through,
    trigger_for,
)

LONG = Position("BTC", Decimal(2), Decimal(100), {"S-1": Decimal(2)})
SHORT = Position("BTC", Decimal(-2), Decimal(100), {"S-1": Decimal(-2)})
FLAT = Position("BTC", Decimal(0), Decimal(0))
MAX = Decimal(200)  # 2 %
AGE = 2_000


def stop(qty="2", trigger="99", side=-1, key="O-1", **options):
    terms = {"strategy_id": "S-1", "trigger_type": "DEFAULT"} | options
    return Stop(key, side=side, leaves_qty=Decimal(qty), trigger_price=Decimal(trigger), **terms)


def found(position, *stops):
    findings = look(position, stops, stop_distance_bps_max=MAX)
    return [(f.fault, f.qty, f.stops) for f in findings]


def prices(**values):
    """Give each price as a value, or as (value, age in ms)."""
    pairs = {k: v if isinstance(v, tuple) else (v, 0) for k, v in values.items()}
    return Prices(**{k: Priced(Decimal(str(v)), age) for k, (v, age) in pairs.items()})


# -- stops and position ----------------------------------------------------------------------------


@pytest.mark.parametrize("position", [LONG, SHORT])
def test_a_full_stop_on_the_closing_side_is_all_that_is_wanted(position):
    trigger = "99" if position is LONG else "101"

    assert found(position, stop(trigger=trigger, side=-position.side)) == []


def test_a_position_without_any_stop_misses_all_of_it():
    assert found(LONG) == [(Fault.MISSING, Decimal(2), ())]


def test_a_stop_that_does_not_rest_protects_nothing():
    waiting = stop(is_resting=False)

    assert found(LONG, waiting) == [(Fault.MISSING, Decimal(2), ())]
    assert protective(LONG, [waiting, stop()], MAX) == [stop()]


SHORT_OF_IT = [(Fault.TOO_SMALL, Decimal("0.001"), ())]


@pytest.mark.parametrize(("qty", "expected"), [("1.999", SHORT_OF_IT), ("2", [])])
def test_a_stop_that_is_a_step_short_leaves_that_step(qty, expected):
    assert found(LONG, stop(qty)) == expected


def test_two_stops_add_up():
    assert found(LONG, stop("1.5"), stop("0.5", key="O-2")) == []


def test_a_stop_on_the_wrong_side_protects_nothing_and_is_named():
    assert found(LONG, stop(side=1, trigger="101")) == [
        (Fault.MISSING, Decimal(2), ()), (Fault.WRONG_SIDE, Decimal(2), ("O-1",)),
    ]  # fmt: skip


def test_an_entry_that_waits_for_its_trigger_is_no_stop():
    assert found(LONG, stop(), stop(side=1, trigger="101", key="E", is_reduce_only=False)) == []


def test_a_stop_that_could_open_a_position_protects_nothing_and_is_named():
    assert found(LONG, stop(is_reduce_only=False)) == [
        (Fault.MISSING, Decimal(2), ()), (Fault.NOT_REDUCE_ONLY, Decimal(2), ("O-1",)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("position", "at", "beyond"), [(LONG, "98", "97.9"), (SHORT, "102", "102.1")]
)
def test_a_foreign_stop_may_lie_at_the_limit_and_not_beyond(position, at, beyond):
    side = -position.side

    assert found(position, stop(trigger=at, side=side, is_own=False)) == []
    assert found(position, stop(trigger=beyond, side=side, is_own=False)) == [
        (Fault.MISSING, Decimal(2), ()), (Fault.TOO_FAR, Decimal(2), ("O-1",)),
    ]  # fmt: skip


def test_a_stop_that_the_gate_approved_is_not_measured_from_a_later_average():
    assert found(LONG, stop(trigger="90")) == []


def test_a_stop_beyond_the_entry_price_locks_a_gain_in_and_is_not_too_far():
    assert found(LONG, stop(trigger="150", is_own=False)) == []


def test_a_stop_without_a_position_is_an_orphan_and_an_entry_is_not():
    assert found(FLAT, stop(), stop(key="E", is_reduce_only=False)) == [
        (Fault.ORPHANED, Decimal(2), ("O-1",))
    ]


def test_of_two_full_stops_the_foreign_one_is_spare_however_tight():
    tight = stop(trigger="99.9", key="F", is_own=False)

    assert found(LONG, stop(), tight) == [(Fault.DUPLICATE, Decimal(2), ("F",))]


def test_of_two_own_stops_the_looser_one_is_spare():
    assert found(LONG, stop(trigger="98.5"), stop(key="O-2")) == [
        (Fault.DUPLICATE, Decimal(2), ("O-1",))
    ]


@pytest.mark.parametrize(("own", "is_spare"), [("2", True), ("1.999", False)])
def test_a_stop_is_spare_only_when_the_others_cover_everything_without_it(own, is_spare):
    findings = found(LONG, stop(own), stop("0.5", key="F", is_own=False))

    assert findings == ([(Fault.DUPLICATE, Decimal("0.5"), ("F",))] if is_spare else [])


def test_a_strategy_keeps_a_stop_for_what_it_holds_itself():
    both = Position("BTC", Decimal(2), Decimal(100), {"S-1": Decimal(1), "EXTERNAL": Decimal(1)})
    own = stop("1", trigger="98")
    others = stop("2", key="F", strategy_id="EXTERNAL", trigger="99", is_own=True)

    assert found(both, own, others) == []


# -- prices ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "values", "is_through"),
    [
        (-1, {"last": 99}, True),
        (-1, {"last": "99.1"}, False),
        (1, {"last": 99}, True),
        (1, {"last": "98.9"}, False),
        (-1, {"bid": "98.9", "ask": 99}, True),
        (-1, {"bid": "98.9", "ask": "99.1"}, False),
        (1, {"bid": 99, "ask": "99.1"}, True),
        (1, {"bid": "98.9", "ask": "99.1"}, False),
        (-1, {"last": 98, "bid": "99.2", "ask": "99.3"}, False),  # of different moments
        (-1, {"last": 98, "bid": 97, "ask": 98, "mark": 120}, True),  # it goes by the last price
        (-1, {}, False),
    ],
)
def test_the_price_is_through_at_the_trigger_when_all_that_is_fresh_agrees(
    side, values, is_through
):
    assert through(stop(side=side), prices(**values), AGE).is_through is is_through


@pytest.mark.parametrize(("mark", "is_through"), [(99, True), ("99.1", False)])
def test_a_stop_by_the_mark_price_goes_by_it_alone(mark, is_through):
    shown = prices(mark=mark, last=120 if is_through else 1, bid=1, ask=2)

    assert through(stop(trigger_type=MARK_PRICE), shown, AGE).is_through is is_through


@pytest.mark.parametrize(
    ("age", "is_through"), [(AGE, True), (AGE + 1, False), (-AGE, True), (-AGE - 1, False)]
)
def test_a_price_counts_until_it_is_as_old_as_allowed(age, is_through):
    assert through(stop(), prices(last=(98, age)), AGE).is_through is is_through


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "0", "-1"])
@pytest.mark.parametrize("name", ["last", "mark"])
def test_what_is_no_price_never_makes_it_act(name, value):
    assert not through(stop(), prices(**{name: value}), AGE).is_through


@pytest.mark.parametrize(("bid", "ask"), [(98, 97), (98, 98), ("NaN", 98), (0, 98), (97, "NaN")])
def test_a_crossed_locked_or_broken_quote_never_makes_it_act(bid, ask):
    result = through(stop(), prices(bid=bid, ask=ask), AGE)

    assert not result.is_through
    assert "bid and ask" in result.stale


def test_without_its_own_prices_a_stop_is_judged_by_the_others_and_it_is_said():
    result = through(stop(), prices(mark=98, last=(120, AGE + 1)), AGE)

    assert (result.is_through, result.used) == (True, "mark 98 (0 ms)")
    assert result.stale == "last, bid and ask"


def test_a_mark_stop_without_a_mark_price_needs_every_other_fresh_price_to_agree():
    by_mark = stop(trigger_type=MARK_PRICE)

    assert through(by_mark, prices(last=98, bid=97, ask=98), AGE).is_through
    assert not through(by_mark, prices(last=98, bid=99, ask=100), AGE).is_through


# -- where a new stop goes -------------------------------------------------------------------------


@pytest.mark.parametrize(("position", "price"), [(LONG, 98), (SHORT, 102)])
def test_a_new_stop_lies_where_the_last_good_one_lay_else_as_far_as_allowed(position, price):
    assert trigger_for(position, None, MAX) == price
    assert trigger_for(position, Decimal("99.5"), MAX) == Decimal("99.5")


# -- liquidation and margin ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("qty", "liquidation", "mark", "is_near"),
    [
        (1, "97", "100", False),  # 300 bps: at the floor
        (1, "97.001", "100", True),
        (-1, "103", "100", False),
        (-1, "102.999", "100", True),
        (1, "101", "100", True),  # past it
        (1, None, "100", False),
        (1, "99", None, False),
        (1, "NaN", "100", False),
        (1, "99", "NaN", False),
        (1, "0", "100", False),
        (0, "99", "100", False),
    ],
)
def test_liquidation_is_near_below_the_floor_and_not_at_it(qty, liquidation, mark, is_near):
    values = [None if v is None else Decimal(v) for v in (liquidation, mark)]

    finding = liquidation_finding(Decimal(qty), *values, Decimal(300))

    assert (finding is not None) is is_near
    assert finding is None or finding.qty == abs(qty)


@pytest.mark.parametrize(
    ("needed", "balance", "is_over"),
    [
        ("50", "100", False), ("50.01", "100", True), ("0", "0", False), ("1", "0", True),
        ("1", "-5", True), ("50", None, False), ("50", "NaN", False), ("NaN", "100", False),
    ],
)  # fmt: skip
def test_the_margin_ratio_is_over_above_the_limit_and_not_at_it(needed, balance, is_over):
    worth = None if balance is None else Decimal(balance)

    finding = margin_finding(Decimal(needed), worth, Decimal("0.5"))

    assert (finding is not None) is is_over


def test_a_balance_below_zero_that_no_position_burdens_is_no_finding():
    assert margin_finding(Decimal(0), Decimal(-5), Decimal("0.5")) is None
