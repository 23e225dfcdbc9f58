"""The switch as a file: when it counts as pulled."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from actors.kill_file import KillFile
from risk.kills import ACCOUNT, Kill, KillLevel

T0 = 1_735_689_600_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "KILL"


def test_no_file_is_no_kill(path: Path) -> None:
    assert KillFile(path, KillLevel.HALT).look(T0) is None


def test_an_empty_file_pulls_at_the_second_look(path: Path) -> None:
    switch = KillFile(path, KillLevel.HALT)
    path.touch()

    assert switch.look(T0) is None
    assert switch.look(T0 + 1) == Kill(
        KillLevel.HALT, ACCOUNT, "file KILL", "no reason given", "file", T0 + 1
    )


def test_a_text_that_follows_an_empty_file_is_what_counts(path: Path) -> None:
    switch = KillFile(path, KillLevel.FLATTEN)
    path.touch()
    switch.look(T0)
    path.write_text("REDUCE a shell makes the file empty first")

    kill = switch.look(T0 + 1)

    assert kill is not None
    assert kill.level is KillLevel.REDUCE


def test_a_text_pulls_at_once_and_only_once(path: Path) -> None:
    switch = KillFile(path, KillLevel.FLATTEN)
    path.write_text("HALT news")

    assert [k and k.level for k in (switch.look(T0), switch.look(T0), switch.look(T0))] == [
        KillLevel.HALT, None, None,
    ]  # fmt: skip


def test_what_is_written_anew_pulls_anew(path: Path) -> None:
    switch = KillFile(path, KillLevel.FLATTEN)
    path.write_text("HALT")
    switch.look(T0)

    path.with_name("new").write_text("FLAT")
    path.with_name("new").replace(path)

    assert switch.look(T0) is not None


def test_a_file_that_is_taken_away_and_put_back_pulls_anew(path: Path) -> None:
    switch = KillFile(path, KillLevel.FLATTEN)
    path.write_text("HALT")
    switch.look(T0)
    path.unlink()

    assert switch.look(T0) is None
    path.write_text("HALT")
    assert switch.look(T0) is not None


@pytest.mark.parametrize("content", [b"\xff\xfe\x00kill", b"{broken"])
def test_a_file_that_makes_no_sense_pulls_at_the_level_of_the_profile(
    path: Path, content: bytes
) -> None:
    path.write_bytes(content)

    kill = KillFile(path, KillLevel.FLATTEN).look(T0)

    assert kill is not None
    assert kill.level is KillLevel.FLATTEN


def test_what_cannot_be_read_pulls_at_the_level_of_the_profile(path: Path) -> None:
    path.mkdir()

    kill = KillFile(path, KillLevel.FLATTEN).look(T0)

    assert kill is not None
    assert (kill.level, kill.reason) == (KillLevel.FLATTEN, "KILL cannot be read: Is a directory")


def test_a_zero_is_not_pulled(path: Path) -> None:
    path.write_text("0\n")

    assert KillFile(path, KillLevel.FLATTEN).look(T0) is None


def test_a_file_of_another_time_zone_or_clock_counts_all_the_same(path: Path) -> None:
    path.write_text("HALT")
    os.utime(path, (0, 0))

    assert KillFile(path, KillLevel.FLATTEN).look(T0) is not None
