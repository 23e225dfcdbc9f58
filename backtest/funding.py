"""Settle the catalog's funding rates into the simulated account."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.backtest.engine import SimulatedExchange
from nautilus_trader.common.component import MessageBus
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import FundingRateUpdate
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Money

from backtest.prices import mark_price
from risk.events import FUNDING_TOPIC, FundingPayment

# Binance settles at the full hour at the shortest; what lies closer is the same settlement,
# told twice with another few milliseconds of jitter.
SETTLEMENT_GAP_NS_MIN = 30 * 60 * 1_000_000_000
PRIORITY = 100  # before strategies and the gate hear of the rate


class FundingSettlement:
    """
    Pays or takes funding at the instant of each settlement in the data.

    Payment = position x mark price x rate, for the position held at that instant: at a positive
    rate longs pay shorts (Binance, "Introduction to Binance Futures Funding Rates"). The amount
    goes into the wallet balance and is told as a `FundingPayment`. Nautilus 1.231 itself settles
    no funding in a backtest.
    """

    def __init__(self) -> None:
        self._settled_ns: dict[InstrumentId, int] = {}

    def attach(self, exchange: SimulatedExchange, msgbus: MessageBus) -> None:
        """Listen for funding rates; called once, when the venue is made."""
        self._exchange, self._msgbus = exchange, msgbus
        msgbus.subscribe("data.funding_rates.*", self.settle, priority=PRIORITY)

    def reset(self) -> None:
        """Forget the settlements of the last run."""
        self._settled_ns.clear()

    def settle(self, update: FundingRateUpdate) -> None:
        """
        Settle one rate, once.

        Raises
        ------
        RuntimeError
            If a position is open and there is no price to value it at.

        """
        instrument_id, now = update.instrument_id, update.ts_event
        last_ns = self._settled_ns.get(instrument_id)
        if last_ns is not None and now - last_ns < SETTLEMENT_GAP_NS_MIN:
            return
        self._settled_ns[instrument_id] = now
        positions = self._exchange.cache.positions_open(None, instrument_id)
        qty = sum((position.signed_decimal_qty() for position in positions), Decimal(0))
        if qty == 0:
            return
        price = mark_price(self._exchange, instrument_id, now)
        if price is None:
            raise RuntimeError(f"no price to settle funding of {instrument_id} at {now} ns")
        # The catalog gives the rate as text (Nautilus 1.231 decodes it so); live it is a Decimal.
        payment = Money(-qty * price * Decimal(update.rate), USDT)
        self._exchange.adjust_account(payment)
        told = FundingPayment(instrument_id.value, payment.as_decimal(), now)
        self._msgbus.publish(FUNDING_TOPIC, told)
