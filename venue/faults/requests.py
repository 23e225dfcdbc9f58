"""Faults of the answers to requests."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, ClassVar

from venue.engine.errors import VenueError
from venue.faults.arguments import arg
from venue.faults.fault import Fault, Moment
from venue.faults.matching import CREATING
from venue.wire.hooks import Reaction, RequestInfo

_UNKNOWN = "Unknown error, please check your request or try again later."
_INTERNAL = "Internal error; unable to process your request. Please try again."
_TIMEOUT = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
_OVERLOAD = (
    "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. "
    "Please try again."
)
_TOO_MANY = "Too many requests; current limit is 2400 requests per minute."
_BANNED = "Way too many requests; IP banned until {}. Please use the websocket for live updates."


@dataclass(kw_only=True)
class _Unknown(Fault):
    """An answer that leaves open whether the request was executed."""

    is_executed: bool = arg(default=True, doc="whether the exchange executes the request")

    default_on: ClassVar[str] = "order"
    status: ClassVar[int]
    body: ClassVar[dict[str, Any]]

    def react(self, request: RequestInfo, moment: Moment) -> Reaction | None:  # noqa: ARG002 - protocol
        return Reaction(engine_acts=self.is_executed, answer=(self.status, dict(self.body)))


@dataclass(kw_only=True)
class UnknownError(_Unknown):
    """
    503 "Unknown error": the request was forwarded and no reply came in time.

    It may have been executed. A client that sends it again can hold the position twice.
    """

    name: ClassVar[str] = "unknown_error"
    source: ClassVar[str] = "Binance general info: HTTP 503, execution status UNKNOWN"
    status: ClassVar[int] = 503
    body: ClassVar[dict[str, Any]] = {"code": -1000, "msg": _UNKNOWN}


@dataclass(kw_only=True)
class RequestTimeout(_Unknown):
    """408: the venue stopped waiting for its backend; for a write as open as -1007."""

    name: ClassVar[str] = "request_timeout"
    source: ClassVar[str] = "Binance general info: HTTP 408"
    status: ClassVar[int] = 408
    body: ClassVar[dict[str, Any]] = {"code": -1007, "msg": _TIMEOUT}


@dataclass(kw_only=True)
class BackendTimeout(_Unknown):
    """-1007: send and execution status unknown. Nautilus retries it if it is told to retry."""

    name: ClassVar[str] = "backend_timeout"
    source: ClassVar[str] = "Binance error codes: -1007 TIMEOUT"
    status: ClassVar[int] = 504
    body: ClassVar[dict[str, Any]] = {"code": -1007, "msg": _TIMEOUT}


@dataclass(kw_only=True)
class InternalError(_Unknown):
    """503 with -1001: a failure by the documents, yet a write that fails so may have passed."""

    name: ClassVar[str] = "internal_error"
    source: ClassVar[str] = "Binance general info: 503 Internal error (-1001)"
    status: ClassVar[int] = 503
    body: ClassVar[dict[str, Any]] = {"code": -1001, "msg": _INTERNAL}

    is_executed: bool = arg(default=False, doc="whether the exchange executes the request")


@dataclass(kw_only=True)
class ServiceUnavailable(Fault):
    """503 "Service Unavailable.": refused for certain; may be sent again after a while."""

    name: ClassVar[str] = "service_unavailable"
    source: ClassVar[str] = "Binance general info: HTTP 503 Service Unavailable"
    default_on: ClassVar[str] = "any"

    def react(self, request: RequestInfo, moment: Moment) -> Reaction | None:  # noqa: ARG002 - protocol
        return Reaction(refuse=VenueError(-1016, "Service Unavailable.", 503))


@dataclass(kw_only=True)
class ReplyLost(Fault):
    """The connection is reset before the reply: the client cannot know what became of it."""

    name: ClassVar[str] = "reply_lost"
    source: ClassVar[str] = "TCP; the case that idempotent client order ids are for"
    default_on: ClassVar[str] = "order"

    is_executed: bool = arg(default=True, doc="whether the exchange executes the request")

    def react(self, request: RequestInfo, moment: Moment) -> Reaction | None:  # noqa: ARG002 - protocol
        return Reaction(engine_acts=self.is_executed, drop_reply=True)


@dataclass(kw_only=True)
class SlowReply(Fault):
    """The exchange acts at once and the reply comes late, after the events of it."""

    name: ClassVar[str] = "slow_reply"
    source: ClassVar[str] = "Seen in every fast market; user events overtake REST replies"
    default_on: ClassVar[str] = "any"

    min_ms: int = arg(500, "the shortest delay", low=0, high=600_000)
    max_ms: int = arg(3_000, "the longest delay", low=0, high=600_000)

    def react(self, request: RequestInfo, moment: Moment) -> Reaction | None:  # noqa: ARG002 - protocol
        low, high = sorted((self.min_ms, self.max_ms))
        return Reaction(delay_ms=moment.rng.randint(low, high))


@dataclass(kw_only=True)
class Overload(Fault):
    """
    -1008: new orders are shed, but for those that reduce a position, and cancels.

    Whoever sends a flattening order without the reduce-only flag is shed, too.
    """

    name: ClassVar[str] = "overload"
    source: ClassVar[str] = "Binance general info: 503 with -1008; exemption since 2025-10-23"
    default_on: ClassVar[str] = "order"

    def react(self, request: RequestInfo, moment: Moment) -> Reaction | None:  # noqa: ARG002 - protocol
        if request.method != "POST" or _reduces(request):
            return None
        return Reaction(refuse=VenueError(-1008, _OVERLOAD, 503))


@dataclass(kw_only=True)
class RateLimited(Fault):
    """A storm of 429: others behind the same address have used the weight."""

    name: ClassVar[str] = "rate_limited"
    source: ClassVar[str] = "Binance general info: HTTP 429, -1003"
    default_on: ClassVar[str] = "any"

    def react(self, request: RequestInfo, moment: Moment) -> Reaction | None:  # noqa: ARG002 - protocol
        return Reaction(refuse=VenueError(-1003, _TOO_MANY, 429))


@dataclass(kw_only=True)
class Banned(Fault):
    """418: the address is banned for a while after ignored 429s."""

    name: ClassVar[str] = "banned"
    source: ClassVar[str] = "Binance general info: HTTP 418, 2 minutes to 3 days"
    default_on: ClassVar[str] = "any"

    ban_ms: int = arg(120_000, "how far ahead the text says the ban ends", low=0)

    def react(self, request: RequestInfo, moment: Moment) -> Reaction | None:  # noqa: ARG002 - protocol
        until_ms = moment.now_ms + self.ban_ms
        return Reaction(refuse=VenueError(-1003, _BANNED.format(until_ms), 418))


@dataclass(kw_only=True)
class Refused(Fault):
    """Any refusal of the table of error codes, such as -2019 or -4131; nothing is executed."""

    name: ClassVar[str] = "refused"
    source: ClassVar[str] = "Binance error codes"
    default_on: ClassVar[str] = "order"

    code: int = arg(-2010, "the error code", low=-9999, high=-1000)
    text: str = arg("NEW_ORDER_REJECTED", "the message")
    status: int = arg(400, "the HTTP status", low=400, high=599)

    def react(self, request: RequestInfo, moment: Moment) -> Reaction | None:  # noqa: ARG002 - protocol
        return Reaction(refuse=VenueError(self.code, self.text, self.status))


@dataclass(kw_only=True)
class NotFoundYet(Fault):
    """
    -2013 for a while after acceptance: the order exists and cannot be found.

    Lists of open orders leave it out, too. Whoever takes the answer for the truth and sends the
    order again has it twice.
    """

    name: ClassVar[str] = "not_found_yet"
    source: ClassVar[str] = "freqtrade#12681 (algo orders); general info on -2013"
    default_on: ClassVar[str] = "lookup"

    within_ms: int = arg(2_000, "how long after its acceptance an order cannot be found", low=1)
    born_ms: "OrderedDict[str, int]" = field(default_factory=OrderedDict, init=False, repr=False)

    def watch(self, request: RequestInfo, now_ms: int) -> None:
        if (request.method, request.path) in CREATING:
            self.born_ms[_client_id(request)] = now_ms
            while len(self.born_ms) > 1_000:
                self.born_ms.popitem(last=False)

    def react(self, request: RequestInfo, moment: Moment) -> Reaction | None:
        fresh = {
            client_id
            for client_id, born_ms in self.born_ms.items()
            if moment.now_ms - born_ms < self.within_ms
        }
        if request.path.endswith(("Orders",)):
            return Reaction(rewrite=lambda status, body: (status, _without(body, fresh)))
        if _client_id(request) in fresh:
            return Reaction(refuse=VenueError(-2013))
        return None


@dataclass(kw_only=True)
class PartialCancelAll(Fault):
    """Cancel-all answers with success and leaves some orders open."""

    name: ClassVar[str] = "partial_cancel_all"
    source: ClassVar[str] = "batch cancels fail one by one (-2012); no answer is a proof"
    default_on: ClassVar[str] = "cancel_all"

    left: int = arg(1, "how many of the oldest orders stay open", low=1)

    def react(self, request: RequestInfo, moment: Moment) -> Reaction | None:
        is_algo = request.path.endswith("algoOpenOrders")
        cancel_path = "/fapi/v1/algoOrder" if is_algo else "/fapi/v1/order"
        list_path = "/fapi/v1/openAlgoOrders" if is_algo else "/fapi/v1/openOrders"
        key = "algoId" if is_algo else "orderId"
        symbol = {"symbol": request.params.get("symbol", "")}
        rows = moment.ask(request.account, "GET", list_path, symbol)
        for row in sorted(rows, key=lambda row: row[key])[self.left :]:
            moment.ask(request.account, "DELETE", cancel_path, symbol | {key: str(row[key])})
        done = {"code": 200, "msg": "The operation of cancel all open order is done."}
        return Reaction(engine_acts=False, answer=(200, done))


@dataclass(kw_only=True)
class UnknownValue(Fault):
    """
    A value that no client of this year knows, in an answer.

    Strict decoders then lose the whole answer: one symbol of an unknown status has cost clients
    all their instruments.
    """

    name: ClassVar[str] = "unknown_value"
    source: ClassVar[str] = "nautilus_trader#4320 (TRADING_HALT in exchangeInfo)"
    default_on: ClassVar[str] = "exchange_info"

    field_name: str = arg("status", "the field to change, wherever it occurs in the answer")
    value: str = arg("SOMETHING_NEW", "what it says")

    def react(self, request: RequestInfo, moment: Moment) -> Reaction | None:  # noqa: ARG002 - protocol
        return Reaction(rewrite=lambda status, body: (status, self._changed(body)))

    def _changed(self, body: Any) -> Any:
        if isinstance(body, list):
            return [self._changed(row) for row in body]
        if isinstance(body, dict):
            return {
                k: self.value if k == self.field_name else self._changed(v) for k, v in body.items()
            }
        return body


REQUEST_FAULTS: tuple[type[Fault], ...] = (
    UnknownError, RequestTimeout, BackendTimeout, InternalError, ServiceUnavailable, ReplyLost,
    SlowReply, Overload, RateLimited, Banned, Refused, NotFoundYet, PartialCancelAll, UnknownValue,
)  # fmt: skip


def _reduces(request: RequestInfo) -> bool:
    params = request.params
    if params.get("reduceOnly") == "true" or params.get("closePosition") == "true":
        return True
    closing = {("LONG", "SELL"), ("SHORT", "BUY")}
    return (params.get("positionSide", ""), params.get("side", "")) in closing


def _client_id(request: RequestInfo) -> str:
    names = ("newClientOrderId", "clientAlgoId", "origClientOrderId")
    return next((request.params[name] for name in names if request.params.get(name)), "")


def _without(body: Any, client_ids: set[str]) -> Any:
    if not isinstance(body, list):
        return body
    return [
        row
        for row in body
        if row.get("clientOrderId") not in client_ids and row.get("clientAlgoId") not in client_ids
    ]
