"""Orders on the account of a guarded node that its gate did not approve: told apart, by what they are."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from risk.kills import DIRECT_ORDER_PREFIX
from tests.guarded_kit import GuardedNode, guarded_node

OURS = "O-20260102-030405-001-001-7"
"""An id as this node's strategies make them."""


def play(scene: Callable[[GuardedNode], Awaitable[None]], tmp_path: Any) -> None:
    async def main() -> None:
        async with guarded_node(tmp_path) as node:
            await scene(node)

    asyncio.run(main())


async def place(node: GuardedNode, client_id: str, price: str = "50000.0") -> None:
    """Place a resting order at the venue past the node."""
    await node.rest.ok(
        "POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC",
        quantity="0.010", price=price, newClientOrderId=client_id,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("client_id", "kind", "state"),
    [
        (OURS, "UNAPPROVED_ORDER", "HALTED"),
        (f"{DIRECT_ORDER_PREFIX}1a2b-1", "KILLED_DIRECT", "HALTED"),
        ("by-hand", "FOREIGN_ORDER", "REDUCING"),
    ],
)
def test_an_order_past_the_gate_trips_by_what_it_is(tmp_path, client_id, kind, state):
    async def scene(node: GuardedNode) -> None:
        await place(node, client_id)

        await node.until(lambda: node.state == state, "the trip")
        (event,) = node.events
        assert event.kind.name == kind
        assert event.observed == f"{client_id} on BTCUSDT"
        (cause,) = node.guard.gate.judge.state.causes
        assert cause.startswith(f"{kind}: observed={client_id} on BTCUSDT")

    play(scene, tmp_path)


def test_an_order_that_an_earlier_life_approved_is_ours(tmp_path):
    async def scene(node: GuardedNode) -> None:
        node.guard.gate.remember({OURS})

        await place(node, OURS)
        await node.until(node.cache.orders_open, "the order to be taken over")

        assert (node.state, node.events) == ("ACTIVE", [])

    play(scene, tmp_path)


def test_orders_that_the_gate_approved_trip_nothing(tmp_path):
    async def scene(node: GuardedNode) -> None:
        entry, stop = node.trader.enter()
        await node.until(lambda: node.cache.order(stop.client_order_id).is_open, "a stop")

        assert node.cache.order(entry.client_order_id).is_closed
        assert (node.state, node.events) == ("ACTIVE", [])

    play(scene, tmp_path)
