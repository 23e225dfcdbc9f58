"""Storms in a guarded node before a venue: what the venue refuses counts, what we refuse does not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from nautilus_trader.model.enums import OrderSide, OrderType
from nautilus_trader.model.objects import Price, Quantity

from tests.guarded_kit import GuardedNode, guarded_node
from tests.hop_kit import BTC
from venue.wire.hooks import Reaction

MOST = 3
STORMS = {"denials_max": MOST, "rejects_max": MOST, "window_sec": 600}
NO_MARGIN = {"code": -2019, "msg": "Margin is insufficient."}


def play(scene: Callable[[GuardedNode], Awaitable[None]], tmp_path: Any) -> None:
    async def main() -> None:
        async with guarded_node(tmp_path, limits={"storms": STORMS}) as node:
            await scene(node)

    asyncio.run(main())


def causes(node: GuardedNode) -> list[str]:
    return [cause.split(":", 1)[0] for cause in node.guard.gate.judge.state.causes]


async def be_rejected(node: GuardedNode, times: int) -> None:
    """Let the venue reject entries."""
    for _ in range(times):
        refusal = Reaction(engine_acts=False, answer=(400, NO_MARGIN))
        node.requests.next_time("POST", "/fapi/v1/order", refusal)
        entry, _ = node.trader.enter()
        await node.until(lambda entry=entry: entry.is_closed, "the rejection")
        assert entry.status_string() == "REJECTED"


async def be_denied(node: GuardedNode, times: int) -> None:
    """Let the gate deny orders without a stop."""
    for _ in range(times):
        order = node.trader.naked()
        node.trader.submit_order(order)
        await node.until(lambda order=order: order.is_closed, "the denial")


def test_rejections_by_the_venue_trip_one_over_the_limit(tmp_path):
    async def scene(node: GuardedNode) -> None:
        await be_rejected(node, MOST)
        assert node.state == "ACTIVE"

        await be_rejected(node, 1)
        assert (node.state, causes(node)) == ("REDUCING", ["REJECT_STORM"])

    play(scene, tmp_path)


def test_denials_by_the_gate_trip_one_over_the_limit_and_then_no_further(tmp_path):
    async def scene(node: GuardedNode) -> None:
        await be_denied(node, MOST)
        assert node.state == "ACTIVE"

        await be_denied(node, 1 + 2 * MOST)
        assert (node.state, causes(node)) == ("REDUCING", ["DENIAL_STORM"])

    play(scene, tmp_path)


def test_cancels_and_amendments_that_the_venue_rejects_count(tmp_path):
    async def scene(node: GuardedNode) -> None:
        orders = node.trader.order_factory.bracket(
            instrument_id=BTC, order_side=OrderSide.BUY, quantity=Quantity.from_str("0.010"),
            entry_order_type=OrderType.LIMIT, entry_price=Price.from_str("60000.0"),
            sl_trigger_price=Price.from_str("58000.0"), tp_price=Price.from_str("70000.0"),
        )  # fmt: skip
        node.trader.submit_order_list(orders)
        entry = orders.orders[0]
        await node.until(lambda: entry.is_open, "a resting entry")
        locked = {"code": -1102, "msg": "A parameter was malformed."}
        judge = node.guard.gate.judge

        def rejects() -> int:
            shown = judge.breakers(node.node.kernel.clock.timestamp_ns())
            return int(next(b.observed for b in shown if b.key == "reject_storm"))

        refusal = Reaction(engine_acts=False, answer=(400, locked))
        node.requests.next_time("PUT", "/fapi/v1/order", refusal)
        node.trader.modify_order(entry, price=Price.from_str("59900.0"))
        await node.until(lambda: rejects() == 1, "the amendment to be rejected")

        node.requests.next_time("DELETE", "/fapi/v1/order", refusal)
        node.trader.cancel_order(entry)
        await node.until(lambda: rejects() == 2, "the cancel to be rejected")

    play(scene, tmp_path)


def test_what_the_last_hop_refuses_is_not_taken_for_the_venues(tmp_path):
    async def scene(node: GuardedNode) -> None:
        # Approvals that vanish before the request leaves: the last hop refuses, and halts.
        node.guard.gate.approvals._claimed = Nothing()

        entry, _ = node.trader.enter()
        await node.until(lambda: entry.is_closed, "the refusal")

        assert "APPROVAL_MISSING" in entry.last_event.reason
        judge = node.guard.gate.judge
        rows = {row["key"]: row for row in judge.report()}
        assert rows["reject_storm"]["evaluated"] == 0

    play(scene, tmp_path)


class Nothing(dict):
    """Approvals that nothing can be put into."""

    def setdefault(self, _key: Any, default: Any = None) -> Any:
        return default
