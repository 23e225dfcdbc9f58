"""The latch: the trading state survives, and what is no latch is never taken for one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from risk.kills import ACCOUNT, Kill, KillLevel
from risk.latch import Latch, LatchError, LatchView
from risk.trading_state import TradingState
from tests.risk_builders import T0

KILL = Kill(KillLevel.HALT, ACCOUNT, "ada", "I say so", "command", T0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "latch.json"


def write(latch: Latch, state: TradingState = TradingState.HALTED) -> None:
    latch.write(state, ["LOSS: observed=2, limit=1"], by="breaker", reason="LOSS", ts_ns=T0)


@pytest.mark.parametrize("state", TradingState)
def test_what_was_written_is_read_by_the_next_process(path: Path, state: TradingState) -> None:
    write(Latch(path), state)

    assert Latch(path).read() == LatchView(
        state, ("LOSS: observed=2, limit=1",), "breaker", "LOSS", ts_ns=T0
    )


def test_no_file_means_that_nothing_ever_tripped(path: Path) -> None:
    assert Latch(path).read() == LatchView(TradingState.ACTIVE, (), "", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"state": "OPEN", "causes": [], "by": "", "reason": ""}',
        '{"state": "ACTIVE", "by": "", "reason": ""}',
        '{"state": "ACTIVE", "causes": null, "by": "", "reason": ""}',
        '{"state": 0, "causes": [], "by": "", "reason": ""}',
        '{"causes": [], "by": "", "reason": ""}',
    ],
)
def test_what_is_no_latch_is_an_error_that_names_the_file(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)

    with pytest.raises(LatchError, match=r"latch\.json: is no latch, so trading counts as HALTED"):
        Latch(path).read()


def test_bytes_that_are_no_text_are_no_latch(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(LatchError, match="is no latch"):
        Latch(path).read()


def test_a_file_that_is_there_and_cannot_be_looked_at_is_no_latch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(path.name)  # leads to itself

    with pytest.raises(LatchError, match=r"latch\.json: is no latch, so trading counts as HALTED"):
        Latch(path).read()

    assert Latch(path).exists()


def test_a_write_replaces_the_file_as_a_whole(path: Path) -> None:
    latch = Latch(path)
    write(latch, TradingState.ACTIVE)
    reader = path.open(encoding="utf-8")
    write(latch)

    with reader:
        assert '"ACTIVE"' in reader.read(), "who opened the old file reads the old state"
    assert Latch(path).read()[0] is TradingState.HALTED
    assert [p.name for p in path.parent.iterdir()] == ["latch.json"]


def test_a_write_that_fails_leaves_the_old_state(path: Path) -> None:
    latch = Latch(path)
    write(latch)
    path.with_suffix(f".{os.getpid()}.part").mkdir()

    with pytest.raises(LatchError, match=r"latch\.json: cannot be written"):
        write(latch, TradingState.ACTIVE)

    assert latch.read()[0] is TradingState.HALTED


def test_somebody_elses_write_is_noticed_and_ones_own_is_not(path: Path) -> None:
    node, command = Latch(path), Latch(path)
    write(node)
    assert not node.is_changed()

    write(command, TradingState.ACTIVE)
    later = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(later, later))
    assert node.is_changed()

    node.read()
    assert not node.is_changed()


def test_a_file_that_was_taken_away_is_noticed(path: Path) -> None:
    latch = Latch(path)
    write(latch)
    path.unlink()

    assert latch.is_changed()


def test_a_write_of_the_same_tick_of_the_clock_is_noticed(path: Path) -> None:
    node, command = Latch(path), Latch(path)
    write(node)
    tick = path.stat().st_mtime_ns
    write(command)
    os.utime(path, ns=(tick, tick))

    assert node.is_changed()


def test_a_write_that_comes_right_after_ones_own_is_noticed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, command, replace = Latch(path), Latch(path), Path.replace

    def replace_twice(part: Path, target: Path) -> None:
        replace(part, target)
        monkeypatch.undo()
        write(command)

    path.parent.mkdir()
    monkeypatch.setattr(Path, "replace", replace_twice)
    write(node, TradingState.ACTIVE)

    assert node.is_changed()


def test_a_writer_that_was_stopped_in_the_middle_keeps_no_kill_out(path: Path) -> None:
    stopped, command = Latch(path), Latch(path)
    path.parent.mkdir()

    with stopped.alone() as is_first, command.alone() as is_second:
        assert (is_first, is_second) == (True, False)
        command.add_kill(KILL)

    assert Latch(path).read().kills == (KILL,)
