"""The rate budget: who may send, who waits, and what the venue's refusals do."""

from decimal import Decimal

import pytest

from adapters.budget import RateBudget, weight_of
from adapters.last_hop import Errand, Passed
from risk.events import VenueEventKind

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
T0 = 1_735_689_600 * SECOND
QUERY, CARE = Passed(Errand.QUERY, 0), Passed(Errand.CARE, 0)
ENTRY, EXIT = Passed(Errand.ENTRY, 1), Passed(Errand.EXIT, 1)


class Venue:
    """A budget, and the clock that it looks at."""

    def __init__(self, reserve: str = "0.5") -> None:
        self.now = T0
        self.told = []
        self.budget = RateBudget(Decimal(reserve), now_ns=lambda: self.now, tell=self.told.append)

    def answer(self, status: int = 200, code: int | None = None, msg: str = "", **headers: object):
        names = {"weight": "x-mbx-used-weight-1m", "ten": "x-mbx-order-count-10s",
                 "minute": "x-mbx-order-count-1m", "retry": "retry-after"}  # fmt: skip
        error = {} if code is None else {"code": code, "msg": msg}
        told = {names[key]: str(value) for key, value in headers.items()}
        self.budget.answered(status, told, error)

    def free(self, passed: Passed, weight: int = 1) -> int:
        return self.budget.free_ns(passed, weight)


def test_queries_may_use_the_weight_up_to_the_reserve_and_then_wait_for_the_next_minute():
    venue = Venue()
    venue.answer(weight=1_199)

    assert venue.free(QUERY, 1) == 0
    assert venue.free(QUERY, 2) == T0 + MINUTE


def test_cancels_and_exits_use_the_reserve():
    venue = Venue()
    venue.answer(weight=2_400, ten=300, minute=1_200)

    assert venue.free(EXIT, 1) == 0


def test_a_new_minute_frees_the_weight():
    venue = Venue()
    venue.answer(weight=2_400)

    venue.now = T0 + MINUTE

    assert venue.free(QUERY) == 0
    assert venue.budget.snapshot().weight_1m == 0


def test_what_is_on_its_way_counts_until_it_is_answered():
    venue = Venue()
    venue.budget.sent(1_200, 1)

    assert venue.free(QUERY) == T0 + MINUTE
    venue.budget.ended(1_200, 1)
    assert venue.free(QUERY) == 0


@pytest.mark.parametrize(("ten", "minute", "until"), [(150, 0, 10), (0, 600, 60), (149, 599, 0)])
def test_entries_leave_the_reserve_of_both_order_counts_alone(ten, minute, until):
    venue = Venue()
    venue.answer(ten=ten, minute=minute)

    assert venue.free(ENTRY, 0) == (T0 + until * SECOND if until else 0)


def test_answers_that_overtake_one_another_do_not_lower_the_count():
    venue = Venue()
    venue.answer(weight=500)

    venue.answer(weight=499)

    assert venue.budget.snapshot().weight_1m == 500


def test_a_429_holds_entries_and_queries_back_until_retry_after_while_exits_go():
    venue = Venue()

    venue.answer(429, -1003, retry=7)

    (event,) = venue.told
    assert (event.kind, event.until_ns) == (VenueEventKind.RATE_LIMITED, T0 + 7 * SECOND)
    assert venue.free(ENTRY) == venue.free(QUERY) == T0 + 7 * SECOND
    assert venue.free(EXIT) == 0
    venue.now = T0 + 7 * SECOND
    assert venue.free(ENTRY) == venue.free(QUERY) == 0


def test_a_429_without_a_word_lasts_for_the_rest_of_the_minute():
    venue = Venue()
    venue.now = T0 + 50 * SECOND

    venue.answer(429)

    assert venue.free(QUERY) == T0 + MINUTE


