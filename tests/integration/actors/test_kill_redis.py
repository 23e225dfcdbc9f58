"""The kill switch over a real Redis: pulled, lost, back, and never taken back."""

import asyncio
import json
import signal

import pytest

from actors.redis_link import CHANNEL, KEY, RedisLink, latch_key
from risk.latch import LatchView
from tests.kill_kit import killable
from tests.redis_kit import PASSWORD, RedisServer, redis_server

ETH = "ETHUSDT-PERP.BINANCE"


def link_to(server: RedisServer, *, holds: bool = True) -> RedisLink:
    return RedisLink(server.url, holds, lambda: PASSWORD)


def hold_of(node) -> str | None:
    denial = node.guard.gate.judge.holds.denial(node.node.kernel.clock.timestamp_ns())
    return None if denial is None else denial.reason.code


def kills_of(node) -> list[tuple[str, str]]:
    return [(k.level.name, str(k.scope)) for k in node.guard.gate.judge.state.kills]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("SET", KEY, "1"), ("FLATTEN", "account")),
        (("SET", KEY, "HALT the news"), ("HALT", "account")),
        (("SET", f"{KEY}:TESTER-001", "REDUCE"), ("REDUCE", "account")),
        (
            ("SET", KEY, json.dumps({"level": "HALT", "scope": f"symbol:{ETH}"})),
            ("HALT", f"symbol:{ETH}"),
        ),
        (("PUBLISH", CHANNEL, "HALT at once"), ("HALT", "account")),
        (("PUBLISH", CHANNEL, '{"trader_id": "TESTER-001"}'), ("FLATTEN", "account")),
    ],
)
def test_redis_pulls_the_switch(tmp_path, words, expected):
    async def main():
        async with (
            redis_server(tmp_path / "redis") as server,
            killable(tmp_path, redis=link_to(server)) as node,
        ):
            await node.until(lambda: hold_of(node) is None, "redis to be heard")

            server.cli(*words)

            await node.until(lambda: kills_of(node) == [expected], "the kill")
            await node.until(
                lambda: expected[1] in server.cli("GET", latch_key("TESTER-001")), "its latch"
            )
            view = LatchView.decode(server.cli("GET", latch_key("TESTER-001")))
            assert [(k.level.name, str(k.scope)) for k in view.kills] == [expected]

    asyncio.run(main())


def test_a_kill_for_another_trader_is_not_heard(tmp_path):
    async def main():
        async with (
            redis_server(tmp_path / "redis") as server,
            killable(tmp_path, redis=link_to(server)) as node,
        ):
            await node.until(lambda: hold_of(node) is None, "redis to be heard")

            server.cli("SET", f"{KEY}:OTHER-001", "1")
            server.cli("PUBLISH", CHANNEL, '{"trader_id": "OTHER-001"}')
            server.cli("PUBLISH", CHANNEL, "REDUCE for everybody")

            await node.until(lambda: kills_of(node), "the last message")
            assert kills_of(node) == [("REDUCE", "account")]

    asyncio.run(main())


def test_a_key_that_is_deleted_takes_no_kill_back(tmp_path):
    async def main():
        async with (
            redis_server(tmp_path / "redis") as server,
            killable(tmp_path, redis=link_to(server)) as node,
        ):
            server.cli("SET", KEY, "HALT")
            await node.until(lambda: kills_of(node), "the kill")

            server.cli("DEL", KEY)
            server.cli("SET", KEY, "0")
            server.cli("PUBLISH", CHANNEL, f'{{"scope": "symbol:{ETH}", "level": "HALT"}}')

            await node.until(lambda: len(kills_of(node)) == 2, "a later message")
            assert node.state == "HALTED"

    asyncio.run(main())


