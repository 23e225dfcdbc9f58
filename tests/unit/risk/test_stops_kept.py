"""Amends and cancels: the cap holds, and no position loses the stop that it needs."""

from __future__ import annotations

import pytest

from risk.decision import Denial
from risk.intent import BUY, SELL, AmendIntent, OrderIntent
from risk.judge import Judge
from risk.trading_state import TradingState
from tests.risk_builders import (
    BTC,
    SECOND,
    T0,
    D,
    accept,
    enter,
    fill,
    make_exit,
    make_filters,
    make_judge,
    make_market,
    make_stop,
    reason_of,
    stop_id,
    submit,
    work,
)


def amend(
    judge: Judge, order: OrderIntent | str, now_ns: int = T0, **terms: object
) -> Denial | None:
    order_id = order if isinstance(order, str) else order.client_order_id
    decimals = {key: D(value) for key, value in terms.items()}
    return judge.amend(AmendIntent(order_id, BTC, **decimals), make_market(ts_ns=now_ns), now_ns)


def confirm(judge: Judge, order: OrderIntent | str, *, leaves: object, **prices: object) -> None:
    order_id = order if isinstance(order, str) else order.client_order_id
    given = {"price": None, "trigger_price": None} | {k: D(v) for k, v in prices.items()}
    judge.on_updated(BTC, order_id, leaves_qty=D(leaves), **given)  # type: ignore[arg-type]


def add_stop(
    judge: Judge, entry: OrderIntent, trigger: object, order_id: str, *, is_accepted: bool = True
) -> str:
    """Have a further stop approved that came without an entry."""
    stop = make_stop(entry, trigger, client_order_id=order_id, parent_id=None)
    assert submit(judge, stop) is None
    if is_accepted:
        accept(judge, stop)
    return order_id


# -- canceling stops ---------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize("state", TradingState)
def test_the_only_stop_of_a_position_cannot_be_canceled(side: int, state: TradingState) -> None:
    judge = make_judge()
    entry = enter(judge, side)
    judge.trip(state, "TEST: observed=1, limit=0", T0)

    assert reason_of(judge.cancel(BTC, stop_id(entry), T0)) == "STOP_LOSS_REQUIRED"


def test_the_stop_of_a_working_entry_cannot_be_canceled() -> None:
    judge = make_judge()
    entry = work(judge)

    assert reason_of(judge.cancel(BTC, stop_id(entry), T0)) == "STOP_LOSS_REQUIRED"


def test_the_stop_of_a_closed_position_can_be_canceled() -> None:
    judge = make_judge()
    entry = enter(judge)
    exit_order = make_exit()
    submit(judge, exit_order)
    fill(judge, exit_order)

    assert judge.cancel(BTC, stop_id(entry), T0) is None


@pytest.mark.parametrize("state", TradingState)
def test_an_entry_and_a_target_can_be_canceled_in_every_state(state: TradingState) -> None:
    judge = make_judge()
    entry = work(judge)
    target = make_exit(price=120)
    submit(judge, target)
    judge.trip(state, "TEST: observed=1, limit=0", T0)

    assert judge.cancel(BTC, entry.client_order_id, T0) is None
    assert judge.cancel(BTC, target.client_order_id, T0) is None


def test_an_unknown_order_can_be_canceled() -> None:
    assert make_judge().cancel(BTC, "O-0", T0) is None


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_stop_can_be_canceled_when_an_accepted_one_as_tight_replaces_it(side: int) -> None:
    judge = make_judge()
    entry = enter(judge, side)
    add_stop(judge, entry, 95 if side == BUY else 105, "SL-2")

    assert judge.cancel(BTC, stop_id(entry), T0) is None


@pytest.mark.parametrize(("side", "looser"), [(BUY, "94.9"), (SELL, "105.1")])
def test_a_looser_stop_replaces_nothing(side: int, looser: str) -> None:
    judge = make_judge()
    entry = enter(judge, side)
    add_stop(judge, entry, looser, "SL-2")

    assert reason_of(judge.cancel(BTC, stop_id(entry), T0)) == "STOP_LOSS_REQUIRED"
    assert judge.cancel(BTC, "SL-2", T0) is None


def test_a_stop_that_names_a_parent_of_its_own_accord_replaces_nothing_when_looser() -> None:
    judge = make_judge()
    entry = enter(judge)
    far = make_stop(entry, 10, client_order_id="SL-2")
    assert submit(judge, far) is None
    accept(judge, far)

    assert reason_of(judge.cancel(BTC, stop_id(entry), T0)) == "STOP_LOSS_REQUIRED"


