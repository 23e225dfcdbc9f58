"""The last hop: compares each request that could change the account with what the gate approved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, NamedTuple

from nautilus_trader.model.enums import OrderSide, OrderType, TimeInForce, TriggerType

from adapters.order_ids import base_of, serial_of
from risk.approvals import Approvals, Terms, amend_key, cancel_key
from risk.decision import Denial, DenyReason
from risk.translate import OrderTerms

ORDER_PATH = "/fapi/v1/order"
ALGO_PATH = "/fapi/v1/algoOrder"
COUNTDOWN_PATH = "/fapi/v1/countdownCancelAll"
FREE = frozenset(
    {
        *((method, "/fapi/v1/listenKey") for method in ("POST", "PUT", "DELETE")),
        ("POST", COUNTDOWN_PATH),
    }
)
"""What changes no position and no limit: the user stream's key, and a timer that can only cancel."""
BY_SYMBOL = frozenset({"/fapi/v1/openAlgoOrders", "/fapi/v1/openOrders"})
CARES = BY_SYMBOL | {
    ORDER_PATH, ALGO_PATH, "/fapi/v1/userTrades", "/fapi/v3/positionRisk", "/fapi/v3/account",
    "/fapi/v1/time",
}  # fmt: skip
"""What is asked about positions and their stops, and the time that exits are stamped with; of BY_SYMBOL
for one symbol, which weighs little, or for all of them while the account is HALTED."""
ID_KEYS = {ORDER_PATH: "newClientOrderId", ALGO_PATH: "clientAlgoId"}
TYPES = {
    OrderType.MARKET: (ORDER_PATH, "MARKET"),
    OrderType.LIMIT: (ORDER_PATH, "LIMIT"),
    OrderType.STOP_MARKET: (ALGO_PATH, "STOP_MARKET"),
    OrderType.STOP_LIMIT: (ALGO_PATH, "STOP"),
    OrderType.MARKET_IF_TOUCHED: (ALGO_PATH, "TAKE_PROFIT_MARKET"),
    OrderType.LIMIT_IF_TOUCHED: (ALGO_PATH, "TAKE_PROFIT"),
    OrderType.TRAILING_STOP_MARKET: (ALGO_PATH, "TRAILING_STOP_MARKET"),
}
"""Where the venue takes an order of each type, and under which name (Binance: New Order, New Algo
Order)."""
TIMES_IN_FORCE = {
    TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK", TimeInForce.GTD: "GTD",
}  # fmt: skip
WORKING_TYPES = {
    TriggerType.DEFAULT: "CONTRACT_PRICE",
    TriggerType.LAST_PRICE: "CONTRACT_PRICE",
    TriggerType.MARK_PRICE: "MARK_PRICE",
}
WITHOUT_MEANING = frozenset({"timestamp", "recvWindow", "signature", "newOrderRespType"})
WHEN_ABSENT = {"reduceOnly": "false", "positionSide": "BOTH"}
NS_PER_MS = 1_000_000
BPS_PER_PERCENT = 100


class Errand(Enum):
    """What a request is for; decides who waits when the venue's patience runs short."""

    QUERY = "QUERY"
    CARE = "CARE"
    """Asks for little that the protection of a position hangs on: an order, fills, positions, stops."""
    ENTRY = "ENTRY"
    EXIT = "EXIT"
    """Takes risk away, or keeps watch over it: cancels, reduce-only orders, the user stream."""


class LapsedError(Exception):
    """An order closed while a request about it was on its way: there is nothing left to send."""


