"""A journal that cannot be written trips, latched as far as that can be written; exits go on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from risk.journal import Journal, read
from risk.judge import Judge
from risk.latch import Latch
from risk.record import Record
from risk.trading_state import TradingState
from tests.risk_builders import BTC, T0, D, bracket, make_exit, make_judge, reason_of


@pytest.fixture
def node(tmp_path: Path) -> Iterator[tuple[Judge, Record]]:
    """Return a judge whose decisions go to a journal on the disk."""
    judge = make_judge()
    journal = Journal(tmp_path / "journal.jsonl", sync="flush")
    record = Record(journal, Latch(tmp_path / "latch.json"), is_persistent=True)
    record.attach(judge, {}, "hash", T0)
    yield judge, record
    journal.close()


def break_journal(record: Record) -> None:
    record.journal.close()


def test_a_journal_that_fails_trips_reducing_and_the_latch_keeps_it(node) -> None:
    judge, record = node
    break_journal(record)

    record.ended(judge, "O-1", T0)

    assert judge.state.state is TradingState.REDUCING
    (cause,) = judge.state.causes
    assert cause.startswith("JOURNAL_FAILED: observed=")
    view = Latch(record.latch.path).read()
    assert (view.state, view.causes) == (TradingState.REDUCING, (cause,))


def test_it_trips_once_however_often_it_fails(node) -> None:
    judge, record = node
    break_journal(record)

    for _ in range(5):
        record.ended(judge, "O-1", T0)

    assert len(judge.state.transitions) == 1


def test_neither_journal_nor_latch_can_be_written_and_trading_is_reducing_all_the_same(
    node,
) -> None:
    judge, record = node
    break_journal(record)
    record.latch.path.with_suffix(f".{os.getpid()}.part").mkdir()

    record.ended(judge, "O-1", T0)

    assert judge.state.state is TradingState.REDUCING
    assert Latch(record.latch.path).read().state is TradingState.ACTIVE
    record.latch.path.with_suffix(f".{os.getpid()}.part").rmdir()
    record.sync(judge, T0)
    assert Latch(record.latch.path).read().state is TradingState.REDUCING


def test_exits_pass_and_a_resume_does_not_let_in_what_cannot_be_written_down(node) -> None:
    judge, record = node
    judge.account.symbol(BTC).position_qty += D(1)
    break_journal(record)
    record.ended(judge, "O-1", T0)

    assert judge.submit((make_exit(),), {}, T0) is None
    assert reason_of(bracket(judge)) == "TRADING_REDUCING"

    judge.resume(by="ada", reason="a bigger disk", now_ns=T0)
    assert reason_of(bracket(judge)) == "JOURNAL_UNAVAILABLE"


def test_figures_that_cannot_be_kept_trip_as_well(node) -> None:
    judge, record = node
    judge.look_at_losses(T0)
    record.keep.path.with_suffix(".part").mkdir()

    record.keep_figures(judge, T0)

    assert judge.state.causes[0].startswith("JOURNAL_FAILED: observed=")
    assert judge.state.state is TradingState.REDUCING


def test_a_journal_that_is_written_trips_nothing(node) -> None:
    judge, record = node

    record.ended(judge, "O-1", T0)
    record.keep_figures(judge, T0)
    record.journal.close()

    assert judge.state.state is TradingState.ACTIVE
    assert [r["type"] for r in read(record.journal.path)] == ["profile", "ended"]
