"""`python -m ops resume` where switches are pulled in Redis: one trader's own, and everybody's."""

import asyncio

import pytest

from actors.redis_link import KEY, latch_key
from ops import redis_pull
from ops.__main__ import main
from risk.kills import ACCOUNT, Kill, KillLevel, Scope
from risk.latch import Latch, LatchView
from risk.trading_state import TradingState
from tests.node_folder import BTC, folder_of
from tests.redis_kit import PASSWORD, redis_server

OWN = f"{KEY}:TESTER-001"
HALT = Kill(KillLevel.HALT, ACCOUNT, "ann", "news", "redis", 5)


@pytest.fixture
def killed(tmp_path, monkeypatch):
    """Return how a scene is played: a Redis, and the folder of a trader that was halted over it."""
    monkeypatch.setenv("QUANTMIND_REDIS_PASSWORD", PASSWORD)

    def play(scene, *kills):
        async def run():
            async with redis_server(tmp_path / "redis") as server:
                folder = folder_of(
                    tmp_path, *(kills or (HALT,)), redis_url=server.url, redis_loss="HOLD"
                )
                await asyncio.to_thread(scene, server, folder)

        asyncio.run(run())

    return play


def resume(folder, *options):
    said = ["--state", str(folder.path), "--by", "ada", "--reason", "looked at it", "--yes"]
    return main(["resume", *said, *options])


def state(folder):
    return Latch(folder.latch).read().state


def test_the_traders_own_switch_is_taken_back_and_others_stay(killed):
    def scene(server, folder):
        server.cli("SET", OWN, "HALT news")
        server.cli("SET", f"{KEY}:OTHER-001", "HALT news")

        assert resume(folder) == 0

        assert (server.cli("EXISTS", OWN), server.cli("EXISTS", f"{KEY}:OTHER-001")) == ("0", "1")
        latch = LatchView.decode(server.cli("GET", latch_key("TESTER-001")))
        assert state(folder) is latch.state is TradingState.ACTIVE

    killed(scene)


def test_the_shared_switch_refuses_the_resume_of_one_trader(killed, capsys):
    def scene(server, folder):
        server.cli("SET", KEY, "HALT everybody")
        server.cli("SET", OWN, "HALT this one, too")

        assert resume(folder) == 70

        told = capsys.readouterr().err
        assert f"refused: {KEY} in Redis is pulled for every trader there" in told
        assert "--shared" in told
        assert (server.cli("GET", KEY), server.cli("EXISTS", OWN)) == ("HALT everybody", "1")
        assert state(folder) is TradingState.HALTED

    killed(scene)


def test_who_means_every_trader_says_so_and_is_shown_it(killed, capsys):
    def scene(server, folder):
        server.cli("SET", KEY, "HALT everybody")

        assert resume(folder, "--shared") == 0

        told = capsys.readouterr().out
        assert (
            f"released for EVERY trader of this Redis: {KEY} (HALT of account: everybody)" in told
        )
        assert server.cli("EXISTS", KEY) == "0"
        assert state(folder) is TradingState.ACTIVE

    killed(scene)


def test_a_shared_switch_of_another_scope_stands_in_nobodys_way(killed):
    on_btc = HALT._replace(scope=Scope("symbol", BTC))

    def scene(server, folder):
        server.cli("SET", KEY, '{"level": "HALT", "scope": "symbol:ETHUSDT"}')

        assert resume(folder, "--scope", f"symbol:{BTC}") == 0

        assert server.cli("EXISTS", KEY) == "1"

    killed(scene, on_btc)


def test_a_shared_switch_that_names_another_trader_is_not_this_ones(killed):
    def scene(server, folder):
        server.cli("SET", KEY, '{"level": "HALT", "trader_id": "OTHER-001"}')

        assert resume(folder) == 0

        assert server.cli("EXISTS", KEY) == "1"
        assert state(folder) is TradingState.ACTIVE

    killed(scene)


def test_a_switch_that_is_pulled_in_the_very_moment_is_not_taken_back(killed, monkeypatch, capsys):
    def scene(server, folder):
        server.cli("SET", OWN, "HALT news")
        asked, pulled = [], redis_pull.pulled

        async def pulled_meanwhile(node, link):
            found = await pulled(node, link)
            asked.append(found)
            if len(asked) == 3:  # what another one does between this look and the removal
                server.cli("SET", OWN, "FLATTEN the market crashes")
            return found

        monkeypatch.setattr(redis_pull, "pulled", pulled_meanwhile)
        assert resume(folder) == 70

        assert "refused:" in capsys.readouterr().err
        assert server.cli("GET", OWN) == "FLATTEN the market crashes"
        assert state(folder) is TradingState.HALTED

    killed(scene)
