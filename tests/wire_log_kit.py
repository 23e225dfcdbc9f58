"""Wire logs and journals by hand, a line at a time, for the checkers."""

import json
from pathlib import Path
from typing import Any

from venue.checkers.log import read_journal, read_log
from venue.checkers.run import Run

START_MS = 1_785_000_000_000
INSTRUMENT = "BTCUSDT-PERP.BINANCE"
LIMITS = {
    "symbols": {
        INSTRUMENT: {
            "sides": ["BUY", "SELL"],
            "order_qty_max": 2,
            "order_notional_usdt_max": 20_000,
            "position_notional_usdt_max": 20_000,
        },
    },
    "orders": {"slippage_bps_max": 0},
    "portfolio": {
        "gross_notional_usdt_max": 25_000,
        "net_notional_usdt_max": 25_000,
        "leverage_max": 1,
    },
}


class Script:
    """
    A run of one account in BTCUSDT at 10000 USDT, told line by line.

    Each method tells one thing that happened; ``ms`` says when, after the start, and stays so for
    what follows.
    """

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.records: list[dict[str, Any]] = []
        self.ms = 0
        self._ids = 100
        self.truth()
        self.market(10_000)

    # -- the wire ------------------------------------------------------------------------------

    def line(self, kind: str, **fields: Any) -> int:
        number = len(self.lines) + 1
        self.lines.append({"n": number, "ts": START_MS + self.ms, "kind": kind, **fields})
        return number

    def market(self, price: float) -> None:
        self.line("market", symbol="BTCUSDT", bid=str(price), ask=str(price))

    def truth(
        self, amt: str = "0", orders: Any = (), algos: Any = (), usdt: str = "100000"
    ) -> None:
        position = {"symbol": "BTCUSDT", "side": "BOTH", "amt": amt, "entry_price": "10000"}
        body = {
            "wallets": {"USDT": usdt},
            "positions": [position] if amt != "0" else [],
            "open_orders": list(orders),
            "open_algos": list(algos),
        }
        self.line("truth", account="main", body=body)

    def request(
        self, method: str, path: str, account: str = "main", status: int = 200, **params: Any
    ) -> int:
        """Tell of a request and its answer."""
        params |= {"timestamp": str(START_MS + self.ms)}
        number = self.line(
            "request", id=0, account=account, method=method, path=path, params=params
        )
        self.line("answer", to=number, status=status, body={}, sent=True)
        return number

    def send(self, client_id: str, side: str, qty: str, path: str = "order", **params: Any) -> int:
        """Tell of a market order (or what ``params`` make of it) that is sent."""
        name = "clientAlgoId" if path == "algoOrder" else "newClientOrderId"
        params = {
            "symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": qty, name: client_id,
        } | params  # fmt: skip
        return self.request("POST", f"/fapi/v1/{path}", **params)

    def event(self, **payload: Any) -> int:
        return self.line("event", account="main", payload=payload, sent=True)

    def order(self, client_id: str, side: str, qty: str, execution: str = "NEW", **o: Any) -> int:
        """Tell of an order; for TRADE, ``l`` was filled of it at ``L`` (10000) with a fee of 1."""
        status = {"TRADE": "FILLED", "NEW": "NEW"}.get(execution, execution)
        filled = o.get("l", qty) if execution == "TRADE" else "0"
        self._ids += 1
        payload = {
            "s": "BTCUSDT", "c": client_id, "S": side, "o": "MARKET", "q": qty, "p": "0",
            "x": execution, "X": status, "i": abs(hash(client_id)), "l": filled, "z": filled,
            "L": "10000" if execution == "TRADE" else "0", "R": False, "t": self._ids,
            "T": START_MS + self.ms,
        }  # fmt: skip
        if execution == "TRADE":
            payload |= {"N": "USDT", "n": "1"}
        return self.event(e="ORDER_TRADE_UPDATE", o=payload | o)

    def stop(self, client_id: str, side: str, qty: str, status: str = "NEW", **o: Any) -> int:
        """Tell of a reduce-only stop at 9000."""
        payload = {
            "caid": client_id, "aid": abs(hash(client_id)), "s": "BTCUSDT", "S": side,
            "o": "STOP_MARKET", "q": qty, "X": status, "R": True, "cp": False, "tp": "9000",
        }  # fmt: skip
        return self.event(e="ALGO_UPDATE", o=payload | o)

    # -- the journal ---------------------------------------------------------------------------

    def record(self, kind: str, **data: Any) -> None:
        stamp = (START_MS + self.ms) * 1_000_000
        self.records.append({"seq": len(self.records), "ts": stamp, "type": kind, "data": data})

    def approve(self, *rows: dict[str, Any]) -> None:
        self.record("approved", command="SubmitOrderList", orders=list(rows))

    def fill(
        self, client_id: str, side: str, qty: str, price: str = "10000", trade_id: str = "101"
    ) -> None:
        self.record(
            "fill", client_order_id=client_id, trade_id=trade_id, instrument_id=INSTRUMENT,
            side=side, quantity=qty, price=price,
        )  # fmt: skip

    # -- the run -------------------------------------------------------------------------------

    def run(self, folder: Path, **papers: Any) -> Run:
        """Write log and journal, and return the run as the checkers read it."""
        log, journal = self.write(folder)
        papers = {"limits": LIMITS, "journal": read_journal(journal)} | papers
        return Run(log=read_log(log), **papers)

    def write(self, folder: Path) -> tuple[Path, Path]:
        paths = folder / "wire.jsonl", folder / "journal.jsonl"
        for path, rows in zip(paths, (self.lines, self.records), strict=True):
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return paths


def approved(client_id: str, side: str, qty: str, kind: str = "MARKET", **terms: Any) -> Any:
    """Return the row of an approved order."""
    return {
        "client_order_id": client_id, "instrument_id": INSTRUMENT, "side": side,
        "quantity": qty, "order_type": kind, "price": None, "trigger_price": None,
        "reduce_only": False,
    } | terms  # fmt: skip


def state(**changes: Any) -> dict[str, Any]:
    """Return the final state of a node that believes in nothing but its money."""
    believed = {"positions": {}, "open_orders": [], "balance_usdt": "100000", "commissions": {}}
    return believed | changes
