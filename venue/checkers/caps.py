"""No cap was ever passed by what was held plus what could still fill."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from venue.checkers.ids import symbol_of
from venue.checkers.log import Breach, Line
from venue.checkers.papers import sent_orders
from venue.checkers.replay import ZERO, Book, replay
from venue.checkers.run import Run, Verdict

_NEW = frozenset({"/fapi/v1/order", "/fapi/v1/algoOrder", "/fapi/v1/batchOrders"})
_BPS = Decimal(10_000)


@dataclass(slots=True)
class _Caps:
    """The limits, and how close the run came to each (as a share of it)."""

    limits: Mapping[str, Any]
    closest: dict[str, Decimal] = field(default_factory=dict)

    @property
    def slippage(self) -> Decimal:
        """The markup that the profile grants to market orders, as a factor."""
        return 1 + Decimal(str(self.limits["orders"]["slippage_bps_max"])) / _BPS

    def of_symbol(self, symbol: str) -> Mapping[str, Any] | None:
        for name, found in self.limits["symbols"].items():
            if symbol_of(name) == symbol:
                return dict(found)
        return None

    def compare(self, name: str, value: Decimal, cap: Any) -> str | None:
        """Return the rule that a value breaks; a cap may be reached but not passed."""
        limit = Decimal(str(cap))
        self.closest[name] = max(self.closest.get(name, ZERO), value / limit)
        return f"{name} is {value:.2f}, limit {limit:f}" if value > limit else None


def check_caps(run: Run) -> Verdict:
    """
    Value each account state in which exposure was added, worst case.

    Each side for itself: the position plus every order that may still add to it, at the market's
    price or, if that is higher, at the order's own. Prices may drift a position above its cap;
    that is no breach, adding to it then is. What the profile grants to market orders as slippage
    is granted here, too.
    """
    assert run.limits is not None
    caps, breaches = _Caps(run.limits), list[Breach]()
    for line, book in replay(run.log):
        texts = [*_of_request(line, book, caps), *_of_state(line, book, caps)]
        breaches += [Breach(line["n"], text) for text in texts]
    return Verdict(breaches, {k: f"{share:.1%}" for k, share in sorted(caps.closest.items())})


def _of_request(line: Line, book: Book, caps: _Caps) -> Iterator[str]:
    """Judge one order as it was sent."""
    if line["kind"] != "request" or line["path"] not in _NEW or line["method"] != "POST":
        return
    for client_id, terms in sent_orders(line):
        if terms.is_reduce_only:
            continue
        limits = caps.of_symbol(terms.symbol)
        if limits is None:
            yield f"{client_id}: {terms.symbol} may not trade"
            continue
        if terms.side not in limits["sides"]:
            yield f"{client_id}: {terms.side} may not open {terms.symbol}"
        price = max(terms.price or ZERO, book.prices.get(terms.symbol, ZERO))
        name = f"{terms.symbol} order_notional_usdt_max"
        rules = (
            caps.compare(f"{terms.symbol} order_qty_max", terms.qty, limits["order_qty_max"]),
            caps.compare(
                name, terms.qty * price / caps.slippage, limits["order_notional_usdt_max"]
            ),
        )
        yield from (f"{client_id}: {rule}" for rule in rules if rule is not None)


def _of_state(line: Line, book: Book, caps: _Caps) -> Iterator[str]:
    """Judge the account after an event that added exposure."""
    symbol = _adds(line)
    if symbol is None:
        return
    limits = caps.of_symbol(symbol)
    worst = _worst(book, symbol)
    if limits is None:
        if worst != (ZERO, ZERO):
            yield f"{symbol}: exposure in a symbol that may not trade"
        return
    name = f"{symbol} position_notional_usdt_max"
    rule = caps.compare(name, max(worst) / caps.slippage, limits["position_notional_usdt_max"])
    if rule is not None:
        yield rule
    yield from _of_portfolio(book, caps)


def _of_portfolio(book: Book, caps: _Caps) -> Iterator[str]:
    symbols = sorted({*book.positions, *(order.symbol for order in book.orders.values())})
    gross = net_long = net_short = ZERO
    for symbol in symbols:
        (long, short), (held_long, held_short) = _worst(book, symbol), _held(book, symbol)
        gross += max(long, short) / caps.slippage
        net_long += long / caps.slippage - held_short
        net_short += short / caps.slippage - held_long
    limits = caps.limits["portfolio"]
    equity = book.equity_usdt()
    rules = [
        caps.compare("gross_notional_usdt_max", gross, limits["gross_notional_usdt_max"]),
        caps.compare(
            "net_notional_usdt_max",
            max(net_long, net_short, ZERO),
            limits["net_notional_usdt_max"],
        ),
    ]
    if equity > 0:
        rules.append(caps.compare("leverage_max", gross / equity, limits["leverage_max"]))
    yield from (rule for rule in rules if rule is not None)


def _adds(line: Line) -> str | None:
    """Return the symbol of an event after which there is more that may be held, if it is one."""
    if line["kind"] != "event" or line["payload"]["e"] != "ORDER_TRADE_UPDATE":
        return None
    o = line["payload"]["o"]
    if o["R"] or o["x"] not in ("NEW", "TRADE", "AMENDMENT"):
        return None
    return str(o["s"])


def _worst(book: Book, symbol: str) -> tuple[Decimal, Decimal]:
    """Return the worst-case value of the long and of the short side."""
    price = book.prices.get(symbol, ZERO)
    amt = book.amt(symbol)
    value = {"BUY": max(amt, ZERO) * price, "SELL": max(-amt, ZERO) * price}
    # An order against the position closes it first; only the rest of them all opens a side.
    closing = {"BUY": max(-amt, ZERO), "SELL": max(amt, ZERO)}
    for order in book.orders.values():
        if order.symbol != symbol or order.is_reduce_only or order.qty is None:
            continue
        closed = min(closing[order.side], order.qty)
        closing[order.side] -= closed
        value[order.side] += (order.qty - closed) * max(price, order.price)
    return value["BUY"], value["SELL"]


def _held(book: Book, symbol: str) -> tuple[Decimal, Decimal]:
    """Return the value of a long and of a short position."""
    value = book.amt(symbol) * book.prices.get(symbol, ZERO)
    return max(value, ZERO), max(-value, ZERO)
