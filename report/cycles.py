"""Cut the fills of a position into cycles: from flat to flat, each with its PnL."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from actors.recorder import OpeningPosition
from risk.events import LIQUIDATION_TAG

ZERO = Decimal(0)
BEFORE_THE_RUN = "before the run"


@dataclass(slots=True)
class Fill:
    """One execution; *signed_qty* is plus for BUY, commission is plus when it was paid (USDT)."""

    ts_event: int
    client_order_id: str
    strategy_id: str
    instrument_id: str
    position_id: str
    signed_qty: Decimal
    last_px: Decimal
    commission: Decimal
    exit_reason: str


@dataclass(slots=True)
class Cycle:
    """
    A position from its first fill until it is flat, or as it stands at the end of the run.

    Gross PnL is ``sum(closed_qty * (px_close - px_open))`` against the average entry price, with
    the sign of the side; net PnL is ``gross - fees + funding``. Both count realized money only.

    """

    position_id: str
    strategy_id: str
    instrument_id: str
    opening_order_id: str
    ts_opened: int
    direction: int
    open_qty: Decimal = ZERO
    peak_qty: Decimal = ZERO
    entered_qty: Decimal = ZERO
    entered_usdt: Decimal = ZERO
    exited_qty: Decimal = ZERO
    exited_usdt: Decimal = ZERO
    open_cost_usdt: Decimal = ZERO
    gross_pnl_usdt: Decimal = ZERO
    fees_usdt: Decimal = ZERO
    funding_usdt: Decimal = ZERO
    ts_closed: int | None = None
    exit_reason: str = "open"

    @property
    def net_pnl_usdt(self) -> Decimal:
        """Realized PnL after fees and funding, USDT."""
        return self.gross_pnl_usdt - self.fees_usdt + self.funding_usdt

    @property
    def avg_px_open(self) -> Decimal:
        """Average price of everything that entered the position."""
        return _price(self.entered_usdt / self.entered_qty)

    @property
    def avg_px_close(self) -> Decimal | None:
        """Average price of everything that left it; None while nothing has."""
        return _price(self.exited_usdt / self.exited_qty) if self.exited_qty else None

    @property
    def signed_qty(self) -> Decimal:
        """Quantity that is open now, plus for long."""
        return self.open_qty * self.direction

    def unrealized_usdt(self, price: float) -> float:
        """Return the open part's PnL at *price*: ``signed_qty * (price - average open price)``."""
        return (float(self.open_qty) * price - float(self.open_cost_usdt)) * self.direction

    def enter(self, qty: Decimal, fill: Fill, fee: Decimal) -> None:
        """Add *qty* (positive) of *fill* to the position."""
        self.open_qty += qty
        self.peak_qty = max(self.peak_qty, self.open_qty)
        self.entered_qty += qty
        self.entered_usdt += qty * fill.last_px
        self.open_cost_usdt += qty * fill.last_px
        self.fees_usdt += fee

    def leave(self, qty: Decimal, fill: Fill, fee: Decimal) -> None:
        """Take *qty* (positive, at most what is open) of *fill* out of the position."""
        cost = self.open_cost_usdt * qty / self.open_qty
        self.gross_pnl_usdt += (qty * fill.last_px - cost) * self.direction
        self.open_qty -= qty
        self.open_cost_usdt -= cost
        self.exited_qty += qty
        self.exited_usdt += qty * fill.last_px
        self.fees_usdt += fee
        if not self.open_qty:
            self.ts_closed = fill.ts_event
            self.exit_reason = fill.exit_reason

    def row(self) -> dict[str, Any]:
        """Return the cycle as a row of the positions table, without its excursions."""
        return {
            "position_id": self.position_id,
            "strategy_id": self.strategy_id,
            "instrument_id": self.instrument_id,
            "side": "LONG" if self.direction > 0 else "SHORT",
            "ts_opened": self.ts_opened,
            "ts_closed": self.ts_closed,
            "peak_qty": self.peak_qty,
            "open_qty": self.open_qty,
            "avg_px_open": self.avg_px_open,
            "avg_px_close": self.avg_px_close,
            "gross_pnl_usdt": _price(self.gross_pnl_usdt),
            "fees_usdt": _price(self.fees_usdt),
            "funding_usdt": _price(self.funding_usdt),
            "net_pnl_usdt": _price(self.net_pnl_usdt),
            "exit_reason": self.exit_reason,
            "opening_order_id": self.opening_order_id,
        }


