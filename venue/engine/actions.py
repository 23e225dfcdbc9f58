"""What the venue, or somebody else, does to an account: for fault scenarios and for tests."""

from decimal import Decimal
from typing import TYPE_CHECKING

from venue.engine import adl, algo, events, liquidation, margin, settings
from venue.engine.errors import refusal
from venue.engine.numbers import ZERO
from venue.engine.orders import AlgoOrder, Order

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange


class Actions:
    """
    Actions upon one exchange; reached as ``exchange.actions``.

    Accounts are named; orders are named by their client ids, the latest of that id is meant.
    """

    def __init__(self, ex: "Exchange") -> None:
        self._ex = ex

    def expire_order(self, account: str, client_order_id: str, *, expiry_reason: int = 0) -> None:
        """Expire an open order, with the ``er`` that its event then carries."""
        self._ex.end_order(
            self._order(account, client_order_id), "EXPIRED", expiry_reason=expiry_reason
        )

    def cancel_order_silently(self, account: str, client_order_id: str) -> None:
        """Cancel an open order without an event."""
        order = self._order(account, client_order_id)
        order.status, order.update_ms = "CANCELED", self._ex.now_ms
        self._ex.drop_open(order)

    def expire_algo(self, account: str, client_algo_id: str, *, reason: str = "") -> None:
        """Expire a waiting conditional order, as the system does."""
        algo.close(self._ex, self._algo(account, client_algo_id), "EXPIRED", reason)

    def cancel_algo_silently(self, account: str, client_algo_id: str) -> None:
        """Cancel a waiting conditional order without an event."""
        waiting = self._algo(account, client_algo_id)
        waiting.status, waiting.update_ms = "CANCELED", self._ex.now_ms
        del self._ex.account(account).open_algos[waiting.algo_id]

    def freeze_algo(self, account: str, client_algo_id: str, *, is_frozen: bool = True) -> None:
        """Keep a conditional order from triggering, or let it again."""
        self._algo(account, client_algo_id).is_frozen = is_frozen

    def liquidate(self, account: str, symbol: str) -> None:
        """
        Liquidate an account's positions of a symbol, whatever their margin.

        Its orders expire (er=5) as in a true liquidation; isolated: those of the symbol.
        """
        ex, holder = self._ex, self._ex.account(account)
        is_isolated = holder.is_isolated(symbol)
        liquidation.expire_orders(ex, holder, [symbol] if is_isolated else list(ex.symbols))
        for position in holder.open_positions(symbol):
            liquidation.close_position(ex, holder, position, abs(position.amt))
        liquidation.clear_deficit(ex, holder)

    def adl(
        self,
        account: str,
        symbol: str,
        *,
        qty: Decimal | None = None,
        price: Decimal | None = None,
    ) -> None:
        """Deleverage an account's positions of a symbol: all or a quantity, at the mark price or another."""
        ex, holder = self._ex, self._ex.account(account)
        for position in holder.open_positions(symbol):
            part = abs(position.amt) if qty is None else min(qty, abs(position.amt))
            at = margin.mark_of(ex, symbol) if price is None else price
            adl.deleverage_account(ex, holder, position, part, _on_tick(ex, symbol, at))

    def transfer(self, account: str, asset: str, amount: Decimal) -> None:
        """
        Move money into (positive) or out of (negative) an account, told as DEPOSIT or WITHDRAW.

        Raises
        ------
        VenueError
            -2018 if more than is available would leave.

        """
        ex, holder = self._ex, self._ex.account(account)
        held = holder.cross_wallet.get(asset, ZERO)
        free = min(held, margin.totals(ex, holder).available) if asset == "USDT" else held
        if amount < 0 and -amount > free:
            raise refusal(-2018)
        holder.cross_wallet[asset] = held + amount
        holder.update_ms = ex.now_ms
        ex.ledger.deposits[asset] += amount
        ex.add_income(holder, "TRANSFER", amount, asset)
        balance = events.balance_entry(holder, asset, amount)
        reason = "DEPOSIT" if amount > 0 else "WITHDRAW"
        update = events.account_update(reason, ex.now_ms, balances=[balance], positions=[])
        ex.emit(account, update)

    def set_leverage(self, account: str, symbol: str, leverage: int) -> None:
        """Change the leverage as another session of the account would."""
        settings.set_leverage(self._ex, self._ex.account(account), symbol, leverage)

    def restrict(self, account: str, code: int | None) -> None:
        """
        Let new orders be refused with a code, None lifts it.

        -4088, -2023 and -4192 refuse all of them, others (-4087, -4400, -4189) opening ones.
        """
        self._ex.account(account).restriction_code = code

    def halt(self, symbol: str, status: str = "TRADING_HALT") -> None:
        """Set a symbol's status; nothing of it trades or triggers unless it is TRADING."""
        self._ex.change_symbol(symbol, status=status)

    def _order(self, account: str, client_order_id: str) -> Order:
        for order in self._ex.account(account).open_orders.values():
            if order.client_order_id == client_order_id:
                return order
        raise refusal(-2013)

    def _algo(self, account: str, client_algo_id: str) -> AlgoOrder:
        found = algo.find(self._ex.account(account), None, client_algo_id)
        if found is None or not found.is_untriggered:
            raise refusal(-2013)
        return found


def _on_tick(ex: "Exchange", symbol: str, price: Decimal) -> Decimal:
    tick = ex.spec(symbol).tick_size
    return (price / tick).to_integral_value() * tick
