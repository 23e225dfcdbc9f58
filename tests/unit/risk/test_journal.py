"""The journal: whoever edits, drops, reorders or tears a line is found at that line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from risk.journal import GENESIS, Journal, JournalError, verify
from risk.journal_end import End, end_path, read_end

Lines = list[bytes]


def write(path: Path, count: int = 4) -> Journal:
    journal = Journal(path, sync="flush")
    for number in range(count):
        journal.append(
            "denied", 1_000 + number, {"text": f"order {number}", "qty": Decimal("1.50")}
        )
    return journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "journal.jsonl"


def test_each_line_is_numbered_and_holds_the_hash_of_the_one_before(path: Path) -> None:
    write(path).close()
    records = [json.loads(line) for line in path.read_text().splitlines()]

    assert [record["seq"] for record in records] == [0, 1, 2, 3]
    assert [record["prev"] for record in records] == [GENESIS, *(r["hash"] for r in records[:-1])]
    assert records[1]["type"] == "denied"
    assert records[1]["ts"] == 1_001
    assert records[1]["data"] == {"text": "order 1", "qty": "1.50"}
    assert verify(path) == (4, records[-1]["hash"])


def test_an_existing_file_is_continued(path: Path) -> None:
    write(path, 2).close()
    write(path, 2).close()

    assert verify(path)[0] == 4


def test_two_writers_never_share_a_file(path: Path) -> None:
    first = write(path, 2)

    with pytest.raises(JournalError, match=r"journal\.jsonl: is in use: one state folder serves"):
        write(path)

    first.close()
    write(path, 2).close()
    assert verify(path)[0] == 4


def test_a_broken_file_is_let_go_of_and_the_way_out_is_named(path: Path) -> None:
    write(path, 2).close()
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(JournalError, match=r"line 2: is torn .* move it away together with"):
        write(path)

    path.rename(path.with_suffix(".broken"))
    end_path(path).rename(end_path(path).with_suffix(".broken-end"))
    write(path, 1).close()
    assert verify(path)[0] == 1


def cut(path: Path, lines: int) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))


@pytest.mark.parametrize("left", [3, 1, 0])
def test_lines_that_are_cut_off_the_end_are_missed(path: Path, left: int) -> None:
    write(path).close()
    cut(path, left)
    before = path.read_bytes()

    wanted = (
        rf"journal\.jsonl: ends with record {left}, the last one was 4 by .*journal\.end .*lost"
    )
    with pytest.raises(JournalError, match=wanted):
        write(path)

    assert path.read_bytes() == before


def test_a_journal_that_is_gone_is_missed_and_not_begun_anew_by_looking(path: Path) -> None:
    write(path).close()
    path.unlink()

    with pytest.raises(JournalError, match=r"journal\.jsonl: is gone, it had 4 records"):
        verify(path)

    assert not path.exists()


def test_lost_lines_are_given_up_by_moving_the_end_away(path: Path) -> None:
    write(path).close()
    cut(path, 3)
    end_path(path).unlink()

    write(path, 1).close()

    assert verify(path)[0] == read_end(path).records == 4


def test_a_torn_line_that_is_dropped_leaves_a_whole_journal_when_nothing_else_is_lost(
    path: Path,
) -> None:
    write(path, 3).close()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"seq":3,"prev":')  # the disk was full within it
    with pytest.raises(JournalError, match="line 4: is torn"):
        verify(path)

    path.write_bytes(whole)

    assert verify(path)[0] == 3


def test_a_torn_line_that_was_whole_once_is_missed_when_it_is_dropped(path: Path) -> None:
    write(path, 3).close()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(JournalError, match="line 3: is torn"):
        verify(path)

    cut(path, 2)

    with pytest.raises(JournalError, match="ends with record 2, the last one was 3"):
        verify(path)


def test_another_record_in_the_place_of_the_last_one_is_found(path: Path) -> None:
    write(path).close()
    cut(path, 3)
    kept = end_path(path).read_bytes()
    end_path(path).unlink()
    journal = Journal(path, sync="flush")
    journal.append("denied", 9, {"text": "another story"})
    journal.close()
    end_path(path).write_bytes(kept)

    with pytest.raises(JournalError, match="line 4: is not the record that was there"):
        verify(path)


def test_the_end_may_be_one_behind_because_a_process_can_die_between_the_two(path: Path) -> None:
    write(path, 3).close()
    kept = end_path(path).read_bytes()
    write(path, 1).close()
    end_path(path).write_bytes(kept)

    write(path, 1).close()

    assert verify(path)[0] == read_end(path).records == 5


@pytest.mark.parametrize("text", ["", "4", "four hash", "\0" * 86])
def test_an_end_that_tells_nothing_is_an_error(path: Path, text: str) -> None:
    write(path).close()
    end_path(path).write_text(text)

    with pytest.raises(JournalError, match=r"journal\.end: does not tell where"):
        verify(path)


def test_the_end_follows_each_record_at_once_but_for_a_backtest(path: Path) -> None:
    journal = write(path, 2)
    assert read_end(path) == End(2, journal.last_hash)
    journal.close()

    Journal(path.with_name("backtest.jsonl"), sync="none").close()
    assert not path.with_name("backtest.end").exists()


def test_an_empty_file_is_the_beginning(path: Path) -> None:
    path.parent.mkdir()
    path.touch()

    assert verify(path) == (0, GENESIS)


def change(lines: Lines, at: int, old: bytes, new: bytes) -> Lines:
    assert old in lines[at]
    return [line.replace(old, new) if i == at else line for i, line in enumerate(lines)]


TAMPERINGS: dict[str, tuple[Callable[[Lines], Lines], int]] = {
    "edited": (lambda lines: change(lines, 1, b"order 1", b"order 9"), 2),
    "edited_time": (lambda lines: change(lines, 2, b"1002", b"1003"), 3),
    "key_added": (lambda lines: change(lines, 1, b'"type"', b'"x":1,"type"'), 2),
    "deleted": (lambda lines: lines[:1] + lines[2:], 2),
    "first_deleted": (lambda lines: lines[1:], 1),
    "reordered": (lambda lines: [lines[0], lines[2], lines[1], lines[3]], 2),
    "repeated": (lambda lines: [*lines[:2], *lines[1:]], 3),
    "torn": (lambda lines: [*lines[:3], lines[3][:-20]], 4),
    "line_end_lost": (lambda lines: [*lines[:3], lines[3].rstrip(b"\n")], 4),
    "blank": (lambda lines: [*lines[:2], b"\n", *lines[2:]], 3),
    "no_object": (lambda lines: [*lines[:2], b"[1]\n", *lines[2:]], 3),
    "no_text": (lambda lines: [*lines[:2], b"\xff\xfe\n", *lines[2:]], 3),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_tampering_is_found_at_its_line(path: Path, tampering: str) -> None:
    tamper, line = TAMPERINGS[tampering]
    write(path).close()
    path.write_bytes(b"".join(tamper(path.read_bytes().splitlines(keepends=True))))

    with pytest.raises(JournalError, match=rf"journal\.jsonl: line {line}: "):
        verify(path)


def test_a_line_that_was_sealed_anew_breaks_the_next_one(path: Path) -> None:
    write(path).close()
    lines = path.read_bytes().splitlines(keepends=True)
    other = path.parent / "other.jsonl"
    forged = Journal(other, sync="flush")
    forged.append("denied", 1_000, {"text": "another story", "qty": "9"})
    forged.close()
    path.write_bytes(other.read_bytes() + b"".join(lines[1:]))

    with pytest.raises(JournalError, match="line 2: breaks the chain"):
        verify(path)


def test_a_broken_file_is_not_continued(path: Path) -> None:
    write(path).close()
    path.write_bytes(path.read_bytes()[:-5])
    before = path.read_bytes()

    with pytest.raises(JournalError, match="line 4"):
        Journal(path, sync="flush")

    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_an_error_with_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(JournalError, match=r"file/journal\.jsonl: cannot be written"):
        Journal(tmp_path / "file" / "journal.jsonl", sync="flush")


@contextmanager
def full_disk(journal: Journal) -> Iterator[None]:
    """Let the open file lead to a device on which nothing fits."""
    number = journal._file.fileno()
    kept, full = os.dup(number), os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, number)
    try:
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)
        os.close(full)


def test_a_full_disk_is_an_error(path: Path) -> None:
    journal = write(path)

    with full_disk(journal), pytest.raises(JournalError, match="cannot be written"):
        journal.append("denied", 1, {})
    journal.close()


def test_a_journal_that_failed_once_takes_nothing_more_and_stays_whole(path: Path) -> None:
    journal = write(path)
    with full_disk(journal), pytest.raises(JournalError):
        journal.append("denied", 1, {})

    with pytest.raises(JournalError, match="cannot be written"):
        journal.append("denied", 2, {})
    journal.close()

    assert verify(path)[0] in (4, 5)


def test_a_closed_journal_cannot_be_written(path: Path) -> None:
    journal = write(path)
    journal.close()

    with pytest.raises(JournalError, match="cannot be written"):
        journal.append("denied", 1, {})


@pytest.mark.parametrize(("sync", "seen"), [("none", 0), ("flush", 1), ("fsync", 1)])
def test_a_record_leaves_the_process_as_the_profile_says(path: Path, sync: str, seen: int) -> None:
    journal = Journal(path, sync=sync)  # type: ignore[arg-type]
    journal.append("denied", 1, {})

    assert verify(path)[0] == seen

    journal.close()
    assert verify(path)[0] == 1


def test_what_is_about_to_leave_is_forced_onto_the_disk_and_what_has_happened_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced: list[int] = []
    monkeypatch.setattr("risk.journal.os.fsync", forced.append)
    with closing(Journal(tmp_path / "journal.jsonl", sync="fsync")) as journal:
        for kind in ("denied", "fill", "ended", "alarm", "venue", "opened", "protection"):
            journal.append(kind, 1, {})
        assert forced == []

        for kind in ("profile", "approved", "released", "state"):
            journal.append(kind, 1, {})
        assert len(forced) == 4
