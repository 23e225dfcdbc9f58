"""Faults of the exchange itself, and what others do to the account."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from venue.faults.arguments import arg, number
from venue.faults.fault import Fault, Moment
from venue.faults.forced import VENUE_FAULTS
from venue.market.shape import Bend


@dataclass(kw_only=True)
class _Session(Fault):
    """What another session of the account does: the app, a phone, a second bot."""

    account: str = arg("main", "whose account")
    symbol: str = arg("BTCUSDT", "the symbol")

    source: ClassVar[str] = "Binance: other keys, the app and the site trade the same account"
    is_action: ClassVar[bool] = True

    def ask(self, moment: Moment, path: str, **params: str) -> str:
        moment.ask(self.account, "POST", path, params)
        return f"{self.account}: {' '.join(f'{k}={v}' for k, v in params.items())}"


@dataclass(kw_only=True)
class ForeignOrder(_Session):
    """An order is placed that the client has not sent (a person, or another bot)."""

    name: ClassVar[str] = "foreign_order"

    side: str = arg("BUY", "the side", choices=("BUY", "SELL"))
    quantity: Decimal = number("0.01", "the quantity, base units")  # noqa: RUF009 - an argument
    price: Decimal = number("0", "a limit price; 0 for a market order")  # noqa: RUF009 - an argument

    def start(self, moment: Moment) -> str:
        client_id = f"web_{moment.rng.getrandbits(64):016x}"
        terms = {"side": self.side, "quantity": str(self.quantity), "newClientOrderId": client_id}
        if self.price:
            terms |= {"type": "LIMIT", "timeInForce": "GTC", "price": str(self.price)}
        else:
            terms |= {"type": "MARKET"}
        return self.ask(moment, "/fapi/v1/order", symbol=self.symbol, **terms)


@dataclass(kw_only=True)
class ForeignCancel(_Session):
    """All open orders of a symbol are canceled by another session, stops included."""

    name: ClassVar[str] = "foreign_cancel"

    def start(self, moment: Moment) -> str:
        for path in ("/fapi/v1/allOpenOrders", "/fapi/v1/algoOpenOrders"):
            moment.ask(self.account, "DELETE", path, {"symbol": self.symbol})
        return f"{self.account}: all orders of {self.symbol}"


@dataclass(kw_only=True)
class LeverageChanged(_Session):
    """The leverage is changed by another session, told by ACCOUNT_CONFIG_UPDATE."""

    name: ClassVar[str] = "leverage_changed"

    leverage: int = arg(50, "the new leverage", low=1, high=125)

    def start(self, moment: Moment) -> str:
        leverage = str(self.leverage)
        return self.ask(moment, "/fapi/v1/leverage", symbol=self.symbol, leverage=leverage)


@dataclass(kw_only=True)
class MarginTypeChanged(_Session):
    """The margin type is changed by another session; refused with orders or a position."""

    name: ClassVar[str] = "margin_type_changed"

    margin_type: str = arg("ISOLATED", "the new type", choices=("ISOLATED", "CROSSED"))

    def start(self, moment: Moment) -> str:
        kind = self.margin_type
        return self.ask(moment, "/fapi/v1/marginType", symbol=self.symbol, marginType=kind)


@dataclass(kw_only=True)
class PositionModeChanged(_Session):
    """Hedge mode is switched by another session: every order without a side then fails (-4061)."""

    name: ClassVar[str] = "position_mode_changed"

    is_dual: bool = arg(default=True, doc="whether hedge mode is on")

    def start(self, moment: Moment) -> str:
        dual = str(self.is_dual).lower()
        return self.ask(moment, "/fapi/v1/positionSide/dual", dualSidePosition=dual)


@dataclass(kw_only=True)
class FlashCrash(Fault):
    """The price falls within moments and comes back: every stop on the way is hit."""

    name: ClassVar[str] = "flash_crash"
    source: ClassVar[str] = "risk analysis, incident 3; the cascade of 2025-10-10"
    is_action: ClassVar[bool] = True

    symbol: str = arg("BTCUSDT", "the symbol")
    to: Decimal = number("0.9", "the lowest price, as a share of the price before", low="0.01")  # noqa: RUF009 - an argument
    fall_ms: int = arg(2_000, "how long it falls", low=0)
    hold_ms: int = arg(500, "how long it stays there", low=0)
    back_ms: int = arg(5_000, "how long it comes back", low=0)
    has_mark: bool = arg(default=True, doc="whether the mark price follows")

    def start(self, moment: Moment) -> str:
        bend = Bend(
            factor=self.to, fall_ms=self.fall_ms, hold_ms=self.hold_ms, back_ms=self.back_ms,
            has_mark=self.has_mark,
        )  # fmt: skip
        moment.stage.market.bend(self.symbol, bend)
        return f"{self.symbol} to {self.to} of its price"


@dataclass(kw_only=True)
class Gap(Fault):
    """The price jumps and stays: a stop is filled far beyond its trigger."""

    name: ClassVar[str] = "gap"
    source: ClassVar[str] = "risk analysis, incident 3: flash crash"
    is_action: ClassVar[bool] = True

    symbol: str = arg("BTCUSDT", "the symbol")
    to: Decimal = number("0.97", "the new price, as a share of the price before", low="0.01")  # noqa: RUF009 - an argument

    def start(self, moment: Moment) -> str:
        moment.stage.market.bend(self.symbol, Bend(factor=self.to))
        return f"{self.symbol} to {self.to} of its price"


EXCHANGE_FAULTS: tuple[type[Fault], ...] = (
    ForeignOrder, ForeignCancel, LeverageChanged, MarginTypeChanged, PositionModeChanged,
    FlashCrash, Gap, *VENUE_FAULTS,
)  # fmt: skip
