"""Exits pass in every state, cannot flip, and do not pile up."""

from __future__ import annotations

import pytest

from risk.decision import Denial
from risk.events import VenueEvent, VenueEventKind
from risk.intent import BUY, SELL
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
    make_order,
    make_stop,
    reason_of,
    stop_id,
    submit,
    work,
)


@pytest.mark.parametrize("state", TradingState)
@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_market_exit_of_the_whole_position_passes_in_every_state(
    state: TradingState, side: int
) -> None:
    judge = make_judge()
    enter(judge, side, qty=2)
    judge.trip(state, "TEST: observed=1, limit=0", T0)

    assert submit(judge, make_exit(-side, qty=2)) is None


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (TradingState.ACTIVE, None),
        (TradingState.REDUCING, "TRADING_REDUCING"),
        (TradingState.HALTED, "TRADING_HALTED"),
    ],
)
def test_a_tightened_state_denies_every_entry(state: TradingState, reason: str | None) -> None:
    judge = make_judge()
    judge.trip(state, "TEST: observed=1, limit=0", T0)
    entry = make_order()

    assert reason_of(submit(judge, entry, make_stop(entry))) == reason


def test_a_sell_that_would_only_shrink_a_long_must_say_so() -> None:
    judge = make_judge()
    enter(judge, BUY)
    judge.trip(TradingState.REDUCING, "TEST: observed=1, limit=0", T0)

    assert reason_of(submit(judge, make_order(SELL))) == "TRADING_REDUCING"


def test_an_exit_needs_no_price_no_balance_and_no_journal() -> None:
    judge = make_judge()
    enter(judge)
    judge.account.balance = None
    judge.journal_error = "disk full"

    assert judge.submit((make_exit(),), {BTC: None}, T0) is None


def test_an_entry_needs_a_journal() -> None:
    judge = make_judge()
    judge.journal_error = "disk full"
    entry = make_order()

    assert reason_of(submit(judge, entry, make_stop(entry))) == "JOURNAL_UNAVAILABLE"


def test_an_exit_of_a_symbol_that_may_not_be_traded_passes() -> None:
    judge = make_judge()
    judge.account.symbol("OLD").position_qty = D(1)
    known = make_filters()
    judge = Judge(judge.limits, lambda _: known)
    judge.account.symbol("OLD").position_qty = D(1)

    assert submit(judge, make_exit(instrument_id="OLD")) is None


@pytest.mark.parametrize(("qty", "reason"), [(2, None), ("2.001", "REDUCE_ONLY_EXCEEDS_POSITION")])
def test_an_exit_may_close_the_position_and_not_more(qty: object, reason: str | None) -> None:
    judge = make_judge()
    enter(judge, qty=2)

    assert reason_of(submit(judge, make_exit(qty=qty))) == reason


def test_an_exit_on_the_side_of_the_position_is_denied() -> None:
    judge = make_judge()
    enter(judge, BUY)

    assert reason_of(submit(judge, make_exit(BUY))) == "REDUCE_ONLY_EXCEEDS_POSITION"


def test_an_exit_without_a_position_is_denied() -> None:
    assert reason_of(submit(make_judge(), make_exit())) == "REDUCE_ONLY_EXCEEDS_POSITION"


def test_what_a_working_entry_may_become_can_be_exited() -> None:
    judge = make_judge()
    work(judge, qty=2)

    assert submit(judge, make_exit(qty=2, price=120)) is None


def test_an_exit_whose_fate_is_unknown_bars_no_other() -> None:
    judge = make_judge()
    enter(judge, qty=2)
    first = make_exit(qty=2)
    assert submit(judge, first) is None
    doubt = VenueEvent(VenueEventKind.ORDER_UNRESOLVED, "no answer", "an answer", T0)

    judge.on_venue_event(doubt._replace(instrument_id=BTC, client_order_id=first.client_order_id))

    assert submit(judge, make_exit(qty=2)) is None
    assert reason_of(submit(judge, make_exit(qty=2))) == "EXIT_ALREADY_IN_FLIGHT"


def test_a_second_market_exit_may_only_take_what_the_first_one_leaves() -> None:
    judge = make_judge()
    enter(judge, qty=2)
    assert submit(judge, make_exit(qty="1.5")) is None

    assert reason_of(submit(judge, make_exit(qty="0.501"))) == "EXIT_ALREADY_IN_FLIGHT"
    assert submit(judge, make_exit(qty="0.5")) is None


