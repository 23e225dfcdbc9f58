"""What an error says about a request: refused for sure, or perhaps carried out."""

from __future__ import annotations

from json import JSONDecodeError, loads
from typing import Any

from nautilus_trader.adapters.binance.http.error import BinanceError

UNKNOWN_CODES = frozenset({-1000, -1001, -1006, -1007, -4116})
"""The venue does not know itself, or knows an earlier attempt under this id (Binance: Error Codes)."""
ABSENT_CODES = frozenset({-2011, -2013})
OVERLOAD_CODE = -1008
UNAVAILABLE_TEXT = "Service Unavailable."
"""The one 503 text that Binance documents as a certain failure (Binance: General Info)."""
REQUEST_TIMEOUT = 408


def error_code(error: BaseException) -> int | None:
    """Return the venue's error code, None when the answer carries none."""
    code = _body(error).get("code")
    try:
        return int(code) if code is not None else None
    except (TypeError, ValueError):
        return None


def error_text(error: BaseException) -> str:
    """Return the venue's own words, or what went wrong on the way to it."""
    return str(_body(error).get("msg") or str(error) or type(error).__name__)


def is_unknown(error: BaseException) -> bool:
    """
    Return whether the request may have been carried out although it did not succeed here.

    A definite refusal is an answer that the venue documents as one: a 4xx other than 408, -1008, or
    503 "Service Unavailable.". All else is unknown: timeouts, lost connections, other 5xx, answers
    that cannot be read.

    """
    if not isinstance(error, BinanceError):
        return True
    code = error_code(error)
    if code in UNKNOWN_CODES:
        return True
    if code == OVERLOAD_CODE or (error.status == 503 and error_text(error) == UNAVAILABLE_TEXT):
        return False
    return not 400 <= error.status < 500 or error.status == REQUEST_TIMEOUT


def is_absent(error: BaseException) -> bool:
    """Return whether the venue says that it has no such order; right after a send it may be wrong."""
    return isinstance(error, BinanceError) and error_code(error) in ABSENT_CODES


def _body(error: BaseException) -> dict[str, Any]:
    message = getattr(error, "message", None)
    if isinstance(message, str):
        try:
            message = loads(message)
        except JSONDecodeError:
            return {"msg": message}
    return message if isinstance(message, dict) else {}
