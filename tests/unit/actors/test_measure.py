"""A snapshot's figures, against books made by hand; what is missing is None, never zero."""

from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from actors import measure
from risk.intent import BUY, SELL
from tests.risk_builders import (
    BTC,
    ETH,
    SECOND,
    T0,
    D,
    accept,
    enter,
    fill,
    make_exit,
    make_judge,
    make_order,
    make_stop,
    stop_id,
    submit,
    tell_price,
    work,
)


def uses(judge):
    """Return ``(label, observed)`` of every exposure."""
    return {use.instrument_id or use.key: use.observed for use in measure.exposure(judge)}


def position(judge, *, bare_since=None, now_ns=T0):
    (line,) = measure.position_lines(judge, Cache(), bare_since or {}, now_ns)
    return line


# -- exposure ----------------------------------------------------------------------------------------


def test_exposure_is_the_worst_case_of_position_and_working_orders():
    judge = make_judge()
    enter(judge, BUY, 10)  # 1,000 USDT at 100
    work(judge, BUY, 5, price=100)  # 500 more may fill
    work(judge, SELL, 20, price=100, instrument_id=ETH)

    found = uses(judge)

    assert found[BTC] == D(1_500)
    # A resting sell is valued at the market when that is higher than its limit.
    assert found[ETH] >= D(2_000)
    assert found["gross_notional_usdt_max"] == found[BTC] + found[ETH]
    assert found["net_notional_usdt_max"] == found[ETH]
    assert found["leverage_max"] == (found[BTC] + found[ETH]) / 100_000


def test_every_symbol_of_the_profile_is_shown_though_nothing_ever_happened_to_it():
    judge = make_judge()

    (btc, eth, *_) = measure.exposure(judge)

    assert [(u.instrument_id, u.observed, u.share) for u in (btc, eth)] == [
        (BTC, D(0), 0.0),
        (ETH, D(0), 0.0),
    ]


def test_the_share_is_of_the_limit_of_the_profile():
    judge = make_judge(position_notional_usdt_max=D(4_000))
    enter(judge, BUY, 10)

    (btc, *_) = measure.exposure(judge)

    assert (btc.limit, btc.share) == (D(4_000), 0.25)


def test_a_position_without_a_price_leaves_its_sums_unknown():
    judge = make_judge()
    enter(judge, BUY, 10)
    judge.account.symbol(BTC).ref_px = None

    found = uses(judge)

    unknown = (BTC, "gross_notional_usdt_max", "net_notional_usdt_max", "leverage_max")
    assert {key: found[key] for key in unknown} == dict.fromkeys(unknown)
    assert found[ETH] == D(0)


def test_leverage_is_unknown_without_a_balance():
    judge = make_judge()
    enter(judge, BUY, 10)
    judge.account.balance = None

    found = uses(judge)

    assert (found["leverage_max"], found["gross_notional_usdt_max"]) == (None, D(1_000))


# -- rates and losses --------------------------------------------------------------------------------


def test_rates_are_the_messages_of_the_last_second_and_minute():
    judge = make_judge(messages_per_sec_max=10)
    work(judge)
    work(judge, now_ns=T0 + SECOND)

    sec, minute = measure.rates(judge, T0 + SECOND)

    assert (sec.observed, sec.limit, sec.share) == (D(2), D(10), 0.2)
    assert (minute.observed, minute.limit) == (D(4), D(2_000))


def test_losses_are_shares_of_equity_against_their_limits():
    judge = make_judge(balance=1_000)
    enter(judge, BUY, 10)
    tell_price(judge, 99)

    unrealized, daily, drawdown = measure.losses(judge)

    assert (unrealized.key, unrealized.observed) == ("unrealized_loss_ratio_max", D(10) / 990)
    assert (daily.observed, daily.limit) == (D("0.01"), D("0.20"))
    assert drawdown.observed == D("0.01")


def test_losses_without_equity_are_unknown():
    judge = make_judge(balance=None)

    assert [loss.share for loss in measure.losses(judge)] == [None] * 3


# -- positions ---------------------------------------------------------------------------------------


