"""The dead man's switch: cancels a symbol's open orders unless it is re-armed in time."""

from typing import TYPE_CHECKING

from venue.engine import algo
from venue.engine.accounts import Account

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange


def arm(ex: "Exchange", account: Account, symbol: str, countdown_ms: int) -> None:
    """Replace the symbol's timer; 0 disarms it. It fires once and flattens nothing."""
    account.countdowns.pop(symbol, None)
    if countdown_ms:
        timer = ex.next_sequence()
        account.countdowns[symbol] = timer
        ex.schedule(ex.now_ms + countdown_ms, lambda: _fire(ex, account, symbol, timer))


def _fire(ex: "Exchange", account: Account, symbol: str, timer: int) -> None:
    if account.countdowns.get(symbol) != timer:
        return
    del account.countdowns[symbol]
    for order in account.open_orders_of(symbol):
        ex.end_order(order, "CANCELED")
    if ex.options.countdown_cancels_algo:
        for waiting in account.open_algos_of(symbol):
            if waiting.is_untriggered:
                algo.cancel(ex, waiting)
