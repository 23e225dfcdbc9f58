"""Who asks, and in time: parameters, HMAC over the raw query and body, and the time window."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl

from venue.engine.errors import VenueError

RECV_WINDOW_DEFAULT_MS = 5_000
RECV_WINDOW_MAX_MS = 60_000
AHEAD_MAX_MS = 1_000
SECRETS = frozenset({"signature", "listenKey"})


def parameters(query: str, body: str) -> dict[str, str]:
    """Return the parameters of the form *body* and the raw *query*; the query wins."""
    pairs = parse_qsl(body, keep_blank_values=True) + parse_qsl(query, keep_blank_values=True)
    return dict(pairs)


def signed_payload(query: str, body: str) -> str:
    """Return what a client signs: raw query and body, end to end, without the signature itself."""
    return _unsigned(query) + _unsigned(body)


def _unsigned(raw: str) -> str:
    return "&".join(part for part in raw.split("&") if not part.startswith("signature="))


def sign(secret: str, payload: str) -> str:
    """Return the HMAC-SHA256 of *payload* in lower-case hexadecimal digits."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def check_signature(secret: str, query: str, body: str, signature: str) -> None:
    """Raise -1022 unless *signature* is the one of exactly these raw bytes."""
    expected = sign(secret, signed_payload(query, body))
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise VenueError(-1022, "Signature for this request is not valid.")


def check_window(params: dict[str, str], now_ms: int) -> None:
    """
    Raise unless the request's timestamp lies inside its window.

    Accepted iff ``timestamp < now + 1000 and now - timestamp <= recvWindow`` (general info of the
    futures API); recvWindow defaults to 5000 and may not exceed 60000.

    """
    timestamp = _whole(params, "timestamp")
    window = _whole(params, "recvWindow") if params.get("recvWindow") else RECV_WINDOW_DEFAULT_MS
    if not 0 <= window <= RECV_WINDOW_MAX_MS:
        raise VenueError(-1131, "recvWindow must be less than 60000")
    if timestamp >= now_ms + AHEAD_MAX_MS:
        ahead = "1000ms ahead of the server's time."
        raise VenueError(-1021, f"Timestamp for this request was {ahead}")
    if now_ms - timestamp > window:
        raise VenueError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _whole(params: dict[str, str], name: str) -> int:
    text = params.get(name, "")
    if not text:
        raise VenueError(
            -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
        )
    if not (text.isascii() and text.isdigit()):
        raise VenueError(
            -1100,
            f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.",
        )
    return int(text)