def test_a_market_exit_that_was_rejected_may_be_repeated() -> None:
    judge = make_judge()
    enter(judge)
    exit_order = make_exit()
    submit(judge, exit_order)
    judge.on_closed(BTC, exit_order.client_order_id)

    assert submit(judge, make_exit()) is None


def test_resting_exits_do_not_stand_in_the_way_of_a_market_exit() -> None:
    judge = make_judge()
    enter(judge, qty=2)
    submit(judge, make_exit(qty=2, price=120))

    assert submit(judge, make_exit(qty=2)) is None


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"qty": "0.9995"}, "QUANTITY_OFF_STEP"),
        ({"price": "120.05"}, "PRICE_OFF_TICK"),
        ({"price": -1}, "PRICE_OFF_TICK"),
        ({"is_quote_qty": True}, "QUOTE_QUANTITY_NOT_ALLOWED"),
    ],
)
def test_an_exit_that_the_venue_would_reject_is_denied(
    terms: dict[str, object], reason: str
) -> None:
    judge = make_judge()
    enter(judge)

    assert reason_of(submit(judge, make_exit(**terms))) == reason  # type: ignore[arg-type]


def test_an_exit_of_an_instrument_that_is_not_loaded_is_denied() -> None:
    judge = Judge(make_judge().limits, lambda _: None)
    judge.account.symbol(BTC).position_qty = D(1)

    assert reason_of(submit(judge, make_exit())) == "INSTRUMENT_UNKNOWN"


def test_resting_exits_are_throttled_at_the_full_rate_and_market_exits_never() -> None:
    judge = make_judge(messages_per_sec_max=4)
    enter(judge, qty=1)  # two messages

    resting = [reason_of(submit(judge, make_exit(qty="0.1", price=120))) for _ in range(3)]

    assert resting == [None, None, "MESSAGE_RATE_EXCEEDS_MAX"]
    assert submit(judge, make_exit(qty="0.1")) is None
    assert submit(judge, make_exit(qty="0.1", price=120), now_ns=T0 + SECOND) is None


def test_a_missing_stop_is_never_throttled_and_a_further_one_is() -> None:
    judge = make_judge(messages_per_sec_max=4)
    entry = enter(judge)
    judge.on_closed(BTC, stop_id(entry))
    for _ in range(2):
        submit(judge, make_exit(qty="0.1", price=120))
    stop, second = (
        make_stop(entry, client_order_id=order_id, parent_id=None) for order_id in ("SL-2", "SL-3")
    )

    assert submit(judge, stop) is None
    assert reason_of(submit(judge, second)) == "MESSAGE_RATE_EXCEEDS_MAX"


def test_an_order_id_is_good_for_one_order() -> None:
    judge = make_judge()
    entry = enter(judge)

    assert reason_of(submit(judge, make_exit(client_order_id=entry.client_order_id))) == (
        "ORDER_ID_DUPLICATE"
    )


def test_an_order_id_stays_used_when_its_order_is_gone() -> None:
    judge = make_judge()
    entry = work(judge)
    judge.on_closed(BTC, entry.client_order_id)
    judge.on_closed(BTC, stop_id(entry))

    again = make_order(client_order_id=entry.client_order_id)

    assert reason_of(submit(judge, again, make_stop(again))) == "ORDER_ID_DUPLICATE"


def test_an_order_id_that_was_denied_can_be_used() -> None:
    judge = make_judge(order_qty_max=1)
    order = make_order(qty=2)
    submit(judge, order, make_stop(order))
    smaller = make_order(qty=1, client_order_id=order.client_order_id)

    assert submit(judge, smaller, make_stop(smaller)) is None


def test_the_same_id_twice_in_one_list_is_denied() -> None:
    entry = make_order()

    denial = submit(make_judge(), entry, make_stop(entry), make_stop(entry, 94))

    assert reason_of(denial) == "ORDER_ID_DUPLICATE"


def test_a_stop_is_judged_with_its_entry_whatever_the_order_of_the_list() -> None:
    entry = make_order()

    assert submit(make_judge(), make_stop(entry), entry) is None


# -- repeated execution (control 13) -----------------------------------------------------------------


