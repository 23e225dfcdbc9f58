"""A guarded node on a venue: what the gate approved leaves, and nothing that goes round it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.adapters.binance.common.enums import BinanceOrderSide, BinanceOrderType
from nautilus_trader.adapters.binance.http.error import BinanceClientError
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.orders import Order

from adapters.http import GuardedBinanceHttpClient
from risk.client import WireHop
from risk.install import GuardError, assert_guarded
from risk.translate import filters_of
from tests.guarded_kit import GuardedNode, guarded_node
from tests.hop_kit import BTC
from venue.wire.hooks import Reaction

Scene = Callable[[GuardedNode], Awaitable[None]]
ORDERS = {"/fapi/v1/order", "/fapi/v1/algoOrder"}


def play(scene: Scene, tmp_path: Path, **options: Any) -> None:
    async def main() -> None:
        async with guarded_node(tmp_path, **options) as node:
            await scene(node)

    asyncio.run(main())


def sent(node: GuardedNode) -> list[tuple[str, str]]:
    return [write for write in node.requests.writes() if write[1] in ORDERS]


def submit(node: GuardedNode, order: Order) -> SubmitOrder:
    """Return the command that would send an order, the order known to the cache."""
    node.cache.add_order(order, None)
    return SubmitOrder(order.trader_id, order.strategy_id, order, UUID4(), order.ts_init)


def test_an_approved_bracket_goes_out_whole_and_each_request_once(tmp_path):
    async def scene(node: GuardedNode) -> None:
        entry, stop = node.trader.enter()

        await node.until(lambda: node.cache.order(stop.client_order_id).is_open, "a resting stop")
        await node.until(lambda: len(node.cache.orders_open()) == 2, "the target beside it")

        assert node.cache.order(entry.client_order_id).status_string() == "FILLED"
        assert sorted(sent(node)) == [
            ("POST", "/fapi/v1/algoOrder"), ("POST", "/fapi/v1/order"), ("POST", "/fapi/v1/order"),
        ]  # fmt: skip
        assert (node.state, node.events, len(node.guard.gate.approvals)) == ("ACTIVE", [], 0)

    play(scene, tmp_path)


def test_an_order_sent_over_the_http_api_does_not_leave_and_halts(tmp_path):
    async def scene(node: GuardedNode) -> None:
        api = node.exec_client._http_account

        with pytest.raises(BinanceClientError, match="APPROVAL_MISSING"):
            await api.new_order(
                symbol="BTCUSDT", side=BinanceOrderSide.BUY, order_type=BinanceOrderType.MARKET,
                quantity="0.010", new_client_order_id="round-the-gate",
            )  # fmt: skip

        assert sent(node) == []
        assert node.state == "HALTED"
        journal = (tmp_path / "state" / "journal.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in journal]
        told = [r for r in records if r["type"] == "venue"]
        assert [r["data"]["event"] for r in told] == ["UNAPPROVED_REQUEST"]

    play(scene, tmp_path)


def test_an_order_sent_past_the_execution_clients_check_is_rejected_and_halts(tmp_path):
    async def scene(node: GuardedNode) -> None:
        order = node.trader.naked()

        await node.exec_client._submit_order(submit(node, order))

        await node.until(lambda: order.status_string() == "REJECTED", "the rejection")
        assert "APPROVAL_MISSING" in order.last_event.reason
        assert sent(node) == []
        assert node.state == "HALTED"

    play(scene, tmp_path)


def test_a_second_send_of_an_approved_order_does_not_leave(tmp_path):
    async def scene(node: GuardedNode) -> None:
        entry, stop = node.trader.enter()
        await node.until(lambda: node.cache.order(stop.client_order_id).is_open, "a resting stop")
        before = sent(node)
        again = SubmitOrder(entry.trader_id, entry.strategy_id, entry, UUID4(), entry.ts_init)

        node.exec_client.submit_order(again)
        await asyncio.sleep(0)

        assert sent(node) == before

    play(scene, tmp_path)


def test_the_leverage_cannot_be_set_over_the_clients_own_api(tmp_path):
    async def scene(node: GuardedNode) -> None:
        with pytest.raises(BinanceClientError, match="APPROVAL_MISSING"):
            await node.exec_client._futures_http_account.set_leverage("BTCUSDT", 50)

        assert node.state == "HALTED"
        (row,) = await node.rest.ok("GET", "/fapi/v1/symbolConfig", symbol="BTCUSDT")
        assert row["leverage"] != 50

    play(scene, tmp_path)


def test_a_cancel_of_a_needed_stop_over_the_clients_own_api_does_not_leave(tmp_path):
    async def scene(node: GuardedNode) -> None:
        _, stop = node.trader.enter()
        await node.until(lambda: node.cache.order(stop.client_order_id).is_open, "a resting stop")

        with pytest.raises(BinanceClientError, match="APPROVAL_MISSING"):
            await node.exec_client._futures_http_account.cancel_algo_order(
                client_algo_id=stop.client_order_id.value
            )

        (row,) = await node.rest.ok("GET", "/fapi/v1/openAlgoOrders")
        assert row["clientAlgoId"] == stop.client_order_id.value

    play(scene, tmp_path)


def test_a_kernel_whose_http_client_has_other_approvals_is_not_guarded(tmp_path):
    async def scene(node: GuardedNode) -> None:
        http = node.exec_client._http_client
        assert isinstance(http, GuardedBinanceHttpClient)
        assert_guarded(node.node.kernel, node.guard)
        kept, http.approvals = http.approvals, None

        with pytest.raises(GuardError, match="sends what nobody approved"):
            assert_guarded(node.node.kernel, node.guard)

        assert isinstance(http, WireHop)
        http.approvals = kept

    play(scene, tmp_path)


def test_after_a_429_new_risk_is_denied_by_the_gate(tmp_path):
    async def scene(node: GuardedNode) -> None:
        refused = (429, {"code": -1003, "msg": "Too many requests."})
        node.requests.next_time("GET", "/fapi/v1/time", Reaction(answer=refused))
        with pytest.raises(BinanceClientError):
            await node.exec_client._http_client.venue_clock.measure()

        entry, _ = node.trader.enter()

        await node.until(lambda: entry.status_string() == "DENIED", "the denial")
        assert entry.last_event.reason.startswith("VENUE_RATE_LIMITED")
        assert (sent(node), node.state) == ([], "ACTIVE")

    play(scene, tmp_path)


@pytest.mark.parametrize(("skew_ms", "state"), [(400, "ACTIVE"), (30_000, "REDUCING")])
def test_a_clock_that_is_off_beyond_the_bound_ends_new_risk(tmp_path, skew_ms, state):
    async def scene(node: GuardedNode) -> None:
        node.venue.wire.clock_skew_ms = skew_ms

        await node.exec_client._http_client.venue_clock.measure()

        assert node.state == state

    play(scene, tmp_path)


def test_the_gate_knows_every_filter_of_an_instrument_that_the_venue_described(tmp_path):
    async def scene(node: GuardedNode) -> None:
        instrument = node.cache.instrument(BTC)

        assert None not in filters_of(instrument)
        assert instrument.info["brackets"][0][1] == "125"
        rate = await node.rest.ok("GET", "/fapi/v1/commissionRate", symbol="BTCUSDT")
        assert str(instrument.taker_fee) == rate["takerCommissionRate"]

    play(scene, tmp_path)


def test_the_venues_mark_price_reaches_the_gate(tmp_path):
    async def scene(node: GuardedNode) -> None:
        market = await node.until(lambda: node.guard.gate._market(BTC.value), "a market")
        await node.until(lambda: node.guard.gate._market(BTC.value).mark, "a mark price")

        assert market.bid < market.ask

    play(scene, tmp_path)
