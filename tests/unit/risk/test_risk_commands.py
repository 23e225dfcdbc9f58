"""`python -m risk`: what a person can say to the trading state, and what is refused."""

import json

import pytest

from risk.__main__ import main
from risk.journal import Journal
from risk.latch import Latch
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
        "REDUCING (by breaker)\n  DAILY_LOSS: observed=0.04, limit=0.03\n"
    )


def test_state_of_a_missing_latch_is_active(tmp_path, capsys):
    assert main(["state", "--latch", str(tmp_path / "none.json")]) == 0

    assert capsys.readouterr().out == "ACTIVE\n"


def test_state_of_a_corrupt_latch_is_refused_as_halted(latch, capsys):
    latch.write_text("{")

    assert main(["state", "--latch", str(latch)]) == 1
    assert "counts as HALTED" in capsys.readouterr().err


def test_resume_shows_what_is_forgotten_and_says_who_and_why(latch, capsys):
    said = ["--by", "ada", "--reason", "loss understood"]

    assert main(["resume", "--latch", str(latch), *said]) == 0

    assert "DAILY_LOSS" in capsys.readouterr().out
    assert Latch(latch).read() == (TradingState.ACTIVE, [], "ada", "loss understood")


@pytest.mark.parametrize(("by", "reason"), [(" ", "why"), ("ada", "")])
def test_resume_without_a_person_or_a_reason_changes_nothing(latch, by, reason):
    before = latch.read_text()

    assert main(["resume", "--latch", str(latch), "--by", by, "--reason", reason]) == 78

    assert latch.read_text() == before


def test_resume_of_what_is_not_tripped_is_refused(tmp_path):
    said = ["--by", "ada", "--reason", "why not"]

    assert main(["resume", "--latch", str(tmp_path / "latch.json"), *said]) == 1


def test_resume_of_a_corrupt_latch_is_a_persons_decision(latch, capsys):
    latch.write_text("{")

    assert main(["resume", "--latch", str(latch), "--by", "ada", "--reason", "disk mended"]) == 0

    assert Latch(latch).read()[0] is TradingState.ACTIVE
    assert "LATCH_UNREADABLE" in capsys.readouterr().out


def test_trip_tightens_and_keeps_the_causes(latch):
    said = ["--state", "HALTED", "--by", "ada", "--reason", "news"]

    assert main(["trip", "--latch", str(latch), *said]) == 0

    state, causes, by, _ = Latch(latch).read()
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
