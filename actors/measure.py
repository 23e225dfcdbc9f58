"""Measure a node for its snapshot, from the gate's books and the engine's cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from nautilus_trader.cache.base import CacheFacade
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.orders import Order

from actors.snapshot import BreakerLine, FeedHealth, OrderLine, PositionLine, Stop, Use
from risk.book import ZERO, Pending, SymbolBook
from risk.intent import BUY, SELL
from risk.judge import Judge
from risk.rules import BPS, NS_PER_MS, other_symbols

NS_PER_SEC = 1_000_000_000
UNRESOLVED = "UNRESOLVED"
_STATUS = {
    OrderStatus.INITIALIZED: "HELD",
    OrderStatus.EMULATED: "HELD",
    OrderStatus.RELEASED: "HELD",
    OrderStatus.SUBMITTED: "IN_FLIGHT",
    OrderStatus.ACCEPTED: "WORKING",
    OrderStatus.TRIGGERED: "WORKING",
    OrderStatus.PARTIALLY_FILLED: "WORKING",
    OrderStatus.PENDING_UPDATE: "AMENDING",
    OrderStatus.PENDING_CANCEL: "CANCELING",
}


def covered_qty(book: SymbolBook) -> Decimal:
    """Return the part of the position, base units, that stops held by the venue protect now."""
    side = SELL if book.position_qty > 0 else BUY
    held = (
        pending.leaves_qty
        for pending in book.pending.values()
        if pending.is_stop
        and pending.side == side
        and pending.is_accepted
        and not pending.is_canceling
    )
    return min(sum(held, ZERO), abs(book.position_qty))


def is_bare(book: SymbolBook) -> bool:
    """Return whether any part of the position has no stop at the venue."""
    return covered_qty(book) < abs(book.position_qty)


def position_lines(
    judge: Judge, cache: CacheFacade, bare_since: Mapping[str, int], now_ns: int
) -> tuple[PositionLine, ...]:
    """Return every position; *bare_since* says since when one lacks cover, by instrument."""
    return tuple(
        _position(key, book, cache, bare_since.get(key, now_ns), now_ns)
        for key, book in judge.account.symbols.items()
        if book.position_qty
    )


def _position(
    key: str, book: SymbolBook, cache: CacheFacade, bare_since_ns: int, now_ns: int
) -> PositionLine:
    instrument_id = InstrumentId.from_str(key)
    mark = cache.mark_price(instrument_id)
    side = SELL if book.position_qty > 0 else BUY
    stops = [p for p in book.pending.values() if p.is_stop and p.side == side]
    return PositionLine(
        instrument_id=key,
        signed_qty=book.position_qty,
        entry_px=book.avg_px,
        price=book.ref_px,
        mark_px=None if mark is None else mark.value.as_decimal(),
        unrealized_usdt=book.unrealized(),
        stops=tuple(_stop(stop, book, cache, now_ns) for stop in stops),
        covered_qty=covered_qty(book),
        unprotected_sec=(now_ns - bare_since_ns) / NS_PER_SEC if is_bare(book) else 0.0,
        cached_qty=sum(
            (p.signed_decimal_qty() for p in cache.positions_open(instrument_id=instrument_id)),
            ZERO,
        ),
    )


def _stop(stop: Pending, book: SymbolBook, cache: CacheFacade, now_ns: int) -> Stop:
    order = cache.order(ClientOrderId(stop.client_order_id))
    distance = None
    if book.ref_px is not None and stop.trigger_price is not None:
        # A stop that sells lies below the price: what is left is positive until it is passed.
        distance = float((stop.trigger_price - book.ref_px) * stop.side * BPS / book.ref_px)
    accepted_ns = order.ts_accepted if order is not None and stop.is_accepted else 0
    return Stop(
        client_order_id=stop.client_order_id,
        status=_status(order, frozenset()),
        trigger_price=stop.trigger_price,
        distance_bps=distance,
        cover_qty=stop.cover_qty,
        age_sec=(now_ns - accepted_ns) / NS_PER_SEC if accepted_ns else None,
    )


def order_lines(
    judge: Judge, cache: CacheFacade, unresolved: frozenset[str], now_ns: int
) -> tuple[OrderLine, ...]:
    """Return every order that may still fill; *unresolved* are those whose fate nobody knows."""
    counted = {
        pending.client_order_id: _counted(pending, key, cache, unresolved, now_ns)
        for key, book in judge.account.symbols.items()
        for pending in book.pending.values()
    }
    others = (
        _uncounted(order, unresolved, now_ns)
        for order in (*cache.orders_open(), *cache.orders_inflight())
        if order.client_order_id.value not in counted
    )
    return (*counted.values(), *others)


def _counted(
    pending: Pending, key: str, cache: CacheFacade, unresolved: frozenset[str], now_ns: int
) -> OrderLine:
    order = cache.order(ClientOrderId(pending.client_order_id))
    return OrderLine(
        client_order_id=pending.client_order_id,
        instrument_id=key,
        strategy_id=pending.strategy_id,
        side="BUY" if pending.side > 0 else "SELL",
        order_type=pending.order_type,
        status=_status(order, unresolved),
        leaves_qty=pending.leaves_qty,
        price=pending.limit_price,
        trigger_price=pending.trigger_price,
        is_reduce_only=pending.is_exit,
        age_sec=None if order is None else (now_ns - order.ts_init) / NS_PER_SEC,
    )


def _uncounted(order: Order, unresolved: frozenset[str], now_ns: int) -> OrderLine:
    return OrderLine(
        client_order_id=order.client_order_id.value,
        instrument_id=order.instrument_id.value,
        strategy_id=order.strategy_id.value,
        side=order.side_string(),
        order_type=order.type_string(),
        status=_status(order, unresolved),
        leaves_qty=order.leaves_qty.as_decimal(),
        price=order.price.as_decimal() if order.has_price else None,
        trigger_price=order.trigger_price.as_decimal() if order.has_trigger_price else None,
        is_reduce_only=order.is_reduce_only,
        age_sec=(now_ns - order.ts_init) / NS_PER_SEC,
    )


def _status(order: Order | None, unresolved: frozenset[str]) -> str:
    if order is None:
        return "LOST"
    if order.client_order_id.value in unresolved:
        return UNRESOLVED
    return _STATUS.get(order.status, "LOST")


def exposure(judge: Judge) -> Iterator[Use]:
    """Yield the worst case against each cap: by symbol, gross, net and leverage."""
    for key, limits in judge.limits.symbols.items():
        book = judge.account.symbols.get(key)
        worst = ZERO if book is None else _worse(book)
        yield Use("position_notional_usdt_max", limits.position_notional_usdt_max, worst, key)
    caps = judge.limits.portfolio
    sums = other_symbols(judge.account, "")  # other than none: all of them
    gross, long, short = (None, None, None) if sums is None else sums
    yield Use("gross_notional_usdt_max", caps.gross_notional_usdt_max, gross)
    net = None if long is None or short is None else max(long, short)
    yield Use("net_notional_usdt_max", caps.net_notional_usdt_max, net)
    equity = judge.account.equity()
    leverage = None if gross is None or equity is None or equity <= 0 else gross / equity
    yield Use("leverage_max", caps.leverage_max, leverage)


def _worse(book: SymbolBook) -> Decimal | None:
    long, short = book.worst_notional(BUY), book.worst_notional(SELL)
    return None if long is None or short is None else max(long, short)


def rates(judge: Judge, now_ns: int) -> tuple[Use, ...]:
    """Return the messages of the last second and the last 60 seconds against their limits."""
    sec, minute = judge.messages(now_ns)
    limits = judge.limits.rates
    return (
        Use("messages_per_sec_max", Decimal(limits.messages_per_sec_max), Decimal(sec)),
        Use("messages_per_min_max", Decimal(limits.messages_per_min_max), Decimal(minute)),
    )


def losses(judge: Judge) -> tuple[Use, ...]:
    """Return every loss as a share of equity against its limit."""
    readings = judge.losses()
    limits = judge.limits.losses
    observed = {} if readings is None else {r.key: r.observed for r in readings}
    return tuple(
        Use(f"{key}_ratio_max", getattr(limits, f"{key}_ratio_max"), observed.get(key))
        for key in ("unrealized_loss", "daily_loss", "drawdown")
    )


def breakers(judge: Judge, now_ns: int) -> tuple[BreakerLine, ...]:
    """Return every breaker with a limit, and the closest approach to it."""
    return tuple(
        BreakerLine(b.key, b.limit, b.observed, b.closest, b.is_open)
        for b in judge.breakers(now_ns)
    )


def feeds(judge: Judge, cache: CacheFacade, now_ns: int) -> tuple[FeedHealth, ...]:
    """Return how old the newest quote of each symbol of the profile is."""
    age_ms_max = judge.limits.market_data.price_age_ms_max
    lines = []
    for key in judge.limits.symbols:
        quote = cache.quote_tick(InstrumentId.from_str(key))
        age_ms = None if quote is None else (now_ns - quote.ts_event) // NS_PER_MS
        lines.append(FeedHealth(key, age_ms, age_ms_max))
    return tuple(lines)