def test_a_lost_redis_holds_new_risk_until_it_is_back_and_takes_no_kill_back(tmp_path):
    async def main():
        async with (
            redis_server(tmp_path / "redis") as server,
            killable(tmp_path, redis=link_to(server)) as node,
        ):
            await node.until(lambda: hold_of(node) is None, "redis to be heard")
            server.cli("SET", KEY, json.dumps({"level": "HALT", "scope": f"symbol:{ETH}"}))
            await node.until(lambda: kills_of(node), "the kill")

            await server.kill()

            await node.until(lambda: hold_of(node) == "REDIS_LOST", "the hold")
            assert kills_of(node) == [("HALT", f"symbol:{ETH}")]
            node.switch.pull(
                node.switch.level, by="ann", reason="while it is away", source="command"
            )
            await server.start()
            await node.until(lambda: hold_of(node) is None, "redis to be back")
            latch = LatchView.decode(server.cli("GET", latch_key("TESTER-001")))
            assert {str(kill.scope) for kill in latch.kills} == {"account", f"symbol:{ETH}"}
            assert node.kinds().count("REDIS_LOST") == 1
            assert node.kinds().count("REDIS_BACK") == 1

    asyncio.run(main())


def test_a_redis_that_hangs_is_lost(tmp_path):
    async def main():
        async with (
            redis_server(tmp_path / "redis") as server,
            killable(tmp_path, redis=link_to(server)) as node,
        ):
            await node.until(lambda: hold_of(node) is None, "redis to be heard")

            server.send(signal.SIGSTOP)

            await node.until(lambda: hold_of(node) == "REDIS_LOST", "the hold")

    asyncio.run(main())


def test_a_redis_without_memory_is_lost_and_heard_all_the_same(tmp_path):
    async def main():
        async with (
            redis_server(tmp_path / "redis") as server,
            killable(tmp_path, redis=link_to(server)) as node,
        ):
            await node.until(lambda: hold_of(node) is None, "redis to be heard")
            server.cli("SET", KEY, json.dumps({"level": "HALT", "scope": f"symbol:{ETH}"}))
            await node.until(lambda: kills_of(node), "the kill")
            server.cli("CONFIG", "SET", "maxmemory", "1")

            server.cli("PUBLISH", CHANNEL, "REDUCE no memory")

            await node.until(lambda: len(kills_of(node)) == 2, "the kill")
            await node.until(lambda: hold_of(node) == "REDIS_LOST", "the hold")

    asyncio.run(main())


def test_where_losing_it_is_ignored_a_lost_redis_is_an_alarm_and_no_hold(tmp_path):
    async def main():
        async with (
            redis_server(tmp_path / "redis") as server,
            killable(tmp_path, redis=link_to(server, holds=False)) as node,
        ):
            await node.until(lambda: hold_of(node) is None, "redis to be heard")

            await server.kill()

            await node.until(lambda: node.alarms("REDIS_LOST"), "the alarm")
            assert hold_of(node) is None

    asyncio.run(main())


@pytest.mark.parametrize(("holds", "hold"), [(True, "REDIS_LOST"), (False, None)])
def test_a_node_whose_redis_is_not_there_starts(tmp_path, holds, hold):
    async def main():
        nowhere = RedisLink("redis://127.0.0.1:1/0", holds)
        async with killable(tmp_path, redis=nowhere) as node:
            told = node.kinds if holds else (lambda: node.alarms("REDIS_LOST"))
            await node.until(told, "the loss to be told")
            assert hold_of(node) == hold

    asyncio.run(main())


def test_a_wrong_password_is_a_lost_redis_and_is_not_shown(tmp_path):
    async def main():
        async with redis_server(tmp_path / "redis") as server:
            wrong = RedisLink(server.url, True, lambda: "not-the-password")
            async with killable(tmp_path, redis=wrong) as node:
                await node.until(lambda: node.kinds() == ["REDIS_LOST"], "the loss")
                assert hold_of(node) == "REDIS_LOST"
                assert "not-the-password" not in repr(wrong) + node.events[0].text

    asyncio.run(main())


def test_a_restart_on_another_disk_stays_killed(tmp_path):
    async def main():
        async with redis_server(tmp_path / "redis") as server:
            async with killable(tmp_path / "first", redis=link_to(server)) as node:
                server.cli("SET", KEY, "HALT the news")
                await node.until(lambda: kills_of(node), "the kill")
                server.cli("DEL", KEY)
                await node.until(
                    lambda: "HALT" in server.cli("GET", latch_key("TESTER-001")), "its latch"
                )
            await server.kill()
            await server.start()

            async with killable(tmp_path / "second", redis=link_to(server)) as node:
                await node.until(lambda: kills_of(node) == [("HALT", "account")], "the kill")
                assert node.state == "HALTED"

    asyncio.run(main())
