"""Funding: who holds a position at the settlement pays or receives ``amt * mark * rate``."""

from decimal import Decimal
from typing import TYPE_CHECKING

from venue.engine import events, liquidation, margin
from venue.engine.accounts import Account, Position
from venue.engine.book import Book
from venue.engine.numbers import ZERO, money

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange

HOUR_MS = 3_600_000


def announce(ex: "Exchange", book: Book, rate: Decimal, next_funding_ms: int) -> None:
    """Take the market's announcement of the next settlement; a time that has passed is none."""
    book.funding_rate = rate
    if next_funding_ms <= ex.now_ms or next_funding_ms == book.next_funding_ms:
        return
    book.next_funding_ms = next_funding_ms
    ex.schedule(next_funding_ms, lambda: _settle(ex, book, next_funding_ms))


def _settle(ex: "Exchange", book: Book, due_ms: int) -> None:
    if book.next_funding_ms != due_ms:
        return  # the market has moved the settlement
    rate, mark = book.funding_rate, book.mark_price
    book.funding_history.append((due_ms, rate, mark))
    for account in list(ex.accounts.values()):
        for position in account.open_positions(book.symbol):
            charge(ex, account, position, rate)
    announce(ex, book, rate, due_ms + ex.spec(book.symbol).funding_interval_hours * HOUR_MS)
    liquidation.check(ex, book.symbol)


def charge(ex: "Exchange", account: Account, position: Position, rate: Decimal) -> None:
    """Settle one position: a positive rate lets longs pay (isolated ones from their own wallet)."""
    symbol = position.symbol
    asset, mark = ex.spec(symbol).margin_asset, margin.mark_of(ex, symbol)
    fee = money(position.amt * mark * rate)
    is_isolated = account.is_isolated(symbol)
    if is_isolated:
        position.isolated_wallet -= fee
    else:
        account.cross_wallet[asset] = account.cross_wallet.get(asset, ZERO) - fee
    ex.ledger.outside_cash += fee
    account.update_ms = ex.now_ms
    ex.add_income(account, "FUNDING_FEE", -fee, asset, symbol)
    update = events.account_update(
        "FUNDING_FEE",
        ex.now_ms,
        balances=[events.balance_entry(account, asset, -fee)],
        positions=[events.position_entry(account, position, mark)] if is_isolated else None,
        symbol=symbol,
    )
    ex.emit(account.name, update)
