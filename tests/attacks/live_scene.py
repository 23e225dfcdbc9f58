"""The scene of the attacks on a live kernel, and the venue behind it."""

import asyncio
from decimal import Decimal
from typing import Any

from nautilus_trader.adapters.sandbox.config import SandboxExecutionClientConfig
from nautilus_trader.adapters.sandbox.execution import SandboxExecutionClient
from nautilus_trader.common import Environment
from nautilus_trader.config import LiveExecEngineConfig, LoggingConfig, TradingNodeConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import ClientOrderId, TraderId
from nautilus_trader.system.kernel import NautilusKernel

from tests.attacks.scene import BTC, ETH, Scene


class RecordingClient(SandboxExecutionClient):
    """
    The sandbox venue behind a live kernel; it remembers the commands that arrived.

    Children of a list are held until their entry has filled: the sandbox looks into the cache, which
    a live kernel brings up to date only after the fact, and would reject them as reduce-only orders
    without a position.

    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.received: list[Any] = []
        self._held: dict[ClientOrderId, SubmitOrder] = {}
        self._msgbus.subscribe("events.order.*", self._release_children)

    def submit_order(self, command: Any) -> None:
        self.received.append(command)
        super().submit_order(command)

    def submit_order_list(self, command: Any) -> None:
        self.received.append(command)
        for order in command.order_list.orders:
            single = SubmitOrder(
                command.trader_id, command.strategy_id, order, UUID4(), command.ts_init
            )
            if order.parent_order_id is None:
                super().submit_order(single)
            else:
                self._held[order.client_order_id] = single

    def _release_children(self, event: Any) -> None:
        if not isinstance(event, OrderFilled):
            return
        for key, command in list(self._held.items()):
            if command.order.parent_order_id == event.client_order_id:
                super().submit_order(self._held.pop(key))

    def modify_order(self, command: Any) -> None:
        self.received.append(command)
        super().modify_order(command)

    def cancel_order(self, command: Any) -> None:
        self.received.append(command)
        super().cancel_order(command)

    def cancel_all_orders(self, command: Any) -> None:
        self.received.append(command)
        super().cancel_all_orders(command)

    def batch_cancel_orders(self, command: Any) -> None:
        self.received.append(command)
        for cancel in command.cancels:
            super().cancel_order(cancel)


class LiveScene(Scene):
    """A live kernel with queues and an event loop of its own, before a venue in this process."""

    client: SandboxExecutionClient
    client_type: type[SandboxExecutionClient] = RecordingClient

    def _build(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.kernel = NautilusKernel(
            name="live",
            config=TradingNodeConfig(
                environment=Environment.LIVE,
                trader_id=TraderId("TESTER-000"),
                logging=LoggingConfig(log_level="OFF"),  # a live kernel may not bypass its log
                exec_engine=LiveExecEngineConfig(
                    reconciliation=False, graceful_shutdown_on_exception=True
                ),
                timeout_post_stop=0,
            ),
            loop=self.loop,
        )
        self.kernel.cache.add_instrument(BTC)
        self.kernel.cache.add_instrument(ETH)
        self.client = self.client_type(
            loop=self.loop, portfolio=self.kernel.portfolio, msgbus=self.kernel.msgbus,
            cache=self.kernel.cache, clock=self.kernel.clock,
            config=SandboxExecutionClientConfig(
                venue="BINANCE", oms_type="NETTING", account_type="MARGIN", base_currency="USDT",
                starting_balances=["100_000 USDT"], default_leverage=Decimal(10),
            ),
        )  # fmt: skip
        self.kernel.exec_engine.register_client(self.client)

    def _start(self) -> None:
        self.loop.run_until_complete(self.kernel.start_async())

    def _next_ns(self) -> int:
        self._drain()
        return int(self.kernel.clock.timestamp_ns())

    def _publish(self, quote: QuoteTick) -> None:
        self.kernel.data_engine.process(quote)
        self._drain()

    def _drain(self) -> None:
        self.loop.run_until_complete(self._empty_queues())

    async def _empty_queues(self) -> None:
        engines = (self.kernel.data_engine, self.kernel.risk_engine, self.kernel.exec_engine)
        quiet = turns = 0
        # What one queue hands to another is scheduled on the loop first: a few turns see it.
        while quiet < 5:
            await asyncio.sleep(0)
            turns += 1
            assert turns < 200_000, "the kernel never comes to rest"
            left = sum(e.cmd_qsize() for e in engines) + sum(e.evt_qsize() for e in engines[1:])
            left += self.kernel.data_engine.data_qsize()
            quiet = quiet + 1 if left == 0 else 0

    def _close(self) -> None:
        self._drain()
        self.loop.run_until_complete(self.kernel.stop_async())
        self.loop.run_until_complete(self._end_tasks())
        self.kernel.dispose()
        self.loop.close()

    async def _end_tasks(self) -> None:
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
