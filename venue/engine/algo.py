"""The algo service: conditional orders wait here for their trigger; their children trade."""

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from venue.engine import events, filters
from venue.engine.accounts import Account
from venue.engine.errors import VenueError, refusal
from venue.engine.numbers import ONE, ZERO
from venue.engine.orders import AlgoOrder, AlgoRequest, Order, OrderRequest
from venue.engine.symbols import SymbolSpec

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange

OPEN_ALGOS_MAX = 200
TRAILING = "TRAILING_STOP_MARKET"
STOPS = ("STOP", "STOP_MARKET")


def place(ex: "Exchange", account: Account, request: AlgoRequest) -> AlgoOrder:
    """
    Accept a conditional order or refuse it; margin is not looked at before the trigger.

    Raises
    ------
    VenueError
        With the venue's code; nothing has changed then.

    """
    spec = ex.spec(request.symbol)
    is_reducing = request.is_reduce_only or request.is_close_position
    account.check_may_trade(is_reducing=is_reducing)
    account.check_position_side(request.position_side)
    if account.is_dual_side and request.is_reduce_only:
        raise refusal(-1106, "reduceonly")
    filters.check_status(spec, is_reducing=is_reducing)
    _check_filters(ex, spec, request, is_reducing=is_reducing)
    if any(a.client_algo_id == request.client_algo_id for a in account.open_algos.values()):
        raise refusal(-4116)
    if len(account.open_algos) >= OPEN_ALGOS_MAX:
        raise refusal(-4045)
    _check_close_position(account, request)
    if _would_trigger(ex, request):
        raise refusal(-2021)
    algo = AlgoOrder(
        account=account.name,
        algo_id=ex.ids.next_algo(),
        client_algo_id=request.client_algo_id or ex.ids.client_id(),
        request=request,
        time_ms=ex.now_ms,
        update_ms=ex.now_ms,
    )
    account.algos[algo.algo_id] = algo
    account.open_algos[algo.algo_id] = algo
    if request.type == TRAILING:
        _trail(ex, algo)
    _tell(ex, algo)
    return algo


def cancel(ex: "Exchange", algo: AlgoOrder) -> None:
    """Cancel an untriggered order; refuse one that is just triggering (-4117) or over (-2011)."""
    if algo.status == "TRIGGERING":
        raise refusal(-4117)
    if not algo.is_untriggered:
        raise refusal(-2011)
    close(ex, algo, "CANCELED")


def close(ex: "Exchange", algo: AlgoOrder, status: str, reason: str = "") -> None:
    """End a conditional order (CANCELED, EXPIRED, REJECTED, FINISHED) and tell its account."""
    algo.reject_reason = reason
    ex.account(algo.account).open_algos.pop(algo.algo_id, None)
    _move(ex, algo, status)


def find(account: Account, algo_id: int | None, client_algo_id: str | None) -> AlgoOrder | None:
    """Return the order of that id, or the latest of that client id."""
    if algo_id is not None:
        return account.algos.get(algo_id)
    for algo in reversed(account.algos.values()):
        if algo.client_algo_id == client_algo_id:
            return algo
    return None


def check_triggers(ex: "Exchange", symbol: str) -> None:
    """Trigger every waiting order of the symbol whose condition is met now, oldest first."""
    waiting = (a for account in ex.accounts.values() for a in account.open_algos_of(symbol))
    for algo in sorted(_untriggered(waiting), key=lambda a: a.algo_id):
        if algo.request.type == TRAILING:
            _trail(ex, algo)
        if _is_met(ex, algo) and _is_within_protection(ex, algo):
            algo.trigger_ms = ex.now_ms
            _move(ex, algo, "TRIGGERING")
            ex.after(ex.options.algo_step_ms, lambda a=algo: _forward(ex, a))


def child_changed(ex: "Exchange", order: Order) -> None:
    """Follow a child order: its fills, and its end, which finishes the conditional order."""
    if order.algo_id is None:
        return
    algo = ex.account(order.account).algos[order.algo_id]
    algo.executed, algo.avg_price = order.executed, order.avg_price
    if order.is_open:
        return
    if ex.options.algo_events_late:  # at once, but after TRIGGERED has been told
        ex.schedule(ex.now_ms, lambda: close(ex, algo, "FINISHED"))
    else:
        ex.after(ex.options.algo_step_ms, lambda: close(ex, algo, "FINISHED"))


def position_closed(ex: "Exchange", account: Account, symbol: str, position_side: str) -> None:
    """Expire the waiting GTE_GTC orders of a position that is gone."""
    for algo in _untriggered(account.open_algos_of(symbol)):
        if algo.request.time_in_force == "GTE_GTC" and algo.request.position_side == position_side:
            close(ex, algo, "EXPIRED")


def _untriggered(algos: Iterable[AlgoOrder]) -> list[AlgoOrder]:
    return [a for a in algos if a.is_untriggered]


def _check_filters(
    ex: "Exchange", spec: SymbolSpec, request: AlgoRequest, *, is_reducing: bool
) -> None:
    is_market = request.type not in ("STOP", "TAKE_PROFIT")
    if not request.is_close_position:
        filters.check_qty(spec, request.qty, is_market=is_market)
    for price in (request.trigger_price, request.price, request.activate_price):
        if price is not None:
            filters.check_price(spec, price)
    if request.price is not None and request.trigger_price is not None:
        filters.check_stop_band(spec, request.side, request.price, request.trigger_price)
    hedge_reduces = (request.position_side, request.side) in (("LONG", "SELL"), ("SHORT", "BUY"))
    if not is_reducing and not hedge_reduces:
        price = request.price or request.trigger_price or ex.book(spec.symbol).mark_price
        filters.check_notional(spec, request.qty, price)


