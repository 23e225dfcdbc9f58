"""A kill that meets an entry in the midst of its fills: the rest goes, what was filled is looked after."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest

from risk.kills import KillLevel
from tests.kill_kit import Killable, killable
from venue.wire.hooks import Reaction, RequestInfo

ORDER = "/fapi/v1/order"
FIRST, SECOND = Decimal("0.004"), Decimal("0.003")
BELOW_ENTRY = Decimal(62_999)
KEEP = [KillLevel.REDUCE, KillLevel.HALT]


def part(node: Killable, qty: Decimal) -> None:
    """Let a trade below the entry fill so much of it."""
    node.venue.exchange.on_trade("BTCUSDT", BELOW_ENTRY, qty, is_buyer_maker=True)
    node.venue.wire.settle()


async def half_filled(node: Killable) -> str:
    """Leave an entry of 0.010 of which a part is filled, its stop in place; return its id."""
    entry = await node.resting()
    part(node, FIRST)
    await node.until(lambda: stops_qty(node) == FIRST, "a stop for the part")
    return entry.client_order_id.value


def stops_qty(node: Killable) -> Decimal:
    """Return what the stops that wait at the venue would close."""
    waiting = [a for a in node.truth()["open_algos"] if a["status"] == "NEW"]
    assert all(a["reduce_only"] and a["side"] == "SELL" for a in waiting)
    return sum((Decimal(a["qty"]) for a in waiting), Decimal(0))


def entries(node: Killable) -> list[str]:
    """Return the orders that could still add to the position at the venue."""
    orders = node.truth()["open_orders"]
    return [o["client_order_id"] for o in orders if not o["reduce_only"]]


async def pulled(node: Killable, level: KillLevel) -> None:
    node.switch.pull(level, by="ann", reason="news", source="command")
    await node.until(lambda: node.lines and all(x.done_ns for x in node.lines), "the end")


async def venues_word(node: Killable, entry: str) -> tuple[str, Decimal]:
    """Return what the venue says became of the entry, and how much of it was filled."""
    row = await node.rest.ok("GET", ORDER, symbol="BTCUSDT", origClientOrderId=entry)
    return row["status"], Decimal(row["executedQty"])


def at_the_first(method: str, path: str, do: Callable[[], None], node: Killable) -> None:
    """Let something happen at the venue in the moment before it takes the first such request."""
    whole, is_done = node.requests.on_request, False

    def on_request(request: RequestInfo) -> Reaction | None:
        nonlocal is_done
        if not is_done and (request.method, request.path) == (method, path):
            is_done = True
            do()
        return whole(request)

    node.requests.on_request = on_request


def play(scene, tmp_path):
    async def main():
        async with killable(tmp_path) as node:
            await scene(node)

    asyncio.run(main())


def test_a_flatten_cancels_the_rest_and_closes_what_was_filled(tmp_path):
    async def scene(node):
        entry = await half_filled(node)

        await pulled(node, KillLevel.FLATTEN)

        assert (node.position(), node.working()) == (0, set())
        assert await venues_word(node, entry) == ("CANCELED", FIRST)

    play(scene, tmp_path)


@pytest.mark.parametrize("level", KEEP)
def test_what_was_filled_keeps_its_full_stop_when_the_rest_is_canceled(tmp_path, level):
    async def scene(node):
        entry = await half_filled(node)

        await pulled(node, level)

        assert await venues_word(node, entry) == ("CANCELED", FIRST)
        assert entries(node) == []
        await node.until(lambda: stops_qty(node) == FIRST == node.position(), "its full stop")

    play(scene, tmp_path)


def test_a_flatten_closes_what_is_filled_before_the_cancel_arrives(tmp_path):
    async def scene(node):
        entry = await half_filled(node)
        at_the_first("DELETE", ORDER, lambda: part(node, SECOND), node)

        await pulled(node, KillLevel.FLATTEN)

        assert await venues_word(node, entry) == ("CANCELED", FIRST + SECOND)
        assert (node.position(), node.working()) == (0, set())

    play(scene, tmp_path)


@pytest.mark.parametrize("level", KEEP)
def test_the_stop_grows_with_what_is_filled_before_the_cancel_arrives(tmp_path, level):
    async def scene(node):
        entry = await half_filled(node)
        at_the_first("DELETE", ORDER, lambda: part(node, SECOND), node)

        await pulled(node, level)

        assert await venues_word(node, entry) == ("CANCELED", FIRST + SECOND)
        whole = FIRST + SECOND
        await node.until(lambda: stops_qty(node) == whole == node.position(), "its full stop")
        assert entries(node) == []

    play(scene, tmp_path)


def test_an_entry_that_is_filled_to_the_end_before_its_cancel_arrives_is_closed(tmp_path):
    async def scene(node):
        entry = await half_filled(node)
        at_the_first("DELETE", ORDER, lambda: part(node, Decimal(1)), node)

        await pulled(node, KillLevel.FLATTEN)

        assert await venues_word(node, entry) == ("FILLED", Decimal("0.010"))
        assert (node.position(), node.working()) == (0, set())

    play(scene, tmp_path)
