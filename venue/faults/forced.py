"""What the venue itself does to an account, its stops and its symbols."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from venue.faults.arguments import arg, number
from venue.faults.fault import Fault, Moment

_FILTERS = (
    "tick_size", "step_size", "min_price", "max_price", "min_qty", "max_qty", "market_max_qty",
    "min_notional", "multiplier_up", "multiplier_down",
)  # fmt: skip


@dataclass(kw_only=True)
class _OnAccount(Fault):
    account: str = arg("main", "whose account")
    symbol: str = arg("BTCUSDT", "the symbol")

    is_action: ClassVar[bool] = True

    def stops(self, moment: Moment) -> list[str]:
        """Return the client ids of the symbol's waiting conditional orders."""
        truth = moment.stage.exchange.truth(self.account)
        waiting = [a for a in truth["open_algos"] if a["order_id"] is None]
        return [a["client_algo_id"] for a in waiting if a["symbol"] == self.symbol]


@dataclass(kw_only=True)
class StopCanceledSilently(_OnAccount):
    """The waiting conditional orders of a symbol are gone, and no event says so."""

    name: ClassVar[str] = "stop_canceled_silently"
    source: ClassVar[str] = "binance-futures-connector-python#260: reduce-only stops on Demo"

    def start(self, moment: Moment) -> str:
        stops = self.stops(moment)
        for client_id in stops:
            moment.stage.exchange.actions.cancel_algo_silently(self.account, client_id)
        moment.stage.wire.tell_truth()  # no event does: the log must know
        return f"{self.account}: {', '.join(stops) or 'none'}"


@dataclass(kw_only=True)
class StopExpired(_OnAccount):
    """The waiting conditional orders of a symbol expire by the system, told by ALGO_UPDATE."""

    name: ClassVar[str] = "stop_expired"
    source: ClassVar[str] = "Binance Algo Service: EXPIRED by the system"

    def start(self, moment: Moment) -> str:
        stops = self.stops(moment)
        for client_id in stops:
            moment.stage.exchange.actions.expire_algo(self.account, client_id)
        return f"{self.account}: {', '.join(stops) or 'none'}"


@dataclass(kw_only=True)
class StopFrozen(_OnAccount):
    """The waiting conditional orders of a symbol do not trigger, whatever the price."""

    name: ClassVar[str] = "stop_frozen"
    source: ClassVar[str] = "risk analysis, RISK-003; Binance error codes: -4117"
    frozen: list[str] = field(default_factory=list, init=False, repr=False)

    def start(self, moment: Moment) -> str:
        self.frozen = self.stops(moment)
        self._freeze(moment, is_frozen=True)
        return f"{self.account}: {', '.join(self.frozen) or 'none'}"

    def end(self, moment: Moment) -> None:
        self._freeze(moment, is_frozen=False)

    def _freeze(self, moment: Moment, *, is_frozen: bool) -> None:
        for client_id in set(self.frozen) & set(self.stops(moment)):
            actions = moment.stage.exchange.actions
            actions.freeze_algo(self.account, client_id, is_frozen=is_frozen)


@dataclass(kw_only=True)
class OrdersForbidden(_OnAccount):
    """
    The account may place no new orders; with -4087 none that open.

    A stop that triggers meanwhile is REJECTED, told by ALGO_UPDATE with the reason.
    """

    name: ClassVar[str] = "orders_forbidden"
    source: ClassVar[str] = "Binance error codes -4087, -4088, -4192, -4400"
    code: int = arg(-4088, "the refusal", low=-9999, high=-1000)

    def start(self, moment: Moment) -> str:
        moment.stage.exchange.actions.restrict(self.account, self.code)
        return f"{self.account}: {self.code}"

    def end(self, moment: Moment) -> None:
        moment.stage.exchange.actions.restrict(self.account, None)