def test_a_repeated_429_is_told_when_it_lasts_longer_and_not_else():
    venue = Venue()
    for seconds in (7, 7, 5, 9):
        venue.answer(429, -1003, retry=seconds)

    assert [event.until_ns for event in venue.told] == [T0 + 7 * SECOND, T0 + 9 * SECOND]


def test_a_ban_with_a_told_end_lets_nothing_through_until_then():
    venue = Venue()

    venue.answer(418, -1003, retry=300)

    assert venue.told[0].kind is VenueEventKind.BANNED
    assert venue.free(EXIT) == venue.free(QUERY) == T0 + 300 * SECOND
    assert venue.budget.snapshot().is_banned
    venue.now = T0 + 300 * SECOND
    assert venue.free(EXIT) == 0
    assert not venue.budget.snapshot().is_banned


def test_a_ban_without_a_told_end_still_lets_exits_try():
    venue = Venue()

    venue.answer(418)

    assert venue.free(EXIT) == 0
    assert venue.free(ENTRY) == T0 + 120 * SECOND


def test_the_end_of_a_ban_is_read_from_the_venues_words():
    venue = Venue()
    until_ms = (T0 + 42 * SECOND) // 1_000_000

    venue.answer(400, -1003, f"Way too many requests; IP banned until {until_ms}. Please use ws.")

    assert venue.told[0].kind is VenueEventKind.BANNED
    assert venue.free(QUERY) == T0 + 42 * SECOND


def test_too_many_orders_hold_entries_back_and_nothing_else():
    venue = Venue()

    venue.answer(400, -1015)

    assert venue.told[0].kind is VenueEventKind.RATE_LIMITED
    assert venue.free(ENTRY, 0) == T0 + 10 * SECOND
    assert venue.free(QUERY) == venue.free(EXIT) == 0


def test_the_limits_of_the_venue_take_the_place_of_the_documented_ones():
    venue = Venue("0")
    rows = [("REQUEST_WEIGHT", "MINUTE", 1, 6_000), ("ORDERS", "SECOND", 10, 20),
            ("ORDERS", "MINUTE", 1, 30), ("RAW_REQUESTS", "MINUTE", 5, 1)]  # fmt: skip
    keys = ("rateLimitType", "interval", "intervalNum", "limit")

    venue.budget.learn([dict(zip(keys, row, strict=True)) for row in rows])

    seen = venue.budget.snapshot()
    assert (seen.weight_1m_max, seen.orders_10s_max, seen.orders_1m_max) == (6_000, 20, 30)


@pytest.mark.parametrize(
    ("method", "path", "params", "weight"),
    [
        ("GET", "/fapi/v1/openOrders", {}, 40),
        ("GET", "/fapi/v1/openOrders", {"symbol": "BTCUSDT"}, 1),
        ("GET", "/fapi/v1/time", {}, 1),
        ("POST", "/fapi/v1/order", {}, 0),
        ("DELETE", "/fapi/v1/order", {}, 1),
        ("POST", "/fapi/v1/listenKey", {}, 1),
        ("POST", "/fapi/v1/countdownCancelAll", {}, 10),
    ],
)
def test_requests_weigh_what_the_venue_documents(method, path, params, weight):
    assert weight_of(method, path, params) == weight


def test_questions_about_protection_may_use_half_of_the_reserve_and_no_more():
    venue = Venue(reserve="0.5")

    venue.answer(weight=1_200)
    assert venue.budget.free_ns(QUERY, 1) > venue.now
    assert venue.budget.free_ns(CARE, 600) == 0
    assert venue.budget.free_ns(CARE, 601) > venue.now
    venue.answer(weight=1_800)
    assert venue.budget.free_ns(CARE, 1) > venue.now
    assert venue.budget.free_ns(EXIT, 1) == 0
    assert venue.budget.snapshot().weight_1m_care_max == 1_800


def test_questions_about_protection_wait_while_the_venue_refuses():
    venue = Venue()

    venue.answer(429, retry=7)

    assert venue.budget.free_ns(CARE, 1) == venue.now + 7 * SECOND
