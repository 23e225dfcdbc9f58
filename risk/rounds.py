"""What the journal knows of brackets: their terms, what was sent of them, what they filled."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from risk.lists import PROTECTIVE_TYPE
from risk.record import OrderRow

ZERO = Decimal(0)
Key = tuple[str, str]
"""Strategy and instrument."""


class Round(msgspec.Struct):
    """An approved entry with its children; *filled_qty* counts the fills that were journalled."""

    entry: OrderRow
    children: list[OrderRow]
    sent: set[str] = msgspec.field(default_factory=set)
    filled_qty: Decimal = ZERO


class Rounds:
    """
    The brackets of a journal, and every order id that was approved in it.

    Parameters
    ----------
    path : Path
        A journal whose chain was verified.

    """

    def __init__(self, path: Path) -> None:
        self.of: dict[Key, list[Round]] = {}
        self.ids: set[str] = set()
        self._round_of: dict[str, Round] = {}
        self._row_of: dict[str, OrderRow] = {}
        self._trades: set[tuple[str, str]] = set()
        with path.open("rb") as file:
            for line in file:
                record = msgspec.json.decode(line)
                match record["type"]:
                    case "approved":
                        self._on_approved(record["data"])
                    case "released":
                        self._on_released(record["data"]["client_order_id"])
                    case "fill":
                        self._on_fill(record["data"])
                    case _:
                        pass  # decisions and states: nothing of a bracket's terms

    def _on_approved(self, data: dict[str, Any]) -> None:
        if "orders" not in data:
            self._on_amended(data)
            return
        rows = msgspec.convert(data["orders"], list[OrderRow], strict=False)
        for row in rows:
            self.ids.add(row.client_order_id)
            self._row_of[row.client_order_id] = row
            if not row.reduce_only:
                own = [r for r in rows if r.parent_id == row.client_order_id]
                self._begin(Round(row, own))
            elif row.order_type == PROTECTIVE_TYPE and row.client_order_id not in self._round_of:
                self._on_further_stop(row)

    def _begin(self, new: Round) -> None:
        row = new.entry
        self.of.setdefault((row.strategy_id, row.instrument_id), []).append(new)
        for each in (row, *new.children):
            self._round_of[each.client_order_id] = new

    def _on_further_stop(self, row: OrderRow) -> None:
        """Take a stop that replaced or joined another one: where it lay is where a new one goes."""
        rounds = self.of.get((row.strategy_id, row.instrument_id))
        if rounds:
            rounds[-1].children.append(row)
            rounds[-1].sent.add(row.client_order_id)
            self._round_of[row.client_order_id] = rounds[-1]

    def _on_amended(self, data: dict[str, Any]) -> None:
        row = self._row_of.get(data["client_order_id"])
        if row is not None and data.get("trigger_price") is not None:
            row.trigger_price = Decimal(data["trigger_price"])

    def _on_released(self, order_id: str) -> None:
        known = self._round_of.get(order_id)
        if known is not None:
            known.sent.add(order_id)

    def _on_fill(self, data: dict[str, Any]) -> None:
        trade = data["instrument_id"], data["trade_id"]
        known = self._round_of.get(data["client_order_id"])
        if trade in self._trades or known is None:
            return  # A restart may have journalled a fill once more.
        self._trades.add(trade)
        if known.entry.client_order_id == data["client_order_id"]:
            known.filled_qty += Decimal(data["quantity"])


def open_rounds(rounds: Iterable[Round], position_qty: Decimal) -> list[tuple[Round, Decimal]]:
    """
    Return the rounds that a position is made of, oldest first, each with its share (base units).

    The newest fills count first. What no fill explains was filled while nobody wrote it down: that
    may have been any entry of the side, so the newest first again.

    """
    side = "BUY" if position_qty > 0 else "SELL"
    left = abs(position_qty)
    newest_first = [r for r in reversed(list(rounds)) if r.entry.side == side]
    shares: dict[int, Decimal] = {}
    for limit in ("filled", "asked"):
        for index, each in enumerate(newest_first):
            most = each.filled_qty if limit == "filled" else each.entry.quantity
            share = min(most - shares.get(index, ZERO), left)
            if share > 0:
                shares[index] = shares.get(index, ZERO) + share
                left -= share
    return [(newest_first[index], shares[index]) for index in sorted(shares, reverse=True)]
