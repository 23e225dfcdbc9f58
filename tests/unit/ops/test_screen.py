"""The screen says everything that matters at 80 x 24, and nothing by color alone."""

import pytest

from actors.snapshot import ClientHealth, FeedHealth, Health
from tests.ops_kit import (
    BTC,
    ETH,
    SECOND,
    T0,
    D,
    breaker,
    drawn,
    health,
    naked,
    notice,
    order,
    position,
    snapshot,
    use,
)

SIZES = pytest.mark.parametrize(("width", "height"), [(80, 24), (160, 50)])


def line_with(lines: list[str], text: str) -> str:
    (found,) = [line for line in lines if text in line]
    return found


@SIZES
def test_the_screen_fills_the_terminal_exactly(width, height):
    lines = drawn(snapshot(), width=width, height=height)

    assert len(lines) == height
    assert {len(line) for line in lines} == {width}
    assert lines[-1].startswith("q or Ctrl-C")


@SIZES
def test_state_and_every_cause_stand_at_the_top(width, height):
    causes = ("DAILY_LOSS: observed=0.0312, limit=0.03", "DRAWDOWN: observed=0.2, limit=0.15")

    lines = drawn(snapshot(state="REDUCING", causes=causes), width=width, height=height)

    assert "REDUCING" in lines[1]
    assert [line.strip() for line in lines[2:4]] == [f"because {cause}" for cause in causes]


@SIZES
def test_a_position_is_shown_with_its_stop(width, height):
    row = line_with(drawn(snapshot(), width=width, height=height), "covered")

    for figure in ("BTCUSDT", "+0.1", "93500.1", "93566.05", "+6.60", "92150.5", "151"):
        assert figure in row


@SIZES
def test_a_naked_position_says_so_in_words_and_comes_first(width, height):
    shown = snapshot(positions=(position(), naked(instrument_id=ETH)))

    lines = drawn(shown, width=width, height=height)

    assert "NAKED for 3.2s" in line_with(lines, "ETHUSDT   ")
    first, second = (i for i, line in enumerate(lines) if "NAKED" in line or "covered" in line)
    assert "NAKED" in lines[first]
    assert second == first + 1


@SIZES
def test_books_that_differ_are_pointed_out(width, height):
    lines = drawn(snapshot(positions=(position(cached_qty=D("0.2")),)), width=width, height=height)

    assert "BOOKS DIFFER" in line_with(lines, "+0.1")


@SIZES
def test_a_use_near_its_limit_is_marked_and_one_over_it_twice(width, height):
    exposure = (
        use("position_notional_usdt_max", 100, 79, BTC),
        use("position_notional_usdt_max", 100, 80, ETH),
        use("gross_notional_usdt_max", 100, 101),
    )

    lines = drawn(snapshot(exposure=exposure, positions=()), width=width, height=height)

    assert "79% !" not in line_with(lines, "79%")
    assert "80% !" in line_with(lines, "80%")
    assert "101% !!" in line_with(lines, "gross ")


@SIZES
def test_what_nobody_measures_is_shown_as_unknown(width, height):
    shown = snapshot(
        equity_usdt=None,
        balance_usdt=None,
        positions=(position(price=None, unrealized_usdt=None),),
        exposure=(use("leverage_max", 1, None),),
        health=Health(clients=(), feeds=()),
    )

    text = "\n".join(drawn(shown, width=width, height=height))

    assert "equity unknown" in text
    assert "balance unknown" in text
    assert "leverage ?????????? unknown" in text
    for what in ("connection", "prices", "user stream", "clock", "weight"):
        assert f"{what} unknown" in text


@SIZES
def test_a_venue_that_is_away_is_said_to_be(width, height):
    ill = health(
        clients=(ClientHealth("BINANCE", "data", True), ClientHealth("BINANCE", "exec", False)),
        feeds=(FeedHealth(BTC, 6_000, 5_000), FeedHealth(ETH, 10, 5_000)),
        is_user_stream_up=False,
    )

    line = line_with(drawn(snapshot(health=ill), width=width, height=height), "user stream")

    assert line.startswith("DOWN: exec BINANCE; STALE oldest price 6.0s; user stream DOWN")


def test_a_symbol_without_a_price_is_named():
    ill = health(feeds=(FeedHealth(BTC, 6, 5_000), FeedHealth(ETH, None, 5_000)))

    assert "no price of ETHUSDT" in line_with(drawn(snapshot(health=ill)), "user stream")


@SIZES
def test_orders_in_doubt_are_counted(width, height):
    orders = tuple(
        order(status=status, client_order_id=status)
        for status in ("WORKING", "IN_FLIGHT", "HELD", "UNRESOLVED", "LOST")
    )

    lines = drawn(snapshot(orders=orders), width=width, height=height)

    counts = "orders: 1 at the venue, 1 in flight, 1 held, 2 unresolved"
    assert line_with(lines, counts)


def test_a_tall_screen_lists_orders_with_the_doubtful_ones_first():
    orders = (order(), order(status="UNRESOLVED", client_order_id="O-doubt"))

    lines = drawn(snapshot(orders=orders), width=160, height=50)

    listed = [line.split()[0] for line in lines if line.startswith(("WORKING", "UNRESOLVED"))]
    assert listed == ["UNRESOLVED", "WORKING"]


