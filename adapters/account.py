"""The account as the venue reports it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from nautilus_trader.accounting.accounts.base import Account


class BalanceRefresh:
    """
    Asks the venue for the balance; once for all who ask in the same breath.

    Parameters
    ----------
    ask : Callable
        Fetches the balance and tells it.
    run : Callable
        Starts a task.

    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[None]],
        run: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._ask = ask
        self._run = run
        self._task: asyncio.Task[None] | None = None
        self._is_wanted = False

    def want(self) -> None:
        """Have the balance fetched from now on, not by a request that is under way."""
        self._is_wanted = True
        if self._task is None or self._task.done():
            self._task = self._run(self._refresh())

    async def _refresh(self) -> None:
        while self._is_wanted:
            self._is_wanted = False
            await self._ask()


def report_only(account: Account) -> None:
    """
    Have an account show what the venue reports, and nothing that is worked out here.

    A backtest or a paper node has NautilusTrader work out every later account of the same venue in
    the same process from its fills, and there is no call to undo that: a live node in a notebook
    would add each fill to balances that have it already.

    """
    if account.calculate_account_state:
        account.__init__(account.last_event, calculate_account_state=False)
