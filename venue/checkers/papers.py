"""What the node was allowed to send, by its journal."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from venue.checkers.ids import NAUTILUS_TYPES, base_of, symbol_of
from venue.checkers.log import Line


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of an order, as the gate approved them or as they were sent."""

    symbol: str
    side: str
    type: str
    qty: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    is_reduce_only: bool

    def __str__(self) -> str:
        parts = [self.symbol, self.side, self.type, format(self.qty, "f")]
        parts += [f"at {self.price:f}"] if self.price is not None else []
        parts += [f"trigger {self.trigger_price:f}"] if self.trigger_price is not None else []
        return " ".join([*parts, *(["reduce-only"] if self.is_reduce_only else [])])


class Permits:
    """
    What may be sent, by client order id: each approval allows one request with exactly its terms.

    A child of an approved list may go when it is released, for what its entry has filled; an
    approved amendment allows one request with the new terms, under the order's own id or, for a
    stop, under the id of its replacement.

    Parameters
    ----------
    journal : Sequence[Line]
        The node's journal.

    """

    def __init__(self, journal: Sequence[Line]) -> None:
        self._free: dict[str, list[Terms]] = {}
        self._known: dict[str, Terms] = {}  # the newest terms of each order
        for record in journal:
            data = record["data"]
            if record["type"] == "released":
                self._permit(data["client_order_id"], _of_row(data))
            elif record["type"] == "approved" and data["command"] == "ModifyOrder":
                self._amend(data)
            elif record["type"] == "approved":
                for row in data["orders"]:
                    self._approve(row)

    def use(self, client_id: str, terms: Terms, *, is_amend: bool) -> str | None:
        """Use up the approval of a request; return the rule that it breaks, None if it is allowed."""
        base = base_of(client_id)
        if base not in self._known:
            return "never approved"
        if is_amend:  # its request repeats neither of these
            known = self._known[base]
            terms = replace(terms, type=known.type, is_reduce_only=known.is_reduce_only)
        free = self._free.get(base, [])
        if terms in free:
            free.remove(terms)
            return None
        if not free:
            return "its approval was used before, or it was not released"
        return f"other terms than approved: {' or '.join(map(str, free))}"

    def unused(self) -> int:
        """Return how many approvals were never used."""
        return sum(len(free) for free in self._free.values())

    def _approve(self, row: Mapping[str, Any]) -> None:
        if row.get("parent_id") is None:
            self._permit(row["client_order_id"], _of_row(row))
        else:
            self._known[row["client_order_id"]] = _of_row(row)

    def _amend(self, data: Mapping[str, Any]) -> None:
        client_id = data["client_order_id"]
        before = self._known.get(client_id)
        if before is None:
            return
        new = {name: _number(data.get(name)) for name in ("qty", "price", "trigger_price")}
        changes: dict[str, Any] = {k: value for k, value in new.items() if value is not None}
        self._permit(client_id, replace(before, **changes))

    def _permit(self, client_id: str, terms: Terms) -> None:
        self._known[client_id] = terms
        self._free.setdefault(client_id, []).append(terms)


def sent_orders(line: Line) -> Iterator[tuple[str, Terms]]:
    """Yield the client order id and the terms of each order that a request creates or amends."""
    params = line["params"]
    rows = json.loads(params["batchOrders"]) if "batchOrders" in params else [params]
    ids = ("newClientOrderId", "clientAlgoId", "origClientOrderId")
    for row in rows:
        client_id = next((str(row[name]) for name in ids if row.get(name)), "(no client id)")
        yield client_id, _of_params(row)


def _of_row(row: Mapping[str, Any]) -> Terms:
    return Terms(
        symbol_of(row["instrument_id"]), row["side"], row["order_type"], Decimal(row["quantity"]),
        _number(row.get("price")), _number(row.get("trigger_price")),
        bool(row.get("reduce_only", False)),
    )  # fmt: skip


def _of_params(params: Mapping[str, Any]) -> Terms:
    kind = str(params.get("type", "LIMIT"))  # an amendment names none: limit orders alone have one
    trigger = params.get("triggerPrice", params.get("stopPrice"))
    return Terms(
        str(params.get("symbol")), str(params.get("side")), NAUTILUS_TYPES.get(kind, kind),
        Decimal(str(params.get("quantity", "0"))), _number(params.get("price")), _number(trigger),
        "true" in (str(params.get(name)).lower() for name in ("reduceOnly", "closePosition")),
    )  # fmt: skip


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
