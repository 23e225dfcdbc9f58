"""A scope that names nothing here: whoever pulled in a hurry must not have stopped nothing unseen."""

import asyncio
import json

import pytest

from actors.redis_link import CHANNEL, KEY, RedisLink
from tests.hop_kit import BTC
from tests.kill_kit import killable
from tests.redis_kit import PASSWORD, redis_server

OWN = f"{KEY}:TESTER-001"
TYPO = {"level": "HALT", "scope": "symbol:BTCUSDTT"}
NAMED = TYPO | {"trader_id": "TESTER-001"}
SHARED = TYPO | {"scope": "strategy:Theirs-001"}


def play(tmp_path, scene):
    async def main():
        async with redis_server(tmp_path / "redis") as server:
            link = RedisLink(server.url, False, lambda: PASSWORD)
            async with killable(tmp_path, redis=link) as node:
                await scene(server, node)

    asyncio.run(main())


def kills_of(node):
    return [(k.level.name, str(k.scope)) for k in node.guard.gate.judge.state.kills]


def alarms(node):
    return node.alarms("KILL_OF_NOTHING")


@pytest.mark.parametrize(
    "words",
    [
        ("SET", OWN, json.dumps(TYPO)),
        ("SET", OWN, json.dumps(TYPO | {"trader_id": "TESTR-001"})),
        ("SET", KEY, json.dumps(NAMED)),
        ("PUBLISH", CHANNEL, json.dumps(NAMED)),
    ],
    ids=["own key", "own key, mistyped trader", "shared key, named", "message, named"],
)
def test_what_is_for_this_trader_alone_and_names_nothing_stops_its_account(tmp_path, words):
    async def scene(server, node):
        await node.until(lambda: node.switch._redis.is_up, "redis to be heard")

        server.cli(*words)

        await node.until(lambda: kills_of(node), "the kill")
        assert kills_of(node) == [("HALT", "account")]
        assert "symbol:BTCUSDTT is nothing here" in node.guard.gate.judge.state.kills[0].reason

    play(tmp_path, scene)


@pytest.mark.parametrize("words", [("SET", KEY), ("PUBLISH", CHANNEL)])
def test_what_everybody_hears_and_names_nothing_here_is_an_alarm(tmp_path, words):
    """It may be what another trader trades: nothing else here is stopped by it."""

    async def scene(server, node):
        await node.until(lambda: node.switch._redis.is_up, "redis to be heard")

        server.cli(*words, json.dumps(SHARED))

        await node.until(lambda: alarms(node), "the alarm")
        assert "HALT of strategy:Theirs-001" in alarms(node)[0]
        assert "nothing is stopped here" in alarms(node)[0]
        assert node.state == "ACTIVE"

    play(tmp_path, scene)


def test_what_names_something_here_is_that_and_no_alarm(tmp_path):
    async def scene(server, node):
        await node.until(lambda: node.switch._redis.is_up, "redis to be heard")
        strategy = f"strategy:{node.trader.id.value}"

        server.cli("SET", KEY, json.dumps(TYPO | {"scope": "symbol:BTCUSDT"}))
        server.cli("SET", OWN, json.dumps(TYPO | {"scope": strategy}))

        await node.until(lambda: len(kills_of(node)) == 2, "both kills")
        assert set(kills_of(node)) == {("HALT", f"symbol:{BTC.value}"), ("HALT", strategy)}
        assert alarms(node) == []

    play(tmp_path, scene)


def test_the_file_is_this_nodes_and_stops_its_account(tmp_path):
    async def main():
        async with killable(tmp_path) as node:
            node.folder.kill.write_text(json.dumps(TYPO))

            await node.until(lambda: kills_of(node), "the kill")
            assert kills_of(node) == [("HALT", "account")]

    asyncio.run(main())
