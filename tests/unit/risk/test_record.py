"""The record: what a person has said to the latch is never written over by what trips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from risk.__main__ import main
from risk.journal import Journal
from risk.judge import Judge
from risk.latch import Latch
from risk.record import Record
from risk.trading_state import TradingState
from tests.risk_builders import T0, make_judge

SHOCK = "PRICE_SHOCK: observed=600, limit=500"
SAID = ["--by", "ada", "--reason", "I say so"]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[tuple[Judge, Record]]:
    judge = make_judge()
    journal = Journal(tmp_path / "journal.jsonl", sync="flush")
    record = Record(journal, Latch(tmp_path / "latch.json"), is_persistent=True)
    record.attach(judge, {}, "hash", T0)
    yield judge, record
    journal.close()


def say(record: Record, *command: str) -> None:
    assert main([command[0], "--latch", str(record.latch.path), *command[1:], *SAID]) == 0


def test_a_halt_by_a_person_outlives_a_breaker_that_trips_right_after(
    node: tuple[Judge, Record],
) -> None:
    judge, record = node
    say(record, "trip", "--state", "HALTED")

    judge.trip(TradingState.REDUCING, SHOCK, T0)

    assert judge.state.state is TradingState.HALTED
    state, causes, *_ = Latch(record.latch.path).read()
    assert state is TradingState.HALTED
    assert {cause.split(":")[0] for cause in causes} == {"PRICE_SHOCK", "TRIPPED_BY_PERSON"}


def test_a_breaker_that_trips_right_after_a_resume_stays_tripped(
    node: tuple[Judge, Record],
) -> None:
    judge, record = node
    judge.trip(TradingState.REDUCING, "DAILY_LOSS: observed=0.04, limit=0.03", T0)
    say(record, "resume")

    judge.trip(TradingState.REDUCING, SHOCK, T0)
    record.sync(judge, T0)

    assert judge.state.state is TradingState.REDUCING
    assert Latch(record.latch.path).read()[0] is TradingState.REDUCING


def test_a_halt_outlives_a_broken_journal_that_was_moved_away(
    node: tuple[Judge, Record],
) -> None:
    judge, record = node
    judge.trip(TradingState.HALTED, SHOCK, T0)
    record.journal.close()
    path = record.journal.path
    path.rename(path.with_suffix(".broken"))

    after, journal = make_judge(), Journal(path, sync="flush")
    Record(journal, Latch(record.latch.path), is_persistent=True).attach(after, {}, "hash", T0)

    journal.close()
    assert after.state.state is TradingState.HALTED


def test_a_trip_whose_latch_cannot_be_written_is_written_as_soon_as_it_can(
    node: tuple[Judge, Record],
) -> None:
    judge, record = node
    blocker = record.latch.path.with_suffix(".part")
    blocker.mkdir()
    judge.trip(TradingState.HALTED, SHOCK, T0)
    assert Latch(record.latch.path).read()[0] is TradingState.ACTIVE

    blocker.rmdir()
    record.sync(judge, T0)

    state, causes, by, *_ = Latch(record.latch.path).read()
    assert (state, causes[0], by) == (TradingState.HALTED, SHOCK, "breaker")
    assert causes[1].startswith("JOURNAL_FAILED: ")