def test_a_position_shows_its_stop_with_the_way_left_to_it():
    judge = make_judge()
    entry = enter(judge, BUY, 10)
    tell_price(judge, 102)

    line = position(judge)

    (stop,) = line.stops
    assert (line.signed_qty, line.entry_px, line.price) == (D(10), D(100), D(102))
    assert line.unrealized_usdt == D(20)
    assert (stop.client_order_id, stop.trigger_price) == (stop_id(entry), D(95))
    assert stop.distance_bps == float(D(7) * 10_000 / 102)
    assert line.covered_qty == D(10)
    assert line.unprotected_sec == 0.0


def test_the_way_to_a_shorts_stop_is_measured_upward_and_negative_once_passed():
    judge = make_judge()
    enter(judge, SELL, 10)

    tell_price(judge, 100)
    before = position(judge).stops[0].distance_bps
    tell_price(judge, 106)
    after = position(judge).stops[0].distance_bps

    assert before == 500.0
    assert after == float(D(-1) * 10_000 / 106)


def test_a_stop_that_the_venue_has_not_accepted_covers_nothing():
    judge = make_judge()
    entry = make_order(BUY, 10)
    stop = make_stop(entry)
    assert submit(judge, entry, stop) is None
    fill(judge, entry)

    line = position(judge, bare_since={BTC: T0}, now_ns=T0 + 3 * SECOND)

    assert (line.covered_qty, line.unprotected_sec) == (D(0), 3.0)
    assert len(line.stops) == 1
    accept(judge, stop)
    assert position(judge).covered_qty == D(10)


def test_a_stop_that_is_being_canceled_covers_nothing():
    judge = make_judge()
    entry = enter(judge, BUY, 10)
    exit_order = make_exit(SELL, 10)
    assert submit(judge, exit_order) is None
    book = judge.account.symbol(BTC)

    book.pending[stop_id(entry)].is_canceling = True

    assert measure.is_bare(book)


def test_stops_never_cover_more_than_the_position():
    judge = make_judge()
    entry = enter(judge, BUY, 10)
    assert submit(judge, make_stop(entry, client_order_id="second", qty=D(4))) is None
    judge.on_accepted(BTC, "second")

    assert position(judge).covered_qty == D(10)


def test_half_a_stop_leaves_a_position_bare():
    judge = make_judge()
    entry = enter(judge, BUY, 10)
    judge.account.symbol(BTC).pending[stop_id(entry)].leaves_qty = D(4)

    line = position(judge, bare_since={BTC: T0}, now_ns=T0 + SECOND // 2)

    assert (line.is_covered, line.covered_qty, line.unprotected_sec) == (False, D(4), 0.5)


def test_a_position_that_the_engine_does_not_know_shows_that_the_books_differ():
    judge = make_judge()
    enter(judge, BUY, 10)

    line = position(judge)

    assert (line.signed_qty, line.cached_qty, line.mark_px) == (D(10), D(0), None)


def test_an_order_that_only_the_gate_knows_is_lost():
    judge = make_judge()
    work(judge, BUY, 10)

    lines = measure.order_lines(judge, Cache(), frozenset(), T0)

    assert [(line.status, line.age_sec) for line in lines] == [("LOST", None)] * 2


# -- feeds -------------------------------------------------------------------------------------------


def test_a_feed_is_fresh_up_to_the_limits_age_and_unknown_without_a_quote():
    judge = make_judge(price_age_ms_max=1_000)
    cache = Cache()
    one = Quantity.from_int(1)
    cache.add_quote_tick(
        QuoteTick(
            InstrumentId.from_str(BTC),
            Price.from_str("100"),
            Price.from_str("101"),
            one,
            one,
            T0,
            T0,
        )
    )

    at_limit, never = measure.feeds(judge, cache, T0 + SECOND)
    (over, _) = measure.feeds(judge, cache, T0 + SECOND + 1_000_000)
    (future, _) = measure.feeds(judge, cache, T0 - 2 * SECOND)

    assert (at_limit.age_ms, at_limit.is_fresh) == (1_000, True)
    assert (over.age_ms, over.is_fresh) == (1_001, False)
    assert (future.age_ms, future.is_fresh) == (-2_000, False)
    assert (never.age_ms, never.is_fresh) == (None, False)
