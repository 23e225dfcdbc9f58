"""An account: wallets, settings, positions, orders and their history."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from venue.engine.errors import refusal
from venue.engine.numbers import ZERO, money, sign
from venue.engine.orders import AlgoOrder, Order

CANNOT_TRADE = -4088
FULL_RESTRICTIONS = (CANNOT_TRADE, -2023, -4192)


@dataclass(slots=True, eq=False)
class Position:
    """
    A position in one symbol and position side; ``amt`` is negative when short.

    ``cost`` is what the open quantity was bought for (signed like ``amt``, margin asset, exact to
    8 decimals), so that money is conserved to the last decimal.
    """

    symbol: str
    side: str
    amt: Decimal = ZERO
    cost: Decimal = ZERO
    isolated_wallet: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    update_ms: int = 0

    @property
    def entry_price(self) -> Decimal:
        return self.cost / self.amt if self.amt else ZERO

    @property
    def break_even_price(self) -> Decimal:
        """Return the price at which closing pays for the entry and the fees paid since opening."""
        return (self.cost + self.fees) / self.amt if self.amt else ZERO

    def unrealized(self, mark: Decimal) -> Decimal:
        """Return profit (positive) or loss at the mark price."""
        return money(self.amt * mark - self.cost)

    def add(self, signed_qty: Decimal, price: Decimal) -> Decimal:
        """
        Book a fill and return the profit it realized (before fees).

        A fill larger than the open opposite quantity closes it and opens the rest.
        """
        closing = ZERO
        if sign(signed_qty) == -sign(self.amt):
            closing = min(abs(signed_qty), abs(self.amt)) * sign(signed_qty)
        realized = self._close(closing, price) if closing else ZERO
        opening = signed_qty - closing
        if opening:
            if not self.amt:
                self.fees = ZERO
            self.amt += opening
            self.cost += money(opening * price)
        return realized

    def _close(self, signed_qty: Decimal, price: Decimal) -> Decimal:
        part = -signed_qty / self.amt
        cost = self.cost if -signed_qty == self.amt else money(self.cost * part)
        realized = money(-signed_qty * price) - cost
        self.cost -= cost
        self.fees -= money(self.fees * part)
        self.amt += signed_qty
        self.realized += realized
        return realized


@dataclass(slots=True)
class SymbolSettings:
    """An account's settings for one symbol."""

    leverage: int
    margin_type: str

    @property
    def is_isolated(self) -> bool:
        return self.margin_type == "ISOLATED"


@dataclass(slots=True)
class Permissions:
    """The rights of the account's API key, as apiRestrictions answers."""

    ip_restrict: bool = True
    enable_reading: bool = True
    enable_futures: bool = True
    enable_withdrawals: bool = False
    enable_internal_transfer: bool = False
    enable_margin: bool = False
    permits_universal_transfer: bool = False
    enable_vanilla_options: bool = False
    enable_spot_and_margin_trading: bool = False
    enable_portfolio_margin_trading: bool = False


@dataclass(slots=True, eq=False)
class Account:
    """
    One account. Its lists of orders hold everything ever accepted, oldest first.

    ``cross_wallet`` is by asset and does not include what isolated positions hold.
    """

    name: str
    cross_wallet: dict[str, Decimal]
    default_leverage: int = 20
    default_margin_type: str = "CROSSED"
    is_dual_side: bool = False
    maker_rate: Decimal = Decimal("0.0002")
    taker_rate: Decimal = Decimal("0.0005")
    is_fee_burned: bool = False
    is_multi_assets: bool = False
    restriction_code: int | None = None
    permissions: Permissions = field(default_factory=Permissions)
    settings: dict[str, SymbolSettings] = field(default_factory=dict)
    positions: dict[tuple[str, str], Position] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    open_orders: dict[int, Order] = field(default_factory=dict)
    algos: dict[int, AlgoOrder] = field(default_factory=dict)
    open_algos: dict[int, AlgoOrder] = field(default_factory=dict)
    trades: list[dict[str, Any]] = field(default_factory=list)
    incomes: list[dict[str, Any]] = field(default_factory=list)
    margin_changes: list[dict[str, Any]] = field(default_factory=list)
    countdowns: dict[str, int] = field(default_factory=dict)
    margin_called: set[str] = field(default_factory=set)
    update_ms: int = 0

    def setting(self, symbol: str) -> SymbolSettings:
        """Return the settings of a symbol; they start as the account's defaults."""
        if symbol not in self.settings:
            self.settings[symbol] = SymbolSettings(self.default_leverage, self.default_margin_type)
        return self.settings[symbol]

    def position(self, symbol: str, position_side: str = "BOTH") -> Position:
        """Return the position, an empty one if there never was any."""
        key = (symbol, position_side)
        if key not in self.positions:
            self.positions[key] = Position(symbol, position_side)
        return self.positions[key]

    def open_positions(self, symbol: str | None = None) -> list[Position]:
        return [
            p for p in self.positions.values() if p.amt and (symbol is None or p.symbol == symbol)
        ]

    def open_orders_of(self, symbol: str | None) -> list[Order]:
        """Return the open orders of a symbol (of all for None), oldest first."""
        return [o for o in self.open_orders.values() if symbol is None or o.symbol == symbol]

    def open_algos_of(self, symbol: str | None) -> list[AlgoOrder]:
        return [a for a in self.open_algos.values() if symbol is None or a.symbol == symbol]

    def is_isolated(self, symbol: str) -> bool:
        return self.setting(symbol).is_isolated

    def isolated_wallet(self) -> Decimal:
        """Return what all isolated positions hold."""
        return sum((p.isolated_wallet for p in self.positions.values()), ZERO)

    def wallet_balance(self, asset: str, margin_asset: str = "USDT") -> Decimal:
        """Return cross wallet plus, for the margin asset, the isolated wallets."""
        balance = self.cross_wallet.get(asset, ZERO)
        return balance + self.isolated_wallet() if asset == margin_asset else balance

    @property
    def can_trade(self) -> bool:
        return self.restriction_code != CANNOT_TRADE

    def check_may_trade(self, *, is_reducing: bool) -> None:
        """Refuse what the account is restricted from; most restrictions let it reduce."""
        code = self.restriction_code
        if code is not None and (code in FULL_RESTRICTIONS or not is_reducing):
            raise refusal(code)

    def check_position_side(self, position_side: str) -> None:
        """Refuse (-4061) a position side that does not fit the account's mode."""
        if (position_side == "BOTH") == self.is_dual_side:
            raise refusal(-4061)
