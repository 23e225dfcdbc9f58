"""Doubt and repair behind the full guard: nothing is reserved too little, nothing is sent twice."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.objects import Price

from tests.guarded_kit import GuardedNode, guarded_node
from tests.hop_kit import BTC
from venue.wire.hooks import Reaction

Scene = Callable[[GuardedNode], Awaitable[None]]
UNKNOWN = (503, {"code": -1000, "msg": "Unknown error, please check your request."})
UNKNOWN_400 = (400, {"code": -1007, "msg": "Timeout waiting for response from backend server."})


def play(scene: Scene, tmp_path: Path, **options: Any) -> None:
    async def main() -> None:
        async with guarded_node(tmp_path, **options) as node:
            await scene(node)

    asyncio.run(main())


def asked(node: GuardedNode) -> list[tuple[str, str]]:
    return [(r.method, r.path) for r in node.requests.seen]


def sent(node: GuardedNode) -> list[tuple[str, str]]:
    orders = {"/fapi/v1/order", "/fapi/v1/algoOrder"}
    return [write for write in node.requests.writes() if write[1] in orders]


def test_an_entry_in_doubt_stays_reserved(tmp_path):
    async def scene(node: GuardedNode) -> None:
        lost = Reaction(engine_acts=False, drop_reply=True)
        node.requests.next_time("POST", "/fapi/v1/order", lost)
        entry, _ = node.trader.enter()

        case = (await node.until(lambda: node.exec_client.unresolved, "a doubt"))[0]
        await node.until(lambda: ("GET", "/fapi/v1/order") in asked(node), "a look")

        book = node.guard.gate.judge.account.symbol(BTC.value)
        assert case.order.client_order_id == entry.client_order_id
        assert node.cache.order(entry.client_order_id).status == OrderStatus.SUBMITTED
        assert book.pending[entry.client_order_id.value].leaves_qty == Decimal("0.010")
        assert node.kinds() == ["ORDER_UNRESOLVED"]
        assert sent(node) == [("POST", "/fapi/v1/order")]

    play(scene, tmp_path)


def test_an_entry_whose_reply_is_lost_gets_its_stop(tmp_path):
    async def scene(node: GuardedNode) -> None:
        node.requests.next_time("POST", "/fapi/v1/order", Reaction(drop_reply=True))
        entry, stop = node.trader.enter()

        await node.until(lambda: node.cache.order(stop.client_order_id).is_open, "its stop")

        assert node.cache.order(entry.client_order_id).status == OrderStatus.FILLED
        assert node.state == "ACTIVE"
        assert sent(node).count(("POST", "/fapi/v1/algoOrder")) == 1

    play(scene, tmp_path)


@pytest.mark.parametrize("answer", [UNKNOWN, UNKNOWN_400], ids=["503", "400"])
def test_a_stop_is_moved_though_nobody_knows_whether_the_new_one_arrived(tmp_path, answer):
    async def scene(node: GuardedNode) -> None:
        _, stop = node.trader.enter()
        await node.until(lambda: node.cache.order(stop.client_order_id).is_open, "a resting stop")
        node.requests.next_time("POST", "/fapi/v1/algoOrder", Reaction(answer=answer))

        node.trader.modify_order(
            node.cache.order(stop.client_order_id), trigger_price=Price.from_str("61000.0")
        )
        moved = Price.from_str("61000.0")
        await node.until(lambda: node.cache.order(stop.client_order_id).trigger_price == moved)

        truth = node.venue.exchange.truth("main")
        assert [a["client_algo_id"] for a in truth["open_algos"]] == [f"{stop.client_order_id}:1"]
        assert node.state == "ACTIVE"

    play(scene, tmp_path)


def test_a_leftover_stop_of_a_crash_is_canceled_under_the_guard(tmp_path):
    async def scene(node: GuardedNode) -> None:
        _, stop = node.trader.enter()
        await node.until(lambda: node.cache.order(stop.client_order_id).is_open, "a resting stop")
        await node.rest.ok(
            "POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="BTCUSDT", side="SELL",
            type="STOP_MARKET", triggerPrice="61000.0", quantity="0.010", reduceOnly="true",
            clientAlgoId=f"{stop.client_order_id}:1",
        )  # fmt: skip

        await node.exec_client._reconciler.reconcile()

        def working() -> list[str]:
            truth = node.venue.exchange.truth("main")
            return [a["client_algo_id"] for a in truth["open_algos"]]

        await node.until(lambda: working() == [f"{stop.client_order_id}:1"], "one stop")
        assert node.state == "ACTIVE"

    play(scene, tmp_path)
