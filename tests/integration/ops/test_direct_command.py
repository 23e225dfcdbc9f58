"""``python -m ops kill --direct`` as a person runs it: a process, its lines, its exit code."""

import asyncio
import json
import os
import subprocess
import sys

import pytest

from actors.redis_link import RedisLink, switch_keys
from ops.direct.command import find_where
from ops.direct.where import REST_URLS, WhereError, from_node
from risk.kills import Scope
from risk.latch import Latch
from risk.state_dir import StateDir
from tests.direct_kit import full_account, run
from tests.redis_kit import PASSWORD, redis_server
from tests.venue_kit import ROOT
from tests.watchdog_kit import write_node

NO_PROCESS = 2**22 + 1
BARE = """
import sys
sys.modules["nautilus_trader"] = None  # Importing it fails from here on.
from ops.__main__ import main
code = main(sys.argv[1:])
sys.exit(code)
"""


async def command(*arguments, code=BARE, **environment):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, "kill", "--direct", *map(str, arguments),
        cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def test_a_node_is_killed_by_its_state_folder_where_nautilus_is_not_installed(tmp_path):
    async def scene():
        async with full_account() as full:
            write_node(StateDir(tmp_path), full, pid=1)

            code, out, err = await command("FLATTEN", "--state", tmp_path, "--quiet-time", "0.1")

            assert (code, err) == (0, "")
            assert "DONE: FLATTEN of account, verified twice" in out
            assert full.left == (0, 0, 0)
            assert Latch(tmp_path / "latch.json").read().kills[0].source == "direct"

    run(scene)


def test_a_key_and_an_address_are_enough():
    async def scene():
        async with full_account() as full:
            own = full.venue.keys.of("main")
            keys = {"BINANCE_API_KEY": own.key, "BINANCE_API_SECRET": own.secret}
            where = ("--venue", full.venue.rest_url, "--quiet-time", "0.1")

            code, out, err = await command("HALT", *where, "--json", **keys)

            report = json.loads(out)
            assert code == report["exit_code"] == 0
            assert report["is_verified"]
            assert report["level"] == "HALT"
            assert report["last_cancel_ms"] < report["confirmed_ms"]
            assert "verified: nothing is left" in err
            assert own.secret not in out + err
            assert full.left == (1, 0, 1)

    run(scene)


