"""`python -m risk`: what a person can say to the trading state, and what is refused."""

import json

import pytest

from risk.__main__ import main
from risk.journal import Journal
from risk.latch import Latch, LatchView
from risk.trading_state import TradingState


@pytest.fixture
def latch(tmp_path):
    path = tmp_path / "latch.json"
    Latch(path).write(
        TradingState.REDUCING, ["DAILY_LOSS: observed=0.04, limit=0.03"],
        by="breaker", reason="DAILY_LOSS", ts_ns=1,
    )  # fmt: skip
    return path


def test_state_shows_the_state_and_its_causes(latch, capsys):
    assert main(["state", "--latch", str(latch)]) == 0

    assert capsys.readouterr().out == (
        f"REDUCING (by breaker), {latch}\n  DAILY_LOSS: observed=0.04, limit=0.03\n"
    )


@pytest.mark.parametrize("command", ["state", "resume", "trip"])
def test_a_mistyped_path_does_not_look_like_a_node_that_is_well(tmp_path, capsys, command):
    said = {
        "state": [],
        "resume": ["--by", "ada", "--reason", "r"],
        "trip": ["--by", "ada", "--reason", "r", "--state", "HALTED"],
    }[command]

    assert main([command, "--latch", str(tmp_path / "none" / "latch.json"), *said]) == 1

    assert "no node has written there" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_state_of_a_corrupt_latch_is_refused_as_halted(latch, capsys):
    latch.write_text("{")

    assert main(["state", "--latch", str(latch)]) == 1
    assert "counts as HALTED" in capsys.readouterr().err


def test_resume_shows_what_is_forgotten_and_says_who_and_why(latch, capsys):
    said = ["--by", "ada", "--reason", "loss understood"]

    assert main(["resume", "--latch", str(latch), *said]) == 0

    assert "DAILY_LOSS" in capsys.readouterr().out
    assert Latch(latch).read() == LatchView(TradingState.ACTIVE, (), "ada", "loss understood")


@pytest.mark.parametrize(("by", "reason"), [(" ", "why"), ("ada", "")])
def test_resume_without_a_person_or_a_reason_changes_nothing(latch, by, reason):
    before = latch.read_text()

    assert main(["resume", "--latch", str(latch), "--by", by, "--reason", reason]) == 78

    assert latch.read_text() == before


def test_resume_of_what_is_not_tripped_is_refused(latch):
    main(["resume", "--latch", str(latch), "--by", "ada", "--reason", "once"])
    said = ["--by", "ada", "--reason", "why not"]

    assert main(["resume", "--latch", str(latch), *said]) == 1


def test_resume_of_a_corrupt_latch_needs_a_person_who_says_so(latch, capsys):
    latch.write_text("{")
    said = ["--by", "ada", "--reason", "disk mended"]

    assert main(["resume", "--latch", str(latch), *said]) == 1
    assert latch.read_text() == "{"

    assert main(["resume", "--latch", str(latch), *said, "--unreadable"]) == 0

    assert Latch(latch).read()[0] is TradingState.ACTIVE
    assert "LATCH_UNREADABLE" in capsys.readouterr().out
    assert [path.read_text() for path in latch.parent.glob("*.bad-*")] == ["{"]


def test_trip_tightens_and_keeps_the_causes(latch):
    said = ["--state", "HALTED", "--by", "ada", "--reason", "news"]

    assert main(["trip", "--latch", str(latch), *said]) == 0

    state, causes, by, *_ = Latch(latch).read()
    assert (state, by, len(causes)) == (TradingState.HALTED, "ada", 2)


def test_trip_never_loosens(latch):
    main(["trip", "--latch", str(latch), "--state", "HALTED", "--by", "ada", "--reason", "news"])

    again = ["--state", "REDUCING", "--by", "bob", "--reason", "less"]
    assert main(["trip", "--latch", str(latch), *again]) == 1

    assert Latch(latch).read()[0] is TradingState.HALTED


def test_verify_counts_the_records_and_names_the_line_that_was_changed(tmp_path, capsys):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, sync="flush")
    for number in range(3):
        journal.append("denied", number, {"n": number})
    journal.close()
    assert main(["verify", str(path)]) == 0
    assert "3 records, the chain holds" in capsys.readouterr().out

    lines = path.read_text().splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | {"ts": 99}, separators=(",", ":"))
    path.write_text("\n".join(lines) + "\n")

    assert main(["verify", str(path)]) == 1
    assert "line 2: was changed" in capsys.readouterr().err


def test_verify_sees_records_cut_off_when_it_is_told_the_last_hash(tmp_path, capsys):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, sync="flush")
    for number in range(3):
        journal.append("denied", number, {"n": number})
    journal.close()
    assert main(["verify", str(path), "--expect", journal.last_hash]) == 0

    path.write_text("\n".join(path.read_text().splitlines()[:2]) + "\n")

    assert main(["verify", str(path)]) == 0
    assert main(["verify", str(path), "--expect", journal.last_hash]) == 1
    assert "records are missing" in capsys.readouterr().err


def test_verify_of_nothing_is_no_proof(tmp_path, capsys):
    (tmp_path / "empty.jsonl").touch()

    assert main(["verify", str(tmp_path / "empty.jsonl")]) == 1
    assert main(["verify", str(tmp_path / "none.jsonl")]) == 78
    assert "No such file" in capsys.readouterr().err
