"""What an account held after each line of the log, from its events and the venue's own word."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from venue.checkers.log import Line, WireLog

ZERO = Decimal(0)
_OVER = frozenset({"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"})
_ALGO_OVER = frozenset({"TRIGGERED", "FINISHED", "CANCELED", "EXPIRED", "REJECTED"})
_STOPS = frozenset({"STOP_MARKET", "STOP", "TRAILING_STOP_MARKET"})


@dataclass(frozen=True, slots=True)
class Working:
    """An order at the venue; ``qty`` is what may still fill (None: the whole position)."""

    client_id: str
    symbol: str
    side: str
    type: str
    qty: Decimal | None
    price: Decimal
    is_reduce_only: bool


@dataclass(slots=True)
class Holding:
    """A position: ``amt`` signed base units, ``cost`` what it was bought for (signed, USDT)."""

    amt: Decimal = ZERO
    cost: Decimal = ZERO

    def add(self, signed_qty: Decimal, price: Decimal) -> None:
        if self.amt and (self.amt > 0) != (signed_qty > 0):
            closed = min(abs(signed_qty), abs(self.amt))
            self.cost -= self.cost * closed / abs(self.amt)
            rest = abs(signed_qty) - closed
            self.amt += signed_qty
            if rest:
                self.cost = self.amt * price
        else:
            self.amt += signed_qty
            self.cost += signed_qty * price


@dataclass(slots=True)
class Book:
    """
    An account and the market about it.

    ``orders`` are by order id, ``algos`` (conditional orders not yet triggered) by algo id,
    ``prices`` the last middle of bid and ask, or last price, of each symbol.
    """

    positions: dict[str, Holding] = field(default_factory=dict)
    orders: dict[int, Working] = field(default_factory=dict)
    algos: dict[int, Working] = field(default_factory=dict)
    prices: dict[str, Decimal] = field(default_factory=dict)
    wallet_usdt: Decimal = ZERO

    def amt(self, symbol: str) -> Decimal:
        """Return the signed position, all sides of a symbol together."""
        return self.positions[symbol].amt if symbol in self.positions else ZERO

    def equity_usdt(self) -> Decimal:
        """Return the wallet plus what the positions have gained at the last prices."""
        gains = (
            held.amt * self.prices.get(s, ZERO) - held.cost for s, held in self.positions.items()
        )
        return self.wallet_usdt + sum(gains, ZERO)

    def apply(self, line: Line) -> None:
        """Take over what a line tells."""
        if line["kind"] == "truth":
            self._take_truth(line["body"])
        elif line["kind"] == "market":
            self._take_prices(line)
        elif line["kind"] == "event":
            self._take_event(line["payload"])

    def _take_truth(self, body: Mapping[str, Any]) -> None:
        """Believe the venue: what ended without an event is gone from here on."""
        self.orders = {row["order_id"]: _order(row) for row in body["open_orders"]}
        # A conditional order that has triggered lives on as an ordinary one.
        waiting = [row for row in body["open_algos"] if row["order_id"] is None]
        self.algos = {row["algo_id"]: _algo(row) for row in waiting}
        self.wallet_usdt = Decimal(body["wallets"].get("USDT", "0"))
        truth = positions_of(body)
        for symbol in truth.keys() | self.positions.keys():
            held, amt = self.positions.setdefault(symbol, Holding()), truth.get(symbol, ZERO)
            if held.amt != amt:
                held.amt, held.cost = amt, amt * _entry(body, symbol)

    def _take_prices(self, line: Line) -> None:
        if "bid" in line and "ask" in line:
            middle = (Decimal(line["bid"]) + Decimal(line["ask"])) / 2
            self.prices[line["symbol"]] = middle
        elif "last" in line:
            self.prices[line["symbol"]] = Decimal(line["last"])

    def _take_event(self, payload: Mapping[str, Any]) -> None:
        kind = payload["e"]
        if kind == "ORDER_TRADE_UPDATE":
            self._take_order(payload["o"])
        elif kind == "ALGO_UPDATE":
            self._take_algo(payload["o"])
        elif kind == "ACCOUNT_UPDATE":
            for balance in payload["a"]["B"]:
                if balance["a"] == "USDT":
                    self.wallet_usdt = Decimal(balance["wb"])

    def _take_order(self, o: Mapping[str, Any]) -> None:
        fill = Decimal(o["l"])
        if fill and o["x"] in ("TRADE", "CALCULATED"):
            signed = fill if o["S"] == "BUY" else -fill
            self.positions.setdefault(o["s"], Holding()).add(signed, Decimal(o["L"]))
        if o["X"] in _OVER:
            self.orders.pop(o["i"], None)
            return
        left = Decimal(o["q"]) - Decimal(o["z"])
        self.orders[o["i"]] = Working(
            o["c"], o["s"], o["S"], o["o"], left, Decimal(o["p"]), bool(o["R"])
        )

    def _take_algo(self, o: Mapping[str, Any]) -> None:
        if o["X"] in _ALGO_OVER:
            self.algos.pop(o["aid"], None)
            return
        qty = None if o["cp"] else Decimal(o["q"])
        reduces = bool(o["R"]) or bool(o["cp"])
        price = Decimal(o.get("tp") or "0")
        self.algos[o["aid"]] = Working(o["caid"], o["s"], o["S"], o["o"], qty, price, reduces)

    def covered_qty(self, symbol: str) -> Decimal:
        """
        Return how much of a position its stops would close.

        A stop is a reduce-only conditional order against the position; a reduce-only market
        order on its way counts, too: it is what a stop becomes.
        """
        amt = self.amt(symbol)
        side = "SELL" if amt > 0 else "BUY"
        stops = [stop for stop in self.algos.values() if stop.type in _STOPS]
        exits = [order for order in self.orders.values() if order.type == "MARKET"]
        covering = [
            order
            for order in (*stops, *exits)
            if (order.symbol, order.side) == (symbol, side) and order.is_reduce_only
        ]
        if any(order.qty is None for order in covering):
            return abs(amt)
        return min(abs(amt), sum((order.qty or ZERO for order in covering), ZERO))


def replay(log: WireLog) -> Iterator[tuple[Line, Book]]:
    """Yield each line with the account as it is after it; the book is one and the same object."""
    book = Book()
    for line in log.lines:
        book.apply(line)
        yield line, book


def positions_of(body: Mapping[str, Any]) -> dict[str, Decimal]:
    """Return the signed positions of a truth, both sides of a symbol together."""
    found: dict[str, Decimal] = {}
    for row in body["positions"]:
        found[row["symbol"]] = found.get(row["symbol"], ZERO) + Decimal(row["amt"])
    return {symbol: amt for symbol, amt in found.items() if amt}


def _entry(body: Mapping[str, Any], symbol: str) -> Decimal:
    rows = (row for row in body["positions"] if row["symbol"] == symbol)
    return next((Decimal(row["entry_price"]) for row in rows), ZERO)


def _order(row: Mapping[str, Any]) -> Working:
    left = Decimal(row["qty"]) - Decimal(row["executed_qty"])
    return Working(
        row["client_order_id"], row["symbol"], row["side"], row["type"], left,
        Decimal(row["price"]), row["reduce_only"],
    )  # fmt: skip


def _algo(row: Mapping[str, Any]) -> Working:
    is_whole = row["close_position"]
    return Working(
        row["client_algo_id"], row["symbol"], row["side"], row["type"],
        None if is_whole else Decimal(row["qty"]), Decimal(row["trigger_price"] or "0"),
        row["reduce_only"] or is_whole,
    )  # fmt: skip