def test_a_second_looser_stop_in_the_entrys_list_replaces_nothing() -> None:
    judge = make_judge()
    entry = work(judge)
    judge.on_closed(BTC, entry.client_order_id)
    judge.on_closed(BTC, stop_id(entry))
    pair = entry._replace(client_order_id="E-2")
    near, far = make_stop(pair), make_stop(pair, 10, client_order_id="FAR")
    assert submit(judge, pair, near, far) is None
    accept(judge, pair, near, far)
    fill(judge, pair)

    assert reason_of(judge.cancel(BTC, stop_id(pair), T0)) == "STOP_LOSS_REQUIRED"


def test_a_stop_that_is_still_in_flight_replaces_nothing() -> None:
    judge = make_judge()
    entry = enter(judge)
    add_stop(judge, entry, 96, "SL-2", is_accepted=False)

    assert reason_of(judge.cancel(BTC, stop_id(entry), T0)) == "STOP_LOSS_REQUIRED"


def test_two_stops_do_not_vouch_for_each_other() -> None:
    judge = make_judge()
    entry = enter(judge)
    add_stop(judge, entry, 95, "SL-2")
    assert judge.cancel(BTC, stop_id(entry), T0) is None

    assert reason_of(judge.cancel(BTC, "SL-2", T0)) == "STOP_LOSS_REQUIRED"


def test_a_stop_counts_again_when_the_venue_did_not_cancel_it() -> None:
    judge = make_judge()
    entry = enter(judge)
    add_stop(judge, entry, 95, "SL-2")
    judge.cancel(BTC, stop_id(entry), T0)
    judge.on_cancel_rejected(BTC, stop_id(entry))

    assert judge.cancel(BTC, "SL-2", T0) is None


def test_a_cancel_may_be_repeated_while_the_first_one_is_unanswered() -> None:
    judge = make_judge()
    entry = enter(judge)
    add_stop(judge, entry, 95, "SL-2")
    judge.cancel(BTC, stop_id(entry), T0)

    assert judge.cancel(BTC, stop_id(entry), T0) is None


def test_stops_that_came_with_entries_stand_in_for_each_other() -> None:
    judge = make_judge()
    first, second = enter(judge), enter(judge)
    half = make_exit()
    submit(judge, half)
    fill(judge, half)

    assert judge.cancel(BTC, stop_id(first), T0) is None
    assert reason_of(judge.cancel(BTC, stop_id(second), T0)) == "STOP_LOSS_REQUIRED"


def test_the_stop_of_a_working_entry_vouches_for_it_before_it_is_accepted() -> None:
    judge = make_judge()
    leftover = enter(judge)
    exit_order = make_exit()
    submit(judge, exit_order)
    fill(judge, exit_order)
    again = make_stop(leftover)._replace(client_order_id="E-2", parent_id=None)
    entry = again._replace(
        side=BUY, order_type="LIMIT", price=D(100), trigger_price=None, is_reduce_only=False
    )
    assert submit(judge, entry, make_stop(entry)) is None

    assert judge.cancel(BTC, stop_id(leftover), T0) is None


# -- amending stops ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "tighter", "looser"), [(BUY, "95.1", "94.9"), (SELL, "104.9", "105.1")]
)
def test_a_stop_may_be_tightened_and_not_loosened(side: int, tighter: str, looser: str) -> None:
    judge = make_judge()
    entry = enter(judge, side)

    assert reason_of(amend(judge, stop_id(entry), trigger_price=looser)) == "STOP_LOSS_LOOSENED"
    assert amend(judge, stop_id(entry), trigger_price=tighter) is None


def test_a_tightening_that_is_not_confirmed_is_not_counted_on() -> None:
    judge = make_judge()
    entry = enter(judge)
    amend(judge, stop_id(entry), trigger_price=97)

    assert amend(judge, stop_id(entry), trigger_price=96) is None  # looser than 97, not than 95

    confirm(judge, stop_id(entry), leaves=1, trigger_price=97)
    confirm(judge, stop_id(entry), leaves=1, trigger_price=96)
    assert reason_of(amend(judge, stop_id(entry), trigger_price="95.9")) == "STOP_LOSS_LOOSENED"


def test_a_redundant_stop_cannot_be_loosened_to_take_anothers_place() -> None:
    judge = make_judge()
    entry = enter(judge)
    add_stop(judge, entry, 95, "SL-2")

    assert reason_of(amend(judge, "SL-2", trigger_price=10)) == "STOP_LOSS_LOOSENED"