class UnapprovedError(Exception):
    """A request that nobody approved; carries the denial."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.text)
        self.denial = denial


class Replacements:
    """
    The stops that stand in for one another at the venue: ``base``, ``base:1``, ``base:2``, ...

    Of those that were sent and not canceled one always stays, unless the gate approves its cancel.

    """

    def __init__(self) -> None:
        self._standing: dict[str, set[str]] = {}

    def sent(self, client_id: str) -> None:
        """Take note of a replacement that left."""
        base = base_of(client_id)
        self._standing.setdefault(base, {base}).add(client_id)

    def gone(self, client_id: str) -> None:
        """Take note that the venue refused or canceled one."""
        self._standing.get(base_of(client_id), set()).discard(client_id)

    def seen(self, client_ids: Iterable[str]) -> None:
        """Take note of the conditional orders that rest at the venue."""
        ids = list(client_ids)
        replaced = {base_of(client_id) for client_id in ids if serial_of(client_id)}
        for client_id in ids:
            if (base := base_of(client_id)) in replaced:
                self._standing.setdefault(base, set()).add(client_id)

    def may_go(self, client_id: str) -> bool:
        """Return whether another stop stands in for this one."""
        return bool(self._standing.get(base_of(client_id), set()) - {client_id})


class Passed(NamedTuple):
    """A request that may leave."""

    errand: Errand
    orders: int
    """How many orders it counts for at the venue's order-rate limit."""
    stands_in: str = ""
    """The id of a stop that takes the place of another, to be noted when it leaves."""


class WireGuard:
    """
    Lets a request leave when it is free for all, or exactly what was approved.

    Parameters
    ----------
    replacements : Replacements
        Which stops stand in for one another.

    """

    def __init__(self, replacements: Replacements) -> None:
        self._replacements = replacements

    def judge(
        self, method: str, path: str, params: Mapping[str, Any], approvals: Approvals | None
    ) -> Passed:
        """
        Return what a request is for, and use up its approval.

        Raises
        ------
        UnapprovedError
            If nobody approved exactly this.
        LapsedError
            If it was approved, and its order has closed since.

        """
        if not path.startswith("/") or any(c in path for c in "?#@%\\"):
            raise _unapproved(f"{method} {path[:80]!r}", "a plain path")
        if method == "GET":
            # HALTED, no entry competes, and a kill is true when whole lists have shown it.
            is_halted = approvals is not None and approvals.is_halted
            is_whole = path in BY_SYMBOL and "symbol" not in params
            is_care = path in CARES and (is_halted or not is_whole)
            return Passed(Errand.CARE if is_care else Errand.QUERY, 0)
        if (method, path) in FREE:
            # A timer that is not renewed in time cancels entries: it leaves the reserve to exits.
            return Passed(Errand.QUERY if path == COUNTDOWN_PATH else Errand.EXIT, 0)
        if approvals is None:
            raise _unapproved(f"{method} {path}", "a gate that approves")
        if path in ID_KEYS and method == "POST":
            return self._create(path, params, approvals)
        if path == ORDER_PATH and method == "PUT":
            return self._amend(params, approvals)
        if path in ID_KEYS and method == "DELETE":
            return self._cancel(path, params, approvals)
        raise _unapproved(f"{method} {path}", "requests that the gate can approve")

    def _create(self, path: str, params: Mapping[str, Any], approvals: Approvals) -> Passed:
        client_id = str(params.get(ID_KEYS[path], ""))
        key = client_id
        if not approvals.claimed(key) and path == ALGO_PATH and serial_of(client_id):
            key = amend_key(base_of(client_id))  # a stop that takes the place of another
        terms = _use(key, f"POST {path}", params, approvals, ID_KEYS[path], path)
        errand = Errand.EXIT if terms.is_reduce_only else Errand.ENTRY
        return Passed(errand, 1, stands_in=client_id if key != client_id else "")

    def _amend(self, params: Mapping[str, Any], approvals: Approvals) -> Passed:
        key = amend_key(base_of(str(params.get("origClientOrderId", ""))))
        terms = _use(key, f"PUT {ORDER_PATH}", params, approvals, "origClientOrderId", None)
        return Passed(Errand.EXIT if terms.is_reduce_only else Errand.ENTRY, 1)

    def _cancel(self, path: str, params: Mapping[str, Any], approvals: Approvals) -> Passed:
        id_key = "origClientOrderId" if path == ORDER_PATH else "clientAlgoId"
        client_id = str(params.get(id_key, ""))
        # By its client id alone: the venue goes by its own number where both are given.
        extra = params.keys() - WITHOUT_MEANING - {id_key, "symbol"}
        if extra:
            raise _unapproved(f"DELETE {path} by {', '.join(sorted(extra))}", f"by {id_key}")
        key = cancel_key(base_of(client_id))
        is_replaced = path == ALGO_PATH and self._replacements.may_go(client_id)
        if not is_replaced and not approvals.use(key, ()):
            _check_lapsed(key, approvals)
            raise _unapproved(f"DELETE {path} {client_id}", "an approved cancel, not yet sent")
        return Passed(Errand.EXIT, 0)


