"""Orders as the venue keeps them: what was asked, what became of it."""

from dataclasses import dataclass, field
from decimal import Decimal

from venue.engine.numbers import ZERO

OPEN_STATUSES = ("NEW", "PARTIALLY_FILLED")
ALGO_OPEN_STATUSES = ("NEW", "TRIGGERING", "TRIGGERED")
# Client order ids of the venue's own orders against an account.
LIQUIDATION_ID, ADL_ID = "autoclose-", "adl_autoclose"
ALGO_TYPES = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
ALGO_MARKET_TYPES = ("STOP_MARKET", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What a client asks for; ``price`` is None for MARKET, ids are given or made by the venue."""

    symbol: str
    side: str
    type: str
    qty: Decimal
    price: Decimal | None = None
    position_side: str = "BOTH"
    time_in_force: str = "GTC"
    is_reduce_only: bool = False
    client_order_id: str = ""
    stp_mode: str = "EXPIRE_MAKER"
    price_match: str = "NONE"
    good_till_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgoRequest:
    """A conditional order as asked; ``qty`` is zero with ``is_close_position``."""

    symbol: str
    side: str
    type: str
    qty: Decimal
    trigger_price: Decimal | None = None
    price: Decimal | None = None
    position_side: str = "BOTH"
    time_in_force: str = "GTC"
    working_type: str = "CONTRACT_PRICE"
    is_reduce_only: bool = False
    is_close_position: bool = False
    is_price_protected: bool = False
    activate_price: Decimal | None = None
    callback_rate: Decimal | None = None
    client_algo_id: str = ""
    stp_mode: str = "NONE"
    price_match: str = "NONE"
    good_till_ms: int = 0


@dataclass(frozen=True, slots=True)
class Amendment:
    """One accepted change of an order's terms."""

    amendment_id: int
    time_ms: int
    price_before: Decimal
    price_after: Decimal
    qty_before: Decimal
    qty_after: Decimal
    count: int


@dataclass(slots=True, kw_only=True, eq=False)
class Order:
    """An order in the matching engine. ``price`` is zero for MARKET; ``sequence`` is its rank in time."""

    account: str
    symbol: str
    order_id: int
    client_order_id: str
    side: str
    position_side: str
    type: str
    orig_type: str
    time_in_force: str
    qty: Decimal
    price: Decimal
    is_reduce_only: bool
    stp_mode: str
    price_match: str
    good_till_ms: int
    time_ms: int
    sequence: int
    working_type: str = "CONTRACT_PRICE"
    stop_price: Decimal = ZERO
    is_close_position: bool = False
    is_price_protected: bool = False
    algo_id: int | None = None
    status: str = "NEW"
    executed: Decimal = ZERO
    cum_quote: Decimal = ZERO
    update_ms: int = 0
    amendments: list[Amendment] = field(default_factory=list)

    @property
    def leaves(self) -> Decimal:
        """Return the quantity still to be executed."""
        return self.qty - self.executed

    @property
    def avg_price(self) -> Decimal:
        return self.cum_quote / self.executed if self.executed else ZERO

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def is_buy(self) -> bool:
        return self.side == "BUY"

    @property
    def direction(self) -> int:
        """Return 1 for BUY, -1 for SELL."""
        return 1 if self.side == "BUY" else -1

    @property
    def is_reducing(self) -> bool:
        """Return whether the order may only shrink a position (in hedge mode that is implied)."""
        return self.is_reduce_only or (self.position_side, self.side) in (
            ("LONG", "SELL"),
            ("SHORT", "BUY"),
        )


@dataclass(slots=True, kw_only=True, eq=False)
class AlgoOrder:
    """A conditional order in the algo service; ``order_id`` is its child's once triggered."""

    account: str
    algo_id: int
    client_algo_id: str
    request: AlgoRequest
    time_ms: int
    update_ms: int
    status: str = "NEW"
    trigger_ms: int = 0
    order_id: int | None = None
    executed: Decimal = ZERO
    avg_price: Decimal = ZERO
    reject_reason: str = ""
    is_activated: bool = False
    extreme: Decimal | None = None
    is_frozen: bool = False

    @property
    def symbol(self) -> str:
        return self.request.symbol

    @property
    def is_open(self) -> bool:
        return self.status in ALGO_OPEN_STATUSES

    @property
    def is_untriggered(self) -> bool:
        return self.status == "NEW"

    @property
    def is_buy(self) -> bool:
        return self.request.side == "BUY"

    @property
    def actual_type(self) -> str:
        """Return the type that the child has in the matching engine."""
        return "MARKET" if self.request.type in ALGO_MARKET_TYPES else "LIMIT"
