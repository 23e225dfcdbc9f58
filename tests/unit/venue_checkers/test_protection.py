"""Every position has its stop in time."""

from dataclasses import replace

import pytest

from venue.checkers.protection import check_protection, episodes_of


def bought(script, qty="1"):
    script.order("a", "BUY", qty, "TRADE")


def test_a_stop_in_time_protects_and_the_time_is_measured(script, tmp_path):
    bought(script)
    script.ms = 5_000
    script.stop("sl", "SELL", "1")
    script.ms = 60_000
    script.order("x", "SELL", "1", "TRADE", R=True)

    run = script.run(tmp_path)
    [episode] = episodes_of(run)
    assert (episode.bare_ms, episode.bare_ms_max) == (5_000, 5_000)
    verdict = check_protection(run)
    assert verdict.breaches == []
    assert verdict.figures["unprotected longest"] == "5.000 s"


def test_a_stop_that_comes_too_late_is_caught(script, judged):
    bought(script)
    script.ms = 5_001
    script.stop("sl", "SELL", "1")

    assert judged(check_protection) == [
        "BTCUSDT: without a full stop for 5.001 s at once, 5.001 s in all, limit 5 s"
    ]


def later(script, ms=10_000):
    script.ms += ms
    script.market(10_000)


@pytest.mark.parametrize(
    "change",
    [{"q": "0.999"}, {"S": "BUY"}, {"R": False}, {"o": "TAKE_PROFIT_MARKET"}, {"s": "ETHUSDT"}],
)
def test_a_stop_that_does_not_cover_all_on_the_right_side_is_none(script, judged, change):
    bought(script)
    script.stop("sl", "SELL", "1", **change)
    later(script)

    assert len(judged(check_protection)) == 1


def test_several_stops_cover_together_and_a_whole_one_covers_all(script, judged):
    bought(script)
    script.stop("sl-1", "SELL", "0.4")
    script.stop("sl-2", "SELL", "0.6")
    later(script)
    script.stop("all", "SELL", "0", R=False, cp=True)
    script.stop("sl-1", "SELL", "0.4", "CANCELED")
    later(script)

    assert judged(check_protection) == []


def test_a_position_that_grows_needs_its_stop_to_grow(script, judged):
    bought(script)
    script.stop("sl", "SELL", "1")
    script.order("b", "BUY", "1", "TRADE")
    later(script)

    assert len(judged(check_protection)) == 1


def test_times_without_a_stop_add_up_but_each_is_judged_alone(script, judged, tmp_path):
    bought(script)
    for number in range(3):
        later(script, 4_000)
        script.stop(f"sl-{number}", "SELL", "1")
        later(script)
        script.stop(f"sl-{number}", "SELL", "1", "CANCELED")
    script.order("x", "SELL", "1", "TRADE", R=True)

    assert judged(check_protection) == []
    assert episodes_of(script.run(tmp_path))[0].bare_ms == 12_000


def test_a_stop_that_triggers_hands_over_to_its_order(script, judged):
    bought(script)
    script.stop("sl", "SELL", "1")
    script.stop("sl", "SELL", "1", "TRIGGERED")
    script.order("sl", "SELL", "1", R=True)
    later(script)
    assert judged(check_protection) == []

    script.order("sl", "SELL", "1", "EXPIRED", R=True)
    later(script)
    assert len(judged(check_protection)) == 1


def test_a_stop_that_is_gone_without_an_event_is_seen_by_the_venues_word(script, judged):
    bought(script)
    script.stop("sl", "SELL", "1")
    script.truth("1")
    later(script)

    assert len(judged(check_protection)) == 1


def test_a_position_from_before_is_judged_from_the_start(script, judged, tmp_path):
    script.lines[0]["body"]["positions"] = [
        {"symbol": "BTCUSDT", "side": "BOTH", "amt": "-1", "entry_price": "10000"}
    ]
    later(script)

    assert len(judged(check_protection)) == 1


def test_short_positions_are_protected_by_buying(script, judged):
    script.order("a", "SELL", "1", "TRADE")
    script.stop("sl", "BUY", "1")
    later(script)

    assert judged(check_protection) == []


CLOSED = [
    ("freeze", "hangs"),
    ("outage", "out"),
    ("orders_forbidden", "main: -4088"),
    ("trading_halt", "BTCUSDT: status=TRADING_HALT"),
    ("market_unfilled", "BTCUSDT: market_take_bound=0"),
]


@pytest.mark.parametrize(("name", "detail"), CLOSED)
def test_time_when_the_venue_takes_no_order_does_not_count(script, judged, name, detail):
    bought(script)
    script.ms = 3_000
    script.line("fault", name=name, detail=detail)
    later(script, 60_000)
    script.line("fault", name=name, detail="over")
    later(script, 2_000)
    assert judged(check_protection) == []

    later(script, 1)
    assert judged(check_protection) == [
        "BTCUSDT: without a full stop for 5.001 s at once, 5.001 s in all, limit 5 s"
    ]


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("orders_forbidden", "main: -4087"),
        ("trading_halt", "ETHUSDT: status=TRADING_HALT"),
        ("market_unfilled", "ETHUSDT: market_take_bound=0"),
        ("stop_canceled_silently", "main: sl"),
    ],
)
def test_time_when_a_stop_can_be_placed_counts(script, judged, name, detail):
    bought(script)
    script.line("fault", name=name, detail=detail)
    later(script)

    assert len(judged(check_protection)) == 1


def lose_stop_by_word(script):
    script.truth("1")


def lose_stop_by_event(script):
    script.stop("sl", "SELL", "1", "EXPIRED")
    script.lines[-1]["sent"] = False


@pytest.mark.parametrize("lose", [lose_stop_by_word, lose_stop_by_event])
def test_what_no_event_told_may_be_found_at_the_next_comparison(script, tmp_path, lose):
    bought(script)
    script.stop("sl", "SELL", "1")
    lose(script)
    later(script, 15_000)
    run = replace(script.run(tmp_path), reconcile_ms=10_000)
    assert check_protection(run).breaches == []

    later(script, 1)
    run = replace(script.run(tmp_path), reconcile_ms=10_000)
    assert len(check_protection(run).breaches) == 1


def test_what_an_event_told_needs_no_comparison(script, tmp_path):
    bought(script)
    script.stop("sl", "SELL", "1")
    script.stop("sl", "SELL", "1", "EXPIRED")
    later(script, 5_001)

    run = replace(script.run(tmp_path), reconcile_ms=10_000)
    assert len(check_protection(run).breaches) == 1


def test_what_came_late_counts_from_when_it_came(script, tmp_path):
    bought(script)
    script.stop("sl", "SELL", "1")
    lose_stop_by_event(script)
    lost = len(script.lines)
    later(script, 500)
    script.line("delivery", account="main", of=lost, payload={}, sent=True)
    later(script, 5_000)
    run = replace(script.run(tmp_path), reconcile_ms=10_000)
    assert check_protection(run).breaches == []

    later(script, 1)
    run = replace(script.run(tmp_path), reconcile_ms=10_000)
    assert len(check_protection(run).breaches) == 1
