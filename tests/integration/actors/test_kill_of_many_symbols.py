"""A whole node with positions, stops, targets and entries on six symbols, killed at once or in part."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from risk.kills import KillLevel, Scope
from tests.whole_kit import SIX, Whole, instrument_of, whole_node

ONE = SIX[2]


def play(scene: Callable[[Whole], Awaitable[None]], folder: Path) -> None:
    async def main() -> None:
        async with whole_node(folder) as node:
            await node.full()
            await scene(node)

    asyncio.run(main())


async def until_flat(node: Whole) -> None:
    lines = node.live.switch.lines
    await node.until(lambda: lines() and all(line.flat_ns for line in lines()), "verified flat")


def test_a_flatten_of_the_account_leaves_nothing_on_any_symbol(tmp_path):
    async def scene(node: Whole) -> None:
        node.pull(KillLevel.FLATTEN)
        await until_flat(node)

        assert node.held() == node.stops() == {}
        assert node.entries() == node.targets() == set()
        assert node.live.guard.gate.judge.state.state.name == "HALTED"

    play(scene, tmp_path)


@pytest.mark.parametrize("kind", ["symbol", "strategy"])
def test_a_flatten_of_one_leaves_everything_on_the_others(tmp_path, kind):
    async def scene(node: Whole) -> None:
        before, resting = node.held(), node.working(ONE)
        names = {"symbol": instrument_of(ONE).value, "strategy": node.desks[ONE].id.value}

        node.pull(KillLevel.FLATTEN, Scope(kind, names[kind]))
        await until_flat(node)

        assert node.held() == {key: before[key] for key in SIX if key != ONE}
        assert node.stops() == node.held()
        assert node.working() == resting
        denied, taken = node.desks[ONE].buy("0.98").first, node.desks[SIX[0]].buy("0.98").first
        await node.until(lambda: denied.is_closed and taken.is_open, "a denial, and an entry")
        assert denied.status_string() == "DENIED"
        assert resting < node.working(ONE) == node.working()
        assert node.live.guard.gate.judge.state.state.name == "ACTIVE"

    play(scene, tmp_path)
