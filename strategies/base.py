"""The base of every strategy here: no entry without its stop, no exit that leaves a mess."""

import re
from collections import Counter
from decimal import Decimal
from typing import Literal

from nautilus_trader.common.events import TimeEvent
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.enums import OrderSide, OrderStatus, OrderType, TriggerType
from nautilus_trader.model.events import (
    OrderCancelRejected,
    OrderDenied,
    OrderEvent,
    OrderFilled,
    OrderInitialized,
    OrderModifyRejected,
    OrderRejected,
    PositionEvent,
    PositionOpened,
)
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position
from nautilus_trader.trading.strategy import Strategy

from strategies.checks import require, require_positive
from strategies.sizing import (
    LotRules,
    is_tighter,
    price_refusal,
    risk_quantity,
    size_refusal,
    stop_price,
    target_price,
)
from strategies.trade import Trade, entry_list

# Venues cancel reduce-only leftovers themselves when a position closes (the simulated one
# always); asking in the same breath would only earn rejections.
LEFTOVER_GRACE_NS = 100_000_000

REFUSALS = (OrderDenied, OrderRejected, OrderCancelRejected, OrderModifyRejected)


class ProtectedStrategyConfig(StrategyConfig, kw_only=True, frozen=True):
    """
    What every strategy here is told; one instance trades one instrument.

    Parameters
    ----------
    instrument_id : InstrumentId
        The instrument to trade.
    trade_risk_usdt : Decimal
        The loss to size a trade for if its stop is hit, before fees and slippage (> 0).
    trade_notional_usdt_max : Decimal
        The largest notional to ask for, however near the stop is (> 0). This is sizing,
        not a limit: what may be traded is the risk gate's to say.
    stop_trigger : {"DEFAULT", "LAST_PRICE", "MARK_PRICE"}
        The price that triggers a stop; the venue's own choice with ``DEFAULT``.
    flatten_on_stop : bool
        Whether stopping the strategy closes its position, or leaves it with its stop resting.
    retry_secs : int
        The wait after a refused exit or cancel until it is tried again, in seconds (> 0).

    """

    instrument_id: InstrumentId
    trade_risk_usdt: Decimal
    trade_notional_usdt_max: Decimal
    stop_trigger: Literal["DEFAULT", "LAST_PRICE", "MARK_PRICE"] = "DEFAULT"
    flatten_on_stop: bool = True
    retry_secs: int = 1
    oms_type: str | None = "NETTING"

    def __post_init__(self) -> None:
        for key in ("trade_risk_usdt", "trade_notional_usdt_max", "retry_secs"):
            require_positive(key, getattr(self, key))
        require("oms_type", self.oms_type, "NETTING", holds=self.oms_type == "NETTING")
        # Nautilus's own market exit cancels the stop before it closes the position.
        require("manage_stop", self.manage_stop, "false", holds=not self.manage_stop)