@dataclass(kw_only=True)
class TransferOut(Fault):
    """Money leaves the futures wallet by another session, told by ACCOUNT_UPDATE."""

    name: ClassVar[str] = "transfer_out"
    source: ClassVar[str] = "Binance user data streams: ACCOUNT_UPDATE, m=ASSET_TRANSFER"
    is_action: ClassVar[bool] = True

    account: str = arg("main", "whose account")
    asset: str = arg("USDT", "what leaves")
    amount: Decimal = number("1000", "how much", low="0.00000001")  # noqa: RUF009 - an argument

    def start(self, moment: Moment) -> str:
        moment.stage.exchange.actions.transfer(self.account, self.asset, -self.amount)
        return f"{self.account}: {self.amount} {self.asset}"


@dataclass(kw_only=True)
class Liquidated(_OnAccount):
    """The positions of a symbol are liquidated: all open orders expire first (er=5)."""

    name: ClassVar[str] = "liquidated"
    source: ClassVar[str] = "Binance liquidation protocols; autoclose- client ids"

    def start(self, moment: Moment) -> str:
        moment.stage.exchange.actions.liquidate(self.account, self.symbol)
        return f"{self.account}: {self.symbol}"


@dataclass(kw_only=True)
class Deleveraged(_OnAccount):
    """The venue closes a part of a position, or all, at a price of its own (adl_autoclose)."""

    name: ClassVar[str] = "deleveraged"
    source: ClassVar[str] = "Binance auto-deleveraging; adl_autoclose client ids"
    quantity: Decimal = number("0", "how much, base units; 0 for all")  # noqa: RUF009 - an argument

    def start(self, moment: Moment) -> str:
        qty = self.quantity or None
        moment.stage.exchange.actions.adl(self.account, self.symbol, qty=qty)
        return f"{self.account}: {self.symbol}"


@dataclass(kw_only=True)
class _OnSymbol(Fault):
    symbol: str = arg("BTCUSDT", "the symbol")
    before: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    is_action: ClassVar[bool] = True

    def change(self, moment: Moment, **changes: Any) -> str:
        spec = moment.stage.exchange.spec(self.symbol)
        self.before = {name: getattr(spec, name) for name in changes}
        moment.stage.exchange.change_symbol(self.symbol, **changes)
        return f"{self.symbol}: {', '.join(f'{k}={v}' for k, v in changes.items())}"

    def end(self, moment: Moment) -> None:
        moment.stage.exchange.change_symbol(self.symbol, **self.before)


@dataclass(kw_only=True)
class TradingHalt(_OnSymbol):
    """A symbol is halted: nothing trades or triggers, exchangeInfo says so."""

    name: ClassVar[str] = "trading_halt"
    source: ClassVar[str] = "nautilus_trader#4320; exchangeInfo status"
    status: str = arg(
        "TRADING_HALT",
        "what exchangeInfo says",
        choices=("TRADING_HALT", "PENDING_TRADING", "PRE_SETTLE", "SETTLING", "CLOSE"),
    )

    def start(self, moment: Moment) -> str:
        return self.change(moment, status=self.status)


@dataclass(kw_only=True)
class FilterChanged(_OnSymbol):
    """A filter of a symbol changes in mid-session; whoever rounds by the old one is refused."""

    name: ClassVar[str] = "filter_changed"
    source: ClassVar[str] = "Binance notices of tick size changes"
    filter_name: str = arg("min_notional", "which", choices=_FILTERS)
    value: Decimal = number("200", "its new value", low="0.00000001")  # noqa: RUF009 - an argument

    def start(self, moment: Moment) -> str:
        return self.change(moment, **{self.filter_name: self.value})


@dataclass(kw_only=True)
class MarketUnfilled(_OnSymbol):
    """
    Market orders find nothing within the venue's bound of the mark price.

    New ones are refused (-4131); a stop triggers and its order ends unfilled.
    """

    name: ClassVar[str] = "market_unfilled"
    source: ClassVar[str] = "exchangeInfo marketTakeBound; er=9; -4131"
    bound: Decimal = number("0", "how far from the mark price, as a share", high="1")  # noqa: RUF009 - an argument

    def start(self, moment: Moment) -> str:
        return self.change(moment, market_take_bound=self.bound)


VENUE_FAULTS: tuple[type[Fault], ...] = (
    StopCanceledSilently, StopExpired, StopFrozen, OrdersForbidden, TransferOut, Liquidated,
    Deleveraged, TradingHalt, FilterChanged, MarketUnfilled,
)  # fmt: skip
