"""Commands that wait behind one another for the same order: nobody is halted for their order."""

import asyncio
from decimal import Decimal

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder
from nautilus_trader.model.enums import OrderSide, OrderType
from nautilus_trader.model.events import OrderModifyRejected, OrderUpdated
from nautilus_trader.model.objects import Price, Quantity

from tests.guarded_kit import GuardedNode, guarded_node
from tests.hop_kit import BTC


async def resting_entry(node: GuardedNode):
    orders = node.trader.order_factory.bracket(
        instrument_id=BTC, order_side=OrderSide.BUY, quantity=Quantity.from_str("0.010"),
        entry_order_type=OrderType.LIMIT, entry_price=Price.from_str("63000.0"),
        sl_trigger_price=Price.from_str("60000.0"), tp_price=Price.from_str("70000.0"),
    )  # fmt: skip
    node.trader.submit_order_list(orders)
    await node.until(lambda: orders.orders[0].is_open, "a resting entry")
    return orders.orders[0]


def answers(node: GuardedNode):
    kinds = (OrderUpdated, OrderModifyRejected)
    return [event for event in node.trader.told if isinstance(event, kinds)]


def test_an_amendment_that_another_one_overtook_is_rejected_and_halts_nobody(tmp_path):
    async def main() -> None:
        async with guarded_node(tmp_path) as node:
            entry = await resting_entry(node)

            node.trader.modify_order(entry, price=Price.from_str("62900.0"))
            node.trader.modify_order(entry, quantity=Quantity.from_str("0.008"))
            await node.until(lambda: len(answers(node)) == 2, "both answers")

            assert node.state == "ACTIVE", node.guard.gate.judge.state.causes
            assert (entry.price.as_decimal(), entry.quantity.as_decimal()) == (
                Decimal("62900.0"), Decimal("0.010"),
            )  # fmt: skip
            refused = next(e for e in answers(node) if isinstance(e, OrderModifyRejected))
            assert refused.reason.startswith("AMENDMENT_OVERTAKEN")
            assert len(node.guard.gate.approvals) == 0

    asyncio.run(main())


def test_cancels_that_come_too_late_halt_nobody_however_many_they_are(tmp_path):
    async def main() -> None:
        async with guarded_node(tmp_path) as node:
            entry = await resting_entry(node)

            for _ in range(5):
                node.guard.gate.execute(
                    CancelOrder(
                        entry.trader_id, entry.strategy_id, BTC, entry.client_order_id,
                        entry.venue_order_id, UUID4(), 0,
                    )
                )  # fmt: skip
            await node.until(lambda: entry.is_closed, "the end of the entry")
            await node.until(lambda: not node.exec_client.is_in_hand(entry), "the last cancel")

            assert node.state == "ACTIVE", node.guard.gate.judge.state.causes

    asyncio.run(main())
