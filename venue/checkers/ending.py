"""At the end the node believes what the venue holds."""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from venue.checkers.ids import NAUTILUS_TYPES, base_of
from venue.checkers.log import Breach, Line
from venue.checkers.replay import ZERO, positions_of
from venue.checkers.run import Run, Verdict


def check_ending(run: Run) -> Verdict:
    """Compare positions, open orders and the balance with the venue's last word."""
    assert run.state is not None
    truths = run.log.truths()
    if len(truths) < 2:
        return Verdict([Breach(0, "the log has no truth of the end: the venue was killed")], {})
    last = truths[-1]
    texts = [
        *_positions(last["body"], run.state),
        *_orders(last["body"], run.state),
        *_balance(last["body"], run.state),
    ]
    figures = {
        "positions": str(len(positions_of(last["body"]))),
        "open orders": str(len(_venue_orders(last["body"]))),
        "balance": last["body"]["wallets"].get("USDT", "0"),
    }
    return Verdict([Breach(last["n"], text) for text in texts], figures)


def check_log(run: Run) -> Verdict:
    """Hold the venue's word against its own events: positions must be the sum of the fills."""
    breaches, positions = [], dict[str, Decimal]()
    is_begun = False
    for line in run.log.of("event", "truth"):
        if line["kind"] == "truth":
            truth = positions_of(line["body"])
            if is_begun and truth != (held := {s: amt for s, amt in positions.items() if amt}):
                breaches.append(Breach(line["n"], f"holds {_told(truth)}, its fills {_told(held)}"))
            positions, is_begun = dict(truth), True
        elif line["payload"]["e"] == "ORDER_TRADE_UPDATE":
            o = line["payload"]["o"]
            if o["x"] in ("TRADE", "CALCULATED"):
                signed = Decimal(o["l"]) * (1 if o["S"] == "BUY" else -1)
                positions[o["s"]] = positions.get(o["s"], ZERO) + signed
    return Verdict(breaches, {"lines": str(len(run.log.lines))})


def _positions(body: Mapping[str, Any], state: Line) -> Iterator[str]:
    truth = positions_of(body)
    local = {symbol: Decimal(amt) for symbol, amt in state["positions"].items() if Decimal(amt)}
    for symbol in sorted(truth.keys() | local.keys()):
        held, believed = truth.get(symbol, ZERO), local.get(symbol, ZERO)
        if held != believed:
            yield f"{symbol}: the venue holds {held:f}, the node believes {believed:f}"


def _orders(body: Mapping[str, Any], state: Line) -> Iterator[str]:
    local = Counter(_of_state(row) for row in state["open_orders"])
    truth = Counter(_venue_orders(body))
    yield from (f"open at the venue alone: {_shown(row)}" for row in (truth - local).elements())
    yield from (f"open at the node alone: {_shown(row)}" for row in (local - truth).elements())


def _balance(body: Mapping[str, Any], state: Line) -> Iterator[str]:
    held = Decimal(body["wallets"].get("USDT", "0"))
    believed = state["balance_usdt"]
    if believed is None or Decimal(believed) != held:
        yield f"the venue holds {held:f} USDT, the node believes {believed}"


_Row = tuple[str, str, Decimal, str, Decimal | None, bool]


def _venue_orders(body: Mapping[str, Any]) -> list[_Row]:
    orders = [
        (base_of(o["client_order_id"]), o["side"], Decimal(o["qty"]),
         NAUTILUS_TYPES.get(o["type"], o["type"]), _level(o["price"]), bool(o["reduce_only"]))
        for o in body["open_orders"]
    ]  # fmt: skip
    algos = [
        (base_of(a["client_algo_id"]), a["side"], Decimal(a["qty"]),
         NAUTILUS_TYPES.get(a["type"], a["type"]), _level(a["trigger_price"]),
         bool(a["reduce_only"]))
        for a in body["open_algos"]
        if a["order_id"] is None
    ]  # fmt: skip
    return [*orders, *algos]


def _of_state(row: Mapping[str, Any]) -> _Row:
    level = row["trigger_price"] if row.get("trigger_price") is not None else row["price"]
    return (
        base_of(row["client_order_id"]), row["side"], Decimal(row["qty"]), row["type"],
        _level(level), bool(row["reduce_only"]),
    )  # fmt: skip


def _level(value: str | None) -> Decimal | None:
    """Return a price; the venue writes 0 where an order has none."""
    return None if value is None or Decimal(value) == 0 else Decimal(value)


def _shown(row: _Row) -> str:
    client_id, side, qty, kind, level, is_reduce_only = row
    at = "" if level is None else f" at {level:f}"
    return f"{client_id} {side} {qty:f} {kind}{at}{' reduce-only' if is_reduce_only else ''}"


def _told(positions: Mapping[str, Decimal]) -> str:
    return " ".join(f"{symbol} {amt:f}" for symbol, amt in sorted(positions.items())) or "nothing"