def _use(
    key: str,
    what: str,
    params: Mapping[str, Any],
    approvals: Approvals,
    id_key: str,
    path: str | None,
) -> OrderTerms:
    """Return the approved terms that a request carries, used up; *path* None: an amendment."""
    claimed = approvals.claimed(key)
    if not claimed:
        _check_lapsed(key, approvals)
        raise _unapproved(f"{what} {_shown(params, id_key)}", "approved terms, not yet sent")
    differences = []
    for terms in claimed:
        difference = _difference(params, terms, id_key, path)
        if difference is None:
            approvals.use(key, terms)
            return OrderTerms(*terms)
        differences.append(difference)
    observed, limit = differences[0]
    raise _unapproved(f"{what} {params.get(id_key)} {observed}", f"{limit}, as approved")


def _check_lapsed(key: str, approvals: Approvals) -> None:
    if approvals.take_lapsed(key):
        raise LapsedError


def _unapproved(observed: str, limit: str) -> UnapprovedError:
    return UnapprovedError(Denial(DenyReason.APPROVAL_MISSING, observed, limit))


def _shown(params: Mapping[str, Any], id_key: str) -> str:
    keys = (id_key, "symbol", "side", "type", "quantity", "price", "triggerPrice")
    return " ".join(str(params[key])[:40] for key in keys if key in params)


def _difference(
    params: Mapping[str, Any], terms: Terms, id_key: str, path: str | None
) -> tuple[str, str] | None:
    """Return the first difference between a request and approved terms, as seen and approved."""
    expected = _on_the_wire(OrderTerms(*terms), path)
    if expected is None:
        return "of this type", "an order that the venue takes there"
    for key in sorted((expected.keys() | params.keys()) - WITHOUT_MEANING - {id_key}):
        seen = params.get(key, WHEN_ABSENT.get(key) if path else None)
        if not _is_same(seen, expected.get(key)):
            return f"{key}={seen}", f"{key}={expected.get(key)}"
    return None


def _on_the_wire(terms: OrderTerms, path: str | None) -> dict[str, str | Decimal | None] | None:
    """Return what a request must carry, None when the order does not belong to this path."""
    home, type_name = TYPES.get(terms.order_type, (None, ""))
    expected: dict[str, str | Decimal | None] = {
        "symbol": terms.instrument_id.symbol.value.removesuffix("-PERP"),
        "side": "BUY" if terms.side == OrderSide.BUY else "SELL",
        "quantity": terms.quantity.as_decimal(),
        "price": None if terms.price is None else terms.price.as_decimal(),
    }
    if path is None:
        return expected if terms.order_type == OrderType.LIMIT else None
    if home != path or terms.is_quote_quantity:
        return None
    time_in_force = "GTX" if terms.is_post_only else TIMES_IN_FORCE.get(terms.time_in_force)
    expected |= {
        "type": type_name,
        "reduceOnly": "true" if terms.is_reduce_only else "false",
        "positionSide": "BOTH",
        "timeInForce": None if terms.order_type == OrderType.MARKET else time_in_force,
        "goodTillDate": (Decimal(terms.expire_ns // NS_PER_MS) if time_in_force == "GTD" else None),
    }
    if path == ALGO_PATH:
        trigger, trail = terms.trigger_price, terms.trail
        expected |= {
            "algoType": "CONDITIONAL",
            "triggerPrice": None if trigger is None else trigger.as_decimal(),
            "workingType": WORKING_TYPES.get(terms.trigger_type),
        }
        if trail is not None:
            offset_bps, activation = trail
            expected |= {
                "callbackRate": offset_bps / BPS_PER_PERCENT,
                "activatePrice": None if activation is None else activation.as_decimal(),
            }
    return expected


def _is_same(seen: object, expected: str | Decimal | None) -> bool:
    if seen is None or expected is None or isinstance(expected, str):
        return seen == expected
    try:
        return Decimal(str(seen)) == expected
    except InvalidOperation:
        return False
