"""The execution client: NautilusTrader's own for Binance USD-M Futures, hardened."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.adapters.binance.common.constants import BINANCE_FUTURES_ALGO_ORDER_TYPES
from nautilus_trader.adapters.binance.config import BinanceExecClientConfig
from nautilus_trader.adapters.binance.futures.execution import BinanceFuturesExecutionClient
from nautilus_trader.core.datetime import secs_to_nanos
from nautilus_trader.execution.messages import (
    BatchCancelOrders,
    CancelAllOrders,
    CancelOrder,
    GenerateFillReports,
    GenerateOrderStatusReport,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
    ModifyOrder,
    QueryOrder,
)
from nautilus_trader.execution.reports import (
    ExecutionMassStatus,
    FillReport,
    OrderStatusReport,
    PositionStatusReport,
)
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderStatus, OrderType
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import Order

from adapters.account import BalanceRefresh, report_only
from adapters.amendments import Amendments
from adapters.facts import OrderFact
from adapters.order_ids import OrderIds, base_of
from adapters.outcomes import error_code, error_text, is_absent, is_unknown
from adapters.queries import Queries
from adapters.reconciler import SAME_LOOK_SECS, Reconciler
from adapters.replace import StopReplacer
from adapters.sync import Found, OrderSync
from adapters.teller import OrderTeller
from adapters.unresolved import Doubt, Patience, Resolver, Unresolved
from adapters.user_events import UserEvents, stranger_kind
from adapters.user_stream import HardenedUserStream, StreamPatience
from adapters.venue_look import VenueLooks
from risk.approvals import amend_key
from risk.client import wire_of
from risk.events import VenueEvent, VenueEventKind, publish_venue_event
from risk.translate import OrderTerms, amended_terms

ANSWER_SECS_MAX = 3.0
"""How long the venue may leave an order without a word before it is asked."""
NO_CHANGE_CODE = -5027
_UNTIL_STARTED = {VenueEventKind.FOREIGN_ORDER, VenueEventKind.UNAPPROVED_ORDER}


class HardenedExecutionClient(VenueLooks, BinanceFuturesExecutionClient):  # type: ignore[misc]
    """
    Trades on Binance USD-M Futures in one-way mode, and believes nothing but the venue.

    Whatever happened to a request or to the stream, an order here comes to what the venue says of
    it, each fill once and with the fee that was charged; and what nobody here has done is told.

    Parameters
    ----------
    patience : Patience, optional
        When a repeated denial by the venue is believed.
    stream_patience : StreamPatience, optional
        How long the user stream may be away or silent.
    **kwargs
        Those of ``BinanceFuturesExecutionClient``.

    Raises
    ------
    ValueError
        If the config would send an order twice (``max_retries``), or give positions an id of their
        own (``use_position_ids``): a stop that fills would open a second position.

    """

    def __init__(
        self,
        *,
        patience: Patience | None = None,
        stream_patience: StreamPatience | None = None,
        **kwargs: Any,
    ) -> None:
        config: BinanceExecClientConfig = kwargs["config"]
        if config.max_retries:
            raise ValueError(
                f"max_retries = {config.max_retries} must be None: a retry sends twice"
            )
        if config.use_position_ids:
            raise ValueError("use_position_ids = True must be False: positions are netted")
        super().__init__(**kwargs)
        self.connect_error: BaseException | None = None
        self.is_approved: Callable[[str], bool] = lambda _client_order_id: False
        self._told_foreign: set[str] = set()
        self._locks: dict[ClientOrderId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._amendments = Amendments()
        self._watch_task: asyncio.Task[None] | None = None
        self._balance = BalanceRefresh(self._update_account_state, self.create_task)
        self._ws_client = self._hardened_stream(kwargs, stream_patience or StreamPatience())
        self._build(patience or Patience())
        for order_type, method in self._submit_order_method.items():
            self._submit_order_method[order_type] = self._sent_once(method)

    def _build(self, patience: Patience) -> None:
        self._queries = Queries(
            self._http_client, self._clock, recv_window_ms=self._recv_window or 5_000,
            on_unreadable=self.note_unreadable,
        )  # fmt: skip
        ids = self._ids = OrderIds()
        teller = self._teller = OrderTeller(self)
        sync = self._sync = OrderSync(self, self._queries, teller, ids, self._note_foreign)
        self._resolver = Resolver(
            look=self._look, on_absent=self._on_absent, on_unchanged=self._on_unchanged,
            on_begin=self._on_doubt, run=self.create_task, clock=self._clock, patience=patience,
        )  # fmt: skip
        self._replacer = StopReplacer(
            self, self._futures_http_account, sync=sync, teller=teller, ids=ids,
            clock=self._clock, patience=patience,
        )  # fmt: skip
        self._user_events = UserEvents(
            self, sync=sync, teller=teller, replacer=self._replacer, resolver=self._resolver,
            alarm=self.alarm,
        )  # fmt: skip
        self._reconciler = Reconciler(
            self, queries=self._queries, sync=sync, ids=ids, replacer=self._replacer,
            resolver=self._resolver, patience=patience,
        )  # fmt: skip

    def _hardened_stream(
        self, kwargs: dict[str, Any], patience: StreamPatience
    ) -> HardenedUserStream:
        stock = self._ws_client
        return HardenedUserStream(
            clock=self._clock, base_url=stock._base_url, handler=self._handle_user_ws_message,
            api_key=kwargs["api_key"], api_secret=kwargs["api_secret"], loop=self._loop,
            is_futures=True, stream_base_url=stock._stream_base_url, is_ed25519=False,
            http_client=None if stock._http_user is None else self._http_client,
            account_type=self._binance_account_type,
            on_resubscribe=self._reconcile_after_resubscribe, proxy_url=stock._proxy_url,
            patience=patience, on_lost=self._on_stream_lost, on_back=self._on_stream_back,
        )  # fmt: skip

    # -- what others may see ------------------------------------------------------------------------

    @property
    def unresolved(self) -> tuple[Unresolved, ...]:
        """The orders whose fate is unknown."""
        return self._resolver.cases

    @property
    def is_user_stream_up(self) -> bool:
        """Whether what happens to orders is told as it happens."""
        return bool(self._ws_client.is_up)

    def is_in_hand(self, order: Order) -> bool:
        """Return whether a cancel or an amendment of the order is under way."""
        return self._locks[order.client_order_id].locked()

    def renew_user_stream(self, reason: str) -> None:
        """Subscribe to the user stream anew."""
        self._ws_client.renew(reason)

    def refresh_balance(self) -> None:
        """Ask for the balance; once for all who ask in the same breath."""
        self._balance.want()

    def alarm(self, kind: VenueEventKind, observed: str, limit: str, *order: str) -> None:
        """Tell the gate what the venue did without being asked, and of which order (both ids)."""
        self._log.warning(f"{kind.code}: {observed}")
        event = VenueEvent(kind, observed, limit, self._clock.timestamp_ns(), None, *order)
        publish_venue_event(self._msgbus, event)

    def note_unreadable(self, what: str) -> None:
        """Tell of an element that was left out because this version does not understand it."""
        self._log.error(f"Left out: {what}")
        self.alarm(VenueEventKind.UNREADABLE, what, "values known to this version")

    def note_unresolved(self, order: Order, cause: str) -> None:
        """Tell that nobody knows what became of a request."""
        ids = order.instrument_id.value, order.client_order_id.value
        self.alarm(VenueEventKind.ORDER_UNRESOLVED, f"{ids[1]}: {cause}", "an answer", *ids)

    def _note_foreign(self, fact: OrderFact) -> None:
        kind = stranger_kind(fact.client_id, self.trader_id.get_tag())
        is_ours = kind is VenueEventKind.UNAPPROVED_ORDER and self.is_approved(
            base_of(fact.client_id)
        )
        # At the start an event may come before its order was taken over.
        is_early = kind in _UNTIL_STARTED and not self._reconciler.is_started
        if is_ours or is_early or fact.client_id in self._told_foreign:
            return
        self._told_foreign.add(fact.client_id)
        self.alarm(kind, f"{fact.client_id} on {fact.symbol}", "orders sent by this node")

    # -- life cycle ---------------------------------------------------------------------------------

    async def _connect(self) -> None:
        """Connect, or leave no half-started node behind: the error ends it."""
        try:
            await super()._connect()
            report_only(self.get_account())
        except BaseException as e:
            await self._ws_client.disconnect()
            self._give_up(e)
            raise
        self._watch_task = self.create_task(self._watch_answers())

    def _give_up(self, error: BaseException) -> None:
        self.connect_error = error
        self.shutdown_system(f"Cannot start at the venue: {error!r}")

    async def _disconnect(self) -> None:
        if self._watch_task is not None:
            self._watch_task.cancel()
        await super()._disconnect()

    async def _init_dual_side_position(self) -> None:
        self._is_dual_side_position = await self._queries.is_hedge_mode()
        if self._is_dual_side_position:
            raise RuntimeError("the account is in hedge mode, it must be in one-way mode")

    async def _watch_answers(self) -> None:
        """Ask about every order that the venue has left without a word for too long."""
        while True:
            await asyncio.sleep(ANSWER_SECS_MAX / 5)
            try:
                self._ask_about_silent()
            except Exception as e:  # noqa: BLE001 - a watch that ends leaves orders in doubt
                self._log.exception("The watch over answers failed", e)

    def _ask_about_silent(self) -> None:
        now_ns = self._clock.timestamp_ns()
        for order in self._cache.orders_inflight(venue=self.venue):
            silent_ns = now_ns - order.last_event.ts_init
            is_asked = order.client_order_id in self._resolver or self.is_in_hand(order)
            if silent_ns > secs_to_nanos(ANSWER_SECS_MAX) and not is_asked:
                self._resolver.begin(order, _doubt_of(order), "no event came")

    # -- user stream --------------------------------------------------------------------------------

    def _handle_user_ws_message(self, raw: bytes) -> None:
        try:
            self._user_events.handle(raw)
        except Exception as e:  # noqa: BLE001 - the events after this one must not be lost with it
            self._log.exception(f"Error on handling {raw!r}", e)

    def _on_stream_lost(self, away_secs: float) -> None:
        self.alarm(VenueEventKind.USER_STREAM_LOST, f"away for {away_secs:.1f} s", "connected")

    def _on_stream_back(self) -> None:
        self.alarm(VenueEventKind.USER_STREAM_BACK, "subscribed and reconciled", "connected")

    async def _reconcile_after_resubscribe(self) -> None:
        await self._reconciler.reconcile()
        await self._update_account_state()

    # -- submit -------------------------------------------------------------------------------------

    def _sent_once(self, method: Any) -> Any:
        """Return *method* such that an unknown outcome leaves the order submitted, and looked up."""

        async def send(order: Order, *args: Any) -> None:
            try:
                await method(order, *args)
            except Exception as e:
                if not is_unknown(e):
                    raise
                self._resolver.begin(order, Doubt.SUBMIT, error_text(e))
                return
            if not self.is_user_stream_up:
                self._resolver.begin(order, Doubt.SILENCE, "no stream tells what became of it")

        return send

    # -- cancel -------------------------------------------------------------------------------------

    async def _cancel_order(self, command: CancelOrder) -> None:
        order = self._cache.order(command.client_order_id)
        if order is None or order.is_closed:
            self._log.warning(
                f"{command.client_order_id!r} is not there, or over: nothing to cancel"
            )
            return
        async with self._locks[order.client_order_id]:  # an amendment under way ends first
            if not order.is_closed:
                await self._cancel(order)

    async def _cancel(self, order: Order) -> None:
        client_id = self._ids.current(order.client_order_id.value)
        try:
            if self._is_with_algo_service(order):
                await self._futures_http_account.cancel_algo_order(client_algo_id=client_id)
            else:
                await self._http_account.cancel_order(
                    symbol=order.instrument_id.symbol.value, orig_client_order_id=client_id
                )
        except Exception as e:  # noqa: BLE001 - judged below: refused, or perhaps carried out
            if is_unknown(e) or is_absent(e):
                self._resolver.begin(order, Doubt.CANCEL, error_text(e))
            else:
                self._reject_cancel(order, error_text(e))

    def _is_with_algo_service(self, order: Order) -> bool:
        is_conditional = order.order_type in BINANCE_FUTURES_ALGO_ORDER_TYPES
        return is_conditional and not self._teller.is_triggered(order)

    def _reject_cancel(self, order: Order, reason: str) -> None:
        self.generate_order_cancel_rejected(
            order.strategy_id, order.instrument_id, order.client_order_id, order.venue_order_id,
            reason, self._clock.timestamp_ns(),
        )  # fmt: skip

    async def _cancel_all_orders(self, command: CancelAllOrders) -> None:
        """Cancel one by one: the venue's cancel-all takes what others have placed, too."""
        scope = {
            "instrument_id": command.instrument_id, "strategy_id": command.strategy_id,
            "side": command.order_side or OrderSide.NO_ORDER_SIDE,
        }  # fmt: skip
        orders = self._cache.orders_open(None, **scope) + self._cache.orders_inflight(None, **scope)
        for order in dict.fromkeys(orders):
            async with self._locks[order.client_order_id]:
                if not order.is_closed:
                    await self._cancel(order)

    async def _batch_cancel_orders(self, command: BatchCancelOrders) -> None:
        for cancel in command.cancels:
            await self._cancel_order(cancel)

    # -- modify -------------------------------------------------------------------------------------

    def modify_order(self, command: ModifyOrder) -> None:
        """Send an amendment when those before it have ended."""
        self._amendments.ask(command)
        super().modify_order(command)

    async def _modify_order(self, command: ModifyOrder) -> None:
        order = self._cache.order(command.client_order_id)
        try:
            if order is not None and self._amendments.is_overtaken(command):
                self._drop_amendment(order, amended_terms(order, command))
            elif order is not None:
                async with self._locks[order.client_order_id]:
                    await self._modify(order, command)
        finally:
            self._amendments.end(command)

    def _drop_amendment(self, order: Order, terms: OrderTerms) -> None:
        """Give back the approval of an amendment that is not sent."""
        wire = wire_of(self)
        if wire is not None and wire.approvals is not None:
            wire.approvals.use(amend_key(order.client_order_id.value), terms)
        self._reject_modify(order, "AMENDMENT_OVERTAKEN: one before it changes what it leaves out")

    async def _modify(self, order: Order, command: ModifyOrder) -> None:
        if order.is_closed:
            self._log.warning(f"{order.client_order_id!r} is over: nothing to amend")
        elif order.order_type == OrderType.STOP_MARKET and self._is_with_algo_service(order):
            refusal = await self._replacer.replace(order, command)
            if refusal is not None:
                self._reject_modify(order, refusal)
            await self._sync.settle()  # the next one finds the terms that this one has made
        elif order.order_type == OrderType.LIMIT:
            await self._amend(order, command)
        else:
            self._reject_modify(order, f"{order.type_string()} cannot be amended at the venue")

    async def _amend(self, order: Order, command: ModifyOrder) -> None:
        """Send both terms, as the venue wants them: what the command leaves out stays."""
        try:
            await self._http_account.modify_order(
                symbol=order.instrument_id.symbol.value,
                orig_client_order_id=self._ids.current(order.client_order_id.value),
                side=self._enum_parser.parse_internal_order_side(order.side),
                quantity=str(order.quantity if command.quantity is None else command.quantity),
                price=str(order.price if command.price is None else command.price),
            )
        except Exception as e:  # noqa: BLE001 - judged below: refused, or perhaps carried out
            if is_unknown(e) or is_absent(e):
                self._resolver.begin(order, Doubt.MODIFY, error_text(e))
            elif error_code(e) == NO_CHANGE_CODE:
                self._teller.update(order, self._clock.timestamp_ms())
            else:
                self._reject_modify(order, error_text(e))

    def _reject_modify(self, order: Order, reason: str) -> None:
        self.generate_order_modify_rejected(
            order.strategy_id, order.instrument_id, order.client_order_id, order.venue_order_id,
            reason, self._clock.timestamp_ns(),
        )  # fmt: skip

    # -- orders in doubt ----------------------------------------------------------------------------

    async def _look(self, order: Order) -> Found:
        found = await self._sync.order(order)
        await self._sync.settle()
        return found

    def _on_doubt(self, case: Unresolved) -> None:
        if case.doubt is Doubt.SILENCE:
            self._log.warning(f"{case.order.client_order_id}: {case.cause}")
        else:
            self.note_unresolved(case.order, f"{case.doubt.value}: {case.cause}")

    def _on_absent(self, case: Unresolved) -> None:
        """Give up an order that the venue has denied for long enough."""
        order = case.order
        reason = f"UNRESOLVED_NOT_FOUND: {case.cause}"
        is_known = order.venue_order_id is not None
        if is_known:
            self.note_unresolved(order, "the venue no longer has it")
        status = "CANCELED" if is_known else "REJECTED"
        self._teller.close(order, status, self._clock.timestamp_ms(), reason)

    def _on_unchanged(self, case: Unresolved) -> None:
        """Take back a cancel or amendment that the venue never carried out."""
        reason = f"UNRESOLVED_NOT_DONE: {case.cause}"
        if case.doubt is Doubt.CANCEL:
            self._reject_cancel(case.order, reason)
        elif case.doubt is Doubt.MODIFY:
            self._reject_modify(case.order, reason)

    # -- reconciliation -----------------------------------------------------------------------------

    async def _query_order(self, command: QueryOrder) -> None:
        order = self._cache.order(command.client_order_id)
        if order is not None and not order.is_closed:
            await self._sync.order(order)

    async def generate_order_status_report(
        self, command: GenerateOrderStatusReport
    ) -> OrderStatusReport | None:
        """Bring the order up to date by its events; there is nothing left to report."""
        order = command.client_order_id and self._cache.order(command.client_order_id)
        if order:
            await self._look(order)
        return None

    async def generate_order_status_reports(
        self,
        command: GenerateOrderStatusReports,  # noqa: ARG002 - its bounds leave out what it may miss
    ) -> list[OrderStatusReport]:
        """Bring every order up to date by its events; there is nothing left to report."""
        await self._reconciler.reconcile(within_secs=SAME_LOOK_SECS)
        return []

    async def generate_fill_reports(
        self,
        command: GenerateFillReports,  # noqa: ARG002 - its bounds leave out what it may miss
    ) -> list[FillReport]:
        """Bring every fill in by its event; there is nothing left to report."""
        await self._reconciler.reconcile(within_secs=SAME_LOOK_SECS)
        return []

    async def generate_position_status_reports(
        self, command: GeneratePositionStatusReports
    ) -> list[PositionStatusReport]:
        """Return the positions; one that differs from ours only after all fills were asked for."""
        return await self._reconciler.position_reports(command.instrument_id)

    async def generate_mass_status(
        self,
        lookback_mins: int | None = None,  # noqa: ARG002 - what stands now is not a matter of time
    ) -> ExecutionMassStatus | None:
        """Take over what stands at the venue: its open orders, their fills, and the positions."""
        try:
            return await self._reconciler.mass_status()
        except Exception as e:  # noqa: BLE001 - a node that knows nothing of the account must not run
            self._log.exception("Cannot reconcile with the venue", e)
            self._give_up(e)
            return None

    def calculate_commission(
        self,
        instrument: Instrument,
        last_qty: Quantity,
        last_px: Price,
        liquidity_side: LiquiditySide,
    ) -> Money:
        """Return what the venue charges, for the rare fill that it does not show."""
        is_maker = liquidity_side == LiquiditySide.MAKER
        rate: Decimal = instrument.maker_fee if is_maker else instrument.taker_fee
        fee = last_qty.as_decimal() * last_px.as_decimal() * rate
        return Money(fee, instrument.quote_currency)


def _doubt_of(order: Order) -> Doubt:
    if order.status == OrderStatus.PENDING_CANCEL:
        return Doubt.CANCEL
    return Doubt.MODIFY if order.status == OrderStatus.PENDING_UPDATE else Doubt.SUBMIT
