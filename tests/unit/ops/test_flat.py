"""Who kills from outside and sees the account flat says so where a resume looks for it."""

import json
import os

import pytest

from ops.direct.flat import write_flat
from ops.node_files import read_kills
from risk.kills import ACCOUNT, Kill, KillLevel, Scope
from risk.latch import Latch
from risk.state_dir import StateDir

BTC = Scope("symbol", "BTCUSDT-PERP.BINANCE")


@pytest.fixture
def folder(tmp_path):
    """Return a state folder with an open FLATTEN of the account, one of BTC, and a HALT."""
    latch = Latch(tmp_path / "latch.json")
    for level, scope, ts_ns in (
        (KillLevel.FLATTEN, ACCOUNT, 1),
        (KillLevel.FLATTEN, BTC, 2),
        (KillLevel.HALT, Scope("strategy", "Ema-001"), 3),
    ):
        latch.add_kill(Kill(level, scope, "ann", "news", "direct", ts_ns))
    return StateDir(tmp_path)


def flat(folder):
    return {line.scope: line.flat_ns for line in read_kills(folder)}


def test_a_flat_account_ends_every_flatten_and_no_other_kill(folder):
    assert write_flat(folder.path, ACCOUNT, 9) is None

    assert flat(folder) == {"account": 9, str(BTC): 9, "strategy:Ema-001": None}


def test_a_flat_symbol_ends_its_own_flatten_alone(folder):
    write_flat(folder.path, BTC, 9)

    assert flat(folder) == {"account": None, str(BTC): 9, "strategy:Ema-001": None}


def test_what_the_node_has_noted_before_stays(folder):
    write_flat(folder.path, BTC, 8)
    write_flat(folder.path, ACCOUNT, 9)

    lines = {line.scope: line for line in read_kills(folder)}
    assert (lines[str(BTC)].entries_ns, lines[str(BTC)].flat_ns) == (8, 9)


def test_a_node_whose_process_is_there_keeps_its_own_file(folder):
    folder.node.write_text(json.dumps({"pid": os.getpid()}))

    assert write_flat(folder.path, ACCOUNT, 9) is None

    assert not folder.kills.exists()


def test_what_hinders_it_is_told(folder):
    folder.latch.write_text("no latch")

    assert "not noted as flat" in write_flat(folder.path, ACCOUNT, 9)
