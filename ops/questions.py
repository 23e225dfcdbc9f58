"""Ask the venue what the pre-flight judges: read-only, each question once."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import msgspec
from nautilus_trader.adapters.binance.common.enums import BinanceAccountType, BinanceEnvironment
from nautilus_trader.adapters.binance.common.urls import get_http_base_url
from nautilus_trader.adapters.binance.http.error import BinanceError
from nautilus_trader.common.component import LiveClock
from nautilus_trader.core.nautilus_pyo3 import HttpMethod

from adapters.http import GuardedBinanceHttpClient
from adapters.key_watch import KEY_REFUSED
from adapters.settings import Credentials, VenueSettings
from ops.errors import RefusedError, TemporaryError
from risk.decision import DenyReason

LOCKED_OUT = frozenset({418, 429})
OWN_REFUSAL = DenyReason.VENUE_RATE_LIMITED.code
"""How our client says that it has not asked, to leave the reserve to exits."""
SERVER_ERROR = 500

TIME = "/fapi/v1/time"
NS_PER_MS = 1_000_000
EXCHANGE_INFO = "/fapi/v1/exchangeInfo"
KEY_RIGHTS = "/sapi/v1/account/apiRestrictions"
PUBLIC = (EXCHANGE_INFO,)
SIGNED = (
    "/fapi/v1/accountConfig", "/fapi/v1/symbolConfig", "/fapi/v1/leverageBracket",
    "/fapi/v3/account", "/fapi/v3/positionRisk", "/fapi/v1/openOrders",
    "/fapi/v1/openAlgoOrders", "/fapi/v1/apiTradingStatus", "/fapi/v1/rateLimit/order",
    "/fapi/v1/feeBurn",
)  # fmt: skip


class UnansweredError(ValueError):
    """A question without a usable answer: what hangs on it fails."""


class ClockOffset(NamedTuple):
    """Venue time minus local time, and how wrong that can be; milliseconds."""

    offset_ms: float
    error_ms: float


class Answers:
    """What the venue said, by path; asking for what it did not say raises."""

    def __init__(self, answers: dict[str, Any], clock: ClockOffset) -> None:
        self._answers = answers
        self.clock = clock

    def get(self, path: str) -> Any:
        """
        Return the answer of a path.

        Raises
        ------
        UnansweredError
            If the venue refused it, or was not asked.

        """
        answer = self._answers.get(path)
        if answer is None or isinstance(answer, UnansweredError):
            raise answer or UnansweredError(f"{path}: not asked")
        return answer


async def ask(settings: VenueSettings, credentials: Credentials | None) -> Answers:
    """
    Ask everything that can be asked with these keys.

    Raises
    ------
    RefusedError
        If the venue refuses the keys.
    TemporaryError
        If it does not answer, or has locked us out for a while.

    """
    asker = _Asker(settings, credentials)
    clock = await asker.clock_offset()
    answers = {path: await asker.ask(path, is_signed=False) for path in PUBLIC}
    if credentials is not None:
        answers |= {path: await asker.ask(path, is_signed=True) for path in SIGNED}
        rights = _key_rights(settings, credentials)
        if rights is not None:
            rights.share_clock(asker)
            answers[KEY_RIGHTS] = await rights.ask(KEY_RIGHTS, is_signed=True)
    return Answers(answers, clock)


def _key_rights(settings: VenueSettings, credentials: Credentials) -> _Asker | None:
    """Return who to ask for the key's rights; the demo environment does not tell."""
    match settings.environment:
        case "local":
            return _Asker(settings, credentials)
        case "demo":
            return None
        case "live":
            spot = get_http_base_url(BinanceAccountType.SPOT, BinanceEnvironment.LIVE, is_us=False)
            return _Asker(settings.model_copy(update={"rest_url": spot}), credentials)


class _Asker:
    def __init__(self, settings: VenueSettings, credentials: Credentials | None) -> None:
        self._settings = settings
        self._http = GuardedBinanceHttpClient(LiveClock(), settings, credentials)

    async def clock_offset(self) -> ClockOffset:
        """Return the offset that the client will sign with, and how wrong it can be."""
        answer = await self.ask(TIME, is_signed=False)  # An error here is judged like any other.
        if isinstance(answer, UnansweredError):
            raise TemporaryError(f"the venue does not tell its time: {answer}")
        try:
            sample = await self._http.venue_clock.measure()
        except BinanceError as e:
            raise TemporaryError(f"the venue does not tell its time: {self._judge(TIME, e)}") from e
        return ClockOffset(sample.offset_ns / NS_PER_MS, sample.round_trip_ns / 2 / NS_PER_MS)

    def share_clock(self, other: _Asker) -> None:
        """Sign by the time of *other*'s venue: this one's does not tell it at the same address."""
        self._http.venue_clock = other._http.venue_clock

    async def ask(self, path: str, *, is_signed: bool) -> Any:
        """Return the answer, or why there is none."""
        try:
            body = await self._request(path, is_signed=is_signed)
            return msgspec.json.decode(body)
        except BinanceError as e:
            return self._judge(path, e)
        except msgspec.DecodeError:
            return UnansweredError(f"{path}: the answer is no JSON")
        except (asyncio.CancelledError, KeyboardInterrupt):
            raise
        except Exception as e:  # noqa: BLE001 - whatever the transport raises, nobody answered
            raise TemporaryError(f"{self._settings.rest_url} does not answer: {e}") from None

    async def _request(self, path: str, *, is_signed: bool) -> bytes:
        if not is_signed:
            return bytes(await self._http.send_request(HttpMethod.GET, path))
        terms = {"recvWindow": f"{self._settings.recv_window_ms}"}
        return bytes(await self._http.sign_request(HttpMethod.GET, path, terms))

    def _judge(self, path: str, error: BinanceError) -> UnansweredError:
        message = error.message if isinstance(error.message, dict) else {}
        code, text = message.get("code"), message.get("msg", error.message)
        if error.status in LOCKED_OUT and str(text).startswith(OWN_REFUSAL):
            raise TemporaryError(f"the minute's part of the venue's limits is used up: {text}")
        if error.status in LOCKED_OUT:
            after = {k.lower(): v for k, v in (error.headers or {}).items()}.get("retry-after")
            wait = f", again after {after} s" if after else ""
            raise TemporaryError(f"the venue has locked us out (HTTP {error.status}{wait})")
        if code in KEY_REFUSED:
            raise RefusedError(
                f"the venue refuses the keys (code {code}: {text}): they are wrong or revoked, lack "
                "rights, or are bound to another address"
            )
        if error.status >= SERVER_ERROR:
            raise TemporaryError(f"{path}: HTTP {error.status}: {text}")
        return UnansweredError(f"{path}: code {code}: {text}")
