"""Both order buckets, the weight bucket, and how 429 becomes 418."""

import pytest

from venue.engine.errors import VenueError
from venue.wire.limits import AccountLimit, AddressLimit, LimitOptions

NOON = 1_700_000_040_000  # a whole minute
OPTIONS = LimitOptions()


def refusal(take, *args):
    with pytest.raises(VenueError) as caught:
        take(*args)
    return caught.value.http_status, caught.value.code


def fill(limit, now_ms=NOON):
    limit.take(OPTIONS.weight_1m_max, now_ms)


def test_noon_is_a_whole_minute():
    assert NOON % 60_000 == 0


def test_the_last_unit_of_weight_passes_and_one_more_does_not():
    limit = AddressLimit("127.0.0.1", OPTIONS)
    limit.take(2_399, NOON)
    limit.take(1, NOON)

    assert limit.used(NOON) == 2_400
    assert refusal(limit.take, 1, NOON) == (429, -1003)


def test_the_weight_is_forgotten_with_the_minute():
    limit = AddressLimit("127.0.0.1", OPTIONS)
    fill(limit)

    assert refusal(limit.take, 1, NOON + 59_999) == (429, -1003)
    limit.take(1, NOON + 60_000)
    assert limit.used(NOON + 60_000) == 1


def test_retry_after_is_the_rest_of_the_minute_in_whole_seconds():
    limit = AddressLimit("127.0.0.1", OPTIONS)
    fill(limit)

    assert limit.retry_after_secs(NOON) == 60
    assert limit.retry_after_secs(NOON + 58_500) == 2
    assert limit.retry_after_secs(NOON + 59_999) == 1


def test_ten_refusals_are_answered_429_and_the_next_is_a_ban():
    limit = AddressLimit("127.0.0.1", OPTIONS)
    fill(limit)

    answers = [refusal(limit.take, 1, NOON) for _ in range(11)]

    assert answers == [(429, -1003)] * 10 + [(418, -1003)]


def banned(limit, now_ms):
    fill(limit, now_ms)
    for _ in range(11):
        refusal(limit.take, 1, now_ms)


def test_a_ban_ends_after_two_minutes_and_tells_until_when():
    limit = AddressLimit("127.0.0.1", OPTIONS)
    banned(limit, NOON)

    with pytest.raises(VenueError, match=f"banned until {NOON + 120_000}"):
        limit.take(1, NOON + 119_999)
    assert limit.retry_after_secs(NOON + 1) == 120
    limit.take(1, NOON + 120_000)


def test_each_further_ban_is_twice_as_long_up_to_three_days():
    limit = AddressLimit("127.0.0.1", OPTIONS)
    now, lengths = NOON, []
    for _ in range(14):
        banned(limit, now)
        lengths.append(limit.retry_after_secs(now))
        now += (lengths[-1] // 60 + 1) * 60_000

    assert lengths[:3] == [120, 240, 480]
    assert lengths[-1] == 3 * 24 * 3_600


def test_addresses_do_not_share_weight():
    ours, theirs = AddressLimit("127.0.0.1", OPTIONS), AddressLimit("127.0.0.2", OPTIONS)
    fill(ours)

    theirs.take(1, NOON)


def test_three_hundred_orders_in_ten_seconds_pass_and_one_more_does_not():
    limit = AccountLimit(OPTIONS)
    for _ in range(300):
        limit.take(1, 1, NOON)

    assert limit.counts(NOON) == (300, 300)
    assert refusal(limit.take, 1, 1, NOON + 9_999) == (429, -1015)
    limit.take(1, 1, NOON + 10_000)
    assert limit.counts(NOON + 10_000) == (1, 301)


def test_twelve_hundred_orders_in_a_minute_pass_and_one_more_does_not():
    limit = AccountLimit(OPTIONS)
    for slot in range(4):
        limit.take(300, 300, NOON + slot * 10_000)

    assert refusal(limit.take, 1, 1, NOON + 40_000) == (429, -1015)
    assert limit.retry_after_secs(NOON + 40_000) == 20
    limit.take(1, 1, NOON + 60_000)


def test_a_refused_order_uses_neither_bucket():
    limit = AccountLimit(OPTIONS)
    limit.take(299, 299, NOON)

    assert refusal(limit.take, 5, 1, NOON) == (429, -1015)
    assert limit.counts(NOON) == (299, 299)


def test_a_batch_costs_five_of_ten_seconds_and_one_of_the_minute():
    limit = AccountLimit(OPTIONS)
    limit.take(5, 1, NOON)

    assert limit.counts(NOON) == (5, 1)
