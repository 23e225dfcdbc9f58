"""Each fill is counted once, and the fees are the venue's."""

from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

from venue.checkers.ids import base_of, symbol_of
from venue.checkers.log import Breach, Line
from venue.checkers.run import Run, Verdict

_NS_PER_MS = 1_000_000
_Fill = tuple[str, str, str, str, Decimal, Decimal]  # symbol, trade, order, side, quantity, price


def check_fills(run: Run) -> Verdict:
    """
    Hold the fills that the node wrote down against the venue's, trade by trade.

    A node that takes over after a restart may write down what the one before it had written. What
    nobody has written down by then it takes over as a position, which must be the venue's.

    """
    assert run.journal is not None
    lines: dict[_Fill, int] = {}
    times: dict[_Fill, int] = {}
    for number, o in _trades(run):
        terms = base_of(o["c"]), o["S"], Decimal(o["l"]), Decimal(o["L"])
        fill = o["s"], str(o["t"]), *terms
        lines[fill], times[fill] = number, o["T"]
    openings = _openings(run.journal)
    opened_ms = max((at_ms for at_ms, _ in openings), default=0)
    node: Counter[_Fill] = Counter()
    for life in _lives(run.journal):
        node |= Counter(life)
    venue = Counter(fill for fill in times if fill in node or times[fill] > opened_ms)
    breaches = [
        Breach(lines[fill], f"{_shown(fill)}: filled {count} times more than the node counted")
        for fill, count in (venue - node).items()
    ]
    breaches += [
        Breach(0, f"took over {held:f} {symbol}, the venue held {_held(times, symbol, at_ms):f}")
        for at_ms, positions in openings
        for symbol, held in positions.items()
        if held != _held(times, symbol, at_ms)
    ]
    breaches += [
        Breach(lines.get(fill, 0), f"{_shown(fill)}: counted {count} times more than it was filled")
        for fill, count in (node - venue).items()
    ]
    figures = {"venue": str(venue.total()), "node": str(node.total())}
    return Verdict(breaches, figures)


def check_commissions(run: Run) -> Verdict:
    """Hold the fees that the node believes it paid against those of the venue's fills."""
    assert run.state is not None
    paid: defaultdict[str, Decimal] = defaultdict(Decimal)
    since_ms = run.state.get("ts_started", 0)
    for _, o in _trades(run):
        if o.get("N") is not None and o["T"] >= since_ms:
            paid[o["N"]] += Decimal(o["n"])
    believed = {asset: Decimal(text) for asset, text in run.state["commissions"].items()}
    breaches = [
        Breach(0, f"{asset}: the venue took {paid.get(asset, Decimal(0)):f}, the node believes "
                  f"{believed.get(asset, Decimal(0)):f}")
        for asset in sorted(paid.keys() | believed.keys())
        if paid.get(asset, Decimal(0)) != believed.get(asset, Decimal(0))
    ]  # fmt: skip
    return Verdict(breaches, {asset: f"{fee:f}" for asset, fee in sorted(paid.items())})


def _lives(journal: list[Line]) -> list[list[_Fill]]:
    """Return the fills of each start of the node, which begins with its profile."""
    lives: list[list[_Fill]] = [[]]
    for record in journal:
        if record["type"] == "profile":
            lives.append([])
        elif record["type"] == "fill":
            row = record["data"]
            symbol, order = symbol_of(row["instrument_id"]), base_of(row["client_order_id"])
            qty, price = Decimal(row["quantity"]), Decimal(row["price"])
            lives[-1].append((symbol, row["trade_id"], order, row["side"], qty, price))
    return lives


def _openings(journal: list[Line]) -> list[tuple[int, dict[str, Decimal]]]:
    """Return when nodes took over (venue ms), and what they found by symbol."""
    symbols = {symbol_of(r["data"]["instrument_id"]) for r in journal if r["type"] == "fill"}
    found = []
    for record in journal:
        if record["type"] == "opened":
            positions = dict.fromkeys(symbols, Decimal(0))
            for row in record["data"]["positions"]:
                symbol = symbol_of(row["instrument_id"])
                positions[symbol] = positions.get(symbol, Decimal(0)) + Decimal(row["quantity"])
            found.append((record["ts"] // _NS_PER_MS, positions))
    return found


def _held(times: dict[_Fill, int], symbol: str, at_ms: int) -> Decimal:
    """Return the position that the fills until *at_ms* have made."""
    signed = (
        qty if side == "BUY" else -qty
        for (of, _, _, side, qty, _), ms in times.items()
        if of == symbol and ms <= at_ms
    )  # fmt: skip
    return sum(signed, Decimal(0))


def _trades(run: Run) -> list[tuple[int, dict[str, Any]]]:
    """Return the fills, each once however often it was told, with their lines."""
    found: dict[tuple[str, int, int], tuple[int, dict[str, Any]]] = {}
    for line in run.log.of("event"):
        payload = line["payload"]
        if payload["e"] == "ORDER_TRADE_UPDATE" and payload["o"]["x"] in ("TRADE", "CALCULATED"):
            o = payload["o"]
            found.setdefault((o["s"], o["t"], o["i"]), (line["n"], o))
    return list(found.values())


def _shown(fill: _Fill) -> str:
    _, trade_id, client_id, side, qty, price = fill
    return f"{client_id} {side} {qty:f} at {price:f} (trade {trade_id})"