def test_more_positions_than_there_is_room_for_are_counted():
    positions = tuple(position(instrument_id=f"S{i}USDT-PERP.BINANCE") for i in range(7))

    assert line_with(drawn(snapshot(positions=positions)), "Positions (5 of 7)")


@SIZES
def test_the_newest_event_comes_first_and_denials_are_counted(width, height):
    told = [
        notice("FILL", "BUY 0.1", at=1),
        notice("DENIED", "PRICE_STALE: observed=9, limit=5", at=2, group="PRICE_STALE"),
        notice("DENIED", "PRICE_STALE: observed=8, limit=5", at=3, group="PRICE_STALE"),
    ]

    lines = drawn(snapshot(), *told, width=width, height=height)

    start = lines.index(line_with(lines, "Last events"))
    assert lines[start + 1].startswith("12:00:03 DENIED   2 x PRICE_STALE: observed=8, limit=5")
    assert lines[start + 2].startswith("12:00:01 FILL     BUY 0.1")


def test_a_snapshot_that_is_old_says_so_where_the_keys_stood():
    assert "THE STATUS IS OLD: ValueError" in drawn(snapshot(error="ValueError('x')"))[-1]


def test_before_the_first_snapshot_the_screen_says_that_it_waits():
    assert "waiting" in drawn(None)[0]


@SIZES
def test_what_holds_new_risk_back_stands_at_the_top(width, height):
    hold = "USER_STREAM_LOST: observed=3.0 s, limit=0 s"

    lines = drawn(snapshot(hold=hold), width=width, height=height)

    assert lines[2].strip() == f"NEW RISK WAITS: {hold}"


@pytest.mark.parametrize(("is_banned", "word"), [(False, "REFUSED"), (True, "BANNED")])
def test_a_venue_that_hears_nothing_says_until_when(is_banned, word):
    ill = health(refused_until_ns=T0 + 90 * SECOND, is_banned=is_banned)

    assert line_with(drawn(snapshot(health=ill)), f"{word} until 12:01:30; weight 240/2400")


# -- breakers ----------------------------------------------------------------------------------------


@SIZES
def test_the_breaker_nearest_to_its_limit_is_named(width, height):
    lines = drawn(snapshot(), width=width, height=height)

    assert "; nearest breaker: reject storm 7 of 10 (closest 8) " in line_with(lines, "Limits")


@SIZES
def test_a_breaker_that_has_tripped_comes_before_one_that_is_nearer(width, height):
    breakers = (
        breaker("denial_storm", 50, 49), breaker("price_shock", 500, None, 612, is_tripped=True),
    )  # fmt: skip

    lines = drawn(snapshot(breakers=breakers), width=width, height=height)

    said = "; TRIPPED: price shock unknown of 500 bps (closest 612 bps) "
    assert said in line_with(lines, "Limits")


@SIZES
@pytest.mark.parametrize("breakers", [(), (breaker("drawdown", "0.15", None),)])
def test_breakers_that_cannot_be_known_are_not_said_to_be_fine(width, height, breakers):
    lines = drawn(snapshot(breakers=breakers), width=width, height=height)

    assert "; breakers unknown" in line_with(lines, "Limits")


@SIZES
def test_the_breaker_of_a_narrow_screen_fits_on_its_line(width, height):
    longest = breaker("unrealized_loss", "0.1", "0.9999", "0.9999", is_tripped=True)

    line = line_with(drawn(snapshot(breakers=(longest,)), width=width, height=height), "Limits")

    assert "unrealized loss 99.99% of 10.00% (closest 99.99%)" in line


@pytest.mark.parametrize("size", [(140, 40), (160, 50)])
def test_a_tall_screen_lists_every_breaker_with_its_closest_approach(size):
    width, height = size

    lines = drawn(snapshot(), width=width, height=height)

    start = lines.index(line_with(lines, "Breakers "))
    listed = "\n".join(lines[start + 1 : start + 5])
    for words in (
        "unrealized loss 0.00% of 10.00% (closest 2.13%)", "daily loss 1.00% of 3.00% (closest 1.00%)",
        "drawdown 1.23% of 15.00% (closest 3.00%)", "price shock 12 bps of 500 bps (closest 47 bps)",
        "repeated entries 1 of 5 (closest 2)", "denial storm 0 of 50 (closest 12)",
        "reject storm 7 of 10 (closest 8)",
    ):  # fmt: skip
        assert words in listed


def test_breakers_are_listed_only_where_events_have_room():
    orders = tuple(order(client_order_id=f"O-{i}") for i in range(12))
    few = tuple(position(instrument_id=f"S{i}USDT-PERP.BINANCE") for i in range(5))

    lines = drawn(snapshot(orders=orders, positions=few), width=140, height=40)

    assert not [line for line in lines if line.startswith("Breakers ")]
    assert line_with(lines, "Last events")
    assert line_with(lines, "nearest breaker")