class ProtectedStrategy(Strategy):
    """
    Trade one instrument, one direction at a time, never without a protective stop.

    A subclass decides; it calls `enter`, `exit` and `tighten_stop` and may override `on_flat`.
    Nothing here assumes that a request was granted: after every event the base compares what
    the cache holds with what is wanted and sends what is missing, so a denial, a rejection or
    a restart cannot leave it waiting for something that never comes.
    """

    def __init__(self, config: ProtectedStrategyConfig) -> None:
        super().__init__(config)
        for refusal in REFUSALS:  # counted and logged once a reason instead
            self.deregister_warning_event(refusal)
        self.instrument_id: InstrumentId = config.instrument_id
        self.instrument: Instrument | None = None
        self.denials: Counter[str] = Counter()
        self._retry_ns = config.retry_secs * 1_000_000_000
        self._stop_trigger = TriggerType[config.stop_trigger]
        self._forget()

    def _forget(self) -> None:
        self._trade: Trade | None = None
        self._is_exit_wanted = False
        self._is_backing_off = False

    # -- What a subclass asks for ----------------------------------------------------------------

    @property
    def position(self) -> Position | None:
        """The open position, if any."""
        positions = self.cache.positions_open(instrument_id=self.instrument_id, strategy_id=self.id)
        return positions[0] if positions else None

    @property
    def is_idle(self) -> bool:
        """Whether there is no position, no order, and nothing on its way: `enter` may be called."""
        return self._trade is None

    @property
    def side(self) -> OrderSide:
        """The side the trade in progress was entered on, or ``NO_ORDER_SIDE``."""
        position = self.position
        if position is not None:
            return position.entry
        is_entering = self._trade is not None and self._trade.is_entering()
        return self._trade.entry.side if is_entering else OrderSide.NO_ORDER_SIDE

    def enter(
        self,
        side: OrderSide,
        price: Decimal,
        stop_distance: Decimal,
        target_distance: Decimal | None = None,
    ) -> bool:
        """
        Submit a market entry with its stop and optional target as one order list.

        Parameters
        ----------
        side : OrderSide
            The side of the entry.
        price : Decimal
            The price the entry is expected at; stop, target and size are reckoned from it.
        stop_distance : Decimal
            The distance from *price* to the stop, in quote currency (> 0).
        target_distance : Decimal, optional
            The distance from *price* to the profit target, in quote currency (> 0).

        Returns
        -------
        bool
            Whether the list was sent; not whether it will be granted or filled.

        """
        if not self.is_idle or not self.is_running:
            return False
        tick = self.instrument.price_increment.as_decimal()
        stop = stop_price(side, price, stop_distance, tick)
        target = target_distance and target_price(side, price, target_distance, tick)
        quantity = self._size(price, stop, target)
        if quantity is None:
            return False
        order_list = entry_list(
            self.order_factory,
            self.instrument,
            side=side,
            quantity=quantity,
            stop=stop,
            target=target,
            stop_trigger=self._stop_trigger,
            now_ns=self.clock.timestamp_ns(),
        )
        # Remembered before it is sent: a denial arrives within the call.
        self._trade = Trade(*order_list.orders)
        self.submit_order_list(order_list)
        return True

    def exit(self) -> None:
        """
        Close the position reduce-only, and cancel a working entry; keep at it until flat.

        The stop rests until the position is closed, the leftovers are canceled after that.
        """
        if self._trade is not None:
            self._is_exit_wanted = True
            self._tend()

    def tighten_stop(self, trigger: Decimal) -> bool:
        """
        Move the stop to *trigger* if that is tighter, by a new stop that replaces the old one.

        The old stop is canceled when the new one is accepted (Binance's conditional orders
        cannot be amended, and a gap between the two would leave the position naked).

        Returns
        -------
        bool
            Whether a new stop was sent.

        """
        trade, position = self._trade, self.position
        if position is None or trade is None or self._is_exit_wanted or trade.is_entering():
            return False
        if not trade.has_stop() or trade.replacement is not None:
            return False
        side, tick = position.entry, self.instrument.price_increment.as_decimal()
        price = stop_price(side, trigger, Decimal(0), tick)
        if not is_tighter(side, trade.stop.trigger_price.as_decimal(), price):
            return False
        trade.replacement = self.order_factory.stop_market(
            instrument_id=self.instrument_id,
            order_side=trade.stop.side,
            quantity=position.quantity,
            trigger_price=self.instrument.make_price(price),
            trigger_type=self._stop_trigger,
            reduce_only=True,
            tags=["STOP_LOSS"],
        )
        self.submit_order(trade.replacement, position_id=position.id)
        return True

    def on_flat(self) -> None:
        """React when the last trade is over: no position, nothing working. Override if needed."""

    # -- Life cycle ------------------------------------------------------------------------------

    def on_start(self) -> None:
        """
        Look up the instrument and take over what a previous run left. Call it first.

        Raises
        ------
        ValueError
            If the instrument is not in the cache.

        """
        self.instrument = self.cache.instrument(self.instrument_id)
        if self.instrument is None:
            raise ValueError(
                f"instrument_id: was {self.instrument_id}, must be a loaded instrument"
            )
        # Straight from the bus, not by `handle_event`: leftovers must also be
        # canceled when the last fill arrives after the strategy has stopped.
        for topic in (f"events.order.{self.id}", f"events.position.{self.id}"):
            if not self.msgbus.is_subscribed(topic, self._handle_own_event):
                self.msgbus.subscribe(topic, self._handle_own_event)
        self._adopt()

    def on_resume(self) -> None:
        """Take over what is there after a stop, as after a start."""
        self._adopt()

    def on_stop(self) -> None:
        """Cancel a working entry; close the position, or leave it with its stop resting."""
        for reason, count in self.denials.items():
            self.log.warning(f"{reason}: {count} times")
        trade = self._trade
        if trade is None:
            return
        self._cancel_leftovers(trade)
        if self.config.flatten_on_stop:
            self.exit()
        elif trade.is_entering():
            self._cancel(trade, trade.entry)

    def on_reset(self) -> None:
        """Forget the run; what the cache holds is taken over at the next start."""
        self._forget()
        self.denials.clear()

    def _adopt(self) -> None:
        self._forget()
        scope = {"instrument_id": self.instrument_id, "strategy_id": self.id}
        # Also those that are not sent yet: whoever holds them sends them when they are due.
        orders = [order for order in self.cache.orders(**scope) if not order.is_closed]
        position = self.position
        if position is None and not orders:
            return
        self._trade = Trade.adopt(position, orders)
        self.log.info(f"Adopted {position} with {len(orders)} orders")
        self._tend()

    def _size(self, price: Decimal, stop: Decimal, target: Decimal | None) -> Decimal | None:
        rules = LotRules.of(self.instrument)
        quantity = risk_quantity(
            risk_usdt=self.config.trade_risk_usdt,
            stop_distance=abs(price - stop),
            notional_usdt_max=self.config.trade_notional_usdt_max,
            price=price,
            rules=rules,
        )
        refusal = price_refusal(stop, target) or size_refusal(quantity, price, rules)
        if refusal is None:
            return quantity
        self._note_denial(refusal)
        return None

    # -- Events ----------------------------------------------------------------------------------

    def _handle_own_event(self, event: OrderEvent | PositionEvent) -> None:
        if event.instrument_id != self.instrument_id:
            return
        if isinstance(event, OrderInitialized):
            self._meet(event)
        if isinstance(event, REFUSALS):
            self._note_refusal(event)
        if isinstance(event, PositionOpened) and self._trade is None:
            self._adopt()  # an order we had given up was filled after all
        # A fill is always followed by its position event, and only then is it our turn.
        elif not isinstance(event, OrderFilled):
            self._tend()

    def _meet(self, event: OrderInitialized) -> None:
        """Take an order into the trade that was placed for it, not by it."""
        trade = self._trade
        if trade is not None and not trade.knows(event.client_order_id):
            trade.join(self.cache.order(event.client_order_id))

    def _note_refusal(self, event: OrderEvent) -> None:
        if isinstance(event, OrderCancelRejected):
            if self.cache.is_order_closed(event.client_order_id):
                return  # The order was gone before the cancel arrived, as was wanted.
            self._wake_after(self._retry_ns)
        self._note_denial(event.reason, type(event).__name__)

    def _note_denial(self, reason: str, source: str = "") -> None:
        # Ours read CATEGORY_CONDITION: key=value. A venue's own words may carry prices or ids,
        # so they count by what they refused.
        category = re.match(r"[A-Z_]+(?=:|$)", reason)
        key = category.group() if category else source
        self.denials[key] += 1
        if self.denials[key] == 1:
            self.log.warning(f"Refused, further ones of this kind are only counted: {reason}")

    def _wake_after(self, delay_ns: int) -> None:
        name = f"{self.id}-WAKE"
        if name not in self.clock.timer_names:
            self.clock.set_time_alert_ns(name, self.clock.timestamp_ns() + delay_ns, self._wake)

    def _wake(self, _event: TimeEvent) -> None:
        self._is_backing_off = False
        if self._trade is not None:
            self._trade.canceling.clear()
            self._cancel_leftovers(self._trade)
        self._tend()

    # -- Bring what is there to what is wanted ---------------------------------------------------

    def _tend(self) -> None:
        trade, position = self._trade, self.position
        if trade is None:
            return
        if position is not None:
            self._tend_open(trade, position)
        elif not trade.is_entering():
            self._tend_flat(trade)
        elif self._is_exit_wanted:
            self._cancel(trade, trade.entry)

    def _tend_open(self, trade: Trade, position: Position) -> None:
        trade.promote_replacement()
        for order in trade.retired:
            self._cancel(trade, order)
        if not trade.has_stop() and not self._is_exit_wanted:
            self.log.error(f"Closing {position.id}: it has no protective stop")
            self._is_exit_wanted = True
        if self._is_exit_wanted:
            if trade.is_entering():
                self._cancel(trade, trade.entry)
            self._send_exit(trade, position)

    def _tend_flat(self, trade: Trade) -> None:
        if trade.unclosed():
            self._wake_after(LEFTOVER_GRACE_NS)
            return
        self._forget()
        if self.is_running:
            self.on_flat()

    def _cancel_leftovers(self, trade: Trade) -> None:
        if self.position is None and not trade.is_entering():
            for order in trade.unclosed():
                self._cancel(trade, order)

    def _send_exit(self, trade: Trade, position: Position) -> None:
        if trade.exit is not None:
            if not trade.exit.is_closed:
                return
            if trade.exit.status != OrderStatus.FILLED:
                trade.exit = None
                self._is_backing_off = True
                self._wake_after(self._retry_ns)
        if self._is_backing_off:
            return
        trade.exit = self.order_factory.market(
            instrument_id=self.instrument_id,
            order_side=Order.closing_side(position.side),
            quantity=position.quantity,
            reduce_only=True,
            tags=["EXIT"],
        )
        self.submit_order(trade.exit, position_id=position.id)

    def _cancel(self, trade: Trade, order: Order) -> None:
        # A market order fills or fails by itself; the rest is asked for once, until a retry.
        if order.is_closed or order.is_pending_cancel or order.client_order_id in trade.canceling:
            return
        if order.order_type == OrderType.MARKET and order.is_reduce_only:
            return
        trade.canceling.add(order.client_order_id)
        self.cancel_order(order)
