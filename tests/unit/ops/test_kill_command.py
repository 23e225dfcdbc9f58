"""`python -m ops kill` where no node answers: latched for the next start, and said loudly."""

import io
import json
import os

import pytest

from actors.snapshot import KillLine
from ops.__main__ import main
from ops.pulling import is_answer
from risk.folder_lock import hold
from risk.kills import ACCOUNT, Kill, KillLevel
from risk.latch import Latch
from risk.state_machine import SAME_PULL_NS
from tests.node_folder import BTC, enliven, folder_of

T0 = 1_700_000_000_000_000_000


@pytest.mark.parametrize("level", list(KillLevel))
def test_without_a_node_a_kill_is_latched_for_the_next_start_and_not_called_done(
    tmp_path, capsys, level
):
    folder = folder_of(tmp_path)
    said = ["--state", str(folder.path), "--by", "ann", "--reason", "news"]

    assert main(["kill", level.name, "--scope", f"symbol:{BTC}", *said]) == 70

    kill = Latch(folder.latch).read().kills[0]
    assert (kill.level, str(kill.scope), kill.by, kill.reason) == (
        level, f"symbol:{BTC}", "ann", "news",
    )  # fmt: skip
    assert json.loads(folder.kill.read_text())["level"] == level.name
    told = capsys.readouterr().out
    assert "NO LIVING NODE" in told
    assert f"kill --direct {level.name} --scope symbol:{BTC} --state {folder.path}" in told


def test_without_a_level_the_profile_says_which(tmp_path):
    folder = folder_of(tmp_path, level="REDUCE")

    main(["kill", "--state", str(folder.path)])

    assert Latch(folder.latch).read().kills[0].level is KillLevel.REDUCE


@pytest.mark.parametrize(
    ("words", "level"),
    [
        ((), KillLevel.HALT),
        (("REDUCE",), KillLevel.REDUCE),
        (("--environment", "demo"), KillLevel.HALT),
    ],
)
def test_a_direct_kill_without_a_level_takes_the_profiles_too(tmp_path, monkeypatch, words, level):
    folder = folder_of(tmp_path, level="HALT")
    monkeypatch.chdir(tmp_path)  # There are no keys here, so that it blocks and no more.

    assert main(["kill", "--direct", "--state", str(folder.path), *words]) == 78

    assert Latch(folder.latch).read().kills[0].level is level


@pytest.mark.parametrize("section", [None, {"level": None}, {"level": "STOP"}])
def test_a_profile_that_names_no_level_means_the_strongest(tmp_path, section):
    folder = folder_of(tmp_path)
    table = json.loads(folder.node.read_text())
    table["profile"]["kill"] = section
    folder.node.write_text(json.dumps(table))

    main(["kill", "--state", str(folder.path)])

    assert Latch(folder.latch).read().kills[0].level is KillLevel.FLATTEN


@pytest.mark.parametrize("word", ["flatten", "Halt", "reduce"])
def test_a_level_is_taken_however_it_is_written(tmp_path, word):
    folder = folder_of(tmp_path)

    assert main(["kill", word, "--state", str(folder.path)]) == 70

    assert Latch(folder.latch).read().kills[0].level is KillLevel[word.upper()]


@pytest.mark.parametrize("options", [["--scope", "everything"], []])
def test_a_kill_of_nothing_is_bad_usage(tmp_path, capsys, options):
    where = ["--state", str(folder_of(tmp_path).path)] if options else []

    assert main(["kill", "HALT", *where, *options]) == 78
    assert "bad argument" in capsys.readouterr().out


def test_a_kill_that_names_nothing_here_says_that_nothing_is_stopped(tmp_path, capsys):
    folder = folder_of(tmp_path)

    assert main(["kill", "HALT", "--state", str(folder.path), "--scope", "symbol:BTCUSD"]) == 78

    assert f"NOTHING IS STOPPED; known are symbol:{BTC}" in capsys.readouterr().out
    assert not folder.kill.exists()


def test_a_symbol_as_the_venue_writes_it_is_killed_by_its_name_here(tmp_path):
    folder = folder_of(tmp_path)

    main(["kill", "HALT", "--state", str(folder.path), "--scope", "symbol:BTCUSDT"])

    assert str(Latch(folder.latch).read().kills[0].scope) == f"symbol:{BTC}"


@pytest.fixture
def nobody(monkeypatch):
    """Let this user have no name, as in a container."""

    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("words", "by"), [((), f"uid {os.getuid()}"), (("--by", "ann"), "ann")], ids=["nobody", "ann"]
)
def test_a_user_without_a_name_kills_all_the_same(tmp_path, nobody, words, by):
    folder = folder_of(tmp_path)

    assert main(["kill", "HALT", "--state", str(folder.path), *words]) == 70

    assert Latch(folder.latch).read().kills[0].by == by


class Gone(io.TextIOBase):
    """A pipe whose other end has been closed."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")

    flush = write


def test_a_terminal_that_is_gone_hinders_no_kill(tmp_path, monkeypatch):
    folder = folder_of(tmp_path)
    monkeypatch.setattr("sys.stdout", Gone())

    assert main(["kill", "HALT", "--state", str(folder.path)]) == 70

    assert json.loads(folder.kill.read_text())["level"] == "HALT"
    assert Latch(folder.latch).read().kills[0].level is KillLevel.HALT


def test_a_kill_waits_for_no_process_that_only_has_the_number_of_the_node(tmp_path, capsys):
    folder = folder_of(tmp_path)
    enliven(folder)
    with hold(folder.path):
        pass

    assert main(["kill", "HALT", "--state", str(folder.path)]) == 70

    assert f"NO LIVING NODE: the node (pid {os.getpid()}) is dead" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (("FLATTEN", "account", T0), True),
        (
            ("FLATTEN", "account", T0 - SAME_PULL_NS + 1),
            True,
        ),  # one pull with what came just before
        (("FLATTEN", "account", T0 - SAME_PULL_NS), False),  # done before, and verified anew now
        (("HALT", "account", T0), False),
        (("FLATTEN", "symbol:BTCUSDT-PERP.BINANCE", T0), False),
    ],
)
def test_a_flatten_is_answered_by_its_own_line_alone(line, expected):
    level, scope, ts_ns = line
    kill = Kill(KillLevel.FLATTEN, ACCOUNT, "ann", "news", "command", T0)

    assert is_answer(KillLine(level, scope, "ann", "news", "file", ts_ns), kill) is expected


def test_a_halt_is_answered_by_a_flatten_of_any_age():
    kill = Kill(KillLevel.HALT, ACCOUNT, "ann", "news", "command", T0)

    assert is_answer(KillLine("FLATTEN", "account", "bob", "crash", "redis", 1), kill)