def _check_close_position(account: Account, request: AlgoRequest) -> None:
    """Refuse a second closePosition or GTE order in the same direction (-4130)."""
    if not (request.is_close_position or request.time_in_force == "GTE_GTC"):
        return
    if (request.position_side, request.side) in (("LONG", "BUY"), ("SHORT", "SELL")):
        raise refusal(-1128)
    is_stop = request.type in STOPS
    for algo in account.open_algos_of(request.symbol):
        other = algo.request
        is_same = (other.side, other.position_side) == (request.side, request.position_side)
        is_closing = other.is_close_position or other.time_in_force == "GTE_GTC"
        if is_same and is_closing and (other.type in STOPS) == is_stop:
            raise refusal(-4130)


def _would_trigger(ex: "Exchange", request: AlgoRequest) -> bool:
    price = ex.book(request.symbol).price_of(request.working_type)
    if request.type == TRAILING:
        activate = request.activate_price
        if activate is None:
            return False
        return activate >= price if request.side == "BUY" else activate <= price
    return _is_past(request, price)


def _is_past(request: AlgoRequest, price: Decimal) -> bool:
    """Return whether the trigger condition holds at this price."""
    assert request.trigger_price is not None
    if (request.type in STOPS) == (request.side == "BUY"):
        return price >= request.trigger_price
    return price <= request.trigger_price


def _is_met(ex: "Exchange", algo: AlgoOrder) -> bool:
    request = algo.request
    if algo.is_frozen:
        return False
    price = ex.book(request.symbol).price_of(request.working_type)
    if request.type != TRAILING:
        return _is_past(request, price)
    if not algo.is_activated or algo.extreme is None:
        return False
    rate = (request.callback_rate or ZERO) / 100
    if algo.is_buy:
        return price >= algo.extreme * (ONE + rate)
    return price <= algo.extreme * (ONE - rate)


def _trail(ex: "Exchange", algo: AlgoOrder) -> None:
    """Move the extreme that a trailing stop follows; tell when it becomes active."""
    request = algo.request
    price = ex.book(request.symbol).price_of(request.working_type)
    if not algo.is_activated:
        activate = request.activate_price
        reached = activate is None or (price <= activate if algo.is_buy else price >= activate)
        if not reached:
            return
        algo.is_activated, algo.extreme = True, price
        if activate is not None:
            algo.update_ms = ex.now_ms
            _tell(ex, algo)
    extreme = price if algo.extreme is None else algo.extreme
    algo.extreme = min(extreme, price) if algo.is_buy else max(extreme, price)


def _is_within_protection(ex: "Exchange", algo: AlgoOrder) -> bool:
    """Return whether mark and last price are close enough for a protected order to trigger."""
    if not algo.request.is_price_protected:
        return True
    book = ex.book(algo.symbol)
    gap = abs(book.mark_price - book.contract_price)
    return gap <= ex.spec(algo.symbol).trigger_protect * book.mark_price


def _forward(ex: "Exchange", algo: AlgoOrder) -> None:
    """Hand a triggering order to the matching engine: TRIGGERED, or REJECTED with the reason."""
    if algo.status != "TRIGGERING":
        return
    account = ex.account(algo.account)

    def accepted(order: Order) -> None:
        algo.order_id = order.order_id
        algo.status = "TRIGGERED"
        algo.update_ms = ex.now_ms
        if not ex.options.algo_events_late:
            _tell(ex, algo)

    try:
        ex.place_child(account, _child_request(ex, account, algo), algo, accepted)
    except VenueError as e:
        close(ex, algo, "REJECTED", e.msg)
        return
    if ex.options.algo_events_late:
        _tell(ex, algo)


def _child_request(ex: "Exchange", account: Account, algo: AlgoOrder) -> OrderRequest:
    request = algo.request
    qty, is_reduce_only = request.qty, request.is_reduce_only
    if request.is_close_position:
        qty = abs(account.position(request.symbol, request.position_side).amt)
        is_reduce_only = not account.is_dual_side
    keeps_id = ex.options.child_keeps_client_id
    return OrderRequest(
        symbol=request.symbol,
        side=request.side,
        type=algo.actual_type,
        qty=qty,
        price=request.price,
        position_side=request.position_side,
        time_in_force="GTC" if request.time_in_force == "GTE_GTC" else request.time_in_force,
        is_reduce_only=is_reduce_only,
        client_order_id=algo.client_algo_id if keeps_id else ex.ids.client_id(),
        stp_mode=request.stp_mode,
        price_match=request.price_match,
        good_till_ms=request.good_till_ms,
    )


def _move(ex: "Exchange", algo: AlgoOrder, status: str) -> None:
    algo.status = status
    algo.update_ms = ex.now_ms
    _tell(ex, algo)


def _tell(ex: "Exchange", algo: AlgoOrder) -> None:
    ex.emit(algo.account, events.algo_update(algo, ex.spec(algo.symbol), ex.now_ms))