def repeat(judge: Judge, count: int, now_ns: int = T0, **terms: object) -> list[str | None]:
    reasons = []
    for _ in range(count):
        entry = make_order(**terms)  # type: ignore[arg-type]
        reasons.append(reason_of(submit(judge, entry, make_stop(entry), now_ns=now_ns)))
    return reasons


def test_one_entry_too_many_in_the_window_halts_until_a_person_resumes() -> None:
    judge = make_judge(repeated_entries_max=2)

    assert repeat(judge, 3) == [None, None, "REPEATED_EXECUTION"]
    assert judge.state.state is TradingState.HALTED
    assert repeat(judge, 1, T0 + 3_600 * SECOND) == ["TRADING_HALTED"]

    judge.resume(by="ann", reason="looked at it", now_ns=T0)
    assert repeat(judge, 2) == [None, None]


def test_entries_as_old_as_the_window_do_not_count() -> None:
    judge = make_judge(repeated_entries_max=1, repeated_entries_window_sec=60)

    assert repeat(judge, 1) == [None]
    assert repeat(judge, 1, T0 + 60 * SECOND) == [None]
    assert repeat(judge, 1, T0 + 120 * SECOND - 1) == ["REPEATED_EXECUTION"]


def test_each_strategy_and_symbol_has_its_own_count() -> None:
    judge = make_judge(repeated_entries_max=1)

    assert repeat(judge, 1) == [None]
    assert repeat(judge, 1, strategy_id="S-2") == [None]
    assert repeat(judge, 1, instrument_id="ETHUSDT-PERP.BINANCE") == [None]


def test_each_side_has_its_own_count() -> None:
    judge = make_judge(repeated_entries_max=1)
    entry = work(judge, BUY)
    judge.on_closed(BTC, entry.client_order_id)
    judge.on_closed(BTC, stop_id(entry))

    assert repeat(judge, 1, side=SELL) == [None]


def test_the_entries_of_one_list_count_one_by_one() -> None:
    judge = make_judge(repeated_entries_max=2)
    entries = [make_order() for _ in range(3)]

    denial = submit(judge, *entries, *[make_stop(entry) for entry in entries])

    assert reason_of(denial) == "REPEATED_EXECUTION"


def test_a_list_that_was_denied_is_not_counted() -> None:
    judge = make_judge(repeated_entries_max=2, order_qty_max=1)
    small, large = make_order(), make_order(qty=2)
    assert reason_of(submit(judge, small, make_stop(small), large, make_stop(large))) == (
        "QUANTITY_EXCEEDS_MAX_PER_ORDER"
    )

    assert repeat(judge, 2) == [None, None]


# -- what the venue reports --------------------------------------------------------------------------


def test_a_fill_of_an_unknown_order_moves_the_position() -> None:
    judge = make_judge()
    foreign = make_order(qty=3)
    fill(judge, foreign)

    assert judge.account.symbol(BTC).position_qty == 3
    assert not judge.knows(foreign.client_order_id)
    assert submit(judge, make_exit(qty=3)) is None


def test_an_adopted_entry_is_reserved_at_its_price() -> None:
    judge = make_judge(position_notional_usdt_max=1_000)
    judge.on_adopted(make_order(qty=6), price=D(100), is_accepted=True)

    assert reason_of(repeat_one(judge, qty="0.001")) == "STOP_LOSS_REQUIRED"
    assert judge.account.symbol(BTC).worst_notional(BUY) == 600


def repeat_one(judge: Judge, **terms: object) -> Denial | None:
    entry = make_order(**terms)  # type: ignore[arg-type]
    return submit(judge, entry, make_stop(entry))


def test_an_adopted_stop_covers_the_position() -> None:
    judge = make_judge()
    entry = make_order()
    fill(judge, entry)
    judge.on_adopted(make_stop(entry), price=D(0), is_accepted=True)

    assert reason_of(judge.cancel(BTC, stop_id(entry), T0)) == "STOP_LOSS_REQUIRED"
    assert repeat(judge, 1) == [None]


def test_reports_about_unknown_orders_change_nothing() -> None:
    judge = make_judge()
    accept(judge, make_order())
    judge.on_closed(BTC, "O-0")
    judge.on_cancel_rejected(BTC, "O-0")
    judge.on_updated(BTC, "O-0", leaves_qty=D(1), price=D(1), trigger_price=None)

    assert judge.account.symbol(BTC).pending == {}
