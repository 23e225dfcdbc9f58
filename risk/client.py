"""The last hop before the venue: sends nothing that carries no approval of the gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import Clock, MessageBus
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.execution.messages import (
    BatchCancelOrders,
    CancelAllOrders,
    CancelOrder,
    ModifyOrder,
    SubmitOrder,
    SubmitOrderList,
)
from nautilus_trader.model.orders import Order

from risk.approvals import Approvals, Terms, amend_key, cancel_key
from risk.decision import Denial, DenyReason
from risk.translate import amended_terms, terms_of


class WireHop:
    """
    The part of an HTTP client that compares each request with what was approved.

    Until a guard has handed it the approvals, nothing was approved.

    """

    approvals: Approvals | None = None


class LastHop:
    """
    The part of an execution client that hands on what was approved, and nothing else.

    Whoever takes the gate off the message bus, or holds the execution engine itself, still ends
    here.

    """

    # Marks an approval as used, or for a client whose HTTP client does that, as on its way.
    _take: Callable[[str, Terms], bool]
    # What the client that this is mixed into brings along.
    _cache: Any
    _clock: Any
    _log: Any
    generate_order_denied: Any
    generate_order_modify_rejected: Any
    generate_order_cancel_rejected: Any

    @property
    def _next(self) -> Any:
        """The client that talks to the venue."""
        return super()

    def submit_order(self, command: SubmitOrder) -> None:
        """Send an order that was approved; deny any other."""
        if self._all_approved([command.order]):
            self._next.submit_order(command)

    def submit_order_list(self, command: SubmitOrderList) -> None:
        """Send a list whose every order was approved; deny any other."""
        if self._all_approved(command.order_list.orders):
            self._next.submit_order_list(command)

    def _all_approved(self, orders: list[Order]) -> bool:
        spent = [self._take(o.client_order_id.value, terms_of(o)) for o in orders]
        if all(spent):
            return True
        denial = Denial(
            DenyReason.APPROVAL_MISSING, f"{spent.count(False)} of {len(spent)} orders", 0
        )
        for order in orders:
            if not order.is_closed:
                self.generate_order_denied(
                    order.strategy_id,
                    order.instrument_id,
                    order.client_order_id,
                    denial.text,
                    self._clock.timestamp_ns(),
                )
        return False

    def modify_order(self, command: ModifyOrder) -> None:
        """Send an amendment that was approved; reject any other."""
        order = self._cache.order(command.client_order_id)
        key = amend_key(command.client_order_id.value)
        if order is not None and self._take(key, amended_terms(order, command)):
            self._next.modify_order(command)
        elif order is not None:
            self.generate_order_modify_rejected(
                order.strategy_id,
                order.instrument_id,
                order.client_order_id,
                order.venue_order_id,
                Denial(DenyReason.APPROVAL_MISSING, "an amendment", "one the gate approved").text,
                self._clock.timestamp_ns(),
            )

    def cancel_order(self, command: CancelOrder) -> None:
        """Send a cancel that was approved; reject any other: it may strip a position of its stop."""
        key = cancel_key(command.client_order_id.value)
        if self._take(key, ()):
            self._next.cancel_order(command)
            return
        order = self._cache.order(command.client_order_id)
        if order is not None:
            self.generate_order_cancel_rejected(
                order.strategy_id,
                order.instrument_id,
                order.client_order_id,
                order.venue_order_id,
                Denial(DenyReason.APPROVAL_MISSING, "a cancel", "one the gate approved").text,
                self._clock.timestamp_ns(),
            )

    def cancel_all_orders(self, command: CancelAllOrders) -> None:
        """Refuse: the gate sends cancels one by one."""
        self._log.error(f"CancelAllOrders for {command.instrument_id} did not come from the gate")

    def batch_cancel_orders(self, command: BatchCancelOrders) -> None:
        """Refuse: the gate sends cancels one by one."""
        self._log.error(f"BatchCancelOrders for {command.instrument_id} did not come from the gate")


class ApprovedOnlyClient(LastHop, ExecutionClient):  # type: ignore[misc]
    """
    Stands in the execution engine for a backtest client and hands on what was approved.

    Parameters
    ----------
    inner : ExecutionClient
        The client that talks to the simulated exchange.
    approvals : Approvals
        The gate's approvals.

    """

    def __init__(
        self,
        inner: ExecutionClient,
        approvals: Approvals,
        msgbus: MessageBus,
        cache: Cache,
        clock: Clock,
    ) -> None:
        super().__init__(
            client_id=inner.id,
            venue=inner.venue,
            oms_type=inner.oms_type,
            account_type=inner.account_type,
            base_currency=inner.base_currency,
            msgbus=msgbus,
            cache=cache,
            clock=clock,
        )
        self._set_account_id(inner.account_id)
        self._inner = inner
        self._take = approvals.spend

    def _start(self) -> None:
        self._inner.start()
        self._set_connected(value=True)

    def _stop(self) -> None:
        self._inner.stop()
        self._set_connected(value=False)

    def _reset(self) -> None:
        self._inner.reset()

    def _dispose(self) -> None:
        self._inner.dispose()

    @property
    def _next(self) -> Any:
        return self._inner


def guard_live_client(client: ExecutionClient, approvals: Approvals) -> None:
    """
    Make a live client the last hop itself: it keeps its identity, tasks and reports.

    Raises
    ------
    TypeError
        If the client is not a Python class, so that nothing can be put before its methods.

    """
    own = type(client)
    client.__class__ = type(f"ApprovedOnly{own.__name__}", (LastHop, own), {})
    http = wire_of(client)
    client._take = approvals.spend if http is None else approvals.claim
    if http is not None:
        http.approvals = approvals


def wire_of(client: ExecutionClient) -> WireHop | None:
    """Return the HTTP client behind an execution client, when it compares what leaves."""
    http = getattr(client, "_http_client", None)
    return http if isinstance(http, WireHop) else None
