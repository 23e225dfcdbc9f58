"""Liquidate the simulated account when its margin balance falls below the maintenance margin."""

from __future__ import annotations

import math
from collections import defaultdict
from decimal import Decimal

from nautilus_trader.backtest.engine import SimulatedExchange
from nautilus_trader.common.component import MessageBus
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import Bar, MarkPriceUpdate, QuoteTick, TradeTick
from nautilus_trader.model.enums import LiquiditySide
from nautilus_trader.model.events import PositionEvent
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.objects import Money
from nautilus_trader.model.orders import MarketOrder
from nautilus_trader.model.position import Position

from backtest.margin import BracketMarginModel, maintenance_margin
from backtest.prices import MARK_AGE_NS_MAX, mark_price
from risk.events import (
    FUNDING_TOPIC,
    LIQUIDATION_TAG,
    LIQUIDATION_TOPIC,
    FundingPayment,
    Liquidation,
)

PRIORITY = 90  # after funding, before strategies and the gate hear of the price

UNKNOWN = (math.inf, -math.inf)  # no price is inside: the next one leads to an exact check

Prices = dict[InstrumentId, Decimal]
Net = dict[InstrumentId, Decimal]


class LiquidationEngine:
    """
    Watches a cross-margin account on mark prices and closes everything when it must.

    Liquidation when margin balance (wallet + unrealized PnL) < maintenance margin (Binance,
    "Liquidation Protocols"). Without mark prices the prices of quotes, trades and bars stand in;
    of a bar, the extreme on the side that hurts.

    An exact check at each price would be slow. For each position a band of prices is kept: while
    every price is inside its own band, the account is safe. A price outside leads to an exact
    check and to new bands, and so does the first price after a fill or a funding payment.
    """

    def __init__(self, margins: BracketMarginModel) -> None:
        self._margins = margins
        self._bands: dict[InstrumentId, tuple[float, float]] = {}
        self._marked_ns: dict[InstrumentId, int] = {}
        self._count = 0

    def attach(self, exchange: SimulatedExchange, msgbus: MessageBus) -> None:
        """Listen for prices, positions and funding; called once, when the venue is made."""
        self._exchange, self._msgbus = exchange, msgbus
        for topic, handler in (
            ("data.mark_prices.*", self._on_mark_price),
            ("data.quotes.*", self._on_quote),
            ("data.trades.*", self._on_trade),
            ("data.bars.*", self._on_bar),
            ("events.position.*", self._on_position),
            (FUNDING_TOPIC, self._on_funding),
        ):
            msgbus.subscribe(topic, handler, priority=PRIORITY)

    def reset(self) -> None:
        """Forget the last run."""
        self._bands.clear()
        self._marked_ns.clear()
        self._count = 0

    def _on_mark_price(self, update: MarkPriceUpdate) -> None:
        self._marked_ns[update.instrument_id] = update.ts_event
        band = self._bands.get(update.instrument_id)
        if band is not None:
            price = update.value.as_double()
            if not band[0] < price < band[1]:
                self._check(update.ts_event, {})

    def _on_quote(self, quote: QuoteTick) -> None:
        if self._bands:
            mid = (quote.bid_price.as_double() + quote.ask_price.as_double()) / 2
            self._look(quote.instrument_id, mid, mid, quote.ts_event)

    def _on_trade(self, trade: TradeTick) -> None:
        if self._bands:
            price = trade.price.as_double()
            self._look(trade.instrument_id, price, price, trade.ts_event)

    def _on_bar(self, bar: Bar) -> None:
        if self._bands:
            low, high = bar.low.as_double(), bar.high.as_double()
            self._look(bar.bar_type.instrument_id, low, high, bar.ts_event)

    def _look(self, instrument_id: InstrumentId, low: float, high: float, ts_now: int) -> None:
        """Check where a price that stands in for the mark price leaves its band."""
        band = self._bands.get(instrument_id)
        if band is None or (band[0] < low and high < band[1]):
            return
        marked_ns = self._marked_ns.get(instrument_id)
        if marked_ns is not None and ts_now - marked_ns <= MARK_AGE_NS_MAX:
            return
        for price in (low, high):
            band = self._bands.get(instrument_id)
            if band is not None and not band[0] < price < band[1]:
                self._check(ts_now, {instrument_id: Decimal(repr(price))})

    def _on_position(self, event: PositionEvent) -> None:
        self._bands[event.instrument_id] = UNKNOWN

    def _on_funding(self, _payment: FundingPayment) -> None:
        self._bands = dict.fromkeys(self._bands, UNKNOWN)

    def _check(self, ts_now: int, seen: Prices) -> None:
        """Judge the account exactly, with the prices *seen*, and draw new bands."""
        self._bands.clear()
        positions = self._exchange.cache.positions_open(self._exchange.id)
        if not positions:
            return
        prices = self._prices(positions, ts_now) | seen
        net: Net = defaultdict(Decimal)
        for position in positions:
            net[position.instrument_id] += position.signed_decimal_qty()
        balance = self._margin_balance(positions, prices)
        required = self._required(net, prices)
        if balance < required:
            self._liquidate(positions, prices, balance, required, ts_now)
        else:
            self._bands.update(_bands(net, prices, balance - required))

    def _prices(self, positions: list[Position], ts_now: int) -> Prices:
        prices: Prices = {}
        for position in positions:
            price = mark_price(self._exchange, position.instrument_id, ts_now)
            assert price is not None, f"Invariant: {position} was filled, so there is a price"
            prices[position.instrument_id] = price
        return prices

    def _margin_balance(self, positions: list[Position], prices: Prices) -> Decimal:
        pnl = sum(
            position.signed_decimal_qty()
            * (prices[position.instrument_id] - Decimal(repr(position.avg_px_open)))
            for position in positions
        )
        return self._wallet() + pnl

    def _required(self, net: Net, prices: Prices) -> Decimal:
        instruments = self._exchange.instruments
        return sum(
            (
                maintenance_margin(
                    self._margins.table(instruments[instrument_id]),
                    abs(qty) * prices[instrument_id],
                )
                for instrument_id, qty in net.items()
            ),
            Decimal(0),
        )

    def _wallet(self) -> Decimal:
        return self._exchange.get_account().balance_total(USDT).as_decimal()

    def _liquidate(
        self,
        positions: list[Position],
        prices: Prices,
        balance: Decimal,
        required: Decimal,
        ts_now: int,
    ) -> None:
        for order in self._exchange.get_open_orders():
            self._exchange.get_matching_engine(order.instrument_id).cancel_order(order)
        for position in positions:
            self._close(position, prices[position.instrument_id], ts_now)
        missing = max(-self._wallet(), Decimal(0))
        if missing:
            self._exchange.adjust_account(Money(missing, USDT))
        told = Liquidation(
            instrument_ids=tuple(sorted(instrument_id.value for instrument_id in prices)),
            margin_balance_usdt=balance,
            maintenance_margin_usdt=required,
            insurance_usdt=missing,
            ts_event=ts_now,
        )
        self._msgbus.publish(LIQUIDATION_TOPIC, told)

    def _close(self, position: Position, price: Decimal, ts_now: int) -> None:
        """Close *position* by an order of the venue's own, at the price that showed the breach."""
        exchange = self._exchange
        self._count += 1
        order = MarketOrder(
            trader_id=position.trader_id,
            strategy_id=position.strategy_id,
            instrument_id=position.instrument_id,
            client_order_id=ClientOrderId(f"autoclose-{self._count}"),
            order_side=position.closing_order_side(),
            quantity=position.quantity,
            init_id=UUID4(),
            ts_init=ts_now,
            tags=[LIQUIDATION_TAG],
        )
        exchange.cache.add_order(order, position.id)
        exchange.exec_client.generate_order_submitted(
            order.strategy_id, order.instrument_id, order.client_order_id, ts_now
        )
        fills = [(exchange.instruments[position.instrument_id].make_price(price), order.quantity)]
        engine = exchange.get_matching_engine(position.instrument_id)
        engine.apply_fills(order, fills, LiquiditySide.TAKER, None, position)


def _bands(net: Net, prices: Prices, slack: Decimal) -> dict[InstrumentId, tuple[float, float]]:
    """
    Return the prices between which each position may move with the account still safe.

    Each position gets an equal share of *slack* (USDT), and twice its quantity is counted for
    each step of the price: its PnL, and a maintenance ratio that never exceeds 1.
    """
    bands = {}
    for instrument_id, qty in net.items():
        price = float(prices[instrument_id])
        if qty == 0:
            continue
        distance = float(slack) / len(net) / (2 * float(abs(qty)))
        bands[instrument_id] = (price - distance, price + distance)
    return bands