class CycleBook:
    """All cycles of a run; *cycles* is in the order in which they were opened."""

    def __init__(self) -> None:
        self.cycles: list[Cycle] = []
        self.open: dict[str, Cycle] = {}

    def adopt(self, opening: OpeningPosition) -> None:
        """Take over a position that was there before the run, at its average entry price."""
        qty = abs(opening.signed_qty)
        cycle = Cycle(
            position_id=opening.position_id,
            strategy_id=opening.strategy_id,
            instrument_id=opening.instrument_id,
            opening_order_id=BEFORE_THE_RUN,
            ts_opened=opening.ts_event,
            direction=1 if opening.signed_qty > 0 else -1,
            open_qty=qty,
            peak_qty=qty,
            entered_qty=qty,
            entered_usdt=qty * opening.avg_px,
            open_cost_usdt=qty * opening.avg_px,
        )
        self.open[cycle.position_id] = cycle
        self.cycles.append(cycle)

    def apply(self, fill: Fill) -> None:
        """Book a fill; one that goes through flat ends a cycle and opens the next, fee shared."""
        cycle = self.open.get(fill.position_id)
        qty = abs(fill.signed_qty)
        direction = 1 if fill.signed_qty > 0 else -1
        if cycle is not None and cycle.direction != direction:
            closing = min(qty, cycle.open_qty)
            cycle.leave(closing, fill, fill.commission * closing / qty)
            if not cycle.open_qty:
                del self.open[fill.position_id]
                cycle = None
            entering = qty - closing
        else:
            entering = qty
        if entering:
            cycle = cycle or self._begin(fill, direction)
            cycle.enter(entering, fill, fill.commission * entering / qty)

    def add_funding(self, instrument_id: str, amount_usdt: Decimal) -> None:
        """Share a funding payment among the instrument's open cycles by signed quantity."""
        cycles = [c for c in self.open.values() if c.instrument_id == instrument_id]
        net_qty = sum((c.signed_qty for c in cycles), ZERO)
        if not net_qty:
            return
        for cycle in cycles:
            cycle.funding_usdt += amount_usdt * cycle.signed_qty / net_qty

    def _begin(self, fill: Fill, direction: int) -> Cycle:
        cycle = Cycle(
            position_id=fill.position_id,
            strategy_id=fill.strategy_id,
            instrument_id=fill.instrument_id,
            opening_order_id=fill.client_order_id,
            ts_opened=fill.ts_event,
            direction=direction,
        )
        self.open[fill.position_id] = cycle
        self.cycles.append(cycle)
        return cycle


def is_liquidation(tags: str | None) -> bool:
    """Tell whether an order with these tags (joined by commas) is the venue's liquidation."""
    return tags is not None and LIQUIDATION_TAG in tags.split(",")


def exit_reason(order_type: str, tags: str | None, *, is_reduce_only: bool) -> str:
    """
    Say why an order that closes a position was sent.

    Returns
    -------
    str
        ``liquidation`` (the venue's own order, by its tag), ``stop``, ``target`` (a resting
        reduce-only order at a better price) or ``signal``.

    """
    if is_liquidation(tags):
        return "liquidation"
    if order_type.startswith(("STOP_", "TRAILING_STOP_")):
        return "stop"
    if is_reduce_only and order_type in ("LIMIT", "LIMIT_IF_TOUCHED", "MARKET_IF_TOUCHED"):
        return "target"
    return "signal"


def _price(value: Decimal) -> Decimal:
    """Round to the 16 digits that the tables keep."""
    return value.quantize(Decimal("1E-16"))
