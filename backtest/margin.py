"""Margins and fees of Binance USD-M Futures: leverage brackets, liquidation fee."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from nautilus_trader.accounting.margin_models import MarginModel
from nautilus_trader.backtest.models import MakerTakerFeeModel
from nautilus_trader.model.enums import PositionSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import Order

from risk.events import LIQUIDATION_TAG

LIQUIDATION_FEE_RATIO = Decimal("0.0125")  # of the notional, where the instrument does not say


class Bracket(NamedTuple):
    """A leverage bracket: up to ``notional_cap``, the ratio and the amount taken off, in USDT."""

    notional_cap: Decimal
    maintenance_ratio: Decimal
    maintenance_amount: Decimal


def brackets(instrument: CryptoPerpetual) -> tuple[Bracket, ...]:
    """
    Return the leverage brackets of *instrument*, smallest notional first.

    They are those of ``info["brackets"]`` (`catalog.instruments`). Without them one bracket
    stands for all, with the instrument's ``margin_maint``.
    """
    rows = (instrument.info or {}).get("brackets")
    if not rows:
        return (Bracket(Decimal("Infinity"), instrument.margin_maint, Decimal(0)),)
    table = [Bracket(Decimal(cap), Decimal(ratio), Decimal(cum)) for cap, _, ratio, cum in rows]
    return tuple(sorted(table))


def maintenance_margin(table: tuple[Bracket, ...], notional: Decimal) -> Decimal:
    """
    Return the margin that a position of *notional* USDT (>= 0) must keep, in USDT.

    Notional times ratio, less the maintenance amount of the bracket (Binance, "Leverage and
    Margin of USDⓈ-M Futures"). Above the last cap the last bracket holds.
    """
    found = next((bracket for bracket in table if notional <= bracket.notional_cap), table[-1])
    return notional * found.maintenance_ratio - found.maintenance_amount


class BracketMarginModel(MarginModel):
    """
    The venue's margins: initial = notional / leverage, maintenance by leverage bracket.

    Nautilus's own models (1.231) multiply by the instrument's margin ratios; the leveraged one
    even divides the maintenance margin by the leverage, which the venue does not.
    """

    def __init__(self) -> None:
        self._tables: dict[InstrumentId, tuple[Bracket, ...]] = {}

    def table(self, instrument: CryptoPerpetual) -> tuple[Bracket, ...]:
        """Return the brackets of *instrument*, read once."""
        if instrument.id not in self._tables:
            self._tables[instrument.id] = brackets(instrument)
        return self._tables[instrument.id]

    def calculate_margin_init(
        self,
        instrument: CryptoPerpetual,
        quantity: Quantity,
        price: Price,
        leverage: Decimal,
        use_quote_for_inverse: bool = False,  # noqa: FBT001, FBT002 - stock signature
    ) -> Money:
        """Return the margin that an order of *quantity* at *price* sets aside."""
        notional = instrument.notional_value(quantity, price, use_quote_for_inverse)
        return Money(notional.as_decimal() / leverage, notional.currency)

    def calculate_margin_maint(
        self,
        instrument: CryptoPerpetual,
        side: PositionSide,  # noqa: ARG002 - stock signature
        quantity: Quantity,
        price: Price,
        leverage: Decimal,  # noqa: ARG002 - stock signature
        use_quote_for_inverse: bool = False,  # noqa: FBT001, FBT002 - stock signature
    ) -> Money:
        """Return the margin that a position of *quantity* at *price* must keep."""
        notional = instrument.notional_value(quantity, price, use_quote_for_inverse)
        margin = maintenance_margin(self.table(instrument), notional.as_decimal())
        return Money(margin, notional.currency)


class LiquidationFeeModel(MakerTakerFeeModel):
    """The instrument's maker and taker fees; its liquidation fee for the venue's own orders."""

    def get_commission(
        self, order: Order, fill_qty: Quantity, fill_px: Price, instrument: CryptoPerpetual
    ) -> Money:
        """Return the commission of one fill; minus is a rebate."""
        if order.tags is None or LIQUIDATION_TAG not in order.tags:
            return super().get_commission(order, fill_qty, fill_px, instrument)
        stated = (instrument.info or {}).get("liquidation_fee")
        ratio = LIQUIDATION_FEE_RATIO if stated is None else Decimal(stated)
        notional = instrument.notional_value(fill_qty, fill_px)
        return Money(notional.as_decimal() * ratio, notional.currency)
