"""Signatures and the time window, as the general information of the futures API has them."""

import pytest

from venue.engine.errors import VenueError
from venue.wire.signing import check_signature, check_window, parameters, sign, signed_payload

SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
PAYLOAD = (
    "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC"
    "&recvWindow=5000&timestamp=1591702613943"
)
SIGNATURE = "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"
NOW = 1_700_000_000_000


def refused(params):
    with pytest.raises(VenueError) as caught:
        check_window(params, NOW)
    return caught.value.code


def test_the_official_vector_has_its_signature():
    assert sign(SECRET, PAYLOAD) == SIGNATURE


@pytest.mark.parametrize("cut", [0, 20, len(PAYLOAD)])
def test_query_and_body_are_signed_end_to_end(cut):
    query, body = PAYLOAD[:cut], PAYLOAD[cut:]

    check_signature(SECRET, query, body, SIGNATURE)


def test_the_signature_is_left_out_wherever_it_stands():
    assert signed_payload("a=1&signature=xyz&b=2", "") == "a=1&b=2"
    assert signed_payload("a=1", "b=2&signature=xyz") == "a=1b=2"


def test_the_raw_query_is_signed_not_a_rewritten_one():
    raw = "symbol=BTCUSDT&newClientOrderId=a%3Ab&timestamp=1"

    check_signature(SECRET, raw, "", sign(SECRET, raw))
    with pytest.raises(VenueError) as caught:
        check_signature(SECRET, raw, "", sign(SECRET, raw.replace("%3A", ":")))
    assert caught.value.code == -1022


def test_one_changed_digit_is_refused():
    with pytest.raises(VenueError) as caught:
        check_signature(SECRET, PAYLOAD.replace("quantity=1", "quantity=2"), "", SIGNATURE)
    assert caught.value.code == -1022


def test_a_signature_that_is_no_ascii_is_refused_not_a_crash():
    with pytest.raises(VenueError):
        check_signature(SECRET, PAYLOAD, "", "é" * 64)


def test_the_query_wins_over_the_body():
    assert parameters("symbol=BTCUSDT", "symbol=ETHUSDT&side=BUY") == {
        "symbol": "BTCUSDT",
        "side": "BUY",
    }


def test_a_timestamp_999_ms_ahead_is_accepted_and_1000_ms_refused():
    check_window({"timestamp": str(NOW + 999)}, NOW)
    assert refused({"timestamp": str(NOW + 1_000)}) == -1021


def test_a_timestamp_as_old_as_the_window_is_accepted_and_one_older_refused():
    check_window({"timestamp": str(NOW - 5_000)}, NOW)
    assert refused({"timestamp": str(NOW - 5_001)}) == -1021

    check_window({"timestamp": str(NOW - 200), "recvWindow": "200"}, NOW)
    assert refused({"timestamp": str(NOW - 201), "recvWindow": "200"}) == -1021


def test_the_window_is_a_minute_at_most():
    check_window({"timestamp": str(NOW - 60_000), "recvWindow": "60000"}, NOW)
    assert refused({"timestamp": str(NOW), "recvWindow": "60001"}) == -1131


@pytest.mark.parametrize(("timestamp", "code"), [("", -1102), ("1e3", -1100), ("-5", -1100)])
def test_a_timestamp_that_is_none_is_refused(timestamp, code):
    assert refused({"timestamp": timestamp}) == code


def test_a_missing_timestamp_is_refused():
    assert refused({}) == -1102
