"""A real node and the signals that pull its kill switch: in the midst of an entry, and while it starts."""

import asyncio
import signal
from pathlib import Path

from risk.latch import Latch
from tests.node_process import FILLED, NodeProcess, node_process
from tests.venue_kit import until


def hears(process_id: int, number: signal.Signals) -> bool:
    """Return whether a process catches a signal, by the system's word."""
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    caught = next(line for line in lines if line.startswith("SigCgt:")).split()[1]
    return bool(int(caught, 16) >> (number - 1) & 1)


def causes(node: NodeProcess) -> list[str]:
    return [row["cause"].split(":")[0] for row in node.records("state")]


def test_sigusr1_in_a_partly_filled_entry_cancels_the_rest_and_leaves_the_full_stop(tmp_path):
    async def main() -> None:
        async with node_process(tmp_path) as node:
            await node.half_filled()
            stops = node.stops()

            node.process.send_signal(signal.SIGUSR1)
            await node.until(lambda: not node.entries(), "the rest of the entry to be gone")
            await node.until(lambda: node.kills() and node.kills()[0]["entries_ns"], "its word")
            node.process.send_signal(signal.SIGUSR1)
            await node.beats(4)

            assert (node.position(), node.stops()) == (FILLED, stops)
            (kill,) = node.kills()
            assert (kill["level"], kill["scope"], kill["by"], kill["source"]) == (
                "HALT", "account", "SIGUSR1", "signal",
            )  # fmt: skip
            assert set(causes(node)) == {"KILLED_HALT"}

            run = await node.end()
            assert run.code == 70, run.stdout
            assert "trading is HALTED: KILLED_HALT" in " ".join(run.stdout.split())
            assert (node.position(), node.stops(), node.entries()) == (FILLED, stops, [])
            assert Latch(node.state.latch).read().kills[0].source == "signal"

    asyncio.run(main())


def test_sigusr1_while_a_node_starts_is_obeyed_before_it_sends_anything(tmp_path):
    async def main() -> None:
        async with node_process(tmp_path) as node:
            await until(lambda: hears(node.process.pid, signal.SIGUSR1), 60, "its ears")
            assert not node.state.path.exists()  # So early.

            node.process.send_signal(signal.SIGUSR1)

            await node.until(lambda: node.kills() and node.kills()[0]["entries_ns"], "its word")
            await node.until(
                lambda: "TRADING_HALTED" in node.state.journal.read_text(), "the entry to be denied"
            )
            assert node.entries() == []
            assert causes(node) == ["KILLED_HALT"]
            run = await node.end()
            assert run.code == 70, run.stdout
            assert node.position() == 0

    asyncio.run(main())
