"""A position that no fill explains is told as a break; one strange answer is not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import GeneratePositionStatusReports

from tests.adapter_kit import BTC, LiveNode, scene
from venue.wire.hooks import Reaction

POSITIONS = "/fapi/v3/positionRisk"


def play(act: Callable[[LiveNode], Awaitable[None]]) -> None:
    async def main() -> None:
        async with scene("ours") as live:
            await live.protected("0.010")
            await act(live)

    asyncio.run(main())


def grown(status: int, rows: Any) -> tuple[int, Any]:
    """Return an answer with twice the position."""
    return status, [row | {"positionAmt": "0.020"} for row in rows]


async def compare(live: LiveNode) -> None:
    """Let the node compare its positions with the venue's, as it does on a timer."""
    clock = live.node.kernel.clock
    await live.exec_client.generate_position_status_reports(
        GeneratePositionStatusReports(
            instrument_id=BTC, start=None, end=None, command_id=UUID4(),
            ts_init=clock.timestamp_ns(),
        )
    )  # fmt: skip


def test_a_position_that_stays_unexplained_is_told_as_a_break():
    async def act(live: LiveNode) -> None:
        live.faults.next_time("GET", POSITIONS, Reaction(rewrite=grown), times=1_000)

        await compare(live)

        alarm = live.alarmed("POSITION_MISMATCH")[0]
        assert alarm.text == (
            "POSITION_MISMATCH: observed=BTCUSDT 0.010 here, limit=0.020 at the venue"
        )

    play(act)


def test_a_strange_answer_that_is_not_repeated_is_no_break():
    async def act(live: LiveNode) -> None:
        live.faults.next_time("GET", POSITIONS, Reaction(rewrite=grown))

        await compare(live)

        assert live.faults.count("GET", POSITIONS) > 1
        assert not live.alarmed("POSITION_MISMATCH")

    play(act)


def test_positions_that_agree_are_no_break():
    async def act(live: LiveNode) -> None:
        await compare(live)

        assert not live.alarms

    play(act)
