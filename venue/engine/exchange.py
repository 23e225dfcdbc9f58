"""The exchange: its state, its time, and what happens when the market moves."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from venue.engine import algo, funding, liquidation, matching, placing, settlement, truth
from venue.engine.accounts import Account, Permissions
from venue.engine.actions import Actions
from venue.engine.book import Book, Level, Print
from venue.engine.errors import refusal
from venue.engine.events import Fill
from venue.engine.ledger import Ids, Ledger
from venue.engine.options import Options
from venue.engine.orders import AlgoOrder, Order, OrderRequest
from venue.engine.symbols import SymbolSpec


class Exchange:
    """
    A Binance USD-M Futures exchange, pure and deterministic.

    Parameters
    ----------
    symbols : Sequence[SymbolSpec]
        What is traded.
    now_ms : int
        The venue's time at the start, in milliseconds since 1970; it moves by `advance` alone.
    seed : int
        Of the gaps in ids and of made-up client ids.
    options : Options
        What the documents leave open.
    rate_limits : Sequence of dict
        What exchangeInfo tells of them; they are kept by the wire.

    """

    def __init__(
        self,
        symbols: Sequence[SymbolSpec],
        *,
        now_ms: int,
        seed: int = 0,
        options: Options = Options(),  # noqa: B008 - frozen
        rate_limits: Sequence[dict[str, Any]] = (),
    ) -> None:
        self.rate_limits = tuple(rate_limits)
        self.now_ms = now_ms
        self.options = options
        self.symbols = {spec.symbol: spec for spec in symbols}
        self.books = {symbol: Book(symbol) for symbol in self.symbols}
        self.resting: dict[str, dict[str, list[Order]]] = {
            symbol: {"BUY": [], "SELL": []} for symbol in self.symbols
        }
        self.accounts: dict[str, Account] = {}
        self.ids = Ids(seed)
        self.ledger = Ledger(options.insurance_fund_usdt)
        self.actions = Actions(self)
        self._sequence = 0
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._outbox: list[tuple[str, dict[str, Any]]] = []

    # Accounts

    def open_account(
        self,
        name: str,
        *,
        wallet: Mapping[str, Decimal],
        leverage: int = 20,
        margin_type: str = "CROSSED",
        dual_side: bool = False,
        maker_rate: Decimal = Decimal("0.0002"),
        taker_rate: Decimal = Decimal("0.0005"),
        fee_burn: bool = False,
        permissions: Permissions | None = None,
    ) -> Account:
        """
        Open an account.

        Parameters
        ----------
        wallet : Mapping[str, Decimal]
            Balance by asset.
        leverage, margin_type : int, str
            The settings that every symbol starts with.
        dual_side : bool
            Whether the account is in hedge mode.
        maker_rate, taker_rate : Decimal
            Fees as fractions of the notional.
        fee_burn : bool
            Whether fees are paid in BNB while there is some.
        permissions : Permissions, optional
            The rights of its API key.

        """
        if name in self.accounts:
            raise ValueError(f"account {name!r} exists")
        if margin_type not in ("CROSSED", "ISOLATED"):
            raise ValueError(f"margin_type = {margin_type!r} is not CROSSED or ISOLATED")
        account = Account(
            name=name,
            cross_wallet={asset: Decimal(amount) for asset, amount in wallet.items()},
            default_leverage=leverage,
            default_margin_type=margin_type,
            is_dual_side=dual_side,
            maker_rate=maker_rate,
            taker_rate=taker_rate,
            is_fee_burned=fee_burn,
            permissions=permissions or Permissions(),
            update_ms=self.now_ms,
        )
        for asset, amount in account.cross_wallet.items():
            self.ledger.deposits[asset] += amount
        self.accounts[name] = account
        return account

    def account(self, name: str) -> Account:
        return self.accounts[name]

    def spec(self, symbol: str) -> SymbolSpec:
        """Return the symbol's rules, or refuse an unknown one (-1121)."""
        if symbol not in self.symbols:
            raise refusal(-1121)
        return self.symbols[symbol]

    def book(self, symbol: str) -> Book:
        """Return the symbol's visible market, or refuse an unknown symbol (-1121)."""
        if symbol not in self.books:
            raise refusal(-1121)
        return self.books[symbol]

    def change_symbol(self, symbol: str, **changes: Any) -> SymbolSpec:
        """Replace fields of a symbol's rules, ``status`` and filters included; return the result."""
        self.symbols[symbol] = replace(self.spec(symbol), **changes)
        return self.symbols[symbol]

    # Time

    def advance(self, now_ms: int) -> None:
        """
        Let time pass to ``now_ms``; everything due on the way happens at its own time, in order.

        Raises
        ------
        ValueError
            If time would go back.

        """
        if now_ms < self.now_ms:
            raise ValueError(f"now_ms = {now_ms} is before the venue's time {self.now_ms}")
        while self._due and self._due[0][0] <= now_ms:
            due_ms, _, action = heapq.heappop(self._due)
            self.now_ms = max(self.now_ms, due_ms)
            action()
        self.now_ms = now_ms

    def schedule(self, due_ms: int, action: Callable[[], None]) -> None:
        """Let something happen at a time, after what was scheduled for it before."""
        heapq.heappush(self._due, (due_ms, self.next_sequence(), action))

    def after(self, delay_ms: int, action: Callable[[], None]) -> None:
        """Let something happen after a delay; without one, now."""
        if delay_ms <= 0:
            action()
        else:
            self.schedule(self.now_ms + delay_ms, action)

    def next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    # The market

    def on_quote(
        self, symbol: str, bid: Decimal, bid_qty: Decimal, ask: Decimal, ask_qty: Decimal
    ) -> None:
        """Show the best bid and ask; a size of zero empties that side."""
        book = self.book(symbol)
        book.set_quote(
            (Decimal(bid), Decimal(bid_qty)), (Decimal(ask), Decimal(ask_qty)), self.now_ms
        )
        self._settle(symbol)

    def on_depth(self, symbol: str, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        """Show the whole depth, best first, every level with a size."""
        self.book(symbol).set_depth(bids, asks, self.now_ms)
        self._settle(symbol)

    def on_trade(
        self,
        symbol: str,
        price: Decimal,
        qty: Decimal,
        is_buyer_maker: bool,  # noqa: FBT001 - the contract's order of fields
    ) -> None:
        """Show a public trade: it sets the last price and fills orders that it went through."""
        price, qty = Decimal(price), Decimal(qty)
        trade = Print(self.ids.next_trade(), self.now_ms, price, qty, is_buyer_maker)
        self.book(symbol).add_print(trade)
        matching.trade_through(self, symbol, price, qty)
        self._settle(symbol)

    def on_mark(
        self,
        symbol: str,
        mark: Decimal,
        index: Decimal,
        funding_rate: Decimal,
        next_funding_ms: int,
    ) -> None:
        """Show the mark price (quote asset), the index and the funding (rate as a fraction)."""
        book = self.book(symbol)
        book.mark, book.index = Decimal(mark), Decimal(index)
        funding.announce(self, book, Decimal(funding_rate), next_funding_ms)
        self._settle(symbol)

    def _settle(self, symbol: str) -> None:
        """Let the accounts' orders, triggers and margins follow the market."""
        if self._is_tradable(symbol):
            matching.cross_resting(self, symbol)
            algo.check_triggers(self, symbol)
        liquidation.check(self, symbol)

    def _is_tradable(self, symbol: str) -> bool:
        return self.spec(symbol).status == "TRADING"

    def place_child(
        self,
        account: Account,
        request: OrderRequest,
        of: AlgoOrder,
        on_accepted: Callable[[Order], None],
    ) -> Order:
        """Forward a triggered conditional order to the matching engine."""
        return placing.place_child(self, account, request, of, on_accepted)

    # Events and records

    def emit(self, account_name: str, event: dict[str, Any]) -> None:
        """Queue a user data event."""
        self._outbox.append((account_name, event))

    def drain(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the user data events since the last call, with their accounts, in order."""
        drained, self._outbox = self._outbox, []
        return drained

    def truth(self, name: str) -> dict[str, Any]:
        """Return what the venue holds for an account: see `venue.engine.truth`."""
        return truth.of(self, self.account(name))

    def tell_order(
        self, order: Order, execution: str, *, fill: Fill | None = None, expiry_reason: int = 0
    ) -> None:
        """Send an ORDER_TRADE_UPDATE about an order as it is now."""
        settlement.tell_order(self, order, execution, fill=fill, expiry_reason=expiry_reason)

    def tell_amendment(self, order: Order, modify_id: str | None) -> None:
        """Send the ORDER_TRADE_UPDATE of an amendment that the client asked for."""
        settlement.tell_order(self, order, "AMENDMENT", modify_id=modify_id)

    def end_order(self, order: Order, status: str, *, expiry_reason: int = 0) -> None:
        """End an open order as CANCELED, EXPIRED or EXPIRED_IN_MATCH."""
        settlement.end(self, order, status, expiry_reason=expiry_reason)

    def drop_open(self, order: Order) -> None:
        """Take an order that has ended out of the queues."""
        self.account(order.account).open_orders.pop(order.order_id, None)
        matching.unrest(self, order)

    def add_income(
        self,
        account: Account,
        income_type: str,
        amount: Decimal,
        asset: str,
        symbol: str = "",
        trade_id: str = "",
    ) -> None:
        """Record a change of the wallet for the income history."""
        account.incomes.append(
            {
                "symbol": symbol,
                "incomeType": income_type,
                "income": f"{amount:.8f}",
                "asset": asset,
                "info": trade_id or income_type,
                "time": self.now_ms,
                "tranId": self.ids.next_transfer(),
                "tradeId": trade_id,
            },
        )
