"""What losses are measured from outlives a run, so that a restart is no way out of a limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from risk.breakers import NS_PER_DAY, LossMarks
from risk.figures import Figures
from risk.intent import BUY
from risk.judge import Judge
from risk.keep import Keep, KeepError
from risk.trading_state import TradingState
from tests.risk_builders import (
    BTC,
    SECOND,
    T0,
    D,
    enter,
    make_judge,
    make_limits,
    make_order,
    make_stop,
    reason_of,
    submit,
)  # fmt: skip

KEY = ("S-1", BTC, BUY)


def started(figures: Figures | None, *, balance: object, is_same_account: bool = True) -> Judge:
    """Return the judge of a node that was started again."""
    judge = make_judge(
        make_limits(daily_loss_ratio_max=D("0.05"), drawdown_ratio_max=D("0.2")), balance=balance
    )
    judge.is_measuring = False
    if figures is not None:
        judge.count_from(figures)
    assert judge.measure_from(figures, is_same_account=is_same_account)
    return judge


def lost(judge: Judge, amount: object, now_ns: int = T0) -> Figures:
    """Let the account lose *amount* by funding and return the figures after it."""
    judge.look_at_losses(now_ns)
    judge.account.balance -= D(amount)
    judge.on_funding(-D(amount), now_ns)
    figures = judge.figures()
    assert figures is not None
    return figures


def test_the_loss_of_the_day_goes_on_after_a_restart() -> None:
    figures = lost(started(None, balance=1_000), 40)

    again = started(figures, balance=960)
    lost(again, 10, T0 + SECOND)
    assert again.state.state is TradingState.ACTIVE
    lost(again, "0.01", T0 + 2 * SECOND)

    assert again.state.state is TradingState.REDUCING
    assert again.state.causes == ["DAILY_LOSS: observed=0.05001, limit=0.05"]


def test_on_another_day_its_loss_begins_anew_and_the_drawdown_does_not() -> None:
    figures = lost(started(None, balance=1_000), 40)

    again = started(figures, balance=960)
    lost(again, 10, T0 + NS_PER_DAY)

    assert again.state.state is TradingState.ACTIVE
    readings = {reading.key: reading.observed for reading in again.losses()}
    assert readings["drawdown"] == D("0.05")
    assert readings["daily_loss"] == D(10) / D(960)


def test_what_was_lost_while_the_node_was_down_counts() -> None:
    figures = lost(started(None, balance=1_000), 40)

    again = started(figures, balance=949)
    again.look_at_losses(T0 + SECOND)

    assert again.state.causes == ["DAILY_LOSS: observed=0.051, limit=0.05"]


def test_money_that_was_paid_in_meanwhile_is_no_profit() -> None:
    figures = lost(started(None, balance=1_000), 40)

    again = started(figures, balance=5_000)
    lost(again, 11, T0 + SECOND)

    assert again.state.causes == ["DAILY_LOSS: observed=0.051, limit=0.05"]


def test_a_paper_account_that_is_opened_anew_keeps_the_result_alone() -> None:
    figures = lost(started(None, balance=1_000), -100)

    again = started(figures, balance=1_000, is_same_account=False)
    again.look_at_losses(T0 + SECOND)

    assert again.state.state is TradingState.ACTIVE
    assert again.account.pnl() == D(100)


def test_a_loss_that_a_person_resumed_from_while_the_node_was_down_is_forgotten() -> None:
    judge = started(None, balance=1_000)
    figures = lost(judge, 60)
    assert figures.is_tripped

    again = started(figures, balance=940)
    again.look_at_losses(T0 + SECOND)

    assert again.state.state is TradingState.ACTIVE
    assert again.account.pnl() == 0


def test_a_loss_within_its_limit_outlives_a_kill_that_was_resumed_while_the_node_was_down() -> None:
    judge = started(None, balance=1_000)
    lost(judge, 40)
    judge.trip(TradingState.HALTED, "KILLED_HALT: observed=ann, limit=no pull", T0)
    figures = judge.figures()

    again = started(figures, balance=960)
    lost(again, 11, T0 + SECOND)

    assert [cause.split(":")[0] for cause in again.state.causes] == ["DAILY_LOSS"]


def test_fills_of_before_are_no_loss_of_today() -> None:
    judge = make_judge(balance=1_000)
    judge.is_measuring = False
    judge.on_fill(BTC, "old-1", side=BUY, qty=D(5), px=D(200), fee_usdt=D(1), now_ns=T0)
    judge.on_fill(BTC, "old-2", side=-BUY, qty=D(4), px=D(100), fee_usdt=D(1), now_ns=T0)
    assert judge.state.state is TradingState.ACTIVE

    assert judge.measure_from(None, is_same_account=True)
    judge.look_at_losses(T0)

    readings = {reading.key: reading.observed for reading in judge.losses()}
    assert readings["daily_loss"] == readings["drawdown"] == 0


def test_losses_wait_for_an_equity_that_is_known() -> None:
    judge = make_judge(balance=1_000)
    judge.is_measuring = False
    judge.account.balance = None

    assert not judge.measure_from(None, is_same_account=True)
    assert judge.figures() is None


def test_repeated_entries_are_counted_on() -> None:
    limits = make_limits(repeated_entries_max=2)
    judge = make_judge(limits)
    enter(judge)
    judge.look_at_losses(T0)
    figures = judge.figures()
    assert figures.entries == {KEY: (T0,)}

    again = make_judge(limits)
    again.count_from(figures)
    enter(again, client_order_id="O-new")
    third = make_order(client_order_id="O-newer")

    assert reason_of(submit(again, third, make_stop(third))) == "REPEATED_EXECUTION"


# -- the file --------------------------------------------------------------------------------------


def figures_of(day: int = 1) -> Figures:
    marks = LossMarks(day, D("-1.5"), D(1000), D("0.1"))
    return Figures(marks, D("-2"), D("998.25"), True, {KEY: (T0, T0 + 1)})


def test_the_file_gives_back_what_was_written(tmp_path: Path) -> None:
    keep = Keep(tmp_path / "state" / "figures.json")

    keep.write(None)
    assert keep.read() is None
    keep.write(figures_of())

    assert Keep(keep.path).read() == figures_of()


def test_the_file_is_left_alone_when_nothing_is_new(tmp_path: Path) -> None:
    keep = Keep(tmp_path / "figures.json")
    keep.write(figures_of())
    keep.path.unlink()

    keep.write(figures_of())
    assert not keep.path.exists()
    keep.write(figures_of(day=2))

    assert keep.read() == figures_of(day=2)


@pytest.mark.parametrize("text", ["", "{}x", '{"figures": [1]}', '{"figures": [[1,2], "a"]}'])
def test_a_torn_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "figures.json"
    path.write_text(text)

    with pytest.raises(KeepError, match=r"figures\.json: holds no figures of an earlier run"):
        Keep(path).read()