def test_the_stop_of_nothing_may_be_loosened() -> None:
    judge = make_judge()
    entry = enter(judge)
    exit_order = make_exit()
    submit(judge, exit_order)
    fill(judge, exit_order)

    assert amend(judge, stop_id(entry), trigger_price=10) is None


def test_a_needed_stop_cannot_be_made_smaller() -> None:
    judge = make_judge()
    entry = enter(judge, qty=2)

    assert reason_of(amend(judge, stop_id(entry), qty="1.999")) == "STOP_LOSS_REQUIRED"
    assert amend(judge, stop_id(entry), qty=2) is None


def test_a_stop_may_shrink_with_its_position() -> None:
    judge = make_judge()
    entry = enter(judge, qty=2)
    part = make_exit(qty="0.5")
    submit(judge, part)
    fill(judge, part)

    assert reason_of(amend(judge, stop_id(entry), qty="1.499")) == "STOP_LOSS_REQUIRED"
    assert amend(judge, stop_id(entry), qty="1.5") is None


def test_a_stop_that_was_made_smaller_covers_less_at_once() -> None:
    judge = make_judge()
    entry = enter(judge)
    add_stop(judge, entry, 95, "SL-2")
    assert amend(judge, "SL-2", qty="0.5") is None

    assert reason_of(judge.cancel(BTC, stop_id(entry), T0)) == "STOP_LOSS_REQUIRED"


def test_a_redundant_stop_that_shrinks_breaks_the_promise_to_its_entry() -> None:
    judge = make_judge()
    entry = enter(judge)
    add_stop(judge, entry, 95, "SL-2")
    second = work(judge)
    assert amend(judge, stop_id(second), qty="0.5") is None

    assert reason_of(judge.cancel(BTC, "SL-2", T0)) == "STOP_LOSS_REQUIRED"


def test_a_stop_cannot_outgrow_what_it_protects() -> None:
    judge = make_judge()
    entry = enter(judge)

    assert reason_of(amend(judge, stop_id(entry), qty="1.001")) == "REDUCE_ONLY_EXCEEDS_POSITION"


@pytest.mark.parametrize("terms", [{"trigger_price": "95.05"}, {"trigger_price": 0}, {"price": -1}])
def test_an_exit_amended_off_the_tick_is_denied(terms: dict[str, object]) -> None:
    judge = make_judge()
    entry = enter(judge)

    assert reason_of(amend(judge, stop_id(entry), **terms)) == "PRICE_OFF_TICK"


def test_an_order_that_is_not_pending_cannot_be_amended() -> None:
    assert reason_of(amend(make_judge(), "O-0", qty=1)) == "ORDER_UNKNOWN"


def test_an_exit_of_an_instrument_that_was_unloaded_cannot_be_amended() -> None:
    known = {BTC: make_filters()}
    judge = Judge(make_judge().limits, known.get)
    judge.account.balance = D(100_000)
    entry = enter(judge)
    known.clear()

    assert reason_of(amend(judge, stop_id(entry), trigger_price=96)) == "INSTRUMENT_UNKNOWN"


def test_a_target_may_move_anywhere() -> None:
    judge = make_judge()
    enter(judge)
    target = make_exit(price=120)
    submit(judge, target)

    assert amend(judge, target, price=150) is None
    assert amend(judge, target, qty="0.5") is None


# -- amending entries --------------------------------------------------------------------------------


def test_an_entry_amended_upward_is_judged_like_a_new_one() -> None:
    judge = make_judge(position_notional_usdt_max=1_000)
    entry = work(judge, qty=5)

    assert reason_of(amend(judge, entry, price=201)) == "PRICE_OUTSIDE_COLLAR"
    assert reason_of(amend(judge, entry, qty=6)) == "STOP_LOSS_REQUIRED"
    assert reason_of(amend(judge, entry, qty="10.001")) == "STOP_LOSS_REQUIRED"
    assert amend(judge, entry, price=101) is None


def test_an_entry_cannot_be_amended_beyond_the_cap() -> None:
    judge = make_judge(position_notional_usdt_max=1_000)
    entry = work(judge, qty=5)
    work(judge, qty=4)

    assert reason_of(amend(judge, entry, price="111.2")) == "POSITION_EXCEEDS_MAX"
    assert amend(judge, entry, price=111) is None  # 9 x 111 = 999


