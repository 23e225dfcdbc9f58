"""Which answers refuse for sure, and which leave open what happened."""

import pytest
from nautilus_trader.adapters.binance.http.error import BinanceClientError, BinanceServerError
from nautilus_trader.core.nautilus_pyo3 import HttpError, HttpTimeoutError

from adapters.outcomes import error_code, error_text, is_absent, is_unknown


def answer(status: int, code: int | None = None, msg: str = "Refused."):
    body = {"msg": msg} if code is None else {"code": code, "msg": msg}
    kind = BinanceServerError if status >= 500 else BinanceClientError
    return kind(status=status, message=body, headers={})


def shown(error) -> str:
    return f"{getattr(error, 'status', '')} {error_code(error)} {error_text(error)}"


@pytest.mark.parametrize(
    "error",
    [
        answer(503, -1000, "Unknown error, please check your request or try again later."),
        answer(503, -1001),
        answer(400, -1000),
        answer(400, -1001),
        answer(400, -1006),
        answer(400, -1007),
        answer(400, -4116),
        answer(408),
        answer(500),
        answer(502),
        answer(504),
        BinanceServerError(status=200, message="Non-JSON response (HTTP 200): <html>", headers={}),
        HttpTimeoutError("timed out"),
        HttpError("connection reset"),
        TimeoutError(),
        ValueError("cannot decode"),
    ],
    ids=shown,
)
def test_what_may_have_been_carried_out_is_unknown(error):
    assert is_unknown(error)


@pytest.mark.parametrize(
    "error",
    [
        answer(503, None, "Service Unavailable."),
        answer(503, -1008),
        answer(400, -2019),
        answer(400, -2021),
        answer(400, -2022),
        answer(400, -2010),
        answer(400, -1021),
        answer(401, -2014),
        answer(403),
        answer(418, -1003),
        answer(429, -1003),
        answer(429, -1015),
    ],
    ids=shown,
)
def test_what_the_venue_documents_as_refused_is_definite(error):
    assert not is_unknown(error)


@pytest.mark.parametrize("code", [-2011, -2013])
def test_an_unknown_order_is_absent(code):
    assert is_absent(answer(400, code))


def test_a_refusal_is_no_absence():
    assert not is_absent(answer(400, -2022))
    assert not is_absent(HttpTimeoutError("timed out"))


def test_code_and_text_are_read_from_a_string_too():
    error = BinanceClientError(400, '{"code":-2019,"msg":"Margin is insufficient."}', {})
    assert error_code(error) == -2019
    assert error_text(error) == "Margin is insufficient."


def test_an_error_without_body_has_its_own_words():
    assert error_code(HttpTimeoutError("timed out")) is None
    assert error_text(HttpTimeoutError("timed out")) == "timed out"
    assert error_text(TimeoutError()) == "TimeoutError"
