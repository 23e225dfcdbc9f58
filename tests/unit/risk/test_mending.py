"""What is done about a position without its full stop, and when: exact times."""

from decimal import Decimal

import pytest

from risk.mending import (
    DUPLICATE_MS,
    SETTLE_MS,
    Bare,
    Close,
    Place,
    cover,
    force,
    retry_ms,
    to_cancel,
)
from risk.protection import Fault, Finding, Position

LONG = Position("BTC", Decimal(2), Decimal(100))
SHORT = Position("BTC", Decimal(-2), Decimal(100))
STOP, EXIT = Place(-1, Decimal(2)), Close(-1, Decimal(2))


def act(position=LONG, qty=2, **state):
    times = {"bare_ms": state.get("known_ms", 0), "known_ms": 0}
    return cover(position, Decimal(qty), Bare(**(times | state)), unprotected_ms_max=1_000)


@pytest.mark.parametrize(("known_ms", "action"), [(249, None), (250, STOP), (599, STOP), (600, EXIT)])  # fmt: skip
def test_the_first_line_has_a_quarter_of_the_time_then_a_stop_then_the_close(known_ms, action):
    assert act(known_ms=known_ms) == action


def test_a_short_position_is_protected_by_buying():
    assert act(SHORT, known_ms=250) == Place(1, Decimal(2))
    assert act(SHORT, known_ms=600) == Close(1, Decimal(2))


@pytest.mark.parametrize(("known_ms", "action"), [(250, None), (599, None), (600, EXIT)])
def test_a_stop_that_is_on_its_way_is_waited_for_until_the_close_is_due(known_ms, action):
    assert act(known_ms=known_ms, is_asked=True) == action


def test_a_stop_that_would_act_at_once_is_a_close():
    assert act(known_ms=250, is_through=True) == EXIT
    assert act(known_ms=249, is_through=True) is None


def test_after_a_refused_stop_the_close_follows_at_once():
    assert act(known_ms=251, turn=1, turn_ms=1) == EXIT
    assert act(known_ms=251, turn=1, turn_ms=1, is_asked=True) is None


def test_when_the_close_is_refused_both_are_tried_in_turns_ever_less_often():
    assert act(known_ms=700, turn=2, turn_ms=249) is None
    assert act(known_ms=700, turn=2, turn_ms=250) == STOP
    assert act(known_ms=700, turn=3, turn_ms=500) == EXIT
    assert act(known_ms=700, turn=2, turn_ms=250, is_through=True) == EXIT
    assert [retry_ms(n) for n in (0, 1, 2, 3, 4, 5, 6, 99)] == [
        0, 0, 250, 500, 1_000, 2_000, 2_000, 2_000,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("bare_ms", "known_ms", "action"), [(799, 300, STOP), (800, 249, None), (800, 250, EXIT)]
)
def test_what_the_venue_told_late_is_closed_earlier_but_not_before_the_first_line_had_its_turn(
    bare_ms, known_ms, action
):
    assert act(bare_ms=bare_ms, known_ms=known_ms) == action


def test_while_the_venue_does_not_answer_nothing_is_piled_up_there():
    assert act(known_ms=60_000, is_heard=False) is None


def test_what_is_being_closed_already_is_not_closed_again():
    assert act(known_ms=600, exits_qty=Decimal(2)) is None
    assert act(known_ms=600, exits_qty=Decimal("0.5")) == Close(-1, Decimal("1.5"))


def test_only_the_part_that_is_missing_is_closed_and_never_more_than_the_position():
    assert act(qty="0.5", known_ms=600) == Close(-1, Decimal("0.5"))
    assert act(qty=5, known_ms=600) == EXIT
    assert force(LONG, Finding(Fault.THROUGH, Decimal(5), ""), Decimal(0)) == EXIT
    assert force(LONG, Finding(Fault.THROUGH, Decimal(2), ""), Decimal(2)) is None


@pytest.mark.parametrize(
    ("fault", "ms"),
    [
        (Fault.WRONG_SIDE, SETTLE_MS), (Fault.NOT_REDUCE_ONLY, SETTLE_MS),
        (Fault.TOO_FAR, SETTLE_MS), (Fault.ORPHANED, SETTLE_MS), (Fault.DUPLICATE, DUPLICATE_MS),
    ],
)  # fmt: skip
def test_a_useless_stop_is_canceled_when_it_has_stood_long_enough(fault, ms):
    findings = [Finding(fault, Decimal(1), "", ("O-1",))]

    assert to_cancel(findings, {(fault, "O-1"): ms - 1}) == []
    assert to_cancel(findings, {(fault, "O-1"): ms}) == ["O-1"]


@pytest.mark.parametrize("fault", [Fault.MISSING, Fault.TOO_SMALL])
def test_nothing_is_canceled_while_a_part_has_no_stop(fault):
    far = Finding(Fault.TOO_FAR, Decimal(1), "", ("O-1",))
    standing = {(Fault.TOO_FAR, "O-1"): 60_000}

    assert to_cancel([far], standing) == ["O-1"]
    assert to_cancel([Finding(fault, Decimal(1), ""), far], standing) == []
