"""A Redis that has forgotten, and a disk that has: whichever still knows of a kill is obeyed."""

import asyncio

import pytest

from actors.redis_link import KEY, RedisLink, latch_key
from risk.latch import LatchView
from risk.trading_state import TradingState
from tests.kill_kit import killable
from tests.redis_kit import PASSWORD, RedisServer, redis_server

LATCH = latch_key("TESTER-001")


def link_to(server: RedisServer) -> RedisLink:
    return RedisLink(server.url, True, lambda: PASSWORD)


def hold_of(node) -> str | None:
    denial = node.guard.gate.judge.holds.denial(node.node.kernel.clock.timestamp_ns())
    return None if denial is None else denial.reason.code


def kills_of(node) -> list[tuple[str, str]]:
    return [(k.level.name, str(k.scope)) for k in node.guard.gate.judge.state.kills]


def kept(server: RedisServer) -> LatchView | None:
    text = server.cli("GET", LATCH)
    return LatchView.decode(text) if text else None


def test_a_redis_that_forgot_everything_takes_no_kill_back_and_is_told_anew(tmp_path):
    async def main():
        async with (
            redis_server(tmp_path / "redis") as server,
            killable(tmp_path, redis=link_to(server)) as node,
        ):
            await node.until(lambda: hold_of(node) is None, "redis to be heard")
            server.cli("SET", KEY, "HALT the news")
            await node.until(lambda: kills_of(node), "the kill")

            server.cli("FLUSHALL")

            await node.until(lambda: kept(server) is not None, "its latch to be back in redis")
            assert kept(server).state is TradingState.HALTED
            assert [kill.level.name for kill in kept(server).kills] == ["HALT"]
            assert (kills_of(node), node.state) == ([("HALT", "account")], "HALTED")

    asyncio.run(main())


def test_a_kill_on_the_disk_outlives_a_restart_beside_an_empty_redis(tmp_path):
    async def main():
        async with redis_server(tmp_path / "redis") as server:
            async with killable(tmp_path, redis=link_to(server)) as node:
                await node.until(lambda: hold_of(node) is None, "redis to be heard")
                server.cli("SET", KEY, "HALT the news")
                await node.until(lambda: kills_of(node), "the kill")
            server.cli("FLUSHALL")

            async with killable(tmp_path, redis=link_to(server)) as node:
                assert (kills_of(node), node.state) == ([("HALT", "account")], "HALTED")
                await node.until(lambda: kept(server) is not None, "its latch in redis")
                assert kept(server).state is TradingState.HALTED

    asyncio.run(main())


@pytest.mark.parametrize(
    ("state", "expected"), [("HALTED", "HALTED"), ("REDUCING", "REDUCING"), ("ACTIVE", "ACTIVE")]
)
def test_a_latch_in_redis_is_obeyed_without_a_cause(tmp_path, state, expected):
    async def main():
        async with redis_server(tmp_path / "redis") as server:
            view = LatchView(TradingState[state], by="ann", reason="the news", ts_ns=1)
            server.cli("SET", LATCH, view.encode())

            async with killable(tmp_path, redis=link_to(server)) as node:
                await node.until(lambda: hold_of(node) is None, "redis to be heard")

                assert node.state == expected

    asyncio.run(main())
