"""A real node that is stopped: its entry dies at the venue, its stop lives or is put back when it wakes."""

import asyncio
import signal

from tests.node_process import FILLED, NodeProcess, node_process
from venue.engine.options import Options

SHORT = (
    ("countdown_sec = 30", "countdown_sec = 6"),
    ("rearm_sec = 10", "rearm_sec = 2"),
)


def countdown_events(node: NodeProcess) -> int:
    return [row["event"] for row in node.records("venue")].count("COUNTDOWN_FIRED")


async def is_armed(node: NodeProcess) -> None:
    await node.until(lambda: "BTCUSDT" in node.venue.exchange.account("main").countdowns, "arming")


async def stopped_until_it_fires(node: NodeProcess) -> None:
    await is_armed(node)
    node.process.send_signal(signal.SIGSTOP)
    countdowns = node.venue.exchange.account("main").countdowns
    await node.until(lambda: "BTCUSDT" not in countdowns, "the countdown to fire")


async def woken(node: NodeProcess) -> None:
    """Wake the node, and wait until it has heard of it, and its countdown runs again."""
    before = countdown_events(node)
    node.process.send_signal(signal.SIGCONT)
    await node.until(lambda: countdown_events(node) > before, "to be told")
    await node.until(node.is_protected, "a full stop")
    await is_armed(node)
    await node.beats(4)


def test_a_stopped_nodes_entry_dies_and_its_position_has_a_full_stop_when_it_wakes(tmp_path):
    async def main() -> None:
        async with node_process(tmp_path, *SHORT) as node:
            await node.half_filled()
            stops = node.stops()

            await stopped_until_it_fires(node)
            assert node.entries() == []
            assert (node.position(), node.stops()) == (FILLED, stops)
            await woken(node)
            assert (node.position(), node.stops()) == (FILLED, stops)

            node.venue.exchange.options = Options(countdown_cancels_algo=True)
            await stopped_until_it_fires(node)
            assert (node.position(), node.stops()) == (FILLED, {})
            await woken(node)
            assert node.is_protected()
            assert node.stops().keys().isdisjoint(stops)

            run = await node.end()
            assert (run.code, run.stderr) == (0, ""), run.stdout
            assert node.entries() == []
            assert (node.position(), node.is_protected()) == (FILLED, True)

    asyncio.run(main())
