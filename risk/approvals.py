"""Approvals: single-use proof that the gate has passed exactly these terms."""

from __future__ import annotations

from typing import Any

Terms = tuple[Any, ...]


class Approvals:
    """
    Minted by the gate, spent at the last hop: the execution client, later the HTTP client.

    An approval is good for one send of one order with the terms that were judged; a second use, or
    other terms, find nothing.

    """

    def __init__(self) -> None:
        self._open: dict[str, Terms] = {}

    def mint(self, client_order_id: str, terms: Terms) -> None:
        """Approve one send of an order with these terms; the gate alone calls this."""
        self._open[client_order_id] = terms

    def spend(self, client_order_id: str, terms: Terms) -> bool:
        """Return whether the terms were approved; the approval is used up."""
        return self._open.pop(client_order_id, None) == terms

    def __len__(self) -> int:
        return len(self._open)


def amend_key(client_order_id: str) -> str:
    """Return the key under which an amendment of an order is approved."""
    return f"{client_order_id}/amend"


def cancel_key(client_order_id: str) -> str:
    """Return the key under which the cancel of an order is approved."""
    return f"{client_order_id}/cancel"