def test_a_stop_that_has_grown_lets_its_entry_grow() -> None:
    judge = make_judge()
    entry = work(judge, qty=2)
    other = work(judge, qty=1)
    assert amend(judge, stop_id(entry), qty=3) is None
    confirm(judge, stop_id(entry), leaves=3, trigger_price=95)

    assert amend(judge, entry, qty=3) is None
    assert other.client_order_id in judge.account.symbol(BTC).pending


def test_an_entry_that_is_partly_filled_cannot_outgrow_its_stop() -> None:
    judge = make_judge()
    entry = work(judge, qty=2)
    fill(judge, entry, 1)

    assert reason_of(amend(judge, entry, qty=3)) == "STOP_LOSS_REQUIRED"
    assert amend(judge, entry, price=101) is None


@pytest.mark.parametrize("state", TradingState)
def test_an_entry_may_be_made_smaller_in_every_state(state: TradingState) -> None:
    judge = make_judge()
    entry = work(judge, qty=2)
    judge.trip(state, "TEST: observed=1, limit=0", T0)

    assert amend(judge, entry, qty=1) is None


def test_an_entry_may_not_be_moved_in_a_tightened_state() -> None:
    judge = make_judge()
    entry = work(judge, qty=2)
    judge.trip(TradingState.REDUCING, "TEST: observed=1, limit=0", T0)

    assert reason_of(amend(judge, entry, qty=1, price=101)) == "TRADING_REDUCING"


def test_both_terms_count_until_the_venue_answers() -> None:
    judge = make_judge()
    entry = work(judge, qty=2)
    book = judge.account.symbol(BTC)
    amend(judge, entry, price=101)
    assert book.worst_notional(BUY) == 202

    amend(judge, entry, price=99)
    assert book.worst_notional(BUY) == 202

    confirm(judge, entry, leaves=2, price=101)
    confirm(judge, entry, leaves=2, price=99)
    assert book.worst_notional(BUY) == 198


def test_a_confirmed_amendment_does_not_release_what_a_later_one_may_take() -> None:
    judge = make_judge()
    entry = work(judge, qty=2)
    amend(judge, entry, price=101)
    amend(judge, entry, price=103)

    confirm(judge, entry, leaves=2, price=101)

    assert judge.account.symbol(BTC).worst_notional(BUY) == 206


def test_a_rejected_amendment_gives_its_reservation_back() -> None:
    judge = make_judge()
    entry = work(judge, qty=2)
    amend(judge, entry, price=110)
    confirm(judge, entry, leaves=2, price=100)

    assert judge.account.symbol(BTC).worst_notional(BUY) == 200


def test_an_amended_entry_keeps_its_type() -> None:
    judge = make_judge(entry_types=("STOP_MARKET",))
    entry = work(judge, price=None, order_type="STOP_MARKET", trigger_price=D(110))

    assert amend(judge, entry, trigger_price=109) is None


def test_an_entry_amended_to_what_it_has_filled_is_a_cancel() -> None:
    judge = make_judge()
    entry = work(judge, qty=2)
    fill(judge, entry, 1)
    judge.trip(TradingState.HALTED, "TEST: observed=1, limit=0", T0)

    assert amend(judge, entry, qty=1) is None


def test_an_amendment_is_no_repeated_entry() -> None:
    judge = make_judge(repeated_entries_max=1)
    entry = work(judge)

    assert amend(judge, entry, price=101) is None
    assert judge.state.state is TradingState.ACTIVE


def test_an_amendment_that_cannot_be_judged_leaves_the_entry_reserved() -> None:
    judge = make_judge()
    entry = work(judge, qty=2)

    with pytest.raises(ArithmeticError):
        amend(judge, entry, price="NaN")

    assert judge.account.symbol(BTC).buys.entry_qty == 2


def test_an_entry_amended_too_often_is_throttled() -> None:
    judge = make_judge(messages_per_sec_max=8)
    entry = work(judge)

    reasons = [reason_of(amend(judge, entry, price=price)) for price in (101, 102, 103)]

    assert reasons == [None, None, "MESSAGE_RATE_EXCEEDS_MAX"]
    assert amend(judge, entry, T0 + SECOND, price=103) is None


def test_a_smaller_quantity_does_not_count_before_the_venue_confirms_it() -> None:
    judge = make_judge()
    entry = work(judge, qty=2)
    assert amend(judge, entry, qty=1, price=101) is None

    assert judge.account.symbol(BTC).worst_notional(BUY) == 202
