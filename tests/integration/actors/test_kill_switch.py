"""What a pull of the kill switch does at the venue."""

import asyncio

from risk.kills import KillLevel
from tests.kill_kit import killable


def test_an_empty_file_pulls_the_switch_at_the_level_of_the_profile(tmp_path):
    async def main():
        async with killable(tmp_path) as node:
            await node.protected()
            entry = await node.resting()

            node.folder.kill.touch()

            await node.until(lambda: node.lines and node.lines[0].flat_ns, "it to be flat")
            assert (node.position(), node.working()) == (0, set())
            assert node.cache.order(entry.client_order_id).status_string() == "CANCELED"
            assert node.state == "HALTED"
            assert node.alarms("KILL_DONE")

    asyncio.run(main())


def test_halt_cancels_entries_and_leaves_stop_and_target(tmp_path):
    async def main():
        async with killable(tmp_path) as node:
            await node.protected()
            bracket = node.working()
            await node.resting()

            node.switch.pull(KillLevel.HALT, by="ann", reason="news", source="command")

            await node.until(lambda: node.lines and node.lines[0].done_ns, "entries to be gone")
            assert node.working() == bracket
            assert node.state == "HALTED"

    asyncio.run(main())
