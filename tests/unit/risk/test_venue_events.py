"""Venue events: what each kind trips, holds back or only tells."""

import pytest

from risk.events import Reaction, VenueEvent, VenueEventKind
from risk.holds import ENDED_BY, REASONS
from risk.trading_state import TradingState
from tests.risk_builders import (
    BTC,
    SECOND,
    T0,
    make_exit,
    make_judge,
    make_market,
    make_order,
    make_stop,
)

Kind = VenueEventKind
LATCHED = [k for k in Kind if k.reaction in {Reaction.REDUCING, Reaction.HALTED}]
TOLD = [k for k in Kind if k.reaction is Reaction.ALARM]


def event(kind, *, at=T0, until=None):
    return VenueEvent(kind, "seen", "allowed", at, until)


def judged(judge, *, at=T0):
    entry = make_order()
    denial = judge.submit((entry, make_stop(entry)), {BTC: make_market(ts_ns=at)}, at)
    return None if denial is None else denial.reason.code


@pytest.mark.parametrize("kind", LATCHED, ids=lambda k: k.code)
def test_a_kind_that_trips_is_latched_with_its_evidence(kind):
    judge = make_judge()

    judge.on_venue_event(event(kind))

    assert judge.state.state is TradingState[kind.reaction.name]
    assert judge.state.causes == [f"{kind.code}: observed=seen, limit=allowed"]
    assert judged(judge) == f"TRADING_{kind.reaction.name}"


@pytest.mark.parametrize("kind", TOLD, ids=lambda k: k.code)
def test_a_kind_that_is_only_told_denies_nothing(kind):
    judge = make_judge()

    judge.on_venue_event(event(kind))

    assert judge.alarms == [(T0, f"{kind.code}: observed=seen, limit=allowed")]
    assert judge.state.state is TradingState.ACTIVE
    assert judged(judge) is None


def test_a_rate_limit_holds_new_risk_back_until_its_moment_and_not_longer():
    judge = make_judge()
    until = T0 + 5 * SECOND

    judge.on_venue_event(event(Kind.RATE_LIMITED, until=until))

    assert judged(judge, at=until - 1) == "VENUE_RATE_LIMITED"
    assert judged(judge, at=until) is None
    assert judge.state.state is TradingState.ACTIVE


def test_a_shorter_wait_does_not_end_a_longer_one():
    judge = make_judge()
    judge.on_venue_event(event(Kind.RATE_LIMITED, until=T0 + 10 * SECOND))

    judge.on_venue_event(event(Kind.RATE_LIMITED, until=T0 + SECOND))

    assert judged(judge, at=T0 + 9 * SECOND) == "VENUE_RATE_LIMITED"


def test_a_lost_user_stream_holds_new_risk_back_until_it_is_back():
    judge = make_judge()
    judge.on_venue_event(event(Kind.USER_STREAM_LOST))
    assert judged(judge, at=T0 + 100 * SECOND) == "USER_STREAM_LOST"

    judge.on_venue_event(event(Kind.USER_STREAM_BACK))

    assert judged(judge, at=T0 + 100 * SECOND) is None


def test_the_end_of_one_hold_leaves_another_in_force():
    judge = make_judge()
    judge.on_venue_event(event(Kind.USER_STREAM_LOST))
    judge.on_venue_event(event(Kind.RATE_LIMITED, until=T0 + SECOND))

    judge.on_venue_event(event(Kind.USER_STREAM_BACK))

    assert judged(judge) == "VENUE_RATE_LIMITED"


def test_an_exit_is_held_back_by_nothing():
    judge = make_judge()
    judge.account.symbol(BTC).position_qty += 1
    judge.on_venue_event(event(Kind.RATE_LIMITED, until=T0 + SECOND))
    judge.on_venue_event(event(Kind.USER_STREAM_LOST))

    assert judge.submit((make_exit(),), {}, T0) is None


def test_every_kind_that_holds_says_why_it_denies_and_every_lift_has_its_hold():

    assert set(REASONS) == {k for k in Kind if k.reaction is Reaction.HOLD}
    assert set(ENDED_BY) == {k for k in Kind if k.reaction is Reaction.LIFT}
    assert set(ENDED_BY.values()) <= set(REASONS)