def test_what_is_left_is_said_item_by_item(tmp_path):
    async def scene():
        async with full_account() as full:
            write_node(StateDir(tmp_path), full, pid=1)
            full.venue.fault("refused", {"on": "order:MARKET"})

            code, out, _ = await command("FLATTEN", "--state", tmp_path, "--deadline", "1")

            assert code == 70
            assert "LEFT: position +0.010 BTCUSDT" in out
            assert "LEFT: stop_market reduce-only order" in out
            assert "NOT DONE: 2 things are left" in out

    run(scene)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing says where"),
        (("--state", "{}"), "node.json: cannot be read"),
        (("--venue", "http://example.com"), "must name a loopback address"),
        (
            ("--venue", "http://127.0.0.1:9", "--scope", "strategy:X-1"),
            "known are none: give --state",
        ),
        (("--venue", "http://127.0.0.1:9", "--scope", "everything"), "must be account"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(tmp_path, arguments, said):
    keys = {"BINANCE_API_KEY": "k", "BINANCE_API_SECRET": "s"}
    given = [word.format(tmp_path) for word in arguments]

    code, _, err = asyncio.run(command("HALT", *given, **keys))

    assert code == 78
    assert said in err


@pytest.mark.parametrize(
    "scope", ["symbol:BTCUSTD", "symbol:ETHUSDT-PERP.BINANCE", "strategy:Ema-002"]
)
def test_a_scope_that_the_node_does_not_know_is_refused_and_nothing_is_latched(tmp_path, scope):
    async def scene():
        async with full_account() as full:
            state = StateDir(tmp_path)
            write_node(state, full, pid=1)

            code, out, err = await command("FLATTEN", "--scope", scope, "--state", tmp_path)

            assert (code, out) == (78, "")
            assert f"scope = {scope}: names nothing here, NOTHING IS STOPPED; known are " in err
            assert "symbol:BTCUSDT-PERP.BINANCE" in err
            assert full.left == (1, 3, 1)
            assert not state.latch.exists()

    run(scene)


@pytest.mark.parametrize("name", ["BTCUSDT", "btcusdt", "BTCUSDT-PERP.BINANCE"])
def test_a_symbol_is_latched_and_noted_flat_by_its_name_in_the_node(tmp_path, name):
    async def scene():
        async with full_account() as full:
            state = StateDir(tmp_path)
            write_node(state, full, pid=NO_PROCESS)
            words = ("--state", tmp_path, "--quiet-time", "0.1")

            code, out, _ = await command("FLATTEN", "--scope", f"symbol:{name}", *words)

            assert code == 0
            assert "DONE: FLATTEN of symbol:BTCUSDT-PERP.BINANCE" in out
            assert full.left == (0, 0, 0)
            kill = Latch(state.latch).read().kills[0]
            flat = json.loads(state.kills.read_text())[0]
            assert str(kill.scope) == flat["scope"] == "symbol:BTCUSDT-PERP.BINANCE"
            assert flat["flat_ns"] is not None

    run(scene)


def test_a_symbol_that_neither_venue_nor_account_knows_is_refused_before_anything_is_done(tmp_path):
    async def scene():
        async with full_account() as full:
            own = full.venue.keys.of("main")
            keys = {"BINANCE_API_KEY": own.key, "BINANCE_API_SECRET": own.secret}
            where = ("--venue", full.venue.rest_url, "--state", tmp_path, "--quiet-time", "0.1")

            code, out, err = await command("FLATTEN", "--scope", "symbol:BTCUSTD", *where, **keys)

            assert code == 78
            assert "scope = symbol:BTCUSTD: names nothing here, NOTHING IS STOPPED" in err
            assert "verified" not in out
            assert full.left == (1, 3, 1)
            assert not StateDir(tmp_path).latch.exists()

    run(scene)


def test_a_direct_kill_waits_for_no_package_that_it_does_not_need():
    code = "import sys, ops.__main__, ops.commands.kill, ops.direct.command; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)

    needless = {"nautilus_trader", "msgspec", "pydantic", "redis", "numpy", "pandas", "getpass"}
    assert needless.isdisjoint(loaded.stdout.decode().split())


def test_keys_go_to_their_environments_hosts_alone(tmp_path):
    table = {
        "pid": 1, "trader_id": "T-1", "mode": "live", "environment": "live", "symbols": [],
        "rest_url": "https://fapi.binance.example", "strategies": {}, "profile": {}, "keys": None,
    }  # fmt: skip
    StateDir(tmp_path).node.write_text(json.dumps(table))

    with pytest.raises(WhereError, match=r"environment = 'live' must be https://fapi.binance.com"):
        from_node(tmp_path)


def test_an_environment_stands_for_the_engines_own_address():
    from nautilus_trader.adapters.binance.common.enums import BinanceEnvironment
    from nautilus_trader.adapters.binance.common.urls import get_http_base_url

    from adapters.config import ACCOUNT_TYPE

    for name, url in REST_URLS.items():
        engine = get_http_base_url(ACCOUNT_TYPE, BinanceEnvironment[name.upper()], is_us=False)
        assert url == engine


@pytest.mark.parametrize(
    ("text", "symbol"),
    [("account", None), ("symbol:BTCUSDT-PERP.BINANCE", "BTCUSDT"), ("symbol:btcusdt", "BTCUSDT")],
)
def test_a_scope_comes_down_to_the_venues_symbol(text, symbol):
    where = find_where(None, "demo", None)

    assert where.symbol_of(Scope.parse(text)) == symbol


def test_a_paper_node_is_only_blocked(tmp_path):
    async def scene():
        async with full_account() as full:
            state = StateDir(tmp_path)
            write_node(state, full, pid=1)
            state.node.write_text(state.node.read_text().replace('"rehearsal"', '"paper"'))

            code, out, _ = await command("FLATTEN", "--state", tmp_path)

            assert code == 0
            assert "LATCHED, AND NO MORE: FLATTEN of account; the account is simulated" in out
            assert "DONE" not in out
            assert "verified" not in out
            assert full.left == (1, 3, 1)
            assert Latch(state.latch).read().kills

            code, out, _ = await command("FLATTEN", "--state", tmp_path, "--json")

            told = json.loads(out)
            assert (code, told["is_true"], told["is_verified"]) == (0, True, False)

    run(scene)


def test_the_switch_is_pulled_in_redis_too(tmp_path):
    async def scene():
        async with full_account() as full, redis_server(tmp_path / "redis") as redis:
            link = RedisLink(redis.url, True, lambda: PASSWORD)

            report = await full.kill(trader_id="T-001", redis=link)

            told = json.loads(redis.cli("GET", switch_keys("T-001")[1]))
            assert report.is_true
            assert full.said("latched in Redis") == 1
            assert (told["level"], told["trader_id"]) == ("FLATTEN", "T-001")

    run(scene)


def test_a_redis_that_is_away_is_said_and_hinders_nothing():
    async def scene():
        async with full_account() as full:
            report = await full.kill(redis=RedisLink("redis://127.0.0.1:1/0", True))

            assert report.is_true
            assert full.said("NOT IN REDIS") == 1

    run(scene)


def test_keys_are_in_no_line_of_a_kill():
    async def scene():
        async with full_account() as full:
            own = full.venue.keys.of("main")
            full.venue.fault("reply_lost", {"on": "any", "count": 4})

            report = await full.kill()

            said = "\n".join(full.lines) + json.dumps(report.row())
            assert own.secret not in said
            assert own.key not in said
            assert "signature" not in said

    run(scene)


def test_a_folder_without_a_node_is_latched_all_the_same(tmp_path):
    code, out, err = asyncio.run(command("FLATTEN", "--state", tmp_path))

    assert code == 78
    assert "node.json: cannot be read" in err
    assert "nothing is canceled or closed" in out
    assert Latch(StateDir(tmp_path).latch).read().kills


def test_without_keys_and_without_a_folder_nothing_is_called_latched():
    code, out, _ = asyncio.run(command("FLATTEN", "--venue", "http://127.0.0.1:9"))

    assert code == 78
    assert "no state folder is known, so no latch; nothing is canceled or closed" in out


def test_without_keys_a_kill_blocks_and_no_more(tmp_path):
    async def scene():
        async with full_account() as full:
            state = StateDir(tmp_path)
            write_node(state, full, pid=1)
            (tmp_path / "keys.env").chmod(0o644)

            code, _, err = await command("FLATTEN", "--state", tmp_path)

            assert code == 78
            assert "must be 0600" in err
            assert full.left == (1, 3, 1)
            assert Latch(state.latch).read().kills  # Blocked all the same.

    run(scene)
