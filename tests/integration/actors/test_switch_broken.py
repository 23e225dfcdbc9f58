"""A kill switch that cannot do its work halts: nobody must believe that it could be pulled."""

import asyncio

from actors.redis_link import RedisLink, latch_key
from risk.trading_state import TradingState
from tests.kill_kit import killable
from tests.redis_kit import PASSWORD, redis_server


def causes(node) -> list[str]:
    return [cause.split(":")[0] for cause in node.guard.gate.judge.state.causes]


def test_a_switch_that_fails_halts_and_still_takes_a_pull(tmp_path, monkeypatch):
    async def main():
        async with killable(tmp_path) as node:

            def fail() -> None:
                raise ArithmeticError("a kill of nothing")

            monkeypatch.setattr(node.switch, "_tend", fail)
            await node.until(lambda: node.state == "HALTED", "the halt")
            assert causes(node) == ["KILL_SWITCH_BROKEN"]

            node.folder.kill.touch()
            await node.until(lambda: node.guard.gate.judge.state.kills, "the pull")

    asyncio.run(main())


def test_a_switch_that_looks_on_and_on_halts_nothing(tmp_path):
    async def main():
        async with killable(tmp_path) as node:
            looks = 0
            look = node.switch.look

            def counted() -> None:
                nonlocal looks
                looks += 1
                look()

            node.switch.look = counted
            await node.until(lambda: looks > 5, "several looks")

            assert node.guard.gate.judge.state.state is TradingState.ACTIVE

    asyncio.run(main())


def test_a_latch_in_redis_that_cannot_be_read_may_have_been_a_halt(tmp_path):
    async def main():
        async with redis_server(tmp_path / "redis") as server:
            server.cli("SET", latch_key("TESTER-001"), '{"state": "ACT')
            link = RedisLink(server.url, True, lambda: PASSWORD)

            async with killable(tmp_path, redis=link) as node:
                await node.until(lambda: node.state == "HALTED", "the halt")

                assert "REDIS_LATCH_UNREADABLE" in causes(node)

    asyncio.run(main())
