"""The HTTP client: sends what was approved, within the venue's limits, and waits for no answer long."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.adapters.binance.http.error import BinanceClientError, BinanceServerError
from nautilus_trader.common.component import LiveClock
from nautilus_trader.core.nautilus_pyo3 import HttpClient, HttpError, HttpMethod, HttpTimeoutError

from adapters.budget import (
    ORDERS_1M_HEADER,
    ORDERS_10S_HEADER,
    RETRY_AFTER_HEADER,
    TOO_MANY_REQUESTS,
    USED_WEIGHT_HEADER,
    RateBudget,
    weight_of,
)
from adapters.clock import VenueClock
from adapters.key_watch import KeyWatch
from adapters.last_hop import (
    ALGO_PATH,
    Errand,
    LapsedError,
    Passed,
    Replacements,
    UnapprovedError,
    WireGuard,
)
from adapters.outcomes import REQUEST_TIMEOUT, UNKNOWN_CODES
from adapters.settings import Credentials, VenueSettings
from risk.client import WireHop
from risk.decision import Denial, DenyReason
from risk.events import VenueEvent, VenueEventKind
from risk.trading_state import TradingState

DATE_HEADER = "date"
HEADERS = (
    USED_WEIGHT_HEADER, ORDERS_10S_HEADER, ORDERS_1M_HEADER, RETRY_AFTER_HEADER, DATE_HEADER,
)  # fmt: skip
TIME_PATH = "/fapi/v1/time"
EXCHANGE_INFO_PATH = "/fapi/v1/exchangeInfo"
OPEN_STOPS_PATH = "/fapi/v1/openAlgoOrders"
NEW_ORDER_REJECTED, CANCEL_REJECTED, TIMESTAMP_REFUSED = -2010, -2011, -1021
NS_PER_SEC = 1_000_000_000
_SECRET_PARTS = re.compile(r"((?:signature|listenKey)=)[^&\s)\"']*")


class GuardedBinanceHttpClient(WireHop, BinanceHttpClient):  # type: ignore[misc]
    """
    NautilusTrader's Binance client as the last hop of every request.

    A request that could change position, orders or settings leaves only when it is exactly what the
    gate approved, once (see `WireGuard`); any other attempt is refused and halts trading. Each
    answer's headers are read, and a part of the venue's limits is kept for cancels and exits. An
    answer that does not come within the timeout raises ``HttpTimeoutError``: the outcome is unknown.

    Parameters
    ----------
    clock : LiveClock
        The node's clock.
    settings : VenueSettings
        Where the venue is.
    credentials : Credentials, optional
        The account's keys; without them public data only.
    tell : Callable, optional
        Told of refusals by the venue, of clocks that differ, and of unapproved requests.

    """

    def __init__(
        self,
        clock: LiveClock,
        settings: VenueSettings,
        credentials: Credentials | None = None,
        *,
        tell: Callable[[VenueEvent], None] = lambda _: None,
    ) -> None:
        super().__init__(
            clock=clock,
            api_key=credentials.api_key if credentials else None,
            api_secret=credentials.api_secret if credentials else None,
            base_url=settings.rest_url,
        )
        # No quotas: NautilusTrader's own would let an exit queue behind queries.
        self._client = HttpClient(header_keys=list(HEADERS), timeout_secs=settings.http_timeout_sec)
        self._tell = tell
        self._wait_ns_max = settings.http_timeout_sec * NS_PER_SEC
        self._replacements = Replacements()
        self._guard = WireGuard(self._replacements)
        self.venue_clock = VenueClock(
            clock, self._venue_time, offset_ms_max=settings.clock_offset_ms_max, tell=tell
        )
        self.budget = RateBudget(
            settings.exit_reserve_ratio, now_ns=self.venue_clock.now_ns, tell=tell
        )
        self._key_watch = KeyWatch(clock.timestamp_ns, tell)
        self._clock_task: asyncio.Task[Any] | None = None

    # -- the two doors ------------------------------------------------------------------------------

    async def sign_request(
        self,
        http_method: HttpMethod,
        url_path: str,
        payload: dict[str, str] | None = None,
        ratelimiter_keys: list[str] | None = None,  # noqa: ARG002 - of the base class
    ) -> Any:
        """Send a signed request that was approved, or changes nothing."""
        method, params = _name(http_method), _normal(payload or {})
        passed = self._judge(method, url_path, params)
        await self.venue_clock.ensure()
        try:
            return await self._send(http_method, url_path, params, passed, is_signed=True)
        except BinanceClientError as e:
            if _error_of(e.message).get("code") != TIMESTAMP_REFUSED:
                raise
            await self.venue_clock.measure()
            if method != "GET":
                raise  # An order is never sent twice; the next one carries a better time.
            return await self._send(http_method, url_path, params, passed, is_signed=True)

    async def send_request(
        self,
        http_method: HttpMethod,
        url_path: str,
        payload: dict[str, str] | None = None,
        ratelimiter_keys: list[str] | None = None,  # noqa: ARG002 - of the base class
    ) -> bytes:
        """Send a request without a signature: public data, and the user stream's key."""
        params = dict(payload or {})
        passed = self._judge(_name(http_method), url_path, params, is_signed=False)
        return await self._send(http_method, url_path, params, passed, is_signed=False)

    def _judge(
        self, method: str, path: str, params: Mapping[str, Any], *, is_signed: bool = True
    ) -> Passed:
        try:
            return self._guard.judge(method, path, params, self.approvals if is_signed else None)
        except LapsedError:
            refusal = {"code": CANCEL_REJECTED, "msg": "APPROVAL_LAPSED: the order has closed"}
        except UnapprovedError as e:
            self._log.error(f"Refused to send: {e.denial.text}")
            now_ns = self._clock.timestamp_ns()
            shown, limit = str(e.denial.observed), str(e.denial.limit)
            self._tell(VenueEvent(VenueEventKind.UNAPPROVED_REQUEST, shown, limit, now_ns))
            refusal = {"code": NEW_ORDER_REJECTED, "msg": e.denial.text}
        # The one kind of error after which NautilusTrader knows that nothing has left.
        raise BinanceClientError(400, refusal, {})

    # -- on its way ---------------------------------------------------------------------------------

    async def _send(
        self,
        http_method: HttpMethod,
        path: str,
        params: dict[str, Any],
        passed: Passed,
        *,
        is_signed: bool,
    ) -> bytes:
        weight = weight_of(_name(http_method), path, params)
        await self._await_turn(passed, weight)
        if passed.errand is Errand.ENTRY:
            self._refuse_if_tripped(_name(http_method), params)
        query = dict(params)
        if is_signed:
            query["timestamp"] = str(self.venue_clock.now_ms())
            query["signature"] = self._get_sign(self._prepare_params(query))
        self._log.debug(f"{_name(http_method)} {path}")
        self.budget.sent(weight, passed.orders)
        if passed.stands_in:
            self._replacements.sent(passed.stands_in)
        try:
            response = await self._request(http_method, path, query)
        finally:
            self.budget.ended(weight, passed.orders)
        if is_signed:
            self._key_watch.answered(_refusal(response.status, response.body))
        self._read(_name(http_method), path, params, response)
        return bytes(response.body)

    async def _await_turn(self, passed: Passed, weight: int) -> None:
        """Wait until the venue has patience again; refuse what would come too late."""
        until_ns = self.budget.free_ns(passed, weight)
        if not until_ns:
            return
        wait_ns = until_ns - self.venue_clock.now_ns()
        if passed.errand in {Errand.ENTRY, Errand.EXIT} or wait_ns > self._wait_ns_max:
            used = self.budget.snapshot()
            observed = f"weight {used.weight_1m}, orders {used.orders_10s} in 10 s"
            limit = f"free in {max(wait_ns, 0) / NS_PER_SEC:.1f} s"
            denial = Denial(DenyReason.VENUE_RATE_LIMITED, observed, limit)
            raise BinanceClientError(429, {"code": TOO_MANY_REQUESTS, "msg": denial.text}, {})
        await asyncio.sleep(max(wait_ns, 0) / NS_PER_SEC)

    def _refuse_if_tripped(self, method: str, params: Mapping[str, Any]) -> None:
        """Keep new risk here when trading has tripped while it waited for its turn."""
        assert self.approvals is not None, "Invariant: it was approved"
        is_amend = method == "PUT"
        client_id = str(params.get("origClientOrderId" if is_amend else "newClientOrderId", ""))
        state = self.approvals.state_against(client_id, is_amend=is_amend)
        if state is not None:
            reason = (
                DenyReason.TRADING_HALTED
                if state is TradingState.HALTED
                else DenyReason.TRADING_REDUCING
            )
            denial = Denial(reason, "tripped while it waited to leave", TradingState.ACTIVE.name)
            raise BinanceClientError(400, {"code": NEW_ORDER_REJECTED, "msg": denial.text}, {})

    async def _request(self, http_method: HttpMethod, path: str, query: dict[str, Any]) -> Any:
        url = self._base_url + path + ("?" + self._prepare_params(query) if query else "")
        try:
            return await self._client.request(http_method, url=url, headers=self._headers)
        except (HttpError, HttpTimeoutError) as e:
            # Its text holds the whole address.
            raise type(e)(_SECRET_PARTS.sub(r"\1***", str(e))) from None

    # -- answers ------------------------------------------------------------------------------------

    def _read(self, method: str, path: str, params: Mapping[str, Any], response: Any) -> None:
        """Take what an answer tells beside its body; raise it when it is an error."""
        status, headers, body = response.status, response.headers, response.body
        message = _message(body) if status >= 400 else None
        self.budget.answered(status, headers, _error_of(message))
        if self.venue_clock.is_doubtful(headers.get(DATE_HEADER)):
            self._measure_soon()
        # Some 4xx say that the venue does not know: then the stop may stand.
        is_doubtful = status == REQUEST_TIMEOUT or _error_of(message).get("code") in UNKNOWN_CODES
        is_refused = 400 <= status < 500 and not is_doubtful
        is_gone = (method, is_refused) in {("POST", True), ("DELETE", False)} and status < 500
        if path == ALGO_PATH and is_gone:
            self._replacements.gone(str(params.get("clientAlgoId", "")))
        if status >= 400:
            raised = BinanceServerError if status >= 500 else BinanceClientError
            raise raised(status=status, message=message, headers=headers)
        if body.lstrip()[:1] == b"<":  # the demo venue answers in HTML now and then
            raise BinanceServerError(status, f"Not JSON: {body[:200]!r}", headers)
        self._learn(method, path, body)

    def _learn(self, method: str, path: str, body: bytes) -> None:
        if (method, path) == ("GET", EXCHANGE_INFO_PATH):
            self.budget.learn(_LIMITS.decode(body).rateLimits)
        elif (method, path) == ("GET", OPEN_STOPS_PATH):
            self._replacements.seen(stop.clientAlgoId for stop in _STOPS.decode(body))

    async def _venue_time(self) -> int:
        body = await self.send_request(HttpMethod.GET, TIME_PATH)
        return int(msgspec.json.decode(body)["serverTime"])

    def _measure_soon(self) -> None:
        if self._clock_task is None or self._clock_task.done():
            self._clock_task = asyncio.create_task(self._measure_again())

    async def _measure_again(self) -> None:
        try:
            await self.venue_clock.measure()
        except (BinanceClientError, BinanceServerError, HttpError, HttpTimeoutError) as e:
            self._log.warning(f"Cannot measure the venue's clock: {e!r}")


class _Limits(msgspec.Struct):
    rateLimits: list[dict[str, Any]]  # noqa: N815 - the venue's name


class _Stop(msgspec.Struct):
    clientAlgoId: str  # noqa: N815 - the venue's name


_LIMITS = msgspec.json.Decoder(_Limits)
_STOPS = msgspec.json.Decoder(list[_Stop])


def _name(http_method: HttpMethod) -> str:
    return str(http_method).rpartition(".")[2]


def _normal(payload: dict[str, Any]) -> dict[str, Any]:
    """Return what is sent: NautilusTrader writes booleans as Python does, the venue does not."""
    words = {"True": "true", "False": "false"}
    return {key: words.get(value, value) for key, value in payload.items()}


def _message(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except msgspec.DecodeError:
        return body.decode(errors="replace")


def _refusal(status: int, body: bytes) -> Any:
    """Return the error code of an answer, None when it is no error."""
    return _error_of(_message(body)).get("code", status) if status >= 400 else None


def _error_of(message: Any) -> Mapping[str, Any]:
    return message if isinstance(message, dict) else {}
