"""The file KILL is taken back only as it was read: no pull is removed that nobody has seen."""

import os

import pytest

from ops.node_files import read_node
from ops.pulled_file import drop, move_aside, put_back, read_pulled
from risk.kills import ACCOUNT, Kill, KillLevel, Scope
from risk.latch import Latch
from tests.node_folder import BTC, folder_of

HALT = Kill(KillLevel.HALT, ACCOUNT, "file KILL", "news", "file", 0)


@pytest.fixture
def folder(tmp_path):
    return folder_of(tmp_path)


def pulled(folder):
    return read_pulled(read_node(folder.path), ())


def names(folder):
    return sorted(path.name for path in folder.path.glob("KILL*"))


def test_a_file_as_it_was_read_is_removed(folder):
    folder.kill.write_text("HALT news")
    seen = pulled(folder)
    assert seen.kill == HALT

    aside = move_aside(folder, seen)
    assert not folder.kill.exists()
    drop(aside)
    assert names(folder) == []


def test_a_file_that_was_moved_aside_is_put_back_as_it_was(folder):
    folder.kill.write_text("HALT news")
    seen = pulled(folder)

    put_back(folder, move_aside(folder, seen))

    assert pulled(folder) == seen
    assert names(folder) == ["KILL"]


@pytest.mark.parametrize("text", ["FLATTEN the market crashes", "HALT news", ""])
def test_a_file_that_was_pulled_since_is_left_as_it_is(folder, text):
    folder.kill.write_text("HALT news")
    os.utime(folder.kill, ns=(5, 5))
    seen = pulled(folder)
    folder.kill.write_text(text)
    before = folder.kill.stat()

    assert move_aside(folder, seen) is None

    after = folder.kill.stat()
    assert (folder.kill.read_text(), after.st_ino, after.st_mtime_ns) == (
        text, before.st_ino, before.st_mtime_ns,
    )  # fmt: skip
    assert names(folder) == ["KILL"]


def test_a_file_that_is_gone_was_taken_back_by_somebody_else(folder):
    folder.kill.write_text("HALT news")
    seen = pulled(folder)
    folder.kill.unlink()

    assert move_aside(folder, seen) is None


def test_a_pull_that_cannot_be_put_back_goes_into_the_latch(folder, monkeypatch):
    folder.kill.write_text("HALT news")
    seen = pulled(folder)
    folder.kill.write_text("FLATTEN older")
    link = os.link

    def pull_first(source, target):  # what another process does in this very moment
        folder.kill.write_text("REDUCE newer")
        link(source, target)

    monkeypatch.setattr("os.link", pull_first)
    assert move_aside(folder, seen) is None

    assert folder.kill.read_text() == "REDUCE newer"
    assert names(folder) == ["KILL"]
    (kill,) = Latch(folder.latch).read().kills
    assert (kill.level, kill.reason) == (KillLevel.FLATTEN, "older")


def test_a_folder_of_that_name_pulls_and_can_be_taken_back(folder):
    folder.kill.mkdir()
    (folder.kill / "x").touch()
    seen = pulled(folder)
    assert seen.kill.level is KillLevel.FLATTEN

    drop(move_aside(folder, seen))
    assert not folder.kill.exists()


@pytest.mark.parametrize("text", ["0", "0\n"])
def test_a_file_that_says_no_is_not_pulled(folder, text):
    folder.kill.write_text(text)

    assert pulled(folder) is None


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("symbol:BTCUSDT", Scope("symbol", BTC)),
        ("symbol:XRPUSDT", ACCOUNT),
        ("strategy:ONE-001", Scope("strategy", "ONE-001")),
    ],
)
def test_the_scope_in_a_file_is_read_as_the_node_reads_it(folder, scope, expected):
    folder.kill.write_text(f'{{"level": "HALT", "scope": "{scope}"}}')

    assert pulled(folder).kill.scope == expected
