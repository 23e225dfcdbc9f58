"""Approvals: single-use proof that the gate has passed exactly these terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from risk.trading_state import TradingState

Terms = tuple[Any, ...]
Mint = Callable[[str, Terms], None]
"""Approves one send under a key; whoever holds it can approve, and only the gate does."""


def new_approvals(
    state: Callable[[str], TradingState] = lambda _: TradingState.ACTIVE,
) -> tuple[Mint, Approvals]:
    """
    Return the right to approve, for the gate to keep, and the view in which all others spend.

    Parameters
    ----------
    state : Callable
        Returns the trading state that an order (by client order id) meets, which may change while
        what was approved is on its way; for an empty id that of the account.

    """
    opened: dict[str, list[Terms]] = {}

    def mint(key: str, terms: Terms) -> None:
        opened.setdefault(key, []).append(terms)

    return mint, Approvals(opened, state)


class Approvals:
    """
    Spent at the last hop; each is good for one send of the terms that were judged.

    A simulated client spends at once. A live client only claims what the gate approved, and its
    HTTP client uses what was claimed: the request that leaves is compared, not the intention. Other
    terms, or a second use, find nothing.

    """

    def __init__(
        self, opened: dict[str, list[Terms]], state: Callable[[str], TradingState]
    ) -> None:
        self._opened = opened
        self._state = state
        self._claimed: dict[str, list[Terms]] = {}
        self._lapsed: Counter[str] = Counter()

    def spend(self, key: str, terms: Terms) -> bool:
        """Return whether the terms were approved; the approval is used up."""
        return _take(self._opened, key, terms)

    def claim(self, key: str, terms: Terms) -> bool:
        """Return whether the terms were approved; the approval is left for the request itself."""
        if not _take(self._opened, key, terms):
            return False
        self._claimed.setdefault(key, []).append(terms)
        return True

    def claimed(self, key: str) -> tuple[Terms, ...]:
        """Return the terms that were claimed under a key and have not left yet."""
        return tuple(self._claimed.get(key, ()))

    def use(self, key: str, terms: Terms) -> bool:
        """Return whether the terms were claimed; the approval is used up."""
        return _take(self._claimed, key, terms)

    def revoke(self, client_order_id: str) -> None:
        """Forget what was approved for an order: it is closed, and nothing of it may leave."""
        for key in (client_order_id, amend_key(client_order_id), cancel_key(client_order_id)):
            self._opened.pop(key, None)
            if claimed := self._claimed.pop(key, None):
                self._lapsed[key] += len(claimed)

    def take_lapsed(self, key: str) -> bool:
        """Return, once for each, whether what was claimed under a key was revoked before it left."""
        if not self._lapsed[key]:
            del self._lapsed[key]
            return False
        self._lapsed[key] -= 1
        return True

    def state_against(self, client_order_id: str, *, is_amend: bool) -> TradingState | None:
        """Return the trading state in which an entry, or its amendment, may not leave (any more)."""
        state = self._state(client_order_id)
        worst = TradingState.REDUCING if is_amend else TradingState.ACTIVE
        return state if state > worst else None

    @property
    def is_halted(self) -> bool:
        """Return whether nothing but cancels and exits may leave for the whole account."""
        return self._state("") is TradingState.HALTED

    def __len__(self) -> int:
        return sum(map(len, self._opened.values())) + sum(map(len, self._claimed.values()))


def _take(approved: dict[str, list[Terms]], key: str, terms: Terms) -> bool:
    known = approved.get(key)
    if known is None or terms not in known:
        return False
    known.remove(terms)
    if not known:
        del approved[key]
    return True


def amend_key(client_order_id: str) -> str:
    """Return the key under which an amendment of an order is approved."""
    return f"{client_order_id}/amend"


def cancel_key(client_order_id: str) -> str:
    """Return the key under which the cancel of an order is approved."""
    return f"{client_order_id}/cancel"
