"""A stop sleeps until its own entry fills: it stands in for no other entry's stop before."""

from __future__ import annotations

from risk.intent import BUY, AmendIntent
from risk.judge import Judge
from tests.risk_builders import (
    BTC,
    T0,
    D,
    accept,
    enter,
    make_judge,
    make_limits,
    make_market,
    make_order,
    make_stop,
    reason_of,
    stop_id,
    submit,
    work,
)


def judge_with_room() -> Judge:
    return make_judge(make_limits(position_notional_usdt_max=10_000), balance=100_000)


def test_a_large_stop_of_a_working_entry_does_not_free_the_stop_of_a_position() -> None:
    judge = judge_with_room()
    first = enter(judge)
    second = make_order(BUY, 1)
    large = make_stop(second, qty=D(2))
    assert submit(judge, second, large) is None
    accept(judge, second, large)

    assert reason_of(judge.cancel(BTC, stop_id(first), T0)) == "STOP_LOSS_REQUIRED"


def test_neither_does_one_that_was_amended_to_be_large() -> None:
    judge = judge_with_room()
    first, second = enter(judge), work(judge)
    larger = AmendIntent(stop_id(second), BTC, qty=D(2))
    assert judge.amend(larger, make_market(), T0) is None
    judge.on_updated(BTC, stop_id(second), leaves_qty=D(2), price=None, trigger_price=D(95))

    assert reason_of(judge.cancel(BTC, stop_id(first), T0)) == "STOP_LOSS_REQUIRED"


def test_a_stop_that_follows_its_entry_is_promised_for_all_of_it() -> None:
    judge = judge_with_room()
    judge.is_grown_by_venue = False  # as where the gate holds the children
    entry = work(judge, qty=2)
    judge.on_updated(BTC, stop_id(entry), leaves_qty=D(1), price=None, trigger_price=D(95))

    grown = judge.amend(AmendIntent(stop_id(entry), BTC, qty=D("1.5")), make_market(), T0)

    assert grown is None
    assert judge.account.symbol(BTC).side(-BUY).cover_qty == D(2)


def test_a_stop_that_the_venue_may_have_grown_unseen_is_not_made_smaller() -> None:
    """Found by the state machine: it was told as 1, and its entry had filled 2 by then."""
    judge = judge_with_room()
    entry = work(judge, qty=2)
    judge.on_updated(BTC, stop_id(entry), leaves_qty=D(1), price=None, trigger_price=D(95))

    denial = judge.amend(AmendIntent(stop_id(entry), BTC, qty=D("1.5")), make_market(), T0)

    assert reason_of(denial) == "STOP_LOSS_REQUIRED"
    assert judge.amend(AmendIntent(stop_id(entry), BTC, qty=D(2)), make_market(), T0) is None


def test_the_stop_of_an_entry_that_ended_unfilled_frees_no_other_stop() -> None:
    """Found by the state machine: its own end is told a moment later."""
    judge = judge_with_room()
    first, second = enter(judge), work(judge)
    judge.on_closed(BTC, second.client_order_id)

    assert reason_of(judge.cancel(BTC, stop_id(first), T0)) == "STOP_LOSS_REQUIRED"


def test_the_stop_of_an_entry_that_ended_partly_filled_still_protects() -> None:
    judge = judge_with_room()
    entry = work(judge, qty=2)
    book = judge.account.symbol(BTC)
    book.fill(entry.client_order_id, side=BUY, qty=D(1), px=D(100))
    judge.on_closed(BTC, entry.client_order_id)

    assert book.side(-BUY).cover_qty >= D(1)
    assert reason_of(judge.cancel(BTC, stop_id(entry), T0)) == "STOP_LOSS_REQUIRED"


def test_a_stop_that_grows_does_not_wait_for_the_message_rate() -> None:
    judge = make_judge(make_limits(messages_per_sec_max=4, exit_reserve_ratio=D("0.25")))
    entry = enter(judge)
    judge.on_updated(BTC, stop_id(entry), leaves_qty=D("0.5"), price=None, trigger_price=D(95))
    for _ in range(4):
        judge.cancel(BTC, "unknown", T0)

    assert judge.amend(AmendIntent(stop_id(entry), BTC, qty=D(1)), make_market(), T0) is None
    tighter = AmendIntent(stop_id(entry), BTC, trigger_price=D(96))
    assert reason_of(judge.amend(tighter, make_market(), T0)) == "MESSAGE_RATE_EXCEEDS_MAX"
