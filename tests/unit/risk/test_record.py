"""The record: what a person has said to the latch is never written over by what trips."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.__main__ import main
from risk.journal import Journal
from risk.judge import Judge
from risk.kills import ACCOUNT, Kill, KillLevel, Scope
from risk.latch import Latch
from risk.record import Record
from risk.trading_state import TradingState
from tests.risk_builders import BTC, ETH, T0, make_judge

SHOCK = "PRICE_SHOCK: observed=600, limit=500"
HALT = Kill(KillLevel.HALT, ACCOUNT, "ada", "I say so", "command", T0)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[tuple[Judge, Record]]:
    judge = make_judge()
    journal = Journal(tmp_path / "journal.jsonl", sync="flush")
    record = Record(journal, Latch(tmp_path / "latch.json"), is_persistent=True)
    record.attach(judge, {}, "hash", T0)
    yield judge, record
    journal.close()


def resume(record: Record, *options: str) -> None:
    said = ["--by", "ada", "--reason", "I say so", "--yes", *options]
    assert main(["resume", "--state", str(record.latch.path.parent), *said]) == 0


def test_a_halt_by_a_person_outlives_a_breaker_that_trips_right_after(
    node: tuple[Judge, Record],
) -> None:
    judge, record = node
    Latch(record.latch.path).add_kill(HALT)

    judge.trip(TradingState.REDUCING, SHOCK, T0)

    assert judge.state.state is TradingState.HALTED
    state, causes, *_ = Latch(record.latch.path).read()
    assert state is TradingState.HALTED
    assert {cause.split(":")[0] for cause in causes} == {"PRICE_SHOCK", "KILLED_HALT"}


def test_a_breaker_that_trips_right_after_a_resume_stays_tripped(
    node: tuple[Judge, Record],
) -> None:
    judge, record = node
    judge.trip(TradingState.REDUCING, "DAILY_LOSS: observed=0.04, limit=0.03", T0)
    resume(record, "--take-losses")

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
    path.with_suffix(".end").unlink()

    after, journal = make_judge(), Journal(path, sync="flush")
    Record(journal, Latch(record.latch.path), is_persistent=True).attach(after, {}, "hash", T0)

    journal.close()
    assert after.state.state is TradingState.HALTED


def test_figures_outlive_a_broken_journal_that_was_moved_away(node: tuple[Judge, Record]) -> None:
    judge, record = node
    judge.look_at_losses(T0)
    record.keep_figures(judge, T0)
    kept = record.keep.read()
    record.journal.close()
    path = record.journal.path
    path.unlink()
    path.with_suffix(".end").unlink()

    journal = Journal(path, sync="flush")
    after = Record(journal, Latch(record.latch.path), is_persistent=True)
    after.attach(make_judge(), {}, "hash", T0)

    journal.close()
    assert kept is not None
    assert after.figures == kept


def test_a_trip_whose_latch_cannot_be_written_is_written_as_soon_as_it_can(
    node: tuple[Judge, Record],
) -> None:
    judge, record = node
    blocker = record.latch.path.with_suffix(f".{os.getpid()}.part")
    blocker.mkdir()
    judge.trip(TradingState.HALTED, SHOCK, T0)
    assert Latch(record.latch.path).read()[0] is TradingState.ACTIVE

    blocker.rmdir()
    record.sync(judge, T0)

    state, causes, by, *_ = Latch(record.latch.path).read()
    assert (state, causes[0], by) == (TradingState.HALTED, SHOCK, "breaker")
    assert causes[1].startswith("JOURNAL_FAILED: ")


def test_a_resume_while_no_node_ran_is_journalled_once_by_the_next(
    node: tuple[Judge, Record],
) -> None:
    judge, record = node
    judge.trip(TradingState.HALTED, SHOCK, T0)
    record.journal.close()
    resume(record)

    for _ in range(2):
        after, journal = make_judge(), Journal(record.journal.path, sync="flush")
        Record(journal, Latch(record.latch.path), is_persistent=True).attach(after, {}, "hash", T0)
        journal.close()

    rows = [json.loads(line) for line in record.journal.path.read_text().splitlines()]
    resumed = [row["data"] for row in rows if "RESUMED" in str(row["data"].get("cause"))]
    assert resumed == [
        {"previous": "HALTED", "state": "ACTIVE", "cause": "RESUMED account: I say so", "by": "ada"}
    ]
    assert after.state.state is TradingState.ACTIVE


def test_a_node_that_runs_obeys_a_resume_of_one_symbol_and_keeps_the_rest(
    node: tuple[Judge, Record],
) -> None:
    judge, record = node
    judge.trip(TradingState.REDUCING, SHOCK, T0)
    judge.kill(HALT._replace(scope=Scope("symbol", BTC)))
    judge.kill(HALT._replace(scope=Scope("symbol", ETH)))

    resume(record, "--scope", f"symbol:{BTC}")
    record.sync(judge, T0)

    assert [str(kill.scope) for kill in judge.state.kills] == [f"symbol:{ETH}"]
    assert judge.state.state is TradingState.REDUCING
    view = Latch(record.latch.path).read()
    assert (view.resumed, [str(kill.scope) for kill in view.kills]) == ((), [f"symbol:{ETH}"])


def test_a_node_that_runs_obeys_a_resume_of_the_account_and_keeps_the_rest(
    node: tuple[Judge, Record],
) -> None:
    judge, record = node
    judge.trip(TradingState.REDUCING, SHOCK, T0)
    judge.kill(HALT)
    judge.kill(HALT._replace(scope=Scope("symbol", BTC)))

    resume(record, "--scope", "account")
    record.sync(judge, T0)

    assert (judge.state.state, judge.state.causes) == (TradingState.ACTIVE, [])
    assert [str(kill.scope) for kill in judge.state.kills] == [f"symbol:{BTC}"]
    assert [kill.scope for kill in Latch(record.latch.path).read().kills] == [Scope("symbol", BTC)]


@pytest.mark.parametrize("scope", [ACCOUNT, Scope("symbol", BTC)])
def test_a_node_refuses_to_take_back_what_it_has_not_finished(
    node: tuple[Judge, Record], scope: Scope
) -> None:
    judge, record = node
    flatten = HALT._replace(level=KillLevel.FLATTEN, scope=scope)
    judge.kill(flatten)
    judge.kill(HALT._replace(scope=Scope("symbol", ETH)))
    before = judge.state.state
    judge.unfinished = lambda: [flatten]
    other = Latch(record.latch.path)
    other.write(
        TradingState.ACTIVE, (), by="ada", reason="in a hurry", ts_ns=T0,
        resumed=("account", f"symbol:{BTC}", f"symbol:{ETH}"), was="HALTED",
    )  # fmt: skip

    record.sync(judge, T0)

    assert (judge.state.state, len(judge.state.kills)) == (before, 2)
    assert [text.split(":")[0] for _, text in judge.alarms] == ["RESUME_REFUSED"]
    view = other.read()
    assert (view.state, view.kills, view.resumed) == (before, tuple(judge.state.kills), ())

    judge.unfinished = list
    other.write(
        TradingState.ACTIVE, (), by="ada", reason="flat by now", ts_ns=T0 + 1,
        resumed=("account", f"symbol:{BTC}", f"symbol:{ETH}"), was="HALTED",
    )  # fmt: skip
    record.sync(judge, T0)

    assert (judge.state.state, judge.state.kills) == (TradingState.ACTIVE, [])


def test_kills_outlive_a_restart(node: tuple[Judge, Record]) -> None:
    judge, record = node
    judge.kill(HALT._replace(level=KillLevel.FLATTEN))
    judge.kill(HALT._replace(scope=Scope("symbol", BTC)))
    record.journal.close()

    after, journal = make_judge(), Journal(record.journal.path, sync="flush")
    Record(journal, Latch(record.latch.path), is_persistent=True).attach(after, {}, "hash", T0)
    journal.close()

    assert after.state.kills == judge.state.kills
    assert after.state.state is TradingState.HALTED


def test_a_kill_that_was_latched_by_the_venues_symbol_stops_its_instrument(
    node: tuple[Judge, Record],
) -> None:
    judge, record = node
    kill = HALT._replace(scope=Scope("symbol", BTC.partition("-")[0]))
    Latch(record.latch.path).add_kill(kill)

    for _ in range(2):  # The second time it stands there as it was understood.
        record.sync(judge, T0)

        assert judge.state.governing(BTC, "S-1")[0] is TradingState.HALTED
        assert judge.state.governing(ETH, "S-1")[0] is TradingState.ACTIVE


def test_a_kill_that_is_written_while_a_breaker_trips_resumes_nothing(
    node: tuple[Judge, Record],
) -> None:
    judge, record = node
    on_btc = HALT._replace(scope=Scope("symbol", BTC))
    other = Latch(record.latch.path)
    other.read()
    judge.trip(TradingState.HALTED, SHOCK, T0)

    # Whoever had read the latch before the trip, and writes it after.
    other.write(TradingState.ACTIVE, (), by="ada", reason="no", ts_ns=T0, kills=(on_btc,))
    record.sync(judge, T0)

    assert judge.state.state is TradingState.HALTED
    assert judge.state.kills == [on_btc]


def test_a_kill_outlives_a_node_that_writes_at_the_same_moment(
    node: tuple[Judge, Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, record = node
    write, started = Latch.write, threading.Event()
    direct = threading.Thread(
        target=lambda: (started.set(), Latch(record.latch.path).add_kill(HALT))
    )

    def write_slowly(latch: Latch, *args: object, **more: object) -> None:
        if latch is record.latch and not started.is_set():
            direct.start()
            direct.join(0.05)  # The node has looked at the file, and has not written it yet.
        write(latch, *args, **more)

    monkeypatch.setattr(Latch, "write", write_slowly)
    judge.trip(TradingState.REDUCING, SHOCK, T0)
    direct.join()
    record.sync(judge, T0)

    assert judge.state.kills == [HALT]
    assert Latch(record.latch.path).read().kills == (HALT,)
    assert {c.split(":")[0] for c in judge.state.causes} == {"PRICE_SHOCK", "KILLED_HALT"}


def test_words_that_no_file_takes_hinder_neither_the_kill_nor_the_latch(
    node: tuple[Judge, Record],
) -> None:
    judge, record = node
    text = record.latch.path.read_text()
    kills = json.dumps([HALT._replace(by="\ud800", reason="\udfff").row()])
    halted = text.replace("ACTIVE", "HALTED").replace('"kills": []', f'"kills": {kills}')
    record.latch.path.write_text(halted)

    record.sync(judge, T0)
    judge.trip(TradingState.HALTED, "ODD: observed=\ud800, limit=words", T0)

    assert judge.state.state is TradingState.HALTED
    assert [kill.level for kill in judge.state.kills] == [KillLevel.HALT]
    causes = [cause.split(":")[0] for cause in Latch(record.latch.path).read().causes]
    assert causes == ["KILLED_HALT", "LATCHED", "ODD", "JOURNAL_FAILED"]
